/* SPDX-License-Identifier: Apache-2.0
 * Reads a list of objects in one pass: its bounds, its syntax, and the fields that are wanted.
 * There is no tree, and nothing is allocated or copied. It takes what json_parse() takes, refuses
 * what that refuses, and finds the same in it. For an answer that comes with every poll. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/json.h"

#define JSON_MAX_WANTED 40

/* A list of at most max_rows objects, and the fields of these that count: at most JSON_MAX_WANTED.
 * A field is known by its place in names. */
struct json_wanted {
	const char *const *names;
	size_t n_names;
	size_t max_rows;
};

enum json_kind {
	JSON_ABSENT,
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_NESTED, /* a list or an object */
};

/* A value where it stands in the body. Of a string, what is between its quotes, for
 * json_unescape(). */
struct json_span {
	enum json_kind kind;
	bool escaped;
	const char *text;
	size_t len;
};

/* Everything is borrowed. */
struct json_rows {
	const struct json_wanted *wanted;
	const char *text;
	const char *at;
	const char *end;
	size_t n_values; /* up to here, counted as json_parse() counts them */
	size_t depth;
	size_t n_rows;                            /* up to the row at hand */
	bool is_object;                           /* the row at hand is one */
	struct json_span values[JSON_MAX_WANTED]; /* of the row at hand */
	/* The places of names with the same hash, as chains; each is one more, 0 ends a chain. */
	uint8_t first[64];
	uint8_t next[JSON_MAX_WANTED];
	size_t lengths[JSON_MAX_WANTED];
};

/* Finds the list in the body. Errors as of json_parse(), with *reterr; -EBADMSG also for what is no
 * list. */
int json_rows_begin(struct json_rows *r, const struct json_wanted *wanted, const char *text,
	size_t len, char **reterr);

/* 1: the next row is at hand; 0: there is none left, and the body ends as it should. Errors as of
 * json_parse(), with *reterr, once they are met; -E2BIG also for a row too many. */
int json_rows_next(struct json_rows *r, char **reterr);

/* Fields of the row at hand. They return, and refuse, as json_get_i64() and the others there. */
int json_rows_i64(
	const struct json_rows *r, size_t field, enum json_need need, int64_t *ret, char **reterr);
int json_rows_string(const struct json_rows *r, size_t field, enum json_need need,
	struct json_span *ret, char **reterr);
int json_rows_bool(
	const struct json_rows *r, size_t field, enum json_need need, bool *ret, char **reterr);
/* As json_copy_id(). *ret must be NULL, and is the caller's. */
int json_rows_id(
	const struct json_rows *r, size_t field, enum json_need need, char **ret, char **reterr);
/* An object in the row, as the only row of another reader. */
int json_rows_object(const struct json_rows *r, size_t field, const struct json_wanted *wanted,
	struct json_rows *ret, char **reterr);
/* As json_copy_label(). *ret must be NULL, and is the caller's. */
int json_rows_label(const struct json_rows *r, size_t field, size_t max, char **ret);
