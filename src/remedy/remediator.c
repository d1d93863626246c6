/* SPDX-License-Identifier: Apache-2.0
 * Decides which jobs there are: begins them, and draws the conclusions when they are over. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "remedy/job.h"
#include "remedy/remediator_parts.h"
#include "setup/messages.h"

/* After a refusal the same incident is considered again, not at every poll. */
#define RECONSIDER USEC_PER_MINUTE
#define PAST_MARGIN (24 * USEC_PER_HOUR)

static void on_requested(void *userdata, const struct job *j)
{
	struct remediator *m = userdata;

	remediator_count_action(m, j, ACTION_REQUESTED);
}

struct remediator *remediator_free(struct remediator *m)
{
	if (!m)
		return NULL;
	while (m->jobs)
		remediator_drop_job(m, m->jobs);
	remediator_save_put_away(m);
	for (struct job *j = m->unsaved, *next; j; j = next) {
		next = j->next;
		job_free(j);
	}
	action_log_clear(&m->log);
	breaker_clear(&m->breaker);
	free(m);
	return NULL;
}

const struct breaker *remediator_breaker(const struct remediator *m)
{
	return &m->breaker;
}

/* Not before the ledger was read: it may know of one that is open. */
static void save_breaker(struct remediator *m)
{
	const char *why = m->breaker.open ? m->breaker.why : NULL;

	m->breaker_unsaved =
		!m->taken_up || store_put_text(m->context.store, REMEDIATOR_BREAKER_KEY, why) < 0;
}

bool remediator_close_breaker(struct remediator *m, const char *who)
{
	struct log_about about = {.message_id = MESSAGE_BREAKER};

	if (!m->breaker.open)
		return false;
	breaker_close(&m->breaker);
	save_breaker(m);
	log_event(LOG_NOTICE, &about, "The storm breaker was closed by %s; actions may begin again",
		who);
	return true;
}

static void count_refusal(struct remediator *m, enum rule_action action, enum policy_reason reason)
{
	m->context.stats->refused[action][reason]++;
}

static void count_end(struct remediator *m, const struct job *j)
{
	const char *word = remedy_counted_as(&j->record.remedy);

	if (!word)
		count_refusal(m, j->record.remedy.plan.action, POLICY_LOOK);
	for (int o = 0; word && o < ACTION_OUTCOME_MAX; o++)
		if (str_equal(action_outcome_name((enum action_outcome)o), word))
			remediator_count_action(m, j, (enum action_outcome)o);
}

static const struct stage_history *stage_of(const struct remediator *m, const struct incident *i)
{
	struct app_history *a =
		detector_find(m->context.detector, i->cluster, i->app_id, i->app_started);

	return a ? app_history_stage(a, i->stage_id, i->attempt_id) : NULL;
}

static bool trouble_is_over(const struct remediator *m, const struct incident *i)
{
	const struct stage_history *h = stage_of(m, i);

	/* Not seen since a restart says nothing; incident_sweep() ends it once all was seen. */
	return !i->inherited && (!h || !verdict_is_trouble(h->verdict));
}

static void tell_end(struct remediator *m, struct job *j)
{
	const struct remedy *r = &j->record.remedy;
	struct log_about about;
	char stage[48];
	int level = r->outcome == OUTCOME_UNCONFIRMED || r->outcome == OUTCOME_FAILED ? LOG_ERR
										      : LOG_NOTICE;

	job_about(j, &about, stage);
	about.message_id = MESSAGE_ACTION_ENDED;
	count_end(m, j);
	log_event(level, &about, "%s of %s: %s: %s (incident %s)", rule_action_name(r->plan.action),
		j->record.target.app_id, remedy_outcome_name(r->outcome), r->why, j->incident->id);
	incident_tell(j->incident, remediator_wall(m), "%s: %s: %s",
		rule_action_name(r->plan.action), remedy_outcome_name(r->outcome), r->why);
}

static void note_refusal(struct incident *i, const char *why, const char *key)
{
	(void)str_replace(&i->response.refusal, why);
	i->response.refusal_key = key;
}

