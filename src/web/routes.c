/* SPDX-License-Identifier: Apache-2.0
 * State to metrics, and paths to answers. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "action/airflow.h"
#include "io/procfs.h"
#include "source/driver_poll.h"
#include "source/evidence_call.h"
#include "store/store.h"
#include "web/app_metrics.h"
#include "web/notifier_view.h"
#include "web/routes.h"
#include "web/status_view.h"
#include "wire/processes.h"
#include "wire/report.h"
#include "wire/status.h"

/* stage_stalled_seconds: so many series at most, whatever happens on the clusters. */
#define MAX_STALLED_SERIES 200

#define LABELS(...) ((const char *const[]){__VA_ARGS__})

static void add_clusters(const struct web_view *v, struct metrics_writer *w)
{
	const struct stats *s = v->stats;

	for (size_t i = 0; i < s->n_clusters; i++)
		if (s->clusters[i].present)
			metrics_add(w, METRIC_UP, LABELS(s->clusters[i].name), s->clusters[i].up);
	for (size_t i = 0; i < s->n_clusters; i++)
		if (s->clusters[i].present && s->clusters[i].last_poll > 0)
			metrics_add(w, METRIC_LAST_POLL_TIMESTAMP_SECONDS,
				LABELS(s->clusters[i].name),
				(double)s->clusters[i].last_poll / USEC_PER_SEC);
	for (size_t i = 0; i < s->n_clusters; i++)
		metrics_add_histogram(w, METRIC_POLL_DURATION_SECONDS, LABELS(s->clusters[i].name),
			&s->clusters[i].durations);
	for (size_t i = 0; i < s->n_clusters; i++)
		for (size_t k = 0; k < n_driver_reasons; k++)
			metrics_add(w, METRIC_POLL_ERRORS,
				LABELS(s->clusters[i].name, driver_reasons[k]),
				(double)s->clusters[i].errors[k]);
}

static double count_app_verdicts(
	const struct web_view *v, const char *cluster, enum verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < detector_n_apps(v->detector); i++) {
		const struct app_history *a = detector_app_at(v->detector, i);

		n += a->verdict == verdict && str_equal(a->cluster, cluster);
	}
	return (double)n;
}

static double count_stages(const struct web_view *v, const char *cluster, enum verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < detector_n_apps(v->detector); i++) {
		const struct app_history *a = detector_app_at(v->detector, i);

		for (size_t k = 0; k < a->n_stages && str_equal(a->cluster, cluster); k++)
			n += a->stages[k].verdict == verdict;
	}
	return (double)n;
}

static void add_verdicts(const struct web_view *v, struct metrics_writer *w)
{
	const struct settings *s = v->runtime->settings;

	for (size_t i = 0; i < s->n_sources; i++)
		metrics_add(w, METRIC_APPS, LABELS(s->sources[i].name),
			(double)state_count_apps(v, s->sources[i].name));
	for (size_t i = 0; i < s->n_sources; i++)
		for (int k = 0; k < VERDICT_MAX; k++)
			if (verdict_def((enum verdict)k)->of & OF_STAGE)
				metrics_add(w, METRIC_STAGES,
					LABELS(s->sources[i].name, verdict_name((enum verdict)k)),
					count_stages(v, s->sources[i].name, (enum verdict)k));
	for (size_t i = 0; i < s->n_sources; i++)
		for (int k = 0; k < VERDICT_MAX; k++)
			if (verdict_def((enum verdict)k)->of & OF_APP)
				metrics_add(w, METRIC_APP_VERDICTS,
					LABELS(s->sources[i].name, verdict_name((enum verdict)k)),
					count_app_verdicts(v, s->sources[i].name, (enum verdict)k));
}

static bool add_stalled_stage(
	const struct app_history *a, const struct stage_history *h, struct metrics_writer *w)
{
	char stage[24];
	char attempt[24];

	(void)snprintf(stage, sizeof(stage), "%" PRId64, h->last.stage_id);
	(void)snprintf(attempt, sizeof(attempt), "%" PRId64, h->last.attempt_id);
	metrics_add(w, METRIC_STAGE_STALLED_SECONDS, LABELS(a->cluster, a->info.id, stage, attempt),
		(double)usec_sub(a->observed, h->stall_start) / USEC_PER_SEC);
	return true;
}

static void add_stalled(const struct web_view *v, struct metrics_writer *w)
{
	size_t shown = 0;
	size_t hidden = 0;

	for (size_t i = 0; i < detector_n_apps(v->detector); i++) {
		const struct app_history *a = detector_app_at(v->detector, i);

		for (size_t k = 0; k < a->n_stages; k++) {
			const struct stage_history *h = &a->stages[k];

			if (!verdict_is_trouble(h->verdict) || h->last.n_active <= 0)
				continue;
			if (shown < MAX_STALLED_SERIES)
				shown += add_stalled_stage(a, h, w);
			else
				hidden++;
		}
	}
	metrics_add(w, METRIC_STAGES_NOT_SHOWN, NULL, (double)hidden);
}

