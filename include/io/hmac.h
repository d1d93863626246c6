/* SPDX-License-Identifier: Apache-2.0
 * Signatures of what is sent. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define HMAC_HEX_SIZE 65

/* HMAC-SHA256 of data as 64 hexadecimal digits. key is not empty. -EIO where the library refuses,
 * hex untouched then. */
int hmac_sha256(const char *key, const char *data, size_t len, char hex[static HMAC_HEX_SIZE]);

/* Whether two texts, HMACs or other hashes, are the same. It takes as long wherever they differ. */
bool hmac_equal(const char *a, const char *b);
