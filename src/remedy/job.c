/* SPDX-License-Identifier: Apache-2.0
 * Performs the effects of a remedy, and hands their answers back to it. */
#include "remedy/job.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "action/airflow.h"
#include "action/kill_app.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/fault_point.h"
#include "setup/messages.h"

static void drive(struct job *j, const struct remedy_event *event);

static void stop(struct job *j)
{
	j->call = airflow_cancel(j->call);
	j->look = driver_look_cancel(j->look);
	j->source_call = source_call_free(j->source_call);
	j->kill = kill_app_cancel(j->kill);
	j->timer = sd_event_source_disable_unref(j->timer);
}

/* Of what changes something: it is about to be sent, or it is known what became of it. */
static void set_at_work(struct job *j, bool at_work)
{
	if (at_work != j->at_work)
		leader_work(j->context->leader, at_work);
	j->at_work = at_work;
}

struct job *job_free(struct job *j)
{
	if (!j)
		return NULL;
	stop(j);
	set_at_work(j, false);
	action_record_clear(&j->record);
	runtime_unref(j->runtime);
	free(j->blocked);
	free(j->claim);
	free(j);
	return NULL;
}

void job_about(const struct job *j, struct log_about *about, char stage[static 48])
{
	(void)snprintf(
		stage, 48, "%" PRId64 ".%" PRId64, j->incident->stage_id, j->incident->attempt_id);
	*about = (struct log_about){
		.message_id = MESSAGE_ACTION,
		.cluster = j->record.target.cluster,
		.app_id = j->record.target.app_id,
		.stage_id = stage,
		.rule = j->record.target.rule,
		.verdict = verdict_name(j->incident->verdict),
		.action = rule_action_name(j->record.remedy.plan.action),
		.incident = j->incident->id,
		.url = j->record.url,
	};
}

/* A failure is told by the store, and tried again at its next tick. */
void job_save(struct job *j)
{
	bool requested = j->record.remedy.requested;
	int r = 0;

	if (!requested && j->recorded && j->record.ended > 0)
		r = store_forget_action(j->context->store, &j->record);
	else if (requested || j->recorded)
		r = store_save(j->context->store, j->incident, &j->record);
	j->unsaved = r < 0;
}

void job_close(struct job *j)
{
	stop(j);
	j->record.ended = clock_wall(j->context->clock);
	job_save(j);
}

static void end(struct job *j)
{
	job_close(j);
	j->context->over(j->context->userdata, j);
}

void job_give_up(struct job *j, enum remedy_outcome outcome, const char *why)
{
	(void)str_replace(&j->record.remedy.why, why);
	j->record.remedy.outcome = outcome;
	j->record.remedy.state = REMEDY_DONE;
	end(j);
}

/* Once for each. */
static void tell_what_it_waits_for(struct job *j, const struct airflow_result *result)
{
	const struct remedy *m = &j->record.remedy;

	if (!remedy_wants_room(m) || result->reply != REPLY_DONE || !result->text ||
		str_equal(m->waits_for, result->text))
		return;
	incident_tell(j->incident, clock_wall(j->context->clock),
		"the new try waits, for %" PRIu64 " s more at most (retry_timeout): %s",
		usec_sub(m->deadline, clock_now(j->context->clock)) / USEC_PER_SEC, result->text);
}

static void on_airflow(void *userdata, const struct airflow_result *result)
{
	struct job *j = userdata;
	struct airflow_stats *s = stats_airflow(j->context->stats, airflow_name(j->airflow));
	struct remedy_event event = {
		.type = remedy_awaits(&j->record.remedy),
		.reply = result->reply,
		.task = result->task,
		.preconditions = result->preconditions,
		.process_ended = result->process_ended,
		.text = result->text,
	};

	if (event.type == REMEDY_EVENT_REPLY) {
		fault_point("remedy: after an answer of Airflow");
		set_at_work(j, result->reply == REPLY_UNCERTAIN && !result->not_sent);
	}
	tell_what_it_waits_for(j, result);
	j->call = NULL;
	if (result->reason) {
		struct log_about about;
		char stage[48];

		job_about(j, &about, stage);
		about.url = airflow_url(j->airflow);
		if (s)
			stats_count_reason(
				s->errors, airflow_reasons, n_airflow_reasons, result->reason);
		log_event(LOG_WARNING, &about, "%s of %s: Airflow %s: %s (incident %s)",
			about.action, j->record.target.app_id, airflow_name(j->airflow),
			result->text, j->incident->id);
	}
	drive(j, &event);
}

static void on_looked_at_stage(void *userdata, enum remedy_look look, const char *text)
{
	struct job *j = userdata;
	struct remedy_event event = {.type = REMEDY_EVENT_STAGE, .stage = look, .text = text};

	j->look = NULL;
	drive(j, &event);
}

