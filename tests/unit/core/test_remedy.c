/* SPDX-License-Identifier: Apache-2.0
 * Every path of the remedy's state machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/remedy.h"

#define APP_STARTED (1000 * USEC_PER_SEC)
#define END_TIMEOUT (60 * USEC_PER_SEC)
#define RETRY_TIMEOUT (300 * USEC_PER_SEC)

struct fixture {
	struct remedy r;
	struct remedy_step step;
	usec_t now;
};

static char id_one[] = "id-1";
static char id_two[] = "id-2";

static struct ti_obs task(enum ti_state state, int64_t number, char *id)
{
	return (struct ti_obs){.id = id,
		.state = state,
		.try_number = number,
		.started = APP_STARTED - 5 * USEC_PER_SEC,
		.pid = 7};
}

static void give(struct fixture *f, const struct remedy_event *ev)
{
	assert_int_equal(remedy_next(&f->r, ev, f->now, &f->step), 0);
}

static void give_start(struct fixture *f)
{
	struct remedy_event ev = {.type = REMEDY_EVENT_START};

	give(f, &ev);
}

static void give_timer(struct fixture *f)
{
	struct remedy_event ev = {.type = REMEDY_EVENT_TIMER};

	assert_int_equal(f->step.effect, EFFECT_WAIT);
	if (f->step.wake_at > f->now)
		f->now = f->step.wake_at;
	give(f, &ev);
}

static void give_stage(struct fixture *f, enum remedy_look look)
{
	struct remedy_event ev = {.type = REMEDY_EVENT_STAGE, .stage = look};

	assert_int_equal(f->step.effect, EFFECT_LOOK_STAGE);
	give(f, &ev);
}

static void give_task(struct fixture *f, struct ti_obs t)
{
	struct remedy_event ev = {.type = REMEDY_EVENT_TASK, .reply = REPLY_DONE, .task = &t};

	assert_int_equal(f->step.effect, EFFECT_LOOK_TASK);
	give(f, &ev);
}

static void give_no_task(struct fixture *f, enum remedy_reply reply)
{
	struct remedy_event ev = {.type = REMEDY_EVENT_TASK, .reply = reply, .text = "words"};

	assert_int_equal(f->step.effect, EFFECT_LOOK_TASK);
	give(f, &ev);
}

static void give_reply(struct fixture *f, enum remedy_effect expected, enum remedy_reply reply)
{
	struct remedy_event ev = {.type = REMEDY_EVENT_REPLY, .reply = reply, .text = "words"};

	assert_int_equal(f->step.effect, expected);
	give(f, &ev);
}

static void give_app(struct fixture *f, enum app_end end)
{
	struct remedy_event ev = {.type = REMEDY_EVENT_APP, .app_end = end, .text = "KILLED"};

	assert_int_equal(f->step.effect, EFFECT_LOOK_APP);
	give(f, &ev);
}

static void assert_done(struct fixture *f, enum remedy_outcome outcome, const char *counted)
{
	assert_int_equal(f->step.effect, EFFECT_DONE);
	assert_int_equal(f->r.state, REMEDY_DONE);
	assert_string_equal(remedy_outcome_name(f->r.outcome), remedy_outcome_name(outcome));
	if (counted)
		assert_string_equal(remedy_counted_as(&f->r), counted);
	else
		assert_null(remedy_counted_as(&f->r));
	assert_non_null(f->r.why);
	remedy_clear(&f->r);
}

static void begin(struct fixture *f, enum rule_action action, bool can_kill, bool needs_note)
{
	char dag[] = "d";
	char run[] = "r";
	char name[] = "t";
	struct owner o = {
		.dag_id = dag, .run_id = run, .task_id = name, .map_index = -1, .try_number = 1};
	struct remedy_plan plan = {.action = action,
		.can_kill_app = can_kill,
		.needs_note = needs_note,
		.app_started = APP_STARTED,
		.end_timeout = END_TIMEOUT,
		.retry_timeout = RETRY_TIMEOUT};

	*f = (struct fixture){.now = 5000 * USEC_PER_SEC};
	assert_int_equal(remedy_init(&f->r, &plan, &o), 0);
	give_start(f);
}

/* Up to the request that fails the task. */
static void begin_to_fail(struct fixture *f, enum rule_action action, bool can_kill)
{
	begin(f, action, can_kill, false);
	give_stage(f, LOOK_HUNG);
	assert_false(f->r.requested);
	give_task(f, task(TI_STATE_RUNNING, 1, id_one));
	assert_true(f->r.requested);
}

static void begin_to_wait_end(struct fixture *f, enum rule_action action, bool can_kill)
{
	begin_to_fail(f, action, can_kill);
	give_reply(f, EFFECT_FAIL_TASK, REPLY_DONE);
	give_task(f, task(TI_STATE_FAILED, 1, id_one));
}

