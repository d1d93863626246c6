/* SPDX-License-Identifier: Apache-2.0
 * Which way a remedy takes, once the task instance and what is around it were looked at. */
#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "core/act/claim.h"
#include "core/act/remedy_states.h"

/* What speaks against acting on this task instance; NULL: nothing does. */
static const char *task_objection(const struct remedy *r, const struct ti_obs *t)
{
	if (r->owner.try_number <= 0)
		return "the app does not say which try started it";
	if (t->try_number != r->owner.try_number)
		return "the task instance is on another try than the one that started the app";
	if (t->started == 0)
		return "Airflow does not say when the task instance started";
	if (t->started > r->plan.app_started + REMEDY_CLOCK_SLACK)
		return "the task instance started after the app";
	return NULL;
}

static int ask_preconditions(
	const struct remedy *r, const struct remedy_event *ev, enum end_way way, char **ret)
{
	const struct preconditions_question q = {.preconditions = ev->preconditions,
		.task = ev->task,
		.owner = &r->owner,
		.app = {.can_kill = r->plan.can_kill_app,
			.kills_app = r->plan.kills_app,
			.cluster_mode = r->plan.cluster_mode,
			.outlives_process = r->plan.outlives_process,
			.pod = r->plan.pod,
			.no_kill = r->no_kill,
			.may_fire = r->plan.may_fire}};

	if (way == END_WAY_RESTART && r->no_restart)
		return str_replace(ret, r->no_restart);
	return preconditions_objection(&q, way, ret);
}

/* Ways in the order in which they are tried; ended by END_WAY_MAX. */
static const enum end_way killing[] = {END_WAY_KILL, END_WAY_MAX};

static const enum end_way *ways_of(const struct remedy *r, const struct ti_obs *t)
{
	static const enum end_way deferred[] = {END_WAY_DEFERRED, END_WAY_MAX};
	static const enum end_way by_via[][4] = {
		[RETRY_VIA_AUTO] = {END_WAY_RESTART, END_WAY_AIRFLOW, END_WAY_CLEAR, END_WAY_MAX},
		[RETRY_VIA_CLEAR] = {END_WAY_CLEAR, END_WAY_MAX},
		[RETRY_VIA_AIRFLOW] = {END_WAY_AIRFLOW, END_WAY_MAX},
		[RETRY_VIA_RESTART] = {END_WAY_RESTART, END_WAY_MAX},
	};
	_Static_assert(ELEMENTSOF(by_via) == RETRY_VIA_MAX, "ways for each");

	if (r->plan.action == RULE_ACTION_KILL)
		return killing;
	/* The trigger that waits for a pod may take its end for success: failed first. */
	return t->state == TI_STATE_DEFERRED && !r->plan.pod ? deferred : by_via[r->plan.retry_via];
}

/* *ret: the first way that nothing speaks against. Else END_WAY_MAX, and *objection, the
 * caller's, says why: against the last, and where it is another word, against the first. */
static int choose(const struct remedy *r, const struct remedy_event *ev, const enum end_way *ways,
	enum end_way *ret, char **objection)
{
	_cleanup_free_ char *first = NULL;
	_cleanup_free_ char *last = NULL;

	for (; *ways != END_WAY_MAX; ways++) {
		if (!first)
			first = TAKE_PTR(last);
		free(last);
		last = NULL;
		if (ask_preconditions(r, ev, *ways, &last) < 0)
			return -ENOMEM;
		if (!last)
			break;
	}
	*ret = *ways;
	if (!last)
		return 0;
	if (!first || str_equal(first, last)) {
		*objection = TAKE_PTR(last);
		return 0;
	}
	return str_printf(objection, "%s; nor can it be cleared while it runs: %s", last, first);
}

static bool fails(enum end_way way)
{
	return way == END_WAY_KILL || way == END_WAY_CLEAR;
}

/* Remembers what the way sets off. */
static int note_fired(struct remedy *r, const struct remedy_event *ev, enum end_way way)
{
	if (!fails(way))
		return str_replace(&r->fires, NULL);
	return str_replace(&r->fires, ev->preconditions->tasks_known
					      ? ev->preconditions->fires
					      : "Airflow does not say which tasks its DAG has");
}

char *remedy_fired(const struct remedy *r)
{
	char *text = NULL;

	(void)str_printf(&text, "%s%s", r->fires ? "; tasks that run when it fails: " : "",
		r->fires ? r->fires : "");
	return text;
}

static int fail_task(struct remedy *r, struct remedy_step *step, unsigned attempts)
{
	r->interrupted = false;
	/* After a note it is not written a second time. */
	if (r->plan.needs_note && !r->claimed && attempts == 0)
		return remedy_go(r, step, REMEDY_NOTE, EFFECT_NOTE, 0);
	(void)remedy_go(r, step, REMEDY_FAIL, EFFECT_FAIL_TASK, 0);
	r->attempts = attempts;
	return 0;
}

