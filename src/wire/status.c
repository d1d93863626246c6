/* SPDX-License-Identifier: Apache-2.0
 * State to JSON. What may have thousands of rows, or is asked for often, is written as it goes; the
 * rest is small, and made by cJSON. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wire/json.h"
#include "wire/json_writer.h"
#include "wire/status.h"

static void write_owner(struct json_writer *w, const struct owner *owner)
{
	if (!owner_known(owner)) {
		json_text(w, "owner", NULL);
		return;
	}
	json_open(w, "owner", '{');
	json_text(w, "dag_id", owner->dag_id);
	json_text(w, "run_id", owner->run_id);
	json_text(w, "task_id", owner->task_id);
	json_integer(w, "map_index", owner->map_index);
	json_integer(w, "try_number", owner->try_number);
	json_close(w, '}');
}

/* What its own properties ask of the rule. NULL: nothing. */
static void write_asks(struct json_writer *w, const struct app_wishes *wishes)
{
	json_open(w, "asks", '[');
	for (int k = 0; wishes && k < WISH_MAX; k++) {
		const struct app_wish *a = &wishes->items[k];

		if (!a->property)
			continue;
		json_open(w, NULL, '{');
		json_text(w, "property", a->property);
		json_bool(w, "holds", a->holds);
		json_text(w, "why", a->holds ? NULL : a->why);
		json_close(w, '}');
	}
	json_close(w, ']');
}

/* text is room that is used again for each. */
static void write_detail(struct json_writer *w, const struct verdict_detail *e, struct strbuf *text)
{
	text->len = 0;
	verdict_describe(e, text);
	json_text(w, "evidence", text->text);
	w->out.failed = w->out.failed || text->failed;
}

static void write_missing(struct json_writer *w, unsigned missing)
{
	json_open(w, "missing", '[');
	for (size_t i = 0; i < n_evidence_kinds; i++)
		if (missing & (1U << i))
			json_text(w, NULL, evidence_kinds[i]);
	json_close(w, ']');
}

/* The numbers behind the sentence. */
static void write_numbers(struct json_writer *w, const struct verdict_detail *e)
{
	json_seconds(w, "lasting_seconds", e->lasting);
	json_seconds(w, "threshold_seconds", e->threshold);
	json_text(w, "limit", e->limit);
	if (!(e->missing & EVIDENCE_TASKS) && e->n_running > 0) {
		json_integer(w, "running_tasks", (int64_t)e->n_running);
		json_integer(w, "flat_tasks", (int64_t)e->n_stalled);
		json_integer(w, "working_tasks", (int64_t)e->n_working);
		json_integer(w, "frozen_tasks", (int64_t)e->n_frozen);
		json_integer(w, "thread_dumps", e->n_dumps);
	}
	if (e->cpu_window > 0) {
		json_rate(w, "cpu_seconds_per_second", e->cpu_rate);
		json_seconds(w, "cpu_window_seconds", e->cpu_window);
		json_text(w, "cpu_of", e->cpu_container ? "containers" : "processes");
	}
	if (e->n_never_ran + e->n_ticked + e->n_ran > 0) {
		json_integer(w, "never_ran", (int64_t)e->n_never_ran);
		json_integer(w, "only_woke_up", (int64_t)e->n_ticked);
		json_integer(w, "worked", (int64_t)e->n_ran);
	}
	if (e->hint.because[0] != '\0')
		json_text(w, "because", e->hint.because);
	write_missing(w, e->missing);
}

/* What the answer about all stages is made of. */
struct page {
	struct json_writer w;
	struct strbuf text;
	const struct detector *detector;
	usec_t now;
	usec_t wall;
};

static void write_bar(struct page *p, const struct stage_obs *s)
{
	p->text.len = 0;
	strbuf_add(&p->text, "(");
	strbuf_add_integer(&p->text, s->n_complete);
	strbuf_add(&p->text, " + ");
	strbuf_add_integer(&p->text, s->n_active);
	strbuf_add(&p->text, ") / ");
	strbuf_add_integer(&p->text, s->n_tasks);
	json_text(&p->w, "bar", p->text.text);
}

