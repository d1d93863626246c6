/* SPDX-License-Identifier: Apache-2.0
 * The remedy's way from the proven end of the app to the next try. */
#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "core/act/remedy_states.h"

/* The app was ended alone, and Airflow's own retry is awaited. */
int remedy_on_wait_left(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type != REMEDY_EVENT_TASK) {
		step->effect = EFFECT_LOOK_TASK;
		return 0;
	}
	if (ev->reply == REPLY_DONE && ev->task->state == TI_STATE_SUCCESS &&
		ti_identity_matches(&r->task, ev->task))
		return remedy_finish(r, step, OUTCOME_ENDED,
			"the app has ended, and its task instance with it, as success");
	if (ev->reply == REPLY_DONE && ev->task->state == TI_STATE_DEFERRED &&
		ti_identity_matches(&r->task, ev->task))
		return remedy_go(r, step, REMEDY_RESTART, EFFECT_RESTART_TASK, 0);
	if (ev->reply == REPLY_DONE &&
		(!ti_identity_matches(&r->task, ev->task) || ev->task->state != TI_STATE_RUNNING)) {
		(void)remedy_go(
			r, step, REMEDY_WAIT_TRY, EFFECT_LOOK_TASK, now + r->plan.retry_timeout);
		return 0;
	}
	if (!remedy_is_over(r))
		return remedy_wait(step, now);
	if (ev->reply == REPLY_DONE && r->plan.retry_via != RETRY_VIA_AIRFLOW)
		return remedy_go(
			r, step, REMEDY_VERIFY_RUNNING, EFFECT_LOOK_TASK, now + VERIFY_TIMEOUT);
	return remedy_finish(r, step, OUTCOME_UNCONFIRMED,
		"the app has ended, but Airflow does not show the end of its task instance: %s",
		ev->reply == REPLY_DONE ? "it runs" : remedy_words(ev));
}

bool remedy_is_overwritten(const struct remedy *r, const struct ti_obs *t)
{
	return (r->plan.needs_note || r->plan.pod) && r->failed_at > 0 &&
	       t->state == TI_STATE_SUCCESS && ti_identity_matches(&r->task, t);
}

int remedy_finish_overwritten(struct remedy *r, struct remedy_step *step)
{
	return remedy_finish(r, step, OUTCOME_UNCONFIRMED,
		"Airflow says success over failed: the task's process went on after SIGTERM and "
		"ended well, without its app; what is downstream runs as if its work were done");
}

/* Airflow 2 ends the process of a failed try from its second heartbeat on: SIGTERM, and SIGKILL
 * killed_task_cleanup_time later. Cleared before, it goes on beside the new try, or writes over its
 * row (measured). The try's log tells its end; where it cannot be read, only time does. */
int remedy_on_wait_process(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	int ended;

	if (ev->type != REMEDY_EVENT_TASK) {
		step->effect = EFFECT_LOOK_PROCESS;
		return 0;
	}
	if (!remedy_has_task(r, ev, now, step,
		    "the app has ended; the task instance could not be read", &ended))
		return ended;
	if (remedy_is_overwritten(r, ev->task))
		return remedy_finish_overwritten(r, step);
	if (!ev->process_ended && now < r->failed_at + r->plan.process_timeout &&
		ti_identity_matches(&r->task, ev->task))
		return remedy_wait(step, now);
	return remedy_go(r, step, REMEDY_VERIFY_TASK, EFFECT_LOOK_TASK, now + VERIFY_TIMEOUT);
}

/* A kill on Airflow 2 ends here: failed, and nobody is left to write over it. */
static int killed_for_good(struct remedy *r, struct remedy_step *step)
{
	_cleanup_free_ char *fired = remedy_fired(r);

	if (!fired)
		return -ENOMEM;
	return remedy_finish(r, step, OUTCOME_ENDED, "the app has ended%s", fired);
}

int remedy_on_verify_task(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	int ended;

	if (!remedy_has_task(r, ev, now, step,
		    "the app has ended; the task instance could not be read", &ended))
		return ended;
	if (remedy_is_overwritten(r, ev->task))
		return remedy_finish_overwritten(r, step);
	if (!ti_identity_matches(&r->task, ev->task) || ev->task->state != TI_STATE_FAILED)
		return remedy_finish(r, step, OUTCOME_SUPERSEDED,
			"the app has ended; somebody else acted on the task: it is %s, try %lld",
			ti_state_name(ev->task->state), (long long)ev->task->try_number);
	if (r->plan.action == RULE_ACTION_KILL)
		return killed_for_good(r, step);
	return remedy_go(r, step, REMEDY_CLEAR, EFFECT_CLEAR_TASK, now + r->plan.retry_timeout);
}

