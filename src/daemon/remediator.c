/* SPDX-License-Identifier: Apache-2.0
 * Carries out remedies. Intent that must outlive a crash is to be written in perform(), before an
 * effect for which remedy_effect_changes() says yes. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "action/airflow.h"
#include "action/kill_app.h"
#include "base/log.h"
#include "daemon/messages.h"
#include "daemon/remediator.h"

/* After a refusal the same incident is considered again, not at every poll. */
#define RECONSIDER USEC_PER_MINUTE

/* A remedy under way. */
struct job {
	struct remediator *remediator;
	struct job *next;
	struct remedy remedy;
	struct incident *incident; /* open as long as the job lives */
	struct world *world;       /* a reference */
	struct source *source;     /* of the world */
	struct airflow *airflow;   /* of the world */
	char *cluster;
	char *app_id;
	char *url;
	struct app_ref ref; /* borrows app_id and url */
	char *note;
	usec_t began;
	bool counted_request;
	struct airflow_call *call;
	struct poller_look *look;
	struct source_call *source_call;
	struct kill_app *kill;
	sd_event_source *timer;
};

struct remediator {
	struct remediator_context context;
	struct budgets budgets;
	struct job *jobs;
};

static void drive(struct job *j, const struct remedy_event *event);

int remediator_new(const struct remediator_context *context, struct remediator **ret)
{
	struct remediator *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->context = *context;
	*ret = m;
	return 0;
}

static usec_t now(const struct remediator *m)
{
	return m->context.now(m->context.userdata);
}

static usec_t wall(const struct remediator *m)
{
	return m->context.wall(m->context.userdata);
}

static struct job *job_free(struct job *j)
{
	if (!j)
		return NULL;
	for (struct job **k = &j->remediator->jobs; *k; k = &(*k)->next)
		if (*k == j) {
			*k = j->next;
			break;
		}
	airflow_cancel(j->call);
	poller_look_cancel(j->look);
	source_call_free(j->source_call);
	kill_app_cancel(j->kill);
	sd_event_source_disable_unref(j->timer);
	remedy_clear(&j->remedy);
	free(j->cluster);
	free(j->app_id);
	free(j->url);
	free(j->note);
	world_unref(j->world);
	free(j);
	return NULL;
}

struct remediator *remediator_free(struct remediator *m)
{
	if (!m)
		return NULL;
	while (m->jobs)
		job_free(m->jobs);
	budgets_clear(&m->budgets);
	free(m);
	return NULL;
}

size_t remediator_n_pending(const struct remediator *m)
{
	size_t n = 0;

	for (const struct job *j = m->jobs; j; j = j->next)
		n++;
	return n;
}

usec_t remediator_oldest(const struct remediator *m)
{
	usec_t oldest = 0;

	for (const struct job *j = m->jobs; j; j = j->next) {
		usec_t age = usec_sub(now(m), j->began);

		if (age > oldest)
			oldest = age;
	}
	return oldest;
}

static void about_job(const struct job *j, struct log_about *about, char stage[static 32])
{
	(void)snprintf(
		stage, 32, "%" PRId64 ".%" PRId64, j->incident->stage_id, j->incident->attempt_id);
	*about = (struct log_about){
		.message_id = MESSAGE_ACTION,
		.cluster = j->cluster,
		.app_id = j->app_id,
		.stage_id = stage,
		.rule = j->incident->rule,
		.verdict = verdict_name(j->incident->verdict),
		.action = rule_action_name(j->remedy.action),
		.incident = j->incident->id,
		.url = j->url,
	};
}

static void count(struct job *j, enum action_outcome outcome)
{
	j->remediator->context.stats->actions[j->remedy.action][outcome]++;
}

static void count_end(struct job *j)
{
	const char *word = remedy_counted_as(&j->remedy);

	if (!word)
		j->remediator->context.stats->refused[j->remedy.action]++;
	for (int o = 0; word && o < ACTION_OUTCOME_MAX; o++)
		if (str_equal(action_outcome_name((enum action_outcome)o), word))
			count(j, (enum action_outcome)o);
}

