/* SPDX-License-Identifier: Apache-2.0
 * Completed tasks, a point for each five minutes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "core/detect/rise.h"

#define NOW (1000 * USEC_PER_SEC)

/* "minute:done" of each point. */
static void print(const struct rise *r, char *ret, size_t size)
{
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < r->n && len < size; i++)
		len += (size_t)snprintf(ret + len, size - len, "%s%u:%u", i > 0 ? " " : "",
			(unsigned)((rise_time(r, i) - NOW) / USEC_PER_MINUTE), r->points[i].done);
}

static void note(struct rise *r, unsigned minute, int64_t done)
{
	rise_note(r, NOW + minute * USEC_PER_MINUTE, done);
}

static void the_last_of_five_minutes_stands(void **state)
{
	struct rise r = {0};
	char text[256];

	(void)state;
	note(&r, 0, 0);
	for (unsigned minute = 1; minute < 12; minute++)
		note(&r, minute, minute);
	note(&r, 31, 12);
	print(&r, text, sizeof(text));
	assert_string_equal(text, "0:0 4:4 9:9 11:11 31:12");
}

static void the_oldest_goes(void **state)
{
	struct rise r = {0};
	char text[256];

	(void)state;
	for (unsigned k = 0; k < 20; k++)
		note(&r, 5 * k, k);
	print(&r, text, sizeof(text));
	assert_int_equal(r.n, RISE_POINTS);
	assert_string_equal(
		text, "35:7 40:8 45:9 50:10 55:11 60:12 65:13 70:14 75:15 80:16 85:17 90:18 95:19");
}

static void numbers_of_no_use(void **state)
{
	struct rise r = {0};

	(void)state;
	note(&r, 0, -1);
	note(&r, 6, INT64_MAX);
	assert_int_equal(r.points[0].done, 0);
	assert_int_equal(r.points[1].done, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_of_five_minutes_stands),
		cmocka_unit_test(the_oldest_goes),
		cmocka_unit_test(numbers_of_no_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
