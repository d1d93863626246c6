/* SPDX-License-Identifier: Apache-2.0
 * The table of metrics and the writer of Prometheus text 0.0.4 and OpenMetrics 1.0. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/metrics.h"

#define G(metric, name_, unit_, help_, ...)                                                        \
	{                                                                                          \
		metric, name_, unit_, METRIC_GAUGE, help_,                                         \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define C(metric, name_, unit_, help_, ...)                                                        \
	{                                                                                          \
		metric, name_, unit_, METRIC_COUNTER, help_,                                       \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

/* A row per metric, in the order of the enum: the order in which they are shown. */
static const struct metric_def metric_defs[] = {
	{METRIC_BUILD_INFO, "stagewatch_build", NULL, METRIC_INFO, "Version of this program.",
		{"version"}},
	G(METRIC_UP, "stagewatch_up", NULL,
		"1 if all that is configured of the cluster answered in the last poll, and was "
		"understood, 0 if not.",
		"spark_cluster"),
	G(METRIC_TARGETS, "stagewatch_targets", NULL,
		"Drivers and masters by what comes of asking them.", "spark_cluster", "state"),
	G(METRIC_LAST_POLL_TIMESTAMP_SECONDS, "stagewatch_last_poll_timestamp_seconds", "seconds",
		"Time of the last successful poll of the cluster, since 1970.", "spark_cluster"),
	{METRIC_POLL_DURATION_SECONDS, "stagewatch_poll_duration_seconds", "seconds",
		METRIC_HISTOGRAM, "Time from the start of a poll of a cluster to its last answer.",
		{"spark_cluster"}},
	C(METRIC_POLL_OVERRUNS, "stagewatch_poll_overruns", NULL,
		"Polls of a cluster that came before all of its drivers could be asked in the one "
		"before.",
		"spark_cluster"),
	C(METRIC_POLL_ERRORS, "stagewatch_poll_errors", NULL,
		"Requests to Spark that got no usable answer.", "spark_cluster", "reason"),
	G(METRIC_APPS, "stagewatch_apps", NULL, "Watched apps.", "spark_cluster"),
	G(METRIC_APPS_OVER_MAX_RUNTIME, "stagewatch_apps_over_max_runtime", NULL,
		"Watched apps that run for longer than max_runtime of their rule.",
		"spark_cluster"),
	G(METRIC_APPS_IGNORED, "stagewatch_apps_ignored", NULL,
		"Watched apps that are not judged, as their own properties ask.", "spark_cluster"),
	G(METRIC_STAGES, "stagewatch_stages", NULL, "Active stages by verdict.", "spark_cluster",
		"verdict"),
	G(METRIC_APP_VERDICTS, "stagewatch_app_verdicts", NULL,
		"Apps by the verdict on the app as a whole.", "spark_cluster", "verdict"),
	G(METRIC_STAGE_STALLED_SECONDS, "stagewatch_stage_stalled_seconds", "seconds",
		"Time without progress of a stage that is suspect or worse.", "spark_cluster",
		"app_id", "stage_id", "attempt_id"),
	G(METRIC_STAGES_NOT_SHOWN, "stagewatch_stages_not_shown", NULL,
		"Stages left out of stagewatch_stage_stalled_seconds because there were too many."),
	C(METRIC_INCIDENTS, "stagewatch_incidents", NULL, "Incidents that reached a verdict.",
		"verdict", "rule"),
	G(METRIC_INCIDENTS_OPEN, "stagewatch_incidents_open", NULL,
		"Open incidents by their present verdict.", "verdict"),
	G(METRIC_INCIDENT_OPEN, "stagewatch_incident_open", NULL,
		"1 for each open incident. Of more than 100 the rest are counted, as incident "
		"more.",
		"incident", "spark_cluster", "app", "name", "stage", "verdict", "dag", "task",
		"rule", "acting"),
	G(METRIC_INCIDENT_SINCE_TIMESTAMP_SECONDS, "stagewatch_incident_since_timestamp_seconds",
		"seconds",
		"Time since which what an open incident is about has lasted, since 1970.",
		"incident"),
	C(METRIC_ACTIONS, "stagewatch_actions", NULL, "Actions by outcome.", "action", "outcome"),
	C(METRIC_ACTIONS_REFUSED, "stagewatch_actions_refused", NULL,
		"Number of times that an action was due and did not begin, or was given up before "
		"its first request.",
		"action", "reason"),
	C(METRIC_OBSERVED, "stagewatch_observed", NULL,
		"Hangs that mode act would have acted upon, and what became of them untouched.",
		"rule", "verdict", "outcome"),
	C(METRIC_FALSE_ALARMS, "stagewatch_false_alarms", NULL,
		"Incidents of which a person said that they are no hang.", "rule"),
	C(METRIC_EVIDENCE_REQUESTS, "stagewatch_evidence_requests", NULL,
		"Requests for evidence about apps under suspicion.", "kind"),
	C(METRIC_EVIDENCE_FAILURES, "stagewatch_evidence_failures", NULL,
		"Requests for evidence that got no answer.", "kind"),
	G(METRIC_APP_START_TIMESTAMP_SECONDS, "stagewatch_app_start_timestamp_seconds", "seconds",
		"Time at which an app began, since 1970.", "spark_cluster", "app_id", "app_name"),
	G(METRIC_APP_HEAP_LIMIT_BYTES, "stagewatch_app_heap_limit_bytes", "bytes",
		"Maximum heap size of the driver, or of an executor.", "spark_cluster", "app_id",
		"process"),
	G(METRIC_APP_HEAP_PEAK_BYTES, "stagewatch_app_heap_peak_bytes", "bytes",
		"Largest heap that the driver, or any executor, has used.", "spark_cluster",
		"app_id", "process"),
	G(METRIC_APP_PROCESS_PEAK_BYTES, "stagewatch_app_process_peak_bytes", "bytes",
		"Largest resident memory of a JVM with its Python workers, where Spark measures "
		"it.",
		"spark_cluster", "app_id", "process"),
	C(METRIC_APP_TASK_SECONDS, "stagewatch_app_task_seconds", "seconds",
		"Total run time of completed tasks.", "spark_cluster", "app_id"),
	C(METRIC_APP_GC_SECONDS, "stagewatch_app_gc_seconds", "seconds",
		"Total garbage collection time of completed tasks.", "spark_cluster", "app_id"),
	G(METRIC_STAGE_PROGRESS_RATIO, "stagewatch_stage_progress_ratio", NULL,
		"Share of the tasks of an active stage that are complete.", "spark_cluster",
		"app_id", "stage_id", "attempt_id"),
	G(METRIC_APPS_NOT_SHOWN, "stagewatch_apps_not_shown", NULL,
		"Apps left out of the series of single apps because there were too many."),
	C(METRIC_APPS_LEFT_OUT, "stagewatch_apps_left_out", NULL,
		"Number of times that there were more apps than max_apps, and a healthy one was "
		"not watched."),
	G(METRIC_AUDIT_FINDINGS, "stagewatch_audit_findings", NULL,
		"Audit findings on running apps.", "severity"),
	G(METRIC_ACTIONS_LAST_HOUR, "stagewatch_actions_last_hour", NULL,
		"Actions that began within the last hour; the limit is [limits] actions_per_hour."),
	G(METRIC_ACTIONS_PENDING, "stagewatch_actions_pending", NULL, "Actions in progress."),
	G(METRIC_OLDEST_PENDING_ACTION_TIMESTAMP_SECONDS,
		"stagewatch_oldest_pending_action_timestamp_seconds", "seconds",
		"Time at which the oldest action in progress began, since 1970; absent "
		"without one."),
	G(METRIC_LEDGER_UP, "stagewatch_ledger_up", NULL,
		"1 if the ledger can be written, 0 if not: then no action is taken."),
	C(METRIC_LEDGER_DAMAGED, "stagewatch_ledger_damaged", NULL,
		"Times that the ledger was damaged: it was kept under another name, and made "
		"anew."),
	G(METRIC_BREAKER_OPEN, "stagewatch_breaker_open", NULL,
		"1 if the storm breaker is open: so many apps hang that no action begins."),
	G(METRIC_AIRFLOW_UP, "stagewatch_airflow_up", NULL,
		"1 if Airflow's last answer showed a healthy scheduler, 0 if not.", "airflow"),
	C(METRIC_AIRFLOW_ERRORS, "stagewatch_airflow_errors", NULL,
		"Requests to Airflow that failed, were refused or got no usable answer.", "airflow",
		"reason"),
	G(METRIC_LEADER, "stagewatch_leader", NULL,
		"1 if this replica leads and may act, 0 if not; absent without [leader].", "lease",
		"replica"),
	C(METRIC_LEADER_TRANSITIONS, "stagewatch_leader_transitions", NULL,
		"Number of times that another replica took the lead, as the lease says.", "lease"),
	C(METRIC_LEADER_ERRORS, "stagewatch_leader_errors", NULL,
		"Requests about the lease that got no usable answer.", "lease"),
	G(METRIC_TARGET_CERTIFICATE_EXPIRY,
		"stagewatch_target_certificate_expiry_timestamp_seconds", "seconds",
		"When the first certificate that a server shows ends, since 1970.", "target"),
	G(METRIC_CREDENTIAL_EXPIRY, "stagewatch_credential_expiry_timestamp_seconds", "seconds",
		"When a token or a certificate of the configuration ends, since 1970.", "kind",
		"file"),
	C(METRIC_WEB_REFUSED, "stagewatch_web_refused", NULL,
		"Connections to the web server and the control socket that were ended, and "
		"requests that were refused, before anything was made of them.",
		"server", "reason"),
	G(METRIC_PAUSED, "stagewatch_paused", NULL,
		"1 while paused, by a person or after a damaged ledger: no new action begins."),
	G(METRIC_MAINTENANCE, "stagewatch_maintenance", NULL,
		"1 if the host's clock is within the maintenance window.", "window"),
	G(METRIC_AIRFLOW_ACCESS, "stagewatch_airflow_access", NULL,
		"1 if the Airflow user has the permission, 0 if not; absent while unknown.",
		"airflow", "right"),
	G(METRIC_CLUSTER_ACCESS, "stagewatch_cluster_access", NULL,
		"1 if the cluster manager allows a kill, 0 if not; absent while unknown.",
		"spark_cluster", "right"),
	C(METRIC_NOTIFICATIONS, "stagewatch_notifications", NULL, "Messages to people by outcome.",
		"notify", "outcome"),
	C(METRIC_NOTIFICATION_ERRORS, "stagewatch_notification_errors", NULL,
		"Failed attempts to deliver a message.", "notify", "reason"),
	G(METRIC_NOTIFICATIONS_PENDING, "stagewatch_notifications_pending", NULL,
		"Messages that are not delivered yet.", "notify"),
	G(METRIC_OLDEST_PENDING_NOTIFICATION_SECONDS,
		"stagewatch_oldest_pending_notification_seconds", "seconds",
		"Age of the oldest message that is not delivered yet, 0 without one."),
	G(METRIC_SHARD, "stagewatch_shard", NULL,
		"Which part of the apps this daemon watches, from 1 to stagewatch_shards."),
	G(METRIC_SHARDS, "stagewatch_shards", NULL,
		"Number of daemons that watch a part of the apps each."),
	G(METRIC_MODE, "stagewatch_mode", NULL, "1 for the mode in force: act where any rule acts.",
		"mode"),
	G(METRIC_RULE_MODE, "stagewatch_rule_mode", NULL,
		"1 for each rule, by its action and the mode that holds for it.", "rule", "action",
		"mode"),
	C(METRIC_LOG_LEFT_OUT, "stagewatch_log_lines_left_out", NULL,
		"Lines of the log that were left out, since there were too many within a minute."),
	G(METRIC_CONFIG_LAST_RELOAD_SUCCESSFUL, "stagewatch_config_last_reload_successful", NULL,
		"1 if the last read of the configuration found no fault, 0 if it did."),
	G(METRIC_CONFIG_LAST_RELOAD_SUCCESS_TIMESTAMP_SECONDS,
		"stagewatch_config_last_reload_success_timestamp_seconds", "seconds",
		"Time of the last successful read of the configuration, since 1970."),
	C(METRIC_PROCESS_CPU_SECONDS, "process_cpu_seconds", "seconds",
		"User and system CPU time of this process."),
	G(METRIC_PROCESS_RESIDENT_MEMORY_BYTES, "process_resident_memory_bytes", "bytes",
		"Resident memory of this process."),
	G(METRIC_PROCESS_OPEN_FDS, "process_open_fds", NULL,
		"Open file descriptors of this process."),
	G(METRIC_PROCESS_MAX_FDS, "process_max_fds", NULL,
		"Limit of open file descriptors of this process."),
	G(METRIC_PROCESS_START_TIME_SECONDS, "process_start_time_seconds", "seconds",
		"Start time of this process, since 1970."),
};

