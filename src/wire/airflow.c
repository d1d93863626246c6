/* SPDX-License-Identifier: Apache-2.0
 * What Airflow's answers say of task instances, DAGs and runs. */
#include "wire/airflow.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "wire/json.h"

#define MAX_TEXT 200
#define SECONDS_PER_DAY ((uint64_t)24 * 60 * 60)
#define MAX_DAYS ((uint64_t)100000000) /* Python's timedelta holds ten times as many */

int airflow_decode_version(const char *body, size_t len, char **ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const char *version;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_string(json, "version", JSON_REQUIRED, &version, reterr);
	if (r < 0)
		return r;
	return str_printable(version, MAX_TEXT, ret);
}

int airflow_decode_health(const char *body, size_t len, bool *ret_scheduler, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *scheduler = NULL;
	const char *status = NULL;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_object(json, "scheduler", JSON_REQUIRED, &scheduler, reterr);
	if (r >= 0)
		r = json_get_string(scheduler, "status", JSON_OPTIONAL, &status, reterr);
	if (r < 0)
		return r;
	*ret_scheduler = str_equal(status, "healthy");
	return 0;
}

/* Whose row it is; borrowed from the answer. */
struct row_id {
	const char *dag_id;
	const char *run_id;
	const char *task_id;
	int64_t map_index; /* left as it is where the answer tells none: v1's to a clear */
};

static int decode_row_id(const cJSON *json, struct row_id *ret, char **reterr)
{
	int r;

	r = json_get_string(json, "dag_id", JSON_REQUIRED, &ret->dag_id, reterr);
	if (r >= 0)
		r = json_get_string(json, "dag_run_id", JSON_REQUIRED, &ret->run_id, reterr);
	if (r >= 0)
		r = json_get_string(json, "task_id", JSON_REQUIRED, &ret->task_id, reterr);
	if (r >= 0)
		r = json_get_i64(json, "map_index", JSON_OPTIONAL, &ret->map_index, reterr);
	return r < 0 ? r : 0;
}

static bool is_run_of(const struct row_id *id, const struct owner *o)
{
	return str_equal(id->dag_id, o->dag_id) && str_equal(id->run_id, o->run_id);
}

static int decode_ti_state(const cJSON *json, struct ti_obs *ti, char **reterr)
{
	const char *state = NULL;
	int r;

	r = json_get_string(json, "state", JSON_OPTIONAL, &state, reterr);
	if (r < 0)
		return r;
	ti->state = ti_state_from_name(state);
	return str_printable(
		state ? state : ti_state_name(TI_STATE_NONE), MAX_TEXT, &ti->state_text);
}

static int decode_ti_start(const cJSON *json, struct ti_obs *ti, char **reterr)
{
	const char *text;
	int r;

	r = json_get_string(json, "start_date", JSON_OPTIONAL, &text, reterr);
	if (r <= 0)
		return r;
	if (parse_timestamp(text, &ti->started) < 0)
		return json_refuse(reterr, "\"start_date\" is not a time");
	return 0;
}

static int decode_ti_row(const cJSON *json, struct ti_obs *ti, char **reterr)
{
	int r;

	r = json_copy_id(json, "id", JSON_OPTIONAL, &ti->id, reterr);
	if (r >= 0)
		r = decode_ti_state(json, ti, reterr);
	if (r >= 0)
		r = json_get_i64(json, "try_number", JSON_REQUIRED, &ti->try_number, reterr);
	if (r >= 0)
		r = json_get_i64(json, "max_tries", JSON_REQUIRED, &ti->max_tries, reterr);
	if (r >= 0)
		r = decode_ti_start(json, ti, reterr);
	if (r >= 0)
		r = json_get_i64(json, "pid", JSON_OPTIONAL, &ti->pid, reterr);
	if (r >= 0)
		r = json_copy_text(json, "hostname", MAX_TEXT, &ti->hostname, reterr);
	if (r >= 0)
		r = json_copy_text(json, "operator", MAX_TEXT, &ti->operator, reterr);
	if (r >= 0)
		r = json_copy_text(json, "note", (size_t)AIRFLOW_MAX_NOTE * 4, &ti->note, reterr);
	return r;
}

int airflow_decode_ti(
	const char *body, size_t len, const struct owner *o, struct ti_obs *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(ti_obs_clear) struct ti_obs ti = {0};
	struct row_id id;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_i64(json, "map_index", JSON_REQUIRED, &id.map_index, reterr);
	if (r >= 0)
		r = decode_row_id(json, &id, reterr);
	if (r < 0)
		return r;
	if (!is_run_of(&id, o) || !str_equal(id.task_id, o->task_id) ||
		id.map_index != o->map_index)
		return json_refuse(reterr, "the answer is about another task instance");
	r = decode_ti_row(json, &ti, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(ti);
	return 0;
}

int airflow_decode_accepted(const char *body, size_t len, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r < 0)
		return r;
	return cJSON_IsObject(json) ? 0 : json_refuse(reterr, "not an object");
}

/* Adds one row of an answer to what it would do, or did. */
static int add_affected(
	const cJSON *row, const struct owner *o, struct airflow_affected *ret, char **reterr)
{
	struct row_id id = {.map_index = o->map_index};
	int r;

	r = decode_row_id(row, &id, reterr);
	if (r < 0)
		return r;
	ret->n++;
	if (!is_run_of(&id, o))
		ret->n_elsewhere++;
	else if (!str_equal(id.task_id, o->task_id))
		ret->n_others++;
	else if (id.map_index != o->map_index || ret->ours)
		ret->n_siblings++; /* without an index, as in v1, only one row can be ours */
	else
		ret->ours = true;
	return 0;
}

