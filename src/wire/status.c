/* SPDX-License-Identifier: Apache-2.0
 * State to JSON, by cJSON. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wire/json.h"
#include "wire/status.h"

static void add_owner(cJSON *o, const struct owner *owner)
{
	cJSON *t;

	if (!owner_known(owner)) {
		(void)cJSON_AddNullToObject(o, "owner");
		return;
	}
	t = cJSON_AddObjectToObject(o, "owner");
	json_add_text(t, "dag_id", owner->dag_id);
	json_add_text(t, "run_id", owner->run_id);
	json_add_text(t, "task_id", owner->task_id);
	(void)cJSON_AddNumberToObject(t, "map_index", (double)owner->map_index);
	(void)cJSON_AddNumberToObject(t, "try_number", (double)owner->try_number);
}

static void add_detail(cJSON *o, const struct verdict_detail *e)
{
	_cleanup_free_ char *text = NULL;
	struct strbuf b = {0};

	verdict_describe(e, &b);
	if (strbuf_finish(&b, &text) >= 0)
		json_add_text(o, "evidence", text);
}

static void add_missing(cJSON *o, unsigned missing)
{
	cJSON *list = cJSON_AddArrayToObject(o, "missing");

	for (size_t i = 0; i < n_evidence_kinds; i++)
		if (missing & (1U << i))
			(void)cJSON_AddItemToArray(list, cJSON_CreateString(evidence_kinds[i]));
}

/* The numbers behind the sentence. */
static void add_numbers(cJSON *o, const struct verdict_detail *e)
{
	json_add_seconds(o, "lasting_seconds", e->lasting);
	json_add_seconds(o, "threshold_seconds", e->threshold);
	json_add_text(o, "limit", e->limit);
	if (!(e->missing & EVIDENCE_TASKS) && e->n_running > 0) {
		(void)cJSON_AddNumberToObject(o, "running_tasks", (double)e->n_running);
		(void)cJSON_AddNumberToObject(o, "flat_tasks", (double)e->n_stalled);
		(void)cJSON_AddNumberToObject(o, "working_tasks", (double)e->n_working);
		(void)cJSON_AddNumberToObject(o, "frozen_tasks", (double)e->n_frozen);
		(void)cJSON_AddNumberToObject(o, "thread_dumps", e->n_dumps);
	}
	if (e->cpu_window > 0) {
		(void)cJSON_AddNumberToObject(o, "cpu_seconds_per_second", e->cpu_rate);
		json_add_seconds(o, "cpu_window_seconds", e->cpu_window);
	}
	if (e->n_never_ran + e->n_ticked + e->n_ran > 0) {
		(void)cJSON_AddNumberToObject(o, "never_ran", (double)e->n_never_ran);
		(void)cJSON_AddNumberToObject(o, "only_woke_up", (double)e->n_ticked);
		(void)cJSON_AddNumberToObject(o, "worked", (double)e->n_ran);
	}
	if (e->hint.because[0] != '\0')
		json_add_text(o, "because", e->hint.because);
	add_missing(o, e->missing);
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
	json_add_text(o, "name", h->last.name);
	json_add_text(o, "bar", bar);
	(void)cJSON_AddNumberToObject(o, "complete", (double)h->last.n_complete);
	(void)cJSON_AddNumberToObject(o, "active", (double)h->last.n_active);
	(void)cJSON_AddNumberToObject(o, "tasks", (double)h->last.n_tasks);
	(void)cJSON_AddNumberToObject(o, "failed", (double)h->last.n_failed);
	json_add_text(o, "verdict", verdict_name(h->verdict));
	json_add_time(o, "verdict_since", wall - usec_sub(now, h->verdict_start));
	if (h->last.n_active > 0)
		json_add_seconds(o, "stalled_seconds", usec_sub(a->observed, h->stall_start));
	else
		(void)cJSON_AddNullToObject(o, "stalled_seconds");
	add_detail(o, &h->detail);
	return o;
}

