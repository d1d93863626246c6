/* SPDX-License-Identifier: Apache-2.0
 * Tells a Spark driver's answers from others', and decodes its lists of apps, stages and jobs. */
#include "wire/spark_rest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wire/json.h"
#include "wire/spark_fields.h"

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

static int decode_application(const cJSON *json, struct app_info *app, char **reterr)
{
	const cJSON *attempts = NULL;
	int r;

	r = spark_get_app(json, app, &attempts, reterr);
	return r < 0 ? r : spark_get_attempt(attempts->child, app, reterr);
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
	const char *description = NULL;
	int r;

	r = json_get_string(json, "status", JSON_REQUIRED, &status, reterr);
	if (r < 0 || strcmp(status, "RUNNING") != 0)
		return r < 0 ? r : 0;
	list->n_running++; /* whatever else it says */
	r = json_get_string(json, "description", JSON_OPTIONAL, &description, reterr);
	if (r < 0)
		return r;
	list->n_receivers += r > 0 && spark_runs_receiver(description);
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
