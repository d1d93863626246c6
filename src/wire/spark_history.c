/* SPDX-License-Identifier: Apache-2.0
 * Decodes lists of apps and stages that have ended. */
#include "wire/spark_history.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/strbuf.h"
#include "core/facts/rule.h"
#include "wire/spark_fields.h"
#include "wire/spark_rest.h"

static int decode_end(const cJSON *attempt, usec_t *ret, char **reterr)
{
	bool completed = false;
	int r;

	r = json_get_bool(attempt, "completed", JSON_OPTIONAL, &completed, reterr);
	if (r < 0 || !completed)
		return r;
	r = spark_get_epoch(attempt, "endTimeEpoch", ret, reterr);
	return r != 0 ? r : spark_get_time(attempt, "endTime", ret, reterr);
}

/* 0: it has not ended; 1: taken. */
static int decode_attempt(
	const cJSON *app, const cJSON *attempt, struct finished_app *ret, char **reterr)
{
	const cJSON *attempts = NULL;
	int r;

	r = decode_end(attempt, &ret->ended, reterr);
	if (r < 0 || ret->ended == 0)
		return r < 0 ? r : 0;
	r = spark_get_app(app, &ret->info, &attempts, reterr);
	if (r >= 0)
		r = spark_get_attempt(attempt, &ret->info, reterr);
	if (r >= 0)
		r = json_copy_id(attempt, "attemptId", JSON_OPTIONAL, &ret->attempt_id, reterr);
	if (r < 0)
		return r;
	return ret->info.started > 0 && ret->info.started <= ret->ended;
}

