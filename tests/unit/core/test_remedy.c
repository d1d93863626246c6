/* SPDX-License-Identifier: Apache-2.0
 * Every path of the remedy's state machine. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"

#include "core/act/remedy.h"

#define APP_STARTED (1000 * USEC_PER_SEC)
#define END_TIMEOUT (60 * USEC_PER_SEC)
#define RETRY_TIMEOUT (300 * USEC_PER_SEC)
#define PROCESS_TIMEOUT (90 * USEC_PER_SEC)

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

/* Answers come at once. */
static void give(struct fixture *f, const struct remedy_event *ev)
{
	f->r.look_began = f->now;
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

static char running[] = "running";

/* What Airflow says around the task instance. */
static struct preconditions preconditions_of(unsigned major)
{
	return (struct preconditions){.version = {major, major == 3 ? 3 : 11, 2},
		.run_state = running,
		.tasks_known = true};
}

static void give_task_on(struct fixture *f, struct ti_obs t, const struct preconditions *p)
{
	struct remedy_event ev = {
		.type = REMEDY_EVENT_TASK, .reply = REPLY_DONE, .task = &t, .preconditions = p};

	assert_int_equal(f->step.effect, EFFECT_LOOK_TASK);
	give(f, &ev);
}

static void give_task(struct fixture *f, struct ti_obs t)
{
	const struct preconditions p = preconditions_of(3);

	give_task_on(f, t, &p);
}

static void give_process(struct fixture *f, struct ti_obs t, bool ended)
{
	struct remedy_event ev = {
		.type = REMEDY_EVENT_TASK, .reply = REPLY_DONE, .task = &t, .process_ended = ended};

	assert_int_equal(f->step.effect, EFFECT_LOOK_PROCESS);
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

static void give_held(struct fixture *f, enum remedy_effect expected)
{
	struct remedy_event ev = {.type = REMEDY_EVENT_HELD, .text = "words"};

	assert_int_equal(f->step.effect, expected);
	give(f, &ev);
}

static void give_other_app(struct fixture *f, enum remedy_effect expected)
{
	struct remedy_event ev = {.type = REMEDY_EVENT_HELD, .other_app = true, .text = "words"};

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
		.retry_timeout = RETRY_TIMEOUT,
		.process_timeout = PROCESS_TIMEOUT};

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
	give_process(&f, task(TI_STATE_FAILED, 1, NULL), true);
	give_task(&f, task(TI_STATE_FAILED, 1, NULL));
	assert_done(&f, OUTCOME_ENDED, "confirmed");
}

/* After it nothing was requested: what cannot be looked at then is refused, and may be asked anew.
 */
static void test_note_lost_and_no_look(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, RULE_ACTION_KILL, true, true);
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_RUNNING, 1, NULL));
	give_reply(&f, EFFECT_NOTE, REPLY_UNCERTAIN);
	give_no_task(&f, REPLY_GONE);
	assert_false(f.r.requested);
	assert_done(&f, OUTCOME_REFUSED, NULL);
}

/* Or somebody else failed it meanwhile: the app is theirs, too. */
static void test_note_lost_and_failed(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, RULE_ACTION_KILL, true, true);
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_RUNNING, 1, NULL));
	give_reply(&f, EFFECT_NOTE, REPLY_UNCERTAIN);
	give_task(&f, task(TI_STATE_FAILED, 1, NULL));
	assert_done(&f, OUTCOME_SUPERSEDED, NULL);
}

static void test_dry_run_sends_nothing(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, RULE_ACTION_RETRY, true, true);
	f.r.plan.dry = true;
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
		if (s == TI_STATE_RUNNING || s == TI_STATE_DEFERRED)
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
	each_row(i, final)
	{
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
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one)); /* right before it */
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_UNCERTAIN);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
	give_timer(&f);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one)); /* right before it */
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_DONE);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
	assert_done(&f, OUTCOME_FAILED, "failed");
}

/* Between two attempts the first one took, or Airflow began another try: that one is let alone. */
static void test_fail_is_not_repeated(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_fail(&f, RULE_ACTION_KILL, true);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_UNCERTAIN);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
	give_timer(&f);
	give_no_task(&f, REPLY_UNCERTAIN);
	give_timer(&f);
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	give_app(&f, APP_END_ENDED);
	assert_done(&f, OUTCOME_ENDED, "confirmed");
	begin_to_fail(&f, RULE_ACTION_KILL, true);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_UNCERTAIN);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
	give_timer(&f);
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_SUPERSEDED, "failed");
	begin_to_fail(&f, RULE_ACTION_KILL, true);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_UNCERTAIN);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
	f.now += USEC_PER_HOUR;
	give_timer(&f);
	give_no_task(&f, REPLY_UNCERTAIN);
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
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
		each_row(i, ends)
		{
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
	each_row(i, bad)
	{
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

/* It took after the look that did not show it: the one that repeats it finds nothing to clear. */
static void test_clear_takes_late(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_clear(&f);
	give_reply(&f, EFFECT_CLEAR_TASK, REPLY_UNCERTAIN);
	give_timer(&f);
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	give_timer(&f);
	give_reply(&f, EFFECT_CLEAR_TASK, REPLY_NOTHING);
	give_timer(&f);
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");
}

/* What allowed it does so no longer, before anything was sent. */
static void test_held_before_the_first_request(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_fail(&f, RULE_ACTION_RETRY, true);
	give_held(&f, EFFECT_FAIL_TASK);
	assert_string_equal(f.r.why, "words");
	assert_done(&f, OUTCOME_REFUSED, NULL);
	begin(&f, RULE_ACTION_KILL, true, true);
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_RUNNING, 1, NULL));
	give_reply(&f, EFFECT_NOTE, REPLY_DONE);
	give_held(&f, EFFECT_FAIL_TASK);
	assert_done(&f, OUTCOME_REFUSED, NULL);
}

