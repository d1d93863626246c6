/* SPDX-License-Identifier: Apache-2.0
 * A list of objects, in one pass. Where cJSON is lenient, so is this: white space is any byte up to
 * the space, a string may hold any byte, "01", "1." and "-.5" are numbers. */
#include "wire/json_rows.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/json_text.h"

#define MAX_DIGITS 18 /* of a number that an int64_t holds, whatever they are */
#define MAX_NAME 64
#define MAX_LABEL 256
_Static_assert(JSON_MAX_ID + 1 < MAX_LABEL - 4, "an id that is too long is seen to be");

static int read_value(struct json_rows *r, struct json_span *ret);

static int refuse(const struct json_rows *r, int error, char **reterr)
{
	size_t len = (size_t)(r->end - r->text);
	int e;

	if (error == -ELOOP)
		return json_refuse(reterr, "nested deeper than %d", JSON_MAX_DEPTH);
	if (error == -E2BIG) {
		e = json_refuse(reterr, "holds more than %d values", JSON_MAX_VALUES);
		return e == -EBADMSG ? error : e;
	}
	return json_refuse(reterr, "not JSON at byte %zu of %zu", (size_t)(r->at - r->text), len);
}

static void skip_space(struct json_rows *r)
{
	while (r->at < r->end && (unsigned char)*r->at <= ' ')
		r->at++;
}

static bool is_next(const struct json_rows *r, char c)
{
	return r->at < r->end && *r->at == c;
}

static bool take(struct json_rows *r, char c)
{
	if (!is_next(r, c))
		return false;
	r->at++;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The length of the escape at p, which is a backslash; 0: there is no such escape. */
static size_t escape_length(const char *p, const char *end)
{
	switch (end - p < 2 ? '\0' : p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return 2;
	case 'u':
		return json_escape_at(p, end) >= 0 ? 6 : 0;
	default:
		return 0;
	}
}

/* On success r->at is behind the closing quote. */
static int read_string(struct json_rows *r, struct json_span *ret)
{
	const char *begin = r->at + 1;
	bool escaped = false;
	size_t n;

	if (!take(r, '"'))
		return -EBADMSG;
	for (;;) {
		r->at = json_find_special(r->at, r->end);
		if (take(r, '"'))
			break;
		n = escape_length(r->at, r->end);
		if (n == 0)
			return -EBADMSG;
		r->at += n;
		escaped = true;
	}
	*ret = (struct json_span){JSON_STRING, escaped, begin, (size_t)(r->at - 1 - begin)};
	return 0;
}

static size_t skip_digits(struct json_rows *r)
{
	const char *begin = r->at;

	while (r->at < r->end && is_digit(*r->at))
		r->at++;
	return (size_t)(r->at - begin);
}

/* As strtod() takes it. */
static int read_number(struct json_rows *r, struct json_span *ret)
{
	const char *begin = r->at;
	const char *whole;
	size_t digits;

	(void)take(r, '-');
	digits = skip_digits(r);
	if (take(r, '.'))
		digits += skip_digits(r);
	if (digits == 0)
		return -EBADMSG;
	whole = r->at;
	if (take(r, 'e') || take(r, 'E')) {
		if (!take(r, '+'))
			(void)take(r, '-');
		if (skip_digits(r) == 0)
			r->at = whole;
	}
	*ret = (struct json_span){JSON_NUMBER, false, begin, (size_t)(r->at - begin)};
	return 0;
}

static int read_word(
	struct json_rows *r, const char *word, enum json_kind kind, struct json_span *ret)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
		return -EBADMSG;
	*ret = (struct json_span){kind, false, r->at, n};
	r->at += n;
	return 0;
}

static size_t hash_name(const char *name, size_t n)
{
	return (n * 5 + (unsigned char)name[0] + (size_t)3 * (unsigned char)name[n / 2]) % 64;
}

/* Where the value of a field of the row goes; NULL: it is not wanted. */
static struct json_span *find_wanted(struct json_rows *r, const struct json_span *name)
{
	const char *text = name->text;
	size_t n = name->len;
	char buf[MAX_NAME];

	if (name->escaped) {
		json_unescape(name->text, name->len, buf, sizeof(buf));
		text = buf;
		n = strlen(buf);
	}
	for (size_t k = r->first[hash_name(text, n)]; k > 0; k = r->next[k - 1])
		if (r->lengths[k - 1] == n && memcmp(r->wanted->names[k - 1], text, n) == 0)
			return &r->values[k - 1];
	return NULL;
}

