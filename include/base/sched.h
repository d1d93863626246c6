/* SPDX-License-Identifier: Apache-2.0
 * What the kernel's scheduler counts of a thread, to the nanosecond and to the event. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Since the thread began, or added up over several threads. */
struct sched_count {
	bool known;      /* slices and waits are; all of them are 0 if not */
	bool timed;      /* run_ns is, too */
	uint64_t run_ns; /* nanoseconds on a CPU */
	uint64_t slices; /* times it was given a CPU */
	uint64_t waits;  /* times it gave the CPU up by itself; where that was not told: slices */
};

/* A thread of a JVM that works for tasks. */
struct sched_thread {
	int64_t tid;
	struct sched_count count;
	bool feeds; /* it computes what a Python worker reads (Spark 3.x); else it runs a task */
};
