/* SPDX-License-Identifier: Apache-2.0
 * What a stage or an app probably waits for, read off frames and numbers. A guess, for people: no
 * verdict and no action depends on it. */
#pragma once

#include <stddef.h>

#include "core/facts/observation.h"

enum cause {
	CAUSE_UNKNOWN,
	CAUSE_PYTHON_WORKER,   /* the JVM waits for Python */
	CAUSE_SHUFFLE_FETCH,   /* waits for blocks of another executor */
	CAUSE_JVM_LOCK,        /* blocked by another thread */
	CAUSE_IO_WAIT,         /* reads from a socket or a file system */
	CAUSE_EXECUTOR_FROZEN, /* gives no thread dump while the driver answers */
	CAUSE_EXECUTOR_LOST,   /* tasks on an executor that is no longer there */
	CAUSE_DRIVER_COLLECT,  /* the driver takes in results: collect, toPandas */
	CAUSE_DRIVER_GC,       /* the driver collects garbage most of the time */
	CAUSE_MEMORY_PRESSURE, /* executors do */
	CAUSE_SERIALIZATION,   /* tasks, broadcasts or results are (de)serialized */
	CAUSE_NO_RESOURCES,    /* no slot for any task */
	CAUSE_MAX
};

const char *cause_name(enum cause c);

/* What the words of a cause begin with where they name the line of Python. */
#define CAUSE_PYTHON_PLACE "hung in "

/* A cause and what says so: a frame, or a number. */
struct cause_hint {
	enum cause cause;
	char because[240]; /* what was seen, also where the cause is unknown; "": nothing */
};

/* What the thread of a task waits for; dump: where the thread that blocks it is looked up. Cause
 * unknown where no pattern fits; because is then the top frame. */
void cause_of_task(
	const struct thread_obs *t, const struct thread_list *dump, struct cause_hint *ret);

/* What a driver does while none of its stages is active. */
void cause_of_driver(const struct thread_list *dump, struct cause_hint *ret);

/* Adds the newest query to what an idle driver does: a query that runs without a job is the
 * driver's own work. */
void cause_add_query(struct cause_hint *h, const struct query_obs *query);

/* A call as Spark names it, "toPandas at /opt/jobs/etl.py:7", cut to size - 1 bytes: of a long path
 * the end stays, which tells most. size: 64 at least. */
void cause_name_call(char *buf, size_t size, const char *name);

/* Whether a call, as Spark names it ("toPandas at etl.py:7"), brings rows to the driver. */
bool cause_brings_rows(const char *name);

/* Whether the task runs Python: its thread is in a Python runner. */
bool cause_is_python(const struct thread_obs *t);

/* Whether the thread does nothing but wait for what a Python worker has to say. */
bool cause_waits_for_python(const struct thread_obs *t);

/* Whether the thread waits for other tasks to come to a barrier. */
bool cause_waits_for_peers(const struct thread_obs *t);

/* Whether the thread belongs to a task of a barrier stage: it waits at the barrier, or serves a
 * Python worker that may. */
bool cause_is_of_barrier(const struct thread_obs *t);

/* Whether the task is a receiver, which waits for its end by design. */
bool cause_is_receiver(const struct thread_obs *t);

/* Whether the driver takes in results of tasks that have ended, or word of their end: ret is where,
 * zeroed where it does not. */
bool cause_takes_results(const struct thread_list *dump, struct cause_hint *ret);

/* Whether the driver runs streaming queries, or a streaming context: it waits between batches. */
bool cause_streams(const struct thread_list *dump);