static bool trouble_is_over(const struct job *j)
{
	const struct incident *i = j->incident;
	struct app_history *a = detector_find(
		j->remediator->context.detector, i->cluster, i->app_id, i->app_started);
	const struct stage_history *h = a ? app_history_stage(a, i->stage_id, i->attempt_id) : NULL;

	return !h || !verdict_is_trouble(h->verdict);
}

static void finish(struct job *j)
{
	struct remediator *m = j->remediator;
	struct remedy *r = &j->remedy;
	struct incident *i = j->incident;
	struct log_about about;
	char stage[32];
	bool news = !str_equal(i->refusal, r->why);
	int level = r->outcome == OUTCOME_UNCONFIRMED || r->outcome == OUTCOME_FAILED ? LOG_ERR
										      : LOG_NOTICE;

	about_job(j, &about, stage);
	about.message_id = MESSAGE_ACTION_ENDED;
	if (remedy_counted_as(r) || news) {
		count_end(j);
		log_event(level, &about, "%s of %s: %s: %s (incident %s)",
			rule_action_name(r->action), j->app_id, remedy_outcome_name(r->outcome),
			r->why, i->id);
		incident_tell(i, wall(m), "%s: %s: %s", rule_action_name(r->action),
			remedy_outcome_name(r->outcome), r->why);
	}
	i->acting = false;
	i->decided = remedy_counted_as(r) != NULL;
	i->decided_dry = r->outcome == OUTCOME_DRY_RUN;
	if (!i->decided)
		i->not_before = now(m) + RECONSIDER;
	if (!i->decided || i->decided_dry)
		(void)str_replace(&i->refusal, r->why);
	else
		incident_settle(i, r->outcome, r->why);
	/* Where the stage still hangs the incident stays open: it is not acted upon twice. */
	if (trouble_is_over(j))
		incident_end(i, r->outcome, r->why, wall(m));
	job_free(j);
}

