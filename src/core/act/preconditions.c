/* SPDX-License-Identifier: Apache-2.0
 * Preconditions of an action: known faults of Airflow's versions, and what a new try needs. */
#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "core/act/preconditions.h"

#define MAX_NUMBER 9999U

#define WAY(w) (1U << (w))
/* Ways that set the task instance to failed, and ways that want another try. */
#define FAILS (WAY(END_WAY_KILL) | WAY(END_WAY_CLEAR))
#define RETRIES                                                                                    \
	(WAY(END_WAY_CLEAR) | WAY(END_WAY_AIRFLOW) | WAY(END_WAY_RESTART) | WAY(END_WAY_DEFERRED))

/* Numbers with # are issues of Airflow. Fixed in the version `before`, as far as is known: read in
 * their sources and threads, not all of them run. */
static const struct {
	struct airflow_version from;
	struct airflow_version before;
	unsigned ways;
	bool mapped;   /* only a mapped task */
	bool survives; /* only where nothing but Airflow could end the app */
	const char *text;
} faults[] = {
	{{0, 0, 1}, {2, 5, 0}, FAILS, false, false,
		"Airflow before 2.5 cannot set a task instance to failed by its API"},
	{{3, 0, 0}, {3, 0, 4}, FAILS, false, true,
		"Airflow 3.0.0 to 3.0.3 do not end the Spark driver of a task that is failed "
		"(#53718), and nothing else here can end the app"},
	{{3, 0, 0}, {3, 3, 0}, FAILS, false, true,
		"Airflow 3.0 to 3.2 may leave the child processes of a task that is failed alive "
		"(#65505), and nothing else here can end the app"},
	{{3, 1, 0}, {3, 1, 2}, FAILS, true, false,
		"Airflow 3.1.0 and 3.1.1 fail all indexes of a mapped task at once (#57101)"},
	{{0, 0, 1}, {3, 0, 0}, WAY(END_WAY_RESTART), false, false,
		"Airflow 2 does nothing when a running task instance is cleared"},
	{{3, 0, 0}, {3, 1, 0}, WAY(END_WAY_RESTART), false, false,
		"Airflow 3.0 leaves a task instance that is cleared while it runs restarting for "
		"good (#55045)"},
	{{3, 1, 0}, {3, 1, 8}, WAY(END_WAY_RESTART), false, false,
		"whether Airflow before 3.1.8 starts a new try of a task instance that is cleared "
		"while it runs is not known"},
};

static int compare(const struct airflow_version *a, const struct airflow_version *b)
{
	if (a->major != b->major)
		return a->major < b->major ? -1 : 1;
	if (a->minor != b->minor)
		return a->minor < b->minor ? -1 : 1;
	if (a->patch != b->patch)
		return a->patch < b->patch ? -1 : 1;
	return 0;
}

int airflow_version_parse(const char *s, struct airflow_version *ret)
{
	unsigned numbers[3] = {0};

	for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
		if (*s < '0' || *s > '9')
			break;
		for (; *s >= '0' && *s <= '9'; s++) {
			numbers[i] = numbers[i] * 10 + (unsigned)(*s - '0');
			if (numbers[i] > MAX_NUMBER)
				return -EINVAL;
		}
		if (*s != '.')
			break;
		s++;
	}
	if (numbers[0] == 0)
		return -EINVAL;
	*ret = (struct airflow_version){numbers[0], numbers[1], numbers[2]};
	return 0;
}

void preconditions_clear(struct preconditions *g)
{
	free(g->run_state);
	free(g->fires);
	free(g->beside);
	free(g->queued_run);
	*g = (struct preconditions){0};
}

bool ti_retry_left(const struct ti_obs *t)
{
	return t->max_tries > 0 && t->try_number <= t->max_tries;
}

static const char *fault_of_version(const struct airflow_version *v, const struct owner *o,
	const struct preconditions_app *app, enum end_way way)
{
	for (size_t i = 0; i < ELEMENTSOF(faults); i++) {
		if (!(faults[i].ways & WAY(way)) || (faults[i].mapped && o->map_index < 0) ||
			(faults[i].survives && app->can_kill))
			continue;
		if (compare(v, &faults[i].from) >= 0 && compare(v, &faults[i].before) < 0)
			return faults[i].text;
	}
	return NULL;
}

/* A try that would never start, or would start more than what hung. */
static const char *objection_to_retry(
	const struct preconditions *g, const struct ti_obs *t, enum end_way way)
{
	if (g->dag_paused)
		return "its DAG is paused: Airflow would start no new try";
	if (g->dag_stale)
		return "Airflow no longer finds its DAG: it would start no new try";
	if (str_equal(g->run_state, "failed") || str_equal(g->run_state, "success"))
		return "its DAG run is over: a retry would start the run again";
	if (!str_equal(g->run_state, "running") && !str_equal(g->run_state, "queued"))
		return "its DAG run is in an unknown state";
	if (way == END_WAY_AIRFLOW && !ti_retry_left(t))
		return "Airflow has no retry left for it";
	if (way == END_WAY_CLEAR && g->n_failed_siblings > 0)
		return "Airflow 2 cannot clear one index of a mapped task, and others of it have "
		       "failed: they would run again, too";
	return NULL;
}

