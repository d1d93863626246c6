/* SPDX-License-Identifier: Apache-2.0
 * The sequence recheck, fail, wait for the end, kill, wait, clear, see a new try: one function per
 * state. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "core/remedy.h"

/* How long Airflow may be silent in the middle of a sequence before we call it unconfirmed. */
#define VERIFY_TIMEOUT USEC_PER_MINUTE

static const char *const outcome_names[] = {
	[OUTCOME_OPEN] = "open",
	[OUTCOME_DRY_RUN] = "dry_run",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_RECOVERED] = "recovered",
	[OUTCOME_FAILED_AGAIN] = "failed_again",
	[OUTCOME_ENDED] = "ended",
	[OUTCOME_SUPERSEDED] = "superseded",
	[OUTCOME_UNCONFIRMED] = "unconfirmed",
	[OUTCOME_FAILED] = "failed",
};
_Static_assert(ELEMENTSOF(outcome_names) == OUTCOME_MAX, "a name per outcome");

static const char *const state_names[] = {
	[REMEDY_RECHECK_STAGE] = "recheck_stage",
	[REMEDY_RECHECK_TASK] = "recheck_task",
	[REMEDY_NOTE] = "note",
	[REMEDY_FAIL] = "fail",
	[REMEDY_VERIFY_FAILED] = "verify_failed",
	[REMEDY_WAIT_END] = "wait_end",
	[REMEDY_KILL_APP] = "kill_app",
	[REMEDY_WAIT_KILLED] = "wait_killed",
	[REMEDY_VERIFY_TASK] = "verify_task",
	[REMEDY_CLEAR] = "clear",
	[REMEDY_WAIT_TRY] = "wait_try",
	[REMEDY_DONE] = "done",
};
_Static_assert(ELEMENTSOF(state_names) == REMEDY_STATE_MAX, "a name per state");

const char *remedy_outcome_name(enum remedy_outcome o)
{
	return outcome_names[o];
}

const char *remedy_state_name(enum remedy_state s)
{
	return state_names[s];
}

bool remedy_effect_changes(enum remedy_effect e)
{
	return e == EFFECT_NOTE || e == EFFECT_FAIL_TASK || e == EFFECT_KILL_APP ||
	       e == EFFECT_CLEAR_TASK;
}

int remedy_init(struct remedy *r, const struct remedy_plan *plan, const struct owner *owner)
{
	*r = (struct remedy){
		.action = plan->action,
		.dry = plan->dry,
		.needs_note = plan->needs_note,
		.can_kill_app = plan->can_kill_app,
		.app_started = plan->app_started,
		.end_timeout = plan->end_timeout,
		.retry_timeout = plan->retry_timeout,
		.state = REMEDY_RECHECK_STAGE,
	};
	return owner_copy(owner, &r->owner);
}

void remedy_clear(struct remedy *r)
{
	owner_clear(&r->owner);
	free(r->ti_id);
	free(r->why);
	*r = (struct remedy){0};
}

const char *remedy_counted_as(const struct remedy *r)
{
	if (r->outcome == OUTCOME_DRY_RUN)
		return "dry_run";
	if (!r->requested)
		return NULL;
	switch (r->outcome) {
	case OUTCOME_RECOVERED:
	case OUTCOME_FAILED_AGAIN:
	case OUTCOME_ENDED:
		return "confirmed";
	case OUTCOME_UNCONFIRMED:
		return "unconfirmed";
	case OUTCOME_FAILED:
	case OUTCOME_REFUSED:
	case OUTCOME_SUPERSEDED:
		return "failed";
	case OUTCOME_OPEN:
	case OUTCOME_DRY_RUN:
	case OUTCOME_MAX:
		break;
	}
	return NULL;
}

static int finish(struct remedy *r, struct remedy_step *step, enum remedy_outcome outcome,
	const char *fmt, ...) _printf_(4, 5);

static int finish(struct remedy *r, struct remedy_step *step, enum remedy_outcome outcome,
	const char *fmt, ...)
{
	char *why = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&why, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	free(r->why);
	r->why = why;
	r->state = REMEDY_DONE;
	r->outcome = outcome;
	step->effect = EFFECT_DONE;
	return 0;
}

