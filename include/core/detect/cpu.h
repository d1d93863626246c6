/* SPDX-License-Identifier: Apache-2.0
 * What one executor's processes and threads did over a time: nothing at all, woke up now and then,
 * or worked.
 *
 * The kernel counts run time to the nanosecond and each slice, and what waits for good shows
 * exactly nothing: neither heart beats, garbage collection nor thread dumps make its thread run. A
 * wait with a timeout shows as wake-ups of 30 to 115 us each, one HTTP call as 300 us and more
 * (doc/facts.md). Where only CPU seconds are to be had, a rate between "certainly idle" and
 * "certainly at work" is doubt. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/facts/observation.h"

#define CPU_SAMPLES 24
/* Shorter windows hold bursts of the JVM's own housekeeping. */
#define CPU_WINDOW_MIN (20 * USEC_PER_SEC)
/* An older look than this says nothing of now. */
#define CPU_AGE_MAX (2 * USEC_PER_MINUTE)

struct cpu_sample {
	usec_t taken;
	int64_t pid;
	usec_t total; /* of all processes, reaped children included where they are known */
	struct process_obs *items; /* by pid */
	size_t n;
	struct sched_count tasks; /* of the JVM's threads that run tasks, added up */
	int64_t n_tasks;
	bool knows_threads;
	struct sched_thread *threads; /* by tid */
	size_t n_threads;
};

/* Oldest first. */
struct cpu_series {
	struct cpu_sample samples[CPU_SAMPLES];
	size_t n;
	bool driver; /* the JVM is a driver as well */
};

/* What a worker, or a thread that runs a task, did in a window. Only CPU_NEVER_RAN proves that it
 * waits; CPU_TICKS and CPU_DOUBT prove nothing, however many there are. */
enum cpu_work {
	CPU_UNSEEN,    /* not watched long enough to say that it never ran */
	CPU_NEVER_RAN, /* none of its threads, and no process of its own, was given a CPU */
	CPU_TICKS, /* its main thread only woke up and waited again, or only helper threads ran */
	CPU_DOUBT, /* between "certainly idle" and "certainly at work", in hundredths of a second */
	CPU_WORKED, /* its main thread worked, or processes of its own did; or it began */
	CPU_WORK_MAX
};

enum cpu_state {
	CPU_UNKNOWN, /* too short a window, or doubt */
	CPU_IDLE,
	CPU_BUSY
};

struct cpu_use {
	enum cpu_state tree; /* all together: idle only where each process and thread is */
	enum cpu_state jvm;  /* its threads that run tasks; where these are not known, all of it */
	enum cpu_state rest; /* the JVM without those threads; unknown where they are not known */
	/* By what they did: Python workers (with the processes below them) and other processes
	 * that the JVM started, but not pyspark.daemon ... */
	size_t workers[CPU_WORK_MAX];
	/* ... and the JVM's threads that run tasks, where they are known one by one. */
	size_t threads[CPU_WORK_MAX];
	/* Those that compute the input of Python workers, in threads of their own (Spark 3). */
	size_t feeders[CPU_WORK_MAX];
	bool knows_threads;
	bool counted;     /* workers and threads by the scheduler's counts, all of them */
	size_t n_busy;    /* workers that worked */
	size_t n_unclear; /* workers that ticked, or in doubt, or unseen */
	size_t n_idle;    /* workers that never ran */
	bool with_daemon; /* the daemon could not be told apart, and is among the workers */
	bool churn;       /* processes that came and went used CPU: whose, nobody can say */
	bool unsure;      /* idle for a driver: an executor would not be called so */
	bool stopped;     /* the JVM used nothing at all: a living one beats its heart */
	bool per_process; /* false: only the sum was known, and only tree and rate say something */
	bool container;   /* it was a container's, as its host tells it: a rate, averaged */
	double rate;      /* CPU seconds a second, of all */
	double jvm_rate;  /* of the JVM alone; 0 where only the sum is known */
	usec_t window;    /* over which; 0: nothing is known */
	size_t first;     /* the sample that the window begins with */
	usec_t worked_at; /* the last look in the window that found work since the look before it;
			     0: none did */
};

/* Takes in a look at the tree; one that is not later than the last is left out. Another JVM begins
 * the series anew. What t owns is taken over. Of many looks the older ones are thinned out. */
void cpu_series_add(struct cpu_series *s, struct process_tree *t, usec_t taken);

/* Of the last span before the newest sample, and not before since. Work may be seen over
 * CPU_WINDOW_MIN; that nothing ran, only over cpu_window_needed(span). All is unknown where the
 * samples do not reach that far, or the newest is too old at now. */
void cpu_series_use(
	const struct cpu_series *s, usec_t now, usec_t since, usec_t span, struct cpu_use *ret);

/* As worked_at, of a worker alone, leaving out the n whose last work is the newest: where n tasks
 * that move account for a living worker each, it is the last sign of life of the others. Before the
 * series takes in more. */
usec_t cpu_series_worked(const struct cpu_series *s, const struct cpu_use *u, size_t n);

/* The least CPU seconds a second of all together over any CPU_WINDOW_MIN of the last span, and not
 * before since: what works, works all the time, and a JVM's housekeeping comes in bursts. Negative
 * where none is known. */
double cpu_series_least(const struct cpu_series *s, usec_t since, usec_t span);

/* How much of a span must have been watched to say that nothing ran in it. */
usec_t cpu_window_needed(usec_t span);

void cpu_series_clear(struct cpu_series *s);