_Static_assert(ELEMENTSOF(metric_defs) == METRIC_MAX, "a row per metric");

const struct metric_def *metric_def(enum metric m)
{
	return &metric_defs[m];
}

void metrics_begin(struct metrics_writer *w, enum metrics_format format)
{
	*w = (struct metrics_writer){.format = format};
}

static const char *type_name(enum metric_type t, enum metrics_format f)
{
	switch (t) {
	case METRIC_GAUGE:
		return "gauge";
	case METRIC_COUNTER:
		return "counter";
	case METRIC_HISTOGRAM:
		return "histogram";
	case METRIC_INFO:
		break;
	}
	return f == METRICS_OPENMETRICS ? "info" : "gauge";
}

static const char *suffix(enum metric_type t)
{
	return t == METRIC_COUNTER ? "_total" : t == METRIC_INFO ? "_info" : "";
}

/* The lines before its samples. */
static void add_family(struct strbuf *out, const struct metric_def *d, enum metrics_format format)
{
	/* In 0.0.4 the family carries the name of its samples, in OpenMetrics it does not. */
	const char *end = format == METRICS_OPENMETRICS ? "" : suffix(d->type);

	strbuf_addf(out, "# TYPE %s%s %s\n", d->name, end, type_name(d->type, format));
	if (format == METRICS_OPENMETRICS && d->unit)
		strbuf_addf(out, "# UNIT %s %s\n", d->name, d->unit);
	strbuf_addf(out, "# HELP %s%s %s\n", d->name, end, d->help);
}