/* A value of a list or an object, after its name. Of duplicate fields of a row the first counts. */
static int read_member(struct json_rows *r, bool named, bool is_row)
{
	struct json_span name;
	struct json_span value;
	struct json_span *to;
	int e;

	if (named) {
		e = read_string(r, &name);
		if (e < 0)
			return e;
		skip_space(r);
		if (!take(r, ':'))
			return -EBADMSG;
		skip_space(r);
	}
	e = read_value(r, &value);
	if (e < 0 || !is_row)
		return e;
	to = find_wanted(r, &name);
	if (to && to->kind == JSON_ABSENT)
		*to = value;
	return 0;
}

/* cJSON would make a node of it. */
static int count_value(struct json_rows *r)
{
	return ++r->n_values > JSON_MAX_VALUES ? -E2BIG : 0;
}

static int take_comma(struct json_rows *r)
{
	if (!take(r, ','))
		return -EBADMSG;
	skip_space(r);
	return count_value(r);
}

/* A list or an object, by recursion: the depth is bounded. */
static int read_nested(struct json_rows *r, bool is_row, struct json_span *ret)
{
	const char *begin = r->at;
	bool is_object = *r->at++ == '{';
	char close = is_object ? '}' : ']';
	int e = count_value(r);

	if (++r->depth > JSON_MAX_DEPTH)
		return -ELOOP;
	skip_space(r);
	for (bool first = true; e >= 0 && !take(r, close); first = false) {
		e = first ? 0 : take_comma(r);
		if (e >= 0)
			e = read_member(r, is_object, is_row);
		if (e >= 0)
			skip_space(r);
	}
	r->depth--;
	*ret = (struct json_span){JSON_NESTED, false, begin, (size_t)(r->at - begin)};
	return e;
}

static int read_value(struct json_rows *r, struct json_span *ret)
{
	if (r->at == r->end)
		return -EBADMSG;
	switch (*r->at) {
	case '"':
		return read_string(r, ret);
	case '{':
	case '[':
		return read_nested(r, false, ret);
	case 'n':
		return read_word(r, "null", JSON_NULL, ret);
	case 't':
		return read_word(r, "true", JSON_BOOL, ret);
	case 'f':
		return read_word(r, "false", JSON_BOOL, ret);
	default:
		return *r->at == '-' || is_digit(*r->at) ? read_number(r, ret) : -EBADMSG;
	}
}

static int check_end(const struct json_rows *r, char **reterr)
{
	for (const char *p = r->at; p < r->end; p++)
		if (!*p || !strchr(" \t\r\n", *p))
			return json_refuse(reterr, "more than JSON at byte %zu of %zu",
				(size_t)(p - r->text), (size_t)(r->end - r->text));
	return 0;
}

static void index_names(struct json_rows *r)
{
	for (size_t i = 0; i < r->wanted->n_names; i++) {
		const char *name = r->wanted->names[i];
		size_t h;

		r->lengths[i] = strlen(name);
		h = hash_name(name, r->lengths[i]);
		r->next[i] = r->first[h];
		r->first[h] = (uint8_t)(i + 1);
	}
}

static void begin(
	struct json_rows *r, const struct json_wanted *wanted, const char *text, size_t len)
{
	memset(r, 0, sizeof(*r));
	r->wanted = wanted;
	r->text = r->at = text;
	r->end = text + len;
	r->n_values = 1;
	index_names(r);
}

int json_rows_begin(struct json_rows *r, const struct json_wanted *wanted, const char *text,
	size_t len, char **reterr)
{
	struct json_span value;
	int e;

	begin(r, wanted, text, len);
	if (len == 0)
		return json_refuse(reterr, "empty");
	skip_space(r);
	if (take(r, '[')) {
		r->depth++;
		return count_value(r);
	}
	e = read_value(r, &value);
	if (e < 0)
		return refuse(r, e, reterr);
	e = check_end(r, reterr);
	return e < 0 ? e : json_refuse(reterr, "not a list");
}

int json_rows_next(struct json_rows *r, char **reterr)
{
	struct json_span row;
	int e = 0;

	skip_space(r);
	if (take(r, ']'))
		return check_end(r, reterr);
	if (r->n_rows > 0)
		e = take_comma(r);
	if (e < 0)
		return refuse(r, e, reterr);
	if (r->n_rows++ == r->wanted->max_rows) {
		e = json_refuse(reterr, "a list of more than %zu", r->wanted->max_rows);
		return e == -EBADMSG ? -E2BIG : e;
	}
	memset(r->values, 0, r->wanted->n_names * sizeof(r->values[0]));
	r->is_object = is_next(r, '{');
	e = r->is_object ? read_nested(r, true, &row) : read_value(r, &row);
	return e < 0 ? refuse(r, e, reterr) : 1;
}

