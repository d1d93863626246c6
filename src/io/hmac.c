/* SPDX-License-Identifier: Apache-2.0
 * HMAC by libcrypto. */
#include "io/hmac.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

int hmac_sha256(const char *key, const char *data, size_t len, char hex[static HMAC_HEX_SIZE])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	size_t key_len = strlen(key);

	if (key_len == 0 || key_len > INT_MAX ||
		!HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)data, len, sum, &n) ||
		n * 2 + 1 != HMAC_HEX_SIZE)
		return -EIO;
	for (unsigned i = 0; i < n; i++)
		(void)snprintf(hex + (size_t)i * 2, 3, "%02x", sum[i]);
	return 0;
}

bool hmac_equal(const char *a, const char *b)
{
	size_t n = strlen(a);

	return strlen(b) == n && CRYPTO_memcmp(a, b, n) == 0;
}