static cJSON *app_json(
	const struct detector *d, const struct app_history *a, usec_t now, usec_t wall)
{
	cJSON *o = cJSON_CreateObject();
	cJSON *stages;

	json_add_text(o, "spark_cluster", a->cluster);
	json_add_text(o, "app_id", a->info.id);
	json_add_text(o, "name", a->info.name);
	json_add_text(o, "user", a->info.user);
	json_add_text(o, "spark_version", a->info.spark_version);
	json_add_time(o, "started", a->info.started);
	json_add_time(o, "observed", a->observed ? wall - usec_sub(now, a->observed) : 0);
	json_add_text(o, "verdict", verdict_name(a->verdict));
	add_detail(o, &a->detail);
	json_add_text(o, "rule", detector_rule(d, a)->name);
	add_owner(o, &a->owner);
	(void)cJSON_AddBoolToObject(o, "owner_asked", a->owner_asked);
	json_add_text(o, "not_known", a->missing_start > 0 ? a->missing : NULL);
	stages = cJSON_AddArrayToObject(o, "stages");
	for (size_t i = 0; i < a->n_stages; i++)
		(void)cJSON_AddItemToArray(stages, stage_json(a, &a->stages[i], now, wall));
	return o;
}

int status_stages_json(const struct detector *d, usec_t now, usec_t wall, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	cJSON *apps = cJSON_AddArrayToObject(root, "apps");

	json_add_time(root, "time", wall);
	for (size_t i = 0; i < detector_n_apps(d); i++)
		(void)cJSON_AddItemToArray(apps, app_json(d, detector_app_at(d, i), now, wall));
	return json_print(root, ret);
}

static cJSON *finding_json(const struct audit_finding *f)
{
	cJSON *o = cJSON_CreateObject();

	json_add_text(o, "check", f->check->name);
	json_add_text(o, "severity", audit_severity_name(f->check->severity));
	json_add_text(o, "found", f->found);
	json_add_text(o, "rule", f->check->rule);
	json_add_text(o, "why", f->check->why);
	json_add_text(o, "fix", f->fix);
	return o;
}

/* Of an app whose properties are not known yet, nothing can be said. */
static cJSON *audit_json(const struct app_history *a)
{
	cJSON *o = cJSON_CreateObject();
	cJSON *list;

	json_add_text(o, "spark_cluster", a->cluster);
	json_add_text(o, "app_id", a->info.id);
	json_add_text(o, "name", a->info.name);
	json_add_text(o, "spark_version", a->info.spark_version);
	(void)cJSON_AddBoolToObject(o, "audited", a->properties.n > 0);
	list = cJSON_AddArrayToObject(o, "findings");
	for (size_t i = 0; i < a->audit.n; i++)
		(void)cJSON_AddItemToArray(list, finding_json(&a->audit.items[i]));
	return o;
}

int status_audit_json(const struct detector *d, const char *app_id, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	cJSON *apps = cJSON_AddArrayToObject(root, "apps");

	for (size_t i = 0; i < detector_n_apps(d); i++) {
		const struct app_history *a = detector_app_at(d, i);

		if (!app_id || !*app_id || str_equal(a->info.id, app_id))
			(void)cJSON_AddItemToArray(apps, audit_json(a));
	}
	return json_print(root, ret);
}

