/* SPDX-License-Identifier: Apache-2.0
 * Counters of the daemon's life, all at zero from the start. They are shown, and decide nothing:
 * what decides is in setup/health.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/time.h"
#include "core/act/policy.h"
#include "core/detect/verdict.h"
#include "core/facts/rule.h"
#include "core/notify/outbox.h"
#include "setup/faults.h"
#include "setup/settings.h"

/* At least as many as answer_reasons, airflow_reasons and notify_reasons hold. */
#define STATS_MAX_REASONS 24

enum action_outcome {
	ACTION_DRY_RUN,
	ACTION_REQUESTED,
	ACTION_CONFIRMED,
	ACTION_UNCONFIRMED,
	ACTION_FAILED,
	ACTION_OUTCOME_MAX
};

const char *action_outcome_name(enum action_outcome o);

struct cluster_stats {
	char *name; /* owned; a cluster keeps its numbers over a reload */
	uint64_t errors[STATS_MAX_REASONS];
	struct histogram durations;
	uint64_t overruns; /* ticks in which a driver's poll before was still in our own line */
};

struct airflow_stats {
	char *name;
	uint64_t errors[STATS_MAX_REASONS];
};

struct notify_stats {
	char *name;
	uint64_t fates[OUTBOX_FATE_MAX];
	uint64_t errors[STATS_MAX_REASONS];
};

/* Of hangs that would have been acted upon in mode act, and what became of them. */
enum observed_count {
	OBSERVED_WOULD_HAVE_ACTED,
	OBSERVED_MOVED_AGAIN,
	OBSERVED_ENDED,
	OBSERVED_MAX
};

const char *observed_count_name(enum observed_count o);

struct rule_stats {
	char *name;
	uint64_t observed[OBSERVED_MAX];
	uint64_t false_alarms; /* a person said so */
	uint64_t incidents[VERDICT_MAX];
};

struct stats {
	struct cluster_stats *clusters;
	size_t n_clusters;
	struct airflow_stats *airflows;
	size_t n_airflows;
	struct notify_stats *notifies;
	size_t n_notifies;
	struct rule_stats *rules;
	size_t n_rules;
	uint64_t actions[RULE_ACTION_MAX][ACTION_OUTCOME_MAX];
	uint64_t refused[RULE_ACTION_MAX][POLICY_REASON_MAX];
};

/* The row of that name, made where it is missing; NULL without memory. A pointer holds until the
 * next row is made. */
struct cluster_stats *stats_cluster(struct stats *s, const char *name);
struct airflow_stats *stats_airflow(struct stats *s, const char *name);
struct notify_stats *stats_notify(struct stats *s, const char *name);
struct rule_stats *stats_rule(struct stats *s, const char *name);

/* Counts a reason by its place in a table of words. */
void stats_count_reason(uint64_t *counts, const char *const *words, size_t n, const char *reason);

/* Counts a hang of that rule. */
void stats_observed(struct stats *s, const char *rule, enum observed_count what);

/* Counts a word of answer_reasons for the cluster; NULL counts nothing. */
void stats_cluster_error(struct stats *s, const char *cluster, const char *reason);

/* Rows for all that is configured, so that every series exists from the start. -ENOMEM. */
int stats_prepare(struct stats *stats, const struct settings *s);

void stats_clear(struct stats *s);
