/* SPDX-License-Identifier: Apache-2.0
 * Where something stands in a sorted array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sorted.h"

static int compare(const void *key, const void *item)
{
	const int *a = key;
	const int *b = item;

	return (*a > *b) - (*a < *b);
}

static void the_first_that_is_not_below(void **state)
{
	static const int items[] = {1, 3, 3, 3, 7};
	static const struct {
		int key;
		size_t place;
	} rows[] = {{0, 0}, {1, 0}, {2, 1}, {3, 1}, {4, 4}, {7, 4}, {8, 5}};

	(void)state;
	for (size_t n = 0; n <= 5; n++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			size_t want = rows[i].place < n ? rows[i].place : n;

			if (sorted_place(&rows[i].key, items, n, sizeof(int), compare) != want)
				fail_msg("%d among the first %zu", rows[i].key, n);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_that_is_not_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
