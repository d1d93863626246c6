/* SPDX-License-Identifier: Apache-2.0
 * What will be done about an incident. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/act/outlook.h"

static char words[] = "max_retries of its task instance are used up";

static struct incident hung(void)
{
	return (struct incident){.verdict = VERDICT_HUNG, .action = RULE_ACTION_RETRY};
}

static void assert_text(const struct incident *i, const struct outlook *o, const char *wanted)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(outlook_text(i, o, &text), 0);
	assert_string_equal(text, wanted);
}

static void test_nothing_holds_it_back(void **state)
{
	struct incident i = hung();
	struct outlook o = {0};

	(void)state;
	assert_text(&i, &o, "retry, at one of the next polls");
	o.dry = true;
	assert_text(&i, &o, "a dry run of retry, at one of the next polls");
	i.response.decided = i.response.decided_dry = true;
	i.response.refusal = words; /* what a dry run ended with */
	assert_text(&i, &o, "nothing: the mode is observe; in mode act, a retry would have begun");
	/* The mode has become act since. */
	o.dry = false;
	assert_text(&i, &o, "retry, at one of the next polls");
}

static void test_what_holds_it_back(void **state)
{
	struct incident i = hung();
	struct outlook o = {.window = "in the maintenance window night"};

	(void)state;
	i.response.refusal = words;
	assert_text(&i, &o, "no retry while in the maintenance window night");
	o.paused = "paused by root (uid 0): x";
	assert_text(&i, &o, "no retry while paused by root (uid 0): x");
	o = (struct outlook){0};
	assert_text(&i, &o,
		"no retry now: max_retries of its task instance are used up; later polls decide "
		"again");
	i.action = RULE_ACTION_NOTIFY;
	assert_text(&i, &o, "nothing: its rule's action is notify");
	i.verdict = VERDICT_STARVED;
	i.action = RULE_ACTION_NONE;
	assert_text(&i, &o, "nothing: only hung stages are acted upon, and this is starved");
}

static void test_what_was_done(void **state)
{
	struct incident i = hung();
	struct remedy r = {.state = REMEDY_FAIL, .plan.action = RULE_ACTION_RETRY};
	struct outlook o = {.paused = "paused by root (uid 0): x",
		.now = 30 * USEC_PER_SEC,
		.wall = (usec_t)1795405025 * USEC_PER_SEC};

	(void)state;
	i.response.under_way = true;
	assert_text(&i, &o, "retry in progress");
	o.remedy = &r;
	assert_text(&i, &o, "retry in progress: it fails its task instance");
	r.state = REMEDY_WAIT_END;
	r.deadline = 90 * USEC_PER_SEC;
	assert_text(&i, &o,
		"retry in progress: it waits for the end of the app, at most until "
		"2026-11-23T03:38:05Z (end_timeout)");
	r.state = REMEDY_CLEAR;
	assert_text(&i, &o,
		"retry in progress: it clears its task instance, at most until "
		"2026-11-23T03:38:05Z (retry_timeout)");
	r.state = REMEDY_VERIFY_FAILED;
	assert_text(&i, &o,
		"retry in progress: it looks whether its task instance has failed, at most until "
		"2026-11-23T03:38:05Z");
	i.response.under_way = false;
	i.response.decided = true;
	i.response.outcome = OUTCOME_UNCONFIRMED;
	assert_text(&i, &o,
		"no further action: this hang was already acted upon (outcome: unconfirmed); a "
		"person must check");
	i.ended = 1;
	assert_text(&i, &o, "nothing: the incident ended as unconfirmed");
	i.response.why = words;
	assert_text(&i, &o,
		"nothing: the incident ended as unconfirmed: max_retries of its task instance are "
		"used "
		"up");
}

static void assert_duty(const struct incident *i, const struct outlook *o, const char *duty,
	const char *why, const char *key)
{
	_cleanup_free_ char *text = NULL;

	assert_string_equal(outlook_duty(i, o), duty);
	assert_int_equal(outlook_why(i, o, &text), 0);
	assert_true(str_equal(text, why));
	assert_true(str_equal(outlook_key(i, o), key));
}

static void test_duty(void **state)
{
	struct incident i = hung();
	struct outlook o = {0};

	(void)state;
	assert_duty(&i, &o, "nothing: the action begins by itself", NULL, NULL);
	o.dry = true;
	assert_duty(&i, &o, "end the app by hand: only a dry run will be done", NULL, NULL);
	i.response.decided = i.response.decided_dry = true;
	assert_duty(&i, &o, "end the app by hand: nothing will be done about it",
		"the mode is observe; in mode act, a retry would have begun",
		"mode, in [daemon] or in its [rule]");
	o = (struct outlook){.paused = "paused by root (uid 0): x"};
	assert_duty(&i, &o, "resume, if actions may begin; else end the app by hand",
		"paused by root (uid 0): x", "stagewatchctl resume");
	o.paused = NULL;
	i.response.decided = i.response.decided_dry = false;
	i.response.refusal = words;
	i.response.refusal_key = "max_retries, in its [rule]";
	assert_duty(&i, &o, "remove what keeps the action from being begun, or end the app by hand",
		words, "max_retries, in its [rule]");
	i.response.under_way = true;
	assert_duty(&i, &o, "nothing, as long as the action is in progress", NULL, NULL);
	i.response.under_way = false;
	i.verdict = VERDICT_SUSPECT;
	assert_duty(&i, &o, "nothing yet: it moves again, or it is proved to hang",
		"only hung stages are acted upon, and this is suspect", NULL);
	i.ended = 1;
	assert_duty(&i, &o, "nothing", NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_holds_it_back),
		cmocka_unit_test(test_what_holds_it_back),
		cmocka_unit_test(test_what_was_done),
		cmocka_unit_test(test_duty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
