/* SPDX-License-Identifier: Apache-2.0
 * Bytes and other bytes. */
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Each byte counts, wherever it stands, and the length. */
static void each_byte_counts(void **state)
{
	char bytes[1000];
	char others[1000];
	struct digest whole;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	whole = digest_of(bytes, sizeof(bytes));
	memcpy(others, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		struct digest d;

		others[i] ^= 1;
		d = digest_of(others, sizeof(others));
		assert_false(digest_same(&d, &whole));
		others[i] ^= 1;
		d = digest_of(others, i);
		assert_false(digest_same(&d, &whole));
		d = digest_of(others, sizeof(others));
		assert_true(digest_same(&d, &whole));
	}
}

static void nothing_is_like_nothing(void **state)
{
	struct digest none = {0};
	struct digest empty = digest_of("", 0);

	(void)state;
	assert_false(digest_same(&none, &none));
	assert_false(digest_same(&none, &empty));
	assert_true(digest_same(&empty, &empty));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_byte_counts),
		cmocka_unit_test(nothing_is_like_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
