/* SPDX-License-Identifier: Apache-2.0
 * The vectors of RFC 4648, both alphabets, and what is none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/cleanup.h"

static const struct {
	const char *plain;
	const char *form;
} rows[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xfb\xff\xfe", "+//+"},
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		char *form = NULL;
		char plain[16] = "";
		size_t n = 0;

		assert_int_equal(base64_encode(rows[i].plain, strlen(rows[i].plain), &form), 0);
		assert_string_equal(form, rows[i].form);
		assert_int_equal(base64_decode(form, strlen(form), plain, &n), 0);
		assert_int_equal(n, strlen(rows[i].plain));
		assert_memory_equal(plain, rows[i].plain, n);
		free(form);
	}
}

static void test_reads_either(void **state)
{
	char plain[16] = "";
	size_t n = 0;

	(void)state;
	assert_int_equal(base64_decode("-__-", 4, plain, &n), 0);
	assert_memory_equal(plain, "\xfb\xff\xfe", 3);
	assert_int_equal(base64_decode("Zg", 2, plain, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(base64_decode("Zg=", 3, plain, &n), -EINVAL);
	assert_int_equal(base64_decode("Z===", 4, plain, &n), -EINVAL);
	assert_int_equal(base64_decode("Zm 9", 4, plain, &n), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_reads_either),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
