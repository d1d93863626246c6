/* SPDX-License-Identifier: Apache-2.0
 * Decoders of running tasks, executors and lost events. */
#include "wire/spark_evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/json.h"
#include "wire/spark_fields.h"

#define MAX_HOST 255
#define MAX_LINK 1000
#define MAX_QUERY_NAME 300

static int decode_metrics(const cJSON *metrics, struct task_obs *task, char **reterr)
{
	static const struct {
		enum progress_counter counter;
		const char *group; /* NULL: of taskMetrics itself */
		const char *field;
	} fields[] = {
		{PROGRESS_INPUT_BYTES, "inputMetrics", "bytesRead"},
		{PROGRESS_INPUT_RECORDS, "inputMetrics", "recordsRead"},
		{PROGRESS_OUTPUT_BYTES, "outputMetrics", "bytesWritten"},
		{PROGRESS_OUTPUT_RECORDS, "outputMetrics", "recordsWritten"},
		{PROGRESS_SHUFFLE_READ_BYTES, "shuffleReadMetrics", "remoteBytesRead"},
		{PROGRESS_SHUFFLE_READ_BYTES, "shuffleReadMetrics", "localBytesRead"},
		{PROGRESS_SHUFFLE_READ_RECORDS, "shuffleReadMetrics", "recordsRead"},
		{PROGRESS_SHUFFLE_BLOCKS, "shuffleReadMetrics", "remoteBlocksFetched"},
		{PROGRESS_SHUFFLE_BLOCKS, "shuffleReadMetrics", "localBlocksFetched"},
		{PROGRESS_SHUFFLE_WRITE_BYTES, "shuffleWriteMetrics", "bytesWritten"},
		{PROGRESS_SHUFFLE_WRITE_RECORDS, "shuffleWriteMetrics", "recordsWritten"},
		{PROGRESS_MEMORY_SPILLED, NULL, "memoryBytesSpilled"},
		{PROGRESS_DISK_SPILLED, NULL, "diskBytesSpilled"},
	};
	int r;

	for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
		const cJSON *from = metrics;

		if (fields[i].group) {
			from = NULL;
			r = json_get_object(metrics, fields[i].group, JSON_OPTIONAL, &from, reterr);
			if (r < 0)
				return r;
		}
		if (!from)
			continue;
		r = spark_add_amount(
			from, fields[i].field, &task->counters[fields[i].counter], reterr);
		if (r < 0)
			return r;
	}
	return spark_add_msec(metrics, "jvmGcTime", &task->gc, reterr);
}

/* 0: of another status; 1: taken. */
static int decode_task(const cJSON *json, struct task_obs *task, char **reterr)
{
	const cJSON *metrics = NULL;
	const char *status = NULL;
	int r;

	r = json_get_string(json, "status", JSON_REQUIRED, &status, reterr);
	if (r < 0)
		return r;
	if (strcmp(status, "RUNNING") != 0)
		return 0;
	task->index = -1;
	r = json_get_i64(json, "taskId", JSON_REQUIRED, &task->task_id, reterr);
	if (r >= 0)
		r = json_get_i64(json, "index", JSON_OPTIONAL, &task->index, reterr);
	if (r >= 0)
		r = json_get_bool(json, "speculative", JSON_OPTIONAL, &task->speculative, reterr);
	if (r >= 0)
		r = json_copy_id(json, "executorId", JSON_REQUIRED, &task->executor_id, reterr);
	if (r >= 0)
		r = spark_get_time(json, "launchTime", &task->launched, reterr);
	if (r >= 0)
		r = json_get_object(json, "taskMetrics", JSON_OPTIONAL, &metrics, reterr);
	if (r < 0)
		return r;
	task->has_metrics = metrics != NULL;
	r = metrics ? decode_metrics(metrics, task, reterr) : 0;
	return r < 0 ? r : 1;
}