/* The operator tells Airflow 3.3 and later to ask after the driver of the try before, and takes its
 * end for the task's: a driver that ends well because it was told to would count as success. */
static bool asks_after_driver(
	const struct preconditions *g, const struct ti_obs *t, const struct preconditions_app *app)
{
	static const struct airflow_version since = {3, 3, 0};

	return compare(&g->version, &since) >= 0 && app->cluster_mode &&
	       str_equal(t->operator, "SparkSubmitOperator");
}

/* What a way by itself wants. */
static const char *objection_to_way(const struct preconditions_question *q, enum end_way way)
{
	/* It outlives the process of its task: failed, that would leave it behind. */
	if (q->app.pod && !q->app.can_kill)
		return "its driver is a pod that kill_via of its rule cannot end: what controls it "
		       "would start the next one, or is not of that kind";
	if (q->app.no_kill)
		return q->app.no_kill;
	if (way == END_WAY_AIRFLOW && !q->app.can_kill)
		return "its cluster manager cannot end the app";
	if (way == END_WAY_DEFERRED && !q->app.can_kill)
		return "it is deferred: no process of Airflow would end the app, and its cluster "
		       "manager cannot";
	/* SparkSubmitOperator's poll, SparkKubernetesOperator, KubernetesPodOperator. */
	if (q->app.pod && (way == END_WAY_AIRFLOW || way == END_WAY_DEFERRED))
		return "its driver is a pod, and several operators take one that is gone for "
		       "success: its task is to be failed first (retry_via = auto or clear)";
	if (way != END_WAY_RESTART)
		return NULL;
	/* Killed in time, it would fail its task: then Airflow's retry_delay passes as well. */
	if (q->app.outlives_process)
		return "its driver runs in the cluster: Airflow, which waits for the task's "
		       "process "
		       "only, would start the new try beside it";
	/* Airflow starts the new try without asking: who else could end the app? */
	if (!q->app.can_kill || !q->app.kills_app)
		return "nothing but Airflow could end the app, and it would start a new try all "
		       "the same";
	if (!q->preconditions->tasks_known)
		return "Airflow does not say which tasks its DAG has";
	return NULL;
}

/* A retry that is left keeps it from failing. */
static bool may_fail(const struct preconditions_question *q, enum end_way way)
{
	if (way == END_WAY_DEFERRED)
		return !ti_retry_left(q->task);
	return way == END_WAY_CLEAR;
}

static int objection_to_fire(const struct preconditions_question *q, enum end_way way, char **ret)
{
	const struct preconditions *g = q->preconditions;

	if (q->app.may_fire || !may_fail(q, way))
		return 0;
	if (!g->tasks_known)
		return str_printf(ret,
			"it would be failed, and Airflow does not say which tasks run then; "
			"on_failure_tasks = run in its rule lets them");
	if (g->fires)
		return str_printf(ret,
			"it would be failed, and these tasks run when it is: %s; on_failure_tasks "
			"= run in its rule lets them",
			g->fires);
	return 0;
}

int preconditions_objection(const struct preconditions_question *q, enum end_way way, char **ret)
{
	const struct preconditions *g = q->preconditions;
	const char *text = NULL;

	if (g->version.major == 0)
		text = "Airflow does not say which version it is";
	if (!text)
		text = fault_of_version(&g->version, q->owner, &q->app, way);
	if (!text && WAY(way) & RETRIES)
		text = objection_to_retry(g, q->task, way);
	if (!text && WAY(way) & RETRIES && asks_after_driver(g, q->task, &q->app))
		text = "with a driver in a standalone cluster, Airflow 3.3's durable operator "
		       "could take the end of the hung app for success";
	if (!text)
		text = objection_to_way(q, way);
	if (text)
		return str_replace(ret, text);
	if ((way == END_WAY_RESTART || way == END_WAY_DEFERRED) && g->beside)
		return str_printf(
			ret, "its set-up would run again beside %s, which is alive", g->beside);
	/* Failed, it may end its run, and a run that waits takes the place at once. */
	if (way == END_WAY_CLEAR && g->queued_run)
		return str_printf(ret,
			"it would be failed, and run %s of its DAG is queued: it would take the "
			"place (max_active_runs), and the new try would wait for it",
			g->queued_run);
	return objection_to_fire(q, way, ret);
}
