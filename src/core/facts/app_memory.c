/* SPDX-License-Identifier: Apache-2.0
 * Sizes of heaps out of what Spark says of its memory regions. */
#include "core/facts/app_memory.h"

#include <stdlib.h>
#include <string.h>

/* Spark sets so much of a heap aside before it divides the rest. */
#define RESERVED ((uint64_t)300 * 1024 * 1024)

void executor_memory_list_clear(struct executor_memory_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i].id);
		free(l->items[i].remove_reason);
	}
	free(l->items);
	*l = (struct executor_memory_list){0};
}

static void raise_to(uint64_t *value, uint64_t seen)
{
	if (seen > *value)
		*value = seen;
}

/* The region for execution and storage is (heap - 300 MiB) x fraction, cut to whole bytes; heaps
 * are whole KiB. */
static uint64_t heap_of(uint64_t region, double fraction)
{
	uint64_t rest;

	if (region == 0 || !(fraction > 0))
		return 0;
	rest = (uint64_t)((double)region / fraction);
	return RESERVED + (rest + 1023) / 1024 * 1024;
}

void app_memory_take(
	struct app_memory *m, const struct executor_memory_list *l, double memory_fraction)
{
	m->n_executors = 0;
	m->task_time = m->gc_time = 0;
	for (size_t i = 0; i < l->n; i++) {
		const struct executor_memory *x = &l->items[i];
		bool driver = strcmp(x->id, "driver") == 0;
		struct memory_use *use = driver ? &m->driver : &m->executor;

		raise_to(&use->heap_limit, heap_of(x->region, memory_fraction));
		raise_to(&use->heap_peak, x->heap_peak);
		raise_to(&use->tree_peak, x->tree_peak);
		if (driver)
			continue;
		raise_to(&m->slots, x->slots > 0 ? (uint64_t)x->slots : 0);
		m->task_time += x->task_time;
		m->gc_time += x->gc_time;
		m->n_executors += x->active;
	}
	if (m->n_executors > m->most_executors)
		m->most_executors = m->n_executors;
	m->known = m->known || l->n > 0;
}
