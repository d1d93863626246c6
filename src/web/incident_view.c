/* SPDX-License-Identifier: Apache-2.0
 * Looks up what belongs to an incident, and what is near it. */
#include "web/incident_view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "remedy/remediator.h"

/* Looked at of each incident: more would cost more than they tell. */
#define MAX_TASKS 64
#define MAX_PLACES 8
#define MAX_OTHERS 200

static const char *const verbs[] = {
	[VERDICT_PROGRESSING] = "progresses",
	[VERDICT_SUSPECT] = "may hang",
	[VERDICT_HUNG] = "hangs",
	[VERDICT_SLOW] = "is slow",
	[VERDICT_STARVED] = "gets no executor for its tasks",
	[VERDICT_CRASH_LOOP] = "fails its tasks again and again",
	[VERDICT_PHANTOM] = "is listed as active and does not run",
	[VERDICT_IDLE] = "does nothing",
	[VERDICT_UNOBSERVABLE] = "cannot be observed",
	[VERDICT_NOT_STARTED] = "is not started",
};
_Static_assert(ELEMENTSOF(verbs) == VERDICT_MAX, "a verb per verdict");

void incident_view_of(const struct web_view *v, const struct incident *i, struct incident_view *ret)
{
	const struct settings *s = v->runtime->settings;
	struct app_history *a =
		i->ended > 0 ? NULL
			     : detector_find(v->detector, i->cluster, i->app_id, i->app_started);

	*ret = (struct incident_view){
		.incident = i,
		.app = a,
		.stage = a && i->stage_id >= 0 ? app_history_stage(a, i->stage_id, i->attempt_id)
					       : NULL,
	};
	ret->rule = runtime_rule_of(v->runtime, i, &ret->wishes);
	ret->outlook = (struct outlook){
		.dry = !ret->rule || settings_dry(s, ret->rule),
		.paused = holds_paused(v->holds),
		.window = holds_window_of(v->holds, i),
		.remedy = remediator_remedy(v->remediator, i),
		.now = v->now,
		.wall = v->wall,
	};
}

usec_t incident_view_since(const struct web_view *v, const struct incident_view *i)
{
	const struct verdict_detail *e = &i->incident->numbers;

	/* An incident that has ended lasts no longer. */
	if (i->incident->ended > 0 || !e->reason || e->since == 0 || e->since > v->now)
		return i->incident->opened;
	return usec_sub(v->wall, v->now - e->since);
}

int incident_view_title(const struct incident *i, char **ret)
{
	const char *name = i->app_name && *i->app_name ? i->app_name : i->app_id;
	const char *verb = i->ended > 0 ? "" : verbs[i->verdict];

	if (i->stage_id < 0)
		return str_printf(ret, "%s %s", name, i->ended > 0 ? "is over" : verb);
	return str_printf(ret, "Stage %" PRId64 " of %s%s%s", i->stage_id, name,
		i->ended > 0 ? " is over" : " ", verb);
}

static int compare_incidents(const void *a, const void *b)
{
	const struct incident *x = *(const struct incident *const *)a;
	const struct incident *y = *(const struct incident *const *)b;
	int order = (int)verdict_def(y->verdict)->severity - (int)verdict_def(x->verdict)->severity;

	if (order != 0)
		return order;
	return x->number < y->number ? 1 : x->number > y->number ? -1 : 0;
}

int incident_view_open(const struct web_view *v, const struct incident ***ret, size_t *ret_n)
{
	const struct incident_list *l = v->incidents;
	const struct incident **open = calloc(l->n + 1, sizeof(const struct incident *));
	size_t n = 0;

	if (!open)
		return -ENOMEM;
	for (size_t k = 0; k < l->n; k++)
		if (l->items[k]->ended == 0)
			open[n++] = l->items[k];
	qsort(open, n, sizeof(const struct incident *), compare_incidents);
	*ret = open;
	*ret_n = n;
	return 0;
}

/* Where the tasks of a stage run that show no progress. */
struct places {
	const char *hosts[MAX_PLACES];
	size_t n_hosts;
	const char *executors[MAX_PLACES];
	size_t n_executors;
};

static void add_place(const char **list, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (str_equal(list[i], name))
			return;
	if (name && *n < MAX_PLACES)
		list[(*n)++] = name;
}

static void places_of(const struct incident_view *i, struct places *ret)
{
	const struct task_tracks *t = i->stage ? &i->stage->tasks : NULL;

	*ret = (struct places){0};
	for (size_t k = 0; t && k < t->n && k < MAX_TASKS; k++) {
		const struct executor_track *x =
			evidence_executor(&i->app->evidence, t->items[k].executor_id);

		add_place(ret->executors, &ret->n_executors, t->items[k].executor_id);
		add_place(ret->hosts, &ret->n_hosts, x ? x->host : NULL);
	}
}

/* One that is in both; NULL: none. */
static const char *common(const char *const *a, size_t n_a, const char *const *b, size_t n_b)
{
	for (size_t i = 0; i < n_a; i++)
		for (size_t k = 0; k < n_b; k++)
			if (str_equal(a[i], b[k]))
				return a[i];
	return NULL;
}

static void count_neighbour(const struct web_view *v, const struct incident_view *i,
	const struct places *here, const struct incident *other, struct neighbours *ret)
{
	struct incident_view view;
	struct places there;
	const char *host;

	ret->n_open++;
	if (!str_equal(other->cluster, i->incident->cluster))
		return;
	if (ret->n_cluster++ >= MAX_OTHERS)
		return;
	incident_view_of(v, other, &view);
	places_of(&view, &there);
	host = common(here->hosts, here->n_hosts, there.hosts, there.n_hosts);
	ret->n_host += host != NULL;
	if (host)
		ret->host = host;
	if (!view.app || view.app != i->app)
		return;
	ret->n_app++;
	if (!ret->executor)
		ret->executor = common(
			here->executors, here->n_executors, there.executors, there.n_executors);
}

void incident_view_neighbours(
	const struct web_view *v, const struct incident_view *i, struct neighbours *ret)
{
	struct places here;

	*ret = (struct neighbours){0};
	places_of(i, &here);
	for (size_t k = 0; k < v->incidents->n; k++) {
		const struct incident *other = v->incidents->items[k];

		if (other != i->incident && other->ended == 0)
			count_neighbour(v, i, &here, other, ret);
	}
	for (size_t k = 0; k < detector_n_apps(v->detector); k++) {
		const struct app_history *a = detector_app_at(v->detector, k);

		if (!str_equal(a->cluster, i->incident->cluster))
			continue;
		ret->n_apps_cluster++;
		ret->n_apps_unhealthy += a->n_still > 0;
	}
}
