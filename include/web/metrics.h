/* SPDX-License-Identifier: Apache-2.0
 * The metrics this program exposes, as a table, and a writer for the two text formats of
 * Prometheus. The writer holds the rules of the formats (order, escaping, suffixes), so that no
 * caller has to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/strbuf.h"

enum metric {
	METRIC_BUILD_INFO,
	METRIC_UP,
	METRIC_TARGETS,
	METRIC_LAST_POLL_TIMESTAMP_SECONDS,
	METRIC_POLL_DURATION_SECONDS,
	METRIC_POLL_OVERRUNS,
	METRIC_POLL_ERRORS,
	METRIC_APPS,
	METRIC_APPS_OVER_MAX_RUNTIME,
	METRIC_APPS_IGNORED,
	METRIC_STAGES,
	METRIC_APP_VERDICTS,
	METRIC_STAGE_STALLED_SECONDS,
	METRIC_STAGES_NOT_SHOWN,
	METRIC_INCIDENTS,
	METRIC_INCIDENTS_OPEN,
	METRIC_INCIDENT_OPEN,
	METRIC_INCIDENT_SINCE_TIMESTAMP_SECONDS,
	METRIC_ACTIONS,
	METRIC_ACTIONS_REFUSED,
	METRIC_OBSERVED,
	METRIC_FALSE_ALARMS,
	METRIC_EVIDENCE_REQUESTS,
	METRIC_EVIDENCE_FAILURES,
	METRIC_APP_START_TIMESTAMP_SECONDS,
	METRIC_APP_HEAP_LIMIT_BYTES,
	METRIC_APP_HEAP_PEAK_BYTES,
	METRIC_APP_PROCESS_PEAK_BYTES,
	METRIC_APP_TASK_SECONDS,
	METRIC_APP_GC_SECONDS,
	METRIC_STAGE_PROGRESS_RATIO,
	METRIC_APPS_NOT_SHOWN,
	METRIC_APPS_LEFT_OUT,
	METRIC_AUDIT_FINDINGS,
	METRIC_ACTIONS_LAST_HOUR,
	METRIC_ACTIONS_PENDING,
	METRIC_OLDEST_PENDING_ACTION_TIMESTAMP_SECONDS,
	METRIC_LEDGER_UP,
	METRIC_LEDGER_DAMAGED,
	METRIC_BREAKER_OPEN,
	METRIC_AIRFLOW_UP,
	METRIC_AIRFLOW_ERRORS,
	METRIC_LEADER,
	METRIC_LEADER_TRANSITIONS,
	METRIC_LEADER_ERRORS,
	METRIC_TARGET_CERTIFICATE_EXPIRY,
	METRIC_CREDENTIAL_EXPIRY,
	METRIC_WEB_REFUSED,
	METRIC_PAUSED,
	METRIC_MAINTENANCE,
	METRIC_AIRFLOW_ACCESS,
	METRIC_CLUSTER_ACCESS,
	METRIC_NOTIFICATIONS,
	METRIC_NOTIFICATION_ERRORS,
	METRIC_NOTIFICATIONS_PENDING,
	METRIC_OLDEST_PENDING_NOTIFICATION_SECONDS,
	METRIC_SHARD,
	METRIC_SHARDS,
	METRIC_MODE,
	METRIC_RULE_MODE,
	METRIC_LOG_LEFT_OUT,
	METRIC_CONFIG_LAST_RELOAD_SUCCESSFUL,
	METRIC_CONFIG_LAST_RELOAD_SUCCESS_TIMESTAMP_SECONDS,
	METRIC_PROCESS_CPU_SECONDS,
	METRIC_PROCESS_RESIDENT_MEMORY_BYTES,
	METRIC_PROCESS_OPEN_FDS,
	METRIC_PROCESS_MAX_FDS,
	METRIC_PROCESS_START_TIME_SECONDS,
	METRIC_MAX
};

enum metric_type {
	METRIC_GAUGE,
	METRIC_COUNTER,
	METRIC_HISTOGRAM,
	METRIC_INFO
};

struct metric_def {
	enum metric metric;
	const char *name; /* without the suffix _total or _info */
	const char *unit; /* OpenMetrics UNIT, also the end of the name; NULL: none */
	enum metric_type type;
	const char *help;
	const char *labels[12]; /* names, NULL-terminated */
};

const struct metric_def *metric_def(enum metric m);

enum metrics_format {
	METRICS_TEXT,
	METRICS_OPENMETRICS
};

/* Keeps the samples of each metric together, in whatever order they come. */
struct metrics_writer {
	struct strbuf samples[METRIC_MAX];
	enum metrics_format format;
};

void metrics_begin(struct metrics_writer *w, enum metrics_format format);

/* The values of a sample's labels, in the order of the definition. */
#define METRIC_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* One sample. values: METRIC_LABELS(); NULL where the metric has none. */
void metrics_add(struct metrics_writer *w, enum metric m, const char *const *values, double value);

void metrics_add_histogram(struct metrics_writer *w, enum metric m, const char *const *values,
	const struct histogram *h);

/* All of it, metrics in the order of the enum, those with samples only. The caller frees *ret; the
 * writer is empty afterwards. -ENOMEM. */
int metrics_end(struct metrics_writer *w, char **ret);

/* The format that an Accept header asks for, by q-values: OpenMetrics 1.0 where it is preferred at
 * least as much as plain text, else text 0.0.4, also for NULL and for what cannot be read. */
enum metrics_format metrics_negotiate(const char *accept);
const char *metrics_content_type(enum metrics_format f);