/* Before all else, and until it is seen. */
static int claim(struct remedy *r, struct remedy_step *step)
{
	unsigned attempts = r->attempts;

	if (attempts >= REMEDY_ATTEMPTS)
		return remedy_finish(r, step, r->requested ? OUTCOME_FAILED : OUTCOME_REFUSED,
			"the note that is to keep other replicas away does not show in Airflow");
	(void)remedy_go(r, step, REMEDY_NOTE, EFFECT_NOTE, 0);
	r->attempts = attempts;
	return 0;
}

static int go_way(struct remedy *r, struct remedy_step *step, enum end_way way, unsigned attempts)
{
	if (r->plan.claim && !r->claimed)
		return claim(r, step);
	if (way == END_WAY_RESTART)
		return remedy_go(r, step, REMEDY_RESTART, EFFECT_RESTART_TASK, 0);
	if (way == END_WAY_AIRFLOW || way == END_WAY_DEFERRED)
		return remedy_go(r, step, REMEDY_END_APP, EFFECT_KILL_APP, 0);
	return fail_task(r, step, attempts);
}

static const char *way_words(enum end_way way)
{
	switch (way) {
	case END_WAY_KILL:
		return "it would have been failed";
	case END_WAY_CLEAR:
		return "it would have been failed, then cleared";
	case END_WAY_AIRFLOW:
		return "its app would have been ended: Airflow has a retry left for it";
	case END_WAY_RESTART:
		return "it would have been cleared while it runs";
	case END_WAY_DEFERRED:
		return "its app would have been ended, then it would have been cleared";
	case END_WAY_MAX:
		break;
	}
	return "nothing";
}

static int dry_run(struct remedy *r, struct remedy_step *step, enum end_way way)
{
	_cleanup_free_ char *fired = remedy_fired(r);

	if (!fired)
		return -ENOMEM;
	return remedy_finish(r, step, OUTCOME_DRY_RUN,
		"the mode is observe: nothing was sent; %s%s", way_words(way), fired);
}

/* Before it a restart may have been sent, and not taken. */
static int refuse(struct remedy *r, struct remedy_step *step, const char *objection)
{
	return remedy_finish(
		r, step, r->requested ? OUTCOME_FAILED : OUTCOME_REFUSED, "%s", objection);
}

/* What another replica has begun is not gone on with, nor begun anew. */
static bool is_anothers(struct remedy *r, const struct ti_obs *t)
{
	enum claim_seen seen;

	if (!r->plan.claim)
		return false;
	seen = claim_look(t->note, t->try_number, r->plan.claim);
	r->claimed = seen == CLAIM_OURS;
	return seen == CLAIM_ANOTHERS;
}

int remedy_begin_way(struct remedy *r, const struct remedy_event *ev, struct remedy_step *step)
{
	_cleanup_free_ char *objection = NULL;
	const char *text = task_objection(r, ev->task);
	enum end_way way;

	if (text)
		return refuse(r, step, text);
	if (ev->task->state != TI_STATE_RUNNING && ev->task->state != TI_STATE_DEFERRED)
		return remedy_finish(r, step, OUTCOME_SUPERSEDED,
			"the task instance is %s, not running", ti_state_name(ev->task->state));
	if (is_anothers(r, ev->task)) {
		if (str_printf(&objection,
			    "another replica has claimed this try, and may have acted on it: its "
			    "note in Airflow begins with %.160s",
			    ev->task->note) < 0)
			return -ENOMEM;
		return refuse(r, step, objection);
	}
	if (choose(r, ev, ways_of(r, ev->task), &way, &objection) < 0)
		return -ENOMEM;
	if (objection)
		return refuse(r, step, objection);
	if (ti_identity_of(ev->task, &r->task) < 0 || note_fired(r, ev, way) < 0)
		return -ENOMEM;
	return r->plan.dry ? dry_run(r, step, way) : go_way(r, step, way, 0);
}

int remedy_go_on(struct remedy *r, const struct remedy_event *ev, struct remedy_step *step)
{
	static const enum end_way clearing[] = {END_WAY_CLEAR, END_WAY_MAX};
	static const enum end_way either[] = {END_WAY_RESTART, END_WAY_CLEAR, END_WAY_MAX};
	_cleanup_free_ char *objection = NULL;
	const enum end_way *ways = either;
	enum end_way way;

	if (r->plan.action == RULE_ACTION_KILL)
		ways = killing;
	else if (r->plan.retry_via == RETRY_VIA_CLEAR || r->attempts > 0)
		ways = clearing; /* some of it was begun that way */
	if (choose(r, ev, ways, &way, &objection) < 0)
		return -ENOMEM;
	if (objection)
		return remedy_finish(r, step, OUTCOME_UNCONFIRMED,
			"the task instance still runs, and is left alone: %s", objection);
	if (note_fired(r, ev, way) < 0)
		return -ENOMEM;
	return go_way(r, step, way, r->attempts);
}
