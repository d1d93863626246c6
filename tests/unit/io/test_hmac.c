/* SPDX-License-Identifier: Apache-2.0
 * Against the examples of RFC 4231. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "io/hmac.h"

static void test_rfc_4231(void **state)
{
	char hex[HMAC_HEX_SIZE];
	char key[132] = "";
	const char *text = "what do ya want for nothing?";

	(void)state;
	assert_int_equal(hmac_sha256("Jefe", text, strlen(text), hex), 0);
	assert_string_equal(
		hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	/* A key longer than a block. */
	memset(key, 0xaa, 131);
	text = "Test Using Larger Than Block-Size Key - Hash Key First";
	assert_int_equal(hmac_sha256(key, text, strlen(text), hex), 0);
	assert_string_equal(
		hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	assert_int_equal(hmac_sha256("", text, strlen(text), hex), -EIO);
}

static void test_equal(void **state)
{
	(void)state;
	assert_true(hmac_equal("", ""));
	assert_true(hmac_equal("token", "token"));
	assert_false(hmac_equal("token", "tokem"));
	assert_false(hmac_equal("token", "Token"));
	assert_false(hmac_equal("token", "toke"));
	assert_false(hmac_equal("token", "tokens"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc_4231), cmocka_unit_test(test_equal)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
