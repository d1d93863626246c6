/* SPDX-License-Identifier: Apache-2.0
 * Tells a Spark driver's answers from others', and decodes its lists of apps, stages and jobs. */
#include "wire/spark_rest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wire/json.h"
#include "wire/spark_fields.h"

#define MAX_TEXT 200

static bool is_json_type(const char *content_type)
{
	static const char *const types[] = {"application/json", "text/json"};

	for (size_t i = 0; i < ELEMENTSOF(types); i++) {
		size_t n = strlen(types[i]);

		if (strncasecmp(content_type, types[i], n) == 0 && strchr("; \t", content_type[n]))
			return true;
	}
	return false;
}

static bool contains(const char *body, size_t len, const char *what)
{
	return memmem(body, len, what, strlen(what)) != NULL;
}

enum spark_body spark_body_kind(const char *content_type, const char *body, size_t len)
{
	static const char starting[] = "Spark is starting up";

	while (len > 0 && strchr(" \t\r\n", *body)) {
		if (*body == '\0')
			break;
		body++;
		len--;
	}
	if (len == 0)
		return SPARK_BODY_OTHER;
	if (*body == '[' || *body == '{') {
		if (content_type && !is_json_type(content_type))
			return SPARK_BODY_OTHER;
		return SPARK_BODY_JSON;
	}
	if (len >= strlen(starting) && memcmp(body, starting, strlen(starting)) == 0)
		return SPARK_BODY_STARTING;
	/* The title can be changed (spark.master.ui.title), the link to the table of apps cannot.
	 */
	if (*body == '<' && (contains(body, len, "<title>Spark Master at ") ||
				    contains(body, len, "href=\"#running-app\"")))
		return SPARK_BODY_MASTER;
	return SPARK_BODY_OTHER;
}

static int decode_attempt(const cJSON *attempt, struct app_info *app, char **reterr)
{
	int64_t epoch = -1;
	int r;

	r = json_copy_label(attempt, "sparkUser", MAX_TEXT, &app->user, reterr);
	if (r >= 0)
		r = json_copy_label(
			attempt, "appSparkVersion", MAX_TEXT, &app->spark_version, reterr);
	if (r >= 0)
		r = json_get_i64(attempt, "startTimeEpoch", JSON_OPTIONAL, &epoch, reterr);
	if (r < 0)
		return r;
	if (epoch <= 0)
		return spark_get_time(attempt, "startTime", &app->started, reterr);
	app->started = (usec_t)epoch * USEC_PER_MSEC;
	return 0;
}

static int decode_application(const cJSON *json, struct app_info *app, char **reterr)
{
	const cJSON *attempts = NULL;
	int r;

	r = json_copy_id(json, "id", JSON_REQUIRED, &app->id, reterr);
	if (r >= 0)
		r = json_copy_label(json, "name", MAX_TEXT, &app->name, reterr);
	if (r >= 0)
		r = json_get_array(json, "attempts", JSON_REQUIRED, &attempts, reterr);
	if (r < 0)
		return r;
	if (!attempts->child)
		return json_refuse(reterr, "\"attempts\" is empty");
	return decode_attempt(attempts->child, app, reterr);
}

