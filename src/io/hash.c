/* SPDX-License-Identifier: Apache-2.0
 * Hashes by libcrypto. */
#include "io/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

static int hash(const EVP_MD *type, const void *data, size_t len, unsigned char *sum, unsigned size)
{
	unsigned char whole[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!EVP_Digest(data, len, whole, &n, type, NULL) || n != size)
		return -EIO;
	memcpy(sum, whole, n);
	return 0;
}

int hash_md5(const void *data, size_t len, unsigned char sum[static HASH_MD5_SIZE])
{
	return hash(EVP_md5(), data, len, sum, HASH_MD5_SIZE);
}

int hash_sha1(const void *data, size_t len, unsigned char sum[static HASH_SHA1_SIZE])
{
	return hash(EVP_sha1(), data, len, sum, HASH_SHA1_SIZE);
}