static void add_escaped(struct strbuf *out, const char *s)
{
	for (;;) {
		size_t n = strcspn(s, "\\\"\n");

		strbuf_add_n(out, s, n);
		s += n;
		if (*s == '\0')
			return;
		strbuf_add(out, *s == '\n' ? "\\n" : *s == '"' ? "\\\"" : "\\\\");
		s++;
	}
}

/* A value that the caller left out is "", which Prometheus takes for no label. */
static void add_labels(
	struct strbuf *out, const struct metric_def *d, const char *const *values, const char *le)
{
	const char *glue = "{";
	bool more = values != NULL;

	for (size_t i = 0; i < ELEMENTSOF(d->labels) && d->labels[i]; i++) {
		more = more && values[i];
		strbuf_add_n(out, glue, 1);
		strbuf_add(out, d->labels[i]);
		strbuf_add_n(out, "=\"", 2);
		add_escaped(out, more ? values[i] : "");
		strbuf_add_n(out, "\"", 1);
		glue = ",";
	}
	if (le) {
		strbuf_addf(out, "%sle=\"%s\"", glue, le);
		glue = ",";
	}
	if (*glue == ',')
		strbuf_add_n(out, "}", 1);
}

/* Whole numbers as such; else enough digits to tell two doubles apart for a person's purposes. */
static void add_value(struct strbuf *out, double v)
{
	if (v == floor(v) && fabs(v) < 1e15) {
		strbuf_add_n(out, " ", 1);
		strbuf_add_integer(out, (int64_t)v);
		strbuf_add_n(out, "\n", 1);
	} else {
		strbuf_addf(out, " %.6f\n", v);
	}
}