/* A clear waits while another app of the task is there, and is not sent beside it. */
static void test_clear_is_held(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_clear(&f);
	give_held(&f, EFFECT_CLEAR_TASK);
	give_timer(&f);
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	give_reply(&f, EFFECT_CLEAR_TASK, REPLY_DONE);
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");

	begin_to_clear(&f);
	give_held(&f, EFFECT_CLEAR_TASK);
	f.now += END_TIMEOUT;
	give_timer(&f);
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	give_held(&f, EFFECT_CLEAR_TASK);
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
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

/* The task has a retry of its own left. */
static struct ti_obs task_with_retry(enum ti_state state, int64_t number, char *id)
{
	struct ti_obs t = task(state, number, id);

	t.max_tries = 2;
	return t;
}

static void begin_via(struct fixture *f, enum retry_via via, bool can_kill, bool airflow_2)
{
	begin(f, RULE_ACTION_RETRY, can_kill, airflow_2);
	f->r.plan.retry_via = (int)via;
	give_stage(f, LOOK_HUNG);
}

static void begin_to_wait_left(struct fixture *f, enum retry_via via)
{
	begin_via(f, via, true, false);
	give_task(f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	assert_true(f->r.requested);
	give_reply(f, EFFECT_KILL_APP, REPLY_DONE);
	give_app(f, APP_END_RUNNING);
	give_timer(f);
	give_app(f, APP_END_ENDED);
}

/* Airflow has a retry left: the app alone is ended, nothing is failed and nothing cleared. */
static void test_via_airflow(void **state)
{
	static const enum retry_via vias[] = {RETRY_VIA_AUTO, RETRY_VIA_AIRFLOW};
	struct fixture f;

	(void)state;
	each_row(i, vias)
	{
		begin_to_wait_left(&f, vias[i]);
		give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
		give_timer(&f);
		/* On Airflow 3 the id is the next try's already. */
		give_task(&f, task_with_retry(TI_STATE_UP_FOR_RETRY, 1, id_two));
		assert_int_equal(f.step.effect, EFFECT_LOOK_TASK);
		give_task(&f, task_with_retry(TI_STATE_UP_FOR_RETRY, 1, id_two));
		give_timer(&f);
		give_task(&f, task_with_retry(TI_STATE_RUNNING, 2, id_two));
		assert_done(&f, OUTCOME_RECOVERED, "confirmed");
	}
}

static void test_via_airflow_where_it_cannot_be(void **state)
{
	struct fixture f;

	(void)state;
	begin_via(&f, RETRY_VIA_AIRFLOW, false, false);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	assert_done(&f, OUTCOME_REFUSED, NULL);
	begin_via(&f, RETRY_VIA_AIRFLOW, true, false);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
	assert_done(&f, OUTCOME_REFUSED, NULL);
	/* auto fails the task then. */
	begin_via(&f, RETRY_VIA_AUTO, false, false);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	assert_int_equal(f.step.effect, EFFECT_FAIL_TASK);
	remedy_clear(&f.r);
	begin_via(&f, RETRY_VIA_AUTO, true, false);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
	assert_int_equal(f.step.effect, EFFECT_FAIL_TASK);
	remedy_clear(&f.r);
	begin_via(&f, RETRY_VIA_CLEAR, true, false);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	assert_int_equal(f.step.effect, EFFECT_FAIL_TASK);
	remedy_clear(&f.r);
}

/* A driver that outlives its app keeps the task running: it is failed, and cleared in the end. */
static void test_via_auto_falls_back_to_clear(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_wait_left(&f, RETRY_VIA_AUTO);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	f.now += PROCESS_TIMEOUT;
	give_timer(&f);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_DONE);
	give_task(&f, task_with_retry(TI_STATE_FAILED, 1, id_one));
	give_app(&f, APP_END_ENDED);
	give_task(&f, task_with_retry(TI_STATE_FAILED, 1, id_one));
	give_reply(&f, EFFECT_CLEAR_TASK, REPLY_DONE);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");

	begin_to_wait_left(&f, RETRY_VIA_AIRFLOW);
	f.now += PROCESS_TIMEOUT;
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
}

static void begin_to_kill(struct fixture *f)
{
	begin_to_wait_end(f, RULE_ACTION_KILL, true);
	f->now += END_TIMEOUT;
	give_app(f, APP_END_RUNNING);
}

/* A kill whose answer was lost is sent again after a look that says the app runs: three times in
 * all, and within the one time limit. */
static void test_kill_is_repeated(void **state)
{
	struct fixture f;
	usec_t deadline;

	(void)state;
	begin_to_kill(&f);
	for (int i = 0; i < REMEDY_ATTEMPTS; i++) {
		give_reply(&f, EFFECT_KILL_APP, REPLY_UNCERTAIN);
		deadline = i == 0 ? f.r.deadline : deadline;
		assert_int_equal(f.r.deadline, deadline);
		give_app(&f, APP_END_RUNNING);
		give_timer(&f);
	}
	assert_int_equal(f.step.effect, EFFECT_LOOK_APP);
	give_app(&f, APP_END_ENDED);
	assert_done(&f, OUTCOME_ENDED, "confirmed");
	/* Not beyond the limit, be it ever so uncertain. */
	begin_to_kill(&f);
	give_reply(&f, EFFECT_KILL_APP, REPLY_UNCERTAIN);
	f.now += END_TIMEOUT;
	give_app(&f, APP_END_RUNNING);
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
	/* The same on the way by Airflow's own retry. */
	begin_via(&f, RETRY_VIA_AIRFLOW, true, false);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	give_reply(&f, EFFECT_KILL_APP, REPLY_UNCERTAIN);
	give_app(&f, APP_END_RUNNING);
	give_timer(&f);
	give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
	assert_int_equal(f.step.effect, EFFECT_LOOK_APP);
	remedy_clear(&f.r);
}

/* One that was answered, or refused, or of an app that nobody knows, is not. */
static void test_kill_is_not_repeated(void **state)
{
	static const struct {
		enum remedy_reply reply;
		enum app_end end;
	} cases[] = {
		{REPLY_DONE, APP_END_RUNNING},
		{REPLY_REFUSED, APP_END_RUNNING},
		{REPLY_GONE, APP_END_RUNNING},
		{REPLY_NOTHING, APP_END_RUNNING},
		{REPLY_UNCERTAIN, APP_END_UNKNOWN},
	};
	struct fixture f;

	(void)state;
	each_row(i, cases)
	{
		begin_to_kill(&f);
		give_reply(&f, EFFECT_KILL_APP, cases[i].reply);
		give_app(&f, cases[i].end);
		give_timer(&f);
		assert_int_equal(f.step.effect, EFFECT_LOOK_APP);
		remedy_clear(&f.r);
	}
}

/* An app that survives its kill is ended by way of its task; one that cannot be is not. */
static void test_via_airflow_app_survives(void **state)
{
	struct fixture f;

	(void)state;
	begin_via(&f, RETRY_VIA_AUTO, true, false);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
	f.now += END_TIMEOUT;
	give_app(&f, APP_END_RUNNING);
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	assert_int_equal(f.step.effect, EFFECT_FAIL_TASK);
	remedy_clear(&f.r);
	/* It took, unseen, and Airflow's own retry runs. */
	begin_via(&f, RETRY_VIA_AUTO, true, false);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
	f.now += END_TIMEOUT;
	give_app(&f, APP_END_UNKNOWN);
	give_stage(&f, LOOK_UNKNOWN);
	give_timer(&f);
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
	begin_via(&f, RETRY_VIA_AIRFLOW, true, false);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
	f.now += END_TIMEOUT;
	give_app(&f, APP_END_RUNNING);
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
}

/* By then the evidence is old: a stage that moves again, or says nothing, is left alone. */
static void test_via_airflow_app_survives_and_moves(void **state)
{
	static const enum remedy_look looks[] = {LOOK_MOVED, LOOK_UNKNOWN};
	struct fixture f;

	(void)state;
	each_row(i, looks)
	{
		begin_via(&f, RETRY_VIA_AUTO, true, false);
		give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
		give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
		f.now += END_TIMEOUT;
		give_app(&f, APP_END_RUNNING);
		f.now += USEC_PER_MINUTE;
		give_stage(&f, looks[i]);
		assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
	}
}

/* One that the other side did not even take is not waited for. */
static void test_via_airflow_kill_is_refused(void **state)
{
	static const enum remedy_reply replies[] = {REPLY_REFUSED, REPLY_NOTHING};
	struct fixture f;

	(void)state;
	each_row(i, replies)
	{
		begin_via(&f, RETRY_VIA_AUTO, true, false);
		give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
		give_reply(&f, EFFECT_KILL_APP, replies[i]);
		give_app(&f, APP_END_RUNNING);
		give_stage(&f, LOOK_MOVED);
		assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
	}
}

static void test_via_airflow_other_ends(void **state)
{
	struct fixture f;

	(void)state;
	/* The task took its app's end for success. */
	begin_to_wait_left(&f, RETRY_VIA_AUTO);
	give_task(&f, task_with_retry(TI_STATE_SUCCESS, 1, id_one));
	assert_done(&f, OUTCOME_ENDED, "confirmed");
	/* A retry_delay that is longer than we wait. */
	begin_to_wait_left(&f, RETRY_VIA_AUTO);
	give_task(&f, task_with_retry(TI_STATE_UP_FOR_RETRY, 1, id_two));
	f.now += RETRY_TIMEOUT;
	give_task(&f, task_with_retry(TI_STATE_UP_FOR_RETRY, 1, id_two));
	assert_done(&f, OUTCOME_ENDED, "confirmed");
	/* Airflow takes no retry after all. */
	begin_to_wait_left(&f, RETRY_VIA_AIRFLOW);
	give_task(&f, task_with_retry(TI_STATE_FAILED, 1, id_one));
	give_task(&f, task_with_retry(TI_STATE_FAILED, 1, id_one));
	assert_done(&f, OUTCOME_FAILED, "failed");
	begin_to_wait_left(&f, RETRY_VIA_AUTO);
	give_task(&f, task_with_retry(TI_STATE_FAILED, 1, id_one));
	give_task(&f, task_with_retry(TI_STATE_FAILED, 1, id_one));
	give_app(&f, APP_END_ENDED);
	give_task(&f, task_with_retry(TI_STATE_FAILED, 1, id_one));
	give_reply(&f, EFFECT_CLEAR_TASK, REPLY_DONE);
	remedy_clear(&f.r);
}

/* On Airflow 2, up to the proven end of the app. */
static usec_t begin_to_wait_process(struct fixture *f, enum rule_action action)
{
	const struct preconditions p = preconditions_of(2);
	usec_t failed;

	begin(f, action, true, true);
	give_stage(f, LOOK_HUNG);
	give_task_on(f, task(TI_STATE_RUNNING, 1, NULL), &p);
	give_reply(f, EFFECT_NOTE, REPLY_DONE);
	give_reply(f, EFFECT_FAIL_TASK, REPLY_DONE);
	failed = f->now;
	give_task(f, task(TI_STATE_FAILED, 1, NULL));
	f->now += END_TIMEOUT;
	give_app(f, APP_END_RUNNING);
	give_reply(f, EFFECT_KILL_APP, REPLY_DONE);
	give_app(f, APP_END_ENDED);
	assert_int_equal(f->r.state, REMEDY_WAIT_PROCESS);
	return failed;
}

/* There the end of an app says nothing of the process of its task: its log does, or time. */
static void test_airflow_2_waits_for_the_process(void **state)
{
	struct fixture f;
	usec_t failed;

	(void)state;
	begin_to_wait_process(&f, RULE_ACTION_RETRY);
	give_process(&f, task(TI_STATE_FAILED, 1, NULL), false);
	give_timer(&f);
	give_process(&f, task(TI_STATE_FAILED, 1, NULL), true);
	give_task(&f, task(TI_STATE_FAILED, 1, NULL));
	assert_int_equal(f.step.effect, EFFECT_CLEAR_TASK);
	remedy_clear(&f.r);

	failed = begin_to_wait_process(&f, RULE_ACTION_RETRY);
	f.now = failed + PROCESS_TIMEOUT - 1;
	give_process(&f, task(TI_STATE_FAILED, 1, NULL), false);
	give_timer(&f);
	assert_true(f.now >= failed + PROCESS_TIMEOUT);
	give_process(&f, task(TI_STATE_FAILED, 1, NULL), false);
	give_task(&f, task(TI_STATE_FAILED, 1, NULL));
	assert_int_equal(f.step.effect, EFFECT_CLEAR_TASK);
	remedy_clear(&f.r);
	/* Somebody was faster. */
	begin_to_wait_process(&f, RULE_ACTION_RETRY);
	give_process(&f, task(TI_STATE_QUEUED, 2, NULL), false);
	give_task(&f, task(TI_STATE_QUEUED, 2, NULL));
	assert_done(&f, OUTCOME_SUPERSEDED, "failed");
}

/* Its app ended late, so the time for its process is over: Airflow may be silent for a while all
 * the same. */
static void test_airflow_2_process_of_an_app_that_ended_late(void **state)
{
	const struct remedy_event lost = {.type = REMEDY_EVENT_TASK, .reply = REPLY_UNCERTAIN};
	struct fixture f;

	(void)state;
	begin(&f, RULE_ACTION_RETRY, true, true);
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_RUNNING, 1, NULL));
	give_reply(&f, EFFECT_NOTE, REPLY_DONE);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_DONE);
	give_task(&f, task(TI_STATE_FAILED, 1, NULL));
	f.now += PROCESS_TIMEOUT + 2 * USEC_PER_MINUTE;
	give_app(&f, APP_END_ENDED);
	assert_int_equal(f.step.effect, EFFECT_LOOK_PROCESS);
	give(&f, &lost);
	give_timer(&f);
	give_process(&f, task(TI_STATE_FAILED, 1, NULL), false);
	give_task(&f, task(TI_STATE_FAILED, 1, NULL));
	assert_int_equal(f.step.effect, EFFECT_CLEAR_TASK);
	remedy_clear(&f.r);
}