static cJSON *incident_json(const struct incident *i)
{
	cJSON *o = cJSON_CreateObject();

	json_add_text(o, "id", i->id);
	json_add_text(o, "state", i->ended ? "ended" : i->response.under_way ? "acting" : "open");
	json_add_text(o, "verdict", verdict_name(i->verdict));
	json_add_text(o, "rule", i->rule);
	json_add_text(o, "spark_cluster", i->cluster);
	json_add_text(o, "app_id", i->app_id);
	json_add_text(o, "app_name", i->app_name);
	if (i->stage_id >= 0) {
		(void)cJSON_AddNumberToObject(o, "stage_id", (double)i->stage_id);
		(void)cJSON_AddNumberToObject(o, "attempt_id", (double)i->attempt_id);
	} else {
		(void)cJSON_AddNullToObject(o, "stage_id");
		(void)cJSON_AddNullToObject(o, "attempt_id");
	}
	add_owner(o, &i->owner);
	json_add_time(o, "opened", i->opened);
	json_add_time(o, "changed", i->changed);
	json_add_time(o, "ended", i->ended);
	json_add_text(o, "evidence", i->evidence);
	json_add_text(o, "cause", cause_name(i->hint.cause));
	json_add_text(o, "because", i->hint.because[0] ? i->hint.because : NULL);
	json_add_text(o, "action", rule_action_name(i->action));
	json_add_text(o, "objection", i->response.refusal);
	json_add_text(o, "outcome",
		i->response.outcome == OUTCOME_OPEN ? NULL
						    : remedy_outcome_name(i->response.outcome));
	json_add_text(o, "outcome_why", i->response.why);
	return o;
}

int status_incidents_json(const struct incident_list *l, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(root, "incidents");

	for (size_t k = l->n; k-- > 0;)
		(void)cJSON_AddItemToArray(list, incident_json(l->items[k]));
	return json_print(root, ret);
}

int status_incident_json(const struct incident *i, const struct status_outlook *outlook, char **ret)
{
	_cleanup_json_ cJSON *root = incident_json(i);
	cJSON *numbers = cJSON_AddObjectToObject(root, "numbers");
	cJSON *steps = cJSON_AddArrayToObject(root, "steps");
	cJSON *properties = cJSON_AddArrayToObject(root, "spark_properties");

	for (size_t k = 0; k < i->n_steps; k++) {
		cJSON *o = cJSON_CreateObject();

		json_add_time(o, "time", i->steps[k].at);
		json_add_text(o, "text", i->steps[k].text);
		(void)cJSON_AddItemToArray(steps, o);
	}
	for (size_t k = 0; k < i->properties.n; k++)
		(void)cJSON_AddItemToArray(properties, cJSON_CreateString(i->properties.items[k]));
	(void)cJSON_AddBoolToObject(root, "evidence_kept", i->kept);
	/* Those of the daemon's own life: of an incident from before only the sentence is kept. */
	if (i->numbers.reason)
		add_numbers(numbers, &i->numbers);
	if (outlook) {
		json_add_text(root, "mode", outlook->mode);
		json_add_text(root, "next", outlook->next);
	}
	return json_print(root, ret);
}

static cJSON *observed_json(struct observed_rule *r)
{
	cJSON *o = cJSON_CreateObject();

	json_add_text(o, "rule", r->rule);
	json_add_text(o, "verdict", verdict_name(VERDICT_HUNG));
	(void)cJSON_AddNumberToObject(o, "would_have_acted", (double)r->n);
	(void)cJSON_AddNumberToObject(o, "moved_again", (double)r->n_moved);
	(void)cJSON_AddNumberToObject(o, "ended", (double)r->n_ended);
	(void)cJSON_AddNumberToObject(o, "standing", (double)r->n_standing);
	if (r->n_moved > 0) {
		json_add_seconds(o, "moved_after_median_seconds", observed_median(r));
		json_add_seconds(o, "moved_after_longest_seconds", observed_longest(r));
	}
	json_add_time(o, "first", r->first);
	return o;
}

int status_observed_json(struct observed *o, const char *trouble, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(root, "rules");

	json_add_text(root, "trouble", trouble);
	for (size_t i = 0; i < o->n; i++)
		(void)cJSON_AddItemToArray(list, observed_json(&o->rules[i]));
	return json_print(root, ret);
}