static void begin_to_clear(struct fixture *f)
{
	begin_to_wait_end(f, RULE_ACTION_RETRY, true);
	give_app(f, APP_END_ENDED);
	give_task(f, task(TI_STATE_FAILED, 1, id_one));
}

static void test_retry_all_well(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_wait_end(&f, RULE_ACTION_RETRY, true);
	give_app(&f, APP_END_RUNNING);
	give_timer(&f);
	give_app(&f, APP_END_ENDED);
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	give_reply(&f, EFFECT_CLEAR_TASK, REPLY_DONE);
	give_task(&f, task(TI_STATE_NONE, 1, id_two));
	give_timer(&f);
	give_task(&f, task(TI_STATE_QUEUED, 2, id_two));
	give_timer(&f);
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");
}

static void test_kill_all_well(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_wait_end(&f, RULE_ACTION_KILL, true);
	give_app(&f, APP_END_ENDED);
	assert_done(&f, OUTCOME_ENDED, "confirmed");
}

static void test_note_first_on_airflow_2(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, RULE_ACTION_KILL, true, true);
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_RUNNING, 1, NULL));
	/* Whatever becomes of the note. */
	give_reply(&f, EFFECT_NOTE, REPLY_REFUSED);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_DONE);
	give_task(&f, task(TI_STATE_FAILED, 1, NULL));
	give_app(&f, APP_END_ENDED);
	assert_done(&f, OUTCOME_ENDED, "confirmed");
}

static void test_dry_run_sends_nothing(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, RULE_ACTION_RETRY, true, true);
	f.r.dry = true;
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
	assert_false(f.r.requested);
	assert_done(&f, OUTCOME_DRY_RUN, "dry_run");
}

static void test_stage_moved(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, RULE_ACTION_RETRY, true, false);
	give_stage(&f, LOOK_MOVED);
	assert_done(&f, OUTCOME_SUPERSEDED, NULL);
}

static void test_stage_unknown(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, RULE_ACTION_RETRY, true, false);
	give_stage(&f, LOOK_UNKNOWN);
	give_timer(&f);
	give_stage(&f, LOOK_UNKNOWN);
	give_timer(&f);
	give_stage(&f, LOOK_UNKNOWN);
	assert_done(&f, OUTCOME_REFUSED, NULL);
}

static void recheck(struct fixture *f, struct ti_obs t)
{
	begin(f, RULE_ACTION_RETRY, true, false);
	give_stage(f, LOOK_HUNG);
	give_task(f, t);
}

static void recheck_with(struct fixture *f, struct ti_obs t)
{
	recheck(f, t);
	assert_false(f->r.requested);
}

static void test_task_not_ours(void **state)
{
	struct fixture f;
	struct ti_obs t;

	(void)state;
	recheck_with(&f, task(TI_STATE_RUNNING, 2, id_one));
	assert_done(&f, OUTCOME_REFUSED, NULL);

	t = task(TI_STATE_RUNNING, 1, id_one);
	t.started = 0;
	recheck_with(&f, t);
	assert_done(&f, OUTCOME_REFUSED, NULL);

	/* Just within what two clocks may differ, and just beyond. */
	t.started = APP_STARTED + REMEDY_CLOCK_SLACK;
	recheck(&f, t);
	assert_int_not_equal(f.r.state, REMEDY_DONE);
	remedy_clear(&f.r);
	t.started = APP_STARTED + REMEDY_CLOCK_SLACK + 1;
	recheck_with(&f, t);
	assert_done(&f, OUTCOME_REFUSED, NULL);

	begin(&f, RULE_ACTION_RETRY, true, false);
	f.r.owner.try_number = 0;
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_RUNNING, 0, id_one));
	assert_done(&f, OUTCOME_REFUSED, NULL);
}

static void test_task_not_running(void **state)
{
	struct fixture f;

	(void)state;
	for (int s = 0; s < TI_STATE_MAX; s++) {
		if (s == TI_STATE_RUNNING)
			continue;
		recheck_with(&f, task((enum ti_state)s, 1, id_one));
		assert_done(&f, OUTCOME_SUPERSEDED, NULL);
	}
}

static void test_task_cannot_be_looked_at(void **state)
{
	static const enum remedy_reply final[] = {REPLY_GONE, REPLY_REFUSED};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(final); i++) {
		begin(&f, RULE_ACTION_RETRY, true, false);
		give_stage(&f, LOOK_HUNG);
		give_no_task(&f, final[i]);
		assert_done(&f, OUTCOME_REFUSED, NULL);
	}
	begin(&f, RULE_ACTION_RETRY, true, false);
	give_stage(&f, LOOK_HUNG);
	give_no_task(&f, REPLY_UNCERTAIN);
	give_timer(&f);
	give_no_task(&f, REPLY_UNCERTAIN);
	give_timer(&f);
	give_no_task(&f, REPLY_UNCERTAIN);
	assert_done(&f, OUTCOME_REFUSED, NULL);
}

