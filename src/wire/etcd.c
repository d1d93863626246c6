/* SPDX-License-Identifier: Apache-2.0
 * A key of etcd: /v3/kv/range, and /v3/kv/txn that compares the key's mod_revision, which is 0 for
 * one that is not there. Its value is JSON of ours; keys and values are base64 in the gateway's
 * JSON, numbers of 64 bits are strings. No lease of etcd's is used: it would add a clock to trust
 * and two requests, and the compare is what keeps two from leading. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/parse.h"
#include "wire/json.h"
#include "wire/leader_store.h"

#define MAX_VALUE 4096
/* No holder is called so. A key that is gone would not say that its holder left it. */
#define NOBODY "nobody"

static void add_base64(cJSON *o, const char *name, const char *text)
{
	char *form = NULL;

	if (base64_encode(text, strlen(text), &form) < 0)
		json_lacks(o);
	else
		json_add_text(o, name, form);
	free(form);
}

static int value_of(const struct leadership_step *step, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	uint64_t seconds = leader_seconds(step->duration);

	json_add_text(root, "holder", step->holder ? step->holder : NOBODY);
	json_add_number(root, "duration_seconds", (double)seconds);
	json_add_number(root, "transitions", (double)step->transitions);
	return json_print(root, ret);
}

static cJSON *add_item(cJSON *o, const char *name)
{
	return json_append_object(json_add_array(o, name));
}

static int txn_body(const char *key, const char *value, const char *version, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	cJSON *compare = add_item(root, "compare");
	cJSON *put = json_add_object(add_item(root, "success"), "request_put");

	add_base64(compare, "key", key);
	json_add_text(compare, "target", "MOD");
	json_add_text(compare, "result", "EQUAL");
	json_add_text(compare, "mod_revision", version ? version : "0");
	add_base64(put, "key", key);
	add_base64(put, "value", value);
	return json_print(root, ret);
}

static int range_body(const char *key, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();

	add_base64(root, "key", key);
	return json_print(root, ret);
}

static int etcd_request(const struct leader_place *place, const struct leadership_step *step,
	const char *version, usec_t wall, struct leader_request *ret)
{
	_cleanup_free_ char *value = NULL;
	bool reads = step->ask == LEADERSHIP_READ;
	int r = str_replace(&ret->path, reads ? "/v3/kv/range" : "/v3/kv/txn");

	(void)wall;
	ret->method = "POST";
	if (r >= 0 && reads)
		return range_body(place->name, &ret->body);
	if (r >= 0)
		r = value_of(step, &value);
	if (r < 0)
		return r;
	return txn_body(
		place->name, value, step->ask == LEADERSHIP_CREATE ? NULL : version, &ret->body);
}

static int decode_value(const cJSON *kv, struct leader_record *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const char *text = NULL;
	char value[MAX_VALUE];
	int64_t seconds = 0;
	size_t n = 0;
	int r = json_get_string(kv, "value", JSON_REQUIRED, &text, reterr);

	if (r < 0)
		return r;
	if (strlen(text) > sizeof(value) || base64_decode(text, strlen(text), value, &n) < 0)
		return json_refuse(reterr, "value: not what stagewatchd writes");
	r = json_parse(value, n, &json, reterr);
	if (r >= 0)
		r = json_copy_id(json, "holder", JSON_REQUIRED, &ret->holder, reterr);
	if (str_equal(ret->holder, NOBODY)) {
		free(ret->holder);
		ret->holder = NULL;
	}
	if (r >= 0)
		r = json_get_i64(json, "duration_seconds", JSON_REQUIRED, &seconds, reterr);
	if (r >= 0)
		r = json_get_u64(json, "transitions", JSON_OPTIONAL, &ret->transitions, reterr);
	return r < 0 ? r : leader_take_duration(seconds, &ret->duration, reterr);
}

/* A revision is a number: it is sent back as it came. */
static int copy_revision(const cJSON *o, const char *field, char **ret, char **reterr)
{
	uint64_t n = 0;
	int r = json_copy_id(o, field, JSON_REQUIRED, ret, reterr);

	if (r >= 0 && (parse_u64(*ret, &n) < 0 || n == 0))
		r = json_refuse(reterr, "%s: no revision", field);
	return r < 0 ? r : 0;
}

static int decode_range(const cJSON *json, struct leader_record *ret, char **reterr)
{
	const cJSON *kvs = NULL;
	const cJSON *header = NULL;
	int r = json_get_object(json, "header", JSON_REQUIRED, &header, reterr);

	if (r >= 0)
		r = json_get_array(json, "kvs", JSON_OPTIONAL, &kvs, reterr);
	if (r < 0 || !kvs || !kvs->child)
		return r < 0 ? r : 0;
	r = copy_revision(kvs->child, "mod_revision", &ret->version, reterr);
	return r < 0 ? r : decode_value(kvs->child, ret, reterr);
}

static int decode_txn(const cJSON *json, struct leader_answer *ret, char **reterr)
{
	const cJSON *header = NULL;
	bool succeeded = false;
	int r = json_get_object(json, "header", JSON_REQUIRED, &header, reterr);

	if (r >= 0)
		r = json_get_bool(json, "succeeded", JSON_OPTIONAL, &succeeded, reterr);
	if (r < 0)
		return r;
	if (!succeeded) {
		ret->reply = LEADERSHIP_BEATEN;
		return 0;
	}
	return copy_revision(header, "revision", &ret->record.version, reterr);
}

static int etcd_answer(enum leadership_ask ask, int status, const char *body, size_t len,
	struct leader_answer *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	int r;

	ret->reply = ask == LEADERSHIP_READ ? LEADERSHIP_SEEN : LEADERSHIP_WRITTEN;
	if (status != 200)
		return leader_refuse(status, body, len, "message", reterr);
	r = json_parse(body, len, &json, reterr);
	if (r < 0)
		return r;
	return ask == LEADERSHIP_READ ? decode_range(json, &ret->record, reterr)
				      : decode_txn(json, ret, reterr);
}

const struct leader_codec etcd_codec = {.request = etcd_request, .answer = etcd_answer};

int etcd_request_login(const char *username, const char *password, struct leader_request *ret)
{
	_cleanup_json_secret_ cJSON *root = cJSON_CreateObject();
	int r = str_replace(&ret->path, "/v3/auth/authenticate");

	ret->method = "POST";
	json_add_text(root, "name", username);
	json_add_text(root, "password", password);
	return r < 0 ? r : json_print_secret(root, &ret->body);
}

int etcd_decode_token(const char *body, size_t len, char **ret, char **reterr)
{
	_cleanup_json_secret_ cJSON *json = NULL;
	const char *token = NULL;
	int r = json_parse(body, len, &json, reterr);

	if (r >= 0)
		r = json_get_string(json, "token", JSON_REQUIRED, &token, reterr);
	if (r >= 0 && (strlen(token) > MAX_VALUE || strpbrk(token, "\r\n")))
		r = json_refuse(reterr, "token: not one");
	return r < 0 ? r : str_replace(ret, token);
}
