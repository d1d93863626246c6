/* SPDX-License-Identifier: Apache-2.0
 * Incidents to series. */
#include "web/incident_metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LABELS METRIC_LABELS

/* Of those without a series of their own: how many, by cluster as in the settings. The last row
 * has those of clusters that are no longer configured. */
struct rest {
	const struct settings *settings;
	size_t (*rows)[VERDICT_MAX];
	size_t n_shown;
};

static bool is_acted_upon(const struct web_view *v, const struct incident *i)
{
	struct app_wishes wishes;
	const struct rule *rule = runtime_rule_of(v->runtime, i, &wishes);

	return i->action > RULE_ACTION_NOTIFY && rule && !settings_dry(v->runtime->settings, rule);
}

/* Since 1970. That of before a restart is not known: the incident was opened later. */
static usec_t since(const struct web_view *v, const struct incident *i)
{
	usec_t lasting = usec_sub(v->now, i->numbers.since);

	return i->inherited || i->numbers.since == 0 ? i->opened : usec_sub(v->wall, lasting);
}

static void label_stage(const struct incident *i, char *buf, size_t size)
{
	buf[0] = '\0';
	if (i->stage_id >= 0)
		(void)snprintf(buf, size, "%" PRId64 ".%" PRId64, i->stage_id, i->attempt_id);
}

static void add_incident(
	const struct web_view *v, const struct incident *i, struct metrics_writer *w)
{
	_cleanup_free_ char *name = NULL;
	_cleanup_free_ char *dag = NULL;
	_cleanup_free_ char *task = NULL;
	const usec_t seconds = since(v, i) / USEC_PER_SEC;
	char stage[48];

	label_stage(i, stage, sizeof(stage));
	if (str_printable(i->app_name, INCIDENT_MAX_LABEL, &name) < 0 ||
		str_printable(i->owner.dag_id, INCIDENT_MAX_LABEL, &dag) < 0 ||
		str_printable(i->owner.task_id, INCIDENT_MAX_LABEL, &task) < 0) {
		w->samples[METRIC_INCIDENT_OPEN].failed = true;
		return;
	}
	metrics_add(w, METRIC_INCIDENT_OPEN,
		LABELS(i->id, i->cluster, i->app_id, name, stage, verdict_name(i->verdict), dag,
			task, i->rule, is_acted_upon(v, i) ? "yes" : "no"),
		1);
	metrics_add(w, METRIC_INCIDENT_SINCE_TIMESTAMP_SECONDS, LABELS(i->id), (double)seconds);
}

static void count(struct rest *rest, const struct incident *i)
{
	size_t at = 0;

	while (at < rest->settings->n_sources &&
		!str_equal(rest->settings->sources[at].name, i->cluster))
		at++;
	rest->rows[at][i->verdict]++;
}

static void add_those(
	const struct web_view *v, bool critical, struct rest *rest, struct metrics_writer *w)
{
	for (size_t k = 0; k < v->incidents->n; k++) {
		const struct incident *i = v->incidents->items[k];
		bool is_critical = verdict_def(i->verdict)->severity == SEVERITY_CRITICAL;

		if (i->ended > 0 || is_critical != critical)
			continue;
		if (rest->n_shown < INCIDENTS_SHOWN)
			add_incident(v, i, w);
		else
			count(rest, i);
		rest->n_shown++;
	}
}

static void add_rest(const struct rest *rest, struct metrics_writer *w)
{
	for (size_t c = 0; c <= rest->settings->n_sources; c++)
		for (int k = 0; k < VERDICT_MAX; k++)
			if (rest->rows[c][k] > 0)
				metrics_add(w, METRIC_INCIDENT_OPEN,
					LABELS("more",
						c < rest->settings->n_sources
							? rest->settings->sources[c].name
							: "",
						"", "", "", verdict_name((enum verdict)k)),
					(double)rest->rows[c][k]);
}

void incident_metrics_add(const struct web_view *v, struct metrics_writer *w)
{
	struct rest rest = {.settings = v->runtime->settings};

	rest.rows = calloc(rest.settings->n_sources + 1, sizeof(*rest.rows));
	if (!rest.rows) {
		w->samples[METRIC_INCIDENT_OPEN].failed = true;
		return;
	}
	add_those(v, true, &rest, w);
	add_those(v, false, &rest, w);
	add_rest(&rest, w);
	free(rest.rows);
}