int airflow_decode_affected(const char *body, size_t len, const struct owner *o,
	struct airflow_affected *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	struct airflow_affected sum = {0};
	const cJSON *list = NULL;
	const cJSON *row;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_array(json, "task_instances", JSON_REQUIRED, &list, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(row, list)
	{
		r = add_affected(row, o, &sum, reterr);
		if (r < 0)
			return r;
	}
	*ret = sum;
	return 0;
}

int airflow_decode_dag(const char *body, size_t len, const struct owner *o,
	struct preconditions *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const char *dag_id;
	bool paused = false;
	bool stale = false;
	bool active = true;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_string(json, "dag_id", JSON_REQUIRED, &dag_id, reterr);
	if (r >= 0 && !str_equal(dag_id, o->dag_id))
		r = json_refuse(reterr, "the answer is about another DAG");
	if (r >= 0)
		r = json_get_bool(json, "is_paused", JSON_REQUIRED, &paused, reterr);
	if (r >= 0)
		r = json_get_bool(json, "is_stale", JSON_OPTIONAL, &stale, reterr);
	if (r >= 0)
		r = json_get_bool(json, "is_active", JSON_OPTIONAL, &active, reterr);
	if (r < 0)
		return r;
	ret->dag_paused = paused;
	ret->dag_stale = stale || !active;
	return 0;
}

int airflow_decode_task_dag(const char *body, size_t len, const struct owner *o,
	struct task_settings *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const char *dag_id;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_string(json, "dag_id", JSON_REQUIRED, &dag_id, reterr);
	if (r < 0)
		return r;
	if (!str_equal(dag_id, o->dag_id))
		return json_refuse(reterr, "the answer is about another DAG");
	r = json_get_i64(json, "max_active_runs", JSON_OPTIONAL, &ret->max_active_runs, reterr);
	return r < 0 ? r : 0;
}

/* {"__type":"TimeDelta","days":0,"seconds":3600,"microseconds":0}, or null. */
static int decode_time_delta(const cJSON *json, const char *field, usec_t *ret, char **reterr)
{
	const cJSON *delta;
	uint64_t days = 0;
	uint64_t seconds = 0;
	uint64_t usec = 0;
	int r;

	r = json_get_object(json, field, JSON_OPTIONAL, &delta, reterr);
	if (r <= 0)
		return r;
	r = json_get_u64(delta, "days", JSON_REQUIRED, &days, reterr);
	if (r >= 0)
		r = json_get_u64(delta, "seconds", JSON_REQUIRED, &seconds, reterr);
	if (r >= 0)
		r = json_get_u64(delta, "microseconds", JSON_OPTIONAL, &usec, reterr);
	if (r < 0)
		return r;
	if (days > MAX_DAYS || seconds > SECONDS_PER_DAY || usec > USEC_PER_SEC)
		return json_refuse(reterr, "\"%s\" is out of range", field);
	*ret = (days * SECONDS_PER_DAY + seconds) * USEC_PER_SEC + usec;
	return 0;
}

int airflow_decode_task(const char *body, size_t len, const struct owner *o,
	struct task_settings *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const char *task_id;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_string(json, "task_id", JSON_REQUIRED, &task_id, reterr);
	if (r < 0)
		return r;
	if (!str_equal(task_id, o->task_id))
		return json_refuse(reterr, "the answer is about another task");
	r = json_get_i64(json, "retries", JSON_REQUIRED, &ret->retries, reterr);
	if (r >= 0)
		r = decode_time_delta(json, "execution_timeout", &ret->execution_timeout, reterr);
	if (r >= 0)
		r = json_copy_text(json, "pool", MAX_TEXT, &ret->pool, reterr);
	return r < 0 ? r : 0;
}

int airflow_decode_run(const char *body, size_t len, const struct owner *o,
	struct preconditions *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const char *dag_id;
	const char *run_id;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_string(json, "dag_id", JSON_REQUIRED, &dag_id, reterr);
	if (r >= 0)
		r = json_get_string(json, "dag_run_id", JSON_REQUIRED, &run_id, reterr);
	if (r >= 0 && (!str_equal(dag_id, o->dag_id) || !str_equal(run_id, o->run_id)))
		r = json_refuse(reterr, "the answer is about another DAG run");
	if (r < 0)
		return r;
	r = json_copy_text(json, "state", MAX_TEXT, &ret->run_state, reterr);
	return r < 0 ? r : 0;
}

int airflow_decode_siblings(
	const char *body, size_t len, const struct owner *o, int64_t *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *list = NULL;
	const cJSON *row;
	int64_t n;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_i64(json, "total_entries", JSON_REQUIRED, &n, reterr);
	if (r >= 0)
		r = json_get_array(json, "task_instances", JSON_REQUIRED, &list, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(row, list)
	{
		struct row_id id = {.map_index = -1};

		r = decode_row_id(row, &id, reterr);
		if (r < 0)
			return r;
		n -= id.map_index == o->map_index;
	}
	*ret = n;
	return 0;
}

int airflow_decode_first_dag(const char *body, size_t len, char **ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *list = NULL;
	const cJSON *first;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_array(json, "dags", JSON_REQUIRED, &list, reterr);
	if (r < 0)
		return r;
	first = cJSON_GetArrayItem(list, 0);
	return first ? json_copy_id(first, "dag_id", JSON_REQUIRED, ret, reterr) : 0;
}