static int go(struct remedy *r, struct remedy_step *step, enum remedy_state state,
	enum remedy_effect effect, usec_t deadline)
{
	r->state = state;
	r->attempts = 0;
	r->deadline = deadline;
	if (effect == EFFECT_FAIL_TASK)
		r->requested = true;
	step->effect = effect;
	return 0;
}

static int wait_a_little(struct remedy_step *step, usec_t now)
{
	step->effect = EFFECT_WAIT;
	step->wake_at = now + REMEDY_LOOK_PERIOD;
	return 0;
}

static const char *words(const struct remedy_event *ev)
{
	return ev->text ? ev->text : "no answer";
}

static int on_recheck_stage(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type == REMEDY_EVENT_START || ev->type == REMEDY_EVENT_TIMER) {
		step->effect = EFFECT_LOOK_STAGE;
		return 0;
	}
	switch (ev->stage) {
	case LOOK_HUNG:
		return go(r, step, REMEDY_RECHECK_TASK, EFFECT_LOOK_TASK, 0);
	case LOOK_MOVED:
		return finish(r, step, OUTCOME_SUPERSEDED, "at a fresh look it was no longer hung");
	case LOOK_UNKNOWN:
		break;
	}
	if (++r->attempts < REMEDY_ATTEMPTS)
		return wait_a_little(step, now);
	return finish(r, step, OUTCOME_REFUSED, "no fresh look at the stage: %s", words(ev));
}

/* What speaks against acting on this task instance; NULL: nothing does. */
static const char *task_objection(const struct remedy *r, const struct ti_obs *t)
{
	if (r->owner.try_number <= 0)
		return "the app does not say which try started it";
	if (t->try_number != r->owner.try_number)
		return "the task instance is on another try than the one that started the app";
	if (t->started == 0)
		return "Airflow does not say when the task instance started";
	if (t->started > r->app_started + REMEDY_CLOCK_SLACK)
		return "the task instance started after the app";
	return NULL;
}

static int act_on_task(struct remedy *r, const struct ti_obs *t, struct remedy_step *step)
{
	int k = str_replace(&r->ti_id, t->id);

	if (k < 0)
		return k;
	r->ti_try = t->try_number;
	r->ti_pid = t->pid;
	r->ti_started = t->started;
	if (r->dry)
		return finish(r, step, OUTCOME_DRY_RUN, "mode is observe: nothing was sent");
	if (r->needs_note)
		return go(r, step, REMEDY_NOTE, EFFECT_NOTE, 0);
	return go(r, step, REMEDY_FAIL, EFFECT_FAIL_TASK, 0);
}

static int on_recheck_task(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	const char *objection;

	if (ev->type == REMEDY_EVENT_TIMER) {
		step->effect = EFFECT_LOOK_TASK;
		return 0;
	}
	if (ev->reply == REPLY_UNCERTAIN && ++r->attempts < REMEDY_ATTEMPTS)
		return wait_a_little(step, now);
	if (ev->reply != REPLY_DONE)
		return finish(
			r, step, OUTCOME_REFUSED, "no look at the task instance: %s", words(ev));
	objection = task_objection(r, ev->task);
	if (objection)
		return finish(r, step, OUTCOME_REFUSED, "%s", objection);
	if (ev->task->state != TI_STATE_RUNNING)
		return finish(r, step, OUTCOME_SUPERSEDED, "the task instance is %s, not running",
			ti_state_name(ev->task->state));
	return act_on_task(r, ev->task, step);
}

/* A note is a courtesy: without it the work goes on. */
static int on_note(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	(void)ev;
	(void)now;
	return go(r, step, REMEDY_FAIL, EFFECT_FAIL_TASK, 0);
}

static int on_fail(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	unsigned attempts = r->attempts;

	if (ev->type == REMEDY_EVENT_TIMER) {
		step->effect = EFFECT_FAIL_TASK;
		return 0;
	}
	switch (ev->reply) {
	case REPLY_DONE:
	case REPLY_CONFLICT:
	case REPLY_UNCERTAIN:
	case REPLY_NOTHING:
		(void)go(r, step, REMEDY_VERIFY_FAILED, EFFECT_LOOK_TASK, now + VERIFY_TIMEOUT);
		r->attempts = attempts;
		return 0;
	case REPLY_GONE:
	case REPLY_REFUSED:
		break;
	}
	return finish(
		r, step, OUTCOME_FAILED, "Airflow did not fail the task instance: %s", words(ev));
}

