/* SPDX-License-Identifier: Apache-2.0
 * Apps and stages to series. Of more apps than fit, the ones that began last are left out, so that
 * a series that is shown stays. */
#include "web/app_metrics.h"

#include <inttypes.h>
#include <stdio.h>

#define LABELS(...) ((const char *const[]){__VA_ARGS__})

static const struct app_history *shown(const struct detector *d, size_t i)
{
	return i < detector_n_apps(d) && i < APPS_SHOWN ? detector_app_at(d, i) : NULL;
}

static void add_starts(const struct detector *d, struct metrics_writer *w)
{
	const struct app_history *a;

	for (size_t i = 0; (a = shown(d, i)); i++)
		if (a->info.started > 0)
			metrics_add(w, METRIC_APP_START_TIMESTAMP_SECONDS,
				LABELS(a->cluster, a->info.id, a->info.name ? a->info.name : ""),
				(double)a->info.started / USEC_PER_SEC);
}

static void add_amount(const struct app_history *a, enum metric metric, const char *process,
	uint64_t amount, struct metrics_writer *w)
{
	if (amount > 0)
		metrics_add(w, metric, LABELS(a->cluster, a->info.id, process), (double)amount);
}

static void add_heaps(const struct detector *d, struct metrics_writer *w)
{
	const struct app_history *a;

	for (size_t i = 0; (a = shown(d, i)); i++) {
		add_amount(
			a, METRIC_APP_HEAP_LIMIT_BYTES, "driver", a->memory.driver.heap_limit, w);
		add_amount(a, METRIC_APP_HEAP_LIMIT_BYTES, "executor",
			a->memory.executor.heap_limit, w);
	}
	for (size_t i = 0; (a = shown(d, i)); i++) {
		add_amount(a, METRIC_APP_HEAP_PEAK_BYTES, "driver", a->memory.driver.heap_peak, w);
		add_amount(
			a, METRIC_APP_HEAP_PEAK_BYTES, "executor", a->memory.executor.heap_peak, w);
	}
	for (size_t i = 0; (a = shown(d, i)); i++) {
		add_amount(
			a, METRIC_APP_PROCESS_PEAK_BYTES, "driver", a->memory.driver.tree_peak, w);
		add_amount(a, METRIC_APP_PROCESS_PEAK_BYTES, "executor",
			a->memory.executor.tree_peak, w);
	}
}

static void add_times(const struct detector *d, struct metrics_writer *w)
{
	const struct app_history *a;

	for (size_t i = 0; (a = shown(d, i)); i++)
		if (a->memory.known)
			metrics_add(w, METRIC_APP_TASK_SECONDS, LABELS(a->cluster, a->info.id),
				(double)a->memory.task_time / USEC_PER_SEC);
	for (size_t i = 0; (a = shown(d, i)); i++)
		if (a->memory.known)
			metrics_add(w, METRIC_APP_GC_SECONDS, LABELS(a->cluster, a->info.id),
				(double)a->memory.gc_time / USEC_PER_SEC);
}

static void add_stage(
	const struct app_history *a, const struct stage_history *h, struct metrics_writer *w)
{
	char stage[24];
	char attempt[24];

	(void)snprintf(stage, sizeof(stage), "%" PRId64, h->last.stage_id);
	(void)snprintf(attempt, sizeof(attempt), "%" PRId64, h->last.attempt_id);
	metrics_add(w, METRIC_STAGE_PROGRESS_RATIO, LABELS(a->cluster, a->info.id, stage, attempt),
		(double)h->last.counters[PROGRESS_COMPLETED_INDICES] / (double)h->last.n_tasks);
}

static void add_progress(const struct detector *d, struct metrics_writer *w)
{
	const struct app_history *a;
	size_t n = 0;

	for (size_t i = 0; (a = shown(d, i)); i++)
		for (size_t k = 0; k < a->n_stages && n < STAGES_SHOWN; k++)
			if (a->stages[k].last.n_tasks > 0) {
				add_stage(a, &a->stages[k], w);
				n++;
			}
}

void app_metrics_add(const struct detector *d, struct metrics_writer *w)
{
	size_t n = detector_n_apps(d);

	add_starts(d, w);
	add_heaps(d, w);
	add_times(d, w);
	add_progress(d, w);
	metrics_add(w, METRIC_APPS_NOT_SHOWN, NULL, n > APPS_SHOWN ? (double)(n - APPS_SHOWN) : 0);
}