static void on_over(void *userdata, struct job *j)
{
	struct remediator *m = userdata;
	struct remedy *r = &j->record.remedy;
	struct incident *i = j->incident;
	/* A refusal that comes again each minute is told once. */
	bool news = !str_equal(i->response.refusal, r->why);

	if (remedy_counted_as(r) || news)
		tell_end(m, j);
	i->response.under_way = false;
	if (r->outcome == OUTCOME_REFUSED || !r->requested)
		remediator_unlog_action(m, j);
	i->response.decided = r->outcome != OUTCOME_REFUSED && remedy_counted_as(r) != NULL;
	i->response.decided_dry = r->outcome == OUTCOME_DRY_RUN;
	if (i->response.decided_dry)
		stats_observed(m->context.stats, i->rule, OBSERVED_WOULD_HAVE_ACTED);
	if (!i->response.decided)
		i->response.not_before = remediator_now(m) + RECONSIDER;
	if (!i->response.decided || i->response.decided_dry)
		note_refusal(i, r->why, NULL);
	else
		incident_settle(i, r->outcome, r->why);
	/* The leader tells people what it does. */
	if (r->outcome != OUTCOME_REFUSED || !leader_objection(m->context.leader))
		m->context.told(m->context.userdata, i, r->outcome);
	/* Where the stage still hangs the incident stays open: it is not acted upon twice. */
	if (trouble_is_over(m, i)) {
		bool dry = i->response.decided_dry;

		incident_end(i, dry ? incident_own_end(i, !stage_of(m, i)) : r->outcome, r->why,
			remediator_wall(m));
	}
	remediator_put_away(m, j);
}

static void begin(struct remediator *m, struct incident *i, const struct detector_event *ev,
	struct airflow *airflow, bool dry)
{
	const struct log_about about = {.message_id = MESSAGE_ACTION,
		.cluster = ev->app->cluster,
		.app_id = ev->app->info.id,
		.rule = ev->rule->name,
		.action = rule_action_name((enum rule_action)ev->rule->action),
		.incident = i->id};
	struct job *j = remediator_add_job(m, i);
	int r = j ? job_setup(j, ev, airflow, dry) : -ENOMEM;

	if (r < 0) {
		log_event(LOG_ERR, &about,
			"Failed to begin an action on %s: %s; a later poll tries again",
			about.app_id, strerror(-r));
		i->response.not_before = remediator_now(m) + RECONSIDER;
		if (j)
			remediator_drop_job(m, j);
		return;
	}
	/* From now on, not from its first request on: others are decided meanwhile. */
	if (!dry)
		remediator_log_action(m, &j->record, (int64_t)j->began);
	j->logged = !dry;
	i->response.under_way = true;
	i->response.began = j->began;
	job_start(j);
}

/* On Airflow 2 a clear takes no map index: two indexes of a task would clear one another. */
static bool is_same_work(const struct owner *a, const struct owner *b, bool airflow_2)
{
	return airflow_2 ? owner_same_task_any_index(a, b) : owner_same_task(a, b);
}

static bool is_busy(const struct remediator *m, const struct app_history *a, bool airflow_2)
{
	for (const struct job *j = m->jobs; j; j = j->next)
		if ((str_equal(j->record.target.cluster, a->cluster) &&
			    str_equal(j->record.target.app_id, a->info.id)) ||
			is_same_work(&j->record.remedy.owner, &a->owner, airflow_2))
			return true;
	return false;
}

static void refuse(struct remediator *m, struct incident *i, const struct detector_event *ev,
	const struct policy_answer *a)
{
	struct log_about about = {.message_id = MESSAGE_ACTION_ENDED,
		.cluster = ev->app->cluster,
		.app_id = ev->app->info.id,
		.rule = ev->rule->name,
		.verdict = verdict_name(ev->verdict),
		.action = rule_action_name((enum rule_action)ev->rule->action),
		.incident = i->id};

	if (str_equal(i->response.refusal, a->objection))
		return;
	count_refusal(m, (enum rule_action)ev->rule->action, a->reason);
	note_refusal(i, a->objection, policy_reason_key(a->reason));
	incident_tell(i, remediator_wall(m), "no %s: %s", about.action, a->objection);
	/* The leader tells people what it does. */
	if (a->reason != POLICY_LEADER)
		m->context.told(m->context.userdata, i, OUTCOME_REFUSED);
	log_event(a->reason == POLICY_LEADER ? LOG_INFO : LOG_WARNING, &about,
		"no %s of %s: %s; later polls decide again (incident %s)", about.action,
		about.app_id, a->objection, i->id);
}