void metrics_add(struct metrics_writer *w, enum metric m, const char *const *values, double value)
{
	const struct metric_def *d = metric_def(m);
	struct strbuf *out = &w->samples[m];

	strbuf_add(out, d->name);
	strbuf_add(out, suffix(d->type));
	add_labels(out, d, values, NULL);
	add_value(out, value);
}

void metrics_add_histogram(struct metrics_writer *w, enum metric m, const char *const *values,
	const struct histogram *h)
{
	const struct metric_def *d = metric_def(m);
	struct strbuf *out = &w->samples[m];
	uint64_t total = 0;

	for (size_t i = 0; i < ELEMENTSOF(h->buckets); i++) {
		char le[32] = "+Inf";

		if (i < ELEMENTSOF(histogram_bounds))
			(void)snprintf(le, sizeof(le),
				histogram_bounds[i] == floor(histogram_bounds[i]) ? "%.1f" : "%g",
				histogram_bounds[i]);
		total += h->buckets[i];
		strbuf_addf(out, "%s_bucket", d->name);
		add_labels(out, d, values, le);
		strbuf_addf(out, " %" PRIu64 "\n", total);
	}
	strbuf_addf(out, "%s_sum", d->name);
	add_labels(out, d, values, NULL);
	add_value(out, h->sum);
	strbuf_addf(out, "%s_count", d->name);
	add_labels(out, d, values, NULL);
	strbuf_addf(out, " %" PRIu64 "\n", total);
}

