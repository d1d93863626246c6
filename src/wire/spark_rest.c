/* SPDX-License-Identifier: Apache-2.0
 * Decoders of a Spark driver's monitoring REST API. */
#include "wire/spark_rest.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "base/strbuf.h"
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

	r = json_copy_text(attempt, "sparkUser", MAX_TEXT, &app->user, reterr);
	if (r >= 0)
		r = json_copy_text(
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
		r = json_copy_text(json, "name", MAX_TEXT, &app->name, reterr);
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
	int r;

	r = spark_parse_list(body, len, SPARK_MAX_APPS, &json, reterr);
	if (r < 0)
		return r;
	list.items = json_new_items((size_t)cJSON_GetArraySize(json), sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	cJSON_ArrayForEach(item, json)
	{
		r = decode_application(item, &list.items[list.n++], reterr);
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
		int64_t value = 0;
		int r;

		r = json_get_i64(json, fields[i].field, JSON_OPTIONAL, &value, reterr);
		if (r < 0)
			return r;
		if (value > 0)
			stage->counters[fields[i].counter] += (uint64_t)value;
	}
	return 0;
}

static int decode_stage(const cJSON *json, struct stage_obs *stage, char **reterr)
{
	int64_t completed;
	int r;

	r = spark_get_number_id(json, "stageId", &stage->stage_id, reterr);
	if (r >= 0)
		r = spark_get_number_id(json, "attemptId", &stage->attempt_id, reterr);
	if (r >= 0)
		r = json_copy_text(json, "name", MAX_TEXT, &stage->name, reterr);
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
	return decode_counters(json, stage, reterr);
}

int spark_decode_stages(const char *body, size_t len, struct stage_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(stage_list_clear) struct stage_list list = {0};
	const cJSON *item;
	int r;

	r = spark_parse_list(body, len, SPARK_MAX_STAGES, &json, reterr);
	if (r < 0)
		return r;
	list.items = json_new_items((size_t)cJSON_GetArraySize(json), sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	cJSON_ArrayForEach(item, json)
	{
		const char *status;

		r = json_get_string(item, "status", JSON_REQUIRED, &status, reterr);
		if (r < 0)
			return r;
		if (strcmp(status, "ACTIVE") != 0)
			continue;
		r = decode_stage(item, &list.items[list.n++], reterr);
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

int spark_decode_jobs(const char *body, size_t len, struct job_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(job_list_clear) struct job_list list = {0};
	const cJSON *item;
	int r;

	r = spark_parse_list(body, len, SPARK_MAX_JOBS, &json, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(item, json)
	{
		const cJSON *stage_ids;
		const char *status;

		r = json_get_string(item, "status", JSON_REQUIRED, &status, reterr);
		if (r < 0)
			return r;
		if (strcmp(status, "RUNNING") != 0)
			continue;
		r = json_get_array(item, "stageIds", JSON_REQUIRED, &stage_ids, reterr);
		if (r >= 0)
			r = add_stage_ids(stage_ids, &list, reterr);
		if (r < 0)
			return r;
		list.n_running++;
	}
	*ret = TAKE_STRUCT(list);
	return 0;
}

/* The value of a property in a list of pairs; *ret stays NULL where it is not set. */
static int find_property(const cJSON *pairs, const char *name, const char **ret, char **reterr)
{
	const cJSON *pair;

	cJSON_ArrayForEach(pair, pairs)
	{
		const cJSON *key = cJSON_IsArray(pair) ? pair->child : NULL;

		if (!key || !key->next || !cJSON_IsString(key))
			return json_refuse(reterr, "\"sparkProperties\" is not a list of pairs");
		if (strcmp(key->valuestring, name) != 0)
			continue;
		if (!cJSON_IsString(key->next))
			return json_refuse(reterr, "\"%s\" is not a string", name);
		*ret = key->next->valuestring;
		return 0;
	}
	return 0;
}

/* An id; one that is set to nothing counts as not set. */
static int copy_id_property(const cJSON *pairs, const char *name, char **ret, char **reterr)
{
	const char *s = NULL;
	int r;

	r = find_property(pairs, name, &s, reterr);
	if (r < 0 || !s || !*s)
		return r;
	r = json_check_id(name, s, reterr);
	if (r < 0)
		return r;
	return str_replace(ret, s);
}

/* A number from -1 on; *ret stays as it is where the property is not set. */
static int get_number_property(const cJSON *pairs, const char *name, int64_t *ret, char **reterr)
{
	const char *s = NULL;
	uint64_t value;
	int r;

	r = find_property(pairs, name, &s, reterr);
	if (r < 0 || !s)
		return r;
	if (strcmp(s, "-1") == 0) {
		*ret = -1;
		return 0;
	}
	if (parse_u64(s, &value) < 0 || value > INT32_MAX)
		return json_refuse(reterr, "\"%s\" is not a number", name);
	*ret = (int64_t)value;
	return 0;
}

/* What Spark puts in the place of a value that looks like a secret. */
#define REDACTED "(redacted)"
/* Five lines in hexadecimal. */
#define MAX_IDENTITY ((size_t)2 * (3 * JSON_MAX_ID + 64))

static bool is_redacted(const char *s)
{
	return s && strstr(s, REDACTED);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* -EBADMSG for what is no hexadecimal text, or holds a NUL. */
static int from_hex(const char *hex, char **ret)
{
	size_t n = strlen(hex);
	_cleanup_free_ char *text = NULL;

	if (n % 2 != 0 || n > MAX_IDENTITY)
		return -EBADMSG;
	text = calloc(1, n / 2 + 1);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < n / 2; i++) {
		int high = hex_digit(hex[2 * i]);
		int low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return -EBADMSG;
		text[i] = (char)(high * 16 + low);
	}
	*ret = TAKE_PTR(text);
	return 0;
}

static int parse_index(const char *s, int64_t *ret)
{
	uint64_t value;

	if (strcmp(s, "-1") == 0) {
		*ret = -1;
		return 0;
	}
	if (parse_u64(s, &value) < 0 || value > INT32_MAX)
		return -EBADMSG;
	*ret = (int64_t)value;
	return 0;
}

/* dag_id, run_id, task_id, map_index, try_number, one a line. text is cut up. */
static int split_identity(char *text, struct owner *ret)
{
	char *lines[5] = {NULL};
	char **ids[3] = {&ret->dag_id, &ret->run_id, &ret->task_id};
	int r = 0;

	for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
		lines[i] = strsep(&text, "\n");
		if (!lines[i] || !*lines[i])
			return -EBADMSG;
	}
	if (text)
		return -EBADMSG;
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(ids); i++) {
		if (strlen(lines[i]) > JSON_MAX_ID)
			return -EBADMSG;
		r = str_replace(ids[i], lines[i]);
	}
	if (r >= 0)
		r = parse_index(lines[3], &ret->map_index);
	if (r >= 0)
		r = parse_index(lines[4], &ret->try_number);
	return r;
}

static int copy_identity(const cJSON *pairs, struct owner *ret, char **reterr)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_(owner_clear) struct owner owner = {.map_index = -1};
	const char *hex = NULL;
	int r;

	r = find_property(pairs, "spark.airflow.identity", &hex, reterr);
	if (r < 0)
		return r;
	owner_clear(ret);
	if (!hex)
		return 0;
	r = from_hex(hex, &text);
	if (r >= 0)
		r = split_identity(text, &owner);
	if (r == -EBADMSG)
		return json_refuse(reterr, "\"spark.airflow.identity\" is not an identity");
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(owner);
	return 0;
}

static int copy_ids(const cJSON *pairs, struct owner *ret, char **reterr)
{
	int r;

	r = copy_id_property(pairs, "spark.airflow.dag_id", &ret->dag_id, reterr);
	if (r >= 0)
		r = copy_id_property(pairs, "spark.airflow.run_id", &ret->run_id, reterr);
	if (r >= 0)
		r = copy_id_property(pairs, "spark.airflow.task_id", &ret->task_id, reterr);
	if (r >= 0)
		r = get_number_property(pairs, "spark.airflow.map_index", &ret->map_index, reterr);
	if (r >= 0)
		r = get_number_property(
			pairs, "spark.airflow.try_number", &ret->try_number, reterr);
	if (r >= 0 && ret->try_number < 0)
		r = json_refuse(reterr, "\"spark.airflow.try_number\" is not a number");
	return r;
}

int spark_decode_owner(const char *body, size_t len, struct owner *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(owner_clear) struct owner owner = {.map_index = -1};
	const cJSON *pairs = NULL;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_array(json, "sparkProperties", JSON_REQUIRED, &pairs, reterr);
	if (r >= 0)
		r = copy_ids(pairs, &owner, reterr);
	if (r >= 0 && (is_redacted(owner.dag_id) || is_redacted(owner.run_id) ||
			      is_redacted(owner.task_id)))
		r = copy_identity(pairs, &owner, reterr);
	if (r < 0)
		return r;
	if (!owner_known(&owner))
		owner_clear(&owner);
	*ret = TAKE_STRUCT(owner);
	return 0;
}
