/* SPDX-License-Identifier: Apache-2.0
 * Fields as Spark writes them: lists, counts, ids, times. */
#include "wire/spark_fields.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "wire/json_text.h"

#define MAX_TEXT 200

bool spark_runs_receiver(const char *description)
{
	/* Spark Streaming describes the job of a receiver so, and only that. */
	static const char prefix[] = "Streaming job running receiver ";

	return strncmp(description, prefix, strlen(prefix)) == 0;
}

int spark_parse_list(const char *body, size_t len, int max, cJSON **ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r < 0)
		return r;
	if (!cJSON_IsArray(json))
		return json_refuse(reterr, "not a list");
	if (cJSON_GetArraySize(json) > max) {
		r = json_refuse(reterr, "a list of more than %d", max);
		return r == -EBADMSG ? -E2BIG : r;
	}
	*ret = TAKE_PTR(json);
	return 0;
}

static int check_count(const char *field, int64_t value, int64_t *ret, char **reterr)
{
	if (value < INT32_MIN || value > INT32_MAX)
		return json_refuse(reterr, "\"%s\" is out of range", field);
	*ret = value;
	return 1;
}

int spark_get_count(
	const cJSON *object, const char *field, enum json_need need, int64_t *ret, char **reterr)
{
	int64_t value = 0;
	int r;

	r = json_get_i64(object, field, need, &value, reterr);
	return r <= 0 ? r : check_count(field, value, ret, reterr);
}

int spark_rows_count(
	const struct json_rows *r, size_t field, enum json_need need, int64_t *ret, char **reterr)
{
	int64_t value = 0;
	int e = json_rows_i64(r, field, need, &value, reterr);

	return e <= 0 ? e : check_count(r->wanted->names[field], value, ret, reterr);
}

int spark_rows_add(const struct json_rows *r, size_t field, uint64_t *sum, char **reterr)
{
	int64_t value = 0;
	int e = json_rows_i64(r, field, JSON_OPTIONAL, &value, reterr);

	if (e > 0 && value > 0)
		*sum += (uint64_t)value;
	return e;
}

int spark_rows_add_msec(const struct json_rows *r, size_t field, usec_t *sum, char **reterr)
{
	uint64_t msec = 0;
	int e = spark_rows_add(r, field, &msec, reterr);

	*sum += msec * USEC_PER_MSEC;
	return e;
}

int spark_check_time(const char *field, const char *text, usec_t *ret, char **reterr)
{
	usec_t t;
	int r;

	r = parse_timestamp(text, &t);
	if (r == -ERANGE)
		return 0;
	if (r < 0)
		return json_refuse(reterr, "\"%s\" is not a time", field);
	*ret = t;
	return 0;
}

int spark_get_time(const cJSON *object, const char *field, usec_t *ret, char **reterr)
{
	const char *text;
	int r;

	r = json_get_string(object, field, JSON_OPTIONAL, &text, reterr);
	return r <= 0 ? r : spark_check_time(field, text, ret, reterr);
}

static int decode_listed_app(const cJSON *json, struct master_app *app, char **reterr)
{
	const char *state;
	int r;

	r = json_copy_id(json, "id", JSON_REQUIRED, &app->id, reterr);
	if (r >= 0)
		r = json_get_string(json, "state", JSON_REQUIRED, &state, reterr);
	if (r >= 0)
		r = json_copy_text(json, "state", MAX_TEXT, &app->state, reterr);
	if (r >= 0)
		r = json_copy_label(json, "name", MAX_TEXT, &app->name, reterr);
	if (r >= 0)
		r = json_copy_label(json, "user", MAX_TEXT, &app->user, reterr);
	return r;
}

int spark_add_listed_app(const cJSON *json, size_t row, struct master_state *m, char **reterr)
{
	struct master_app *app = &m->apps[m->n_apps];
	int r = decode_listed_app(json, app, reterr);

	if (r >= 0) {
		m->n_apps++;
		return 1;
	}
	master_app_clear(app);
	return json_leave_out(&m->left_out, row, r, reterr);
}

