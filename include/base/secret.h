/* SPDX-License-Identifier: Apache-2.0
 * What must not stay in memory: passwords, tokens, and texts that hold them. */
#pragma once

#include <stddef.h>

/* Overwrites n bytes so that no compiler leaves it out. NULL is allowed. */
void secret_wipe(char *s, size_t n);

/* Overwrites the whole text, then frees it. NULL is allowed; returns NULL. */
char *secret_free(char *s);