static void test_fail_refused(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_fail(&f, RULE_ACTION_RETRY, true);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_REFUSED);
	assert_done(&f, OUTCOME_FAILED, "failed");
	begin_to_fail(&f, RULE_ACTION_RETRY, true);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_GONE);
	assert_done(&f, OUTCOME_FAILED, "failed");
}

static void test_fail_already_failed(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_fail(&f, RULE_ACTION_KILL, true);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_CONFLICT);
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	give_app(&f, APP_END_ENDED);
	assert_done(&f, OUTCOME_ENDED, "confirmed");
}

/* The answer was lost: a look tells whether it took. */
static void test_fail_lost_and_repeated(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_fail(&f, RULE_ACTION_KILL, true);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_UNCERTAIN);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
	give_timer(&f);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_UNCERTAIN);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
	give_timer(&f);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_DONE);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
	assert_done(&f, OUTCOME_FAILED, "failed");
}

static void test_fail_lost_but_took(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_fail(&f, RULE_ACTION_KILL, true);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_UNCERTAIN);
	give_no_task(&f, REPLY_UNCERTAIN);
	give_timer(&f);
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	give_app(&f, APP_END_ENDED);
	assert_done(&f, OUTCOME_ENDED, "confirmed");
}

static void test_fail_never_seen(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_fail(&f, RULE_ACTION_KILL, true);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_DONE);
	give_no_task(&f, REPLY_UNCERTAIN);
	f.now += USEC_PER_HOUR;
	give_timer(&f);
	give_no_task(&f, REPLY_UNCERTAIN);
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
}

static void test_somebody_else_after_fail(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_fail(&f, RULE_ACTION_RETRY, true);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_DONE);
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_SUPERSEDED, "failed");
	begin_to_fail(&f, RULE_ACTION_RETRY, true);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_DONE);
	give_task(&f, task(TI_STATE_SUCCESS, 1, id_one));
	assert_done(&f, OUTCOME_SUPERSEDED, "failed");
}

static void test_killed_at_the_master(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_wait_end(&f, RULE_ACTION_KILL, true);
	give_app(&f, APP_END_RUNNING);
	f.now += END_TIMEOUT;
	give_timer(&f);
	give_app(&f, APP_END_RUNNING);
	give_reply(&f, EFFECT_KILL_APP, REPLY_UNCERTAIN);
	give_app(&f, APP_END_UNKNOWN);
	give_timer(&f);
	give_app(&f, APP_END_ENDED);
	assert_done(&f, OUTCOME_ENDED, "confirmed");
}

/* The heart: an end that nobody confirms is never followed by a clear. */
static void test_unconfirmed_end_is_not_cleared(void **state)
{
	static const enum app_end ends[] = {APP_END_RUNNING, APP_END_UNKNOWN};
	struct fixture f;

	(void)state;
	for (int can_kill = 0; can_kill < 2; can_kill++)
		for (size_t i = 0; i < ELEMENTSOF(ends); i++) {
			begin_to_wait_end(&f, RULE_ACTION_RETRY, can_kill);
			give_app(&f, ends[i]);
			f.now += END_TIMEOUT;
			give_timer(&f);
			give_app(&f, ends[i]);
			if (can_kill) {
				give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
				give_app(&f, ends[i]);
				f.now += END_TIMEOUT;
				give_timer(&f);
				give_app(&f, ends[i]);
			}
			assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
		}
}

static void test_somebody_else_before_clear(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_wait_end(&f, RULE_ACTION_RETRY, true);
	give_app(&f, APP_END_ENDED);
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_SUPERSEDED, "failed");
}

static void test_airflow_silent_before_clear(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_wait_end(&f, RULE_ACTION_RETRY, true);
	give_app(&f, APP_END_ENDED);
	give_no_task(&f, REPLY_UNCERTAIN);
	f.now += USEC_PER_HOUR;
	give_timer(&f);
	give_no_task(&f, REPLY_UNCERTAIN);
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
}

static void test_clear_refused_or_empty(void **state)
{
	static const enum remedy_reply bad[] = {
		REPLY_NOTHING, REPLY_REFUSED, REPLY_GONE, REPLY_CONFLICT};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		begin_to_clear(&f);
		give_reply(&f, EFFECT_CLEAR_TASK, bad[i]);
		assert_done(&f, OUTCOME_FAILED, "failed");
	}
}

