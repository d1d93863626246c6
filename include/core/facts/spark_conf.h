/* SPDX-License-Identifier: Apache-2.0
 * Values of Spark's properties: how it reads them, and what it takes where they are not set. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/param.h"

/* Spark's version as one number: 3.5 is 305, 4.1 is 401. */
#define SPARK_OLDEST 305

enum spark_kind {
	SPARK_TEXT,
	SPARK_BOOL,    /* 0 or 1 */
	SPARK_NUMBER,  /* whole or not */
	SPARK_TIME_MS, /* seconds; a number without a unit is milliseconds */
	SPARK_TIME_S,
	SPARK_SIZE_B, /* bytes; a number without a unit is bytes */
	SPARK_SIZE_KB,
	SPARK_SIZE_MB,
	SPARK_KIND_MAX
};

struct spark_key {
	const char *key;
	enum spark_kind kind;
	unsigned since; /* from this version of Spark on; a later row of the same key wins */
	const char
		*fallback; /* taken where it is not set; "@KEY": that of another key; NULL: none */
};

/* Sorted by key, those of a key by version. */
extern const struct spark_key spark_keys[];
extern const size_t n_spark_keys;

struct spark_value {
	bool set;         /* by the app, its cluster or the command line; else a default */
	const char *text; /* as it is written; borrowed */
	double n;         /* of a kind that is no text: seconds, bytes, a number */
	enum spark_kind kind;
};

/* "4.3.0", "3.5.1-amzn-0": 403, 305. Anything else, NULL too: SPARK_OLDEST. */
unsigned spark_version(const char *text);

/* Reads a value as Spark does: units in either case, "300s", "2g", "-1". -EINVAL for what Spark
 * would refuse. */
int spark_parse(enum spark_kind kind, const char *text, double *ret);

/* What holds for a key of the table. properties: "key=value". 1; 0 where Spark has no value for it,
 * or the value cannot be read (redacted, not a number). */
int spark_conf_get(const struct strlist *properties, unsigned version, const char *key,
	struct spark_value *ret);

/* The text of a property that was set; NULL where it was not. Any key. Borrowed. */
const char *spark_conf_set(const struct strlist *properties, const char *key);

/* Writes a number the way Spark reads it back for that kind: "40s", "1536m", "2g", "0.6". Sizes are
 * rounded up to 128m, times to seconds. Returns buf; 32 bytes suffice. */
char *spark_format(enum spark_kind kind, double n, char *buf, size_t size);
