/* SPDX-License-Identifier: Apache-2.0
 * What is kept for the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/spares.h"

static void test_the_last_comes_first(void **state)
{
	struct spares s = {0};
	int a = 0;
	int b = 0;

	(void)state;
	assert_null(spares_take(&s));
	if (!spares_keep(&s, &a))
		skip(); /* a sanitizer has each freed */
	assert_true(spares_keep(&s, &b));
	assert_ptr_equal(spares_take(&s), &b);
	assert_ptr_equal(spares_take(&s), &a);
	assert_null(spares_take(&s));
}

static void test_no_more_than_so_many(void **state)
{
	struct spares s = {0};
	int items[SPARES_MOST + 1];

	(void)state;
	if (!spares_keep(&s, &items[0]))
		skip();
	for (size_t i = 1; i < SPARES_MOST; i++)
		assert_true(spares_keep(&s, &items[i]));
	assert_false(spares_keep(&s, &items[SPARES_MOST]));
	assert_ptr_equal(spares_take(&s), &items[SPARES_MOST - 1]);
	assert_true(spares_keep(&s, &items[SPARES_MOST]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_last_comes_first),
		cmocka_unit_test(test_no_more_than_so_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