static int add_attempts(const cJSON *app, struct finished_app_list *l, size_t room, char **reterr)
{
	const cJSON *attempts = NULL;
	const cJSON *item;
	int r;

	r = json_get_array(app, "attempts", JSON_REQUIRED, &attempts, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(item, attempts)
	{
		struct finished_app attempt = {0};

		if (l->n == room)
			break;
		r = decode_attempt(app, item, &attempt, reterr);
		if (r <= 0)
			finished_app_clear(&attempt);
		if (r < 0)
			return r;
		if (r > 0)
			l->items[l->n++] = attempt;
	}
	return 0;
}

static int check_attempts(const cJSON *apps, size_t *ret_n, char **reterr)
{
	const cJSON *item;
	size_t n = 0;
	int r;

	cJSON_ArrayForEach(item, apps) n +=
		(size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(item, "attempts"));
	if (n > SPARK_MAX_ATTEMPTS) {
		r = json_refuse(reterr, "more than %d attempts", SPARK_MAX_ATTEMPTS);
		return r == -EBADMSG ? -E2BIG : r;
	}
	*ret_n = n;
	return 0;
}

int spark_decode_finished_apps(
	const char *body, size_t len, struct finished_app_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(finished_app_list_clear) struct finished_app_list list = {0};
	const cJSON *item;
	size_t room = 0;
	size_t row = 0;
	int r;

	r = spark_parse_list(body, len, SPARK_MAX_APPS, &json, reterr);
	if (r >= 0)
		r = check_attempts(json, &room, reterr);
	if (r < 0)
		return r;
	list.items = json_new_items(room, sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	cJSON_ArrayForEach(item, json)
	{
		row++;
		r = add_attempts(item, &list, room, reterr);
		if (r < 0)
			r = json_leave_out(&list.left_out, row, r, reterr);
		if (r < 0)
			return r;
	}
	*ret = TAKE_STRUCT(list);
	return 0;
}

enum field {
	STATUS,
	STAGE_ID,
	ATTEMPT_ID,
	DESCRIPTION,
	SUBMISSION_TIME,
	FIRST_TASK_LAUNCHED_TIME,
	COMPLETION_TIME,
	N_FIELDS
};

static const char *const names[] = {
	[STATUS] = "status",
	[STAGE_ID] = "stageId",
	[ATTEMPT_ID] = "attemptId",
	[DESCRIPTION] = "description",
	[SUBMISSION_TIME] = "submissionTime",
	[FIRST_TASK_LAUNCHED_TIME] = "firstTaskLaunchedTime",
	[COMPLETION_TIME] = "completionTime",
};
_Static_assert(ELEMENTSOF(names) == N_FIELDS, "a name per field");

static const struct json_wanted wanted = {names, N_FIELDS, SPARK_MAX_STAGES};

/* A stage waits for a place before its first task is launched: that is no time of its own. */
static int decode_duration(const struct json_rows *rows, usec_t *ret, char **reterr)
{
	usec_t began = 0;
	usec_t ended = 0;
	int r;

	r = spark_rows_time(rows, SUBMISSION_TIME, &began, reterr);
	if (r >= 0)
		r = spark_rows_time(rows, FIRST_TASK_LAUNCHED_TIME, &began, reterr);
	if (r >= 0)
		r = spark_rows_time(rows, COMPLETION_TIME, &ended, reterr);
	if (r < 0)
		return r;
	*ret = usec_sub(ended, began);
	return began > 0 && ended >= began && *ret <= RULE_LIMIT_MAX;
}

static int is_complete(const struct json_rows *rows, char **reterr)
{
	bool receiver = false;
	int complete;
	int r;

	complete = spark_rows_is(rows, STATUS, "COMPLETE", reterr);
	if (complete < 0)
		return complete;
	r = spark_rows_receiver(rows, DESCRIPTION, &receiver, reterr);
	return r < 0 ? r : complete && !receiver;
}

/* 0: it is not complete, or its times are not known; 1: taken. */
static int decode_stage(const struct json_rows *rows, struct finished_stage *stage, char **reterr)
{
	int r;

	r = is_complete(rows, reterr);
	if (r <= 0)
		return r;
	r = spark_rows_id(rows, STAGE_ID, &stage->stage_id, reterr);
	if (r >= 0)
		r = spark_rows_id(rows, ATTEMPT_ID, &stage->attempt_id, reterr);
	return r < 0 ? r : decode_duration(rows, &stage->duration, reterr);
}

static int add_stage(struct finished_stage_list *l, const struct finished_stage *stage)
{
	struct finished_stage *items = array_room(l->items, l->n, sizeof(*items));

	if (!items)
		return -ENOMEM;
	l->items = items;
	items[l->n++] = *stage;
	return 1;
}

int spark_decode_finished_stages(
	const char *body, size_t len, struct finished_stage_list *ret, char **reterr)
{
	_cleanup_(finished_stage_list_clear) struct finished_stage_list list = {0};
	struct json_rows rows;
	int r;

	r = json_rows_begin(&rows, &wanted, body, len, reterr);
	while (r >= 0) {
		struct finished_stage stage = {0};

		r = json_rows_next(&rows, reterr);
		if (r <= 0)
			break;
		r = decode_stage(&rows, &stage, reterr);
		if (r > 0)
			r = add_stage(&list, &stage);
		if (r < 0)
			r = json_leave_out(&list.left_out, rows.n_rows, r, reterr);
	}
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(list);
	return 0;
}

/* The last of a list of quantiles, in milliseconds. 0: there is none of that name; 1: taken. */
static int get_largest(const cJSON *json, const char *field, usec_t *ret, char **reterr)
{
	const cJSON *list = NULL;
	const cJSON *last;
	int r;

	r = json_get_array(json, field, JSON_OPTIONAL, &list, reterr);
	if (r <= 0)
		return r;
	last = list->child ? list->child->prev : NULL;
	/* Not a number is in no range. */
	if (!last || !cJSON_IsNumber(last) || !(last->valuedouble >= 0) ||
		!(last->valuedouble <= (double)RULE_LIMIT_MAX / USEC_PER_MSEC))
		return json_refuse(reterr, "\"%s\" holds no time", field);
	*ret = (usec_t)(last->valuedouble * USEC_PER_MSEC);
	return 1;
}

int spark_decode_longest_task(const char *body, size_t len, usec_t *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = get_largest(json, "duration", ret, reterr);
	if (r == 0)
		r = get_largest(json, "executorRunTime", ret, reterr);
	if (r == 0)
		return json_refuse(reterr, "neither \"duration\" nor \"executorRunTime\"");
	return r < 0 ? r : 0;
}
