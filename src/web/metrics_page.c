/* SPDX-License-Identifier: Apache-2.0
 * State to metrics. */
#include "web/metrics_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "action/airflow.h"
#include "base/log.h"
#include "io/procfs.h"
#include "source/driver_poll.h"
#include "store/store.h"
#include "web/app_metrics.h"
#include "web/incident_metrics.h"
#include "web/notifier_view.h"
#include "web/status_view.h"
#include "web/tally.h"

/* stage_stalled_seconds: so many series at most, whatever happens on the clusters. */
#define MAX_STALLED_SERIES 200

#define LABELS METRIC_LABELS

static void add_cluster(const struct cluster_stats *c, struct metrics_writer *w)
{
	metrics_add_histogram(w, METRIC_POLL_DURATION_SECONDS, LABELS(c->name), &c->durations);
	metrics_add(w, METRIC_POLL_OVERRUNS, LABELS(c->name), (double)c->overruns);
	for (size_t k = 0; k < n_answer_reasons; k++)
		metrics_add(w, METRIC_POLL_ERRORS, LABELS(c->name, answer_reasons[k]),
			(double)c->errors[k]);
}

static void add_cluster_health(const struct health_cluster *c, struct metrics_writer *w)
{
	if (!c->present)
		return;
	metrics_add(w, METRIC_UP, LABELS(c->name), c->up);
	for (int k = 0; k < TARGET_STATE_MAX; k++)
		metrics_add(w, METRIC_TARGETS,
			LABELS(c->name, target_state_name((enum target_state)k)),
			(double)c->targets[k]);
	if (c->last_poll > 0)
		metrics_add(w, METRIC_LAST_POLL_TIMESTAMP_SECONDS, LABELS(c->name),
			(double)c->last_poll / USEC_PER_SEC);
	/* What is not known is not there: neither 0 nor 1 would be true. */
	if (c->kill != PERMISSION_UNKNOWN)
		metrics_add(w, METRIC_CLUSTER_ACCESS, LABELS(c->name, "kill"),
			c->kill == PERMISSION_GRANTED);
}

static void add_verdicts(const struct tally_row *t, struct metrics_writer *w)
{
	metrics_add(w, METRIC_APPS, LABELS(t->cluster), (double)t->n_apps);
	metrics_add(w, METRIC_APPS_OVER_MAX_RUNTIME, LABELS(t->cluster), (double)t->n_overran);
	metrics_add(w, METRIC_APPS_IGNORED, LABELS(t->cluster), (double)t->n_ignored);
	for (int k = 0; k < VERDICT_MAX; k++) {
		const struct verdict_def *d = verdict_def((enum verdict)k);

		if (d->of & OF_STAGE)
			metrics_add(w, METRIC_STAGES, LABELS(t->cluster, d->name),
				(double)t->stages[k]);
		if (d->of & OF_APP)
			metrics_add(w, METRIC_APP_VERDICTS, LABELS(t->cluster, d->name),
				(double)t->apps[k]);
	}
}

static void add_all_verdicts(const struct web_view *v, struct metrics_writer *w)
{
	const struct settings *s = v->runtime->settings;
	struct tally t = {0};

	if (tally_of(v->detector, &t) < 0)
		w->samples[METRIC_APPS].failed = true;
	for (size_t i = 0; i < s->n_sources; i++) {
		struct tally_row row = tally_cluster(&t, s->sources[i].name);

		add_verdicts(&row, w);
	}
	tally_clear(&t);
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
	for (int k = 0; k < VERDICT_MAX; k++) {
		const struct verdict_def *d = verdict_def((enum verdict)k);

		if (!d->trouble)
			continue;
		for (size_t i = 0; i < v->stats->n_rules; i++)
			metrics_add(w, METRIC_INCIDENTS, LABELS(d->name, v->stats->rules[i].name),
				(double)v->stats->rules[i].incidents[k]);
		metrics_add(w, METRIC_INCIDENTS_OPEN, LABELS(d->name),
			(double)incident_count_open(v->incidents, d->verdict));
	}
}

