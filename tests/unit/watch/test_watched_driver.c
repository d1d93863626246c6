/* SPDX-License-Identifier: Apache-2.0
 * Each of many drivers is found: apps by their ids, bare drivers by their URLs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "watch/watched_driver.h"

#define N 100

static void each_is_found(void **state)
{
	struct driver *sorted[N];
	struct driver drivers[N];
	char names[N][16];
	size_t n = 0;

	(void)state;
	for (size_t k = 0; k < N; k++) {
		size_t i = (k * 37) % N;
		bool bare = i % 3 == 0;
		size_t at;

		(void)snprintf(names[i], sizeof(names[i]), "name-%zu", i);
		drivers[i] = (struct driver){.app_id = bare ? NULL : names[i],
			.url = bare         ? names[i]
			       : i % 3 == 1 ? names[0]
					    : NULL};
		assert_null(driver_find(sorted, n, drivers[i].app_id, drivers[i].url));
		at = driver_place(sorted, n, drivers[i].app_id, drivers[i].url);
		memmove(&sorted[at + 1], &sorted[at], (n - at) * sizeof(struct driver *));
		sorted[at] = &drivers[i];
		n++;
	}
	for (size_t i = 0; i < N; i++) {
		bool bare = i % 3 == 0;

		/* The address of an app may change: it is known by its id. */
		assert_ptr_equal(driver_find(sorted, N, bare ? NULL : names[i],
					 bare ? names[i] : "elsewhere"),
			&drivers[i]);
		assert_null(driver_find(sorted, N, bare ? names[i] : NULL, names[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
