/* SPDX-License-Identifier: Apache-2.0
 * Three bytes are four characters. */
#include "base/base64.h"

#include <errno.h>

#include "base/strbuf.h"

int base64_encode(const char *s, size_t len, char **ret)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct strbuf b = {.secret = true}; /* who encodes a password does not say so */

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		unsigned bits = 0;
		char four[] = "====";

		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < n ? (unsigned char)s[i + k] : 0);
		for (size_t k = 0; k < 4 && k <= n; k++)
			four[k] = alphabet[bits >> (18 - 6 * k) & 63];
		strbuf_add(&b, four);
	}
	return strbuf_finish(&b, ret);
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-' || c == '+')
		return 62;
	return c == '_' || c == '/' ? 63 : -1;
}

int base64_decode(const char *s, size_t len, char *out, size_t *ret_n)
{
	unsigned int bits = 0;
	unsigned int n_bits = 0;
	size_t n = 0;

	if (len > 0 && len % 4 == 0 && s[len - 1] == '=')
		len -= s[len - 2] == '=' ? 2 : 1;
	for (size_t i = 0; i < len; i++) {
		int value = value_of(s[i]);

		if (value < 0)
			return -EINVAL;
		bits = (bits << 6 | (unsigned int)value) & 0xffffU;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		out[n++] = (char)(unsigned char)(bits >> n_bits & 0xffU);
	}
	*ret_n = n;
	return 0;
}
