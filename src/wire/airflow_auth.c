/* SPDX-License-Identifier: Apache-2.0
 * Airflow's tokens and words of refusal. */
#include <errno.h>
#include <string.h>

#include "wire/airflow.h"
#include "wire/json.h"

#define MAX_TEXT 200
#define MAX_TOKEN 8192

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
