/* SPDX-License-Identifier: Apache-2.0
 * cJSON behind bounds: text of others is parsed only when it is small and shallow enough, and every
 * field is fetched with its type checked, so that a wrong answer names the field that was wrong. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/time.h"
#include "core/facts/model.h"

#define JSON_MAX_DEPTH 64
#define JSON_MAX_VALUES 1000000 /* a parsed value takes some 80 bytes */

DEFINE_CLEANUP(cJSON *, cJSON_Delete)
#define _cleanup_json_ _cleanup_(cJSON_Deletep)

/* Overwrites all its texts before it is deleted: one that holds a secret. NULL is allowed. */
void json_secret_delete(cJSON *json);
DEFINE_CLEANUP(cJSON *, json_secret_delete)
#define _cleanup_json_secret_ _cleanup_(json_secret_deletep)

/* Parses len bytes as one JSON value with nothing but white space after it. What no text can hold,
 * a NUL and half of a surrogate pair, becomes U+0001, which no id may have and no text for people
 * keeps. -EBADMSG with *reterr (where it broke; caller frees) for anything else, or deeper nesting
 * than JSON_MAX_DEPTH; -E2BIG with *reterr for more than JSON_MAX_VALUES values; -ENOMEM. */
int json_parse(const char *text, size_t len, cJSON **ret, char **reterr);

/* Says in *reterr what is wrong with an answer. Returns -EBADMSG, or -ENOMEM. */
int json_refuse(char **reterr, const char *fmt, ...) _printf_(2, 3);

/* Longer ids of others are refused: Airflow's own limit. */
#define JSON_MAX_ID 250

enum json_need {
	JSON_OPTIONAL,
	JSON_REQUIRED
};

/* Fields of an object. An absent optional field (and an explicit null) leaves *ret as it is and
 * returns 0; a present one returns 1. -EBADMSG with *reterr naming the field where it is required
 * and absent, of a wrong type, not an integer, or out of range. A number of 2^53 or more in size is
 * out of range: cJSON holds doubles. */
int json_get_i64(
	const cJSON *object, const char *field, enum json_need need, int64_t *ret, char **reterr);
int json_get_u64(
	const cJSON *object, const char *field, enum json_need need, uint64_t *ret, char **reterr);
int json_get_bool(
	const cJSON *object, const char *field, enum json_need need, bool *ret, char **reterr);
/* *ret is borrowed from the object. */
int json_get_string(const cJSON *object, const char *field, enum json_need need, const char **ret,
	char **reterr);
int json_get_array(const cJSON *object, const char *field, enum json_need need, const cJSON **ret,
	char **reterr);
int json_get_object(const cJSON *object, const char *field, enum json_need need, const cJSON **ret,
	char **reterr);

/* Whether value, the number of field, is an integer that a double holds exactly: 1 with *ret; else
 * -EBADMSG with *reterr. */
int json_check_integer(const char *field, double value, int64_t *ret, char **reterr);

/* Whether s, the text of field, can name something: not empty, at most JSON_MAX_ID bytes, and
 * nothing in it that str_sanitize() would replace; else -EBADMSG with *reterr. */
int json_check_id(const char *field, const char *s, char **reterr);
/* A copy of a string field that passes json_check_id(). *ret is replaced, and the caller's. */
int json_copy_id(
	const cJSON *object, const char *field, enum json_need need, char **ret, char **reterr);
/* A copy of a string field for people to read: printable, cut to max bytes. */
int json_copy_text(const cJSON *object, const char *field, size_t max, char **ret, char **reterr);
/* The same of what an app calls itself, for which no row is to be lost: a number is written out,
 * anything else is as good as absent. */
int json_copy_label(const cJSON *object, const char *field, size_t max, char **ret, char **reterr);

/* A row of a list, counted from 1, is left out for what its decoder said of it, which is freed.
 * -ENOMEM is handed on, anything else is 0. */
int json_leave_out(struct left_out *l, size_t row, int error, char **reterr);

/* Parts of a request or an answer of ours. Where there is no memory for one, what it was to be a
 * part of remembers that, and the whole is not printed: a request that has lost a condition would
 * be another request. The NULL that one of these returned may be given to the others. Texts that
 * are NULL, and the time 0, are null. */
cJSON *json_add_object(cJSON *o, const char *name);
cJSON *json_add_array(cJSON *o, const char *name);
void json_add_text(cJSON *o, const char *name, const char *s);
void json_add_number(cJSON *o, const char *name, double n);
void json_add_bool(cJSON *o, const char *name, bool yes);
void json_add_time(cJSON *o, const char *name, usec_t t);
void json_add_seconds(cJSON *o, const char *name, usec_t t);
/* The last of a list. item is taken over; NULL: there was no memory for it. */
void json_append(cJSON *list, cJSON *item);
cJSON *json_append_object(cJSON *list);
/* There was no memory for something else that belongs to o. */
void json_lacks(cJSON *o);
/* The text of the whole, without white space. -ENOMEM where root is NULL, or any part of it could
 * not be made. */
int json_print(const cJSON *root, char **ret);
/* The same of one that holds a secret: no copy stays behind. */
int json_print_secret(cJSON *root, char **ret);

/* Zeroed room for n items of a size, n being 0 too; NULL: no memory. */
void *json_new_items(size_t n, size_t size);