int metrics_end(struct metrics_writer *w, char **ret)
{
	struct strbuf out = {0};

	for (size_t m = 0; m < METRIC_MAX; m++) {
		struct strbuf *samples = &w->samples[m];

		out.failed = out.failed || samples->failed;
		if (samples->len > 0) {
			add_family(&out, metric_def((enum metric)m), w->format);
			strbuf_add_n(&out, samples->text, samples->len);
		}
		strbuf_clear(samples);
	}
	if (w->format == METRICS_OPENMETRICS)
		strbuf_add(&out, "# EOF\n");
	return strbuf_finish(&out, ret);
}

/* The q-value of one entry of an Accept header; 1 when absent, 0 when malformed. */
static double entry_quality(const char *entry, size_t len)
{
	const char *end = entry + len;

	for (const char *p = memchr(entry, ';', len); p; p = memchr(p, ';', (size_t)(end - p))) {
		p++;
		while (p < end && *p == ' ')
			p++;
		if (end - p > 2 && (*p == 'q' || *p == 'Q') && p[1] == '=') {
			char text[8] = "";
			char *rest;
			double q;

			(void)snprintf(text, sizeof(text), "%.*s", (int)(end - p - 2), p + 2);
			q = strtod(text, &rest);
			return rest == text || q < 0 || q > 1 ? 0 : q;
		}
	}
	return 1;
}

static bool entry_is(const char *entry, size_t len, const char *type)
{
	size_t n = strlen(type);

	return len >= n && strncasecmp(entry, type, n) == 0 &&
	       (len == n || entry[n] == ';' || entry[n] == ' ');
}

enum metrics_format metrics_negotiate(const char *accept)
{
	double text = 0;
	double open = 0;

	for (const char *p = accept; p && *p;) {
		size_t len = strcspn(p, ",");

		while (len > 0 && *p == ' ') {
			p++;
			len--;
		}
		if (entry_is(p, len, "application/openmetrics-text"))
			open = fmax(open, entry_quality(p, len));
		else if (entry_is(p, len, "text/plain") || entry_is(p, len, "text/*") ||
			 entry_is(p, len, "*/*"))
			text = fmax(text, entry_quality(p, len));
		p += len;
		if (*p == ',')
			p++;
	}
	return open > 0 && open >= text ? METRICS_OPENMETRICS : METRICS_TEXT;
}

const char *metrics_content_type(enum metrics_format f)
{
	return f == METRICS_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}
