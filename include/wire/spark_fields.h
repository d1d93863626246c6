/* SPDX-License-Identifier: Apache-2.0
 * Fields of Spark's JSON that several decoders share. Errors as in wire/json.h. */
#pragma once

#include "base/time.h"
#include "core/facts/model.h"
#include "wire/json.h"
#include "wire/json_rows.h"

/* Whether the job, or the stage, that is described so is a receiver's. */
bool spark_runs_receiver(const char *description);

/* A whole body that is a list of at most max: -E2BIG beyond. */
int spark_parse_list(const char *body, size_t len, int max, cJSON **ret, char **reterr);

/* A count that Spark holds in 32 bits. */
int spark_get_count(
	const cJSON *object, const char *field, enum json_need need, int64_t *ret, char **reterr);

int spark_rows_count(
	const struct json_rows *r, size_t field, enum json_need need, int64_t *ret, char **reterr);

/* A time, which may be absent; "not yet", which Spark writes as a time before 1970, leaves it as it
 * is. 0, or an error. */
int spark_check_time(const char *field, const char *text, usec_t *ret, char **reterr);
int spark_get_time(const cJSON *object, const char *field, usec_t *ret, char **reterr);

/* Adds an app as a cluster manager lists it, id, state, name and user, to a list that has room. 1:
 * it was; 0: the row, counted from 1, was left out. -ENOMEM. */
int spark_add_listed_app(const cJSON *json, size_t row, struct master_state *m, char **reterr);

/* Adds an amount that may be absent to *sum; a negative one is as good as none. */
int spark_add_amount(const cJSON *object, const char *field, uint64_t *sum, char **reterr);
int spark_rows_add(const struct json_rows *r, size_t field, uint64_t *sum, char **reterr);
/* The same for a time in milliseconds. */
int spark_add_msec(const cJSON *object, const char *field, usec_t *sum, char **reterr);
int spark_rows_add_msec(const struct json_rows *r, size_t field, usec_t *sum, char **reterr);

/* Of an app in a list: its id, its name and its attempts, of which there is at least one. */
int spark_get_app(
	const cJSON *json, struct app_info *app, const cJSON **ret_attempts, char **reterr);
/* Of an attempt of it: who ran it, the version, and when it began. */
int spark_get_attempt(const cJSON *attempt, struct app_info *app, char **reterr);
/* A time in milliseconds since 1970: 1; 0: there is none, and *ret stays. */
int spark_get_epoch(const cJSON *object, const char *field, usec_t *ret, char **reterr);

/* Of a stage in a list: whether a status, which it has, is this word: 1, or 0; a number that is
 * part of its id; a time, as spark_check_time(); whether it is a receiver's, by its description. */
int spark_rows_is(const struct json_rows *rows, size_t field, const char *word, char **reterr);
int spark_rows_id(const struct json_rows *rows, size_t field, int64_t *ret, char **reterr);
int spark_rows_time(const struct json_rows *rows, size_t field, usec_t *ret, char **reterr);
int spark_rows_receiver(const struct json_rows *rows, size_t field, bool *ret, char **reterr);
