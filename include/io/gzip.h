/* SPDX-License-Identifier: Apache-2.0
 * Bodies in the gzip format, for those who offer it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether an Accept-Encoding header, NULL where there is none, offers gzip. What it says of gzip by
 * name holds, whatever it says of all by '*'. */
bool gzip_offered(const char *accept);

/* Replaces a body, on the heap, by its gzip format; false, and as it was, where that fails or does
 * not pay. */
bool gzip_replace(char **body, size_t *len);
