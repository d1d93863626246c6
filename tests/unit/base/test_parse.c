/* SPDX-License-Identifier: Apache-2.0
 * Text to numbers, durations, times and sizes. */
#include "base/parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define UNTOUCHED 4711U

typedef int (*parser)(const char *s, uint64_t *ret);

static void assert_value(parser parse, const char *s, uint64_t expected)
{
	uint64_t value = UNTOUCHED;
	int r = parse(s, &value);

	if (r != 0 || value != expected)
		print_error("\"%s\" gave %d and %llu\n", s, r, (unsigned long long)value);
	assert_int_equal(r, 0);
	assert_int_equal(value, expected);
}

static void assert_refused(parser parse, const char *s, int expected)
{
	uint64_t value = UNTOUCHED;
	int r = parse(s, &value);

	if (r != expected)
		print_error("\"%s\" gave %d and %llu\n", s, r, (unsigned long long)value);
	assert_int_equal(r, expected);
	assert_int_equal(value, UNTOUCHED);
}

static void test_u64(void **state)
{
	(void)state;
	assert_value(parse_u64, "0", 0);
	assert_value(parse_u64, "007", 7);
	assert_value(parse_u64, "18446744073709551615", UINT64_MAX);
	assert_refused(parse_u64, "18446744073709551616", -ERANGE);
	assert_refused(parse_u64, "99999999999999999999999", -ERANGE);
	assert_refused(parse_u64, "", -EINVAL);
	assert_refused(parse_u64, "-1", -EINVAL);
	assert_refused(parse_u64, "+1", -EINVAL);
	assert_refused(parse_u64, " 1", -EINVAL);
	assert_refused(parse_u64, "1 ", -EINVAL);
	assert_refused(parse_u64, "0x10", -EINVAL);
	assert_refused(parse_u64, "1e3", -EINVAL);
}

static void test_bool(void **state)
{
	static const char *const yes[] = {"1", "yes", "Y", "TRUE", "t", "On"};
	static const char *const no[] = {"0", "no", "N", "False", "f", "OFF"};
	static const char *const neither[] = {"", "2", "yess", "ye", "nope", " yes"};
	bool value;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
		value = false;
		assert_int_equal(parse_bool(yes[i], &value), 0);
		assert_true(value);
		assert_int_equal(parse_bool(no[i], &value), 0);
		assert_false(value);
		assert_int_equal(parse_bool(neither[i], &value), -EINVAL);
	}
}

static void test_duration(void **state)
{
	(void)state;
	assert_value(parse_duration, "90s", 90 * USEC_PER_SEC);
	assert_value(parse_duration, "10min", 10 * USEC_PER_MINUTE);
	assert_value(parse_duration, "10m", 10 * USEC_PER_MINUTE);
	assert_value(parse_duration, "1h 30min", 90 * USEC_PER_MINUTE);
	assert_value(parse_duration, "1h30min", 90 * USEC_PER_MINUTE);
	assert_value(parse_duration, " 2 hours  5 seconds ", 2 * USEC_PER_HOUR + 5 * USEC_PER_SEC);
	assert_value(parse_duration, "1.5h", 90 * USEC_PER_MINUTE);
	assert_value(parse_duration, "0.25s", 250 * USEC_PER_MSEC);
	assert_value(parse_duration, "1.0000019s", USEC_PER_SEC + 1);
	assert_value(parse_duration, "1500ms", 1500 * USEC_PER_MSEC);
	assert_value(parse_duration, "7us", 7);
	assert_value(parse_duration, "1d", 24 * USEC_PER_HOUR);
	assert_value(parse_duration, "1w", 168 * USEC_PER_HOUR);
	assert_value(parse_duration, "0", 0);
}

static void test_duration_refused(void **state)
{
	(void)state;
	assert_refused(parse_duration, "", -EINVAL);
	assert_refused(parse_duration, "  ", -EINVAL);
	assert_refused(parse_duration, "min", -EINVAL);
	assert_refused(parse_duration, "90", -EINVAL);
	assert_refused(parse_duration, "1min 30", -EINVAL);
	assert_refused(parse_duration, "0.5", -EINVAL);
	assert_refused(parse_duration, "-1s", -EINVAL);
	assert_refused(parse_duration, "1.s", -EINVAL);
	assert_refused(parse_duration, ".5s", -EINVAL);
	assert_refused(parse_duration, "1.5.5s", -EINVAL);
	assert_refused(parse_duration, "10 parsecs", -EINVAL);
	assert_refused(parse_duration, "10S", -EINVAL);
	assert_refused(parse_duration, "1h, 2min", -EINVAL);
	assert_refused(parse_duration, "infinity", -EINVAL);
	assert_refused(parse_duration, "99999999999w", -ERANGE);
	assert_refused(parse_duration, "18446744073709551615us 1us", -ERANGE);
	assert_refused(parse_duration, "99999999999999999999999s", -ERANGE);
}