/* Under "paused": null where there is none. */
static void add_pause(cJSON *o, const struct status_pause *p)
{
	cJSON *t;

	if (!p->reason) {
		(void)cJSON_AddNullToObject(o, "paused");
		return;
	}
	t = cJSON_AddObjectToObject(o, "paused");
	json_add_text(t, "reason", p->reason);
	json_add_text(t, "who", p->who);
	json_add_time(t, "since", p->since);
	json_add_time(t, "until", p->until);
	(void)cJSON_AddBoolToObject(t, "durable", p->durable);
}

int status_pause_json(const struct status_pause *p, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();

	add_pause(root, p);
	return json_print(root, ret);
}

/* What each may do. */
static void add_rules(cJSON *o, const struct status_summary *s)
{
	cJSON *list = cJSON_AddArrayToObject(o, "rules");

	for (size_t i = 0; i < s->n_rules; i++) {
		cJSON *r = cJSON_CreateObject();

		json_add_text(r, "rule", s->rules[i].name);
		json_add_text(r, "action", s->rules[i].action);
		json_add_text(r, "mode", s->rules[i].mode);
		(void)cJSON_AddItemToArray(list, r);
	}
}

static void add_windows(cJSON *o, const struct status_summary *s)
{
	cJSON *list = cJSON_AddArrayToObject(o, "maintenance");

	for (size_t i = 0; i < s->n_windows; i++) {
		cJSON *w = cJSON_CreateObject();

		json_add_text(w, "name", s->windows[i].name);
		json_add_text(w, "reason", s->windows[i].reason);
		(void)cJSON_AddBoolToObject(w, "open", s->windows[i].open);
		(void)cJSON_AddItemToArray(list, w);
	}
}

static void add_airflow_access(cJSON *o, const struct status_airflow *a)
{
	cJSON *access;

	json_add_text(o, "airflow_version", a->version);
	access = cJSON_AddObjectToObject(o, "access");
	for (int i = 0; i < AIRFLOW_RIGHT_MAX; i++)
		json_add_text(access, airflow_right_name((enum airflow_right)i),
			permission_name(a->access[i]));
}

static void add_notifies(cJSON *root, const struct status_summary *s)
{
	cJSON *notifies = cJSON_AddArrayToObject(root, "notifies");

	(void)cJSON_AddBoolToObject(root, "notifications_durable", s->notices_durable);
	for (size_t i = 0; i < s->n_notifies; i++) {
		const struct status_notify *n = &s->notifies[i];
		cJSON *o = cJSON_CreateObject();

		json_add_text(o, "notify", n->name);
		(void)cJSON_AddNumberToObject(o, "pending", (double)n->n_pending);
		(void)cJSON_AddNumberToObject(o, "sent", (double)n->n_sent);
		(void)cJSON_AddNumberToObject(o, "failed", (double)n->n_failed);
		(void)cJSON_AddNumberToObject(o, "dropped", (double)n->n_dropped);
		json_add_text(o, "error", n->complaint);
		(void)cJSON_AddItemToArray(notifies, o);
	}
}

static void add_targets(cJSON *o, const struct status_cluster *c)
{
	cJSON *targets = cJSON_AddObjectToObject(o, "targets");
	cJSON *list = cJSON_AddArrayToObject(o, "faults");

	(void)cJSON_AddNumberToObject(targets, "ok", (double)c->n_ok);
	(void)cJSON_AddNumberToObject(targets, "silent", (double)c->n_silent);
	(void)cJSON_AddNumberToObject(targets, "unusable", (double)c->n_unusable);
	for (size_t i = 0; i < c->n_shown; i++) {
		const struct status_fault *f = &c->faults[i];
		cJSON *t = cJSON_CreateObject();

		json_add_text(t, "url", f->url);
		json_add_text(t, "question", f->question);
		json_add_text(t, "app_id", f->app_id);
		json_add_text(t, "state", f->state);
		json_add_text(t, "reason", f->reason);
		json_add_text(t, "text", f->text);
		json_add_time(t, "since", f->since);
		(void)cJSON_AddItemToArray(list, t);
	}
	(void)cJSON_AddNumberToObject(o, "faults_not_shown", (double)(c->n_faults - c->n_shown));
}