static bool airflow_is_up(const struct remediator *m, const struct airflow *airflow)
{
	const struct health_airflow *s =
		airflow ? health_airflow(m->context.health, airflow_name(airflow)) : NULL;

	return s && s->up;
}

static const char *ledger_objection(const struct remediator *m)
{
	const char *trouble = store_trouble(m->context.store);

	return trouble ? trouble : m->taken_up ? NULL : "it was not read yet";
}

/* Without memory for the words it holds all the same. */
static const char *stopped(const struct incident *i, char **text)
{
	if (!i || (!i->marks[INCIDENT_IGNORED] && !i->marks[INCIDENT_ABORTED]))
		return NULL;
	return incident_stopped(i, text) < 0 ? "a person has said so" : *text;
}

static void question(struct remediator *m, const struct detector_event *ev, struct airflow *airflow,
	struct policy_question *ret)
{
	const struct runtime *w = remediator_runtime(m);
	const struct poller *p = m->context.poller(m->context.userdata, ev->app->cluster);
	bool airflow_2 = airflow && airflow_speaks(airflow) == AIRFLOW_API_V1;
	*ret = (struct policy_question){
		.now = ev->now,
		.rule = ev->rule,
		.app = ev->app,
		.detector = m->context.detector,
		.limits = &w->settings->limits,
		.log = &m->log,
		.breaker = &m->breaker,
		.poll_interval = w->settings->daemon.poll_interval,
		.started = m->started,
		.has_airflow = airflow != NULL,
		.airflow_known = airflow && airflow_speaks(airflow) != AIRFLOW_API_UNKNOWN,
		.airflow_up = airflow_is_up(m, airflow),
		.cluster_up = p && poller_up(p),
		.not_leader = leader_objection(m->context.leader),
		.paused = holds_paused(m->context.holds),
		.window = holds_window(m->context.holds, ev->app),
		.app_busy = is_busy(m, ev->app, airflow_2),
		.ledger = settings_dry(w->settings, ev->rule) ? NULL : ledger_objection(m),
	};
}

/* Whether what it was begun on still holds: the fresh looks take their time. */
static const char *objection_to_begin(
	struct remediator *m, const struct job *j, struct policy_answer *ret)
{
	const struct incident *i = j->incident;
	struct app_history *a =
		detector_find(m->context.detector, i->cluster, i->app_id, i->app_started);
	struct stage_history *h = a ? app_history_stage(a, i->stage_id, i->attempt_id) : NULL;
	struct detector_event ev = {.now = remediator_now(m),
		.app = a,
		.stage = h,
		.rule = runtime_rule(j->runtime, j->record.target.rule)};
	struct policy_question q;

	if (!h || !ev.rule || h->verdict != VERDICT_HUNG)
		return "by now it is no longer hung";
	if (!h->seen)
		return "the last poll did not show its stage";
	question(m, &ev, j->airflow, &q);
	q.app_busy = false; /* by itself */
	policy_ask_again(&q, ret);
	return ret->objection;
}

static const char *on_objection(
	void *userdata, const struct job *j, enum remedy_effect effect, struct policy_answer *ret)
{
	struct remediator *m = userdata;
	const struct app_history *other;
	const char *objection = NULL;

	ret->other_app = false;
	if (effect != EFFECT_CLEAR_TASK && !j->acted)
		objection = objection_to_begin(m, j, ret);
	if (objection || (effect != EFFECT_CLEAR_TASK && effect != EFFECT_RESTART_TASK))
		return objection;
	other = policy_other_app(m->context.detector, &j->record.remedy.owner,
		j->record.target.cluster, j->record.target.app_id);
	if (!other)
		return NULL;
	ret->other_app = true;
	(void)snprintf(ret->text, sizeof(ret->text), "another app of it is still there, %s on %s",
		other->info.id, other->cluster);
	return ret->text;
}