static void on_looked_at_app(void *userdata, enum app_end app_end, const char *text)
{
	struct job *j = userdata;
	struct remedy_event event = {.type = REMEDY_EVENT_APP, .app_end = app_end, .text = text};

	j->source_call = NULL;
	drive(j, &event);
}

static void on_killed(void *userdata, enum remedy_reply reply, const char *text)
{
	struct job *j = userdata;
	struct remedy_event event = {.type = REMEDY_EVENT_REPLY, .reply = reply, .text = text};
	struct log_about about;
	char stage[48];

	fault_point("remedy: after an answer to a kill");
	set_at_work(j, reply == REPLY_UNCERTAIN);
	j->kill = NULL;
	if (reply != REPLY_DONE) {
		job_about(j, &about, stage);
		log_event(LOG_WARNING, &about,
			"%s of %s: its kill: %s; checking whether the app has ended (incident %s)",
			about.action, j->record.target.app_id, text ? text : "no answer",
			j->incident->id);
	}
	drive(j, &event);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct job *j = userdata;
	struct remedy_event event = {.type = REMEDY_EVENT_TIMER};

	(void)source;
	(void)usec;
	drive(j, &event);
	return 0;
}

static int wake_at(struct job *j, usec_t at)
{
	int r = j->timer ? 0 : timer_new(j->context->event, on_timer, j, &j->timer);

	return r < 0 ? r : timer_at(j->timer, at);
}

static int look_at_stage(struct job *j)
{
	const struct job_context *c = j->context;
	struct incident *i = j->incident;
	struct poller *p = c->poller(c->userdata, j->record.target.cluster);
	struct app_history *a = detector_find(c->detector, i->cluster, i->app_id, i->app_started);
	struct stage_key key = {.stage_id = i->stage_id, .attempt_id = i->attempt_id};

	if (!p)
		return -ENXIO;
	if (!a)
		return -ENOENT;
	return poller_look(p, a, &key, on_looked_at_stage, j, &j->look);
}

/* As the rule says in the runtime in which the action goes on. */
static enum kill_via kill_via_of(const struct job *j)
{
	const struct rule *rule = runtime_rule(j->runtime, j->record.target.rule);

	return rule ? (enum kill_via)rule->kill_via : KILL_VIA_CLUSTER;
}

static void on_rehearsed(void *userdata, enum remedy_reply reply, const char *text);

static int kill_app(struct job *j, bool rehearse)
{
	struct kill_point point = {0};
	struct kill_app_ask ask = {.transport = j->context->transport,
		.event = j->context->event,
		.guard = rehearse ? NULL : leader_guard(j->context->leader),
		.point = &point,
		.app_id = j->record.target.app_id,
		.stage_id = j->incident->stage_id};

	if (!source_kill_point(j->source, &j->ref, kill_via_of(j), &point))
		return -EOPNOTSUPP;
	return rehearse ? kill_app_rehearse(&ask, on_rehearsed, j, &j->kill)
			: kill_app_start(&ask, on_killed, j, &j->kill);
}

/* Of a row of requests that is to change something, the guard is asked before each. */
static int ask_airflow(struct job *j, enum airflow_op op, bool changes)
{
	struct airflow_ask ask = {.op = op,
		.owner = &j->record.remedy.owner,
		.note = j->record.note,
		.clears = j->record.remedy.plan.action == RULE_ACTION_RETRY,
		.same = &j->record.remedy.task,
		.guard = changes ? leader_guard(j->context->leader) : NULL};

	return airflow_do(j->airflow, &ask, on_airflow, j, &j->call);
}

static int words_on_kill(const struct job *j, char **ret)
{
	const struct remedy *m = &j->record.remedy;
	const char *via = kill_via_name(kill_via_of(j));

	if (m->state == REMEDY_END_APP)
		return str_printf(ret,
			"killing the app (kill_via=%s); then its task instance is tried again",
			via);
	return str_printf(ret,
		"the app did not end with its task within end_timeout, killing it (kill_via=%s)",
		via);
}

/* What is about to change something; *ret stays NULL where it does not count. */
static int words_on(const struct job *j, enum remedy_effect effect, char **ret)
{
	const struct remedy *m = &j->record.remedy;
	const struct owner *o = &m->owner;
	_cleanup_free_ char *fired = NULL;

	if (effect == EFFECT_FAIL_TASK) {
		fired = remedy_fired(m);
		if (!fired)
			return -ENOMEM;
		return str_printf(ret,
			"failing task instance %s/%s/%s map index %" PRId64 " try %" PRId64
			" at %s%s",
			o->dag_id, o->run_id, o->task_id, o->map_index, o->try_number,
			airflow_url(j->airflow), fired);
	}
	if (effect == EFFECT_KILL_APP)
		return words_on_kill(j, ret);
	if (effect == EFFECT_RESTART_TASK)
		return str_printf(ret,
			"clearing task instance %s/%s/%s map index %" PRId64 " try %" PRId64
			" at %s before it has ended: Airflow ends its process and tries again, and "
			"nothing fails",
			o->dag_id, o->run_id, o->task_id, o->map_index, o->try_number,
			airflow_url(j->airflow));
	if (effect == EFFECT_CLEAR_TASK)
		return str_printf(ret, "the app has ended, clearing task instance %s/%s/%s",
			o->dag_id, o->run_id, o->task_id);
	return 0;
}

