/* SPDX-License-Identifier: Apache-2.0
 * Requests to Airflow's REST API. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/secret.h"
#include "wire/airflow.h"
#include "wire/json.h"

void airflow_request_clear(struct airflow_request *r)
{
	free(r->path);
	/* A login's holds the password. */
	secret_free(r->body);
	*r = (struct airflow_request){0};
}

static int make_request(
	const char *method, struct strbuf *path, char *body, struct airflow_request *ret)
{
	char *text;
	int r;

	r = strbuf_finish(path, &text);
	if (r < 0) {
		secret_free(body);
		return r;
	}
	*ret = (struct airflow_request){.method = method, .path = text, .body = body};
	return 0;
}

static int make_get(const char *path, struct airflow_request *ret)
{
	struct strbuf b = {0};

	strbuf_add(&b, path);
	return make_request("GET", &b, NULL, ret);
}

int airflow_request_version(enum airflow_api api, struct airflow_request *ret)
{
	if (api == AIRFLOW_API_V1)
		return make_get("/api/v1/version", ret);
	if (api == AIRFLOW_API_V2)
		return make_get("/api/v2/version", ret);
	return -EINVAL;
}

int airflow_request_health(enum airflow_api api, struct airflow_request *ret)
{
	if (api == AIRFLOW_API_V1)
		return make_get("/api/v1/health", ret);
	if (api == AIRFLOW_API_V2)
		return make_get("/api/v2/monitor/health", ret);
	return -EINVAL;
}

static int make_login(const char *before, const char *name, const char *between, const char *secret,
	struct airflow_request *ret)
{
	struct strbuf path = {0};
	struct strbuf b = {.secret = true};
	char *body = NULL;
	int r;

	strbuf_add(&b, before);
	strbuf_add_json(&b, name);
	strbuf_add(&b, between);
	strbuf_add_json(&b, secret);
	strbuf_add(&b, "}");
	r = strbuf_finish(&b, &body);
	if (r < 0)
		return r;
	strbuf_add(&path, "/auth/token");
	return make_request("POST", &path, body, ret);
}

int airflow_request_login(const char *username, const char *password, struct airflow_request *ret)
{
	return make_login("{\"username\":", username, ",\"password\":", password, ret);
}

int airflow_request_client_login(
	const char *client, const char *secret, struct airflow_request *ret)
{
	return make_login("{\"grant_type\":\"client_credentials\",\"client_id\":", client,
		",\"client_secret\":", secret, ret);
}

/* "." and ".." would change the path whether encoded or not, and "~" is Airflow's "all of them". */
static bool is_safe_id(const char *id)
{
	return id && *id && strnlen(id, JSON_MAX_ID + 1) <= JSON_MAX_ID && !str_equal(id, ".") &&
	       !str_equal(id, "..") && !str_equal(id, "~");
}

static int add_dag_path(enum airflow_api api, const struct owner *o, struct strbuf *path)
{
	if (api != AIRFLOW_API_V1 && api != AIRFLOW_API_V2)
		return -EINVAL;
	if (!is_safe_id(o->dag_id) || !is_safe_id(o->run_id) || !is_safe_id(o->task_id))
		return -EINVAL;
	strbuf_add(path, api == AIRFLOW_API_V1 ? "/api/v1/dags/" : "/api/v2/dags/");
	strbuf_add_segment(path, o->dag_id);
	return 0;
}

static int add_run_path(enum airflow_api api, const struct owner *o, struct strbuf *path)
{
	int r;

	r = add_dag_path(api, o, path);
	if (r < 0)
		return r;
	strbuf_add(path, "/dagRuns/");
	strbuf_add_segment(path, o->run_id);
	return 0;
}

static int add_ti_path(enum airflow_api api, const struct owner *o, struct strbuf *path)
{
	int r;

	r = add_run_path(api, o, path);
	if (r < 0)
		return r;
	strbuf_add(path, "/taskInstances/");
	strbuf_add_segment(path, o->task_id);
	if (o->map_index >= 0)
		strbuf_addf(path, "/%lld", (long long)o->map_index);
	return 0;
}

/* Of a path whose beginning was added with r. */
static int get(int r, struct strbuf *path, const char *rest, struct airflow_request *ret)
{
	if (r < 0)
		return r;
	strbuf_add(path, rest);
	return make_request("GET", path, NULL, ret);
}

int airflow_request_get(enum airflow_api api, const struct owner *o, struct airflow_request *ret)
{
	struct strbuf path = {0};

	return get(add_ti_path(api, o, &path), &path, "", ret);
}

int airflow_request_dag(enum airflow_api api, const struct owner *o, struct airflow_request *ret)
{
	struct strbuf path = {0};

	return get(add_dag_path(api, o, &path), &path, "", ret);
}

