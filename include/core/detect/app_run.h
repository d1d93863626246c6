/* SPDX-License-Identifier: Apache-2.0
 * A finished run of an app, and what it is against the runs of the same name before it. */
#pragma once

#include <stddef.h>

#include "core/detect/history.h"

struct app_run {
	char *cluster;
	char *app_name;
	char *app_id;
	usec_t started; /* since 1970 */
	usec_t ended;
	struct memory_use driver;
	struct memory_use executor;
	uint64_t executors; /* the most that were seen at once */
	usec_t task_time;
	usec_t gc_time;
};

struct app_run_list {
	struct app_run *items; /* by cluster and name, of one name the newest first */
	size_t n;
};

/* An app that has ended. wall: since 1970, when it was last seen. -ENODATA: it never answered, so
 * that nothing is known of it. The target must be zeroed. */
int app_run_of(const struct app_history *a, usec_t wall, struct app_run *ret);
void app_run_clear(struct app_run *r);
void app_run_list_clear(struct app_run_list *l);

/* What has become worse. */
#define RUN_SLOWER 1U
#define RUN_EXECUTOR_MEMORY 2U
#define RUN_DRIVER_MEMORY 4U

extern const char *const run_marks[]; /* their words, in the order of the bits */
extern const size_t n_run_marks;

/* A run is held against the middle of so many before it, and needs so many at least. */
#define RUNS_COMPARED 5
#define RUNS_NEEDED 3

struct app_run_comparison {
	size_t n;        /* runs before it that it was held against; below RUNS_NEEDED: no marks */
	usec_t duration; /* the middle one of each */
	uint64_t executor_memory;
	uint64_t driver_memory;
	unsigned marks; /* RUN_* */
};

/* The same app, by its cluster and its name. */
bool app_run_same_name(const struct app_run *a, const struct app_run *b);
usec_t app_run_duration(const struct app_run *r);
/* What its processes took at most: resident memory where that was measured, else heap. 0: unknown.
 */
uint64_t memory_use_peak(const struct memory_use *m);

/* The middle of so many durations (or amounts), the newest first, the lower one of two; 0 is not
 * known. 0: of fewer than RUNS_NEEDED it says nothing. n: RUNS_COMPARED at most. */
uint64_t app_run_middle(const uint64_t *values, size_t n);

/* Holds run i of a list against those of its name that follow it. Marked is what took half as long
 * again and a minute more, or a third more memory and 128 MiB. */
void app_run_compare(const struct app_run_list *l, size_t i, struct app_run_comparison *ret);
