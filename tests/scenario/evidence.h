/* SPDX-License-Identifier: Apache-2.0
 * What a scenario's app answers to questions beyond the counters: tasks, dumps, CPU. */
#pragma once

#include "core/detect/detector.h"
#include "core/detect/evidence.h"
#include "core/detect/evidence_wants.h"

#define EVIDENCE_TASKS_MAX 12000
#define EVIDENCE_EXECUTORS_MAX 64
#define EVIDENCE_WORKERS_MAX 8

struct task_sim {
	char barrier[8]; /* of a barrier stage: it waits there ("wait"), or does not; "": of none */
	int64_t id;
	int64_t stage_id;
	int64_t attempt_id;
	int64_t copy_of; /* TID of the task whose speculative copy this is; -1: of none */
	char executor[16];
	usec_t launched; /* the driver's clock */
	char frames[24]; /* "changing", "absent", or the name of a place */
	int moving;      /* enum progress_counter, or -1 */
	uint64_t moved;
	bool python;
};

/* A Python worker, or a thread of the JVM that runs a task. */
struct worker_sim {
	double rate; /* CPU seconds a second */
	double wait; /* CPU seconds from one wait to the next */
	double used;
	double waits;
	bool by_helper; /* all of it is a helper thread's: the main thread is blocked */
};

struct executor_sim {
	char id[16];
	bool lost;
	int64_t n_ended; /* tasks */
	bool silent;     /* gives no dump, and the request runs into its time limit */
	bool no_dumps;   /* gives none, and says so */
	bool no_cpu;     /* nobody knows its CPU seconds */
	bool container;  /* only the sum of all its processes is known, from its container's host */
	char busy[32];   /* of a driver: the thread that has something to do; "": none */
	double jvm;      /* CPU seconds a second */
	bool no_counts;  /* only CPU seconds are known */
	struct worker_sim workers[EVIDENCE_WORKERS_MAX];
	size_t n_workers;
	struct worker_sim threads[EVIDENCE_WORKERS_MAX];
	size_t n_threads; /* 0: they are not known */
	struct worker_sim feeders[EVIDENCE_WORKERS_MAX];
	size_t n_feeders;
	double churn; /* of children that come and go */
	double jvm_used;
	double reaped;
	usec_t counted; /* up to when */
};

struct evidence_sim {
	struct task_sim *tasks;
	size_t n_tasks;
	struct executor_sim executors[EVIDENCE_EXECUTORS_MAX];
	size_t n_executors;
	uint64_t dropped;
	uint64_t batches; /* that had ended then */
	usec_t batches_from;
	usec_t batch_interval; /* 0: there is no streaming context */
	bool no_batches;       /* none ends any more */
	bool no_tasks;         /* the list of running tasks is not to be had */
	struct evidence_params params;
	unsigned n_dumps; /* asked for so far */
	unsigned n_lists; /* of tasks */
};

int evidence_sim_init(struct evidence_sim *e);
void evidence_sim_clear(struct evidence_sim *e);

/* Words after "at TIME": task ..., executor ..., dropped=N, batches=..., tasks=none. 0: not ours;
 * 1: done; -EINVAL with *wrong. driver_now: the driver's clock then. */
int evidence_sim_apply(struct evidence_sim *e, char **words, size_t n, usec_t driver_now,
	const char **wrong, int (*counter)(const char *name));

bool evidence_sim_any(const struct evidence_sim *e);

/* The list for a poll. */
void evidence_sim_executors(const struct evidence_sim *e, struct executor_list *ret);

/* Asks what the detector wants after a poll, and answers it. */
void evidence_sim_answer(struct evidence_sim *e, struct app_history *a, const struct rule *rule,
	usec_t now, usec_t driver_now);
