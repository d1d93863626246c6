/* SPDX-License-Identifier: Apache-2.0
 * Requests to Airflow's REST API, and decoders of its answers. */
#include "wire/airflow.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "wire/json.h"

#define MAX_TEXT 200
#define MAX_NOTE 1000 /* characters */
#define MAX_TOKEN 8192

void airflow_request_clear(struct airflow_request *r)
{
	free(r->path);
	/* A login's holds the password. */
	if (r->body)
		explicit_bzero(r->body, strlen(r->body));
	free(r->body);
	*r = (struct airflow_request){0};
}

/* Takes json, or its absence where an allocation failed. */
static int print_body(cJSON *json, bool failed, char **ret)
{
	char *body = failed || !json ? NULL : cJSON_PrintUnformatted(json);

	cJSON_Delete(json);
	if (!body)
		return -ENOMEM;
	*ret = body;
	return 0;
}

static int make_request(
	const char *method, struct strbuf *path, char *body, struct airflow_request *ret)
{
	char *text;
	int r;

	r = strbuf_finish(path, &text);
	if (r < 0) {
		free(body);
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

int airflow_request_login(const char *username, const char *password, struct airflow_request *ret)
{
	struct strbuf path = {0};
	cJSON *json = cJSON_CreateObject();
	char *body;
	bool failed;
	int r;

	failed = !cJSON_AddStringToObject(json, "username", username) ||
		 !cJSON_AddStringToObject(json, "password", password);
	r = print_body(json, failed, &body);
	if (r < 0)
		return r;
	strbuf_add(&path, "/auth/token");
	return make_request("POST", &path, body, ret);
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

static int add_ti_path(enum airflow_api api, const struct owner *o, struct strbuf *path)
{
	int r;

	r = add_dag_path(api, o, path);
	if (r < 0)
		return r;
	strbuf_add(path, "/dagRuns/");
	strbuf_add_segment(path, o->run_id);
	strbuf_add(path, "/taskInstances/");
	strbuf_add_segment(path, o->task_id);
	if (o->map_index >= 0)
		strbuf_addf(path, "/%lld", (long long)o->map_index);
	return 0;
}

int airflow_request_get(enum airflow_api api, const struct owner *o, struct airflow_request *ret)
{
	struct strbuf path = {0};
	int r;

	r = add_ti_path(api, o, &path);
	if (r < 0)
		return r;
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
		if (((unsigned char)note[n] & 0xc0) != 0x80 && ++n_chars > MAX_NOTE)
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

static int make_note_body(cJSON *json, bool failed, const char *note, char **ret)
{
	_cleanup_free_ char *text = NULL;

	if (note) {
		failed = failed || copy_note(note, &text) < 0;
		failed = failed || !cJSON_AddStringToObject(json, "note", text);
	}
	return print_body(json, failed, ret);
}

int airflow_request_fail(
	enum airflow_api api, const struct owner *o, const char *note, struct airflow_request *ret)
{
	_cleanup_(strbuf_clear) struct strbuf path = {0};
	cJSON *json;
	char *body;
	bool failed = false;
	int r;

	r = add_ti_path(api, o, &path);
	if (r < 0)
		return r;
	json = cJSON_CreateObject();
	if (api == AIRFLOW_API_V1)
		failed = !cJSON_AddFalseToObject(json, "dry_run");
	failed = failed || !cJSON_AddStringToObject(json, "new_state", "failed");
	r = make_note_body(json, failed, api == AIRFLOW_API_V2 ? note : NULL, &body);
	if (r < 0)
		return r;
	return make_request("PATCH", &path, body, ret);
}

int airflow_request_set_note(const struct owner *o, const char *note, struct airflow_request *ret)
{
	_cleanup_(strbuf_clear) struct strbuf path = {0};
	char *body;
	int r;

	r = add_ti_path(AIRFLOW_API_V1, o, &path);
	if (r < 0)
		return r;
	r = make_note_body(cJSON_CreateObject(), false, note, &body);
	if (r < 0)
		return r;
	strbuf_add(&path, "/setNote");
	return make_request("PATCH", &path, body, ret);
}

/* ["t"], or [["t",3]] for one index. */
static bool add_task_ids(cJSON *json, const struct owner *o, bool with_index)
{
	cJSON *list = cJSON_AddArrayToObject(json, "task_ids");
	cJSON *pair;

	if (!list)
		return false;
	if (!with_index)
		return cJSON_AddItemToArray(list, cJSON_CreateString(o->task_id));
	pair = cJSON_CreateArray();
	if (!cJSON_AddItemToArray(list, pair))
		return false;
	return cJSON_AddItemToArray(pair, cJSON_CreateString(o->task_id)) &&
	       cJSON_AddItemToArray(pair, cJSON_CreateNumber((double)o->map_index));
}

int airflow_request_clear_task(
	enum airflow_api api, const struct owner *o, struct airflow_request *ret)
{
	_cleanup_(strbuf_clear) struct strbuf path = {0};
	cJSON *json;
	char *body;
	bool failed;
	int r;

	r = add_dag_path(api, o, &path);
	if (r < 0)
		return r;
	strbuf_add(&path, "/clearTaskInstances");
	json = cJSON_CreateObject();
	failed = !cJSON_AddFalseToObject(json, "dry_run") ||
		 !cJSON_AddStringToObject(json, "dag_run_id", o->run_id) ||
		 !add_task_ids(json, o, api == AIRFLOW_API_V2 && o->map_index >= 0) ||
		 !cJSON_AddTrueToObject(json, "only_failed") ||
		 !cJSON_AddTrueToObject(json, "include_downstream") ||
		 !cJSON_AddTrueToObject(json, "reset_dag_runs");
	r = print_body(json, failed, &body);
	if (r < 0)
		return r;
	return make_request("POST", &path, body, ret);
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

static int base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

/* Decodes into out, which holds len bytes. -EINVAL for anything but base64url without padding. */
static int base64url_decode(const char *s, size_t len, char *out, size_t *ret_n)
{
	unsigned int bits = 0;
	unsigned int n_bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int value = base64url_value(s[i]);

		if (value < 0)
			return -EINVAL;
		bits = (bits << 6 | (unsigned int)value) & 0xffffU;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		out[n++] = (char)(unsigned char)(bits >> n_bits & 0xffU);
	}
	*ret_n = n;
	return 0;
}

/* The exp of a JWT; 0 where it is none or does not say. */
static usec_t token_expires(const char *token)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *err = NULL;
	char payload[MAX_TOKEN];
	const char *begin = strchr(token, '.');
	const char *end = begin ? strchr(begin + 1, '.') : NULL;
	const cJSON *exp;
	size_t n = 0;

	if (!end || end - begin > MAX_TOKEN)
		return 0;
	if (base64url_decode(begin + 1, (size_t)(end - begin - 1), payload, &n) < 0)
		return 0;
	if (json_parse(payload, n, &json, &err) < 0)
		return 0;
	exp = cJSON_GetObjectItemCaseSensitive(json, "exp");
	/* The year 9999 ends it. */
	if (!cJSON_IsNumber(exp) || !(exp->valuedouble > 0 && exp->valuedouble < 253402300800.0))
		return 0;
	return (usec_t)exp->valuedouble * USEC_PER_SEC;
}

int airflow_decode_token(
	const char *body, size_t len, char **ret_token, usec_t *ret_expires, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const char *token;
	char *copy = NULL;
	size_t n;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_string(json, "access_token", JSON_REQUIRED, &token, reterr);
	if (r < 0)
		return r;
	n = strlen(token);
	if (n == 0 || n > MAX_TOKEN)
		return json_refuse(
			reterr, "\"access_token\" is empty or longer than %d bytes", MAX_TOKEN);
	for (size_t i = 0; i < n; i++) {
		if (token[i] < '!' || token[i] > '~')
			return json_refuse(reterr, "\"access_token\" is not of visible ASCII");
	}
	r = str_replace(&copy, token);
	if (r < 0)
		return r;
	*ret_token = copy;
	*ret_expires = token_expires(copy);
	return 0;
}

/* 1 where the row is o's; v1's answer to a clear does not tell the map index. */
static int row_is(const cJSON *json, const struct owner *o, char **reterr)
{
	const char *dag_id;
	const char *run_id;
	const char *task_id;
	int64_t map_index = o->map_index;
	int r;

	r = json_get_string(json, "dag_id", JSON_REQUIRED, &dag_id, reterr);
	if (r >= 0)
		r = json_get_string(json, "dag_run_id", JSON_REQUIRED, &run_id, reterr);
	if (r >= 0)
		r = json_get_string(json, "task_id", JSON_REQUIRED, &task_id, reterr);
	if (r >= 0)
		r = json_get_i64(json, "map_index", JSON_OPTIONAL, &map_index, reterr);
	if (r < 0)
		return r;
	return str_equal(dag_id, o->dag_id) && str_equal(run_id, o->run_id) &&
	       str_equal(task_id, o->task_id) && map_index == o->map_index;
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
		r = json_copy_text(json, "note", (size_t)MAX_NOTE * 4, &ti->note, reterr);
	return r;
}

int airflow_decode_ti(
	const char *body, size_t len, const struct owner *o, struct ti_obs *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(ti_obs_clear) struct ti_obs ti = {0};
	int64_t map_index;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_i64(json, "map_index", JSON_REQUIRED, &map_index, reterr);
	if (r >= 0)
		r = row_is(json, o, reterr);
	if (r < 0)
		return r;
	if (r == 0)
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

int airflow_decode_cleared(const char *body, size_t len, const struct owner *o, size_t *ret_n,
	bool *ret_ours, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *list = NULL;
	const cJSON *row;
	bool ours = false;
	size_t n = 0;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_array(json, "task_instances", JSON_REQUIRED, &list, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(row, list)
	{
		r = row_is(row, o, reterr);
		if (r < 0)
			return r;
		ours = ours || r > 0;
		n++;
	}
	*ret_n = n;
	*ret_ours = ours;
	return 0;
}

static const char *string_at(const cJSON *object, const char *field)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);

	return cJSON_IsString(item) && *item->valuestring ? item->valuestring : NULL;
}

/* FastAPI's list of what is wrong with a request, or a list of texts: "body.note: too long; ...".
 */
static void add_details(struct strbuf *out, const cJSON *list)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		const cJSON *loc = cJSON_GetObjectItemCaseSensitive(item, "loc");
		const char *msg = cJSON_IsString(item) ? item->valuestring : string_at(item, "msg");
		const char *separator = "";
		const cJSON *part;

		if (!msg || out->len > MAX_TEXT)
			continue;
		if (out->len > 0)
			strbuf_add(out, "; ");
		cJSON_ArrayForEach(part, loc)
		{
			if (!cJSON_IsString(part) || out->len > MAX_TEXT)
				continue;
			strbuf_addf(out, "%s%s", separator, part->valuestring);
			separator = ".";
		}
		strbuf_addf(out, "%s%s", *separator ? ": " : "", msg);
	}
}

static void add_json_error(struct strbuf *out, const cJSON *json)
{
	static const char *const fields[] = {"detail", "title", "error"};
	const cJSON *detail = cJSON_GetObjectItemCaseSensitive(json, "detail");
	const char *text = NULL;

	if (cJSON_IsArray(detail))
		add_details(out, detail);
	if (cJSON_IsObject(detail))
		text = string_at(detail, "message") ? string_at(detail, "message")
						    : string_at(detail, "reason");
	for (size_t i = 0; out->len == 0 && !text && i < ELEMENTSOF(fields); i++)
		text = string_at(json, fields[i]);
	if (text)
		strbuf_add(out, text);
}

/* The title of a page, else the first bytes. */
static void add_plain_error(struct strbuf *out, const char *body, size_t len)
{
	const char *begin = memmem(body, len, "<title>", 7);
	const char *end = begin ? memmem(begin, len - (size_t)(begin - body), "</title>", 8) : NULL;

	if (end && end - begin > 7) {
		strbuf_add_n(out, begin + 7, (size_t)(end - begin - 7));
		return;
	}
	while (len > 0 && (*body == ' ' || *body == '\n' || *body == '\r' || *body == '\t')) {
		body++;
		len--;
	}
	strbuf_add_n(out, body, len < (size_t)2 * MAX_TEXT ? len : (size_t)2 * MAX_TEXT);
}

int airflow_error_text(const char *body, size_t len, char **ret)
{
	_cleanup_(strbuf_clear) struct strbuf out = {0};
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *err = NULL;

	if (json_parse(body, len, &json, &err) == 0)
		add_json_error(&out, json);
	if (out.len == 0 && len > 0)
		add_plain_error(&out, body, len);
	if (out.len == 0)
		strbuf_add(&out, "empty answer");
	if (out.failed)
		return -ENOMEM;
	return str_printable(out.text, MAX_TEXT, ret);
}

bool airflow_token_stale(int status, const char *body, size_t len)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *err = NULL;

	if (status == 401)
		return true;
	if (status != 403 || json_parse(body, len, &json, &err) < 0)
		return false;
	return str_equal(string_at(json, "detail"), "Invalid JWT token");
}
