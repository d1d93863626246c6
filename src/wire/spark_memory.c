/* SPDX-License-Identifier: Apache-2.0
 * Decoder of /allexecutors. */
#include "wire/spark_memory.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/json.h"
#include "wire/spark_evidence.h"
#include "wire/spark_fields.h"

#define MAX_REASON 200

static int decode_peaks(const cJSON *json, struct executor_memory *x, char **reterr)
{
	static const char *const trees[] = {"ProcessTreeJVMRSSMemory", "ProcessTreePythonRSSMemory",
		"ProcessTreeOtherRSSMemory"};
	const cJSON *peaks = NULL;
	int r;

	r = json_get_object(json, "peakMemoryMetrics", JSON_OPTIONAL, &peaks, reterr);
	if (r <= 0)
		return r;
	r = spark_add_amount(peaks, "JVMHeapMemory", &x->heap_peak, reterr);
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(trees); i++)
		r = spark_add_amount(peaks, trees[i], &x->tree_peak, reterr);
	return r;
}

/* Without off-heap memory, which memoryMetrics tells apart since Spark 2.3. */
static int decode_region(const cJSON *json, struct executor_memory *x, char **reterr)
{
	const cJSON *metrics = NULL;
	int r;

	r = json_get_object(json, "memoryMetrics", JSON_OPTIONAL, &metrics, reterr);
	if (r > 0)
		return spark_add_amount(metrics, "totalOnHeapStorageMemory", &x->region, reterr);
	return r < 0 ? r : spark_add_amount(json, "maxMemory", &x->region, reterr);
}

static int decode_executor(const cJSON *json, struct executor_memory *x, char **reterr)
{
	int r;

	x->active = true;
	r = json_copy_id(json, "id", JSON_REQUIRED, &x->id, reterr);
	if (r >= 0)
		r = json_get_bool(json, "isActive", JSON_OPTIONAL, &x->active, reterr);
	if (r >= 0)
		r = spark_get_count(json, "maxTasks", JSON_OPTIONAL, &x->slots, reterr);
	if (r >= 0)
		r = spark_add_msec(json, "totalDuration", &x->task_time, reterr);
	if (r >= 0)
		r = spark_add_msec(json, "totalGCTime", &x->gc_time, reterr);
	if (r >= 0)
		r = decode_region(json, x, reterr);
	if (r >= 0)
		r = decode_peaks(json, x, reterr);
	if (r >= 0)
		r = json_copy_label(json, "removeReason", MAX_REASON, &x->remove_reason, reterr);
	return r;
}

int spark_decode_memory(
	const char *body, size_t len, struct executor_memory_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(executor_memory_list_clear) struct executor_memory_list list = {0};
	const cJSON *item;
	size_t row = 0;
	int r;

	r = spark_parse_list(body, len, SPARK_MAX_EXECUTORS, &json, reterr);
	if (r < 0)
		return r;
	list.items = json_new_items((size_t)cJSON_GetArraySize(json), sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	cJSON_ArrayForEach(item, json)
	{
		struct executor_memory *x = &list.items[list.n];

		row++;
		r = decode_executor(item, x, reterr);
		if (r >= 0) {
			list.n++;
			continue;
		}
		free(x->id);
		free(x->remove_reason);
		*x = (struct executor_memory){0};
		r = json_leave_out(&list.left_out, row, r, reterr);
		if (r < 0)
			return r;
	}
	*ret = TAKE_STRUCT(list);
	return 0;
}
