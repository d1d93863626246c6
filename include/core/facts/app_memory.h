/* SPDX-License-Identifier: Apache-2.0
 * How much memory an app's driver and executors may use and did use at most, as /allexecutors
 * shows it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/facts/model.h"

/* An executor, there or gone; the driver's own row has the id "driver". */
struct executor_memory {
	char *id;
	bool active;
	int64_t slots;      /* tasks at a time */
	uint64_t region;    /* bytes of its heap for execution and storage */
	uint64_t heap_peak; /* bytes; 0: not told (yet) */
	uint64_t tree_peak; /* resident bytes of the JVM, its Python workers and others; 0: the app
			       does not measure it (spark.executor.processTreeMetrics.enabled) */
	usec_t task_time;   /* that tasks which have ended ran; of the driver: the age of the app */
	usec_t gc_time;
	char *remove_reason; /* NULL: it is there, or Spark does not say */
};

struct executor_memory_list {
	struct executor_memory *items;
	size_t n;
	struct left_out left_out;
};

void executor_memory_list_clear(struct executor_memory_list *l);

struct memory_use {
	uint64_t heap_limit; /* of the JVM, in bytes; 0: not known */
	uint64_t heap_peak;
	uint64_t tree_peak;
};

struct app_memory {
	bool known;
	struct memory_use driver;
	struct memory_use executor; /* the highest of each, of all that were seen */
	uint64_t slots;             /* tasks at a time, of the executor with the most */
	size_t n_executors;         /* that are there now */
	size_t most_executors;      /* that were, at once */
	usec_t task_time;           /* of all executors together */
	usec_t gc_time;
};

/* What an answer adds. memory_fraction: spark.memory.fraction of the app. */
void app_memory_take(
	struct app_memory *m, const struct executor_memory_list *l, double memory_fraction);
