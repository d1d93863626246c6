/* SPDX-License-Identifier: Apache-2.0
 * The remedy's way from the fresh looks to the proven end of the app. */
#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "core/act/remedy_states.h"

int remedy_on_recheck_stage(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type != REMEDY_EVENT_STAGE) {
		step->effect = EFFECT_LOOK_STAGE;
		return 0;
	}
	switch (ev->stage) {
	case LOOK_HUNG:
		return remedy_go(r, step, REMEDY_RECHECK_TASK, EFFECT_LOOK_TASK, 0);
	case LOOK_MOVED:
		return remedy_finish(
			r, step, OUTCOME_SUPERSEDED, "when checked again, it was no longer hung");
	case LOOK_UNKNOWN:
		break;
	}
	if (++r->attempts < REMEDY_ATTEMPTS)
		return remedy_wait(step, now);
	return remedy_finish(r, step, OUTCOME_REFUSED, "the stage could not be checked again: %s",
		remedy_words(ev));
}

int remedy_on_recheck_task(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type != REMEDY_EVENT_TASK) {
		step->effect = EFFECT_LOOK_TASK;
		return 0;
	}
	if (ev->reply == REPLY_UNCERTAIN && ++r->attempts < REMEDY_ATTEMPTS)
		return remedy_wait(step, now);
	if (ev->reply != REPLY_DONE)
		return remedy_finish(r, step, OUTCOME_REFUSED,
			"the task instance could not be read: %s", remedy_words(ev));
	return remedy_begin_way(r, ev, step);
}

/* None is left to one that was refused, where there is another way. */
int remedy_kill_was_sent(struct remedy *r, const struct remedy_event *ev, usec_t now,
	enum remedy_state wait, struct remedy_step *step)
{
	usec_t deadline = r->deadline ? r->deadline : now + r->plan.end_timeout;

	if (wait == REMEDY_WAIT_APP_END &&
		(ev->reply == REPLY_REFUSED || ev->reply == REPLY_NOTHING))
		deadline = now;
	r->kill_sent = true;
	r->kill_unsure = ev->reply == REPLY_UNCERTAIN;
	r->n_kills++;
	return remedy_go(r, step, wait, EFFECT_LOOK_APP, deadline);
}

bool remedy_kills_again(const struct remedy *r, const struct remedy_event *ev)
{
	return r->kill_unsure && ev->app_end == APP_END_RUNNING && r->n_kills < REMEDY_ATTEMPTS;
}

/* Both of the app alone and of one that outlived its task. Whatever the answer: a kill answers
 * alike whether or not anything was killed, so only a look counts. */
int remedy_on_kill_app(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type != REMEDY_EVENT_REPLY) {
		step->effect = EFFECT_KILL_APP;
		return 0;
	}
	return remedy_kill_was_sent(r, ev, now,
		r->state == REMEDY_END_APP ? REMEDY_WAIT_APP_END : REMEDY_WAIT_KILLED, step);
}

const char *remedy_end_words(const struct remedy_event *ev)
{
	return ev->app_end == APP_END_RUNNING ? "its cluster manager says that it runs"
					      : remedy_words(ev);
}

int remedy_on_wait_app_end(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type != REMEDY_EVENT_APP) {
		step->effect = EFFECT_LOOK_APP;
		return 0;
	}
	if (ev->app_end == APP_END_ENDED) {
		r->interrupted = false;
		return remedy_go(
			r, step, REMEDY_WAIT_LEFT, EFFECT_LOOK_TASK, now + r->plan.process_timeout);
	}
	if (!remedy_is_over(r)) {
		if (remedy_kills_again(r, ev))
			r->state = REMEDY_END_APP;
		return remedy_wait(step, now);
	}
	if (r->fail_unsure)
		return remedy_go(
			r, step, REMEDY_VERIFY_FAILED, EFFECT_LOOK_TASK, now + VERIFY_TIMEOUT);
	if (r->interrupted && ev->app_end == APP_END_RUNNING)
		return remedy_finish(r, step, OUTCOME_REFUSED,
			"a restart interrupted it before it took effect: %s", remedy_end_words(ev));
	/* By way of Airflow it may still end: its task's process takes the driver along. */
	if (r->plan.retry_via != RETRY_VIA_AIRFLOW && !r->interrupted)
		return remedy_go(
			r, step, REMEDY_VERIFY_HUNG, EFFECT_LOOK_STAGE, now + VERIFY_TIMEOUT);
	return remedy_finish(r, step, OUTCOME_UNCONFIRMED,
		"the end of the app is not confirmed: %s", remedy_end_words(ev));
}

