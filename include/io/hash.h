/* SPDX-License-Identifier: Apache-2.0
 * Hashes that others write names with. Neither protects anything. */
#pragma once

#include <stddef.h>

#define HASH_MD5_SIZE 16
#define HASH_SHA1_SIZE 20

/* -EIO where the library refuses (MD5 in FIPS mode), sum untouched then. */
int hash_md5(const void *data, size_t len, unsigned char sum[static HASH_MD5_SIZE]);
int hash_sha1(const void *data, size_t len, unsigned char sum[static HASH_SHA1_SIZE]);