static void on_airflow(void *userdata, const struct airflow_result *result)
{
	struct job *j = userdata;
	struct airflow_stats *s =
		stats_airflow(j->remediator->context.stats, airflow_name(j->airflow));
	struct remedy_event event = {
		.type = result->task || j->remedy.state == REMEDY_RECHECK_TASK ||
					j->remedy.state == REMEDY_VERIFY_FAILED ||
					j->remedy.state == REMEDY_VERIFY_TASK ||
					j->remedy.state == REMEDY_WAIT_TRY
				? REMEDY_EVENT_TASK
				: REMEDY_EVENT_REPLY,
		.reply = result->reply,
		.task = result->task,
		.text = result->text,
	};

	j->call = NULL;
	if (result->reason) {
		struct log_about about;
		char stage[32];

		about_job(j, &about, stage);
		about.url = airflow_url(j->airflow);
		if (s)
			stats_count_reason(
				s->errors, airflow_reasons, n_airflow_reasons, result->reason);
		log_event(LOG_WARNING, &about, "%s: %s", airflow_name(j->airflow), result->text);
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

static void on_looked_at_app(void *userdata, enum app_end end, const char *text)
{
	struct job *j = userdata;
	struct remedy_event event = {.type = REMEDY_EVENT_APP, .app_end = end, .text = text};

	j->source_call = NULL;
	drive(j, &event);
}

static void on_killed(void *userdata, enum remedy_reply reply, const char *text)
{
	struct job *j = userdata;
	struct remedy_event event = {.type = REMEDY_EVENT_REPLY, .reply = reply, .text = text};
	struct log_about about;
	char stage[32];

	j->kill = NULL;
	if (reply != REPLY_DONE) {
		about_job(j, &about, stage);
		log_event(LOG_WARNING, &about, "the kill of %s at its master: %s", j->app_id,
			text ? text : "no answer");
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
	int r;

	if (!j->timer)
		return sd_event_add_time(j->remediator->context.event, &j->timer, CLOCK_BOOTTIME,
			at, 0, on_timer, j);
	r = sd_event_source_set_time(j->timer, at);
	return r < 0 ? r : sd_event_source_set_enabled(j->timer, SD_EVENT_ONESHOT);
}

static int look_at_stage(struct job *j)
{
	struct remediator *m = j->remediator;
	struct incident *i = j->incident;
	struct poller *p = m->context.poller(m->context.userdata, j->cluster);
	struct app_history *a =
		detector_find(m->context.detector, i->cluster, i->app_id, i->app_started);
	struct stage_key key = {.stage_id = i->stage_id, .attempt_id = i->attempt_id};

	if (!p || !a)
		return -ENOENT;
	return poller_look(p, a, &key, on_looked_at_stage, j, &j->look);
}

static int kill_at_master(struct job *j)
{
	struct kill_point point = {0};
	struct kill_app_ask ask = {.transport = j->remediator->context.transport,
		.app_id = j->app_id,
		.timeout = j->source->params->timeout};

	if (!j->source->ops->kill_point(j->source, &point))
		return -EOPNOTSUPP;
	ask.url = point.url;
	ask.username = point.username;
	ask.password = point.password;
	ask.ca_file = point.ca_file;
	return kill_app_start(&ask, on_killed, j, &j->kill);
}

static int ask_airflow(struct job *j, enum airflow_op op)
{
	struct airflow_ask ask = {.op = op, .owner = &j->remedy.owner, .note = j->note};

	return airflow_do(j->airflow, &ask, on_airflow, j, &j->call);
}

/* What is about to change something is said before it is sent. */
static void announce(struct job *j, enum remedy_effect effect)
{
	const struct owner *o = &j->remedy.owner;
	struct log_about about;
	char stage[32];

	about_job(j, &about, stage);
	switch (effect) {
	case EFFECT_FAIL_TASK:
		incident_tell(j->incident, wall(j->remediator),
			"failing task instance %s/%s/%s map index %" PRId64 " try %" PRId64,
			o->dag_id, o->run_id, o->task_id, o->map_index, o->try_number);
		log_event(LOG_NOTICE, &about,
			"%s of %s: failing task instance %s/%s/%s map index %" PRId64
			" try %" PRId64 " at %s: %s (incident %s)",
			about.action, j->app_id, o->dag_id, o->run_id, o->task_id, o->map_index,
			o->try_number, airflow_url(j->airflow), j->incident->evidence,
			j->incident->id);
		break;
	case EFFECT_KILL_APP:
		incident_tell(j->incident, wall(j->remediator),
			"the app did not end with its task, killing it at its master");
		log_event(LOG_NOTICE, &about,
			"%s of %s: it did not end with its task, killing it at its master "
			"(incident %s)",
			about.action, j->app_id, j->incident->id);
		break;
	case EFFECT_CLEAR_TASK:
		incident_tell(j->incident, wall(j->remediator),
			"the app has ended, clearing task instance %s/%s/%s", o->dag_id, o->run_id,
			o->task_id);
		log_event(LOG_NOTICE, &about,
			"%s of %s: the app has ended, clearing task instance %s/%s/%s (incident "
			"%s)",
			about.action, j->app_id, o->dag_id, o->run_id, o->task_id, j->incident->id);
		break;
	case EFFECT_NOTE:
	case EFFECT_WAIT:
	case EFFECT_LOOK_STAGE:
	case EFFECT_LOOK_TASK:
	case EFFECT_LOOK_APP:
	case EFFECT_DONE:
	case EFFECT_MAX:
		break;
	}
}

static int perform(struct job *j, const struct remedy_step *step)
{
	if (remedy_effect_changes(step->effect))
		announce(j, step->effect);
	if (j->remedy.requested && !j->counted_request) {
		j->counted_request = true;
		count(j, ACTION_REQUESTED);
		if (j->remedy.action == RULE_ACTION_RETRY &&
			budgets_count_retry(&j->remediator->budgets, &j->remedy.owner) < 0)
			log_error("Failed to count a retry: out of memory, ignoring");
	}
	switch (step->effect) {
	case EFFECT_WAIT:
		return wake_at(j, step->wake_at);
	case EFFECT_LOOK_STAGE:
		return look_at_stage(j);
	case EFFECT_LOOK_TASK:
		return ask_airflow(j, AIRFLOW_LOOK);
	case EFFECT_NOTE:
		return ask_airflow(j, AIRFLOW_NOTE);
	case EFFECT_FAIL_TASK:
		return ask_airflow(j, AIRFLOW_FAIL);
	case EFFECT_LOOK_APP:
		return j->source->ops->look(
			j->source, &j->ref, on_looked_at_app, j, &j->source_call);
	case EFFECT_KILL_APP:
		return kill_at_master(j);
	case EFFECT_CLEAR_TASK:
		return ask_airflow(j, AIRFLOW_CLEAR);
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
		.text = strerror(-error)};
	if (step->effect == EFFECT_LOOK_STAGE)
		ret->type = REMEDY_EVENT_STAGE;
	else if (step->effect == EFFECT_LOOK_TASK)
		ret->type = REMEDY_EVENT_TASK;
	else if (step->effect == EFFECT_LOOK_APP)
		ret->type = REMEDY_EVENT_APP;
}

static void drive(struct job *j, const struct remedy_event *event)
{
	struct remedy_event again = *event;
	struct remedy_step step;

	for (;;) {
		int r = remedy_next(&j->remedy, &again, now(j->remediator), &step);

		if (r < 0) {
			/* Without memory nothing changed: the same question again, later. */
			step = (struct remedy_step){.effect = EFFECT_WAIT,
				.wake_at = now(j->remediator) + REMEDY_LOOK_PERIOD};
		}
		if (step.effect == EFFECT_DONE) {
			finish(j);
			return;
		}
		r = perform(j, &step);
		if (r >= 0)
			return;
		if (step.effect == EFFECT_WAIT) {
			log_error("Failed to wait in an action: %s, giving it up", strerror(-r));
			(void)str_replace(&j->remedy.why, "no timer could be set");
			j->remedy.outcome =
				j->remedy.requested ? OUTCOME_UNCONFIRMED : OUTCOME_REFUSED;
			finish(j);
			return;
		}
		lost_event(&step, r, &again);
	}
}

static int job_note(struct job *j)
{
	return str_printf(&j->note,
		"stagewatchd: Spark stage %" PRId64 " of %s was hung: %s. Rule %s, action %s, "
		"incident %s.",
		j->incident->stage_id, j->app_id, j->incident->evidence, j->incident->rule,
		rule_action_name(j->remedy.action), j->incident->id);
}

static int job_fill(
	struct job *j, const struct detector_event *ev, struct airflow *airflow, bool dry)
{
	struct remediator *m = j->remediator;
	const struct app_history *a = ev->app;
	struct poller *p = m->context.poller(m->context.userdata, a->cluster);
	struct kill_point point;
	struct remedy_plan plan = {
		.action = (enum rule_action)ev->rule->action,
		.dry = dry,
		.needs_note = airflow_speaks(airflow) == AIRFLOW_API_V1,
		.app_started = a->info.started,
		.end_timeout = ev->rule->end_timeout,
		.retry_timeout = ev->rule->retry_timeout,
	};
	int r;

	j->world = world_ref(m->context.world(m->context.userdata));
	j->source = world_source(j->world, a->cluster);
	j->airflow = airflow;
	j->began = now(m);
	if (!j->source || !p || !poller_url_of(p, a))
		return -ENOENT;
	plan.can_kill_app = j->source->ops->kill_point(j->source, &point);
	r = remedy_init(&j->remedy, &plan, &a->owner);
	if (r >= 0)
		r = str_replace(&j->cluster, a->cluster);
	if (r >= 0)
		r = str_replace(&j->app_id, a->info.id);
	if (r >= 0)
		r = str_replace(&j->url, poller_url_of(p, a));
	if (r >= 0)
		r = job_note(j);
	if (r < 0)
		return r;
	j->ref = (struct app_ref){.app_id = j->app_id, .url = j->url};
	j->source->ops->identify(j->source, &j->ref);
	return 0;
}

static void begin(struct remediator *m, struct incident *i, const struct detector_event *ev,
	struct airflow *airflow, bool dry)
{
	struct job *j = calloc(1, sizeof(*j));
	struct remedy_event start = {.type = REMEDY_EVENT_START};
	int r = -ENOMEM;

	if (j) {
		j->remediator = m;
		j->incident = i;
		j->next = m->jobs;
		m->jobs = j;
		r = job_fill(j, ev, airflow, dry);
	}
	if (r < 0) {
		log_error("Failed to begin an action on %s: %s, later again", ev->app->info.id,
			strerror(-r));
		i->not_before = now(m) + RECONSIDER;
		job_free(j);
		return;
	}
	i->acting = true;
	i->action_began = j->began;
	drive(j, &start);
}

static bool is_busy(const struct remediator *m, const struct app_history *a)
{
	for (const struct job *j = m->jobs; j; j = j->next)
		if ((str_equal(j->cluster, a->cluster) && str_equal(j->app_id, a->info.id)) ||
			owner_same_task(&j->remedy.owner, &a->owner))
			return true;
	return false;
}

static void refuse(struct remediator *m, struct incident *i, const struct detector_event *ev,
	const char *objection)
{
	struct log_about about = {.message_id = MESSAGE_ACTION_ENDED,
		.cluster = ev->app->cluster,
		.app_id = ev->app->info.id,
		.rule = ev->rule->name,
		.verdict = verdict_name(ev->verdict),
		.action = rule_action_name((enum rule_action)ev->rule->action),
		.incident = i->id};

	if (str_equal(i->refusal, objection))
		return;
	m->context.stats->refused[ev->rule->action]++;
	(void)str_replace(&i->refusal, objection);
	incident_tell(i, wall(m), "no %s: %s", about.action, objection);
	log_event(LOG_WARNING, &about, "no %s of %s: %s (incident %s)", about.action, about.app_id,
		objection, i->id);
}

void remediator_consider(struct remediator *m, const struct detector_event *ev)
{
	struct incident *i = incident_find(m->context.incidents, ev->app, ev->stage);
	struct world *w = m->context.world(m->context.userdata);
	struct airflow *airflow = world_airflow(w, ev->rule);
	bool dry = ev->rule->mode == RULE_MODE_INHERIT ? w->settings->daemon.mode == MODE_OBSERVE
						       : ev->rule->mode == RULE_MODE_OBSERVE;
	struct policy_question q = {
		.rule = ev->rule,
		.app = ev->app,
		.detector = m->context.detector,
		.budgets = &m->budgets,
		.has_airflow = airflow != NULL,
		.airflow_known = airflow && airflow_speaks(airflow) != AIRFLOW_API_UNKNOWN,
		.airflow_2 = airflow && airflow_speaks(airflow) == AIRFLOW_API_V1,
		.app_busy = is_busy(m, ev->app),
	};
	const char *objection;

	if (ev->verdict != VERDICT_HUNG || ev->rule->action <= RULE_ACTION_NOTIFY || !i ||
		i->acting || (i->decided && (dry || !i->decided_dry)) || ev->now < i->not_before)
		return;
	objection = policy_objection(&q);
	if (objection)
		refuse(m, i, ev, objection);
	else
		begin(m, i, ev, airflow, dry);
}

void remediator_reconsider(struct remediator *m)
{
	for (struct job *j = m->jobs, *next; j; j = next) {
		next = j->next;
		if (j->remedy.requested)
			continue;
		j->incident->acting = false;
		j->incident->not_before = 0;
		job_free(j);
	}
}