/* The answer to a clear was lost: repeated only where the task still stands as it was. */
static void test_clear_lost(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_clear(&f);
	give_reply(&f, EFFECT_CLEAR_TASK, REPLY_UNCERTAIN);
	give_timer(&f);
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	give_timer(&f);
	give_reply(&f, EFFECT_CLEAR_TASK, REPLY_DONE);
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");

	begin_to_clear(&f);
	give_reply(&f, EFFECT_CLEAR_TASK, REPLY_UNCERTAIN);
	give_timer(&f);
	give_task(&f, task(TI_STATE_SCHEDULED, 1, id_two));
	give_timer(&f);
	give_task(&f, task(TI_STATE_SUCCESS, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");
}

static void test_clear_taken_is_not_repeated(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_clear(&f);
	give_reply(&f, EFFECT_CLEAR_TASK, REPLY_DONE);
	/* A replica that lags behind. */
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	give_timer(&f);
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");
}

static void test_new_try_failed(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_clear(&f);
	give_reply(&f, EFFECT_CLEAR_TASK, REPLY_DONE);
	give_task(&f, task(TI_STATE_FAILED, 2, id_two));
	assert_done(&f, OUTCOME_FAILED_AGAIN, "confirmed");
}

static void test_new_try_never_runs(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_clear(&f);
	give_reply(&f, EFFECT_CLEAR_TASK, REPLY_DONE);
	give_task(&f, task(TI_STATE_SCHEDULED, 1, id_two));
	f.now += RETRY_TIMEOUT;
	give_timer(&f);
	give_task(&f, task(TI_STATE_SCHEDULED, 1, id_two));
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
}

/* Airflow 2 has no id per try: number and start tell. */
static void test_airflow_2_identity(void **state)
{
	struct fixture f;
	struct ti_obs t = task(TI_STATE_FAILED, 1, NULL);

	(void)state;
	begin(&f, RULE_ACTION_RETRY, true, false);
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_RUNNING, 1, NULL));
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_DONE);
	t.started += 1;
	give_task(&f, t);
	assert_done(&f, OUTCOME_SUPERSEDED, "failed");
}

static void test_stray_events_change_nothing(void **state)
{
	struct fixture f;
	struct remedy_event stray[] = {
		{.type = REMEDY_EVENT_REPLY, .reply = REPLY_DONE},
		{.type = REMEDY_EVENT_APP, .app_end = APP_END_ENDED},
		{.type = REMEDY_EVENT_START},
	};

	(void)state;
	begin(&f, RULE_ACTION_RETRY, true, false);
	give_stage(&f, LOOK_HUNG);
	for (size_t i = 0; i < ELEMENTSOF(stray); i++) {
		assert_int_equal(remedy_next(&f.r, &stray[i], f.now, &f.step), 0);
		assert_int_equal(f.step.effect, EFFECT_WAIT);
		assert_int_equal(f.r.state, REMEDY_RECHECK_TASK);
	}
	remedy_clear(&f.r);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < OUTCOME_MAX; i++)
		assert_non_null(remedy_outcome_name((enum remedy_outcome)i));
	for (int i = 0; i < REMEDY_STATE_MAX; i++)
		assert_non_null(remedy_state_name((enum remedy_state)i));
	for (int i = 0; i < EFFECT_MAX; i++)
		assert_int_equal(remedy_effect_changes((enum remedy_effect)i),
			i == EFFECT_NOTE || i == EFFECT_FAIL_TASK || i == EFFECT_KILL_APP ||
				i == EFFECT_CLEAR_TASK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retry_all_well),
		cmocka_unit_test(test_kill_all_well),
		cmocka_unit_test(test_note_first_on_airflow_2),
		cmocka_unit_test(test_dry_run_sends_nothing),
		cmocka_unit_test(test_stage_moved),
		cmocka_unit_test(test_stage_unknown),
		cmocka_unit_test(test_task_not_ours),
		cmocka_unit_test(test_task_not_running),
		cmocka_unit_test(test_task_cannot_be_looked_at),
		cmocka_unit_test(test_fail_refused),
		cmocka_unit_test(test_fail_already_failed),
		cmocka_unit_test(test_fail_lost_and_repeated),
		cmocka_unit_test(test_fail_lost_but_took),
		cmocka_unit_test(test_fail_never_seen),
		cmocka_unit_test(test_somebody_else_after_fail),
		cmocka_unit_test(test_killed_at_the_master),
		cmocka_unit_test(test_unconfirmed_end_is_not_cleared),
		cmocka_unit_test(test_somebody_else_before_clear),
		cmocka_unit_test(test_airflow_silent_before_clear),
		cmocka_unit_test(test_clear_refused_or_empty),
		cmocka_unit_test(test_clear_lost),
		cmocka_unit_test(test_clear_taken_is_not_repeated),
		cmocka_unit_test(test_new_try_failed),
		cmocka_unit_test(test_new_try_never_runs),
		cmocka_unit_test(test_airflow_2_identity),
		cmocka_unit_test(test_stray_events_change_nothing),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
