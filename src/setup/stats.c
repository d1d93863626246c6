/* SPDX-License-Identifier: Apache-2.0
 * Rows of counters by name. */
#include <errno.h>
#include <stdlib.h>

#include "setup/rows.h"
#include "setup/stats.h"

static const char *const outcomes[] = {
	[ACTION_DRY_RUN] = "dry_run",
	[ACTION_REQUESTED] = "requested",
	[ACTION_CONFIRMED] = "confirmed",
	[ACTION_UNCONFIRMED] = "unconfirmed",
	[ACTION_FAILED] = "failed",
};
_Static_assert(ELEMENTSOF(outcomes) == ACTION_OUTCOME_MAX, "a name per outcome");

static const char *const observed[] = {
	[OBSERVED_WOULD_HAVE_ACTED] = "would_have_acted",
	[OBSERVED_MOVED_AGAIN] = "moved_again",
	[OBSERVED_ENDED] = "ended",
};
_Static_assert(ELEMENTSOF(observed) == OBSERVED_MAX, "a name per count");

const char *observed_count_name(enum observed_count o)
{
	return observed[o];
}

const char *action_outcome_name(enum action_outcome o)
{
	return outcomes[o];
}

struct cluster_stats *stats_cluster(struct stats *s, const char *name)
{
	return rows_get((void **)&s->clusters, &s->n_clusters, sizeof(*s->clusters), name);
}

struct airflow_stats *stats_airflow(struct stats *s, const char *name)
{
	return rows_get((void **)&s->airflows, &s->n_airflows, sizeof(*s->airflows), name);
}

struct notify_stats *stats_notify(struct stats *s, const char *name)
{
	return rows_get((void **)&s->notifies, &s->n_notifies, sizeof(*s->notifies), name);
}

struct rule_stats *stats_rule(struct stats *s, const char *name)
{
	return rows_get((void **)&s->rules, &s->n_rules, sizeof(*s->rules), name);
}

void stats_count_reason(uint64_t *counts, const char *const *words, size_t n, const char *reason)
{
	for (size_t i = 0; i < n && i < STATS_MAX_REASONS; i++)
		if (str_equal(words[i], reason))
			counts[i]++;
}

void stats_observed(struct stats *s, const char *rule, enum observed_count what)
{
	struct rule_stats *r = stats_rule(s, rule);

	if (r)
		r->observed[what]++;
}

void stats_cluster_error(struct stats *s, const char *cluster, const char *reason)
{
	struct cluster_stats *c = reason ? stats_cluster(s, cluster) : NULL;

	if (c)
		stats_count_reason(c->errors, answer_reasons, n_answer_reasons, reason);
}

int stats_prepare(struct stats *stats, const struct settings *s)
{
	bool ok = stats_rule(stats, s->fallback.name) != NULL;

	for (size_t i = 0; i < s->n_sources; i++)
		ok = ok && stats_cluster(stats, s->sources[i].name);
	for (size_t i = 0; i < s->n_airflows; i++)
		ok = ok && stats_airflow(stats, s->airflows[i].name);
	for (size_t i = 0; i < s->n_notifies; i++)
		ok = ok && stats_notify(stats, s->notifies[i].name);
	for (size_t i = 0; i < s->rules.n; i++)
		ok = ok && stats_rule(stats, s->rules.items[i].name);
	return ok ? 0 : -ENOMEM;
}

void stats_clear(struct stats *s)
{
	for (size_t i = 0; i < s->n_clusters; i++)
		free(s->clusters[i].name);
	for (size_t i = 0; i < s->n_airflows; i++)
		free(s->airflows[i].name);
	for (size_t i = 0; i < s->n_notifies; i++)
		free(s->notifies[i].name);
	for (size_t i = 0; i < s->n_rules; i++)
		free(s->rules[i].name);
	free(s->clusters);
	free(s->airflows);
	free(s->notifies);
	free(s->rules);
	*s = (struct stats){0};
}