static void write_stage(struct page *p, const struct app_history *a, const struct stage_history *h)
{
	struct json_writer *w = &p->w;
	struct verdict_detail e;

	json_open(w, NULL, '{');
	json_integer(w, "stage_id", h->last.stage_id);
	json_integer(w, "attempt_id", h->last.attempt_id);
	json_text(w, "name", h->last.name);
	write_bar(p, &h->last);
	json_integer(w, "complete", h->last.n_complete);
	json_integer(w, "active", h->last.n_active);
	json_integer(w, "tasks", h->last.n_tasks);
	json_integer(w, "failed", h->last.n_failed);
	json_text(w, "verdict", verdict_name(h->verdict));
	json_time(w, "verdict_since", p->wall - usec_sub(p->now, h->verdict_start));
	if (h->last.n_active > 0)
		json_seconds(w, "stalled_seconds", usec_sub(a->observed, h->stall_start));
	else
		json_text(w, "stalled_seconds", NULL);
	detector_stage_detail(p->detector, a, h, &e);
	write_detail(w, &e, &p->text);
	json_close(w, '}');
}

static void write_rule(struct page *p, const struct app_history *a)
{
	const struct rule *rule = detector_rule(p->detector, a);

	json_text(&p->w, "rule", rule->name);
	json_text(&p->w, "action", rule_action_name((enum rule_action)rule->action));
	json_seconds(&p->w, "hung_after_seconds", rule->hung_after);
	json_bool(&p->w, "ignored", rule->ignored);
	json_seconds(&p->w, "ran_seconds", a->ran);
	if (rule->max_runtime > 0)
		json_seconds(&p->w, "max_runtime_seconds", rule->max_runtime);
	else
		json_text(&p->w, "max_runtime_seconds", NULL);
	json_bool(&p->w, "over_max_runtime", a->overran);
	write_asks(&p->w, a->wishes);
}

static void write_app(struct page *p, const struct app_history *a)
{
	struct json_writer *w = &p->w;
	struct verdict_detail e;

	json_open(w, NULL, '{');
	json_text(w, "spark_cluster", a->cluster);
	json_text(w, "app_id", a->info.id);
	json_text(w, "name", a->info.name);
	json_text(w, "user", a->info.user);
	json_text(w, "spark_version", a->info.spark_version);
	json_time(w, "started", a->info.started);
	json_time(w, "observed", a->observed ? p->wall - usec_sub(p->now, a->observed) : 0);
	json_text(w, "verdict", verdict_name(a->verdict));
	detector_app_detail(p->detector, a, &e);
	write_detail(w, &e, &p->text);
	write_rule(p, a);
	write_owner(w, &a->owner);
	json_text(w, "owner_via", owner_via_name(a->owner.via));
	json_bool(w, "owner_asked", a->owner_asked);
	json_text(w, "not_known", a->missing_start > 0 ? a->missing : NULL);
	json_open(w, "stages", '[');
	for (size_t i = 0; i < a->n_stages; i++)
		write_stage(p, a, &a->stages[i]);
	json_close(w, ']');
	json_close(w, '}');
}

int status_stages_json(const struct detector *d, usec_t now, usec_t wall, char **ret)
{
	struct page p = {.detector = d, .now = now, .wall = wall};

	json_open(&p.w, NULL, '{');
	json_open(&p.w, "apps", '[');
	for (size_t i = 0; i < detector_n_apps(d); i++)
		write_app(&p, detector_app_at(d, i));
	json_close(&p.w, ']');
	json_time(&p.w, "time", wall);
	json_close(&p.w, '}');
	strbuf_clear(&p.text);
	return json_finish(&p.w, ret);
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
	json_add_bool(o, "audited", a->properties.n > 0);
	list = json_add_array(o, "findings");
	for (size_t i = 0; i < a->audit.n; i++)
		json_append(list, finding_json(&a->audit.items[i]));
	return o;
}