static void add_incidents(const struct web_view *v, struct metrics_writer *w)
{
	for (size_t i = 0; i < v->stats->n_rules; i++)
		for (int k = 0; k < VERDICT_MAX; k++)
			if (verdict_is_trouble((enum verdict)k))
				metrics_add(w, METRIC_INCIDENTS,
					LABELS(verdict_name((enum verdict)k),
						v->stats->rules[i].name),
					(double)v->stats->rules[i].incidents[k]);
	for (int k = 0; k < VERDICT_MAX; k++)
		if (verdict_is_trouble((enum verdict)k))
			metrics_add(w, METRIC_INCIDENTS_OPEN, LABELS(verdict_name((enum verdict)k)),
				(double)incident_count_open(v->incidents, (enum verdict)k));
}

static void add_detail(const struct web_view *v, struct metrics_writer *w)
{
	const struct evidence_counts *s = evidence_counts(v->evidence_collector);

	for (int k = 0; k < WANT_MAX; k++)
		metrics_add(w, METRIC_EVIDENCE_REQUESTS,
			LABELS(evidence_kind_name((enum evidence_kind)k)), (double)s->asked[k]);
	for (int k = 0; k < WANT_MAX; k++)
		metrics_add(w, METRIC_EVIDENCE_FAILURES,
			LABELS(evidence_kind_name((enum evidence_kind)k)), (double)s->failed[k]);
}

static void add_audit(const struct web_view *v, struct metrics_writer *w)
{
	for (int s = 0; s < AUDIT_SEVERITY_MAX; s++) {
		size_t n = 0;

		for (size_t i = 0; i < detector_n_apps(v->detector); i++)
			n += audit_count(
				&detector_app_at(v->detector, i)->audit, (enum audit_severity)s);
		metrics_add(w, METRIC_AUDIT_FINDINGS,
			LABELS(audit_severity_name((enum audit_severity)s)), (double)n);
	}
}

static void add_actions(const struct web_view *v, struct metrics_writer *w)
{
	static const enum rule_action actions[] = {RULE_ACTION_KILL, RULE_ACTION_RETRY};

	for (size_t i = 0; i < ELEMENTSOF(actions); i++)
		for (int o = 0; o < ACTION_OUTCOME_MAX; o++)
			metrics_add(w, METRIC_ACTIONS,
				LABELS(rule_action_name(actions[i]),
					action_outcome_name((enum action_outcome)o)),
				(double)v->stats->actions[actions[i]][o]);
	for (size_t i = 0; i < ELEMENTSOF(actions); i++)
		for (int k = 0; k < POLICY_REASON_MAX; k++)
			metrics_add(w, METRIC_ACTIONS_REFUSED,
				LABELS(rule_action_name(actions[i]),
					policy_reason_name((enum policy_reason)k)),
				(double)v->stats->refused[actions[i]][k]);
	add_detail(v, w);
	app_metrics_add(v->detector, w);
	add_audit(v, w);
	metrics_add(
		w, METRIC_ACTIONS_LAST_HOUR, NULL, (double)remediator_n_last_hour(v->remediator));
	metrics_add(w, METRIC_ACTIONS_PENDING, NULL, (double)remediator_n_pending(v->remediator));
	if (remediator_n_pending(v->remediator) > 0)
		metrics_add(w, METRIC_OLDEST_PENDING_ACTION_TIMESTAMP_SECONDS, NULL,
			(double)usec_sub(v->wall, remediator_oldest(v->remediator)) / USEC_PER_SEC);
	metrics_add(w, METRIC_LEDGER_UP, NULL, !store_trouble(v->store));
	metrics_add(w, METRIC_BREAKER_OPEN, NULL, remediator_breaker(v->remediator)->open);
}

static void add_airflows(const struct web_view *v, struct metrics_writer *w)
{
	const struct stats *s = v->stats;

	for (size_t i = 0; i < s->n_airflows; i++)
		if (s->airflows[i].present)
			metrics_add(w, METRIC_AIRFLOW_UP, LABELS(s->airflows[i].name),
				s->airflows[i].up);
	for (size_t i = 0; i < s->n_airflows; i++)
		for (size_t k = 0; k < n_airflow_reasons; k++)
			metrics_add(w, METRIC_AIRFLOW_ERRORS,
				LABELS(s->airflows[i].name, airflow_reasons[k]),
				(double)s->airflows[i].errors[k]);
}

