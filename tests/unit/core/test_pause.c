/* SPDX-License-Identifier: Apache-2.0
 * Pauses over time, restarts, reboots and clocks that step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "core/act/pause.h"

#define NOW (5 * USEC_PER_HOUR)
#define WALL (1795405025 * USEC_PER_SEC) /* 2026-11-23T03:37:05Z */

static struct pause make(usec_t length)
{
	struct pause_ask ask = {"release night", "root (uid 0)", length};
	struct pause p = {0};
	char *err = NULL;

	assert_int_equal(pause_set(&p, &ask, NOW, WALL, &err), 0);
	assert_null(err);
	return p;
}

static void test_with_an_end(void **state)
{
	struct pause p = make(2 * USEC_PER_HOUR);
	struct pause none = {0};

	(void)state;
	assert_true(pause_active(&p, NOW));
	assert_true(pause_active(&p, NOW + 2 * USEC_PER_HOUR - 1));
	assert_false(pause_active(&p, NOW + 2 * USEC_PER_HOUR));
	/* The clock on the wall was set a day ahead: the pause ends two hours after it began. */
	assert_int_equal(pause_end(&p, NOW + USEC_PER_HOUR, WALL + 24 * USEC_PER_HOUR),
		WALL + 25 * USEC_PER_HOUR);
	assert_false(pause_active(&none, NOW));
	pause_clear(&p);
	assert_false(pause_active(&p, NOW));
}

static void test_without_an_end(void **state)
{
	struct pause p = make(0);
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_true(pause_active(&p, NOW + 1000 * USEC_PER_HOUR));
	assert_int_equal(pause_end(&p, NOW, WALL), 0);
	assert_int_equal(pause_text(&p, &text), 0);
	assert_string_equal(
		text, "paused by root (uid 0) since 2026-11-23T03:37:05Z: release night");
	pause_clear(&p);
}

static void assert_refused(const char *reason, usec_t length, const char *word)
{
	struct pause_ask ask = {reason, "root (uid 0)", length};
	struct pause p = make(0);
	_cleanup_free_ char *err = NULL;

	assert_int_equal(pause_set(&p, &ask, NOW, WALL, &err), -EINVAL);
	assert_non_null(strstr(err, word));
	assert_string_equal(p.reason, "release night");
	pause_clear(&p);
}

static void test_refused(void **state)
{
	char text[PAUSE_MAX_REASON + 2];

	(void)state;
	assert_refused(NULL, 0, "needs a reason");
	assert_refused("", 0, "needs a reason");
	assert_refused(" \t ", 0, "needs a reason");
	memset(text, 'x', sizeof(text));
	text[PAUSE_MAX_REASON + 1] = '\0';
	assert_refused(text, 0, "over 200 bytes");
	assert_refused("x", PAUSE_MAX_LENGTH + 1, "366 days");
}

static void test_reason_is_printable(void **state)
{
	struct pause_ask ask = {"a\nb\x1b[31m", "root (uid 0)", 0};
	struct pause p = make(0);
	char *err = NULL;

	(void)state;
	assert_int_equal(pause_set(&p, &ask, NOW, WALL, &err), 0);
	assert_string_equal(p.reason, "a?b?[31m");
	pause_clear(&p);
}

/* What is left of a pause of two hours after a restart. -1: it is over. */
static int64_t left_after(const char *boot, usec_t now, usec_t wall, usec_t length)
{
	struct pause p = make(length);
	struct pause back = {0};
	struct pause_record rec = {0};
	int64_t left = -1;
	int r;

	assert_int_equal(pause_save(&p, NOW, WALL, "boot-a", &rec), 0);
	r = pause_restore(&rec, now, wall, boot, &back);
	assert_true(r == 0 || r == 1);
	if (r == 1) {
		assert_string_equal(back.reason, p.reason);
		assert_string_equal(back.who, p.who);
		assert_int_equal(back.since, p.since);
		assert_true(pause_active(&back, now));
		left = back.until == 0 ? 0 : (int64_t)(back.until - now);
	}
	pause_clear(&p);
	pause_clear(&back);
	pause_record_clear(&rec);
	return left;
}

static void test_restart_in_the_same_boot(void **state)
{
	const usec_t length = 2 * USEC_PER_HOUR;
	const usec_t later = NOW + 30 * USEC_PER_MINUTE;

	(void)state;
	/* Whatever the wall clock did: set ahead by years, or back. */
	assert_int_equal(left_after("boot-a", later, WALL + 30 * USEC_PER_MINUTE, length),
		90 * USEC_PER_MINUTE);
	assert_int_equal(left_after("boot-a", later, 2 * WALL, length), 90 * USEC_PER_MINUTE);
	assert_int_equal(left_after("boot-a", later, 0, length), 90 * USEC_PER_MINUTE);
	assert_int_equal(left_after("boot-a", NOW + length, 0, length), -1);
	assert_int_equal(left_after("boot-a", NOW + length, WALL, 0), 0);
}

static void test_restart_after_a_reboot(void **state)
{
	const usec_t length = 2 * USEC_PER_HOUR;

	(void)state;
	assert_int_equal(left_after("boot-b", USEC_PER_SEC, WALL + 30 * USEC_PER_MINUTE, length),
		90 * USEC_PER_MINUTE);
	assert_int_equal(left_after("boot-b", USEC_PER_SEC, WALL + length, length), -1);
	/* A clock that came up in 1970 makes it no longer than it was meant to be. */
	assert_int_equal(left_after("boot-b", USEC_PER_SEC, 0, length), length);
	assert_int_equal(left_after(NULL, USEC_PER_SEC, 0, length), length);
	assert_int_equal(left_after("boot-b", USEC_PER_SEC, 2 * WALL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_with_an_end),
		cmocka_unit_test(test_without_an_end),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_reason_is_printable),
		cmocka_unit_test(test_restart_in_the_same_boot),
		cmocka_unit_test(test_restart_after_a_reboot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