static void watch_storm(struct remediator *m)
{
	struct log_about about = {.message_id = MESSAGE_BREAKER};

	if (!breaker_update(&m->breaker, &remediator_runtime(m)->settings->limits,
		    m->context.detector, remediator_now(m)))
		return;
	save_breaker(m);
	if (m->breaker.open)
		log_event(LOG_ERR, &about,
			"The storm breaker opened: %s; no action begins until it closes "
			"(storm_reset)",
			m->breaker.why);
	else
		log_event(LOG_NOTICE, &about, "The storm breaker closed; actions may begin again");
}

void remediator_count(struct remediator *m, const struct app_history *a, usec_t at)
{
	breaker_count(&m->breaker, a, at);
}

void remediator_consider(struct remediator *m, const struct detector_event *ev)
{
	struct incident *i = incident_find(m->context.incidents, ev->app, ev->stage);
	struct airflow *airflow = runtime_airflow(remediator_runtime(m), ev->rule);
	bool dry = settings_dry(remediator_runtime(m)->settings, ev->rule);
	_cleanup_free_ char *words = NULL;
	struct policy_question q;
	struct policy_answer answer;

	if (ev->verdict != VERDICT_HUNG || ev->rule->action <= RULE_ACTION_NOTIFY || !i ||
		i->response.under_way ||
		(i->response.decided && (dry || !i->response.decided_dry)) ||
		ev->now < i->response.not_before)
		return;
	watch_storm(m);
	question(m, ev, airflow, &q);
	q.stopped = stopped(i, &words);
	policy_ask(&q, &answer);
	if (answer.objection)
		refuse(m, i, ev, &answer);
	else
		begin(m, i, ev, airflow, dry);
}

void remediator_outlook(const struct remediator *m, const struct incident *i, struct outlook *ret)
{
	const struct runtime *w = remediator_runtime(m);
	struct app_wishes wishes;
	const struct rule *rule = runtime_rule_of(w, i, &wishes);

	*ret = (struct outlook){
		.dry = !rule || settings_dry(w->settings, rule),
		.paused = holds_paused(m->context.holds),
		.window = holds_window_of(m->context.holds, i),
		.remedy = remediator_remedy(m, i),
		.now = remediator_now(m),
		.wall = remediator_wall(m),
	};
}

/* The open incident of a hung stage, by its own id or by that of its app. *ret_n: how many they
 * are.
 */
static struct incident *hung_incident(const struct remediator *m, const char *name, size_t *ret_n)
{
	const struct incident_list *l = m->context.incidents;
	struct incident *found = NULL;

	*ret_n = 0;
	for (size_t k = 0; k < l->n; k++) {
		struct incident *i = l->items[k];

		if (i->ended > 0 || i->verdict != VERDICT_HUNG)
			continue;
		if (str_equal(i->id, name)) {
			*ret_n = 1;
			return i;
		}
		if (!str_equal(i->app_id, name))
			continue;
		*ret_n += !found || !str_equal(found->cluster, i->cluster) ||
			  found->app_started != i->app_started;
		found = found ? found : i;
	}
	return found;
}

static int object_to_order(char **reterr, const char *why)
{
	int r = str_printf(reterr, "%s", why);

	return r < 0 ? r : -EBUSY;
}

/* What a rule's own action would not meet, since it would not be considered. */
static const char *objection_to_order(
	const struct remediator *m, const struct incident *i, const struct rule *rule)
{
	if (settings_dry(remediator_runtime(m)->settings, rule))
		return "the mode of its rule is observe: nothing is ever sent (mode)";
	if (i->marks[INCIDENT_IGNORED])
		return "a person has said that it is no hang (stagewatchctl ignore)";
	if (i->response.under_way)
		return "an action is in progress";
	if (i->response.decided && !i->response.decided_dry)
		return "this hang was already acted upon";
	return NULL;
}