int remedy_on_clear(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type != REMEDY_EVENT_REPLY) {
		step->effect = EFFECT_CLEAR_TASK;
		return 0;
	}
	switch (ev->reply) {
	case REPLY_DONE:
		(void)remedy_go(
			r, step, REMEDY_WAIT_TRY, EFFECT_LOOK_TASK, now + r->plan.retry_timeout);
		r->attempts = REMEDY_ATTEMPTS; /* it took: no reason to repeat it */
		return 0;
	case REPLY_UNCERTAIN:
		r->attempts++;
		r->clear_unsure = true;
		r->state = REMEDY_WAIT_TRY;
		return remedy_wait(step, now);
	case REPLY_NOTHING:
		/* The one before took, late. */
		if (r->clear_unsure) {
			r->attempts = REMEDY_ATTEMPTS;
			r->state = REMEDY_WAIT_TRY;
			return remedy_wait(step, now);
		}
		return remedy_finish(r, step, OUTCOME_FAILED, "Airflow cleared nothing");
	case REPLY_CONFLICT:
	case REPLY_GONE:
	case REPLY_REFUSED:
		break;
	}
	return remedy_finish(r, step, OUTCOME_FAILED, "Airflow did not clear the task instance: %s",
		remedy_words(ev));
}

static bool try_is_over(enum ti_state s)
{
	return s == TI_STATE_FAILED || s == TI_STATE_UP_FOR_RETRY ||
	       s == TI_STATE_UPSTREAM_FAILED || s == TI_STATE_REMOVED || s == TI_STATE_SKIPPED;
}

static int out_of_time(struct remedy *r, struct remedy_step *step)
{
	if (r->up_for_retry)
		return remedy_finish(r, step, OUTCOME_ENDED,
			"the app has ended; Airflow will try again when its retry_delay is over");
	return remedy_finish(r, step, OUTCOME_UNCONFIRMED,
		"no new try ran within retry_timeout%s%s", r->waits_for ? ": it waits, " : "",
		r->waits_for ? r->waits_for : "");
}

/* The old try, failed. Either the clear whose answer was lost did not take, or Airflow, left to
 * itself, takes no retry. */
static int still_failed(struct remedy *r, usec_t now, struct remedy_step *step)
{
	if (r->failed_at > 0 && r->attempts < REMEDY_ATTEMPTS) {
		r->state = REMEDY_CLEAR;
		return remedy_wait(step, now);
	}
	if (r->failed_at == 0 && r->plan.retry_via != RETRY_VIA_AIRFLOW) {
		r->failed_at = now;
		return remedy_go(
			r, step, REMEDY_WAIT_END, EFFECT_LOOK_APP, now + r->plan.end_timeout);
	}
	if (r->failed_at == 0)
		return remedy_finish(r, step, OUTCOME_FAILED,
			"the app has ended, but Airflow did not retry: the task instance is "
			"failed");
	return remedy_wait(step, now);
}

int remedy_on_wait_try(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	const struct ti_obs *t = ev->task;

	if (ev->type != REMEDY_EVENT_TASK) {
		step->effect = EFFECT_LOOK_TASK;
		return 0;
	}
	if (ev->reply == REPLY_DONE) {
		r->up_for_retry = t->state == TI_STATE_UP_FOR_RETRY;
		r->waits = t->state == TI_STATE_NONE || t->state == TI_STATE_SCHEDULED ||
			   t->state == TI_STATE_QUEUED;
		if (str_replace(&r->waits_for, ev->text) < 0)
			return -ENOMEM;
	}
	if (ev->reply == REPLY_DONE && !ti_identity_matches(&r->task, t) &&
		t->try_number > r->task.try_number) {
		if (t->state == TI_STATE_RUNNING || t->state == TI_STATE_SUCCESS)
			return remedy_finish(r, step, OUTCOME_RECOVERED, "try %lld is %s",
				(long long)t->try_number, ti_state_name(t->state));
		if (try_is_over(t->state))
			return remedy_finish(r, step, OUTCOME_FAILED_AGAIN, "try %lld is %s",
				(long long)t->try_number, ti_state_name(t->state));
	}
	if (remedy_is_over(r))
		return out_of_time(r, step);
	if (ev->reply == REPLY_DONE && ti_identity_matches(&r->task, t) &&
		t->state == TI_STATE_FAILED)
		return still_failed(r, now, step);
	return remedy_wait(step, now);
}