int spark_decode_applications(const char *body, size_t len, struct app_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(app_list_clear) struct app_list list = {0};
	const cJSON *item;
	size_t row = 0;
	int r;

	r = spark_parse_list(body, len, SPARK_MAX_APPS, &json, reterr);
	if (r < 0)
		return r;
	list.items = json_new_items((size_t)cJSON_GetArraySize(json), sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	cJSON_ArrayForEach(item, json)
	{
		struct app_info *app = &list.items[list.n];

		row++;
		r = decode_application(item, app, reterr);
		if (r >= 0) {
			list.n++;
			continue;
		}
		app_info_clear(app);
		r = json_leave_out(&list.left_out, row, r, reterr);
		if (r < 0)
			return r;
	}
	*ret = TAKE_STRUCT(list);
	return 0;
}

/* Sums of bytes and records; what Spark lacks stays 0, and a sum below 0 is as good as none. */
static int decode_counters(const cJSON *json, struct stage_obs *stage, char **reterr)
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

/* Spark before 3.0 lacks them. */
static int decode_cost(const cJSON *json, struct stage_cost *cost, char **reterr)
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

/* Spark Streaming describes the job of a receiver so, and only that. */
static int decode_receiver(const cJSON *json, bool *ret, char **reterr)
{
	static const char prefix[] = "Streaming job running receiver ";
	const char *description = NULL;
	int r;

	r = json_get_string(json, "description", JSON_OPTIONAL, &description, reterr);
	*ret = r > 0 && description && strncmp(description, prefix, strlen(prefix)) == 0;
	return r;
}

/* 0: it is not active; 1: taken. */
static int decode_stage(const cJSON *json, struct stage_obs *stage, char **reterr)
{
	const char *status = NULL;
	int64_t completed;
	int r;

	r = json_get_string(json, "status", JSON_REQUIRED, &status, reterr);
	if (r >= 0 && strcmp(status, "ACTIVE") != 0)
		return 0;
	if (r >= 0)
		r = spark_get_number_id(json, "stageId", &stage->stage_id, reterr);
	if (r >= 0)
		r = spark_get_number_id(json, "attemptId", &stage->attempt_id, reterr);
	if (r >= 0)
		r = json_copy_label(json, "name", MAX_TEXT, &stage->name, reterr);
	if (r >= 0)
		r = decode_receiver(json, &stage->receiver, reterr);
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
	r = decode_cost(json, &stage->cost, reterr);
	if (r >= 0)
		r = decode_counters(json, stage, reterr);
	return r < 0 ? r : 1;
}

int spark_decode_stages(const char *body, size_t len, struct stage_list *ret, char **reterr)
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
		r = decode_stage(item, stage, reterr);
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

static int add_stage_ids(const cJSON *stage_ids, struct job_list *list, char **reterr)
{
	size_t more = (size_t)cJSON_GetArraySize(stage_ids);
	const cJSON *item;
	int64_t *ids;

	if (list->n_stage_ids + more > SPARK_MAX_STAGE_IDS) {
		int r = json_refuse(
			reterr, "\"stageIds\" of more than %d in all", SPARK_MAX_STAGE_IDS);

		return r == -EBADMSG ? -E2BIG : r;
	}
	if (more == 0)
		return 0;
	ids = reallocarray(list->stage_ids, list->n_stage_ids + more, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	list->stage_ids = ids;
	cJSON_ArrayForEach(item, stage_ids)
	{
		double id = cJSON_IsNumber(item) ? item->valuedouble : -1;

		if (!(id >= 0 && id <= INT32_MAX) || id != (double)(int64_t)id)
			return json_refuse(reterr, "\"stageIds\" holds what is no stage's number");
		ids[list->n_stage_ids++] = (int64_t)id;
	}
	return 0;
}

static int decode_job(const cJSON *json, struct job_list *list, char **reterr)
{
	const cJSON *stage_ids = NULL;
	const char *status = NULL;
	int r;

	r = json_get_string(json, "status", JSON_REQUIRED, &status, reterr);
	if (r < 0 || strcmp(status, "RUNNING") != 0)
		return r < 0 ? r : 0;
	list->n_running++; /* whatever else it says */
	r = json_get_array(json, "stageIds", JSON_REQUIRED, &stage_ids, reterr);
	return r < 0 ? r : add_stage_ids(stage_ids, list, reterr);
}

int spark_decode_jobs(const char *body, size_t len, struct job_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(job_list_clear) struct job_list list = {0};
	const cJSON *item;
	size_t row = 0;
	int r;

	r = spark_parse_list(body, len, SPARK_MAX_JOBS, &json, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(item, json)
	{
		row++;
		r = decode_job(item, &list, reterr);
		if (r == -E2BIG)
			return r;
		if (r < 0)
			r = json_leave_out(&list.left_out, row, r, reterr);
		if (r < 0)
			return r;
	}
	*ret = TAKE_STRUCT(list);
	return 0;
}
