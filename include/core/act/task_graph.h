/* SPDX-License-Identifier: Apache-2.0
 * The tasks of a DAG as Airflow lists them, and what hangs on one of them: what runs when it fails,
 * and which tasks have its set-up, too. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/* Of a DAG's tasks so many are read, and so many edges between them. A DAG with more is not known.
 */
#define TASK_GRAPH_MAX_TASKS 5000
#define TASK_GRAPH_MAX_EDGES 100000

struct graph_task {
	char *id;
	char *trigger_rule; /* NULL: not said */
};

struct graph_name {
	const char *from; /* of a task */
	char *to;
};

struct graph_edge {
	size_t from;
	size_t to;
};

struct task_graph {
	struct graph_task *items; /* by id, once it is finished */
	size_t n;
	struct graph_name *names; /* edges before it is finished */
	struct graph_edge *down;  /* afterwards: by where they begin */
	struct graph_edge *up;    /* by where they end */
	size_t n_edges;
};

void task_graph_clear(struct task_graph *g);
/* Adds a task; copies. -E2BIG beyond the bound, -ENOMEM. */
int task_graph_add(struct task_graph *g, const char *id, const char *trigger_rule);
/* Adds a task downstream of the one that was added last. -E2BIG, -ENOMEM. */
int task_graph_add_next(struct task_graph *g, const char *id);
/* Once all is added, and before anything is asked. -ENOMEM. */
int task_graph_finish(struct task_graph *g);

/* Whether a task with this trigger rule may run because one upstream of it failed. One that is not
 * known here may. */
bool trigger_rule_fires(const char *rule);
bool task_graph_is_teardown(const struct task_graph *g, const char *id);

/* What hangs on one task. */
struct task_scope {
	const struct task_graph *graph; /* borrowed */
	char *fires;  /* tasks downstream, at any distance, that may run because it fails:
			 "cleanup (teardown), report (all_done)"; NULL: none */
	bool *set_up; /* by task: may be a set-up of it. Airflow does not say which are; so what
			 comes before it and right before a teardown counts */
	bool *shared; /* by task: downstream of one that may be its set-up */
	bool has_set_up;
};

/* -ENOENT: id is not in the graph; -ENOMEM. */
int task_scope_of(const struct task_graph *g, const char *id, struct task_scope *ret);
void task_scope_clear(struct task_scope *s);
/* Whether a clear of its task may take this one along: a set-up of it, or a teardown. */
bool task_scope_takes_along(const struct task_scope *s, const char *id);
/* Whether this task works on the same set-up, and is no teardown. */
bool task_scope_shares(const struct task_scope *s, const char *id);
