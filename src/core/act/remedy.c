/* SPDX-License-Identifier: Apache-2.0
 * The remedy's state machine: its table, its beginning, its end, and how it is taken up again. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "core/act/remedy_states.h"

static const char *const outcome_names[] = {
	[OUTCOME_OPEN] = "open",
	[OUTCOME_DRY_RUN] = "dry_run",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_RECOVERED] = "recovered",
	[OUTCOME_FAILED_AGAIN] = "failed_again",
	[OUTCOME_ENDED] = "ended",
	[OUTCOME_SUPERSEDED] = "superseded",
	[OUTCOME_MOVED_AGAIN] = "moved_again",
	[OUTCOME_UNCONFIRMED] = "unconfirmed",
	[OUTCOME_FAILED] = "failed",
};
_Static_assert(ELEMENTSOF(outcome_names) == OUTCOME_MAX, "a name per outcome");

static const char *const state_names[] = {
	[REMEDY_RECHECK_STAGE] = "recheck_stage",
	[REMEDY_RECHECK_TASK] = "recheck_task",
	[REMEDY_END_APP] = "end_app",
	[REMEDY_WAIT_APP_END] = "wait_app_end",
	[REMEDY_VERIFY_HUNG] = "verify_hung",
	[REMEDY_WAIT_LEFT] = "wait_left",
	[REMEDY_VERIFY_RUNNING] = "verify_running",
	[REMEDY_NOTE] = "note",
	[REMEDY_FAIL] = "fail",
	[REMEDY_VERIFY_FAILED] = "verify_failed",
	[REMEDY_WAIT_END] = "wait_end",
	[REMEDY_KILL_APP] = "kill_app",
	[REMEDY_WAIT_KILLED] = "wait_killed",
	[REMEDY_WAIT_PROCESS] = "wait_process",
	[REMEDY_VERIFY_TASK] = "verify_task",
	[REMEDY_CLEAR] = "clear",
	[REMEDY_RESTART] = "restart",
	[REMEDY_VERIFY_RESTART] = "verify_restart",
	[REMEDY_WAIT_OLD_END] = "wait_old_end",
	[REMEDY_WATCH_OLD] = "watch_old",
	[REMEDY_KILL_OLD] = "kill_old",
	[REMEDY_WAIT_OLD_KILLED] = "wait_old_killed",
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

int remedy_state_from_name(const char *name, enum remedy_state *ret)
{
	for (int s = 0; s < REMEDY_STATE_MAX; s++)
		if (str_equal(state_names[s], name)) {
			*ret = (enum remedy_state)s;
			return 0;
		}
	return -EINVAL;
}

int remedy_outcome_from_name(const char *name, enum remedy_outcome *ret)
{
	for (int o = 0; o < OUTCOME_MAX; o++)
		if (str_equal(outcome_names[o], name)) {
			*ret = (enum remedy_outcome)o;
			return 0;
		}
	return -EINVAL;
}

bool remedy_effect_changes(enum remedy_effect e)
{
	return e == EFFECT_NOTE || e == EFFECT_FAIL_TASK || e == EFFECT_KILL_APP ||
	       e == EFFECT_CLEAR_TASK || e == EFFECT_RESTART_TASK;
}

int remedy_init(struct remedy *r, const struct remedy_plan *plan, const struct owner *owner)
{
	*r = (struct remedy){.plan = *plan, .state = REMEDY_RECHECK_STAGE};
	return owner_copy(owner, &r->owner);
}

void remedy_clear(struct remedy *r)
{
	owner_clear(&r->owner);
	ti_identity_clear(&r->task);
	free(r->why);
	free(r->fires);
	free(r->no_restart);
	free(r->no_kill);
	free(r->waits_for);
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
	case OUTCOME_MOVED_AGAIN:
		return "failed";
	case OUTCOME_OPEN:
	case OUTCOME_DRY_RUN:
	case OUTCOME_MAX:
		break;
	}
	return NULL;
}

/* Without an outcome a restart came before anything was changed: of a look, there. */
static int on_done(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	(void)ev;
	(void)now;
	if (r->outcome == OUTCOME_OPEN)
		return remedy_finish(
			r, step, OUTCOME_REFUSED, "a restart interrupted it before it took effect");
	step->effect = EFFECT_DONE;
	return 0;
}

