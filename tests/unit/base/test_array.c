/* SPDX-License-Identifier: Apache-2.0
 * Arrays that grow by one at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"

/* Each item is written where there must be room, which the sanitizers check. */
static void up_and_down(void **state)
{
	static const size_t counts[] = {1, 8, 9, 7, 8, 40, 0, 1, 33, 15, 17, 1000, 999, 1001};
	size_t *items = NULL;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		while (n < counts[i]) {
			size_t *room = array_room(items, n, sizeof(*items));

			assert_non_null(room);
			items = room;
			items[n] = n;
			n++;
		}
		n = counts[i];
		for (size_t k = 0; k < n; k++)
			assert_int_equal(items[k], k);
	}
	free(items);
}

static void the_room_doubles(void **state)
{
	char *items = NULL;
	size_t moves = 0;

	(void)state;
	for (size_t n = 0; n < 100000; n++) {
		char *room = array_room(items, n, 64);

		assert_non_null(room);
		moves += room != items;
		items = room;
	}
	assert_true(moves <= 15);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_and_down),
		cmocka_unit_test(the_room_doubles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
