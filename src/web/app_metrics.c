/* SPDX-License-Identifier: Apache-2.0
 * Apps and stages to series. Of more apps than fit, the ones that began last are left out, so that
 * a series that is shown stays. */
#include "web/app_metrics.h"

#include <inttypes.h>
#include <stdio.h>

#define LABELS METRIC_LABELS

static void add_amount(const struct app_history *a, enum metric metric, const char *process,
	uint64_t amount, struct metrics_writer *w)
{
	if (amount > 0)
		metrics_add(w, metric, LABELS(a->cluster, a->info.id, process), (double)amount);
}

static void add_process(const struct app_history *a, const char *process,
	const struct memory_use *m, struct metrics_writer *w)
{
	add_amount(a, METRIC_APP_HEAP_LIMIT_BYTES, process, m->heap_limit, w);
	add_amount(a, METRIC_APP_HEAP_PEAK_BYTES, process, m->heap_peak, w);
	add_amount(a, METRIC_APP_PROCESS_PEAK_BYTES, process, m->tree_peak, w);
}

static void add_app(const struct app_history *a, struct metrics_writer *w)
{
	if (a->info.started > 0)
		metrics_add(w, METRIC_APP_START_TIMESTAMP_SECONDS,
			LABELS(a->cluster, a->info.id, a->info.name ? a->info.name : ""),
			(double)a->info.started / USEC_PER_SEC);
	add_process(a, "driver", &a->memory.driver, w);
	add_process(a, "executor", &a->memory.executor, w);
	if (!a->memory.known)
		return;
	metrics_add(w, METRIC_APP_TASK_SECONDS, LABELS(a->cluster, a->info.id),
		(double)a->memory.task_time / USEC_PER_SEC);
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

void app_metrics_add(const struct detector *d, struct metrics_writer *w)
{
	size_t n_apps = detector_n_apps(d);
	size_t n_stages = 0;

	for (size_t i = 0; i < n_apps && i < APPS_SHOWN; i++) {
		const struct app_history *a = detector_app_at(d, i);

		add_app(a, w);
		for (size_t k = 0; k < a->n_stages && n_stages < STAGES_SHOWN; k++)
			if (a->stages[k].last.n_tasks > 0) {
				add_stage(a, &a->stages[k], w);
				n_stages++;
			}
	}
	metrics_add(w, METRIC_APPS_NOT_SHOWN, NULL,
		n_apps > APPS_SHOWN ? (double)(n_apps - APPS_SHOWN) : 0);
}