/* Which answer a state waits for, beside the timer; and where a restart, or a ledger that cannot be
 * written, takes it: to the look that tells whether its effect took. */
static const struct {
	remedy_state_fn on;
	enum remedy_event_type answer;
	enum remedy_state look;
} states[] = {
	[REMEDY_RECHECK_STAGE] = {remedy_on_recheck_stage, REMEDY_EVENT_STAGE, REMEDY_DONE},
	[REMEDY_RECHECK_TASK] = {remedy_on_recheck_task, REMEDY_EVENT_TASK, REMEDY_DONE},
	[REMEDY_END_APP] = {remedy_on_kill_app, REMEDY_EVENT_REPLY, REMEDY_WAIT_APP_END},
	[REMEDY_WAIT_APP_END] = {remedy_on_wait_app_end, REMEDY_EVENT_APP, REMEDY_WAIT_APP_END},
	[REMEDY_VERIFY_HUNG] = {remedy_on_verify_hung, REMEDY_EVENT_STAGE, REMEDY_WAIT_APP_END},
	[REMEDY_WAIT_LEFT] = {remedy_on_wait_left, REMEDY_EVENT_TASK, REMEDY_WAIT_LEFT},
	[REMEDY_VERIFY_RUNNING] = {remedy_on_verify_running, REMEDY_EVENT_TASK,
		REMEDY_VERIFY_FAILED},
	[REMEDY_NOTE] = {remedy_on_note, REMEDY_EVENT_REPLY, REMEDY_VERIFY_FAILED},
	[REMEDY_FAIL] = {remedy_on_fail, REMEDY_EVENT_REPLY, REMEDY_VERIFY_FAILED},
	[REMEDY_VERIFY_FAILED] = {remedy_on_verify_failed, REMEDY_EVENT_TASK, REMEDY_VERIFY_FAILED},
	[REMEDY_WAIT_END] = {remedy_on_wait_end, REMEDY_EVENT_APP, REMEDY_WAIT_END},
	[REMEDY_KILL_APP] = {remedy_on_kill_app, REMEDY_EVENT_REPLY, REMEDY_WAIT_END},
	[REMEDY_WAIT_KILLED] = {remedy_on_wait_end, REMEDY_EVENT_APP, REMEDY_WAIT_END},
	[REMEDY_WAIT_PROCESS] = {remedy_on_wait_process, REMEDY_EVENT_TASK, REMEDY_WAIT_END},
	[REMEDY_VERIFY_TASK] = {remedy_on_verify_task, REMEDY_EVENT_TASK, REMEDY_VERIFY_TASK},
	[REMEDY_CLEAR] = {remedy_on_clear, REMEDY_EVENT_REPLY, REMEDY_VERIFY_TASK},
	[REMEDY_RESTART] = {remedy_on_restart, REMEDY_EVENT_REPLY, REMEDY_VERIFY_RESTART},
	[REMEDY_VERIFY_RESTART] = {remedy_on_verify_restart, REMEDY_EVENT_TASK,
		REMEDY_VERIFY_RESTART},
	[REMEDY_WAIT_OLD_END] = {remedy_on_wait_old_end, REMEDY_EVENT_APP, REMEDY_WAIT_OLD_END},
	[REMEDY_WATCH_OLD] = {remedy_on_watch_old, REMEDY_EVENT_TASK, REMEDY_WAIT_OLD_END},
	[REMEDY_KILL_OLD] = {remedy_on_kill_old, REMEDY_EVENT_REPLY, REMEDY_WAIT_OLD_END},
	[REMEDY_WAIT_OLD_KILLED] = {remedy_on_wait_old_end, REMEDY_EVENT_APP, REMEDY_WAIT_OLD_END},
	[REMEDY_WAIT_TRY] = {remedy_on_wait_try, REMEDY_EVENT_TASK, REMEDY_WAIT_TRY},
	[REMEDY_DONE] = {on_done, REMEDY_EVENT_MAX, REMEDY_DONE},
};
_Static_assert(ELEMENTSOF(states) == REMEDY_STATE_MAX, "a function per state");

