/* SPDX-License-Identifier: Apache-2.0
 * What Airflow says around a task instance, and whether ending it or running it again is safe:
 * what its version is known to do wrong, and what its DAG and run are in. Pure. */
#pragma once

#include "core/act/task_graph.h"
#include "core/facts/model.h"

struct airflow_version {
	unsigned major; /* 0: not known */
	unsigned minor;
	unsigned patch;
};

/* "3.3.2", "2.11.0rc1", "2.10.4+vendor.1": the leading numbers, a missing one is 0. -EINVAL for
 * what does not begin with a number, or with one above 9999. */
int airflow_version_parse(const char *s, struct airflow_version *ret);

/* How a hang is to be ended. */
enum end_way {
	END_WAY_KILL,     /* fail the task instance, see the app end; no new try */
	END_WAY_CLEAR,    /* fail, see the app end, clear */
	END_WAY_AIRFLOW,  /* end the app only: Airflow has a retry left and takes it */
	END_WAY_RESTART,  /* clear it while it runs: Airflow ends its process, then tries again */
	END_WAY_DEFERRED, /* it has no process: end the app, then clear it */
	END_WAY_MAX
};

struct preconditions {
	struct airflow_version version;
	bool dag_paused;
	bool dag_stale;            /* Airflow no longer finds the DAG */
	char *run_state;           /* of the DAG run, Airflow's own word; owned */
	int64_t n_failed_siblings; /* Airflow 2, mapped: other indexes that a clear would clear */
	bool tasks_known;          /* the tasks of the DAG were to be had */
	char *fires;      /* those that run when ours fails, with their rules; NULL: none; owned */
	char *queued_run; /* another run of its DAG that waits for a place; NULL: none; owned */
	char *beside; /* one that lives beside ours, and has the same set-up; NULL: none; owned */
};

void preconditions_clear(struct preconditions *g);

/* What this program knows of the app itself. */
struct preconditions_app {
	bool can_kill;         /* its cluster manager can end it */
	bool kills_app;        /* as a whole: not by Spark's kill of a job or stage */
	bool cluster_mode;     /* its driver runs in a standalone cluster */
	bool outlives_process; /* its driver is no process of the task */
	bool pod;              /* its driver is a pod: gone, it may count as success */
	const char *no_kill;   /* why what controls it would not let it be ended; NULL: it would */
	bool may_fire;         /* its rule lets tasks run that wait for a failure */
};

/* What a task instance is to be ended on. All borrowed. */
struct preconditions_question {
	const struct preconditions *preconditions;
	const struct ti_obs *task;
	const struct owner *owner;
	struct preconditions_app app;
};

/* What speaks against this way: one clause, the caller's; NULL: nothing does. -ENOMEM. */
int preconditions_objection(const struct preconditions_question *q, enum end_way way, char **ret);

/* Whether Airflow itself would start another try, were this one to fail. */
bool ti_retry_left(const struct ti_obs *t);