int spark_decode_tasks(const char *body, size_t len, struct task_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(task_list_clear) struct task_list list = {0};
	const cJSON *item;
	size_t row = 0;
	int r;

	r = spark_parse_list(body, len, SPARK_MAX_TASKS, &json, reterr);
	if (r < 0)
		return r;
	list.items = json_new_items((size_t)cJSON_GetArraySize(json), sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	cJSON_ArrayForEach(item, json)
	{
		struct task_obs *task = &list.items[list.n];

		row++;
		r = decode_task(item, task, reterr);
		if (r > 0)
			list.n++;
		if (r >= 0)
			continue;
		free(task->executor_id);
		*task = (struct task_obs){0};
		r = json_leave_out(&list.left_out, row, r, reterr);
		if (r < 0)
			return r;
	}
	*ret = TAKE_STRUCT(list);
	return 0;
}

/* Spark's "peak" of a time that only grows is that time. */
static int decode_gc(const cJSON *json, usec_t *ret, char **reterr)
{
	const cJSON *peak = NULL;
	int r;

	r = json_get_object(json, "peakMemoryMetrics", JSON_OPTIONAL, &peak, reterr);
	if (r <= 0)
		return r;
	r = spark_add_msec(peak, "MinorGCTime", ret, reterr);
	return r < 0 ? r : spark_add_msec(peak, "MajorGCTime", ret, reterr);
}

/* "host:port", "[::1]:port". */
static int copy_host(const cJSON *json, char **ret, char **reterr)
{
	_cleanup_free_ char *text = NULL;
	const char *start;
	size_t n;
	int r;

	r = json_copy_label(json, "hostPort", MAX_HOST, &text, reterr);
	if (r < 0 || !text)
		return r;
	start = *text == '[' ? text + 1 : text;
	n = *text == '[' ? strcspn(start, "]") : (size_t)0;
	if (n == 0) {
		const char *colon = strrchr(start, ':');

		n = colon ? (size_t)(colon - start) : strlen(start);
	}
	*ret = strndup(start, n);
	return *ret ? 0 : -ENOMEM;
}

static int copy_log_url(const cJSON *json, char **ret, char **reterr)
{
	const cJSON *logs = NULL;
	int r;

	r = json_get_object(json, "executorLogs", JSON_OPTIONAL, &logs, reterr);
	return r > 0 ? json_copy_label(logs, "stderr", MAX_LINK, ret, reterr) : r;
}

/* 0: it is not active; 1: taken. */
static int decode_executor(const cJSON *json, struct executor_obs *x, char **reterr)
{
	bool active = true;
	int r;

	r = json_get_bool(json, "isActive", JSON_OPTIONAL, &active, reterr);
	if (r >= 0 && !active)
		return 0;
	if (r >= 0)
		r = json_copy_id(json, "id", JSON_REQUIRED, &x->id, reterr);
	if (r >= 0)
		r = copy_host(json, &x->host, reterr);
	if (r >= 0)
		r = copy_log_url(json, &x->log_url, reterr);
	if (r >= 0)
		r = spark_get_count(json, "activeTasks", JSON_REQUIRED, &x->active_tasks, reterr);
	if (r >= 0)
		r = spark_get_count(json, "totalTasks", JSON_OPTIONAL, &x->total_tasks, reterr);
	if (r >= 0)
		r = decode_gc(json, &x->gc, reterr);
	return r < 0 ? r : 1;
}

static void executor_clear(struct executor_obs *x)
{
	free(x->id);
	free(x->host);
	free(x->log_url);
	*x = (struct executor_obs){0};
}

int spark_decode_executor_list(
	const char *body, size_t len, struct executor_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(executor_list_clear) struct executor_list list = {0};
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
		row++;
		r = decode_executor(item, &list.items[list.n], reterr);
		if (r > 0)
			list.n++;
		if (r >= 0)
			continue;
		executor_clear(&list.items[list.n]);
		r = json_leave_out(&list.left_out, row, r, reterr);
		if (r < 0)
			return r;
	}
	*ret = TAKE_STRUCT(list);
	return 0;
}

