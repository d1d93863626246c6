/* SPDX-License-Identifier: Apache-2.0
 * Decoder of /allexecutors: a long list where executors come and go. */
#include "wire/spark_memory.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "wire/json_rows.h"
#include "wire/spark_evidence.h"
#include "wire/spark_fields.h"

#define MAX_REASON 200

enum field {
	ID,
	IS_ACTIVE,
	MAX_TASKS,
	TOTAL_DURATION,
	TOTAL_GC_TIME,
	MEMORY_METRICS,
	MAX_MEMORY,
	PEAK_MEMORY_METRICS,
	REMOVE_REASON,
	N_FIELDS
};

static const char *const names[] = {
	[ID] = "id",
	[IS_ACTIVE] = "isActive",
	[MAX_TASKS] = "maxTasks",
	[TOTAL_DURATION] = "totalDuration",
	[TOTAL_GC_TIME] = "totalGCTime",
	[MEMORY_METRICS] = "memoryMetrics",
	[MAX_MEMORY] = "maxMemory",
	[PEAK_MEMORY_METRICS] = "peakMemoryMetrics",
	[REMOVE_REASON] = "removeReason",
};
static const struct json_wanted wanted = {names, N_FIELDS, SPARK_MAX_EXECUTORS};

static int decode_peaks(const struct json_rows *rows, struct executor_memory *x, char **reterr)
{
	static const char *const peaks[] = {"JVMHeapMemory", "ProcessTreeJVMRSSMemory",
		"ProcessTreePythonRSSMemory", "ProcessTreeOtherRSSMemory"};
	static const struct json_wanted wanted_peaks = {peaks, ELEMENTSOF(peaks), 1};
	struct json_rows metrics;
	int r;

	r = json_rows_object(rows, PEAK_MEMORY_METRICS, &wanted_peaks, &metrics, reterr);
	if (r <= 0)
		return r;
	r = spark_rows_add(&metrics, 0, &x->heap_peak, reterr);
	for (size_t i = 1; r >= 0 && i < ELEMENTSOF(peaks); i++)
		r = spark_rows_add(&metrics, i, &x->tree_peak, reterr);
	return r;
}

/* Without off-heap memory, which memoryMetrics tells apart since Spark 2.3. */
static int decode_region(const struct json_rows *rows, struct executor_memory *x, char **reterr)
{
	static const char *const total[] = {"totalOnHeapStorageMemory"};
	static const struct json_wanted wanted_total = {total, ELEMENTSOF(total), 1};
	struct json_rows metrics;
	int r;

	r = json_rows_object(rows, MEMORY_METRICS, &wanted_total, &metrics, reterr);
	if (r > 0)
		return spark_rows_add(&metrics, 0, &x->region, reterr);
	return r < 0 ? r : spark_rows_add(rows, MAX_MEMORY, &x->region, reterr);
}

static int decode_executor(const struct json_rows *rows, struct executor_memory *x, char **reterr)
{
	int r;

	x->active = true;
	r = json_rows_id(rows, ID, JSON_REQUIRED, &x->id, reterr);
	if (r >= 0)
		r = json_rows_bool(rows, IS_ACTIVE, JSON_OPTIONAL, &x->active, reterr);
	if (r >= 0)
		r = spark_rows_count(rows, MAX_TASKS, JSON_OPTIONAL, &x->slots, reterr);
	if (r >= 0)
		r = spark_rows_add_msec(rows, TOTAL_DURATION, &x->task_time, reterr);
	if (r >= 0)
		r = spark_rows_add_msec(rows, TOTAL_GC_TIME, &x->gc_time, reterr);
	if (r >= 0)
		r = decode_region(rows, x, reterr);
	if (r >= 0)
		r = decode_peaks(rows, x, reterr);
	if (r >= 0)
		r = json_rows_label(rows, REMOVE_REASON, MAX_REASON, &x->remove_reason);
	return r;
}

/* Takes the executor over. */
static int add_executor(struct executor_memory_list *l, const struct executor_memory *x)
{
	struct executor_memory *items = array_room(l->items, l->n, sizeof(*items));

	if (!items)
		return -ENOMEM;
	l->items = items;
	items[l->n++] = *x;
	return 0;
}

int spark_decode_memory(
	const char *body, size_t len, struct executor_memory_list *ret, char **reterr)
{
	_cleanup_(executor_memory_list_clear) struct executor_memory_list list = {0};
	struct json_rows rows;
	int r;

	r = json_rows_begin(&rows, &wanted, body, len, reterr);
	while (r >= 0) {
		struct executor_memory x = {0};

		r = json_rows_next(&rows, reterr);
		if (r <= 0)
			break;
		r = decode_executor(&rows, &x, reterr);
		if (r >= 0)
			r = add_executor(&list, &x);
		if (r >= 0)
			continue;
		free(x.id);
		free(x.remove_reason);
		r = json_leave_out(&list.left_out, rows.n_rows, r, reterr);
	}
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(list);
	return 0;
}
