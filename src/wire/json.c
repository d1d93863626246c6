/* SPDX-License-Identifier: Apache-2.0
 * cJSON behind bounds and type checks. */
#include "wire/json.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/strbuf.h"
#include "wire/json_text.h"

/* From here on doubles skip integers: 2^53 may have been 2^53 + 1. */
#define NOT_EXACT 9007199254740992.0
#define MAX_SECRET_TEXT ((size_t)4 * 1024 * 1024)
/* Of an item's type, beside what cJSON has there: a part of it is missing. */
#define INCOMPLETE (1 << 16)

int json_refuse(char **reterr, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	free(*reterr);
	*reterr = text;
	return -EBADMSG;
}

/* Behind the string whose first byte is *p, as far as there is one. *has_codes: "\u" is in it. */
static const char *skip_string(const char *p, const char *end, bool *has_codes)
{
	for (;;) {
		p = json_find_special(p, end);
		if (p == end || *p == '"')
			return p == end ? p : p + 1;
		if (end - p < 2)
			return end;
		*has_codes = *has_codes || p[1] == 'u';
		p += 2;
	}
}

/* A copy in which what no text can hold is U+0001. */
static char *clean_copy(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	char *end;

	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	end = copy + len;
	*end = '\0';
	for (char *p = copy; p < end; p++) {
		int value = json_escape_at(p, end);
		int next = value >= 0xd800 && value <= 0xdbff ? json_escape_at(p + 6, end) : -1;

		if (!*p)
			*p = JSON_IMPOSSIBLE;
		else if (next >= 0xdc00 && next <= 0xdfff)
			p += 11;
		else if (value == 0 || (value >= 0xd800 && value <= 0xdfff))
			memcpy(p, "\\u0001", 6);
		else if (*p == '\\' && value < 0 && p[1] == 'u')
			*++p = 'x'; /* cJSON refuses this, and takes "\uzzzz" for a NUL */
		else if (*p == '\\')
			p++; /* what follows is no escape of its own */
	}
	return copy;
}

/* cJSON goes 1000 levels deep by recursion, and makes a node of 64 bytes of each "0,". */
static int check_shape(const char *text, size_t len, bool *has_codes, char **reterr)
{
	const char *end = text + len;
	size_t depth = 0;
	size_t n_values = 1;

	for (const char *p = text; p < end;) {
		switch (*p++) {
		case '"':
			p = skip_string(p, end, has_codes);
			break;
		case '[':
		case '{':
			n_values++;
			if (++depth > JSON_MAX_DEPTH)
				return json_refuse(reterr, "nested deeper than %d", JSON_MAX_DEPTH);
			break;
		case ']':
		case '}':
			depth -= depth > 0 ? 1 : 0;
			break;
		case ',':
			n_values++;
			break;
		default:
			break;
		}
	}
	if (n_values > JSON_MAX_VALUES) {
		int r = json_refuse(reterr, "holds more than %d values", JSON_MAX_VALUES);

		return r == -EBADMSG ? -E2BIG : r;
	}
	return 0;
}

int json_parse(const char *text, size_t len, cJSON **ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_secret_ char *clean = NULL; /* who parses a secret does not say so */
	const char *end = NULL;
	bool has_codes = false;
	size_t at;
	int r;

	if (len == 0)
		return json_refuse(reterr, "empty");
	r = check_shape(text, len, &has_codes, reterr);
	if (r < 0)
		return r;
	if (has_codes || memchr(text, '\0', len)) {
		clean = clean_copy(text, len);
		if (!clean)
			return -ENOMEM;
		text = clean;
	}
	json = cJSON_ParseWithLengthOpts(text, len, &end, false);
	at = end ? (size_t)(end - text) : 0;
	if (!json)
		return json_refuse(reterr, "not JSON at byte %zu of %zu", at, len);
	for (; at < len; at++) {
		if (!strchr(" \t\r\n", text[at]))
			return json_refuse(reterr, "more than JSON at byte %zu of %zu", at, len);
	}
	*ret = TAKE_PTR(json);
	return 0;
}

/* 1 with *ret where the field is there, 0 where it may be absent and is. */
static int get_field(const cJSON *object, const char *field, enum json_need need, const cJSON **ret,
	char **reterr)
{
	const cJSON *item = NULL;

	if (!cJSON_IsObject(object))
		return json_refuse(reterr, "no object where \"%s\" should be", field);
	item = cJSON_GetObjectItemCaseSensitive(object, field);
	if (item && !cJSON_IsNull(item)) {
		*ret = item;
		return 1;
	}
	if (need == JSON_OPTIONAL)
		return 0;
	return json_refuse(reterr, item ? "\"%s\" is null" : "\"%s\" is missing", field);
}

