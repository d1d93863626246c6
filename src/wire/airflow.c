/* SPDX-License-Identifier: Apache-2.0
 * What Airflow's answers say of task instances, DAGs and runs. */
#include "wire/airflow.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "core/facts/rule.h"
#include "wire/json.h"

#define MAX_TEXT 200
#define SECONDS_PER_DAY ((uint64_t)24 * 60 * 60)
#define MAX_DAYS ((uint64_t)100000000) /* Python's timedelta holds ten times as many */

/* *json is the caller's, also on failure; *list is a part of it. */
static int parse_list(const char *body, size_t len, const char *field, cJSON **json,
	const cJSON **list, char **reterr)
{
	int r = json_parse(body, len, json, reterr);

	return r < 0 ? r : json_get_array(*json, field, JSON_REQUIRED, list, reterr);
}

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
		r = json_copy_id(json, "pool", JSON_OPTIONAL, &ti->pool, reterr);
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
static int add_affected(const cJSON *row, const struct owner *o, const struct task_scope *scope,
	struct airflow_affected *ret, char **reterr)
{
	struct row_id id = {.map_index = o->map_index};
	int r;

	r = decode_row_id(row, &id, reterr);
	if (r < 0)
		return r;
	ret->n++;
	if (!is_run_of(&id, o))
		ret->n_elsewhere++;
	else if (!str_equal(id.task_id, o->task_id) && scope &&
		 task_scope_takes_along(scope, id.task_id))
		ret->n_along++;
	else if (!str_equal(id.task_id, o->task_id))
		ret->n_others++;
	else if (id.map_index != o->map_index || ret->ours)
		ret->n_siblings++; /* without an index, as in v1, only one row can be ours */
	else
		ret->ours = true;
	return 0;
}