/* A process that takes no notice of SIGTERM ends well, and Airflow 2 writes its success over our
 * failed: not the work of another, and nothing to be cleared. */
static void test_airflow_2_is_overwritten(void **state)
{
	static const enum rule_action actions[] = {RULE_ACTION_KILL, RULE_ACTION_RETRY};
	struct fixture f;

	(void)state;
	each_row(i, actions)
	{
		begin_to_wait_process(&f, actions[i]);
		give_process(&f, task(TI_STATE_FAILED, 1, NULL), false);
		give_timer(&f);
		give_process(&f, task(TI_STATE_SUCCESS, 1, NULL), false);
		assert_non_null(strstr(f.r.why, "says success over failed"));
		assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");

		begin_to_wait_process(&f, actions[i]);
		give_process(&f, task(TI_STATE_FAILED, 1, NULL), true);
		give_task(&f, task(TI_STATE_SUCCESS, 1, NULL));
		assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
	}
}

/* The ledger cannot be written. Before anything was sent: nothing is. After: it waits, looks again,
 * and gives up in the end. */
static void give_blocked(struct fixture *f, enum remedy_effect expected)
{
	struct remedy_event ev = {.type = REMEDY_EVENT_BLOCKED, .text = "the disk is full"};

	assert_int_equal(f->step.effect, expected);
	give(f, &ev);
}

