/* SPDX-License-Identifier: Apache-2.0
 * What a bucket lets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rate.h"

#define INTERVAL (USEC_PER_SEC / 20)

static unsigned take_all(struct rate *r, uint64_t burst, usec_t now)
{
	unsigned n = 0;

	while (n < 1000 && rate_take(r, INTERVAL, burst, now))
		n++;
	return n;
}

static void test_a_burst_then_one_each_interval(void **state)
{
	usec_t now = USEC_PER_HOUR;
	struct rate r = {0};

	(void)state;
	assert_int_equal(take_all(&r, 20, now), 20);
	assert_int_equal(take_all(&r, 20, now + INTERVAL - 1), 0);
	assert_int_equal(take_all(&r, 20, now + INTERVAL), 1);
	assert_int_equal(take_all(&r, 20, now + 4 * INTERVAL), 3);
	/* It holds no more than that, however long nothing is taken. */
	assert_int_equal(take_all(&r, 20, now + 24 * USEC_PER_HOUR), 20);
}

/* A reload may change it while some of it is taken. */
static void test_another_size(void **state)
{
	usec_t now = USEC_PER_HOUR;
	struct rate r = {0};

	(void)state;
	assert_int_equal(take_all(&r, 4, now), 4);
	assert_int_equal(take_all(&r, 6, now), 2);
	assert_int_equal(take_all(&r, 1, now), 0);
	assert_false(rate_take(&r, INTERVAL, 0, now + 24 * USEC_PER_HOUR));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_burst_then_one_each_interval),
		cmocka_unit_test(test_another_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
