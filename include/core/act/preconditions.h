/* SPDX-License-Identifier: Apache-2.0
 * What Airflow says around a task instance, and whether ending it or running it again is safe on
 * that ground: what its version is known to do wrong, and what its DAG and run are in. Pure. */
#pragma once

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
enum ground_way {
	GROUND_KILL,    /* fail the task instance, see the app end; no new try */
	GROUND_CLEAR,   /* fail, see the app end, clear */
	GROUND_AIRFLOW, /* end the app only: Airflow has a retry left and takes it */
	GROUND_WAY_MAX
};

struct ground {
	struct airflow_version version;
	bool dag_paused;
	bool dag_stale;            /* Airflow no longer finds the DAG */
	char *run_state;           /* of the DAG run, Airflow's own word; owned */
	int64_t n_failed_siblings; /* Airflow 2, mapped: other indexes that a clear would clear */
};

void ground_clear(struct ground *g);

/* What this program knows of the app itself. */
struct ground_app {
	bool can_kill;     /* its cluster manager can end it */
	bool cluster_mode; /* its driver runs in the cluster; false where that is not known */
};

/* What speaks against it: one clause, static; NULL: nothing does. */
const char *ground_objection(const struct ground *g, const struct ti_obs *t, const struct owner *o,
	const struct ground_app *app, enum ground_way way);

/* Whether Airflow itself would start another try, were this one to fail. */
bool ti_retry_left(const struct ti_obs *t);