static void test_blocked(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_fail(&f, RULE_ACTION_RETRY, true);
	give_blocked(&f, EFFECT_FAIL_TASK);
	assert_false(f.r.requested);
	assert_done(&f, OUTCOME_REFUSED, NULL);

	begin_via(&f, RETRY_VIA_AUTO, true, false);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	give_blocked(&f, EFFECT_KILL_APP);
	assert_done(&f, OUTCOME_REFUSED, NULL);

	begin_to_clear(&f);
	give_blocked(&f, EFFECT_CLEAR_TASK);
	give_timer(&f);
	/* Somebody cleared it meanwhile: it is not cleared again. */
	give_task(&f, task(TI_STATE_QUEUED, 1, id_two));
	assert_done(&f, OUTCOME_SUPERSEDED, "failed");

	begin_to_clear(&f);
	give_blocked(&f, EFFECT_CLEAR_TASK);
	give_timer(&f);
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	give_reply(&f, EFFECT_CLEAR_TASK, REPLY_DONE);
	assert_int_equal(f.r.blocked_since, 0);
	remedy_clear(&f.r);

	begin_to_clear(&f);
	give_blocked(&f, EFFECT_CLEAR_TASK);
	f.now += REMEDY_BLOCKED_TIMEOUT;
	give_timer(&f);
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	give_blocked(&f, EFFECT_CLEAR_TASK);
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");

	begin_to_wait_end(&f, RULE_ACTION_KILL, true);
	f.now += END_TIMEOUT;
	give_app(&f, APP_END_RUNNING);
	give_blocked(&f, EFFECT_KILL_APP);
	give_timer(&f);
	give_app(&f, APP_END_RUNNING);
	give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
	give_app(&f, APP_END_ENDED);
	assert_done(&f, OUTCOME_ENDED, "confirmed");
}

static const char a_claim[] = "replica a, incident 1";
static char claimed_by_us[] = "stagewatchd, try 1, replica a, incident 1: Spark stage 7";
static char claimed_by_another[] = "stagewatchd, try 1, replica b, incident 1: Spark stage 7";
static char claimed_before[] = "stagewatchd, try 0, replica b, incident 1: Spark stage 7";

static struct ti_obs noted(char *note)
{
	struct ti_obs t = task(TI_STATE_RUNNING, 1, id_one);

	t.note = note;
	return t;
}

/* Up to the look at the task instance, where several replicas watch. */
static void begin_to_claim(struct fixture *f, enum rule_action action)
{
	begin(f, action, true, false);
	f->r.plan.claim = a_claim;
	f->r.plan.kills_app = true;
	give_stage(f, LOOK_HUNG);
}

/* Whatever the way, nothing is sent before the claim was seen. */
static void test_claim_comes_first(void **state)
{
	static const struct {
		const char *name;
		enum rule_action action;
		enum retry_via via;
		enum remedy_effect effect;
	} rows[] = {
		{"kill", RULE_ACTION_KILL, RETRY_VIA_AUTO, EFFECT_FAIL_TASK},
		{"clear", RULE_ACTION_RETRY, RETRY_VIA_CLEAR, EFFECT_FAIL_TASK},
		{"restart", RULE_ACTION_RETRY, RETRY_VIA_RESTART, EFFECT_RESTART_TASK},
	};
	struct fixture f;

	(void)state;
	for_each_row(r, rows)
	{
		begin_to_claim(&f, r->action);
		f.r.plan.retry_via = (int)r->via;
		give_task(&f, noted(claimed_before));
		assert_false(f.r.requested);
		give_reply(&f, EFFECT_NOTE, REPLY_DONE);
		assert_false(f.r.sent);
		give_task(&f, noted(claimed_by_us));
		assert_int_equal(f.step.effect, r->effect);
		assert_true(f.r.requested);
		remedy_clear(&f.r);
	}
}

static void test_anothers_claim(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_claim(&f, RULE_ACTION_RETRY);
	give_task(&f, noted(claimed_by_another));
	assert_done(&f, OUTCOME_REFUSED, NULL);
	/* It was written over ours. */
	begin_to_claim(&f, RULE_ACTION_RETRY);
	give_task(&f, noted(NULL));
	give_reply(&f, EFFECT_NOTE, REPLY_DONE);
	give_task(&f, noted(claimed_by_another));
	assert_done(&f, OUTCOME_REFUSED, NULL);
}

static void test_claim_that_is_not_seen(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_claim(&f, RULE_ACTION_KILL);
	for (unsigned i = 0; i < REMEDY_ATTEMPTS; i++) {
		give_task(&f, noted(NULL));
		give_reply(&f, EFFECT_NOTE, i % 2 ? REPLY_UNCERTAIN : REPLY_DONE);
	}
	give_task(&f, noted(NULL));
	assert_done(&f, OUTCOME_REFUSED, NULL);
	begin_to_claim(&f, RULE_ACTION_KILL);
	give_task(&f, noted(NULL));
	give_reply(&f, EFFECT_NOTE, REPLY_UNCERTAIN);
	give_task(&f, noted(claimed_by_us));
	assert_int_equal(f.step.effect, EFFECT_FAIL_TASK);
	remedy_clear(&f.r);
	begin_to_claim(&f, RULE_ACTION_KILL);
	give_task(&f, noted(NULL));
	give_reply(&f, EFFECT_NOTE, REPLY_REFUSED);
	assert_done(&f, OUTCOME_REFUSED, NULL);
}

/* The lead was lost between the claim and the first request. */
static void test_claim_alone_is_not_gone_on_with(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_claim(&f, RULE_ACTION_KILL);
	give_task(&f, noted(NULL));
	give_reply(&f, EFFECT_NOTE, REPLY_DONE);
	give_task(&f, noted(claimed_by_us));
	give_blocked(&f, EFFECT_FAIL_TASK);
	assert_done(&f, OUTCOME_REFUSED, NULL);
}