int remediator_order(struct remediator *m, const char *name, enum rule_action action,
	const char *who, char **reterr)
{
	size_t n;
	struct incident *i = hung_incident(m, name, &n);
	struct app_history *a =
		i ? detector_find(m->context.detector, i->cluster, i->app_id, i->app_started)
		  : NULL;
	struct stage_history *h = a ? app_history_stage(a, i->stage_id, i->attempt_id) : NULL;
	struct app_wishes wishes;
	const struct rule *rule = i ? runtime_rule_of(remediator_runtime(m), i, &wishes) : NULL;
	struct airflow *airflow = rule ? runtime_airflow(remediator_runtime(m), rule) : NULL;
	struct rule ordered = rule ? *rule : (struct rule){0};
	struct detector_event ev = {
		.now = remediator_now(m), .app = a, .stage = h, .rule = &ordered};
	struct policy_question q;
	struct policy_answer answer;
	const char *why;

	if (!i)
		return -ENOENT;
	if (n > 1)
		return object_to_order(
			reterr, "several apps have that id and hang: name the incident instead");
	if (!a || !h || h->verdict != VERDICT_HUNG || !rule)
		return object_to_order(reterr, "its stage is not seen as hung at present");
	why = objection_to_order(m, i, rule);
	if (why)
		return object_to_order(reterr, why);
	ordered.action = (int)action; /* its texts are the rule's */
	ev.verdict = VERDICT_HUNG;
	watch_storm(m);
	question(m, &ev, airflow, &q);
	policy_ask(&q, &answer);
	if (answer.objection)
		return object_to_order(reterr, answer.objection);
	incident_tell(i, remediator_wall(m), "%s ordered by %s", rule_action_name(action), who);
	begin(m, i, &ev, airflow, false);
	return i->response.under_way
		       ? 0
		       : object_to_order(reterr, "it could not begin; the log says why");
}

/* Of one that has sent nothing. */
static void give_up(struct remediator *m, struct job *j)
{
	j->incident->response.under_way = false;
	j->incident->response.not_before = 0;
	remediator_unlog_action(m, j);
	job_close(j);
	remediator_put_away(m, j);
}

static void give_up_unsent(struct remediator *m, bool waits)
{
	for (struct job *j = m->jobs, *next; j; j = next) {
		next = j->next;
		if (!j->record.remedy.requested && !(waits && j->at_work))
			give_up(m, j);
	}
}

void remediator_reconsider(struct remediator *m)
{
	give_up_unsent(m, false);
}

void remediator_leave(struct remediator *m)
{
	give_up_unsent(m, true);
}

int remediator_stop(struct remediator *m, struct incident *i)
{
	for (struct job *j = m->jobs; j; j = j->next) {
		if (j->incident != i)
			continue;
		if (j->record.remedy.requested)
			return -EBUSY;
		give_up(m, j);
		break;
	}
	return 0;
}

/* As the ledger does, and a day later: it counts from their end. */
static void forget_past(struct remediator *m)
{
	usec_t keep = settings_keep(remediator_runtime(m)->settings) + PAST_MARGIN;

	action_log_prune(&m->log, (int64_t)remediator_now(m) - (int64_t)keep);
}

bool remediator_knows_past(const struct remediator *m)
{
	return m->taken_up;
}

void remediator_tick(struct remediator *m, bool anew)
{
	forget_past(m);
	if (!m->taken_up && !store_trouble(m->context.store))
		remediator_take_up(m);
	for (struct job *j = m->jobs; anew && j; j = j->next)
		job_save(j);
	remediator_save_put_away(m);
	if (anew)
		remediator_keep_past(m);
	if (anew || m->breaker_unsaved)
		save_breaker(m);
	watch_storm(m);
}

static struct poller *on_poller(void *userdata, const char *cluster)
{
	struct remediator *m = userdata;

	return m->context.poller(m->context.userdata, cluster);
}

int remediator_new(const struct remediator_context *context, struct remediator **ret)
{
	struct remediator *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->context = *context;
	m->job_context = (struct job_context){
		.event = context->event,
		.transport = context->transport,
		.detector = context->detector,
		.stats = context->stats,
		.store = context->store,
		.clock = context->clock,
		.leader = context->leader,
		.poller = on_poller,
		.requested = on_requested,
		.objection = on_objection,
		.over = on_over,
		.userdata = m,
	};
	m->started = remediator_now(m);
	*ret = m;
	return 0;
}