/* A task that is seen failed: it was told to, or its app was killed. Else somebody else failed it,
 * and its app is left to them. */
static bool is_our_doing(const struct remedy *r)
{
	return r->fail_sent || r->kill_sent;
}

static int seen_failed(struct remedy *r, usec_t now, struct remedy_step *step)
{
	r->failed_at = now;
	r->interrupted = false;
	return remedy_go(r, step, REMEDY_WAIT_END, EFFECT_LOOK_APP, now + r->plan.end_timeout);
}

/* The evidence is as old as the kill that did not end it: a stage that moves again is left alone.
 */
int remedy_on_verify_hung(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type != REMEDY_EVENT_STAGE) {
		step->effect = EFFECT_LOOK_STAGE;
		return 0;
	}
	if (ev->stage == LOOK_HUNG)
		return remedy_go(
			r, step, REMEDY_VERIFY_RUNNING, EFFECT_LOOK_TASK, now + VERIFY_TIMEOUT);
	if (ev->stage == LOOK_UNKNOWN && !remedy_is_over(r))
		return remedy_wait(step, now);
	return remedy_finish(r, step, OUTCOME_UNCONFIRMED,
		"the end of the app is not confirmed, and its task is left alone: %s%s",
		ev->stage == LOOK_MOVED ? "when checked again, it was no longer hung"
					: "the stage could not be checked again: ",
		ev->stage == LOOK_MOVED ? "" : remedy_words(ev));
}

/* Time has gone by since its task instance was looked at, and Airflow fails whichever try there is:
 * a kill that took without being seen may have brought a new one. */
int remedy_on_verify_running(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	bool same;
	int ended;

	if (!remedy_has_task(r, ev, now, step,
		    "the task instance could not be read before it was failed", &ended))
		return ended;
	same = ti_identity_matches(&r->task, ev->task);
	if (same && ev->task->state == TI_STATE_FAILED && is_our_doing(r))
		return seen_failed(r, now, step);
	if (same && ev->task->state == TI_STATE_RUNNING)
		return remedy_go_on(r, ev, step);
	return remedy_finish(r, step, r->kill_sent ? OUTCOME_UNCONFIRMED : OUTCOME_SUPERSEDED,
		"%s: the task instance is %s, try %lld",
		r->kill_sent ? "the end of the app is not confirmed" : "somebody else acted",
		ti_state_name(ev->task->state), (long long)ev->task->try_number);
}

/* Only a claim that is seen counts: another replica may have written over it. */
static int on_claim(struct remedy *r, const struct remedy_event *ev, struct remedy_step *step)
{
	unsigned attempts = r->attempts + 1;

	if (ev->type != REMEDY_EVENT_REPLY) {
		step->effect = EFFECT_NOTE;
		return 0;
	}
	if (ev->reply != REPLY_DONE && ev->reply != REPLY_UNCERTAIN)
		return remedy_finish(r, step, r->requested ? OUTCOME_FAILED : OUTCOME_REFUSED,
			"the note that is to keep other replicas away could not be written: %s",
			remedy_words(ev));
	(void)remedy_go(r, step, REMEDY_RECHECK_TASK, EFFECT_LOOK_TASK, 0);
	r->attempts = attempts;
	return 0;
}

/* A note is a courtesy, unless it is a claim: without it the work goes on. It may have taken long.
 */
int remedy_on_note(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (r->plan.claim && !r->claimed)
		return on_claim(r, ev, step);
	if (ev->type == REMEDY_EVENT_REPLY && ev->reply == REPLY_UNCERTAIN) {
		r->attempts = 1; /* no second note */
		return remedy_verify(r, step, REMEDY_VERIFY_RUNNING, now);
	}
	return remedy_go(r, step, REMEDY_FAIL, EFFECT_FAIL_TASK, 0);
}

