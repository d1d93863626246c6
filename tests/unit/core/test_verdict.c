/* SPDX-License-Identifier: Apache-2.0
 * The tables of verdicts and outcomes: each has its own row, whoever should be told is, and nothing
 * is left out of the metrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/notify/notice.h"

static void test_rows(void **state)
{
	enum verdict back;

	(void)state;
	for (int v = 0; v < VERDICT_MAX; v++) {
		const struct verdict_def *d = verdict_def((enum verdict)v);

		if (d->verdict != (enum verdict)v || !d->name || (d->of & OF_BOTH) == 0)
			fail_msg("row %d of the table of verdicts is of %s", v,
				d->name ? d->name : "nothing");
		assert_int_equal(verdict_from_name(d->name, &back), 0);
		if (back != (enum verdict)v)
			fail_msg("two verdicts are called %s", d->name);
	}
}

static void test_trouble_is_told(void **state)
{
	(void)state;
	for (int v = 0; v < VERDICT_MAX; v++) {
		const struct verdict_def *d = verdict_def((enum verdict)v);
		enum notice_event e = notice_of_verdict((enum verdict)v);

		if (d->trouble != (e != NOTICE_EVENT_MAX))
			fail_msg(
				"%s: trouble, and told to nobody, or the other way round", d->name);
		if (!d->trouble)
			continue;
		assert_string_equal(notice_event_name(e), d->name);
		assert_int_equal(notice_severity(e), d->severity);
		assert_true(notice_lasts(e));
		assert_false(notice_is_relief(e));
	}
}

static void test_outcomes_are_told(void **state)
{
	(void)state;
	for (int o = 0; o < OUTCOME_MAX; o++) {
		enum notice_event e = notice_of_outcome((enum remedy_outcome)o);
		const char *name = remedy_outcome_name((enum remedy_outcome)o);

		if ((o == OUTCOME_OPEN) != (e == NOTICE_EVENT_MAX))
			fail_msg("%s is told to nobody", name);
		if (o != OUTCOME_OPEN && strcmp(notice_event_name(e), name) != 0)
			fail_msg("the row of %s is not its own", name);
		if (o != OUTCOME_OPEN)
			assert_false(notice_lasts(e));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_trouble_is_told),
		cmocka_unit_test(test_outcomes_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