int json_check_integer(const char *field, double value, int64_t *ret, char **reterr)
{
	if (isnan(value) || fabs(value) >= NOT_EXACT)
		return json_refuse(reterr, "\"%s\" is out of range", field);
	if (value != trunc(value))
		return json_refuse(reterr, "\"%s\" is not a whole number", field);
	*ret = (int64_t)value;
	return 1;
}

int json_get_i64(
	const cJSON *object, const char *field, enum json_need need, int64_t *ret, char **reterr)
{
	const cJSON *item = NULL;
	int r;

	r = get_field(object, field, need, &item, reterr);
	if (r < 0 || !item)
		return r;
	if (!cJSON_IsNumber(item))
		return json_refuse(reterr, "\"%s\" is not a number", field);
	return json_check_integer(field, item->valuedouble, ret, reterr);
}

int json_get_u64(
	const cJSON *object, const char *field, enum json_need need, uint64_t *ret, char **reterr)
{
	int64_t value = 0;
	int r;

	r = json_get_i64(object, field, need, &value, reterr);
	if (r <= 0)
		return r;
	if (value < 0)
		return json_refuse(reterr, "\"%s\" is out of range", field);
	*ret = (uint64_t)value;
	return 1;
}

int json_get_bool(
	const cJSON *object, const char *field, enum json_need need, bool *ret, char **reterr)
{
	const cJSON *item = NULL;
	int r;

	r = get_field(object, field, need, &item, reterr);
	if (r < 0 || !item)
		return r;
	if (!cJSON_IsBool(item))
		return json_refuse(reterr, "\"%s\" is neither true nor false", field);
	*ret = cJSON_IsTrue(item);
	return 1;
}

int json_get_string(const cJSON *object, const char *field, enum json_need need, const char **ret,
	char **reterr)
{
	const cJSON *item = NULL;
	int r;

	r = get_field(object, field, need, &item, reterr);
	if (r < 0 || !item)
		return r;
	if (!cJSON_IsString(item))
		return json_refuse(reterr, "\"%s\" is not a string", field);
	*ret = item->valuestring;
	return 1;
}

int json_get_array(const cJSON *object, const char *field, enum json_need need, const cJSON **ret,
	char **reterr)
{
	const cJSON *item = NULL;
	int r;

	r = get_field(object, field, need, &item, reterr);
	if (r < 0 || !item)
		return r;
	if (!cJSON_IsArray(item))
		return json_refuse(reterr, "\"%s\" is not a list", field);
	*ret = item;
	return 1;
}

int json_get_object(const cJSON *object, const char *field, enum json_need need, const cJSON **ret,
	char **reterr)
{
	const cJSON *item = NULL;
	int r;

	r = get_field(object, field, need, &item, reterr);
	if (r < 0 || !item)
		return r;
	if (!cJSON_IsObject(item))
		return json_refuse(reterr, "\"%s\" is not an object", field);
	*ret = item;
	return 1;
}

int json_check_id(const char *field, const char *s, char **reterr)
{
	_cleanup_free_ char *clean = NULL;

	if (!*s)
		return json_refuse(reterr, "\"%s\" is empty", field);
	if (strnlen(s, JSON_MAX_ID + 1) > JSON_MAX_ID)
		return json_refuse(reterr, "\"%s\" is longer than %d bytes", field, JSON_MAX_ID);
	if (str_printable(s, JSON_MAX_ID, &clean) < 0)
		return -ENOMEM;
	if (!str_equal(clean, s))
		return json_refuse(reterr, "\"%s\" is not printable", field);
	return 0;
}

int json_copy_id(
	const cJSON *object, const char *field, enum json_need need, char **ret, char **reterr)
{
	const char *s = NULL;
	int r;

	r = json_get_string(object, field, need, &s, reterr);
	if (r < 0 || !s)
		return r;
	r = json_check_id(field, s, reterr);
	if (r < 0)
		return r;
	r = str_replace(ret, s);
	return r < 0 ? r : 1;
}

static int replace_printable(char **target, const char *s, size_t max)
{
	char *text;
	int r = str_printable(s, max, &text);

	if (r < 0)
		return r;
	free(*target);
	*target = text;
	return 1;
}

