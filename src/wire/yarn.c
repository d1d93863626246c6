/* SPDX-License-Identifier: Apache-2.0
 * Decoders of a YARN ResourceManager's REST API. */
#include "wire/yarn.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/json.h"
#include "wire/page.h"
#include "wire/spark_fields.h"

#define MAX_TEXT 200

static bool is_end(const char *state)
{
	return str_equal(state, "FINISHED") || str_equal(state, "FAILED") ||
	       str_equal(state, "KILLED");
}

/* *ret is NULL where there are none. */
static int find_list(
	const char *body, size_t len, cJSON **ret_json, const cJSON **ret, char **reterr)
{
	const cJSON *apps = NULL;
	int r;

	r = json_parse(body, len, ret_json, reterr);
	/* Hadoop 2 says null where Hadoop 3 says {}. */
	if (r >= 0 && cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(*ret_json, "apps")))
		return 0;
	if (r >= 0)
		r = json_get_object(*ret_json, "apps", JSON_REQUIRED, &apps, reterr);
	return r < 0 ? r : json_get_array(apps, "app", JSON_OPTIONAL, ret, reterr);
}

int yarn_count_visible(
	const char *body, size_t len, size_t *ret_n, size_t *ret_visible, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *list = NULL;
	const cJSON *item;
	size_t n = 0;
	size_t visible = 0;
	int r;

	r = find_list(body, len, &json, &list, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(item, list)
	{
		uint64_t started = 0;

		r = json_get_u64(item, "startedTime", JSON_OPTIONAL, &started, reterr);
		if (r < 0)
			return r;
		n++;
		visible += started > 0;
	}
	*ret_n = n;
	*ret_visible = visible;
	return 0;
}

int yarn_decode_apps(const char *body, size_t len, struct master_state *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(master_state_clear) struct master_state m = {0};
	const cJSON *list = NULL;
	const cJSON *item;
	size_t row = 0;
	int r;

	r = find_list(body, len, &json, &list, reterr);
	if (r < 0)
		return r;
	if (cJSON_GetArraySize(list) > YARN_MAX_APPS) {
		r = json_refuse(reterr, "more than %d apps", YARN_MAX_APPS);
		return r == -EBADMSG ? -E2BIG : r;
	}
	m.apps = json_new_items((size_t)cJSON_GetArraySize(list), sizeof(*m.apps));
	if (!m.apps)
		return -ENOMEM;
	cJSON_ArrayForEach(item, list)
	{
		struct master_app *app = &m.apps[m.n_apps];

		r = spark_add_listed_app(item, ++row, &m, reterr);
		if (r > 0) {
			app->ended = is_end(app->state);
			r = json_copy_label(item, "diagnostics", MAX_TEXT, &app->why, reterr);
		}
		if (r < 0)
			return r;
	}
	*ret = TAKE_STRUCT(m);
	return 0;
}

static int end_words(const cJSON *app, const char *state, char **ret, char **reterr)
{
	_cleanup_free_ char *final = NULL;
	_cleanup_free_ char *more = NULL;
	int r;

	r = json_copy_text(app, "finalStatus", MAX_TEXT, &final, reterr);
	if (r >= 0)
		r = json_copy_text(app, "diagnostics", MAX_TEXT, &more, reterr);
	if (r < 0)
		return r;
	return str_printf(ret, "%s, final status %s%s%s", state, final ? final : "unknown",
		more && *more ? ": " : "", more ? more : "");
}

int yarn_decode_end(const char *body, size_t len, const char *app_id, enum app_end *ret,
	char **ret_words, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *state = NULL;
	_cleanup_free_ char *words = NULL;
	const cJSON *app = NULL;
	const char *text;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_object(json, "app", JSON_REQUIRED, &app, reterr);
	if (r >= 0)
		r = json_get_string(app, "id", JSON_REQUIRED, &text, reterr);
	if (r < 0)
		return r;
	if (!str_equal(text, app_id))
		return json_refuse(reterr, "an answer for another app");
	r = json_get_string(app, "state", JSON_REQUIRED, &text, reterr);
	if (r >= 0)
		r = json_copy_text(app, "state", MAX_TEXT, &state, reterr);
	if (r >= 0)
		r = is_end(state) ? end_words(app, state, &words, reterr)
				  : str_printf(&words, "the ResourceManager says %s", state);
	if (r < 0)
		return r;
	*ret = is_end(state) ? APP_END_ENDED : APP_END_RUNNING;
	*ret_words = TAKE_PTR(words);
	return 0;
}

int yarn_error_text(const char *body, size_t len, char **ret)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *first = NULL;
	struct span line = {body, len};
	const cJSON *exception;
	const cJSON *message;
	int r;

	r = json_parse(body, len, &json, &err);
	if (r == -ENOMEM)
		return r;
	exception = cJSON_GetObjectItemCaseSensitive(json, "RemoteException");
	message = cJSON_GetObjectItemCaseSensitive(exception, "message");
	if (cJSON_IsString(message))
		return str_printable(message->valuestring, MAX_TEXT, ret);
	if (json)
		return str_printf(ret, "%s", "");
	if (len > 0 && body[0] == '<' && !page_title((struct span){body, len}, &line))
		return str_printf(ret, "%s", "");
	first = strndup(line.p, line.n);
	if (!first)
		return -ENOMEM;
	first[strcspn(first, "\r\n")] = '\0';
	return str_printable(first, MAX_TEXT, ret);
}

int yarn_app_path(const char *app_id, const char *what, char **ret)
{
	struct strbuf b = {0};

	strbuf_add(&b, "/ws/v1/cluster/apps/");
	strbuf_add_segment(&b, app_id);
	strbuf_add(&b, what);
	return strbuf_finish(&b, ret);
}