int spark_decode_batches(const char *body, size_t len, struct batches_obs *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	struct batches_obs batches = {0};
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r < 0)
		return r;
	if (!cJSON_IsObject(json))
		return json_refuse(reterr, "not an object");
	r = json_get_u64(
		json, "numTotalCompletedBatches", JSON_REQUIRED, &batches.completed, reterr);
	if (r >= 0)
		r = spark_add_msec(json, "batchDuration", &batches.interval, reterr);
	if (r < 0)
		return r;
	*ret = batches;
	return 0;
}

int spark_decode_dropped_events(const char *body, size_t len, uint64_t *ret, char **reterr)
{
	static const char wanted[] = ".LiveListenerBus.queue.appStatus.numDroppedEvents";
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *counters = NULL;
	const cJSON *item;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r < 0)
		return r;
	if (!cJSON_IsObject(json))
		return json_refuse(reterr, "not an object");
	r = json_get_object(json, "counters", JSON_OPTIONAL, &counters, reterr);
	if (r <= 0)
		return r;
	cJSON_ArrayForEach(item, counters)
	{
		size_t n = strlen(item->string);
		uint64_t count = 0;

		if (n < strlen(wanted) || strcmp(item->string + n - strlen(wanted), wanted) != 0)
			continue;
		r = json_get_u64(item, "count", JSON_REQUIRED, &count, reterr);
		if (r < 0)
			return r;
		*ret = count;
		return 1;
	}
	return 0;
}

/* "NAME, id = UUID, runId = UUID, batch = N", between them line ends of one kind or another. */
static bool is_batch(const char *description)
{
	const char *run = description ? strstr(description, "runId = ") : NULL;

	return run && strstr(run, "batch = ");
}

/* A query of 4.3 says which one it is a part of, one of 3.5 does not. Returns 1 for one that is
 * older than *ret, or a part. */
static int decode_query(const cJSON *json, const struct query_obs *newest, struct query_obs *ret,
	const char **ret_name, char **reterr)
{
	const cJSON *jobs = NULL;
	const char *status;
	int64_t root;
	int r;

	r = json_get_i64(json, "id", JSON_REQUIRED, &ret->id, reterr);
	if (r < 0)
		return r;
	root = ret->id;
	r = json_get_i64(json, "rootExecutionId", JSON_OPTIONAL, &root, reterr);
	if (r >= 0)
		r = json_get_string(json, "status", JSON_REQUIRED, &status, reterr);
	if (r >= 0)
		r = json_get_string(json, "description", JSON_OPTIONAL, ret_name, reterr);
	if (r >= 0)
		r = json_get_array(json, "runningJobIds", JSON_OPTIONAL, &jobs, reterr);
	if (r < 0)
		return r;
	ret->running = str_equal(status, "RUNNING");
	ret->streams = is_batch(*ret_name);
	ret->n_running_jobs = jobs ? (size_t)cJSON_GetArraySize(jobs) : 0;
	return root != ret->id || ret->id < newest->id;
}

int spark_decode_newest_query(const char *body, size_t len, struct query_obs *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	struct query_obs newest = {.id = -1};
	struct left_out left_out = {0};
	const char *name = NULL;
	const cJSON *item;
	size_t row = 0;
	int r;

	r = spark_parse_list(body, len, SPARK_MAX_QUERIES, &json, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(item, json)
	{
		struct query_obs q = {0};
		const char *its_name = NULL;

		row++;
		r = decode_query(item, &newest, &q, &its_name, reterr);
		if (r < 0) {
			r = json_leave_out(&left_out, row, r, reterr);
			if (r < 0)
				return r;
			continue;
		}
		if (r > 0)
			continue;
		newest = q;
		name = its_name;
	}
	if (newest.id < 0) {
		ret->left_out = left_out;
		return 0;
	}
	newest.left_out = left_out;
	if (name) {
		r = str_printable(name, MAX_QUERY_NAME, &newest.name);
		if (r < 0)
			return r;
	}
	*ret = newest;
	return 1;
}
