/* SPDX-License-Identifier: Apache-2.0
 * Base64 as RFC 4648 has it, in either of its alphabets. */
#pragma once

#include <stddef.h>

/* Of the first alphabet, with padding. The caller frees *ret. -ENOMEM. */
int base64_encode(const char *s, size_t len, char **ret);
/* Reads either alphabet, with or without padding, into out, which has room for len bytes. -EINVAL
 * for anything else. */
int base64_decode(const char *s, size_t len, char *out, size_t *ret_n);
