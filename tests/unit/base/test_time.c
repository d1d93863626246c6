/* SPDX-License-Identifier: Apache-2.0
 * Durations and times as text. */
#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/parse.h"

static void assert_duration(usec_t t, const char *expected)
{
	char buf[32];

	assert_ptr_equal(format_duration(buf, sizeof(buf), t), buf);
	assert_string_equal(buf, expected);
}

static void test_duration(void **state)
{
	(void)state;
	assert_duration(0, "0s");
	assert_duration(1, "1us");
	assert_duration(999, "999us");
	assert_duration(250 * USEC_PER_MSEC, "250ms");
	assert_duration(90 * USEC_PER_SEC, "1min 30s");
	assert_duration(10 * USEC_PER_MINUTE + 30 * USEC_PER_SEC, "10min 30s");
	assert_duration(10 * USEC_PER_MINUTE, "10min");
	assert_duration(USEC_PER_HOUR + 4 * USEC_PER_MINUTE + 59 * USEC_PER_SEC, "1h 4min");
	assert_duration(USEC_PER_HOUR + 59 * USEC_PER_SEC, "1h");
	assert_duration(49 * USEC_PER_HOUR, "2d 1h");
	assert_duration(UINT64_MAX - 1, "213503982d 8h");
	assert_duration(USEC_INFINITY, "infinity");
}

static void test_sub(void **state)
{
	(void)state;
	assert_int_equal(usec_sub(5, 3), 2);
	assert_int_equal(usec_sub(3, 5), 0);
}

static void test_timestamp(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(
		format_timestamp(buf, sizeof(buf), 1795396747473000U), "2026-11-23T01:19:07Z");
	assert_string_equal(format_timestamp(buf, sizeof(buf), 0), "1970-01-01T00:00:00Z");
	assert_string_equal(
		format_timestamp(buf, sizeof(buf), 951825600000000U), "2000-02-29T12:00:00Z");
	(void)format_timestamp(buf, sizeof(buf), UINT64_MAX);
}

/* Every day of the years up to 2400, there and back. */
static void test_timestamp_both_ways(void **state)
{
	char buf[32];

	(void)state;
	for (usec_t day = 0; day < 157000; day++) {
		usec_t t = (day * 86400 + 86399) * USEC_PER_SEC;
		usec_t back = 0;

		assert_int_equal(parse_timestamp(format_timestamp(buf, sizeof(buf), t), &back), 0);
		assert_int_equal(back, t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_sub),
		cmocka_unit_test(test_timestamp),
		cmocka_unit_test(test_timestamp_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
