/* SPDX-License-Identifier: Apache-2.0
 * What points at the task instance that owns an app without naming it. Airflow is asked which of
 * the task instances that run it is. */
#pragma once

#include <stdbool.h>

#include "core/facts/model.h"

/* Two hints, each all or nothing. */
struct owner_hint {
	/* Labels of its pod: ids as Airflow's Kubernetes provider writes them, some of them
	 * hashed. NULL: there are none. */
	char *dag_label;
	char *run_label;
	char *task_label;
	int64_t map_index; /* -1: not mapped */
	int64_t try_number;
	/* Of Spark's properties, as Airflow's OpenLineage provider sets them: spark.openlineage.
	 * parentRunId, a UUID in lower case, and parentJobNamespace. NULL: not set. */
	char *parent_run;
	char *parent_namespace;
	char *parent_dag; /* the DAG whose task that is; NULL: not said */
};

void owner_hint_clear(struct owner_hint *h);

/* *to is replaced; unchanged on -ENOMEM. */
int owner_hint_copy(const struct owner_hint *from, struct owner_hint *to);

/* Adds to *to the hints that it lacks. -ENOMEM: unchanged. */
int owner_hint_add(struct owner_hint *to, const struct owner_hint *from);

bool owner_hint_labels(const struct owner_hint *h);
bool owner_hint_lineage(const struct owner_hint *h);
