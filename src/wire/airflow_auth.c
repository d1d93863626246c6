/* SPDX-License-Identifier: Apache-2.0
 * Airflow's tokens and words of refusal. */
#include <errno.h>
#include <string.h>

#include "wire/airflow.h"
#include "wire/json.h"
#include "wire/page.h"
#include "wire/token.h"

#define MAX_TEXT 200

int airflow_decode_token(
	const char *body, size_t len, char **ret_token, usec_t *ret_expires, char **reterr)
{
	struct token_grant grant = {0};
	int r = token_decode(body, len, &grant, reterr);

	if (r < 0)
		return r;
	*ret_token = grant.token;
	*ret_expires = grant.expires;
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
	struct span title;

	if (page_title((struct span){body, len}, &title)) {
		strbuf_add_n(out, title.p, title.n);
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
