/* SPDX-License-Identifier: Apache-2.0
 * The remedy's way by a clear of a task instance that has not ended: Airflow 3 ends its process,
 * then starts a new try, and nothing fails meanwhile. A deferred one has no process; its app has
 * ended before. */
#include <errno.h>

#include "base/strbuf.h"
#include "core/act/remedy_states.h"

/* It took. */
static int restarted(struct remedy *r, usec_t now, struct remedy_step *step)
{
	r->interrupted = false;
	return remedy_go(r, step, REMEDY_WAIT_OLD_END, EFFECT_LOOK_APP, now + r->plan.end_timeout);
}

int remedy_on_restart(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type != REMEDY_EVENT_REPLY) {
		step->effect = EFFECT_RESTART_TASK;
		return 0;
	}
	switch (ev->reply) {
	case REPLY_DONE:
		return restarted(r, now, step);
	case REPLY_CONFLICT:
	case REPLY_UNCERTAIN:
	case REPLY_NOTHING:
		return remedy_verify(r, step, REMEDY_VERIFY_RESTART, now);
	case REPLY_GONE:
	case REPLY_REFUSED:
		break;
	}
	if (r->kill_sent)
		return remedy_finish(r, step, OUTCOME_UNCONFIRMED,
			"the app was ended, and Airflow did not clear its task instance: %s",
			remedy_words(ev));
	/* There may be another way. */
	if (str_replace(&r->no_restart, remedy_words(ev)) < 0)
		return -ENOMEM;
	return remedy_go(r, step, REMEDY_RECHECK_TASK, EFFECT_LOOK_TASK, 0);
}

static int not_taken(struct remedy *r, const struct ti_obs *t, usec_t now, struct remedy_step *step)
{
	if (r->interrupted)
		return remedy_finish(r, step, OUTCOME_REFUSED,
			"a restart of the daemon interrupted it before it took effect: the task "
			"instance runs");
	if (++r->attempts >= REMEDY_ATTEMPTS)
		return remedy_finish(r, step, r->kill_sent ? OUTCOME_UNCONFIRMED : OUTCOME_FAILED,
			"Airflow still says %s after it was told to clear the task instance",
			ti_state_name(t->state));
	r->state = REMEDY_RESTART;
	return remedy_wait(step, now);
}

/* Airflow 2 knows no other try before the next one begins. */
static bool waits_for_a_try(enum ti_state s)
{
	return s == TI_STATE_NONE || s == TI_STATE_SCHEDULED || s == TI_STATE_QUEUED ||
	       s == TI_STATE_RESTARTING || s == TI_STATE_UP_FOR_RETRY;
}

int remedy_on_verify_restart(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	const struct ti_obs *t = ev->task;
	int ended;

	if (!remedy_has_task(
		    r, ev, now, step, "the task instance was cleared, but not seen so", &ended))
		return ended;
	if (!ti_identity_matches(&r->task, t))
		return restarted(r, now, step);
	if (t->state == TI_STATE_RUNNING || t->state == TI_STATE_DEFERRED)
		return not_taken(r, t, now, step);
	if (waits_for_a_try(t->state))
		return restarted(r, now, step);
	return remedy_finish_superseded(r, step, t);
}

int remedy_on_wait_old_end(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type != REMEDY_EVENT_APP) {
		step->effect = EFFECT_LOOK_APP;
		return 0;
	}
	if (ev->app_end == APP_END_ENDED)
		return remedy_go(
			r, step, REMEDY_WAIT_TRY, EFFECT_LOOK_TASK, now + r->plan.retry_timeout);
	if (r->state == REMEDY_WAIT_OLD_END && r->plan.can_kill_app) {
		if (remedy_is_over(r))
			return remedy_go(r, step, REMEDY_KILL_OLD, EFFECT_KILL_APP, 0);
		return remedy_go(r, step, REMEDY_WATCH_OLD, EFFECT_LOOK_TASK, r->deadline);
	}
	if (!remedy_is_over(r)) {
		if (r->state == REMEDY_WAIT_OLD_KILLED && remedy_kills_again(r, ev))
			r->state = REMEDY_KILL_OLD;
		return remedy_wait(step, now);
	}
	return remedy_finish(r, step, OUTCOME_UNCONFIRMED,
		"the end of the app is not confirmed, and Airflow starts a new try beside it: %s",
		remedy_end_words(ev));
}

/* Airflow waits for the process of the old try, not for an app that outlives it: then the new try
 * is a second away. */
int remedy_on_watch_old(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type != REMEDY_EVENT_TASK) {
		step->effect = EFFECT_LOOK_TASK;
		return 0;
	}
	if (ev->reply == REPLY_DONE && ev->task->state != TI_STATE_RESTARTING)
		return remedy_go(r, step, REMEDY_KILL_OLD, EFFECT_KILL_APP, 0);
	r->state = REMEDY_WAIT_OLD_END;
	step->effect = EFFECT_WAIT;
	step->wake_at = now + REMEDY_WATCH_PERIOD;
	return 0;
}

int remedy_on_kill_old(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type != REMEDY_EVENT_REPLY) {
		step->effect = EFFECT_KILL_APP;
		return 0;
	}
	return remedy_kill_was_sent(r, ev, now, REMEDY_WAIT_OLD_KILLED, step);
}