int json_copy_text(const cJSON *object, const char *field, size_t max, char **ret, char **reterr)
{
	const char *s = NULL;
	int r = json_get_string(object, field, JSON_OPTIONAL, &s, reterr);

	return r < 0 || !s ? r : replace_printable(ret, s, max);
}

int json_copy_label(const cJSON *object, const char *field, size_t max, char **ret, char **reterr)
{
	const cJSON *item = NULL;
	char digits[32];
	int r = get_field(object, field, JSON_OPTIONAL, &item, reterr);

	if (r <= 0 || !item)
		return r;
	if (cJSON_IsString(item))
		return replace_printable(ret, item->valuestring, max);
	if (!cJSON_IsNumber(item))
		return 0;
	(void)snprintf(digits, sizeof(digits), "%.15g", item->valuedouble);
	return replace_printable(ret, digits, max);
}

int json_leave_out(struct left_out *l, size_t row, int error, char **reterr)
{
	if (error != -ENOMEM && l->n++ == 0) {
		(void)snprintf(l->why, sizeof(l->why), "row %zu: %s", row,
			*reterr ? *reterr : strerror(-error));
		str_sanitize(l->why);
	}
	free(*reterr);
	*reterr = NULL;
	return error == -ENOMEM ? error : 0;
}

void *json_new_items(size_t n, size_t size)
{
	return calloc(n + 1, size);
}

void json_lacks(cJSON *o)
{
	if (o)
		o->type |= INCOMPLETE;
}

static cJSON *note_added(cJSON *o, cJSON *item)
{
	if (!item)
		json_lacks(o);
	return item;
}

cJSON *json_add_object(cJSON *o, const char *name)
{
	return note_added(o, cJSON_AddObjectToObject(o, name));
}

cJSON *json_add_array(cJSON *o, const char *name)
{
	return note_added(o, cJSON_AddArrayToObject(o, name));
}

void json_add_text(cJSON *o, const char *name, const char *s)
{
	(void)note_added(
		o, s ? cJSON_AddStringToObject(o, name, s) : cJSON_AddNullToObject(o, name));
}

void json_add_number(cJSON *o, const char *name, double n)
{
	(void)note_added(o, cJSON_AddNumberToObject(o, name, n));
}

void json_add_bool(cJSON *o, const char *name, bool yes)
{
	(void)note_added(o, cJSON_AddBoolToObject(o, name, yes));
}

void json_add_time(cJSON *o, const char *name, usec_t t)
{
	char text[32];

	json_add_text(o, name, t > 0 ? format_timestamp(text, sizeof(text), t) : NULL);
}

void json_add_seconds(cJSON *o, const char *name, usec_t t)
{
	json_add_number(o, name, (double)t / USEC_PER_SEC);
}

void json_append(cJSON *list, cJSON *item)
{
	if (item && cJSON_AddItemToArray(list, item))
		return;
	cJSON_Delete(item);
	json_lacks(list);
}

cJSON *json_append_object(cJSON *list)
{
	cJSON *item = list ? cJSON_CreateObject() : NULL;

	json_append(list, item);
	return item;
}

/* Of ours: a few levels. */
static bool is_whole(const cJSON *json) /* NOLINT(misc-no-recursion) */
{
	for (; json; json = json->next)
		if (json->type & INCOMPLETE || !is_whole(json->child))
			return false;
	return true;
}

int json_print(const cJSON *root, char **ret)
{
	char *text = root && is_whole(root) ? cJSON_PrintUnformatted(root) : NULL;

	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

int json_print_secret(cJSON *root, char **ret)
{
	/* cJSON wants some bytes more than it writes. */
	for (size_t size = 1024; root && is_whole(root) && size <= MAX_SECRET_TEXT; size *= 2) {
		char *text = malloc(size);

		if (!text)
			return -ENOMEM;
		if (cJSON_PrintPreallocated(root, text, (int)size, false)) {
			*ret = text;
			return 0;
		}
		secret_wipe(text, size);
		free(text);
	}
	return -ENOMEM;
}

/* As deep as it was parsed: JSON_MAX_DEPTH. */
static void wipe(cJSON *json) /* NOLINT(misc-no-recursion) */
{
	for (; json; json = json->next) {
		if (json->valuestring && !(json->type & cJSON_IsReference))
			secret_wipe(json->valuestring, strlen(json->valuestring));
		wipe(json->child);
	}
}

void json_secret_delete(cJSON *json)
{
	wipe(json);
	cJSON_Delete(json);
}
