/* SPDX-License-Identifier: Apache-2.0
 * When things end, and how long that is remembered. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../row.h"
#include "io/expiry.h"

static void test_text(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		usec_t at;
	} rows[] = {
		{"OpenSSL's", "Nov 29 21:04:05 2026 GMT", 1795986245000000U},
		{"one digit", "Jan  1 00:00:01 1970 GMT", 1000000U},
		{"more behind it", "Nov 29 21:04:05 2026 GMT x", 0},
		{"another form", "2026-11-29 21:04:05 GMT", 0},
		{"nothing", "", 0},
	};

	(void)state;
	for_each_row(r, rows) assert_int_equal(expiry_of_text(r->text), r->at);
}

static void test_list(void **state)
{
	struct expiry_list l = {0};
	char name[16];

	(void)state;
	expiry_note(&l, "a", 0, 1); /* nothing is known of it */
	assert_int_equal(l.n, 0);
	expiry_note(&l, "a", 7, 1);
	expiry_note(&l, "b", 8, EXPIRY_KEPT);
	expiry_note(&l, "a", 0, EXPIRY_KEPT);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.items[0].at, 7);
	expiry_note(&l, "a", 9, EXPIRY_KEPT);
	assert_int_equal(l.items[0].at, 9);
	assert_false(expiry_due(&l, "a", EXPIRY_KEPT + USEC_PER_MINUTE));
	assert_true(expiry_due(&l, "a", EXPIRY_KEPT + USEC_PER_MINUTE + 1));
	assert_true(expiry_due(&l, "c", 0));
	/* b is not in use any more, which shows when another one comes. */
	expiry_note(&l, "a", 0, 2 * EXPIRY_KEPT);
	expiry_note(&l, "c", 1, 2 * EXPIRY_KEPT + 1);
	assert_int_equal(l.n, 2);
	for (unsigned i = 0; i < 2 * EXPIRY_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%u", i);
		expiry_note(&l, name, 1, 2 * EXPIRY_KEPT);
	}
	assert_int_equal(l.n, EXPIRY_MAX);
	expiry_clear(&l);
	assert_int_equal(l.n, 0);
}

static void test_file(void **state)
{
	usec_t at = 0;
	char path[] = "/tmp/expiry.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(expiry_of_file(path, &at), -EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(expiry_of_file(path, &at), -ENOENT);
	assert_int_equal(at, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
