/* SPDX-License-Identifier: Apache-2.0
 * The stages decoder held to another: the same list by way of cJSON's tree, field by field. Both
 * must take the same bodies, refuse the same, and say the same of each row. */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/json.h"
#include "wire/spark_fields.h"
#include "wire/spark_rest.h"

#define CJSON_MAX_TEXT 200

static inline int cjson_number_id(
	const cJSON *object, const char *field, int64_t *ret, char **reterr)
{
	int r = spark_get_count(object, field, JSON_REQUIRED, ret, reterr);

	if (r >= 0 && *ret < 0)
		return json_refuse(reterr, "\"%s\" is out of range", field);
	return r;
}

static inline int cjson_counters(const cJSON *json, struct stage_obs *stage, char **reterr)
{
	static const struct {
		enum progress_counter counter;
		const char *field;
	} fields[] = {
		{PROGRESS_INPUT_BYTES, "inputBytes"},
		{PROGRESS_INPUT_RECORDS, "inputRecords"},
		{PROGRESS_OUTPUT_BYTES, "outputBytes"},
		{PROGRESS_OUTPUT_RECORDS, "outputRecords"},
		{PROGRESS_SHUFFLE_READ_BYTES, "shuffleReadBytes"},
		{PROGRESS_SHUFFLE_READ_RECORDS, "shuffleReadRecords"},
		{PROGRESS_SHUFFLE_BLOCKS, "shuffleRemoteBlocksFetched"},
		{PROGRESS_SHUFFLE_BLOCKS, "shuffleLocalBlocksFetched"},
		{PROGRESS_SHUFFLE_WRITE_BYTES, "shuffleWriteBytes"},
		{PROGRESS_SHUFFLE_WRITE_RECORDS, "shuffleWriteRecords"},
		{PROGRESS_MEMORY_SPILLED, "memoryBytesSpilled"},
		{PROGRESS_DISK_SPILLED, "diskBytesSpilled"},
	};

	for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
		int r = spark_add_amount(
			json, fields[i].field, &stage->counters[fields[i].counter], reterr);

		if (r < 0)
			return r;
	}
	return 0;
}

static inline int cjson_cost(const cJSON *json, struct stage_cost *cost, char **reterr)
{
	int r;

	r = spark_add_msec(json, "executorRunTime", &cost->run, reterr);
	if (r >= 0)
		r = spark_add_msec(json, "executorDeserializeTime", &cost->deserialize, reterr);
	if (r >= 0)
		r = spark_add_msec(json, "shuffleFetchWaitTime", &cost->fetch_wait, reterr);
	if (r >= 0)
		r = spark_add_amount(json, "resultSize", &cost->result_size, reterr);
	return r;
}

static inline int cjson_receiver(const cJSON *json, bool *ret, char **reterr)
{
	static const char prefix[] = "Streaming job running receiver ";
	const char *description = NULL;
	int r;

	r = json_get_string(json, "description", JSON_OPTIONAL, &description, reterr);
	*ret = r > 0 && description && strncmp(description, prefix, strlen(prefix)) == 0;
	return r;
}

/* 0: it is not active; 1: taken. */
static inline int cjson_stage(const cJSON *json, struct stage_obs *stage, char **reterr)
{
	const char *status = NULL;
	int64_t completed;
	int r;

	r = json_get_string(json, "status", JSON_REQUIRED, &status, reterr);
	if (r >= 0 && strcmp(status, "ACTIVE") != 0)
		return 0;
	if (r >= 0)
		r = cjson_number_id(json, "stageId", &stage->stage_id, reterr);
	if (r >= 0)
		r = cjson_number_id(json, "attemptId", &stage->attempt_id, reterr);
	if (r >= 0)
		r = json_copy_label(json, "name", CJSON_MAX_TEXT, &stage->name, reterr);
	if (r >= 0)
		r = cjson_receiver(json, &stage->receiver, reterr);
	if (r >= 0)
		r = spark_get_count(json, "numTasks", JSON_REQUIRED, &stage->n_tasks, reterr);
	if (r >= 0)
		r = spark_get_count(
			json, "numActiveTasks", JSON_REQUIRED, &stage->n_active, reterr);
	if (r >= 0)
		r = spark_get_count(
			json, "numCompleteTasks", JSON_REQUIRED, &stage->n_complete, reterr);
	if (r >= 0)
		r = spark_get_count(
			json, "numFailedTasks", JSON_REQUIRED, &stage->n_failed, reterr);
	if (r >= 0)
		r = spark_get_time(json, "submissionTime", &stage->submitted, reterr);
	if (r >= 0)
		r = spark_get_time(json, "firstTaskLaunchedTime", &stage->first_launched, reterr);
	if (r < 0)
		return r;
	completed = stage->n_complete;
	r = spark_get_count(json, "numCompletedIndices", JSON_OPTIONAL, &completed, reterr);
	if (r < 0)
		return r;
	if (completed > 0)
		stage->counters[PROGRESS_COMPLETED_INDICES] = (uint64_t)completed;
	r = cjson_cost(json, &stage->cost, reterr);
	if (r >= 0)
		r = cjson_counters(json, stage, reterr);
	return r < 0 ? r : 1;
}

