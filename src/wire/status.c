/* SPDX-License-Identifier: Apache-2.0
 * State to JSON, by cJSON. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wire/json.h"
#include "wire/status.h"

static void add_time(cJSON *o, const char *name, usec_t t)
{
	char text[32];

	if (t == 0)
		(void)cJSON_AddNullToObject(o, name);
	else
		(void)cJSON_AddStringToObject(o, name, format_timestamp(text, sizeof(text), t));
}

static void add_string(cJSON *o, const char *name, const char *s)
{
	if (s)
		(void)cJSON_AddStringToObject(o, name, s);
	else
		(void)cJSON_AddNullToObject(o, name);
}

static void add_seconds(cJSON *o, const char *name, usec_t t)
{
	(void)cJSON_AddNumberToObject(o, name, (double)t / USEC_PER_SEC);
}

static void add_owner(cJSON *o, const struct owner *owner)
{
	cJSON *t;

	if (!owner_known(owner)) {
		(void)cJSON_AddNullToObject(o, "owner");
		return;
	}
	t = cJSON_AddObjectToObject(o, "owner");
	add_string(t, "dag_id", owner->dag_id);
	add_string(t, "run_id", owner->run_id);
	add_string(t, "task_id", owner->task_id);
	(void)cJSON_AddNumberToObject(t, "map_index", (double)owner->map_index);
	(void)cJSON_AddNumberToObject(t, "try_number", (double)owner->try_number);
}

static void add_evidence(cJSON *o, const struct evidence *e)
{
	_cleanup_free_ char *text = NULL;
	struct strbuf b = {0};

	evidence_describe(e, &b);
	if (strbuf_finish(&b, &text) >= 0)
		add_string(o, "evidence", text);
}

/* A full JSON text; -ENOMEM where any part of it could not be made. */
static int print(cJSON *root, char **ret)
{
	char *text = root ? cJSON_PrintUnformatted(root) : NULL;

	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

static cJSON *stage_json(
	const struct app_history *a, const struct stage_history *h, usec_t now, usec_t wall)
{
	cJSON *o = cJSON_CreateObject();
	char bar[96];

	(void)snprintf(bar, sizeof(bar), "(%" PRId64 " + %" PRId64 ") / %" PRId64,
		h->last.n_complete, h->last.n_active, h->last.n_tasks);
	(void)cJSON_AddNumberToObject(o, "stage_id", (double)h->last.stage_id);
	(void)cJSON_AddNumberToObject(o, "attempt_id", (double)h->last.attempt_id);
	add_string(o, "name", h->last.name);
	add_string(o, "bar", bar);
	(void)cJSON_AddNumberToObject(o, "complete", (double)h->last.n_complete);
	(void)cJSON_AddNumberToObject(o, "active", (double)h->last.n_active);
	(void)cJSON_AddNumberToObject(o, "tasks", (double)h->last.n_tasks);
	(void)cJSON_AddNumberToObject(o, "failed", (double)h->last.n_failed);
	add_string(o, "verdict", verdict_name(h->verdict));
	add_time(o, "verdict_since", wall - usec_sub(now, h->verdict_start));
	if (h->last.n_active > 0)
		add_seconds(o, "stalled_seconds", usec_sub(a->observed, h->stall_start));
	else
		(void)cJSON_AddNullToObject(o, "stalled_seconds");
	add_evidence(o, &h->evidence);
	return o;
}

static cJSON *app_json(
	const struct detector *d, const struct app_history *a, usec_t now, usec_t wall)
{
	cJSON *o = cJSON_CreateObject();
	cJSON *stages;

	add_string(o, "spark_cluster", a->cluster);
	add_string(o, "app_id", a->info.id);
	add_string(o, "name", a->info.name);
	add_string(o, "user", a->info.user);
	add_string(o, "spark_version", a->info.spark_version);
	add_time(o, "started", a->info.started);
	add_time(o, "observed", a->observed ? wall - usec_sub(now, a->observed) : 0);
	add_string(o, "verdict", verdict_name(a->verdict));
	add_evidence(o, &a->evidence);
	add_string(o, "rule", detector_rule(d, a)->name);
	add_owner(o, &a->owner);
	stages = cJSON_AddArrayToObject(o, "stages");
	for (size_t i = 0; i < a->n_stages; i++)
		(void)cJSON_AddItemToArray(stages, stage_json(a, &a->stages[i], now, wall));
	return o;
}

int status_stages_json(const struct detector *d, usec_t now, usec_t wall, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	cJSON *apps = cJSON_AddArrayToObject(root, "apps");

	add_time(root, "time", wall);
	for (size_t i = 0; i < detector_n_apps(d); i++)
		(void)cJSON_AddItemToArray(apps, app_json(d, detector_app_at(d, i), now, wall));
	return print(root, ret);
}

static cJSON *incident_json(const struct incident *i)
{
	cJSON *o = cJSON_CreateObject();

	add_string(o, "id", i->id);
	add_string(o, "state", i->ended ? "ended" : i->acting ? "acting" : "open");
	add_string(o, "verdict", verdict_name(i->verdict));
	add_string(o, "rule", i->rule);
	add_string(o, "spark_cluster", i->cluster);
	add_string(o, "app_id", i->app_id);
	add_string(o, "app_name", i->app_name);
	if (i->stage_id >= 0) {
		(void)cJSON_AddNumberToObject(o, "stage_id", (double)i->stage_id);
		(void)cJSON_AddNumberToObject(o, "attempt_id", (double)i->attempt_id);
	} else {
		(void)cJSON_AddNullToObject(o, "stage_id");
		(void)cJSON_AddNullToObject(o, "attempt_id");
	}
	add_owner(o, &i->owner);
	add_time(o, "opened", i->opened);
	add_time(o, "changed", i->changed);
	add_time(o, "ended", i->ended);
	add_string(o, "evidence", i->evidence);
	add_string(o, "cause", cause_name(i->hint.cause));
	add_string(o, "because", i->hint.because[0] ? i->hint.because : NULL);
	add_string(o, "action", rule_action_name(i->action));
	add_string(o, "objection", i->refusal);
	add_string(
		o, "outcome", i->outcome == OUTCOME_OPEN ? NULL : remedy_outcome_name(i->outcome));
	add_string(o, "outcome_why", i->outcome_why);
	return o;
}

int status_incidents_json(const struct incident_list *l, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(root, "incidents");

	for (size_t k = l->n; k-- > 0;)
		(void)cJSON_AddItemToArray(list, incident_json(l->items[k]));
	return print(root, ret);
}

int status_incident_json(const struct incident *i, char **ret)
{
	_cleanup_json_ cJSON *root = incident_json(i);
	cJSON *steps = cJSON_AddArrayToObject(root, "steps");
	cJSON *properties = cJSON_AddArrayToObject(root, "spark_properties");

	for (size_t k = 0; k < i->n_steps; k++) {
		cJSON *o = cJSON_CreateObject();

		add_time(o, "time", i->steps[k].at);
		add_string(o, "text", i->steps[k].text);
		(void)cJSON_AddItemToArray(steps, o);
	}
	for (size_t k = 0; k < i->properties.n; k++)
		(void)cJSON_AddItemToArray(properties, cJSON_CreateString(i->properties.items[k]));
	(void)cJSON_AddBoolToObject(root, "evidence_kept", i->kept);
	return print(root, ret);
}

int status_summary_json(const struct status_summary *s, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	cJSON *clusters;
	cJSON *airflows;

	add_string(root, "version", s->version);
	add_string(root, "mode", s->mode);
	add_time(root, "time", s->wall);
	add_time(root, "started", s->started);
	(void)cJSON_AddBoolToObject(root, "ready", s->ready);
	(void)cJSON_AddBoolToObject(root, "healthy", s->healthy);
	(void)cJSON_AddBoolToObject(root, "config_last_reload_successful", s->reload_ok);
	add_time(root, "config_last_reload", s->reloaded);
	(void)cJSON_AddNumberToObject(root, "actions_pending", (double)s->n_pending_actions);
	clusters = cJSON_AddArrayToObject(root, "clusters");
	for (size_t i = 0; i < s->n_clusters; i++) {
		cJSON *o = cJSON_CreateObject();

		add_string(o, "spark_cluster", s->clusters[i].name);
		(void)cJSON_AddBoolToObject(o, "up", s->clusters[i].up);
		add_time(o, "last_poll", s->clusters[i].last_poll);
		(void)cJSON_AddNumberToObject(o, "apps", (double)s->clusters[i].n_apps);
		(void)cJSON_AddItemToArray(clusters, o);
	}
	airflows = cJSON_AddArrayToObject(root, "airflows");
	for (size_t i = 0; i < s->n_airflows; i++) {
		cJSON *o = cJSON_CreateObject();

		add_string(o, "airflow", s->airflows[i].name);
		(void)cJSON_AddBoolToObject(o, "up", s->airflows[i].up);
		(void)cJSON_AddItemToArray(airflows, o);
	}
	return print(root, ret);
}

/* What the rule asks for on a verdict, before mode, owner, limits and budgets. */
static const char *asked_action(const struct detector_event *ev)
{
	if (ev->verdict == VERDICT_HUNG)
		return rule_action_name((enum rule_action)ev->rule->action);
	if (ev->rule->action == RULE_ACTION_NONE || !verdict_is_trouble(ev->verdict))
		return rule_action_name(RULE_ACTION_NONE);
	return rule_action_name(RULE_ACTION_NOTIFY);
}

static void add_missing(cJSON *o, unsigned missing)
{
	cJSON *list = cJSON_AddArrayToObject(o, "missing");

	for (size_t i = 0; i < n_evidence_kinds; i++)
		if (missing & (1U << i))
			(void)cJSON_AddItemToArray(list, cJSON_CreateString(evidence_kinds[i]));
}

/* The numbers behind the sentence. */
static void add_numbers(cJSON *o, const struct evidence *e)
{
	add_seconds(o, "lasting_seconds", e->lasting);
	add_seconds(o, "threshold_seconds", e->threshold);
	add_string(o, "limit", e->limit);
	if (!(e->missing & EVIDENCE_TASKS) && e->n_running > 0) {
		(void)cJSON_AddNumberToObject(o, "running_tasks", (double)e->n_running);
		(void)cJSON_AddNumberToObject(o, "flat_tasks", (double)e->n_flat);
		(void)cJSON_AddNumberToObject(o, "working_tasks", (double)e->n_working);
		(void)cJSON_AddNumberToObject(o, "frozen_tasks", (double)e->n_frozen);
		(void)cJSON_AddNumberToObject(o, "thread_dumps", e->n_dumps);
	}
	if (e->cpu_window > 0) {
		(void)cJSON_AddNumberToObject(o, "cpu_seconds_per_second", e->cpu_rate);
		add_seconds(o, "cpu_window_seconds", e->cpu_window);
	}
	if (e->hint.because[0] != '\0')
		add_string(o, "because", e->hint.because);
	add_missing(o, e->missing);
}

int status_event_json(const struct detector_event *ev, usec_t origin, char **ret)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	const struct evidence *e = ev->evidence;
	cJSON *evidence;

	add_seconds(o, "t", usec_sub(ev->now, origin));
	add_string(o, "app", ev->app->info.id);
	if (ev->stage) {
		(void)cJSON_AddNumberToObject(o, "stage", (double)ev->stage->last.stage_id);
		(void)cJSON_AddNumberToObject(o, "attempt", (double)ev->stage->last.attempt_id);
	} else {
		(void)cJSON_AddNullToObject(o, "stage");
		(void)cJSON_AddNullToObject(o, "attempt");
	}
	add_string(o, "verdict", verdict_name(ev->verdict));
	add_seconds(o, "since", usec_sub(e->since, origin));
	add_string(o, "rule", ev->rule->name);
	add_string(o, "action", asked_action(ev));
	add_string(o, "cause", cause_name(e->hint.cause));
	evidence = cJSON_AddObjectToObject(o, "evidence");
	add_evidence(evidence, e);
	add_numbers(evidence, e);
	return print(o, ret);
}