/* The try that is to be ended. Airflow 3 has an id per try; 2 has none, there the try's number and
 * start tell. */
static bool same_try(const struct remedy *r, const struct ti_obs *t)
{
	if (r->ti_id || t->id)
		return str_equal(r->ti_id, t->id);
	return t->try_number == r->ti_try && t->started == r->ti_started;
}

static int on_verify_failed(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type == REMEDY_EVENT_TIMER) {
		step->effect = EFFECT_LOOK_TASK;
		return 0;
	}
	if (ev->reply == REPLY_UNCERTAIN && now < r->deadline)
		return wait_a_little(step, now);
	if (ev->reply != REPLY_DONE)
		return finish(r, step, OUTCOME_UNCONFIRMED,
			"the task instance was failed, but not seen so: %s", words(ev));
	if (same_try(r, ev->task) && ev->task->state == TI_STATE_FAILED)
		return go(r, step, REMEDY_WAIT_END, EFFECT_LOOK_APP, now + r->end_timeout);
	if (same_try(r, ev->task) && ev->task->state == TI_STATE_RUNNING) {
		if (++r->attempts >= REMEDY_ATTEMPTS)
			return finish(r, step, OUTCOME_FAILED,
				"Airflow still says running after it was told to fail the task");
		r->state = REMEDY_FAIL;
		return wait_a_little(step, now);
	}
	return finish(r, step, OUTCOME_SUPERSEDED,
		"somebody else acted: the task instance is %s, try %lld",
		ti_state_name(ev->task->state), (long long)ev->task->try_number);
}

static int app_has_ended(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (r->action == RULE_ACTION_KILL)
		return finish(r, step, OUTCOME_ENDED, "the app has ended: %s", words(ev));
	return go(r, step, REMEDY_VERIFY_TASK, EFFECT_LOOK_TASK, now + VERIFY_TIMEOUT);
}

static int on_wait_end(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type == REMEDY_EVENT_TIMER) {
		step->effect = EFFECT_LOOK_APP;
		return 0;
	}
	if (ev->app_end == APP_END_ENDED)
		return app_has_ended(r, ev, now, step);
	if (now < r->deadline)
		return wait_a_little(step, now);
	if (r->state == REMEDY_WAIT_END && r->can_kill_app)
		return go(r, step, REMEDY_KILL_APP, EFFECT_KILL_APP, 0);
	return finish(r, step, OUTCOME_UNCONFIRMED, "the app was not seen to end: %s",
		ev->app_end == APP_END_RUNNING ? "its cluster manager says that it runs"
					       : words(ev));
}

/* Whatever the answer: a kill answers alike whether or not anything was killed, so only a look
 * counts. */
static int on_kill_app(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	(void)ev;
	return go(r, step, REMEDY_WAIT_KILLED, EFFECT_LOOK_APP, now + r->end_timeout);
}

static int on_verify_task(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type == REMEDY_EVENT_TIMER) {
		step->effect = EFFECT_LOOK_TASK;
		return 0;
	}
	if (ev->reply == REPLY_UNCERTAIN && now < r->deadline)
		return wait_a_little(step, now);
	if (ev->reply != REPLY_DONE)
		return finish(r, step, OUTCOME_UNCONFIRMED,
			"the app has ended; the task instance could not be looked at: %s",
			words(ev));
	if (!same_try(r, ev->task) || ev->task->state != TI_STATE_FAILED)
		return finish(r, step, OUTCOME_SUPERSEDED,
			"the app has ended; somebody else acted on the task: it is %s, try %lld",
			ti_state_name(ev->task->state), (long long)ev->task->try_number);
	return go(r, step, REMEDY_CLEAR, EFFECT_CLEAR_TASK, now + r->retry_timeout);
}

static int on_clear(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type == REMEDY_EVENT_TIMER) {
		step->effect = EFFECT_CLEAR_TASK;
		return 0;
	}
	switch (ev->reply) {
	case REPLY_DONE:
		(void)go(r, step, REMEDY_WAIT_TRY, EFFECT_LOOK_TASK, now + r->retry_timeout);
		r->attempts = REMEDY_ATTEMPTS; /* it took: no reason to repeat it */
		return 0;
	case REPLY_UNCERTAIN:
		r->attempts++;
		r->state = REMEDY_WAIT_TRY;
		return wait_a_little(step, now);
	case REPLY_NOTHING:
		return finish(r, step, OUTCOME_FAILED, "Airflow cleared nothing");
	case REPLY_CONFLICT:
	case REPLY_GONE:
	case REPLY_REFUSED:
		break;
	}
	return finish(
		r, step, OUTCOME_FAILED, "Airflow did not clear the task instance: %s", words(ev));
}