static void add_holds(const struct web_view *v, struct metrics_writer *w)
{
	const struct maintenance_list *l = &v->runtime->settings->maintenance;
	struct status_pause pause;

	holds_status(v->holds, &pause);
	metrics_add(w, METRIC_PAUSED, NULL, pause.reason != NULL);
	for (size_t i = 0; i < l->n; i++)
		metrics_add(w, METRIC_MAINTENANCE, LABELS(l->items[i].name),
			holds_open(v->holds, &l->items[i]));
}

/* What is not known is not there: neither 0 nor 1 would be true. */
static void add_access(const struct web_view *v, struct metrics_writer *w)
{
	const struct stats *s = v->stats;

	for (size_t i = 0; i < s->n_airflows; i++)
		for (int k = 0; s->airflows[i].present && k < AIRFLOW_RIGHT_MAX; k++)
			if (s->airflows[i].access[k] != PERMISSION_UNKNOWN)
				metrics_add(w, METRIC_AIRFLOW_ACCESS,
					LABELS(s->airflows[i].name,
						airflow_right_name((enum airflow_right)k)),
					s->airflows[i].access[k] == PERMISSION_GRANTED);
	for (size_t i = 0; i < s->n_clusters; i++)
		if (s->clusters[i].present && s->clusters[i].kill != PERMISSION_UNKNOWN)
			metrics_add(w, METRIC_CLUSTER_ACCESS, LABELS(s->clusters[i].name, "kill"),
				s->clusters[i].kill == PERMISSION_GRANTED);
}

static void add_process(const struct web_view *v, struct metrics_writer *w)
{
	struct rusage usage = {0};
	struct rlimit limit = {0};
	uint64_t n = 0;

	(void)getrusage(RUSAGE_SELF, &usage);
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	metrics_add(w, METRIC_PROCESS_CPU_SECONDS, NULL,
		(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	if (procfs_own_memory(&n) >= 0)
		metrics_add(w, METRIC_PROCESS_RESIDENT_MEMORY_BYTES, NULL, (double)n);
	if (procfs_own_fds(&n) >= 0)
		metrics_add(w, METRIC_PROCESS_OPEN_FDS, NULL, (double)n);
	metrics_add(w, METRIC_PROCESS_MAX_FDS, NULL, (double)limit.rlim_cur);
	metrics_add(w, METRIC_PROCESS_START_TIME_SECONDS, NULL, (double)v->started / USEC_PER_SEC);
}

static void add_all(const struct web_view *v, struct metrics_writer *w)
{
	enum daemon_mode mode = (enum daemon_mode)v->runtime->settings->daemon.mode;

	metrics_add(w, METRIC_BUILD_INFO, LABELS(STAGEWATCHD_VERSION), 1);
	add_clusters(v, w);
	add_verdicts(v, w);
	add_stalled(v, w);
	add_incidents(v, w);
	add_actions(v, w);
	add_airflows(v, w);
	add_holds(v, w);
	add_access(v, w);
	notifier_view_metrics(v->notifier, v->stats, w);
	metrics_add(w, METRIC_MODE, LABELS("observe"), mode == MODE_OBSERVE);
	metrics_add(w, METRIC_MODE, LABELS("act"), mode == MODE_ACT);
	metrics_add(w, METRIC_CONFIG_LAST_RELOAD_SUCCESSFUL, NULL, v->reload_ok);
	metrics_add(w, METRIC_CONFIG_LAST_RELOAD_SUCCESS_TIMESTAMP_SECONDS, NULL,
		(double)v->reloaded / USEC_PER_SEC);
	add_process(v, w);
	metrics_end(w);
}

static int reply_text(
	struct http_server_reply *reply, int status, const char *type, const char *text)
{
	reply->status = status;
	reply->content_type = type;
	reply->body = strdup(text);
	if (!reply->body)
		return -ENOMEM;
	reply->len = strlen(text);
	return 0;
}

static int answer_metrics(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	enum metrics_format format = metrics_negotiate(request->accept);
	struct metrics_writer w;
	struct strbuf b = {0};
	int r;

	metrics_begin(&w, format, &b);
	add_all(v, &w);
	r = strbuf_finish(&b, &reply->body);
	if (r < 0)
		return r;
	reply->len = strlen(reply->body);
	reply->status = 200;
	reply->content_type = metrics_content_type(format);
	return 0;
}

static int answer_json(int r, struct http_server_reply *reply)
{
	if (r < 0)
		return r;
	reply->len = strlen(reply->body);
	reply->status = 200;
	reply->content_type = "application/json";
	return 0;
}

static int answer_stages(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)request;
	return answer_json(status_stages_json(v->detector, v->now, v->wall, &reply->body), reply);
}

/* Of all apps, or of the one that ?app= names. */
static int answer_audit(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	return answer_json(status_audit_json(v->detector, request->app, &reply->body), reply);
}

/* Of all apps, or of those of one name. */
static int answer_report(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	_cleanup_(app_run_list_clear) struct app_run_list l = {0};
	int r = run_store_list(v->runs, request->app, &l);

	if (r == -ENOMEM)
		return r;
	return answer_json(report_json(&l, l.n == RUNS_SHOWN,
				   r < 0 ? "the ledger is not usable" : NULL, &reply->body),
		reply);
}

static int answer_incidents(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)request;
	return answer_json(status_incidents_json(v->incidents, &reply->body), reply);
}