/* Airflow 3: up to the request that clears a running task instance. */
static void begin_to_restart(struct fixture *f)
{
	begin(f, RULE_ACTION_RETRY, true, false);
	f->r.plan.kills_app = true;
	give_stage(f, LOOK_HUNG);
	assert_false(f->r.requested);
	give_task(f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	assert_int_equal(f->step.effect, EFFECT_RESTART_TASK);
	assert_true(f->r.requested);
}

/* Nothing is failed; the app ends with its task's process, and the new try begins by itself. */
static void test_restart_all_well(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_restart(&f);
	give_reply(&f, EFFECT_RESTART_TASK, REPLY_DONE);
	give_app(&f, APP_END_RUNNING);
	give_task(&f, task(TI_STATE_RESTARTING, 1, id_two));
	give_timer(&f);
	give_app(&f, APP_END_RUNNING);
	give_no_task(&f, REPLY_UNCERTAIN);
	give_timer(&f);
	give_app(&f, APP_END_ENDED);
	give_task(&f, task(TI_STATE_NONE, 1, id_two));
	give_timer(&f);
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_false(f.r.kill_sent);
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");
}

static void give_late(struct fixture *f, usec_t late, const struct remedy_event *ev)
{
	f->now += late;
	assert_int_equal(remedy_next(&f->r, ev, f->now, &f->step), 0);
}

/* The daemon, or its host, stood still while it looked: that the time is over is seen by a look
 * that begins then. */
static void test_late_answer_is_no_timeout(void **state)
{
	const struct remedy_event runs = {.type = REMEDY_EVENT_APP, .app_end = APP_END_RUNNING};
	struct ti_obs queued = task(TI_STATE_QUEUED, 2, id_two);
	const struct remedy_event waits = {
		.type = REMEDY_EVENT_TASK, .reply = REPLY_DONE, .task = &queued};
	struct fixture f;

	(void)state;
	begin_to_restart(&f);
	give_reply(&f, EFFECT_RESTART_TASK, REPLY_DONE);
	give_late(&f, 2 * END_TIMEOUT, &runs);
	assert_int_equal(f.r.state, REMEDY_WATCH_OLD);
	give_task(&f, task(TI_STATE_NONE, 1, id_two));
	give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
	give_late(&f, 2 * END_TIMEOUT, &runs);
	give_timer(&f);
	give_app(&f, APP_END_ENDED);
	give_late(&f, 2 * RETRY_TIMEOUT, &waits);
	give_timer(&f);
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");
}

/* Two looks a second, for minutes, are not as many writes; what is sent after them is one. */
static void test_restart_looks_are_not_saved(void **state)
{
	enum remedy_state before;
	struct fixture f;

	(void)state;
	begin_to_restart(&f);
	before = f.r.state;
	give_reply(&f, EFFECT_RESTART_TASK, REPLY_DONE);
	assert_true(remedy_is_to_be_saved(&f.r, before));
	before = f.r.state;
	give_app(&f, APP_END_RUNNING);
	assert_int_not_equal(f.r.state, before);
	assert_false(remedy_is_to_be_saved(&f.r, before));
	before = f.r.state;
	give_task(&f, task(TI_STATE_RESTARTING, 1, id_two));
	assert_int_not_equal(f.r.state, before);
	assert_false(remedy_is_to_be_saved(&f.r, before));
	give_timer(&f);
	assert_false(remedy_is_to_be_saved(&f.r, f.r.state));
	before = f.r.state;
	give_app(&f, APP_END_ENDED);
	assert_true(remedy_is_to_be_saved(&f.r, before));
	remedy_clear(&f.r);
}

/* Airflow waits for the process, not for an app that outlives it. */
static void test_restart_app_outlives_its_process(void **state)
{
	static const enum ti_state states[] = {
		TI_STATE_NONE, TI_STATE_QUEUED, TI_STATE_UP_FOR_RETRY, TI_STATE_RUNNING};
	struct fixture f;

	(void)state;
	each_row(i, states)
	{
		begin_to_restart(&f);
		give_reply(&f, EFFECT_RESTART_TASK, REPLY_DONE);
		give_app(&f, APP_END_RUNNING);
		give_task(&f, task(states[i], 2, id_two));
		give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
		give_app(&f, APP_END_ENDED);
		give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
		assert_done(&f, OUTCOME_RECOVERED, "confirmed");
	}
	/* One that is frozen: within end_timeout its process should be gone. */
	begin_to_restart(&f);
	give_reply(&f, EFFECT_RESTART_TASK, REPLY_DONE);
	f.now += END_TIMEOUT;
	give_app(&f, APP_END_RUNNING);
	give_reply(&f, EFFECT_KILL_APP, REPLY_UNCERTAIN);
	give_app(&f, APP_END_RUNNING);
	give_timer(&f);
	give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
	f.now += END_TIMEOUT;
	give_app(&f, APP_END_RUNNING);
	assert_non_null(strstr(f.r.why, "starts a new try beside it"));
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
}

/* A driver in the cluster is no process of the task: it is failed, then cleared. */
static void test_restart_not_with_a_driver_in_the_cluster(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, RULE_ACTION_RETRY, true, false);
	f.r.plan.kills_app = true;
	f.r.plan.outlives_process = true;
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
	assert_int_equal(f.step.effect, EFFECT_FAIL_TASK);
	remedy_clear(&f.r);
	/* Whoever wants no other way gets none. */
	begin(&f, RULE_ACTION_RETRY, true, false);
	f.r.plan.retry_via = RETRY_VIA_RESTART;
	f.r.plan.kills_app = true;
	f.r.plan.outlives_process = true;
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
	assert_non_null(strstr(f.r.why, "its driver runs in the cluster"));
	assert_done(&f, OUTCOME_REFUSED, NULL);
}

/* An answer that was lost is followed by a look. */
static void test_restart_lost(void **state)
{
	static const enum remedy_reply replies[] = {REPLY_UNCERTAIN, REPLY_CONFLICT, REPLY_NOTHING};
	struct fixture f;

	(void)state;
	each_row(i, replies)
	{
		/* It took. */
		begin_to_restart(&f);
		give_reply(&f, EFFECT_RESTART_TASK, replies[i]);
		give_task(&f, task(TI_STATE_RESTARTING, 1, id_two));
		give_app(&f, APP_END_ENDED);
		remedy_clear(&f.r);
		/* It did not. */
		begin_to_restart(&f);
		for (unsigned n = 1; n < REMEDY_ATTEMPTS; n++) {
			give_reply(&f, EFFECT_RESTART_TASK, replies[i]);
			give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
			give_timer(&f);
		}
		give_reply(&f, EFFECT_RESTART_TASK, replies[i]);
		give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
		assert_done(&f, OUTCOME_FAILED, "failed");
		/* A person was faster. */
		begin_to_restart(&f);
		give_reply(&f, EFFECT_RESTART_TASK, replies[i]);
		give_task(&f, task(TI_STATE_FAILED, 1, id_one));
		assert_done(&f, OUTCOME_SUPERSEDED, "failed");
		begin_to_restart(&f);
		give_reply(&f, EFFECT_RESTART_TASK, replies[i]);
		give_no_task(&f, REPLY_GONE);
		assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
	}
}

/* Refused, or held: another way is tried where one is open. */
static void test_restart_refused(void **state)
{
	struct preconditions p = preconditions_of(3);
	char fires[] = "report (all_done)";
	struct fixture f;

	(void)state;
	begin_to_restart(&f);
	give_reply(&f, EFFECT_RESTART_TASK, REPLY_REFUSED);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	assert_int_equal(f.step.effect, EFFECT_KILL_APP);
	assert_int_equal(f.r.state, REMEDY_END_APP);
	remedy_clear(&f.r);

	begin_to_restart(&f);
	give_reply(&f, EFFECT_RESTART_TASK, REPLY_REFUSED);
	give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
	assert_int_equal(f.step.effect, EFFECT_FAIL_TASK);
	remedy_clear(&f.r);

	p.fires = fires;
	begin_to_restart(&f);
	give_reply(&f, EFFECT_RESTART_TASK, REPLY_REFUSED);
	give_task_on(&f, task(TI_STATE_RUNNING, 1, id_one), &p);
	assert_non_null(strstr(f.r.why, "report (all_done)"));
	assert_non_null(strstr(f.r.why, "nor can it be cleared while it runs: words"));
	assert_done(&f, OUTCOME_FAILED, "failed");

	/* What no longer allows it, allows no other way, either. */
	begin_to_restart(&f);
	give_held(&f, EFFECT_RESTART_TASK);
	assert_false(f.r.requested);
	assert_done(&f, OUTCOME_REFUSED, NULL);

	begin_to_restart(&f);
	give_other_app(&f, EFFECT_RESTART_TASK);
	assert_false(f.r.requested);
	give_task_on(&f, task(TI_STATE_RUNNING, 1, id_one), &p);
	assert_done(&f, OUTCOME_REFUSED, NULL);

	begin_to_restart(&f);
	give_blocked(&f, EFFECT_RESTART_TASK);
	assert_done(&f, OUTCOME_REFUSED, NULL);
}