enum remedy_event_type remedy_awaits(const struct remedy *r)
{
	return states[r->state].answer;
}

static bool looks_at_old(enum remedy_state s)
{
	return s == REMEDY_WAIT_OLD_END || s == REMEDY_WATCH_OLD;
}

bool remedy_is_to_be_saved(const struct remedy *r, enum remedy_state before)
{
	return r->state != before && !(looks_at_old(before) && looks_at_old(r->state));
}

bool remedy_wants_room(const struct remedy *r)
{
	return r->state == REMEDY_WAIT_TRY && r->waits;
}

bool remedy_wants_preconditions(const struct remedy *r)
{
	return r->state == REMEDY_RECHECK_TASK || r->state == REMEDY_VERIFY_RUNNING;
}

int remedy_note_no_kill(struct remedy *r, const char *why)
{
	return str_replace(&r->no_kill, why);
}

static usec_t time_limit(const struct remedy *r)
{
	if (states[r->state].answer == REMEDY_EVENT_APP)
		return r->plan.end_timeout;
	if (r->state == REMEDY_WAIT_LEFT)
		return r->plan.process_timeout;
	return r->state == REMEDY_WAIT_TRY ? r->plan.retry_timeout : VERIFY_TIMEOUT;
}

static bool may_have_failed(const struct remedy *r)
{
	return r->state == REMEDY_FAIL || r->state == REMEDY_VERIFY_FAILED;
}

static enum remedy_state look_of(const struct remedy *r)
{
	bool failing = r->state == REMEDY_VERIFY_RUNNING || r->state == REMEDY_NOTE ||
		       r->state == REMEDY_RESTART || r->state == REMEDY_VERIFY_RESTART ||
		       may_have_failed(r);

	/* To be failed, or cleared, since Airflow had not noticed that its app was killed. */
	return failing && r->kill_sent ? REMEDY_WAIT_APP_END : states[r->state].look;
}

/* It cannot be sent for now. Nothing was sent before: it was not to be. Else what is to come
 * is not lost, but nothing is sent on an old look either: look again, then try again. */
static int on_blocked(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (!r->sent) {
		r->requested = false;
		return remedy_finish(r, step, OUTCOME_REFUSED, "%s", remedy_words(ev));
	}
	if (r->blocked_since == 0)
		r->blocked_since = now;
	if (now - r->blocked_since >= REMEDY_BLOCKED_TIMEOUT)
		return remedy_finish(r, step, OUTCOME_UNCONFIRMED, "it stopped at %s: %s",
			state_names[r->state], remedy_words(ev));
	r->state = look_of(r);
	r->attempts = 0;
	/* Where the time for an end was over, it still is. */
	r->deadline = states[r->state].answer == REMEDY_EVENT_APP ? now : now + VERIFY_TIMEOUT;
	return remedy_wait(step, now);
}

/* Nothing was sent yet: it ends, and the hang is looked at anew. A clear waits for what holds it
 * up, as long as for an app's end. A restart is not to begin beside another app of the task
 * instance: there, and only there, another way may be open. */