/* An incident by its id: the rest of the path. */
static int answer_incident(
	const struct web_view *v, const char *id, struct http_server_reply *reply)
{
	const struct incident *i = incident_by_id(v->incidents, id);

	if (!i)
		return reply_text(
			reply, 404, "text/plain; charset=utf-8", "no such incident (any more)\n");
	return answer_json(state_incident_json(v, i, &reply->body), reply);
}

static int answer_probe(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	const struct proctree_list *host;
	struct process_list list = {0};
	int r;

	if (!v->runtime->settings->probe.enabled)
		return reply_text(reply, 404, "text/plain; charset=utf-8",
			"[probe] enabled=no: CPU seconds are not told\n");
	if (!request->app || *request->app == '\0')
		return reply_text(reply, 400, "text/plain; charset=utf-8",
			"which app? /api/v1/probe?app=ID\n");
	r = evidence_collector_host(v->evidence_collector, &host);
	if (r >= 0)
		r = evidence_call_from_host(host, request->app, &list);
	if (r >= 0)
		r = answer_json(processes_json(&list, &reply->body), reply);
	process_list_clear(&list);
	return r;
}

static int answer_status(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)request;
	return answer_json(state_summary_json(v, &reply->body), reply);
}

static int answer_healthy(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)request;
	return v->healthy ? reply_text(reply, 200, "text/plain; charset=utf-8",
				    "stagewatchd is healthy\n")
			  : reply_text(reply, 503, "text/plain; charset=utf-8",
				    "polling does not advance\n");
}

static int answer_ready(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)request;
	return v->ready ? reply_text(
				  reply, 200, "text/plain; charset=utf-8", "stagewatchd is ready\n")
			: reply_text(reply, 503, "text/plain; charset=utf-8",
				  "not every cluster was polled yet\n");
}

static int answer_landing(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)v;
	(void)request;
	return reply_text(reply, 200, "text/html; charset=utf-8",
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>stagewatchd</title></head>\n"
		"<body>\n<h1>stagewatchd " STAGEWATCHD_VERSION "</h1>\n"
		"<p>Watches Apache Spark for stages that no longer progress.</p>\n<ul>\n"
		"<li><a href=\"/metrics\">Metrics</a></li>\n"
		"<li><a href=\"/api/v1/status\">Status</a></li>\n"
		"<li><a href=\"/api/v1/stages\">Apps and stages</a></li>\n"
		"<li><a href=\"/api/v1/incidents\">Incidents</a></li>\n"
		"<li><a href=\"/api/v1/audit\">Audit</a></li>\n"
		"<li><a href=\"/api/v1/report\">Finished runs</a></li>\n"
		"<li><a href=\"/-/healthy\">Healthy</a></li>\n"
		"<li><a href=\"/-/ready\">Ready</a></li>\n</ul>\n</body>\n</html>\n");
}

static const struct {
	const char *path;
	int (*answer)(const struct web_view *v, const struct http_server_request *request,
		struct http_server_reply *reply);
} paths[] = {
	{"/", answer_landing},
	{"/metrics", answer_metrics},
	{"/-/healthy", answer_healthy},
	{"/-/ready", answer_ready},
	{"/api/v1/status", answer_status},
	{"/api/v1/stages", answer_stages},
	{"/api/v1/incidents", answer_incidents},
	{"/api/v1/audit", answer_audit},
	{"/api/v1/report", answer_report},
	{"/api/v1/probe", answer_probe},
};

static const char incident_path[] = "/api/v1/incidents/";

int routes_answer(const struct web_view *view, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	for (size_t i = 0; i < ELEMENTSOF(paths); i++)
		if (str_equal(paths[i].path, request->path))
			return paths[i].answer(view, request, reply);
	if (strncmp(request->path, incident_path, strlen(incident_path)) == 0)
		return answer_incident(view, request->path + strlen(incident_path), reply);
	return reply_text(reply, 404, "text/plain; charset=utf-8", "no such page\n");
}