static void test_timestamp(void **state)
{
	(void)state;
	/* Spark, then Airflow 3 and 2. */
	assert_value(parse_timestamp, "2026-11-23T01:19:07.473GMT", 1795396747473000U);
	assert_value(parse_timestamp, "2026-11-23T01:20:18.763717Z", 1795396818763717U);
	assert_value(parse_timestamp, "2026-11-23T01:34:41.353094+00:00", 1795397681353094U);
	assert_value(parse_timestamp, "2026-11-23T02:34:41+01:00", 1795397681000000U);
	assert_value(parse_timestamp, "2026-11-22T20:04:41-0530", 1795397681000000U);
	assert_value(parse_timestamp, "1970-01-01T00:00:00Z", 0);
	assert_value(parse_timestamp, "2000-02-29T12:00:00Z", 951825600000000U);
	assert_value(parse_timestamp, "2024-12-31T23:59:60Z", 1735689600000000U);
	assert_value(parse_timestamp, "2026-11-23T01:19:07.123456789Z", 1795396747123456U);
	assert_value(parse_timestamp, "9999-12-31T23:59:59Z", 253402300799000000U);
}

/* Four centuries of days, and what no month has. */
static void test_each_day(void **state)
{
	char text[40];
	usec_t t;

	(void)state;
	for (int64_t day = 0; day < 146097; day++) {
		time_t seconds = day * 86400;
		struct tm tm;

		assert_non_null(gmtime_r(&seconds, &tm));
		assert_true(strftime(text, sizeof(text), "%Y-%m-%dT00:00:00Z", &tm) > 0);
		assert_int_equal(parse_timestamp(text, &t), 0);
		assert_int_equal(t, (usec_t)seconds * USEC_PER_SEC);
	}
}

static void test_timestamp_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"now",
		"2026-11-23",
		"2026-11-23T01:19:07",
		"2026-11-23 01:19:07Z",
		"2026-11-23T01:19:07.Z",
		"2026-11-23T01:19:07.1234567890Z",
		"2026-11-23T01:19:07GMTX",
		"2026-11-23T01:19:07UTC",
		"2026-11-23T01:19:07+1",
		"2026-11-23T01:19:07+01:00x",
		"2026-11-23T01:19:07+24:00",
		"2026-13-23T01:19:07Z",
		"2026-00-23T01:19:07Z",
		"2026-02-29T01:19:07Z",
		"2100-02-29T01:19:07Z",
		"2026-04-31T01:19:07Z",
		"2026-11-00T01:19:07Z",
		"2026-11-23T24:19:07Z",
		"2026-11-23T01:60:07Z",
		"2026-11-23T01:19:61Z",
		"20261123T011907Z",
		"-026-11-23T01:19:07Z",
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(texts); i++)
		assert_refused(parse_timestamp, texts[i], -EINVAL);
	assert_refused(parse_timestamp, "1969-12-31T23:59:59.999GMT", -ERANGE);
	assert_refused(parse_timestamp, "1970-01-01T00:30:00+01:00", -ERANGE);
	assert_refused(parse_timestamp, "0000-01-01T00:00:00Z", -ERANGE);
}

static void test_http_date(void **state)
{
	(void)state;
	assert_value(parse_http_date, "Mon, 23 Nov 2026 03:17:05 GMT", 1795403825000000U);
	assert_value(parse_http_date, "Thu, 01 Jan 1970 00:00:00 GMT", 0);
	assert_refused(parse_http_date, "Mon, 23 Nov 2026 03:17:05 CET", -EINVAL);
	assert_refused(parse_http_date, "Mon, 23 Nov 2026 03:17:05 GMT ", -EINVAL);
	assert_refused(parse_http_date, "Monday, 23-Nov-26 03:17:05 GMT", -EINVAL);
	assert_refused(parse_http_date, "Mon Nov 23 03:17:05 2026", -EINVAL);
	assert_refused(parse_http_date, "Mon, 31 Feb 2026 03:17:05 GMT", -EINVAL);
	assert_refused(parse_http_date, "Wed, 31 Dec 1969 23:59:59 GMT", -ERANGE);
	assert_refused(parse_http_date, "", -EINVAL);
}

static void test_size(void **state)
{
	(void)state;
	assert_value(parse_size, "512", 512);
	assert_value(parse_size, "64K", 65536);
	assert_value(parse_size, "8M", 8388608);
	assert_value(parse_size, "1G", 1073741824);
	assert_value(parse_size, "17179869183G", 18446744072635809792U);
	assert_refused(parse_size, "17179869184G", -ERANGE);
	assert_refused(parse_size, "1KB", -EINVAL);
	assert_refused(parse_size, "1 K", -EINVAL);
	assert_refused(parse_size, "K", -EINVAL);
	assert_refused(parse_size, "1T", -EINVAL);
	assert_refused(parse_size, "-1", -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_bool),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_duration_refused),
		cmocka_unit_test(test_timestamp),
		cmocka_unit_test(test_each_day),
		cmocka_unit_test(test_timestamp_refused),
		cmocka_unit_test(test_http_date),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