static int on_held(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	bool first = r->state == REMEDY_RESTART && !r->sent;

	if (first && ev->other_app) {
		if (str_replace(&r->no_restart, remedy_words(ev)) < 0)
			return -ENOMEM;
		r->requested = false;
		return remedy_go(r, step, REMEDY_RECHECK_TASK, EFFECT_LOOK_TASK, 0);
	}
	if (first || (r->state != REMEDY_CLEAR && r->state != REMEDY_RESTART)) {
		r->requested = false;
		return remedy_finish(r, step, OUTCOME_REFUSED, "%s", remedy_words(ev));
	}
	if (r->blocked_since == 0)
		r->blocked_since = now;
	if (now - r->blocked_since >= r->plan.end_timeout)
		return remedy_finish(r, step, OUTCOME_UNCONFIRMED,
			"the app has ended, and its task instance is not cleared: %s",
			remedy_words(ev));
	r->state = states[r->state].look;
	r->attempts = 0;
	r->deadline = now + VERIFY_TIMEOUT;
	return remedy_wait(step, now);
}

static bool fits(const struct remedy *r, const struct remedy_event *event)
{
	return r->state == REMEDY_DONE ||
	       (event->type == REMEDY_EVENT_START && r->state == REMEDY_RECHECK_STAGE) ||
	       event->type == REMEDY_EVENT_TIMER || event->type == states[r->state].answer;
}

static bool looks(enum remedy_effect e)
{
	return e == EFFECT_LOOK_STAGE || e == EFFECT_LOOK_TASK || e == EFFECT_LOOK_PROCESS ||
	       e == EFFECT_LOOK_APP;
}

int remedy_next(
	struct remedy *r, const struct remedy_event *event, usec_t now, struct remedy_step *ret)
{
	struct remedy_step step = {.effect = EFFECT_WAIT, .wake_at = now + REMEDY_LOOK_PERIOD};
	int k = 0;

	if (event->type == REMEDY_EVENT_BLOCKED) {
		k = on_blocked(r, event, now, &step);
	} else if (event->type == REMEDY_EVENT_HELD) {
		k = on_held(r, event, now, &step);
	} else if (fits(r, event)) {
		assert(event->type != REMEDY_EVENT_TASK || event->reply != REPLY_DONE ||
			event->task);
		if (event->type == REMEDY_EVENT_REPLY) {
			/* A note changes nothing that would have to be seen through. */
			r->sent = r->sent || r->state != REMEDY_NOTE;
			r->blocked_since = 0;
		}
		k = states[r->state].on(r, event, now, &step);
	}
	if (k >= 0 && remedy_effect_changes(step.effect) && r->plan.dry)
		k = remedy_finish(r, &step, OUTCOME_UNCONFIRMED,
			"the mode is observe now: it stopped before %s", state_names[r->state]);
	if (k < 0)
		return k;
	if (looks(step.effect))
		r->look_began = now;
	*ret = step;
	return 0;
}

void remedy_resume(struct remedy *r, usec_t now, struct remedy_step *ret)
{
	enum remedy_state look = look_of(r);

	r->interrupted = look == REMEDY_VERIFY_FAILED || look == REMEDY_WAIT_APP_END ||
			 look == REMEDY_VERIFY_RESTART;
	r->fail_unsure = look == REMEDY_WAIT_APP_END && may_have_failed(r);
	/* Before each fail there is an intent of its own: a note alone failed nothing. */
	r->fail_sent = may_have_failed(r) || r->state == REMEDY_VERIFY_RUNNING;
	r->clear_unsure = r->state == REMEDY_CLEAR || r->state == REMEDY_WAIT_TRY;
	/* When Airflow said so, on the clock of now, nobody knows. */
	if (r->failed_at > 0)
		r->failed_at = now;
	if (r->state == REMEDY_KILL_APP || r->state == REMEDY_END_APP ||
		r->state == REMEDY_KILL_OLD)
		r->kill_sent = true;
	/* Whether a clear took shows in the new try. */
	r->state = r->state == REMEDY_CLEAR ? REMEDY_WAIT_TRY : look;
	r->attempts = 0;
	r->requested = true;
	r->sent = true;
	r->deadline = now + REMEDY_RESUME_WAIT + time_limit(r);
	ret->effect = EFFECT_WAIT;
	ret->wake_at = now + REMEDY_RESUME_WAIT;
}
