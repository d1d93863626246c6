/* SPDX-License-Identifier: Apache-2.0
 * What became of an app, and whether that is worse than before. */
#include "core/detect/app_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((uint64_t)1024 * 1024)

const char *const run_marks[] = {"slower", "executor_memory", "driver_memory"};
const size_t n_run_marks = ELEMENTSOF(run_marks);

void app_run_clear(struct app_run *r)
{
	free(r->cluster);
	free(r->app_name);
	free(r->app_id);
	*r = (struct app_run){0};
}

void app_run_list_clear(struct app_run_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		app_run_clear(&l->items[i]);
	free(l->items);
	*l = (struct app_run_list){0};
}

int app_run_of(const struct app_history *a, usec_t wall, struct app_run *ret)
{
	struct app_run run = {
		.started = a->info.started,
		.ended = wall,
		.driver = a->memory.driver,
		.executor = a->memory.executor,
		.executors = a->memory.most_executors,
		.task_time = a->memory.task_time,
		.gc_time = a->memory.gc_time,
	};
	int r;

	if (a->observed == 0 || a->info.started == 0)
		return -ENODATA;
	r = str_replace(&run.cluster, a->cluster);
	if (r >= 0)
		r = str_replace(&run.app_name, a->info.name ? a->info.name : "");
	if (r >= 0)
		r = str_replace(&run.app_id, a->info.id);
	if (r < 0) {
		app_run_clear(&run);
		return r;
	}
	*ret = run;
	return 0;
}

usec_t app_run_duration(const struct app_run *r)
{
	return usec_sub(r->ended, r->started);
}

uint64_t memory_use_peak(const struct memory_use *m)
{
	return m->tree_peak > 0 ? m->tree_peak : m->heap_peak;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

uint64_t app_run_middle(const uint64_t *values, size_t n)
{
	uint64_t known[RUNS_COMPARED];
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (values[i] > 0)
			known[k++] = values[i];
	if (k < RUNS_NEEDED)
		return 0;
	qsort(known, k, sizeof(*known), by_size);
	return known[(k - 1) / 2];
}

bool app_run_same_name(const struct app_run *a, const struct app_run *b)
{
	return str_equal(a->cluster, b->cluster) && str_equal(a->app_name, b->app_name);
}

static bool more(uint64_t now, uint64_t before, uint64_t by)
{
	return before > 0 && now > before + before / 3 && now - before > by;
}

void app_run_compare(const struct app_run_list *l, size_t i, struct app_run_comparison *ret)
{
	const struct app_run *run = &l->items[i];
	struct app_run_comparison c = {0};
	uint64_t durations[RUNS_COMPARED];
	uint64_t executors[RUNS_COMPARED];
	uint64_t drivers[RUNS_COMPARED];

	for (size_t k = i + 1;
		k < l->n && c.n < RUNS_COMPARED && app_run_same_name(run, &l->items[k]);
		k++, c.n++) {
		durations[c.n] = app_run_duration(&l->items[k]);
		executors[c.n] = memory_use_peak(&l->items[k].executor);
		drivers[c.n] = memory_use_peak(&l->items[k].driver);
	}
	c.duration = app_run_middle(durations, c.n);
	c.executor_memory = app_run_middle(executors, c.n);
	c.driver_memory = app_run_middle(drivers, c.n);
	if (c.duration > 0 && app_run_duration(run) > c.duration + c.duration / 2 &&
		app_run_duration(run) - c.duration > USEC_PER_MINUTE)
		c.marks |= RUN_SLOWER;
	if (more(memory_use_peak(&run->executor), c.executor_memory, 128 * MIB))
		c.marks |= RUN_EXECUTOR_MEMORY;
	if (more(memory_use_peak(&run->driver), c.driver_memory, 128 * MIB))
		c.marks |= RUN_DRIVER_MEMORY;
	*ret = c;
}