static inline int cjson_stages(const char *body, size_t len, struct stage_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(stage_list_clear) struct stage_list list = {0};
	const cJSON *item;
	size_t row = 0;
	int r;

	r = spark_parse_list(body, len, SPARK_MAX_STAGES, &json, reterr);
	if (r < 0)
		return r;
	list.items = json_new_items((size_t)cJSON_GetArraySize(json), sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	cJSON_ArrayForEach(item, json)
	{
		struct stage_obs *stage = &list.items[list.n];

		row++;
		r = cjson_stage(item, stage, reterr);
		if (r > 0)
			list.n++;
		if (r >= 0)
			continue;
		free(stage->name);
		*stage = (struct stage_obs){0};
		r = json_leave_out(&list.left_out, row, r, reterr);
		if (r < 0)
			return r;
	}
	*ret = TAKE_STRUCT(list);
	return 0;
}

/* What is wrong with the body as a whole is found in another order; with a row it is the same. */
static inline bool same_left_out(const struct left_out *a, const struct left_out *b)
{
	return a->n == b->n && (a->n == 0 || strcmp(a->why, b->why) == 0);
}

static inline bool same_stage(const struct stage_obs *a, const struct stage_obs *b)
{
	return a->stage_id == b->stage_id && a->attempt_id == b->attempt_id &&
	       str_equal(a->name, b->name) && a->receiver == b->receiver &&
	       a->n_tasks == b->n_tasks && a->n_active == b->n_active &&
	       a->n_complete == b->n_complete && a->n_failed == b->n_failed &&
	       a->submitted == b->submitted && a->first_launched == b->first_launched &&
	       memcmp(a->counters, b->counters, sizeof(a->counters)) == 0 &&
	       memcmp(&a->cost, &b->cost, sizeof(a->cost)) == 0;
}

/* NULL: both readers say the same of the body. Else what differs, which the caller frees. */
static inline char *readers_differ(const char *body, size_t len)
{
	_cleanup_(stage_list_clear) struct stage_list a = {0};
	_cleanup_(stage_list_clear) struct stage_list b = {0};
	_cleanup_free_ char *err_a = NULL;
	_cleanup_free_ char *err_b = NULL;
	int ra = spark_decode_stages(body, len, &a, &err_a);
	int rb = cjson_stages(body, len, &b, &err_b);
	char *text = NULL;

	if ((ra < 0) != (rb < 0) || (ra < 0 && (!err_a || !err_b)))
		(void)str_printf(&text, "%d (%s), by cJSON %d (%s)", ra, err_a, rb, err_b);
	else if (ra >= 0 && (a.n != b.n || !same_left_out(&a.left_out, &b.left_out)))
		(void)str_printf(&text,
			"%zu stages and %zu left out (%s), by cJSON %zu and %zu (%s)", a.n,
			a.left_out.n, a.left_out.why, b.n, b.left_out.n, b.left_out.why);
	for (size_t i = 0; !text && ra >= 0 && i < a.n; i++)
		if (!same_stage(&a.items[i], &b.items[i]))
			(void)str_printf(&text, "stage %zu is another: \"%s\", by cJSON \"%s\"", i,
				a.items[i].name, b.items[i].name);
	return text;
}
