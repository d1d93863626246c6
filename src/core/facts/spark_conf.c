/* SPDX-License-Identifier: Apache-2.0
 * The table of keys with their kinds and defaults, and Spark's own way to read values. Defaults as
 * Spark 3.5.9 and 4.3.0 say themselves (tests/wire/fixtures/spark-VERSION/defaults.json), changes
 * between them as its migration guides do. */
#include "core/facts/spark_conf.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "base/strbuf.h"

/* Sorted: each audit looks up some hundred times. */
const struct spark_key spark_keys[] = {
	{"spark.driver.maxResultSize", SPARK_SIZE_B, 0, "1g"},
	{"spark.driver.memory", SPARK_SIZE_MB, 0, "1g"},
	{"spark.dynamicAllocation.enabled", SPARK_BOOL, 0, "false"},
	{"spark.dynamicAllocation.executorIdleTimeout", SPARK_TIME_S, 0, "60000ms"},
	{"spark.dynamicAllocation.maxExecutors", SPARK_NUMBER, 0, "2147483647"},
	{"spark.executor.heartbeatInterval", SPARK_TIME_MS, 0, "10s"},
	{"spark.executor.memory", SPARK_SIZE_MB, 0, "1g"},
	{"spark.executor.memoryOverhead", SPARK_SIZE_MB, 0, NULL},
	{"spark.executor.pyspark.memory", SPARK_SIZE_MB, 0, NULL},
	{"spark.kryo.registrationRequired", SPARK_BOOL, 0, "false"},
	{"spark.kryoserializer.buffer.max", SPARK_SIZE_MB, 0, "64m"},
	{"spark.locality.wait", SPARK_TIME_MS, 0, "3s"},
	{"spark.master", SPARK_TEXT, 0, NULL},
	{"spark.memory.fraction", SPARK_NUMBER, 0, "0.6"},
	{"spark.network.timeout", SPARK_TIME_S, 0, "120s"},
	{"spark.python.worker.tracebackDumpIntervalSeconds", SPARK_TIME_S, 401, "0"},
	{"spark.rpc.askTimeout", SPARK_TIME_S, 0, "@spark.network.timeout"},
	{"spark.rpc.lookupTimeout", SPARK_TIME_S, 0, "@spark.network.timeout"},
	{"spark.scheduler.listenerbus.eventqueue.appStatus.capacity", SPARK_NUMBER, 0,
		"@spark.scheduler.listenerbus.eventqueue.capacity"},
	{"spark.scheduler.listenerbus.eventqueue.capacity", SPARK_NUMBER, 0, "10000"},
	{"spark.scheduler.maxRegisteredResourcesWaitingTime", SPARK_TIME_MS, 0, "30s"},
	{"spark.serializer", SPARK_TEXT, 0, "org.apache.spark.serializer.JavaSerializer"},
	{"spark.shuffle.compress", SPARK_BOOL, 0, "true"},
	{"spark.shuffle.io.connectionTimeout", SPARK_TIME_S, 0, "@spark.network.timeout"},
	{"spark.shuffle.io.maxRetries", SPARK_NUMBER, 0, "3"},
	{"spark.shuffle.io.retryWait", SPARK_TIME_S, 0, "5s"},
	{"spark.shuffle.spill.compress", SPARK_BOOL, 0, "true"},
	{"spark.speculation", SPARK_BOOL, 0, "false"},
	{"spark.speculation.multiplier", SPARK_NUMBER, 0, "1.5"},
	{"spark.speculation.multiplier", SPARK_NUMBER, 400, "3.0"},
	{"spark.speculation.quantile", SPARK_NUMBER, 0, "0.75"},
	{"spark.speculation.quantile", SPARK_NUMBER, 400, "0.9"},
	{"spark.speculation.task.duration.threshold", SPARK_TIME_MS, 0, NULL},
	{"spark.sql.autoBroadcastJoinThreshold", SPARK_SIZE_B, 0, "10MB"},
	{"spark.sql.broadcastTimeout", SPARK_TIME_S, 0, "300"},
	{"spark.sql.execution.arrow.enabled", SPARK_BOOL, 0, "false"},
	{"spark.sql.execution.arrow.enabled", SPARK_BOOL, 402, "true"},
	{"spark.sql.execution.arrow.maxRecordsPerBatch", SPARK_NUMBER, 0, "10000"},
	{"spark.sql.execution.arrow.pyspark.enabled", SPARK_BOOL, 0,
		"@spark.sql.execution.arrow.enabled"},
	{"spark.stage.maxConsecutiveAttempts", SPARK_NUMBER, 0, "4"},
	{"spark.task.maxFailures", SPARK_NUMBER, 0, "4"},
	{"spark.task.reaper.enabled", SPARK_BOOL, 0, "false"},
	{"spark.task.reaper.killTimeout", SPARK_TIME_MS, 0, "-1ms"},
	{"spark.ui.liveUpdate.period", SPARK_TIME_MS, 0, "100ms"},
};
const size_t n_spark_keys = ELEMENTSOF(spark_keys);

#define KIB 1024.0
#define MIB (1024.0 * KIB)
#define GIB (1024.0 * MIB)

struct unit {
	const char *name;
	double factor;
};

static const struct unit times[] = {
	{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}};
