/* SPDX-License-Identifier: Apache-2.0
 * What became of hangs that were only observed. */
#include "core/act/observed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void add(struct observed *o, const char *rule, enum remedy_outcome outcome, usec_t hung,
	usec_t ended)
{
	assert_int_equal(observed_add(o, &(struct observed_hang){.rule = rule,
						 .outcome = outcome,
						 .hung = hung * USEC_PER_MINUTE,
						 .ended = ended * USEC_PER_MINUTE}),
		0);
}

static void test_counts_by_rule(void **state)
{
	struct observed o = {0};

	(void)state;
	add(&o, "a", OUTCOME_MOVED_AGAIN, 100, 109);
	add(&o, "b", OUTCOME_OPEN, 100, 0);
	add(&o, "a", OUTCOME_ENDED, 50, 400);
	add(&o, "a", OUTCOME_MOVED_AGAIN, 200, 201);
	add(&o, "a", OUTCOME_MOVED_AGAIN, 300, 304);
	/* Not over yet, whatever it says. */
	add(&o, "a", OUTCOME_MOVED_AGAIN, 500, 0);
	assert_int_equal(o.n, 2);
	assert_string_equal(o.rules[0].rule, "a");
	assert_int_equal(o.rules[0].n, 5);
	assert_int_equal(o.rules[0].n_moved, 3);
	assert_int_equal(o.rules[0].n_ended, 1);
	assert_int_equal(o.rules[0].n_standing, 1);
	assert_int_equal(o.rules[0].first, 50 * USEC_PER_MINUTE);
	assert_int_equal(observed_median(&o.rules[0]), 4 * USEC_PER_MINUTE);
	assert_int_equal(observed_longest(&o.rules[0]), 9 * USEC_PER_MINUTE);
	assert_int_equal(o.rules[1].n_standing, 1);
	assert_int_equal(observed_median(&o.rules[1]), 0);
	observed_clear(&o);
}

/* How an incident ends on which nothing was sent. */
static void test_own_end(void **state)
{
	struct incident i = {.action = RULE_ACTION_NOTIFY};

	(void)state;
	assert_int_equal(incident_own_end(&i, true), OUTCOME_ENDED);
	assert_int_equal(incident_own_end(&i, false), OUTCOME_RECOVERED);
	i.action = RULE_ACTION_KILL;
	assert_int_equal(incident_own_end(&i, false), OUTCOME_MOVED_AGAIN);
	assert_int_equal(incident_own_end(&i, true), OUTCOME_ENDED);
	/* It was hung, and is suspect now. */
	i = (struct incident){.response.decided_dry = true};
	assert_int_equal(incident_own_end(&i, false), OUTCOME_MOVED_AGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_by_rule),
		cmocka_unit_test(test_own_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
