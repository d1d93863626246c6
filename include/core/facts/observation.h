/* SPDX-License-Identifier: Apache-2.0
 * What evidence beyond the counters of a stage looks like, as plain data: running tasks, threads,
 * executors, processes. Decoders (wire) and /proc (source) fill these, the detector reads them. */
#pragma once

#include "base/sched.h"
#include "core/facts/model.h"

/* A running task, from taskList?status=running. */
struct task_obs {
	int64_t task_id; /* TID, unique in its app */
	int64_t index;   /* in its stage: a speculative copy has that of its original; -1: absent */
	bool speculative;
	char *executor_id;
	usec_t launched;  /* the driver's clock; 0 when absent */
	bool has_metrics; /* taskMetrics was there: a heartbeat has told of this task */
	/* Since the task began; PROGRESS_COMPLETED_INDICES stays 0. */
	uint64_t counters[PROGRESS_MAX];
	usec_t gc; /* jvmGcTime: of its whole JVM while the task ran */
};

struct task_list {
	struct task_obs *items;
	size_t n;
	struct left_out left_out;
};

/* A thread of a dump. Frames: top first, without module, class loader, lock addresses and
 * generated numbers, so that equal frames mean an equal place in the code. */
struct thread_obs {
	int64_t id;
	int64_t task_id; /* the TID in its name; -1: not the thread of a task */
	char *name;
	char *state; /* the JVM's word: RUNNABLE, BLOCKED, WAITING, TIMED_WAITING */
	char **frames;
	size_t n_frames;
	int64_t blocked_by; /* the id of the thread that holds what it waits for; -1: none */
	char *lock;         /* what it waits for; NULL: nothing */
};

struct thread_list {
	struct thread_obs *items;
	size_t n;
	struct left_out left_out;
	bool of_executor; /* the JVM has the threads of an executor, be there tasks or not */
};

/* An active executor, from /executors; the driver's own row has the id "driver". */
struct executor_obs {
	char *id;
	char *host;    /* as Spark names it; may be NULL */
	char *log_url; /* executorLogs.stderr: on YARN it names the NodeManager and the container */
	int64_t active_tasks;
	int64_t total_tasks; /* that it was ever given; 0 where absent */
	usec_t gc; /* that its JVM has spent in garbage collection, of peakMemoryMetrics; 0: none,
		      or not told */
};

struct executor_list {
	struct executor_obs *items;
	size_t n;
	struct left_out left_out;
};

/* A process and the CPU time it has used since it began, user and system. */
struct process_obs {
	int64_t pid;
	int64_t ppid; /* 0: not known */
	usec_t cpu;
	usec_t reaped; /* of its children that have ended and were waited for, all their own
			  included */
	char name[16];
	bool daemon;       /* its command line is pyspark.daemon's: it or a fork of it, a worker */
	int64_t worker;    /* the pid of the worker that it is, or is part of; 0: of none. For
			      core/detect/cpu_work.h to tell */
	int64_t n_threads; /* 0: not known */
	struct sched_count main; /* of the thread whose tid is the pid */
	struct sched_count all;  /* of all threads that live */
};

/* The line of Python at which a worker stands, "/srv/etl/train.py:57 load_prices (requests.get)",
 * has so many bytes at most. Of an executor so many are told. */
#define PYTHON_PLACE_MAX 200
#define PYTHON_PLACES_MAX 64

/* An executor's JVM and all below it. */
struct process_tree {
	char *app_id; /* NULL where the answer is about one app only */
	char *executor_id;
	int64_t pid;               /* of the JVM */
	usec_t cpu;                /* of all together */
	usec_t age;                /* how long before the answer that was read; 0: with it */
	bool rate;                 /* cpu is what is used in a second, and no sum */
	char *pod;                 /* the uid of its pod; NULL: of none, or not known */
	struct process_obs *items; /* NULL: only the sum is known */
	size_t n;
	struct strlist places; /* where Python workers stand that do nothing; as far as was seen */
	/* The JVM's threads that run tasks, and how many; and one by one where they are known so,
	 * feeding threads included. */
	struct sched_count tasks;
	int64_t n_tasks;
	bool knows_threads;
	struct sched_thread *threads;
	size_t n_threads;
};

struct process_list {
	struct process_tree *items;
	size_t n;
};

/* A query of Spark SQL; an "execution" in its REST API. */
struct query_obs {
	int64_t id;
	char *name; /* the call that it came from, "toPandas at /opt/jobs/etl.py:7"; owned; may be
		       NULL */
	bool running;
	bool streams; /* it is a batch of a streaming query */
	size_t n_running_jobs;
	struct left_out left_out; /* of the list that it is from */
};

/* The batches of a streaming context (DStreams). */
struct batches_obs {
	uint64_t completed;
	usec_t interval;
};

void query_obs_clear(struct query_obs *q);
void task_list_clear(struct task_list *l);
void thread_obs_clear(struct thread_obs *t);
void thread_list_clear(struct thread_list *l);
void executor_list_clear(struct executor_list *l);
void process_tree_clear(struct process_tree *t);
void process_list_clear(struct process_list *l);