int spark_add_amount(const cJSON *object, const char *field, uint64_t *sum, char **reterr)
{
	int64_t value = 0;
	int r;

	r = json_get_i64(object, field, JSON_OPTIONAL, &value, reterr);
	if (r > 0 && value > 0)
		*sum += (uint64_t)value;
	return r;
}

int spark_add_msec(const cJSON *object, const char *field, usec_t *sum, char **reterr)
{
	uint64_t msec = 0;
	int r;

	r = spark_add_amount(object, field, &msec, reterr);
	*sum += msec * USEC_PER_MSEC;
	return r;
}

int spark_get_app(
	const cJSON *json, struct app_info *app, const cJSON **ret_attempts, char **reterr)
{
	int r;

	r = json_copy_id(json, "id", JSON_REQUIRED, &app->id, reterr);
	if (r >= 0)
		r = json_copy_label(json, "name", MAX_TEXT, &app->name, reterr);
	if (r >= 0)
		r = json_get_array(json, "attempts", JSON_REQUIRED, ret_attempts, reterr);
	if (r >= 0 && !(*ret_attempts)->child)
		return json_refuse(reterr, "\"attempts\" is empty");
	return r;
}

/* Spark writes -1 where it has no time. */
int spark_get_epoch(const cJSON *object, const char *field, usec_t *ret, char **reterr)
{
	int64_t epoch = -1;
	int r;

	r = json_get_i64(object, field, JSON_OPTIONAL, &epoch, reterr);
	if (r < 0 || epoch <= 0)
		return r < 0 ? r : 0;
	*ret = (usec_t)epoch * USEC_PER_MSEC;
	return 1;
}

int spark_get_attempt(const cJSON *attempt, struct app_info *app, char **reterr)
{
	int r;

	r = json_copy_label(attempt, "sparkUser", MAX_TEXT, &app->user, reterr);
	if (r >= 0)
		r = json_copy_label(
			attempt, "appSparkVersion", MAX_TEXT, &app->spark_version, reterr);
	if (r >= 0)
		r = spark_get_epoch(attempt, "startTimeEpoch", &app->started, reterr);
	return r != 0 ? r : spark_get_time(attempt, "startTime", &app->started, reterr);
}

int spark_rows_id(const struct json_rows *rows, size_t field, int64_t *ret, char **reterr)
{
	int r = spark_rows_count(rows, field, JSON_REQUIRED, ret, reterr);

	if (r >= 0 && *ret < 0)
		return json_refuse(reterr, "\"%s\" is out of range", rows->wanted->names[field]);
	return r;
}

int spark_rows_time(const struct json_rows *rows, size_t field, usec_t *ret, char **reterr)
{
	struct json_span value;
	char text[64];
	int r = json_rows_string(rows, field, JSON_OPTIONAL, &value, reterr);

	if (r <= 0)
		return r;
	json_unescape(value.text, value.len, text, sizeof(text));
	return spark_check_time(rows->wanted->names[field], text, ret, reterr);
}

int spark_rows_is(const struct json_rows *rows, size_t field, const char *word, char **reterr)
{
	struct json_span status;
	char text[16];
	int r = json_rows_string(rows, field, JSON_REQUIRED, &status, reterr);

	if (r < 0)
		return r;
	json_unescape(status.text, status.len, text, sizeof(text));
	return strcmp(text, word) == 0;
}

int spark_rows_receiver(const struct json_rows *rows, size_t field, bool *ret, char **reterr)
{
	struct json_span description;
	char text[64] = "";
	int r = json_rows_string(rows, field, JSON_OPTIONAL, &description, reterr);

	if (r > 0)
		json_unescape(description.text, description.len, text, sizeof(text));
	*ret = spark_runs_receiver(text);
	return r;
}