/* What runs on a failure keeps it from being failed, unless its rule lets it. A kill says so. */
static void test_what_fires(void **state)
{
	struct preconditions p = preconditions_of(2);
	char fires[] = "cleanup (teardown)";
	struct fixture f;

	(void)state;
	p.fires = fires;
	begin(&f, RULE_ACTION_RETRY, true, true);
	give_stage(&f, LOOK_HUNG);
	give_task_on(&f, task(TI_STATE_RUNNING, 1, NULL), &p);
	assert_non_null(strstr(f.r.why, "cleanup (teardown)"));
	assert_done(&f, OUTCOME_REFUSED, NULL);

	begin(&f, RULE_ACTION_RETRY, true, true);
	f.r.plan.may_fire = true;
	give_stage(&f, LOOK_HUNG);
	give_task_on(&f, task(TI_STATE_RUNNING, 1, NULL), &p);
	give_reply(&f, EFFECT_NOTE, REPLY_DONE);
	assert_int_equal(f.step.effect, EFFECT_FAIL_TASK);
	assert_string_equal(f.r.fires, fires);
	remedy_clear(&f.r);

	begin(&f, RULE_ACTION_KILL, true, false);
	give_stage(&f, LOOK_HUNG);
	give_task_on(&f, task(TI_STATE_RUNNING, 1, id_one), &p);
	give_reply(&f, EFFECT_FAIL_TASK, REPLY_DONE);
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	give_app(&f, APP_END_ENDED);
	assert_non_null(strstr(f.r.why, "tasks that run when it fails: cleanup (teardown)"));
	assert_done(&f, OUTCOME_ENDED, "confirmed");

	begin(&f, RULE_ACTION_KILL, true, false);
	f.r.plan.dry = true;
	give_stage(&f, LOOK_HUNG);
	give_task_on(&f, task(TI_STATE_RUNNING, 1, id_one), &p);
	assert_non_null(strstr(f.r.why, "nothing was sent; it would have been failed; tasks that "
					"run when it fails: cleanup (teardown)"));
	assert_done(&f, OUTCOME_DRY_RUN, "dry_run");

	/* Nor is it failed later, where Airflow does not notice that its app has ended. */
	begin_to_wait_left(&f, RETRY_VIA_AUTO);
	f.now += PROCESS_TIMEOUT;
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	give_task_on(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one), &p);
	assert_non_null(strstr(f.r.why, "cleanup (teardown)"));
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
	/* Where it can be cleared without, it is. */
	begin_to_wait_left(&f, RETRY_VIA_AUTO);
	f.r.plan.kills_app = true;
	p = preconditions_of(3);
	p.fires = fires;
	f.now += PROCESS_TIMEOUT;
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	give_task_on(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one), &p);
	give_reply(&f, EFFECT_RESTART_TASK, REPLY_DONE);
	give_app(&f, APP_END_ENDED);
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");
}

/* A deferred one has no process: its app is ended first, then it is cleared as it is. */
static void test_deferred(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, RULE_ACTION_RETRY, true, false);
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_DEFERRED, 1, id_one));
	give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
	give_app(&f, APP_END_ENDED);
	give_task(&f, task(TI_STATE_DEFERRED, 1, id_one));
	give_reply(&f, EFFECT_RESTART_TASK, REPLY_DONE);
	give_app(&f, APP_END_ENDED);
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");
	/* Its trigger was faster. */
	begin(&f, RULE_ACTION_RETRY, true, false);
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task_with_retry(TI_STATE_DEFERRED, 1, id_one));
	give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
	give_app(&f, APP_END_ENDED);
	give_task(&f, task_with_retry(TI_STATE_UP_FOR_RETRY, 1, id_two));
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");
	/* An end that nobody saw is not followed by a clear. */
	begin(&f, RULE_ACTION_RETRY, true, false);
	f.r.plan.retry_via = RETRY_VIA_AIRFLOW;
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_DEFERRED, 1, id_one));
	give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
	f.now += END_TIMEOUT;
	give_app(&f, APP_END_RUNNING);
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
	/* A clear waits for another app of it. */
	begin(&f, RULE_ACTION_RETRY, true, false);
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_DEFERRED, 1, id_one));
	give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
	give_app(&f, APP_END_ENDED);
	give_task(&f, task(TI_STATE_DEFERRED, 1, id_one));
	give_held(&f, EFFECT_RESTART_TASK);
	give_timer(&f);
	give_task(&f, task(TI_STATE_DEFERRED, 1, id_one));
	give_timer(&f);
	give_reply(&f, EFFECT_RESTART_TASK, REPLY_REFUSED);
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
	/* Nothing else could end its app. */
	begin(&f, RULE_ACTION_RETRY, false, false);
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_DEFERRED, 1, id_one));
	assert_done(&f, OUTCOME_REFUSED, NULL);
}

/* As the ledger tells of one that a restart interrupted. */
static void resume(struct fixture *f, enum remedy_state at)
{
	struct ti_obs t = task(TI_STATE_RUNNING, 1, id_one);

	begin(f, RULE_ACTION_RETRY, true, false);
	assert_int_equal(ti_identity_of(&t, &f->r.task), 0);
	f->r.state = at;
	if (at != REMEDY_NOTE && at != REMEDY_FAIL && at != REMEDY_VERIFY_FAILED)
		f->r.failed_at = 1;
	remedy_resume(&f->r, f->now, &f->step);
	assert_int_equal(f->step.effect, EFFECT_WAIT);
	assert_int_equal(f->step.wake_at, f->now + REMEDY_RESUME_WAIT);
	give_timer(f);
}

/* What did not take is not sent on the strength of old evidence. */
static void test_resume_before_the_task_failed(void **state)
{
	static const enum remedy_state at[] = {REMEDY_NOTE, REMEDY_FAIL, REMEDY_VERIFY_FAILED};
	struct fixture f;

	(void)state;
	each_row(i, at)
	{
		resume(&f, at[i]);
		give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
		assert_done(&f, OUTCOME_REFUSED, "failed");
		/* It took: on it goes. A note fails nothing: somebody else did. */
		resume(&f, at[i]);
		give_task(&f, task(TI_STATE_FAILED, 1, id_one));
		if (at[i] == REMEDY_NOTE) {
			assert_done(&f, OUTCOME_SUPERSEDED, "failed");
		} else {
			give_app(&f, APP_END_ENDED);
			give_task(&f, task(TI_STATE_FAILED, 1, id_one));
			assert_int_equal(f.step.effect, EFFECT_CLEAR_TASK);
			remedy_clear(&f.r);
		}
		resume(&f, at[i]);
		give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
		assert_done(&f, OUTCOME_SUPERSEDED, "failed");
	}
}