int remedy_on_fail(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type != REMEDY_EVENT_REPLY) {
		step->effect = EFFECT_FAIL_TASK;
		return 0;
	}
	switch (ev->reply) {
	case REPLY_DONE:
	case REPLY_CONFLICT:
	case REPLY_UNCERTAIN:
	case REPLY_NOTHING:
		r->fail_sent = true;
		return remedy_verify(r, step, REMEDY_VERIFY_FAILED, now);
	case REPLY_GONE:
	case REPLY_REFUSED:
		break;
	}
	/* After a kill of the app this is no longer a thing that did not happen. */
	return remedy_finish(r, step, r->kill_sent ? OUTCOME_UNCONFIRMED : OUTCOME_FAILED,
		"Airflow did not fail the task instance: %s", remedy_words(ev));
}

static int still_running(struct remedy *r, usec_t now, struct remedy_step *step)
{
	if (r->interrupted)
		return remedy_finish(r, step, OUTCOME_REFUSED,
			"a restart interrupted it before it took effect: the task instance runs");
	if (++r->attempts >= REMEDY_ATTEMPTS)
		return remedy_finish(r, step, r->kill_sent ? OUTCOME_UNCONFIRMED : OUTCOME_FAILED,
			"Airflow still shows running after the request to fail the task");
	r->state = REMEDY_VERIFY_RUNNING;
	r->deadline = now + VERIFY_TIMEOUT;
	return remedy_wait(step, now);
}

int remedy_on_verify_failed(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	int ended;

	if (!remedy_has_task(r, ev, now, step,
		    "the task instance was failed, but Airflow did not show it", &ended))
		return ended;
	if (remedy_is_overwritten(r, ev->task))
		return remedy_finish_overwritten(r, step);
	if (ti_identity_matches(&r->task, ev->task)) {
		if (ev->task->state == TI_STATE_RUNNING)
			return still_running(r, now, step);
		if (ev->task->state == TI_STATE_FAILED && is_our_doing(r))
			return seen_failed(r, now, step);
	}
	return remedy_finish_superseded(r, step, ev->task);
}

static int app_has_ended(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	_cleanup_free_ char *fired = NULL;

	/* Airflow 2: the process that it had started for the try can still write over the row. */
	if (r->plan.needs_note)
		return remedy_go(r, step, REMEDY_WAIT_PROCESS, EFFECT_LOOK_PROCESS,
			usec_max(now, r->failed_at + r->plan.process_timeout) + VERIFY_TIMEOUT);
	/* Where the end of its driver may count as success, too, a kill looks once more. */
	if (r->plan.action != RULE_ACTION_KILL || r->plan.pod)
		return remedy_go(
			r, step, REMEDY_VERIFY_TASK, EFFECT_LOOK_TASK, now + VERIFY_TIMEOUT);
	fired = remedy_fired(r);
	if (!fired)
		return -ENOMEM;
	return remedy_finish(
		r, step, OUTCOME_ENDED, "the app has ended: %s%s", remedy_words(ev), fired);
}

int remedy_on_wait_end(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step)
{
	if (ev->type != REMEDY_EVENT_APP) {
		step->effect = EFFECT_LOOK_APP;
		return 0;
	}
	if (ev->app_end == APP_END_ENDED)
		return app_has_ended(r, ev, now, step);
	if (!remedy_is_over(r)) {
		if (r->state == REMEDY_WAIT_KILLED && remedy_kills_again(r, ev))
			r->state = REMEDY_KILL_APP;
		return remedy_wait(step, now);
	}
	if (r->state == REMEDY_WAIT_END && r->plan.can_kill_app)
		return remedy_go(r, step, REMEDY_KILL_APP, EFFECT_KILL_APP, 0);
	return remedy_finish(r, step, OUTCOME_UNCONFIRMED,
		"the end of the app is not confirmed: %s", remedy_end_words(ev));
}