static void add_evidence(const struct web_view *v, struct metrics_writer *w)
{
	const struct evidence_counts *s = evidence_counts(v->evidence_collector);

	for (int k = 0; k < WANT_MAX; k++) {
		const char *kind = evidence_kind_name((enum evidence_kind)k);

		metrics_add(w, METRIC_EVIDENCE_REQUESTS, LABELS(kind), (double)s->asked[k]);
		metrics_add(w, METRIC_EVIDENCE_FAILURES, LABELS(kind), (double)s->failed[k]);
	}
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

static void add_actions_of(const struct stats *s, enum rule_action action, struct metrics_writer *w)
{
	const char *name = rule_action_name(action);

	for (int o = 0; o < ACTION_OUTCOME_MAX; o++)
		metrics_add(w, METRIC_ACTIONS,
			LABELS(name, action_outcome_name((enum action_outcome)o)),
			(double)s->actions[action][o]);
	for (int k = 0; k < POLICY_REASON_MAX; k++)
		metrics_add(w, METRIC_ACTIONS_REFUSED,
			LABELS(name, policy_reason_name((enum policy_reason)k)),
			(double)s->refused[action][k]);
}

static void add_observed(const struct stats *s, struct metrics_writer *w)
{
	for (size_t i = 0; i < s->n_rules; i++)
		for (int k = 0; k < OBSERVED_MAX; k++)
			metrics_add(w, METRIC_OBSERVED,
				LABELS(s->rules[i].name, verdict_name(VERDICT_HUNG),
					observed_count_name((enum observed_count)k)),
				(double)s->rules[i].observed[k]);
}

static void add_actions(const struct web_view *v, struct metrics_writer *w)
{
	const struct remediator *m = v->remediator;

	add_actions_of(v->stats, RULE_ACTION_KILL, w);
	add_actions_of(v->stats, RULE_ACTION_RETRY, w);
	add_observed(v->stats, w);
	for (size_t i = 0; i < v->stats->n_rules; i++)
		metrics_add(w, METRIC_FALSE_ALARMS, LABELS(v->stats->rules[i].name),
			(double)v->stats->rules[i].false_alarms);
	metrics_add(w, METRIC_ACTIONS_LAST_HOUR, NULL, (double)remediator_n_last_hour(m));
	metrics_add(w, METRIC_ACTIONS_PENDING, NULL, (double)remediator_n_pending(m));
	if (remediator_n_pending(m) > 0)
		metrics_add(w, METRIC_OLDEST_PENDING_ACTION_TIMESTAMP_SECONDS, NULL,
			(double)usec_sub(v->wall, remediator_oldest(m)) / USEC_PER_SEC);
	metrics_add(w, METRIC_LEDGER_UP, NULL, !store_trouble(v->store));
	metrics_add(w, METRIC_LEDGER_DAMAGED, NULL, store_n_damaged(v->store));
	metrics_add(w, METRIC_BREAKER_OPEN, NULL, remediator_breaker(m)->open);
}

static void add_airflow(const struct airflow_stats *a, struct metrics_writer *w)
{
	for (size_t k = 0; k < n_airflow_reasons; k++)
		metrics_add(w, METRIC_AIRFLOW_ERRORS, LABELS(a->name, airflow_reasons[k]),
			(double)a->errors[k]);
}

static void add_airflow_health(const struct health_airflow *a, struct metrics_writer *w)
{
	if (!a->present)
		return;
	metrics_add(w, METRIC_AIRFLOW_UP, LABELS(a->name), a->up);
	for (int k = 0; k < AIRFLOW_RIGHT_MAX; k++)
		if (a->access[k] != PERMISSION_UNKNOWN)
			metrics_add(w, METRIC_AIRFLOW_ACCESS,
				LABELS(a->name, airflow_right_name((enum airflow_right)k)),
				a->access[k] == PERMISSION_GRANTED);
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

static void add_leader(const struct web_view *v, struct metrics_writer *w)
{
	struct leader_status s;

	if (!v->leader)
		return;
	leader_status(v->leader, &s);
	metrics_add(w, METRIC_LEADER, LABELS(s.lease, s.identity), s.leads);
	metrics_add(w, METRIC_LEADER_TRANSITIONS, LABELS(s.lease), (double)s.transitions);
	metrics_add(w, METRIC_LEADER_ERRORS, LABELS(s.lease), (double)s.n_errors);
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

static bool is_in_use(const struct web_view *v, const struct expiry *e)
{
	return usec_sub(v->now, e->seen) <= EXPIRY_KEPT;
}

static void add_credentials(const struct web_view *v, struct metrics_writer *w, const char *kind,
	const struct expiry_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_in_use(v, &l->items[i]))
			metrics_add(w, METRIC_CREDENTIAL_EXPIRY, LABELS(kind, l->items[i].name),
				(double)l->items[i].at / USEC_PER_SEC);
}

static void add_expiries(const struct web_view *v, struct metrics_writer *w)
{
	const struct expiry_list *targets = http_client_certificates(v->client);

	for (size_t i = 0; i < targets->n; i++)
		if (is_in_use(v, &targets->items[i]))
			metrics_add(w, METRIC_TARGET_CERTIFICATE_EXPIRY,
				LABELS(targets->items[i].name),
				(double)targets->items[i].at / USEC_PER_SEC);
	add_credentials(v, w, "token", credentials_tokens(v->credentials));
	add_credentials(v, w, "certificate", credentials_certificates(v->credentials));
	if (v->certificate)
		metrics_add(w, METRIC_CREDENTIAL_EXPIRY, LABELS("certificate", v->certificate),
			(double)v->certificate_expiry / USEC_PER_SEC);
}

static void add_refusals(
	const char *name, const struct http_server *server, struct metrics_writer *w)
{
	for (int k = 0; server && k < HTTP_REFUSAL_MAX; k++)
		metrics_add(w, METRIC_WEB_REFUSED,
			LABELS(name, http_refusal_name((enum http_refusal)k)),
			(double)http_server_refusals(server)[k]);
}

static void add_modes(const struct settings *s, struct metrics_writer *w)
{
	enum daemon_mode mode = settings_mode(s);

	metrics_add(w, METRIC_MODE, LABELS("observe"), mode == MODE_OBSERVE);
	metrics_add(w, METRIC_MODE, LABELS("act"), mode == MODE_ACT);
	for (size_t i = 0; i < s->rules.n; i++) {
		const struct rule *r = &s->rules.items[i];

		metrics_add(w, METRIC_RULE_MODE,
			LABELS(r->name, rule_action_name((enum rule_action)r->action),
				mode_name(settings_dry(s, r) ? MODE_OBSERVE : MODE_ACT)),
			1);
	}
}

static void add_daemon(const struct web_view *v, struct metrics_writer *w)
{
	metrics_add(w, METRIC_BUILD_INFO, LABELS(STAGEWATCHD_VERSION), 1);
	metrics_add(w, METRIC_SHARD, NULL, (double)v->runtime->settings->shard.k);
	metrics_add(w, METRIC_SHARDS, NULL, (double)v->runtime->settings->shard.n);
	add_modes(v->runtime->settings, w);
	metrics_add(w, METRIC_LOG_LEFT_OUT, NULL, (double)log_n_left_out());
	metrics_add(w, METRIC_CONFIG_LAST_RELOAD_SUCCESSFUL, NULL, v->reload_ok);
	metrics_add(w, METRIC_CONFIG_LAST_RELOAD_SUCCESS_TIMESTAMP_SECONDS, NULL,
		(double)v->reloaded / USEC_PER_SEC);
	add_process(v, w);
}

int metrics_page(const struct web_view *v, enum metrics_format format, char **ret)
{
	struct metrics_writer w;

	metrics_begin(&w, format);
	add_daemon(v, &w);
	add_expiries(v, &w);
	add_refusals("web", v->web_server, &w);
	add_refusals("control", v->control_server, &w);
	for (size_t i = 0; i < v->stats->n_clusters; i++)
		add_cluster(&v->stats->clusters[i], &w);
	for (size_t i = 0; i < v->health->n_clusters; i++)
		add_cluster_health(&v->health->clusters[i], &w);
	add_all_verdicts(v, &w);
	add_stalled(v, &w);
	add_incidents(v, &w);
	incident_metrics_add(v, &w);
	add_actions(v, &w);
	add_evidence(v, &w);
	app_metrics_add(v->detector, &w);
	metrics_add(&w, METRIC_APPS_LEFT_OUT, NULL, (double)detector_n_left_out(v->detector));
	add_audit(v, &w);
	for (size_t i = 0; i < v->stats->n_airflows; i++)
		add_airflow(&v->stats->airflows[i], &w);
	for (size_t i = 0; i < v->health->n_airflows; i++)
		add_airflow_health(&v->health->airflows[i], &w);
	add_leader(v, &w);
	add_holds(v, &w);
	notifier_view_metrics(v->notifier, v->health, v->stats, &w);
	return metrics_end(&w, ret);
}