/* At a look, when nothing but a note was sent: the try may be acted upon yet. */
static void test_resume_before_anything(void **state)
{
	struct fixture f;

	(void)state;
	resume(&f, REMEDY_RECHECK_TASK);
	assert_done(&f, OUTCOME_REFUSED, "failed");
	/* As is where a restart was refused and another way was to be looked for. */
	begin_via(&f, RETRY_VIA_AUTO, true, false);
	f.r.state = REMEDY_RECHECK_TASK;
	f.r.requested = f.r.sent = true;
	remedy_resume(&f.r, f.now, &f.step);
	give_timer(&f);
	assert_done(&f, OUTCOME_REFUSED, "failed");
}

static void test_resume_before_the_end(void **state)
{
	static const enum remedy_state at[] = {
		REMEDY_WAIT_END, REMEDY_KILL_APP, REMEDY_WAIT_KILLED, REMEDY_WAIT_PROCESS};
	struct fixture f;

	(void)state;
	each_row(i, at)
	{
		/* The kill took, or did not: the cluster manager knows. */
		resume(&f, at[i]);
		give_app(&f, APP_END_ENDED);
		give_task(&f, task(TI_STATE_FAILED, 1, id_one));
		assert_int_equal(f.step.effect, EFFECT_CLEAR_TASK);
		remedy_clear(&f.r);
		resume(&f, at[i]);
		give_app(&f, APP_END_RUNNING);
		f.now += 2 * END_TIMEOUT;
		give_timer(&f);
		give_app(&f, APP_END_RUNNING);
		assert_int_equal(f.step.effect, EFFECT_KILL_APP);
		remedy_clear(&f.r);
	}
}

static void test_resume_around_the_clear(void **state)
{
	struct fixture f;

	(void)state;
	resume(&f, REMEDY_VERIFY_TASK);
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	assert_int_equal(f.step.effect, EFFECT_CLEAR_TASK);
	remedy_clear(&f.r);
	/* The clear took: it is not repeated. */
	resume(&f, REMEDY_CLEAR);
	give_task(&f, task(TI_STATE_NONE, 1, id_two));
	give_timer(&f);
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");
	/* It did not. */
	resume(&f, REMEDY_CLEAR);
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	give_timer(&f);
	give_reply(&f, EFFECT_CLEAR_TASK, REPLY_DONE);
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");
	resume(&f, REMEDY_WAIT_TRY);
	give_task(&f, task(TI_STATE_FAILED, 2, id_two));
	assert_done(&f, OUTCOME_FAILED_AGAIN, "confirmed");
}

static void test_resume_via_airflow(void **state)
{
	static const enum remedy_state at[] = {REMEDY_END_APP, REMEDY_WAIT_APP_END};
	struct fixture f;

	(void)state;
	each_row(i, at)
	{
		resume(&f, at[i]);
		f.r.failed_at = 0;
		give_app(&f, APP_END_ENDED);
		give_task(&f, task_with_retry(TI_STATE_RUNNING, 2, id_two));
		give_task(&f, task_with_retry(TI_STATE_RUNNING, 2, id_two));
		assert_done(&f, OUTCOME_RECOVERED, "confirmed");
		/* The kill did not take: it is proven anew. */
		resume(&f, at[i]);
		give_app(&f, APP_END_RUNNING);
		f.now += 2 * END_TIMEOUT;
		give_timer(&f);
		give_app(&f, APP_END_RUNNING);
		assert_done(&f, OUTCOME_REFUSED, "failed");
		/* Or nobody knows. */
		resume(&f, at[i]);
		give_app(&f, APP_END_UNKNOWN);
		f.now += 2 * END_TIMEOUT;
		give_timer(&f);
		give_app(&f, APP_END_UNKNOWN);
		assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
	}
	resume(&f, REMEDY_WAIT_LEFT);
	f.r.failed_at = 0;
	give_task(&f, task_with_retry(TI_STATE_UP_FOR_RETRY, 1, id_two));
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");
}

static void test_resume_a_restart(void **state)
{
	static const enum remedy_state later[] = {
		REMEDY_WAIT_OLD_END, REMEDY_WATCH_OLD, REMEDY_KILL_OLD, REMEDY_WAIT_OLD_KILLED};
	static const enum remedy_state at[] = {REMEDY_RESTART, REMEDY_VERIFY_RESTART};
	struct fixture f;

	(void)state;
	each_row(i, at)
	{
		resume(&f, at[i]);
		f.r.failed_at = 0;
		give_task(&f, task(TI_STATE_RUNNING, 1, id_one));
		assert_done(&f, OUTCOME_REFUSED, "failed");
		/* It took. */
		resume(&f, at[i]);
		f.r.failed_at = 0;
		give_task(&f, task(TI_STATE_RESTARTING, 1, id_two));
		give_app(&f, APP_END_ENDED);
		give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
		assert_done(&f, OUTCOME_RECOVERED, "confirmed");
	}
	each_row(i, later)
	{
		resume(&f, later[i]);
		f.r.failed_at = 0;
		give_app(&f, APP_END_RUNNING);
		give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
		give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
		give_app(&f, APP_END_ENDED);
		give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
		assert_done(&f, OUTCOME_RECOVERED, "confirmed");
	}
}

/* A deferred one, whose app was ended before the restart. */
static void test_resume_deferred(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, RULE_ACTION_RETRY, true, false);
	give_stage(&f, LOOK_HUNG);
	give_task(&f, task(TI_STATE_DEFERRED, 1, id_one));
	give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
	give_app(&f, APP_END_ENDED);
	give_task(&f, task(TI_STATE_DEFERRED, 1, id_one));
	assert_int_equal(f.r.state, REMEDY_RESTART);
	remedy_resume(&f.r, f.now, &f.step);
	give_timer(&f);
	give_app(&f, APP_END_ENDED);
	give_task(&f, task(TI_STATE_DEFERRED, 1, id_one));
	/* The kill took: its try is not left half done. */
	give_reply(&f, EFFECT_RESTART_TASK, REPLY_UNCERTAIN);
	give_task(&f, task(TI_STATE_DEFERRED, 1, id_one));
	give_timer(&f);
	assert_int_equal(f.step.effect, EFFECT_RESTART_TASK);
	remedy_clear(&f.r);
}

/* A task that was to be failed since Airflow had not noticed the end of its app. */
static void test_resume_after_the_fallback(void **state)
{
	struct fixture f;

	(void)state;
	begin_to_wait_left(&f, RETRY_VIA_AUTO);
	f.now += PROCESS_TIMEOUT;
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	assert_int_equal(f.r.state, REMEDY_FAIL);
	remedy_resume(&f.r, f.now, &f.step);
	give_timer(&f);
	give_app(&f, APP_END_ENDED);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	f.now += PROCESS_TIMEOUT;
	give_timer(&f);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	assert_int_equal(f.step.effect, EFFECT_FAIL_TASK);
	remedy_clear(&f.r);
}

/* Before a restart it was to be failed, for its app survived a kill. Whether it was, Airflow says;
 * nothing is sent on what was seen then. */