static const struct unit sizes[] = {{"b", 1}, {"k", KIB}, {"kb", KIB}, {"m", MIB}, {"mb", MIB},
	{"g", GIB}, {"gb", GIB}, {"t", KIB *GIB}, {"tb", KIB *GIB}, {"p", MIB *GIB},
	{"pb", MIB *GIB}};

/* Of a number without a unit. */
static const double bare[SPARK_KIND_MAX] = {
	[SPARK_TIME_MS] = 1e-3,
	[SPARK_TIME_S] = 1,
	[SPARK_SIZE_B] = 1,
	[SPARK_SIZE_KB] = KIB,
	[SPARK_SIZE_MB] = MIB,
};

static bool is_time(enum spark_kind kind)
{
	return kind == SPARK_TIME_MS || kind == SPARK_TIME_S;
}

unsigned spark_version(const char *text)
{
	char *end;
	unsigned long major;
	unsigned long minor;

	if (!text || !isdigit((unsigned char)*text))
		return SPARK_OLDEST;
	major = strtoul(text, &end, 10);
	if (major > 99 || *end != '.' || !isdigit((unsigned char)end[1]))
		return SPARK_OLDEST;
	minor = strtoul(end + 1, NULL, 10);
	return minor > 99 ? SPARK_OLDEST : (unsigned)(100 * major + minor);
}

static int parse_bool(const char *text, double *ret)
{
	if (strcasecmp(text, "true") == 0)
		*ret = 1;
	else if (strcasecmp(text, "false") == 0)
		*ret = 0;
	else
		return -EINVAL;
	return 0;
}

static int parse_number(const char *text, double *ret)
{
	char *end;
	double n = strtod(text, &end);

	if (end == text || *end != '\0' || !isfinite(n))
		return -EINVAL;
	*ret = n;
	return 0;
}

/* A whole number, then letters: what Spark's own patterns take. */
static int parse_unit(enum spark_kind kind, const char *text, double *ret)
{
	const struct unit *units = is_time(kind) ? times : sizes;
	size_t n_units = is_time(kind) ? ELEMENTSOF(times) : ELEMENTSOF(sizes);
	const char *digits = *text == '-' ? text + 1 : text;
	size_t n = strspn(digits, "0123456789");
	double number;

	if (n == 0 || n > 18)
		return -EINVAL;
	number = (double)strtoll(text, NULL, 10);
	if (digits[n] == '\0') {
		*ret = number * bare[kind];
		return 0;
	}
	for (size_t i = 0; i < n_units; i++)
		if (strcasecmp(digits + n, units[i].name) == 0) {
			*ret = number * units[i].factor;
			return 0;
		}
	return -EINVAL;
}

int spark_parse(enum spark_kind kind, const char *text, double *ret)
{
	switch (kind) {
	case SPARK_BOOL:
		return parse_bool(text, ret);
	case SPARK_NUMBER:
		return parse_number(text, ret);
	case SPARK_TIME_MS:
	case SPARK_TIME_S:
	case SPARK_SIZE_B:
	case SPARK_SIZE_KB:
	case SPARK_SIZE_MB:
		return parse_unit(kind, text, ret);
	case SPARK_TEXT:
		*ret = 0;
		return 0;
	case SPARK_KIND_MAX:
		break;
	}
	return -EINVAL;
}

const char *spark_conf_set(const struct strlist *properties, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < properties->n; i++)
		if (strncmp(properties->items[i], key, n) == 0 && properties->items[i][n] == '=')
			return properties->items[i] + n + 1;
	return NULL;
}

static int compare_key(const void *key, const void *item)
{
	return strcmp(key, ((const struct spark_key *)item)->key);
}

static const struct spark_key *find_key(unsigned version, const char *key)
{
	const struct spark_key *found = NULL;
	size_t i = sorted_place(key, spark_keys, n_spark_keys, sizeof(spark_keys[0]), compare_key);

	for (; i < n_spark_keys && str_equal(spark_keys[i].key, key); i++)
		if (spark_keys[i].since <= version)
			found = &spark_keys[i];
	return found;
}

int spark_conf_get(const struct strlist *properties, unsigned version, const char *key,
	struct spark_value *ret)
{
	const struct spark_key *k = find_key(version, key);
	struct spark_value v = {0};

	if (!k)
		return 0;
	v.kind = k->kind;
	v.text = spark_conf_set(properties, key);
	v.set = v.text != NULL;
	if (!v.set && k->fallback && *k->fallback == '@') {
		int r = spark_conf_get(properties, version, k->fallback + 1, &v);

		v.set = false;
		if (r > 0)
			*ret = v;
		return r;
	}
	if (!v.set)
		v.text = k->fallback;
	if (!v.text || spark_parse(k->kind, v.text, &v.n) < 0)
		return 0;
	*ret = v;
	return 1;
}

static char *format_size(double n, char *buf, size_t size)
{
	double mib = ceil(n / (128 * MIB)) * 128;

	if (fmod(mib, 1024) == 0)
		(void)snprintf(buf, size, "%.0fg", mib / 1024);
	else
		(void)snprintf(buf, size, "%.0fm", mib);
	return buf;
}

char *spark_format(enum spark_kind kind, double n, char *buf, size_t size)
{
	if (kind == SPARK_SIZE_B || kind == SPARK_SIZE_KB || kind == SPARK_SIZE_MB)
		return format_size(n, buf, size);
	(void)snprintf(buf, size, is_time(kind) ? "%.0fs" : "%g", is_time(kind) ? ceil(n) : n);
	return buf;
}