int airflow_decode_affected(const char *body, size_t len, const struct owner *o,
	const struct task_scope *scope, struct airflow_affected *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	struct airflow_affected sum = {0};
	const cJSON *list = NULL;
	const cJSON *row;
	int r;

	r = parse_list(body, len, "task_instances", &json, &list, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(row, list)
	{
		r = add_affected(row, o, scope, &sum, reterr);
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

static int refuse_size(int r, char **reterr)
{
	if (r != -E2BIG)
		return r;
	return json_refuse(reterr, "more than %d tasks, or %d edges between them",
		TASK_GRAPH_MAX_TASKS, TASK_GRAPH_MAX_EDGES);
}

static int decode_graph_task(const cJSON *json, struct task_graph *g, char **reterr)
{
	const cJSON *list = NULL;
	const cJSON *next;
	const char *id;
	const char *rule = NULL;
	int r;

	r = json_get_string(json, "task_id", JSON_REQUIRED, &id, reterr);
	if (r >= 0)
		r = json_check_id("task_id", id, reterr);
	if (r >= 0)
		r = json_get_string(json, "trigger_rule", JSON_OPTIONAL, &rule, reterr);
	if (r >= 0 && rule)
		r = json_check_id("trigger_rule", rule, reterr);
	if (r >= 0)
		r = json_get_array(json, "downstream_task_ids", JSON_REQUIRED, &list, reterr);
	if (r >= 0)
		r = refuse_size(task_graph_add(g, id, rule), reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(next, list)
	{
		if (!cJSON_IsString(next))
			return json_refuse(reterr, "\"downstream_task_ids\" holds what is no text");
		r = json_check_id("downstream_task_ids", next->valuestring, reterr);
		if (r >= 0)
			r = refuse_size(task_graph_add_next(g, next->valuestring), reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

int airflow_decode_tasks(const char *body, size_t len, struct task_graph *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(task_graph_clear) struct task_graph g = {0};
	const cJSON *list = NULL;
	const cJSON *row;
	int r;

	r = parse_list(body, len, "tasks", &json, &list, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(row, list)
	{
		r = decode_graph_task(row, &g, reterr);
		if (r < 0)
			return r;
	}
	r = task_graph_finish(&g);
	if (r < 0)
		return r;
	task_graph_clear(ret);
	*ret = TAKE_STRUCT(g);
	return 0;
}

/* "task", or "task[3]". */
static int name_row(const struct row_id *id, char **ret)
{
	if (id->map_index < 0)
		return str_printable(id->task_id, MAX_TEXT, ret);
	return str_printf(ret, "%.*s[%lld]", (int)str_cut(id->task_id, MAX_TEXT), id->task_id,
		(long long)id->map_index);
}

int airflow_decode_beside(const char *body, size_t len, const struct owner *o,
	const struct task_scope *scope, char **ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *list = NULL;
	const cJSON *row;
	int64_t total;
	int r;

	r = parse_list(body, len, "task_instances", &json, &list, reterr);
	if (r >= 0)
		r = json_get_i64(json, "total_entries", JSON_REQUIRED, &total, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(row, list)
	{
		struct row_id id = {.map_index = -1};

		r = decode_row_id(row, &id, reterr);
		if (r >= 0)
			r = json_check_id("task_id", id.task_id, reterr);
		if (r < 0)
			return r;
		if (!is_run_of(&id, o) || !task_scope_shares(scope, id.task_id) ||
			(str_equal(id.task_id, o->task_id) && id.map_index == o->map_index))
			continue;
		free(*ret);
		*ret = NULL;
		return name_row(&id, ret);
	}
	return total > cJSON_GetArraySize(list) ? str_replace(ret, "one of too many to look at")
						: 0;
}

int airflow_decode_run(const char *body, size_t len, const struct owner *o,
	struct preconditions *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const char *dag_id = NULL;
	const char *run_id = NULL;
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

	r = parse_list(body, len, "task_instances", &json, &list, reterr);
	if (r >= 0)
		r = json_get_i64(json, "total_entries", JSON_REQUIRED, &n, reterr);
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

void running_list_clear(struct running_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		owner_clear(&l->items[i].owner);
	free(l->items);
	*l = (struct running_list){0};
}

/* v1 calls it the execution date. */
static int decode_logical(const cJSON *json, usec_t *ret, char **reterr)
{
	static const char *const fields[] = {"logical_date", "execution_date", "run_after"};

	for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
		const char *text = NULL;
		int r = json_get_string(json, fields[i], JSON_OPTIONAL, &text, reterr);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		/* Before 1970 no run is verified. */
		return parse_timestamp(text, ret) == -EINVAL
			       ? json_refuse(reterr, "\"%s\" is not a time", fields[i])
			       : 0;
	}
	return 0;
}

static int decode_running(const cJSON *json, struct running_ti *ret, char **reterr)
{
	struct row_id id = {.map_index = -1};
	int r = decode_row_id(json, &id, reterr);

	if (r >= 0)
		r = json_get_i64(json, "try_number", JSON_REQUIRED, &ret->owner.try_number, reterr);
	if (r >= 0)
		r = decode_logical(json, &ret->logical, reterr);
	if (r >= 0)
		r = str_replace(&ret->owner.dag_id, id.dag_id);
	if (r >= 0)
		r = str_replace(&ret->owner.run_id, id.run_id);
	if (r >= 0)
		r = str_replace(&ret->owner.task_id, id.task_id);
	ret->owner.map_index = id.map_index;
	return r;
}

int airflow_decode_running(const char *body, size_t len, struct running_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(running_list_clear) struct running_list l = {0};
	const cJSON *list = NULL;
	const cJSON *row;
	int r;

	r = parse_list(body, len, "task_instances", &json, &list, reterr);
	if (r >= 0)
		r = json_get_i64(json, "total_entries", JSON_REQUIRED, &l.total, reterr);
	if (r < 0)
		return r;
	if (cJSON_GetArraySize(list) > AIRFLOW_PAGE)
		return json_refuse(
			reterr, "more than the %d rows that were asked for", AIRFLOW_PAGE);
	l.items = json_new_items((size_t)cJSON_GetArraySize(list), sizeof(*l.items));
	if (!l.items)
		return -ENOMEM;
	cJSON_ArrayForEach(row, list)
	{
		r = decode_running(row, &l.items[l.n++], reterr);
		if (r < 0)
			return r;
	}
	*ret = TAKE_STRUCT(l);
	return 0;
}

int airflow_decode_queued_run(
	const char *body, size_t len, const struct owner *o, char **ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *list = NULL;
	const cJSON *row;
	int r;

	r = parse_list(body, len, "dag_runs", &json, &list, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(row, list)
	{
		const char *run_id;

		r = json_get_string(row, "dag_run_id", JSON_REQUIRED, &run_id, reterr);
		if (r < 0)
			return r;
		if (!str_equal(run_id, o->run_id))
			break;
	}
	r = row ? json_copy_text(row, "dag_run_id", MAX_TEXT, ret, reterr) : 0;
	return r < 0 ? r : 0;
}

/* A pool without a limit has slots of -1. */
int airflow_decode_full_pool(const char *body, size_t len, char **ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *name = NULL;
	int64_t slots = 0;
	int64_t open = 0;
	int64_t queued = 0;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_copy_text(json, "name", MAX_TEXT, &name, reterr);
	if (r >= 0)
		r = json_get_i64(json, "slots", JSON_REQUIRED, &slots, reterr);
	if (r < 0 || slots < 0)
		return r < 0 ? r : 0;
	r = json_get_i64(json, "open_slots", JSON_REQUIRED, &open, reterr);
	if (r >= 0)
		r = json_get_i64(json, "queued_slots", JSON_OPTIONAL, &queued, reterr);
	if (r < 0 || open > 0)
		return r < 0 ? r : 0;
	return str_printf(ret, "pool %s is full: %lld slots, %lld of them queued",
		name ? name : "?", (long long)slots, (long long)queued);
}

/* Where it stands last; NULL: nowhere. */
static const char *last_of(const char *text, const char *words)
{
	const char *found = NULL;

	for (const char *p = text; (p = strstr(p, words)); p++)
		found = p;
	return found;
}

/* A try's log is that of each process it had: one that was deferred, or looks again later, goes on
 * in another, with the same log. */
static bool last_process_ended(const char *log)
{
	static const char exited[] = "Task exited with return code ";
	static const char deferred[] = "100 (task deferral)";
	static const char *const begins[] = {
		"Starting attempt ", "Resuming after deferral", "Started process "};
	const char *end = last_of(log, exited);

	if (!end || strncmp(end + strlen(exited), deferred, strlen(deferred)) == 0)
		return false;
	for (size_t i = 0; i < ELEMENTSOF(begins); i++)
		if (strstr(end, begins[i]))
			return false;
	return true;
}

/* Airflow 2's own words: of one that ended by itself, and of one that was ended. */
int airflow_decode_process_end(const char *body, size_t len, int64_t pid, bool *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	char ended[64];
	const char *content;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_string(json, "content", JSON_REQUIRED, &content, reterr);
	if (r < 0)
		return r;
	(void)snprintf(ended, sizeof(ended), "(%" PRId64 ") terminated with exit code ", pid);
	*ret = last_process_ended(content) || (pid > 0 && strstr(content, ended));
	return 0;
}

static bool matches_any(const struct strlist *globs, const char *id)
{
	for (size_t i = 0; i < globs->n; i++)
		if (rule_glob_matches(globs->items[i], id))
			return true;
	return false;
}

int airflow_decode_dag_of(
	const char *body, size_t len, const struct strlist *globs, char **ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *list = NULL;
	const cJSON *row;
	bool any = false;
	int r;

	r = parse_list(body, len, "dags", &json, &list, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(row, list)
	{
		_cleanup_free_ char *id = NULL;

		r = json_copy_id(row, "dag_id", JSON_REQUIRED, &id, reterr);
		if (r < 0)
			return r;
		if (any && !matches_any(globs, id))
			continue;
		any = true;
		free(*ret);
		*ret = TAKE_PTR(id);
		if (matches_any(globs, *ret))
			break;
	}
	return any;
}
