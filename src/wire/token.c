/* SPDX-License-Identifier: Apache-2.0
 * Tokens, and the answers that bring them. */
#include "wire/token.h"

#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "wire/json.h"

#define MAX_TEXT 200
#define MAX_TOKEN 8192
/* A hundred years. */
#define MAX_SECONDS 3155760000U

usec_t token_expires(const char *token)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *err = NULL;
	char payload[MAX_TOKEN];
	const char *begin = token ? strchr(token, '.') : NULL;
	const char *end = begin ? strchr(begin + 1, '.') : NULL;
	const cJSON *exp;
	size_t n = 0;

	if (!end || end - begin > MAX_TOKEN)
		return 0;
	if (base64_decode(begin + 1, (size_t)(end - begin - 1), payload, &n) < 0)
		return 0;
	if (json_parse(payload, n, &json, &err) < 0)
		return 0;
	exp = cJSON_GetObjectItemCaseSensitive(json, "exp");
	/* The year 9999 ends it. */
	if (!cJSON_IsNumber(exp) || !(exp->valuedouble > 0 && exp->valuedouble < 253402300800.0))
		return 0;
	return (usec_t)exp->valuedouble * USEC_PER_SEC;
}

static int take_token(const cJSON *json, char **ret, char **reterr)
{
	const char *token = "";
	char *copy;
	size_t n;
	int r = json_get_string(json, "access_token", JSON_REQUIRED, &token, reterr);

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
	copy = strdup(token);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

/* Seconds, as a number; some say them as a text. */
static usec_t life_of(const cJSON *json)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, "expires_in");
	uint64_t seconds = 0;

	if (cJSON_IsString(item) && parse_u64(item->valuestring, &seconds) >= 0 &&
		seconds < MAX_SECONDS)
		return seconds * USEC_PER_SEC;
	if (cJSON_IsNumber(item) && item->valuedouble > 0 && item->valuedouble < MAX_SECONDS)
		return (usec_t)item->valuedouble * USEC_PER_SEC;
	return 0;
}

int token_decode(const char *body, size_t len, struct token_grant *ret, char **reterr)
{
	_cleanup_json_secret_ cJSON *json = NULL;
	char *token = NULL;
	int r = json_parse(body, len, &json, reterr);

	if (r >= 0)
		r = take_token(json, &token, reterr);
	if (r < 0)
		return r;
	*ret = (struct token_grant){
		.token = token, .life = life_of(json), .expires = token_expires(token)};
	return 0;
}

static const char *text_of(const cJSON *json, const char *field)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, field);

	return cJSON_IsString(item) ? item->valuestring : "";
}

int token_decode_answer(
	int status, const char *body, size_t len, struct token_grant *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *words = NULL;
	const char *error;
	const char *more;
	int r;

	if (status == 200)
		return token_decode(body, len, ret, reterr);
	(void)json_parse(body, len, &json, &err);
	error = text_of(json, "error");
	more = text_of(json, "error_description");
	r = str_printf(&text, "%s%s%s", error, *error && *more ? ": " : "", more);
	if (r >= 0)
		r = str_printable(text, MAX_TEXT, &words);
	if (r < 0)
		return r;
	free(*reterr);
	*reterr = NULL;
	r = str_printf(reterr, "answered %d%s%s", status, *words ? ": " : "", words);
	return r < 0 ? r : -EACCES;
}