static bool try_is_over(enum ti_state s)
{
	return s == TI_STATE_FAILED || s == TI_STATE_UP_FOR_RETRY ||
	       s == TI_STATE_UPSTREAM_FAILED || s == TI_STATE_REMOVED || s == TI_STATE_SKIPPED;
}

static int on_wait_try(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type == REMEDY_EVENT_TIMER) {
		step->effect = EFFECT_LOOK_TASK;
		return 0;
	}
	if (ev->reply == REPLY_DONE && !same_try(r, ev->task) && ev->task->try_number > r->ti_try) {
		if (ev->task->state == TI_STATE_RUNNING || ev->task->state == TI_STATE_SUCCESS)
			return finish(r, step, OUTCOME_RECOVERED, "try %lld is %s",
				(long long)ev->task->try_number, ti_state_name(ev->task->state));
		if (try_is_over(ev->task->state))
			return finish(r, step, OUTCOME_FAILED_AGAIN, "try %lld is %s",
				(long long)ev->task->try_number, ti_state_name(ev->task->state));
	}
	if (now >= r->deadline)
		return finish(r, step, OUTCOME_UNCONFIRMED,
			"the task instance was cleared, but no new try was seen to run");
	if (ev->reply == REPLY_DONE && same_try(r, ev->task) &&
		ev->task->state == TI_STATE_FAILED && r->attempts < REMEDY_ATTEMPTS)
		r->state = REMEDY_CLEAR; /* the clear whose answer was lost did not take */
	return wait_a_little(step, now);
}

static int on_done(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	(void)r;
	(void)ev;
	(void)now;
	step->effect = EFFECT_DONE;
	return 0;
}

/* Which answer a state waits for, beside the timer. */
static const struct {
	enum remedy_event_type answer;
	int (*on)(struct remedy *r, const struct remedy_event *ev, usec_t now,
		struct remedy_step *step);
} states[] = {
	[REMEDY_RECHECK_STAGE] = {REMEDY_EVENT_STAGE, on_recheck_stage},
	[REMEDY_RECHECK_TASK] = {REMEDY_EVENT_TASK, on_recheck_task},
	[REMEDY_NOTE] = {REMEDY_EVENT_REPLY, on_note},
	[REMEDY_FAIL] = {REMEDY_EVENT_REPLY, on_fail},
	[REMEDY_VERIFY_FAILED] = {REMEDY_EVENT_TASK, on_verify_failed},
	[REMEDY_WAIT_END] = {REMEDY_EVENT_APP, on_wait_end},
	[REMEDY_KILL_APP] = {REMEDY_EVENT_REPLY, on_kill_app},
	[REMEDY_WAIT_KILLED] = {REMEDY_EVENT_APP, on_wait_end},
	[REMEDY_VERIFY_TASK] = {REMEDY_EVENT_TASK, on_verify_task},
	[REMEDY_CLEAR] = {REMEDY_EVENT_REPLY, on_clear},
	[REMEDY_WAIT_TRY] = {REMEDY_EVENT_TASK, on_wait_try},
	[REMEDY_DONE] = {REMEDY_EVENT_MAX, on_done},
};
_Static_assert(ELEMENTSOF(states) == REMEDY_STATE_MAX, "a function per state");

int remedy_next(
	struct remedy *r, const struct remedy_event *event, usec_t now, struct remedy_step *ret)
{
	struct remedy_step step = {.effect = EFFECT_WAIT, .wake_at = now + REMEDY_LOOK_PERIOD};
	bool starts = event->type == REMEDY_EVENT_START && r->state == REMEDY_RECHECK_STAGE;
	int k;

	if (r->state == REMEDY_DONE || starts || event->type == REMEDY_EVENT_TIMER ||
		event->type == states[r->state].answer) {
		assert(event->type != REMEDY_EVENT_TASK || event->reply != REPLY_DONE ||
			event->task);
		k = states[r->state].on(r, event, now, &step);
		if (k < 0)
			return k;
	}
	*ret = step;
	return 0;
}
