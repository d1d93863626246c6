/* SPDX-License-Identifier: Apache-2.0
 * Lines of a recording to answers. */
#include "wire/recording.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/json.h"

/* A year: no recording is longer, and its microseconds are exact in a double. */
#define MAX_SECONDS (366.0 * 86400)

void recorded_answer_clear(struct recorded_answer *a)
{
	free(a->path);
	free(a->type);
	free(a->body);
	free(a->error);
	*a = (struct recorded_answer){0};
}

static int get_seconds(const cJSON *object, const char *field, usec_t *ret, char **reterr)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);

	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= MAX_SECONDS))
		return json_refuse(reterr, "\"%s\" is not a number of seconds", field);
	*ret = (usec_t)llround(item->valuedouble * (double)USEC_PER_SEC);
	return 0;
}

static int copy_string(
	const cJSON *object, const char *field, enum json_need need, char **ret, char **reterr)
{
	const char *s = NULL;
	int r;

	r = json_get_string(object, field, need, &s, reterr);
	return r < 0 ? r : str_replace(ret, s);
}

static int fill(const cJSON *json, struct recorded_answer *a, char **reterr)
{
	int64_t status = 0;
	uint64_t date = 0;
	int r;

	r = get_seconds(json, "t", &a->at, reterr);
	if (r >= 0)
		r = get_seconds(json, "took", &a->took, reterr);
	if (r >= 0)
		r = json_get_i64(json, "status", JSON_REQUIRED, &status, reterr);
	if (r >= 0 && (status < 0 || status > 599))
		r = json_refuse(reterr, "\"status\" is not a status");
	if (r >= 0)
		r = copy_string(json, "path", JSON_REQUIRED, &a->path, reterr);
	if (r >= 0)
		r = copy_string(json, "type", JSON_REQUIRED, &a->type, reterr);
	if (r >= 0)
		r = copy_string(json, "body", JSON_REQUIRED, &a->body, reterr);
	if (r >= 0)
		r = copy_string(json, "error", JSON_OPTIONAL, &a->error, reterr);
	if (r >= 0)
		r = json_get_u64(json, "date", JSON_OPTIONAL, &date, reterr);
	if (r < 0)
		return r;
	a->date = date * USEC_PER_SEC;
	a->status = (int)status;
	a->len = strlen(a->body);
	return 0;
}

int recording_decode(const char *line, size_t len, struct recorded_answer *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	struct recorded_answer a = {0};
	int r;

	r = json_parse(line, len, &json, reterr);
	if (r < 0)
		return r;
	if (!cJSON_IsObject(json))
		return json_refuse(reterr, "not an object");
	r = fill(json, &a, reterr);
	if (r < 0) {
		recorded_answer_clear(&a);
		return r;
	}
	*ret = a;
	return 0;
}

int recording_encode(const struct recorded_answer *a, char **ret)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();

	json_add_number(o, "t", floor((double)a->at / 1000) / 1000);
	json_add_text(o, "path", a->path);
	json_add_number(o, "status", a->status);
	if (a->type)
		json_add_text(o, "type", a->type);
	json_add_number(o, "took", floor((double)a->took / 100) / 10000);
	if (a->date > 0)
		json_add_number(o, "date", floor((double)a->date / USEC_PER_SEC));
	if (a->error)
		json_add_text(o, "error", a->error);
	json_add_text(o, "body", a->body);
	return json_print(o, ret);
}

int recording_applications(const struct app_info *app, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateArray();
	cJSON *o = json_append_object(root);
	const uint64_t started = app->started / USEC_PER_MSEC;
	cJSON *attempt;

	json_add_text(o, "id", app->id);
	json_add_text(o, "name", app->name);
	attempt = json_append_object(json_add_array(o, "attempts"));
	json_add_text(attempt, "sparkUser", app->user);
	json_add_text(attempt, "appSparkVersion", app->spark_version);
	json_add_time(attempt, "startTime", app->started);
	json_add_number(attempt, "startTimeEpoch", (double)started);
	return json_print(root, ret);
}

int recording_environment(const struct strlist *properties, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	cJSON *spark = json_add_array(root, "sparkProperties");
	cJSON *system = json_add_array(root, "systemProperties");

	for (size_t i = 0; i < properties->n; i++) {
		const char *text = properties->items[i];
		size_t n = strcspn(text, "=");
		_cleanup_free_ char *key = strndup(text, n);
		cJSON *pair = cJSON_CreateArray();

		json_append(pair, key ? cJSON_CreateString(key) : NULL);
		json_append(pair, cJSON_CreateString(text[n] ? text + n + 1 : ""));
		json_append(str_equal(key, SPARK_MAIN_CLASS) ? system : spark, pair);
	}
	return json_print(root, ret);
}
