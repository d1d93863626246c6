/* SPDX-License-Identifier: Apache-2.0
 * Tasks and executors over time: what the answers beyond the counters of a stage add up to. Times
 * are the local clock, of the moment at which an answer was given. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/detect/cpu.h"
#include "core/facts/cause.h"
#include "core/facts/observation.h"

/* A running task over time. */
struct task_track {
	int64_t task_id;
	int64_t index; /* -1: not known */
	bool speculative;
	bool twin_works; /* a copy of it is at work: it need not end */
	char *executor_id;
	usec_t launched;    /* local */
	usec_t stall_start; /* later of the last progress and the launch */
	usec_t worked;      /* frames changed or CPU was used by it alone; 0: never seen */
	usec_t may_have;    /* something worked that may have been its; 0: never seen */
	uint64_t counters[PROGRESS_MAX];
	bool has_metrics;
	usec_t gc; /* of its JVM while it ran */
	usec_t gc_taken;
	double gc_share; /* of the time between the last two answers */
	/* Its thread. */
	bool python;         /* runs Python: its frames say little */
	bool waits_python;   /* does nothing but wait for its Python worker */
	bool at_barrier;     /* waits for other tasks */
	bool receiver;       /* waits for its end, by design */
	uint64_t frames;     /* a hash of them */
	usec_t frames_moved; /* they changed, last; 0: never seen */
	usec_t frames_since; /* the first dump that showed these frames; 0: none yet */
	usec_t dumped;       /* the last one */
	unsigned n_dumps;
	unsigned n_same;   /* dumps in a row with these frames, the first included; 0: the last one
			      had no such thread */
	unsigned n_absent; /* dumps in a row that had no such thread, and had others */
	struct cause_hint hint;
};

/* The running tasks of a stage, by TID. */
struct task_tracks {
	struct task_track *items;
	size_t n;
	size_t n_left_out; /* rows that could not be used: more run than are known */
	usec_t asked;
	usec_t taken; /* 0: never answered */
};

/* How many tasks an executor had been given by then. */
struct task_mark {
	usec_t taken;
	int64_t total;
};

#define TASK_MARKS 16

/* The line of Python at which most of the idle workers of an executor stand. */
struct python_place {
	char text[PYTHON_PLACE_MAX + 1]; /* "": not known */
	uint8_t n;                       /* workers there */
	uint8_t n_known;                 /* workers whose line is known */
};

struct executor_track {
	char *id;
	char *host;
	char *log_url;
	bool listed;   /* active, when executors were last asked about */
	bool has_task; /* one that is known of then */
	int64_t active_tasks;
	int64_t most_active; /* of late, of all its stages */
	usec_t most_active_at;
	struct task_mark marks[TASK_MARKS]; /* oldest first */
	size_t n_marks;
	usec_t gc; /* of its JVM, and the share of the time between the last two answers */
	usec_t gc_taken;
	double gc_share;
	struct cpu_series cpu;
	struct python_place place; /* where its idle Python workers stand, when last looked */
	usec_t worked;             /* CPU was used, last; 0: never seen */
	usec_t chosen;             /* the round in which its threads were last thought of */
	bool dump_due;             /* in that round */
	usec_t dump_asked;
	usec_t dump_taken;
	/* By the last dump, over all stages: */
	size_t n_python;     /* threads that run Python tasks */
	size_t n_jvm;        /* threads that run other tasks */
	size_t n_at_barrier; /* threads without a task's name that wait at a barrier */
	size_t n_barrier; /* of these, and of those that may: one for each Python task of a barrier
			     stage */
	bool feeding;     /* a thread computes what a Python worker reads */
	usec_t silent_since; /* the first dump in a row that never came; 0: the last one did */
	unsigned n_silent;
};

struct driver_stand {
	usec_t taken;
	struct cause_hint stands;  /* what the driver does while no task does anything */
	struct cause_hint results; /* where it takes in results of tasks that have ended, or word of
				      their end; "": nowhere */
};

struct evidence {
	struct executor_track *executors;
	size_t *by_id; /* their places in the order of their ids */
	size_t n_executors;
	usec_t executors_taken;
	usec_t processes_asked;
	usec_t dropped_asked;
	usec_t dropped_taken;
	uint64_t dropped; /* events that the driver's listener lost, as last told */
	usec_t driver_asked;
	struct driver_stand *driver; /* what its threads showed last; NULL: they were not seen */
	bool streams;                /* it runs streaming queries or a streaming context */
	usec_t query_asked;
	usec_t query_taken;
	struct query_obs query; /* the newest; only of interest while no stage is active */
	usec_t batches_asked;
	usec_t batches_taken; /* 0: how many have ended is not known */
	struct batches_obs batches;
	usec_t forgotten; /* all of it was, last; 0: never */
};

/* NULL when unknown. */
struct executor_track *evidence_executor(const struct evidence *q, const char *id);

/* The executor with this id, made where it is not known yet. -ENOMEM. */
int evidence_executor_get(struct evidence *q, const char *id, struct executor_track **ret);

/* Drops those that are neither listed nor have a task. */
void evidence_drop_executors(struct evidence *q);

/* How many tasks the executor was given since then, as far as is known. */
int64_t executor_track_begun(const struct executor_track *x, usec_t since);

/* Nobody watched for a while: what was seen before says nothing any more. */
void evidence_forget(struct evidence *q, usec_t now);
void evidence_clear(struct evidence *q);
void executor_track_clear(struct executor_track *x);
void task_tracks_shift(struct task_tracks *t, usec_t by);
void task_tracks_clear(struct task_tracks *t);