/* It is said before it is sent. */
static void announce(struct job *j, enum remedy_effect effect)
{
	_cleanup_free_ char *what = NULL;
	struct log_about about;
	char stage[48];

	if (words_on(j, effect, &what) < 0 || !what)
		return;
	incident_tell(j->incident, clock_wall(j->context->clock), "%s", what);
	job_about(j, &about, stage);
	log_event(LOG_NOTICE, &about, "%s of %s: %s: %s (incident %s)", about.action,
		j->record.target.app_id, what, j->incident->evidence, j->incident->id);
}

/* Intent, durable before the effect. */
static int intend(struct job *j, enum remedy_effect effect)
{
	int r;

	announce(j, effect);
	r = store_save(j->context->store, j->incident, &j->record);
	if (r < 0)
		return r;
	j->recorded = true;
	if (j->record.remedy.requested && !j->counted_request) {
		j->counted_request = true;
		j->context->requested(j->context->userdata, j);
	}
	j->acted = j->acted || effect != EFFECT_NOTE;
	fault_point("remedy: before a request");
	return 0;
}

static enum airflow_op look_op(const struct remedy *r)
{
	if (remedy_wants_preconditions(r))
		return AIRFLOW_PREPARE;
	return remedy_wants_room(r) ? AIRFLOW_ROOM : AIRFLOW_LOOK;
}

/* Before a way is chosen, what controls the app is looked at, too: one that would start the next
 * driver is not to be left with a task that has failed. */
static int look_at_task(struct job *j)
{
	int r = remedy_wants_preconditions(&j->record.remedy) ? kill_app(j, true) : -EOPNOTSUPP;

	return r == -EOPNOTSUPP ? ask_airflow(j, look_op(&j->record.remedy), false) : r;
}

static int perform(struct job *j, const struct remedy_step *step)
{
	bool changes = remedy_effect_changes(step->effect);

	switch (step->effect) {
	case EFFECT_WAIT:
		return wake_at(j, step->wake_at);
	case EFFECT_LOOK_STAGE:
		return look_at_stage(j);
	case EFFECT_LOOK_TASK:
		return look_at_task(j);
	case EFFECT_LOOK_PROCESS:
		return ask_airflow(j, AIRFLOW_PROCESS, changes);
	case EFFECT_NOTE:
		return ask_airflow(j, AIRFLOW_NOTE, changes);
	case EFFECT_FAIL_TASK:
		return ask_airflow(j, AIRFLOW_FAIL, changes);
	case EFFECT_LOOK_APP:
		return j->source->ops->look(
			j->source, &j->ref, on_looked_at_app, j, &j->source_call);
	case EFFECT_KILL_APP:
		return kill_app(j, false);
	case EFFECT_CLEAR_TASK:
		return ask_airflow(j, AIRFLOW_CLEAR, changes);
	case EFFECT_RESTART_TASK:
		return ask_airflow(j, AIRFLOW_RESTART, changes);
	case EFFECT_DONE:
	case EFFECT_MAX:
		break;
	}
	return 0;
}

/* An effect that could not even be begun answers as one whose answer was lost. */
static void lost_event(const struct remedy_step *step, int error, struct remedy_event *ret)
{
	*ret = (struct remedy_event){.type = REMEDY_EVENT_REPLY,
		.reply = REPLY_UNCERTAIN,
		.stage = error == -ENOENT ? LOOK_MOVED : LOOK_UNKNOWN,
		.app_end = APP_END_UNKNOWN,
		.text = error == -ENXIO ? "its cluster is no longer configured" : strerror(-error)};
	if (step->effect == EFFECT_LOOK_STAGE)
		ret->type = REMEDY_EVENT_STAGE;
	else if (step->effect == EFFECT_LOOK_TASK || step->effect == EFFECT_LOOK_PROCESS)
		ret->type = REMEDY_EVENT_TASK;
	else if (step->effect == EFFECT_LOOK_APP)
		ret->type = REMEDY_EVENT_APP;
}