int status_audit_json(const struct detector *d, const char *app_id, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	cJSON *apps = json_add_array(root, "apps");

	for (size_t i = 0; i < detector_n_apps(d); i++) {
		const struct app_history *a = detector_app_at(d, i);

		if (!app_id || !*app_id || str_equal(a->info.id, app_id))
			json_append(apps, audit_json(a));
	}
	return json_print(root, ret);
}

static void write_incident(struct json_writer *w, const struct incident *i)
{
	json_text(w, "id", i->id);
	json_text(w, "state", i->ended ? "ended" : i->response.under_way ? "acting" : "open");
	json_text(w, "verdict", verdict_name(i->verdict));
	json_text(w, "rule", i->rule);
	json_text(w, "spark_cluster", i->cluster);
	json_text(w, "app_id", i->app_id);
	json_text(w, "app_name", i->app_name);
	if (i->stage_id >= 0) {
		json_integer(w, "stage_id", i->stage_id);
		json_integer(w, "attempt_id", i->attempt_id);
	} else {
		json_text(w, "stage_id", NULL);
		json_text(w, "attempt_id", NULL);
	}
	write_owner(w, &i->owner);
	json_text(w, "owner_via", owner_via_name(i->owner.via));
	json_time(w, "opened", i->opened);
	json_time(w, "changed", i->changed);
	json_time(w, "ended", i->ended);
	json_text(w, "evidence", i->evidence);
	json_text(w, "cause", cause_name(i->hint.cause));
	json_text(w, "because", i->hint.because[0] ? i->hint.because : NULL);
	json_text(w, "action", rule_action_name(i->action));
	json_text(w, "objection", i->response.refusal);
	json_text(w, "outcome",
		i->response.outcome == OUTCOME_OPEN ? NULL
						    : remedy_outcome_name(i->response.outcome));
	json_text(w, "outcome_why", i->response.why);
	json_text(w, "acked_by", i->marks[INCIDENT_ACKED]);
	json_text(w, "ignored_by", i->marks[INCIDENT_IGNORED]);
	json_text(w, "aborted_by", i->marks[INCIDENT_ABORTED]);
}

