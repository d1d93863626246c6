/* SPDX-License-Identifier: Apache-2.0
 * The CPU time of one executor's processes over time, and what it says: computing, or not.
 *
 * The limits were measured on real executors, hung and at work, Spark 3.5 and 4.3 (doc/facts.md):
 * over 30 s, hung trees used mostly 0.003 seconds a second and at most 0.016, three half-asleep
 * Python tasks 0.042, and on a faster machine 0.023. Between the two limits CPU says nothing. A
 * driver, which in local mode is the executor, uses up to 0.05 for itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/facts/observation.h"

#define CPU_SAMPLES 24
/* Shorter windows hold bursts of the JVM's own housekeeping. */
#define CPU_WINDOW_MIN (20 * USEC_PER_SEC)
#define CPU_WINDOW_MAX (2 * USEC_PER_MINUTE)

struct cpu_sample {
	usec_t taken;
	int64_t pid;
	usec_t total; /* of all processes, reaped children included where they are known */
	struct process_obs *items;
	size_t n;
};

/* Oldest first. */
struct cpu_series {
	struct cpu_sample samples[CPU_SAMPLES];
	size_t n;
	bool driver; /* the JVM is a driver as well */
};

enum cpu_state {
	CPU_UNKNOWN, /* too short a window, or between the limits */
	CPU_IDLE,
	CPU_BUSY
};

struct cpu_use {
	enum cpu_state tree; /* all together: idle only where each process is */
	enum cpu_state jvm;
	size_t n_busy;    /* processes below the JVM that compute: Python workers */
	size_t n_unclear; /* those between the limits */
	size_t n_idle;    /* the others, such as the daemon that forks the workers */
	bool churn;       /* processes that came and went used CPU: whose, nobody can say */
	bool unsure;      /* idle for a driver: an executor would not be called so */
	bool stopped;     /* the JVM used nothing at all: a living one beats its heart */
	bool per_process; /* false: only the sum was known, and jvm, n_busy, n_unclear say nothing
			   */
	double rate;      /* CPU seconds a second, of all */
	usec_t window;    /* over which; 0: tree is unknown */
};

/* Takes in a look at the tree; one that is not later than the last is left out. Another JVM begins
 * the series anew. t's items are taken over. */
void cpu_series_add(struct cpu_series *s, struct process_tree *t, usec_t taken);

/* Of the last span (CPU_WINDOW_MIN to _MAX) before the newest sample, and not before since.
 * Unknown where the samples do not reach over CPU_WINDOW_MIN, or the newest is older than span. */
void cpu_series_use(
	const struct cpu_series *s, usec_t now, usec_t since, usec_t span, struct cpu_use *ret);

void cpu_series_shift(struct cpu_series *s, usec_t by);
void cpu_series_clear(struct cpu_series *s);
