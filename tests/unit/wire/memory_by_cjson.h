/* SPDX-License-Identifier: Apache-2.0
 * The decoder of /allexecutors held to another, by way of cJSON's tree, as stages_by_cjson.h. */
#pragma once

#include "stages_by_cjson.h"
#include "wire/spark_evidence.h"
#include "wire/spark_memory.h"

static inline int cjson_peaks(const cJSON *json, struct executor_memory *x, char **reterr)
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

static inline int cjson_region(const cJSON *json, struct executor_memory *x, char **reterr)
{
	const cJSON *metrics = NULL;
	int r;

	r = json_get_object(json, "memoryMetrics", JSON_OPTIONAL, &metrics, reterr);
	if (r > 0)
		return spark_add_amount(metrics, "totalOnHeapStorageMemory", &x->region, reterr);
	return r < 0 ? r : spark_add_amount(json, "maxMemory", &x->region, reterr);
}

static inline int cjson_executor(const cJSON *json, struct executor_memory *x, char **reterr)
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
		r = cjson_region(json, x, reterr);
	if (r >= 0)
		r = cjson_peaks(json, x, reterr);
	if (r >= 0)
		r = json_copy_label(json, "removeReason", 200, &x->remove_reason, reterr);
	return r;
}

static inline int cjson_memory(
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
		r = cjson_executor(item, x, reterr);
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

static inline bool same_executor(const struct executor_memory *a, const struct executor_memory *b)
{
	return str_equal(a->id, b->id) && a->active == b->active && a->slots == b->slots &&
	       a->region == b->region && a->heap_peak == b->heap_peak &&
	       a->tree_peak == b->tree_peak && a->task_time == b->task_time &&
	       a->gc_time == b->gc_time && str_equal(a->remove_reason, b->remove_reason);
}

/* NULL: both readers say the same of the body. Else what differs, which the caller frees. */
static inline char *memory_readers_differ(const char *body, size_t len)
{
	_cleanup_(executor_memory_list_clear) struct executor_memory_list a = {0};
	_cleanup_(executor_memory_list_clear) struct executor_memory_list b = {0};
	_cleanup_free_ char *err_a = NULL;
	_cleanup_free_ char *err_b = NULL;
	int ra = spark_decode_memory(body, len, &a, &err_a);
	int rb = cjson_memory(body, len, &b, &err_b);
	char *text = NULL;

	if ((ra < 0) != (rb < 0) || (ra < 0 && (!err_a || !err_b)))
		(void)str_printf(&text, "%d (%s), by cJSON %d (%s)", ra, err_a, rb, err_b);
	else if (ra >= 0 && (a.n != b.n || !same_left_out(&a.left_out, &b.left_out)))
		(void)str_printf(&text, "%zu rows and %zu left out (%s), by cJSON %zu and %zu (%s)",
			a.n, a.left_out.n, a.left_out.why, b.n, b.left_out.n, b.left_out.why);
	for (size_t i = 0; !text && ra >= 0 && i < a.n; i++)
		if (!same_executor(&a.items[i], &b.items[i]))
			(void)str_printf(&text, "executor %zu is another", i);
	return text;
}