int airflow_request_run(enum airflow_api api, const struct owner *o, struct airflow_request *ret)
{
	struct strbuf path = {0};

	return get(add_run_path(api, o, &path), &path, "", ret);
}

int airflow_request_task(enum airflow_api api, const struct owner *o, struct airflow_request *ret)
{
	struct strbuf path = {0};
	int r;

	r = add_dag_path(api, o, &path);
	if (r < 0)
		return r;
	strbuf_add(&path, "/tasks/");
	strbuf_add_segment(&path, o->task_id);
	return make_request("GET", &path, NULL, ret);
}

int airflow_request_tasks(enum airflow_api api, const struct owner *o, struct airflow_request *ret)
{
	struct strbuf path = {0};

	return get(add_dag_path(api, o, &path), &path, "/tasks", ret);
}

int airflow_request_living(enum airflow_api api, const struct owner *o, struct airflow_request *ret)
{
	struct strbuf path = {0};

	return get(add_run_path(api, o, &path), &path,
		"/taskInstances?state=scheduled&state=queued&state=running&state=restarting"
		"&state=deferred&state=up_for_reschedule&limit=100",
		ret);
}

int airflow_request_running(
	enum airflow_api api, const char *dag_id, uint64_t offset, struct airflow_request *ret)
{
	struct strbuf path = {0};

	if (api != AIRFLOW_API_V1 && api != AIRFLOW_API_V2)
		return -EINVAL;
	strbuf_add(&path, api == AIRFLOW_API_V1 ? "/api/v1/dags/" : "/api/v2/dags/");
	if (dag_id && is_safe_id(dag_id))
		strbuf_add_segment(&path, dag_id);
	else
		strbuf_add(&path, "~");
	strbuf_addf(&path,
		"/dagRuns/~/taskInstances?state=running&state=deferred&limit=%d&offset=%" PRIu64,
		AIRFLOW_PAGE, offset);
	return make_request("GET", &path, NULL, ret);
}

int airflow_request_queued_runs(
	enum airflow_api api, const struct owner *o, struct airflow_request *ret)
{
	struct strbuf path = {0};

	return get(add_dag_path(api, o, &path), &path, "/dagRuns?state=queued&limit=2", ret);
}

int airflow_request_pool(enum airflow_api api, const char *pool, struct airflow_request *ret)
{
	struct strbuf path = {0};

	if ((api != AIRFLOW_API_V1 && api != AIRFLOW_API_V2) || !is_safe_id(pool))
		return -EINVAL;
	strbuf_add(&path, api == AIRFLOW_API_V1 ? "/api/v1/pools/" : "/api/v2/pools/");
	strbuf_add_segment(&path, pool);
	return make_request("GET", &path, NULL, ret);
}

int airflow_request_log(const struct owner *o, struct airflow_request *ret)
{
	struct strbuf path = {0};
	int r;

	r = add_run_path(AIRFLOW_API_V1, o, &path);
	if (r < 0)
		return r;
	strbuf_add(&path, "/taskInstances/");
	strbuf_add_segment(&path, o->task_id);
	strbuf_addf(&path, "/logs/%lld?full_content=true", (long long)o->try_number);
	if (o->map_index >= 0)
		strbuf_addf(&path, "&map_index=%lld", (long long)o->map_index);
	return make_request("GET", &path, NULL, ret);
}

int airflow_request_failed_siblings(const struct owner *o, struct airflow_request *ret)
{
	struct strbuf path = {0};
	int r;

	r = add_run_path(AIRFLOW_API_V1, o, &path);
	if (r < 0)
		return r;
	strbuf_add(&path, "/taskInstances/");
	strbuf_add_segment(&path, o->task_id);
	strbuf_add(&path, "/listMapped?state=failed&state=upstream_failed&limit=2");
	return make_request("GET", &path, NULL, ret);
}

int airflow_request_list(enum airflow_api api, bool dags, struct airflow_request *ret)
{
	struct strbuf path = {0};

	if (api != AIRFLOW_API_V1 && api != AIRFLOW_API_V2)
		return -EINVAL;
	strbuf_add(&path, api == AIRFLOW_API_V1 ? "/api/v1/dags" : "/api/v2/dags");
	strbuf_add(&path, dags ? "?limit=100" : "/~/dagRuns/~/taskInstances?limit=1");
	return make_request("GET", &path, NULL, ret);
}