static void test_resume_in_the_fallback(void **state)
{
	static const enum remedy_state at[] = {REMEDY_VERIFY_HUNG, REMEDY_VERIFY_RUNNING,
		REMEDY_NOTE, REMEDY_FAIL, REMEDY_VERIFY_FAILED};
	struct fixture f;

	(void)state;
	each_row(i, at)
	{
		begin_via(&f, RETRY_VIA_AUTO, true, false);
		give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
		give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
		f.r.state = at[i];
		remedy_resume(&f.r, f.now, &f.step);
		f.now += REMEDY_RESUME_WAIT + END_TIMEOUT;
		give_timer(&f);
		give_app(&f, APP_END_RUNNING);
		if (at[i] == REMEDY_FAIL || at[i] == REMEDY_VERIFY_FAILED)
			give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
		assert_done(&f, OUTCOME_REFUSED, "failed");
	}
	/* It had taken. */
	begin_via(&f, RETRY_VIA_AUTO, true, false);
	give_task(&f, task_with_retry(TI_STATE_RUNNING, 1, id_one));
	give_reply(&f, EFFECT_KILL_APP, REPLY_DONE);
	f.r.state = REMEDY_FAIL;
	remedy_resume(&f.r, f.now, &f.step);
	f.now += REMEDY_RESUME_WAIT + END_TIMEOUT;
	give_timer(&f);
	give_app(&f, APP_END_RUNNING);
	give_task(&f, task_with_retry(TI_STATE_FAILED, 1, id_one));
	assert_int_equal(f.r.state, REMEDY_WAIT_END);
	remedy_clear(&f.r);
}

/* The mode became observe over the restart: looks go on, nothing is sent. */
static void test_resume_to_observe(void **state)
{
	struct fixture f;

	(void)state;
	resume(&f, REMEDY_CLEAR);
	f.r.plan.dry = true;
	give_task(&f, task(TI_STATE_FAILED, 1, id_one));
	give_timer(&f);
	assert_done(&f, OUTCOME_UNCONFIRMED, "unconfirmed");
	resume(&f, REMEDY_WAIT_TRY);
	f.r.plan.dry = true;
	give_task(&f, task(TI_STATE_RUNNING, 2, id_two));
	assert_done(&f, OUTCOME_RECOVERED, "confirmed");
}

static void test_names_are_found_again(void **state)
{
	(void)state;
	for (int k = 0; k < REMEDY_STATE_MAX; k++) {
		enum remedy_state s;

		assert_int_equal(
			remedy_state_from_name(remedy_state_name((enum remedy_state)k), &s), 0);
		assert_int_equal(s, k);
	}
	for (int k = 0; k < OUTCOME_MAX; k++) {
		enum remedy_outcome o;

		assert_int_equal(
			remedy_outcome_from_name(remedy_outcome_name((enum remedy_outcome)k), &o),
			0);
		assert_int_equal(o, k);
	}
	assert_int_equal(remedy_state_from_name("nowhere", &(enum remedy_state){0}), -EINVAL);
	assert_int_equal(remedy_outcome_from_name("", &(enum remedy_outcome){0}), -EINVAL);
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
	each_row(i, stray)
	{
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
				i == EFFECT_CLEAR_TASK || i == EFFECT_RESTART_TASK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retry_all_well),
		cmocka_unit_test(test_kill_all_well),
		cmocka_unit_test(test_note_first_on_airflow_2),
		cmocka_unit_test(test_note_lost_and_no_look),
		cmocka_unit_test(test_note_lost_and_failed),
		cmocka_unit_test(test_dry_run_sends_nothing),
		cmocka_unit_test(test_stage_moved),
		cmocka_unit_test(test_stage_unknown),
		cmocka_unit_test(test_task_not_ours),
		cmocka_unit_test(test_task_not_running),
		cmocka_unit_test(test_task_cannot_be_looked_at),
		cmocka_unit_test(test_fail_refused),
		cmocka_unit_test(test_fail_already_failed),
		cmocka_unit_test(test_fail_lost_and_repeated),
		cmocka_unit_test(test_fail_is_not_repeated),
		cmocka_unit_test(test_fail_lost_but_took),
		cmocka_unit_test(test_fail_never_seen),
		cmocka_unit_test(test_somebody_else_after_fail),
		cmocka_unit_test(test_killed_at_the_master),
		cmocka_unit_test(test_kill_is_repeated),
		cmocka_unit_test(test_kill_is_not_repeated),
		cmocka_unit_test(test_unconfirmed_end_is_not_cleared),
		cmocka_unit_test(test_somebody_else_before_clear),
		cmocka_unit_test(test_airflow_silent_before_clear),
		cmocka_unit_test(test_clear_refused_or_empty),
		cmocka_unit_test(test_clear_lost),
		cmocka_unit_test(test_clear_takes_late),
		cmocka_unit_test(test_claim_comes_first),
		cmocka_unit_test(test_anothers_claim),
		cmocka_unit_test(test_claim_that_is_not_seen),
		cmocka_unit_test(test_claim_alone_is_not_gone_on_with),
		cmocka_unit_test(test_held_before_the_first_request),
		cmocka_unit_test(test_clear_is_held),
		cmocka_unit_test(test_clear_taken_is_not_repeated),
		cmocka_unit_test(test_new_try_failed),
		cmocka_unit_test(test_new_try_never_runs),
		cmocka_unit_test(test_airflow_2_identity),
		cmocka_unit_test(test_via_airflow),
		cmocka_unit_test(test_via_airflow_where_it_cannot_be),
		cmocka_unit_test(test_via_auto_falls_back_to_clear),
		cmocka_unit_test(test_via_airflow_app_survives),
		cmocka_unit_test(test_via_airflow_app_survives_and_moves),
		cmocka_unit_test(test_via_airflow_kill_is_refused),
		cmocka_unit_test(test_via_airflow_other_ends),
		cmocka_unit_test(test_airflow_2_waits_for_the_process),
		cmocka_unit_test(test_airflow_2_process_of_an_app_that_ended_late),
		cmocka_unit_test(test_airflow_2_is_overwritten),
		cmocka_unit_test(test_restart_all_well),
		cmocka_unit_test(test_late_answer_is_no_timeout),
		cmocka_unit_test(test_restart_looks_are_not_saved),
		cmocka_unit_test(test_restart_app_outlives_its_process),
		cmocka_unit_test(test_restart_not_with_a_driver_in_the_cluster),
		cmocka_unit_test(test_restart_lost),
		cmocka_unit_test(test_restart_refused),
		cmocka_unit_test(test_what_fires),
		cmocka_unit_test(test_deferred),
		cmocka_unit_test(test_resume_a_restart),
		cmocka_unit_test(test_resume_deferred),
		cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_resume_before_the_task_failed),
		cmocka_unit_test(test_resume_before_anything),
		cmocka_unit_test(test_resume_before_the_end),
		cmocka_unit_test(test_resume_around_the_clear),
		cmocka_unit_test(test_resume_via_airflow),
		cmocka_unit_test(test_resume_after_the_fallback),
		cmocka_unit_test(test_resume_in_the_fallback),
		cmocka_unit_test(test_resume_to_observe),
		cmocka_unit_test(test_names_are_found_again),
		cmocka_unit_test(test_stray_events_change_nothing),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