/* As json_parse() and its getters have it: a field that is null is as good as absent. */
static int get_field(const struct json_rows *r, size_t field, enum json_need need,
	const struct json_span **ret, char **reterr)
{
	const char *name = r->wanted->names[field];
	const struct json_span *value = &r->values[field];

	if (!r->is_object)
		return json_refuse(reterr, "no object where \"%s\" should be", name);
	if (value->kind != JSON_ABSENT && value->kind != JSON_NULL) {
		*ret = value;
		return 1;
	}
	if (need == JSON_OPTIONAL)
		return 0;
	return json_refuse(
		reterr, value->kind == JSON_NULL ? "\"%s\" is null" : "\"%s\" is missing", name);
}

/* What few digits say without a sum of doubles; anything else is left to strtod(). */
static int number_of(const struct json_span *s, double *ret)
{
	_cleanup_free_ char *copy = NULL;
	bool negative = s->text[0] == '-';
	size_t i = negative;
	int64_t n = 0;

	for (; i < s->len && i < MAX_DIGITS && is_digit(s->text[i]); i++)
		n = n * 10 + (s->text[i] - '0');
	if (i == s->len) {
		*ret = negative ? -(double)n : (double)n;
		return 0;
	}
	copy = strndup(s->text, s->len);
	if (!copy)
		return -ENOMEM;
	*ret = strtod(copy, NULL);
	return 0;
}

int json_rows_i64(
	const struct json_rows *r, size_t field, enum json_need need, int64_t *ret, char **reterr)
{
	const struct json_span *value = NULL;
	double number = 0;
	int e = get_field(r, field, need, &value, reterr);

	if (e < 0 || !value)
		return e;
	if (value->kind != JSON_NUMBER)
		return json_refuse(reterr, "\"%s\" is not a number", r->wanted->names[field]);
	e = number_of(value, &number);
	return e < 0 ? e : json_check_integer(r->wanted->names[field], number, ret, reterr);
}

int json_rows_string(const struct json_rows *r, size_t field, enum json_need need,
	struct json_span *ret, char **reterr)
{
	const struct json_span *value = NULL;
	int e = get_field(r, field, need, &value, reterr);

	if (e < 0 || !value)
		return e;
	if (value->kind != JSON_STRING)
		return json_refuse(reterr, "\"%s\" is not a string", r->wanted->names[field]);
	*ret = *value;
	return 1;
}

int json_rows_bool(
	const struct json_rows *r, size_t field, enum json_need need, bool *ret, char **reterr)
{
	const struct json_span *value = NULL;
	int e = get_field(r, field, need, &value, reterr);

	if (e < 0 || !value)
		return e;
	if (value->kind != JSON_BOOL)
		return json_refuse(
			reterr, "\"%s\" is neither true nor false", r->wanted->names[field]);
	*ret = value->text[0] == 't';
	return 1;
}

int json_rows_id(
	const struct json_rows *r, size_t field, enum json_need need, char **ret, char **reterr)
{
	struct json_span value = {0};
	char text[MAX_LABEL];
	int e = json_rows_string(r, field, need, &value, reterr);

	if (e <= 0)
		return e;
	json_unescape(value.text, value.len, text, sizeof(text));
	e = json_check_id(r->wanted->names[field], text, reterr);
	if (e >= 0)
		e = str_replace(ret, text);
	return e < 0 ? e : 1;
}

int json_rows_object(const struct json_rows *r, size_t field, const struct json_wanted *wanted,
	struct json_rows *ret, char **reterr)
{
	const struct json_span *value = NULL;
	struct json_span row;
	int e = get_field(r, field, JSON_OPTIONAL, &value, reterr);

	if (e < 0 || !value)
		return e;
	if (value->kind != JSON_NESTED || value->text[0] != '{')
		return json_refuse(reterr, "\"%s\" is not an object", r->wanted->names[field]);
	begin(ret, wanted, value->text, value->len);
	ret->is_object = true;
	e = read_nested(ret, true, &row);
	return e < 0 ? refuse(ret, e, reterr) : 1;
}

int json_rows_label(const struct json_rows *r, size_t field, size_t max, char **ret)
{
	const struct json_span *value = &r->values[field];
	char text[MAX_LABEL];
	double number = 0;
	int e;

	assert(max + 4 < sizeof(text));
	if (value->kind == JSON_STRING) {
		json_unescape(value->text, value->len, text, sizeof(text));
	} else if (value->kind == JSON_NUMBER) {
		e = number_of(value, &number);
		if (e < 0)
			return e;
		(void)snprintf(text, sizeof(text), "%.15g", number);
	} else {
		return 0;
	}
	e = str_printable(text, max, ret);
	return e < 0 ? e : 1;
}
