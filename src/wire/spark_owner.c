/* SPDX-License-Identifier: Apache-2.0
 * Decoder of the Spark properties that say whose an app is. */
#include "wire/spark_owner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/strbuf.h"
#include "wire/json.h"

/* What Spark puts in the place of a value that looks like a secret. */
#define REDACTED "(redacted)"

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

/* From -1 on. -EBADMSG for what is none. */
static int parse_number(const char *s, int64_t *ret)
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

/* *ret stays as it is where the property is not set. */
static int get_number_property(const cJSON *pairs, const char *name, int64_t *ret, char **reterr)
{
	const char *s = NULL;
	int r;

	r = find_property(pairs, name, &s, reterr);
	if (r < 0 || !s)
		return r;
	r = parse_number(s, ret);
	return r < 0 ? json_refuse(reterr, "\"%s\" is not a number", name) : 0;
}

static bool is_redacted(const char *s)
{
	return s && strstr(s, REDACTED);
}

static bool has_redacted(const struct owner *o)
{
	return is_redacted(o->dag_id) || is_redacted(o->run_id) || is_redacted(o->task_id);
}

/* -EBADMSG for what is no hexadecimal text, or holds a NUL. */
static int from_hex(const char *hex, char **ret)
{
	size_t n = strlen(hex);
	_cleanup_free_ char *text = NULL;

	if (n % 2 != 0 || n > SPARK_MAX_IDENTITY)
		return -EBADMSG;
	text = calloc(1, n / 2 + 1);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < n / 2; i++) {
		int high = parse_hex_digit(hex[2 * i]);
		int low = parse_hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return -EBADMSG;
		text[i] = (char)(high * 16 + low);
	}
	*ret = TAKE_PTR(text);
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
		_cleanup_free_ char *why = NULL;

		r = json_check_id("spark.airflow.identity", lines[i], &why);
		if (r >= 0)
			r = str_replace(ids[i], lines[i]);
	}
	if (r >= 0)
		r = parse_number(lines[3], &ret->map_index);
	if (r >= 0)
		r = parse_number(lines[4], &ret->try_number);
	return r >= 0 && (ret->try_number < 0 || has_redacted(ret)) ? -EBADMSG : r;
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
	if (r >= 0 && has_redacted(&owner))
		r = copy_identity(pairs, &owner, reterr);
	if (r < 0)
		return r;
	if (!owner_known(&owner))
		owner_clear(&owner);
	else
		owner.via = OWNER_VIA_PROPERTIES;
	*ret = TAKE_STRUCT(owner);
	return 0;
}

/* A UUID as Python writes it. */
static bool is_uuid(const char *s)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(form); i++)
		if (form[i] == 'x' ? !s[i] || !strchr("0123456789abcdef", s[i]) : s[i] != form[i])
			return false;
	return true;
}

/* NULL: it is not set, or says nothing. */
static const char *lineage_property(const cJSON *pairs, const char *name)
{
	_cleanup_free_ char *err = NULL;
	const char *s = NULL;

	if (find_property(pairs, name, &s, &err) < 0 || !s || is_redacted(s) ||
		json_check_id(name, s, &err) < 0)
		return NULL;
	return s;
}

/* Of two names the first of which may be that of the task's DAG. */
static bool is_dag_of(const char *dag, const char *job)
{
	size_t n = dag ? strlen(dag) : 0;

	return n > 0 && job && strncmp(dag, job, n) == 0 && job[n] == '.';
}

int spark_decode_lineage(const char *body, size_t len, struct owner_hint *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *pairs = NULL;
	const char *run;
	const char *namespace;
	const char *dag;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_array(json, "sparkProperties", JSON_REQUIRED, &pairs, reterr);
	if (r < 0)
		return r;
	run = lineage_property(pairs, "spark.openlineage.parentRunId");
	namespace = lineage_property(pairs, "spark.openlineage.parentJobNamespace");
	dag = lineage_property(pairs, "spark.openlineage.rootParentJobName");
	if (!run || !is_uuid(run) || !namespace)
		return 0;
	if (!is_dag_of(dag, lineage_property(pairs, "spark.openlineage.parentJobName")))
		dag = NULL;
	r = str_replace(&ret->parent_run, run);
	if (r >= 0)
		r = str_replace(&ret->parent_namespace, namespace);
	return r < 0 ? r : str_replace(&ret->parent_dag, dag);
}