int status_summary_json(const struct status_summary *s, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	cJSON *clusters;
	cJSON *airflows;

	json_add_text(root, "version", s->version);
	json_add_text(root, "mode", s->mode);
	json_add_text(root, "mode_text", s->mode_text);
	add_rules(root, s);
	json_add_time(root, "time", s->wall);
	json_add_time(root, "started", s->started);
	(void)cJSON_AddBoolToObject(root, "ready", s->ready);
	(void)cJSON_AddBoolToObject(root, "healthy", s->healthy);
	(void)cJSON_AddBoolToObject(root, "config_last_reload_successful", s->reload_ok);
	json_add_text(root, "config_last_reload_error", s->reload_fault);
	json_add_text(root, "config_needs_restart", s->needs_restart);
	json_add_time(root, "config_last_reload", s->reloaded);
	(void)cJSON_AddNumberToObject(root, "actions_pending", (double)s->n_pending_actions);
	(void)cJSON_AddNumberToObject(root, "stages_hung", (double)s->n_hung);
	(void)cJSON_AddNumberToObject(root, "incidents_open", (double)s->n_incidents_open);
	(void)cJSON_AddNumberToObject(root, "actions_last_hour", (double)s->n_actions_last_hour);
	(void)cJSON_AddNumberToObject(root, "actions_per_hour", (double)s->actions_per_hour);
	add_pause(root, &s->pause);
	json_add_text(root, "breaker_open", s->breaker);
	json_add_text(root, "ledger_trouble", s->ledger);
	add_windows(root, s);
	clusters = cJSON_AddArrayToObject(root, "clusters");
	for (size_t i = 0; i < s->n_clusters; i++) {
		cJSON *o = cJSON_CreateObject();

		json_add_text(o, "spark_cluster", s->clusters[i].name);
		(void)cJSON_AddBoolToObject(o, "up", s->clusters[i].up);
		json_add_time(o, "last_poll", s->clusters[i].last_poll);
		(void)cJSON_AddNumberToObject(o, "apps", (double)s->clusters[i].n_apps);
		add_targets(o, &s->clusters[i]);
		json_add_text(o, "kill", permission_name(s->clusters[i].kill));
		(void)cJSON_AddItemToArray(clusters, o);
	}
	airflows = cJSON_AddArrayToObject(root, "airflows");
	for (size_t i = 0; i < s->n_airflows; i++) {
		cJSON *o = cJSON_CreateObject();

		json_add_text(o, "airflow", s->airflows[i].name);
		(void)cJSON_AddBoolToObject(o, "up", s->airflows[i].up);
		add_airflow_access(o, &s->airflows[i]);
		(void)cJSON_AddItemToArray(airflows, o);
	}
	add_notifies(root, s);
	return json_print(root, ret);
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

int status_event_json(const struct detector_event *ev, usec_t origin, char **ret)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	const struct verdict_detail *e = ev->detail;
	cJSON *evidence;

	json_add_seconds(o, "t", usec_sub(ev->now, origin));
	json_add_text(o, "app", ev->app->info.id);
	if (ev->stage) {
		(void)cJSON_AddNumberToObject(o, "stage", (double)ev->stage->last.stage_id);
		(void)cJSON_AddNumberToObject(o, "attempt", (double)ev->stage->last.attempt_id);
	} else {
		(void)cJSON_AddNullToObject(o, "stage");
		(void)cJSON_AddNullToObject(o, "attempt");
	}
	json_add_text(o, "verdict", verdict_name(ev->verdict));
	json_add_seconds(o, "since", usec_sub(e->since, origin));
	json_add_text(o, "rule", ev->rule->name);
	json_add_text(o, "action", asked_action(ev));
	json_add_text(o, "cause", cause_name(e->hint.cause));
	evidence = cJSON_AddObjectToObject(o, "evidence");
	add_detail(evidence, e);
	add_numbers(evidence, e);
	return json_print(o, ret);
}