/* A note as Airflow takes it: UTF-8 without control characters but line ends, and not too long. */
static int copy_note(const char *note, char **ret)
{
	size_t n_chars = 0;
	size_t n = 0;
	char *copy;
	int r;

	for (; note[n]; n++) {
		if (((unsigned char)note[n] & 0xc0) != 0x80 && ++n_chars > AIRFLOW_MAX_NOTE)
			break;
	}
	r = str_printable(note, n, &copy);
	if (r < 0)
		return r;
	for (size_t i = 0; copy[i]; i++) {
		if (note[i] == '\n')
			copy[i] = '\n';
	}
	*ret = copy;
	return 0;
}

static int print_with_note(cJSON *json, const char *note, char **ret)
{
	_cleanup_free_ char *text = NULL;
	int r = note ? copy_note(note, &text) : 0;

	if (r < 0)
		return r;
	if (note)
		json_add_text(json, "note", text);
	return json_print(json, ret);
}

/* v1 says in the body whether it is a dry run, v2 has a path for it. */
static int make_fail(enum airflow_api api, const struct owner *o, const char *note, bool dry_run,
	struct airflow_request *ret)
{
	_cleanup_(strbuf_clear) struct strbuf path = {0};
	_cleanup_json_ cJSON *json = cJSON_CreateObject();
	char *body;
	int r;

	r = add_ti_path(api, o, &path);
	if (r < 0)
		return r;
	if (api == AIRFLOW_API_V1)
		json_add_bool(json, "dry_run", dry_run);
	else if (dry_run)
		strbuf_add(&path, "/dry_run");
	json_add_text(json, "new_state", "failed");
	r = print_with_note(json, api == AIRFLOW_API_V2 ? note : NULL, &body);
	if (r < 0)
		return r;
	return make_request("PATCH", &path, body, ret);
}

int airflow_request_fail(
	enum airflow_api api, const struct owner *o, const char *note, struct airflow_request *ret)
{
	return make_fail(api, o, note, false, ret);
}

int airflow_request_fail_dry_run(
	enum airflow_api api, const struct owner *o, struct airflow_request *ret)
{
	return make_fail(api, o, NULL, true, ret);
}

int airflow_request_set_note(
	enum airflow_api api, const struct owner *o, const char *note, struct airflow_request *ret)
{
	_cleanup_(strbuf_clear) struct strbuf path = {0};
	_cleanup_json_ cJSON *json = cJSON_CreateObject();
	char *body;
	int r;

	r = add_ti_path(api, o, &path);
	if (r < 0)
		return r;
	r = print_with_note(json, note, &body);
	if (r < 0)
		return r;
	if (api == AIRFLOW_API_V1)
		strbuf_add(&path, "/setNote");
	return make_request("PATCH", &path, body, ret);
}

/* ["t"], or [["t",3]] for one index. */
static void add_task_ids(cJSON *json, const struct owner *o, bool with_index)
{
	cJSON *list = json_add_array(json, "task_ids");
	cJSON *pair;

	if (!with_index) {
		json_append(list, cJSON_CreateString(o->task_id));
		return;
	}
	pair = cJSON_CreateArray();
	json_append(pair, cJSON_CreateString(o->task_id));
	json_append(pair, cJSON_CreateNumber((double)o->map_index));
	json_append(list, pair);
}

/* ended: one that has failed, and what is downstream. Else one that has not ended, alone. */
static int make_clear(enum airflow_api api, const struct owner *o, bool dry_run, bool ended,
	struct airflow_request *ret)
{
	_cleanup_(strbuf_clear) struct strbuf path = {0};
	_cleanup_json_ cJSON *json = cJSON_CreateObject();
	char *body;
	int r;

	r = add_dag_path(api, o, &path);
	if (r < 0)
		return r;
	strbuf_add(&path, "/clearTaskInstances");
	json_add_bool(json, "dry_run", dry_run);
	json_add_text(json, "dag_run_id", o->run_id);
	add_task_ids(json, o, api == AIRFLOW_API_V2 && o->map_index >= 0);
	json_add_bool(json, "only_failed", ended);
	json_add_bool(json, "include_downstream", ended);
	json_add_bool(json, "reset_dag_runs", true);
	r = json_print(json, &body);
	if (r < 0)
		return r;
	return make_request("POST", &path, body, ret);
}

int airflow_request_clear_task(
	enum airflow_api api, const struct owner *o, struct airflow_request *ret)
{
	return make_clear(api, o, false, true, ret);
}

int airflow_request_clear_dry_run(
	enum airflow_api api, const struct owner *o, struct airflow_request *ret)
{
	return make_clear(api, o, true, true, ret);
}

int airflow_request_restart(
	enum airflow_api api, const struct owner *o, struct airflow_request *ret)
{
	return make_clear(api, o, false, false, ret);
}

int airflow_request_restart_dry_run(
	enum airflow_api api, const struct owner *o, struct airflow_request *ret)
{
	return make_clear(api, o, true, false, ret);
}
