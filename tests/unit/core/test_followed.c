/* SPDX-License-Identifier: Apache-2.0
 * Which incidents were told of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/notify/followed.h"

static void a_number_is_new_once(void **state)
{
	static const uint64_t numbers[] = {7, 9, 8, 3, 12};
	struct followed f = {0};
	bool is_new;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		assert_non_null(followed_get(&f, numbers[i], &is_new));
		assert_true(is_new);
	}
	followed_get(&f, 8, &is_new)->end_told = true;
	assert_false(is_new);
	for (size_t i = 1; i < f.n; i++)
		assert_true(f.items[i - 1].number < f.items[i].number);
	assert_true(followed_get(&f, 8, &is_new)->end_told);
	assert_false(followed_get(&f, 9, &is_new)->end_told);
	followed_clear(&f);
}

static void what_is_below_is_forgotten(void **state)
{
	struct followed f = {0};
	bool is_new;

	(void)state;
	followed_forget_below(&f, 4);
	for (uint64_t n = 1; n <= 6; n++)
		(void)followed_get(&f, n, &is_new);
	followed_forget_below(&f, 4);
	assert_int_equal(f.n, 3);
	(void)followed_get(&f, 4, &is_new);
	assert_false(is_new);
	(void)followed_get(&f, 3, &is_new);
	assert_true(is_new);
	followed_forget_below(&f, UINT64_MAX);
	assert_int_equal(f.n, 0);
	followed_clear(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_new_once),
		cmocka_unit_test(what_is_below_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