static int note_rehearsal(struct remedy *m, enum remedy_reply reply, const char *text)
{
	_cleanup_free_ char *why = NULL;
	int r = 0;

	if (reply == REPLY_UNCERTAIN)
		r = str_printf(&why, "what controls its driver could not be looked at: %s",
			text ? text : "no answer");
	else if (reply != REPLY_DONE && reply != REPLY_GONE)
		r = str_replace(&why, text ? text : "what controls its driver is not known");
	return r < 0 ? r : remedy_note_no_kill(m, why);
}

static void on_rehearsed(void *userdata, enum remedy_reply reply, const char *text)
{
	const struct remedy_step step = {.effect = EFFECT_LOOK_TASK};
	struct job *j = userdata;
	struct remedy_event event;
	int r = note_rehearsal(&j->record.remedy, reply, text);

	j->kill = NULL;
	if (r >= 0)
		r = ask_airflow(j, look_op(&j->record.remedy), false);
	if (r >= 0)
		return;
	lost_event(&step, r, &event);
	drive(j, &event);
}

/* What speaks against the first effect that ends something, or the note before it, and against a
 * clear; NULL: nothing. In between there is no way back. */
static const char *objection_to(struct job *j, enum remedy_effect effect)
{
	const struct job_context *c = j->context;

	if (j->acted && effect != EFFECT_CLEAR_TASK && effect != EFFECT_RESTART_TASK)
		return NULL;
	return c->objection(c->userdata, j, effect, &j->answer);
}

/* What keeps anything from being sent for now, and is waited for; NULL: nothing does. */
static const char *block_of(struct job *j, enum remedy_effect effect)
{
	const char *why = leader_objection(j->context->leader);
	int r;

	if (why)
		return why;
	if (intend(j, effect) >= 0)
		return NULL;
	why = store_trouble(j->context->store);
	free(j->blocked);
	j->blocked = NULL;
	r = str_printf(&j->blocked, "the ledger cannot be written: %s", why ? why : "no memory");
	return r < 0 ? "the ledger cannot be written" : j->blocked;
}

static void give_up_without_timer(struct job *j, int error)
{
	struct log_about about;
	char stage[48];

	job_about(j, &about, stage);
	log_event(LOG_ERR, &about,
		"%s of %s: failed to set a timer: %s; giving the action up (incident %s)",
		about.action, about.app_id, strerror(-error), about.incident);
	job_give_up(j, j->record.remedy.requested ? OUTCOME_UNCONFIRMED : OUTCOME_REFUSED,
		"no timer could be set");
}

/* Performs a step; what could not be done is the next event, and true is returned. */
static bool take_step(struct job *j, const struct remedy_step *step, enum remedy_state before,
	struct remedy_event *again)
{
	int r;

	if (remedy_effect_changes(step->effect)) {
		const char *objection = objection_to(j, step->effect);
		const char *block;

		if (objection) {
			*again = (struct remedy_event){.type = REMEDY_EVENT_HELD,
				.other_app = j->answer.other_app,
				.text = objection};
			return true;
		}
		block = block_of(j, step->effect);
		if (block) {
			*again = (struct remedy_event){.type = REMEDY_EVENT_BLOCKED, .text = block};
			return true;
		}
	} else if (remedy_is_to_be_saved(&j->record.remedy, before)) {
		job_save(j);
	}
	if (remedy_effect_changes(step->effect))
		set_at_work(j, true);
	r = perform(j, step);
	if (r >= 0)
		return false;
	if (remedy_effect_changes(step->effect))
		set_at_work(j, false);
	if (step->effect == EFFECT_WAIT) {
		give_up_without_timer(j, r);
		return false;
	}
	lost_event(step, r, again);
	return true;
}

static void drive(struct job *j, const struct remedy_event *event)
{
	struct remedy_event again = *event;
	struct remedy_step step;

	do {
		enum remedy_state before = j->record.remedy.state;

		/* Without memory nothing changed: the same question again, later. */
		if (remedy_next(&j->record.remedy, &again, clock_now(j->context->clock), &step) < 0)
			step = (struct remedy_step){.effect = EFFECT_WAIT,
				.wake_at = clock_now(j->context->clock) + REMEDY_LOOK_PERIOD};
		if (step.effect == EFFECT_DONE) {
			end(j);
			return;
		}
		if (!take_step(j, &step, before, &again))
			return;
	} while (true);
}

void job_start(struct job *j)
{
	struct remedy_event start = {.type = REMEDY_EVENT_START};
	struct remedy_step step;

	if (!j->resumed) {
		drive(j, &start);
		return;
	}
	j->acted = true;
	remedy_resume(&j->record.remedy, clock_now(j->context->clock), &step);
	if (wake_at(j, step.wake_at) < 0)
		job_give_up(j, OUTCOME_UNCONFIRMED, "no timer could be set");
}