int status_incidents_json(const struct incident_list *l, char **ret)
{
	struct json_writer w = {0};

	json_open(&w, NULL, '{');
	json_open(&w, "incidents", '[');
	for (size_t k = l->n; k-- > 0;) {
		json_open(&w, NULL, '{');
		write_incident(&w, l->items[k]);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_close(&w, '}');
	return json_finish(&w, ret);
}

int status_incident_json(const struct incident *i, const struct status_outlook *outlook, char **ret)
{
	struct json_writer w = {0};

	json_open(&w, NULL, '{');
	write_incident(&w, i);
	json_open(&w, "numbers", '{');
	/* Those of the daemon's own life: of an incident from before only the sentence is kept. */
	if (i->numbers.reason)
		write_numbers(&w, &i->numbers);
	json_close(&w, '}');
	json_open(&w, "steps", '[');
	for (size_t k = 0; k < i->n_steps; k++) {
		json_open(&w, NULL, '{');
		json_time(&w, "time", i->steps[k].at);
		json_text(&w, "text", i->steps[k].text);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_open(&w, "spark_properties", '[');
	for (size_t k = 0; k < i->properties.n; k++)
		json_text(&w, NULL, i->properties.items[k]);
	json_close(&w, ']');
	json_bool(&w, "evidence_kept", i->kept);
	if (outlook) {
		json_text(&w, "mode", outlook->mode);
		json_text(&w, "next", outlook->next);
		write_asks(&w, outlook->wishes);
	}
	json_close(&w, '}');
	return json_finish(&w, ret);
}

static cJSON *observed_json(struct observed_rule *r)
{
	cJSON *o = cJSON_CreateObject();

	json_add_text(o, "rule", r->rule);
	json_add_text(o, "verdict", verdict_name(VERDICT_HUNG));
	json_add_number(o, "would_have_acted", (double)r->n);
	json_add_number(o, "moved_again", (double)r->n_moved);
	json_add_number(o, "ended", (double)r->n_ended);
	json_add_number(o, "standing", (double)r->n_standing);
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
	cJSON *list = json_add_array(root, "rules");

	json_add_text(root, "trouble", trouble);
	for (size_t i = 0; i < o->n; i++)
		json_append(list, observed_json(&o->rules[i]));
	return json_print(root, ret);
}

/* Under "paused": null where there is none. */
static void add_pause(cJSON *o, const struct status_pause *p)
{
	cJSON *t;

	if (!p->reason) {
		json_add_text(o, "paused", NULL);
		return;
	}
	t = json_add_object(o, "paused");
	json_add_text(t, "reason", p->reason);
	json_add_text(t, "who", p->who);
	json_add_time(t, "since", p->since);
	json_add_time(t, "until", p->until);
	json_add_bool(t, "durable", p->durable);
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
	cJSON *list = json_add_array(o, "rules");

	for (size_t i = 0; i < s->n_rules; i++) {
		cJSON *r = cJSON_CreateObject();

		json_add_text(r, "rule", s->rules[i].name);
		json_add_text(r, "action", s->rules[i].action);
		json_add_text(r, "mode", s->rules[i].mode);
		json_add_text(r, "owner_may", s->rules[i].owner_may);
		json_append(list, r);
	}
}

/* Under "leader": null where it is alone. */
static void add_leader(cJSON *o, const struct status_leader *l)
{
	cJSON *t;

	if (!l->lease) {
		json_add_text(o, "leader", NULL);
		return;
	}
	t = json_add_object(o, "leader");
	json_add_text(t, "lease", l->lease);
	json_add_text(t, "identity", l->identity);
	json_add_bool(t, "leads", l->leads);
	json_add_text(t, "other", l->other);
	json_add_text(t, "why", l->why);
	json_add_number(t, "transitions", (double)l->transitions);
}

static void add_windows(cJSON *o, const struct status_summary *s)
{
	cJSON *list = json_add_array(o, "maintenance");

	for (size_t i = 0; i < s->n_windows; i++) {
		cJSON *w = cJSON_CreateObject();

		json_add_text(w, "name", s->windows[i].name);
		json_add_text(w, "reason", s->windows[i].reason);
		json_add_bool(w, "open", s->windows[i].open);
		json_append(list, w);
	}
}

static void add_airflow_access(cJSON *o, const struct status_airflow *a)
{
	cJSON *access;

	json_add_text(o, "airflow_version", a->version);
	access = json_add_object(o, "access");
	for (int i = 0; i < AIRFLOW_RIGHT_MAX; i++)
		json_add_text(access, airflow_right_name((enum airflow_right)i),
			permission_name(a->access[i]));
}

static void add_notifies(cJSON *root, const struct status_summary *s)
{
	cJSON *notifies = json_add_array(root, "notifies");

	json_add_bool(root, "notifications_durable", s->notices_durable);
	for (size_t i = 0; i < s->n_notifies; i++) {
		const struct status_notify *n = &s->notifies[i];
		cJSON *o = cJSON_CreateObject();

		json_add_text(o, "notify", n->name);
		json_add_number(o, "pending", (double)n->n_pending);
		json_add_number(o, "sent", (double)n->n_sent);
		json_add_number(o, "failed", (double)n->n_failed);
		json_add_number(o, "dropped", (double)n->n_dropped);
		json_add_text(o, "error", n->complaint);
		json_add_text(o, "test", n->test);
		json_append(notifies, o);
	}
}

static void add_targets(cJSON *o, const struct status_cluster *c)
{
	cJSON *targets = json_add_object(o, "targets");
	cJSON *list = json_add_array(o, "faults");

	json_add_number(targets, "ok", (double)c->n_ok);
	json_add_number(targets, "silent", (double)c->n_silent);
	json_add_number(targets, "unusable", (double)c->n_unusable);
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
		json_append(list, t);
	}
	json_add_number(o, "faults_not_shown", (double)(c->n_faults - c->n_shown));
}

static void add_storm(cJSON *o, const struct status_storm *s)
{
	json_add_text(o, "id", s->id);
	json_add_text(o, "why", s->why);
	json_add_time(o, "since", s->since);
	json_add_time(o, "until", s->until);
}

int status_storm_json(const struct status_storm *s, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();

	add_storm(json_add_object(root, "storm"), s);
	return json_print(root, ret);
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
	json_add_bool(root, "ready", s->ready);
	json_add_bool(root, "healthy", s->healthy);
	json_add_bool(root, "config_last_reload_successful", s->reload_ok);
	json_add_text(root, "config_last_reload_error", s->reload_fault);
	json_add_text(root, "config_needs_restart", s->needs_restart);
	json_add_time(root, "config_last_reload", s->reloaded);
	json_add_number(root, "actions_pending", (double)s->n_pending_actions);
	json_add_number(root, "stages_hung", (double)s->n_hung);
	json_add_number(root, "incidents_open", (double)s->n_incidents_open);
	json_add_number(root, "actions_last_hour", (double)s->n_actions_last_hour);
	json_add_number(root, "actions_per_hour", (double)s->actions_per_hour);
	add_leader(root, &s->leader);
	add_pause(root, &s->pause);
	json_add_text(root, "breaker_open", s->storm.why);
	if (s->storm.why)
		add_storm(json_add_object(root, "storm"), &s->storm);
	json_add_text(root, "ledger_trouble", s->ledger);
	add_windows(root, s);
	clusters = json_add_array(root, "clusters");
	for (size_t i = 0; i < s->n_clusters; i++) {
		cJSON *o = cJSON_CreateObject();

		json_add_text(o, "spark_cluster", s->clusters[i].name);
		json_add_bool(o, "up", s->clusters[i].up);
		json_add_time(o, "last_poll", s->clusters[i].last_poll);
		json_add_number(o, "apps", (double)s->clusters[i].n_apps);
		add_targets(o, &s->clusters[i]);
		json_add_text(o, "kill", permission_name(s->clusters[i].kill));
		json_append(clusters, o);
	}
	airflows = json_add_array(root, "airflows");
	for (size_t i = 0; i < s->n_airflows; i++) {
		cJSON *o = cJSON_CreateObject();

		json_add_text(o, "airflow", s->airflows[i].name);
		json_add_bool(o, "up", s->airflows[i].up);
		add_airflow_access(o, &s->airflows[i]);
		json_append(airflows, o);
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
	const struct verdict_detail *e = ev->detail;
	struct json_writer w = {0};
	struct strbuf text = {0};

	json_open(&w, NULL, '{');
	json_seconds(&w, "t", usec_sub(ev->now, origin));
	json_text(&w, "app", ev->app->info.id);
	if (ev->stage) {
		json_integer(&w, "stage", ev->stage->last.stage_id);
		json_integer(&w, "attempt", ev->stage->last.attempt_id);
	} else {
		json_text(&w, "stage", NULL);
		json_text(&w, "attempt", NULL);
	}
	json_text(&w, "verdict", verdict_name(ev->verdict));
	json_seconds(&w, "since", usec_sub(e->since, origin));
	json_text(&w, "rule", ev->rule->name);
	json_text(&w, "action", asked_action(ev));
	json_text(&w, "cause", cause_name(e->hint.cause));
	json_open(&w, "evidence", '{');
	write_detail(&w, e, &text);
	write_numbers(&w, e);
	json_close(&w, '}');
	json_close(&w, '}');
	strbuf_clear(&text);
	return json_finish(&w, ret);
}
