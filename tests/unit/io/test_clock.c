/* SPDX-License-Identifier: Apache-2.0
 * Clocks go forward, and timers fire once, when it is time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "io/clock.h"

static void test_clocks(void **state)
{
	usec_t before = clock_boottime();
	/* Read first: without a suspend both show the same. */
	usec_t monotonic = clock_monotonic();

	(void)state;
	assert_true(before > 0);
	assert_true(clock_boottime() >= before);
	assert_true(clock_boottime() >= monotonic);
	assert_true(clock_realtime() > 1600000000 * USEC_PER_SEC);
}

static void test_library_ms(void **state)
{
	(void)state;
	assert_int_equal(clock_library_ms(0), 0);
	assert_int_equal(clock_library_ms(1), 1);
	assert_int_equal(clock_library_ms(USEC_PER_SEC), 1000);
	assert_int_equal(clock_library_ms(USEC_PER_SEC + 1), 1001);
}

struct alarm {
	unsigned n;
	usec_t last;
};

static int on_alarm(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct alarm *a = userdata;

	(void)source;
	(void)usec;
	a->n++;
	a->last = clock_boottime();
	return 0;
}

/* Lets the loop run for so long. */
static void turn(sd_event *event, usec_t length)
{
	usec_t end = clock_boottime() + length;

	while (clock_boottime() < end)
		assert_true(sd_event_run(event, usec_sub(end, clock_boottime())) >= 0);
}

static void test_timer(void **state)
{
	sd_event_source *timer = NULL;
	sd_event *event = NULL;
	struct alarm alarm = {0};
	usec_t at;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	assert_true(timer_new(event, on_alarm, &alarm, &timer) >= 0);
	turn(event, 20 * USEC_PER_MSEC);
	assert_int_equal(alarm.n, 0); /* off until it is set */
	at = clock_boottime() + 20 * USEC_PER_MSEC;
	assert_true(timer_at(timer, at) >= 0);
	turn(event, 200 * USEC_PER_MSEC);
	assert_int_equal(alarm.n, 1); /* once */
	assert_true(alarm.last >= at);
	assert_true(timer_in_library_ms(timer, 20) >= 0);
	turn(event, 200 * USEC_PER_MSEC);
	assert_int_equal(alarm.n, 2);
	assert_true(timer_in(timer, 20 * USEC_PER_MSEC) >= 0);
	timer_off(timer);
	turn(event, 200 * USEC_PER_MSEC);
	assert_int_equal(alarm.n, 2);
	assert_true(timer_at(timer, 0) >= 0); /* long ago: at once */
	turn(event, 20 * USEC_PER_MSEC);
	assert_int_equal(alarm.n, 3);
	sd_event_source_disable_unref(timer);
	sd_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_library_ms),
		cmocka_unit_test(test_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
