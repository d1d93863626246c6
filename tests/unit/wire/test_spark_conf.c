/* SPDX-License-Identifier: Apache-2.0
 * How values of Spark's properties are read, and the table of defaults against real Sparks. */
#include "../row.h"
#include "fixture.h"

#include "core/audit/audit.h"
#include "wire/spark_properties.h"

#define KIB 1024.0
#define MIB (1024 * KIB)

static void test_values(void **state)
{
	static const struct {
		enum spark_kind kind;
		const char *text;
		double n;
	} good[] = {
		{SPARK_SIZE_MB, "2g", 2 * KIB * MIB},
		{SPARK_SIZE_MB, "512", 512 * MIB},
		{SPARK_SIZE_B, "512", 512},
		{SPARK_SIZE_B, "10MB", 10 * MIB},
		{SPARK_SIZE_KB, "64k", 64 * KIB},
		{SPARK_SIZE_B, "-1", -1},
		{SPARK_TIME_S, "300s", 300},
		{SPARK_TIME_S, "300000", 300000},
		{SPARK_TIME_S, "300000ms", 300},
		{SPARK_TIME_MS, "300000", 300},
		{SPARK_TIME_MS, "-1ms", -0.001},
		{SPARK_TIME_MS, "2MIN", 120},
		{SPARK_TIME_S, "365d", 365 * 86400.0},
		{SPARK_BOOL, "True", 1},
		{SPARK_NUMBER, "0.6", 0.6},
	};
	static const struct {
		enum spark_kind kind;
		const char *text;
	} bad[] = {
		{SPARK_SIZE_MB, "1.5g"},
		{SPARK_SIZE_MB, ""},
		{SPARK_SIZE_MB, "g"},
		{SPARK_SIZE_MB, "2s"},
		{SPARK_SIZE_MB, "2 g"},
		{SPARK_SIZE_B, "99999999999999999999"},
		{SPARK_TIME_S, "2g"},
		{SPARK_TIME_S, "*********(redacted)"},
		{SPARK_BOOL, "yes"},
		{SPARK_NUMBER, "nan"},
		{SPARK_NUMBER, "1x"},
	};

	(void)state;
	each_row(i, good)
	{
		double n = 0;

		if (spark_parse(good[i].kind, good[i].text, &n) < 0 || n != good[i].n)
			fail_msg("%s is %g", good[i].text, n);
	}
	each_row(i, bad)
	{
		double n = 7;

		if (spark_parse(bad[i].kind, bad[i].text, &n) >= 0 || n != 7)
			fail_msg("%s is taken", bad[i].text);
	}
}

static void test_versions(void **state)
{
	(void)state;
	assert_int_equal(spark_version("4.3.0"), 403);
	assert_int_equal(spark_version("3.5.1-amzn-0"), 305);
	assert_int_equal(spark_version("4.10.0-SNAPSHOT"), 410);
	assert_int_equal(spark_version(NULL), SPARK_OLDEST);
	assert_int_equal(spark_version("unknown"), SPARK_OLDEST);
	assert_int_equal(spark_version("4"), SPARK_OLDEST);
	assert_int_equal(spark_version("999999999999999999999.1"), SPARK_OLDEST);
}

static void test_set_and_unset(void **state)
{
	struct strlist l = {0};
	struct spark_value v;

	(void)state;
	assert_int_equal(strlist_add(&l, "spark.network.timeout=200"), 0);
	assert_int_equal(strlist_add(&l, "spark.locality.wait=*********(redacted)"), 0);
	assert_int_equal(spark_conf_get(&l, 403, "spark.network.timeout", &v), 1);
	assert_true(v.set && v.n == 200);
	/* An unset key that follows another one. */
	assert_int_equal(spark_conf_get(&l, 403, "spark.rpc.askTimeout", &v), 1);
	assert_true(!v.set && v.n == 200);
	assert_int_equal(spark_conf_get(&l, 403, "spark.locality.wait", &v), 0);
	assert_int_equal(spark_conf_get(&l, 403, "spark.executor.pyspark.memory", &v), 0);
	assert_int_equal(spark_conf_get(&l, 403, "spark.no.such.key", &v), 0);
	/* And what that one follows, where it is set. */
	assert_int_equal(strlist_add(&l, "spark.sql.execution.arrow.enabled=false"), 0);
	assert_int_equal(
		spark_conf_get(&l, 403, "spark.sql.execution.arrow.pyspark.enabled", &v), 1);
	assert_true(!v.set && v.n == 0);
	assert_int_equal(strlist_add(&l, "spark.sql.execution.arrow.pyspark.enabled=true"), 0);
	assert_int_equal(
		spark_conf_get(&l, 403, "spark.sql.execution.arrow.pyspark.enabled", &v), 1);
	assert_true(v.set && v.n == 1);
	/* Other defaults in other versions. */
	assert_int_equal(spark_conf_get(&l, 305, "spark.speculation.quantile", &v), 1);
	assert_true(v.n == 0.75);
	assert_int_equal(spark_conf_get(&l, 401, "spark.speculation.quantile", &v), 1);
	assert_true(v.n == 0.9);
	strlist_clear(&l);
}

/* As they are looked up. */
static void test_keys_are_sorted(void **state)
{
	(void)state;
	for (size_t i = 1; i < n_spark_keys; i++) {
		const struct spark_key *a = &spark_keys[i - 1];
		const struct spark_key *b = &spark_keys[i];
		int order = strcmp(a->key, b->key);

		if (order > 0 || (order == 0 && a->since >= b->since))
			fail_msg("%s of %u stands before %s of %u", a->key, a->since, b->key,
				b->since);
	}
}

static void check_defaults(const char *file, const char *version)
{
	_cleanup_free_ char *text = fixture_read(file);
	cJSON *json = cJSON_Parse(text);
	struct strlist nothing = {0};
	size_t n = 0;

	assert_non_null(json);
	for (size_t i = 0; i < n_spark_keys; i++) {
		const char *key = spark_keys[i].key;
		const cJSON *real = cJSON_GetObjectItemCaseSensitive(json, key);
		struct spark_value v;
		double wanted;

		if (!real)
			continue;
		if (spark_conf_get(&nothing, spark_version(version), key, &v) <= 0)
			fail_msg(
				"%s %s: no default, Spark has %s", version, key, real->valuestring);
		assert_int_equal(spark_parse(spark_keys[i].kind, real->valuestring, &wanted), 0);
		if (v.n != wanted ||
			(v.kind == SPARK_TEXT && strcmp(v.text, real->valuestring) != 0))
			fail_msg(
				"%s %s: %s, Spark has %s", version, key, v.text, real->valuestring);
		n++;
	}
	assert_true(n > 30);
	cJSON_Delete(json);
}

static void test_defaults_are_those_of_spark(void **state)
{
	(void)state;
	check_defaults("spark-3.5.9/defaults.json", "3.5.9");
	check_defaults("spark-4.3.0/defaults.json", "4.3.0");
}

/* What the audit reads must come through the filter of /environment. */
static void test_all_keys_are_let_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_spark_keys; i++) {
		_cleanup_free_ char *body = NULL;
		_cleanup_free_ char *err = NULL;
		struct strlist l = {0};

		assert_int_equal(str_printf(&body, "{\"sparkProperties\": [[\"%s\", \"7\"]]}",
					 spark_keys[i].key),
			0);
		assert_int_equal(spark_decode_properties(body, strlen(body), &l, &err), 0);
		if (!spark_conf_set(&l, spark_keys[i].key))
			fail_msg("%s is left out", spark_keys[i].key);
		strlist_clear(&l);
	}
}

/* The settings that are shipped give no finding, in any version. */
static void test_shipped_settings(void **state)
{
	static const char *const versions[] = {"3.5.9", "4.0.5", "4.1.4", "4.2.1", "4.3.0"};
	_cleanup_free_ char *text = fixture_read("../../../etc/spark/spark-defaults.conf");
	struct app_memory memory = {.known = true, .slots = 2};
	struct strlist l = {0};
	char *rest = text;
	char *line;

	(void)state;
	memory.driver.heap_limit = memory.executor.heap_limit = (uint64_t)4 << 30;
	assert_int_equal(strlist_add(&l, "spark.master=spark://m:7077"), 0);
	assert_int_equal(strlist_add(&l, "spark.serializer.objectStreamReset=100"), 0);
	while ((line = strsep(&rest, "\n"))) {
		_cleanup_free_ char *pair = NULL;
		size_t key = strcspn(line, " ");

		if (strncmp(line, "spark.", strlen("spark.")) != 0)
			continue;
		assert_int_equal(str_printf(&pair, "%.*s=%s", (int)key, line,
					 line + key + strspn(line + key, " ")),
			0);
		assert_int_equal(strlist_add(&l, pair), 0);
	}
	assert_true(l.n > 20);
	each_row(i, versions)
	{
		struct audit_subject s = {spark_version(versions[i]), &l, &memory, NULL, NULL};
		struct audit_report report = {0};

		assert_int_equal(audit_run(&s, &report), 0);
		if (report.n > 0)
			fail_msg("%s: %s", versions[i], report.items[0].found);
		audit_report_clear(&report);
	}
	strlist_clear(&l);
}

static void test_written_back(void **state)
{
	char s[32];

	(void)state;
	assert_string_equal(spark_format(SPARK_SIZE_B, 2 * KIB * MIB, s, sizeof(s)), "2g");
	assert_string_equal(spark_format(SPARK_SIZE_MB, 1000 * MIB, s, sizeof(s)), "1g");
	assert_string_equal(spark_format(SPARK_SIZE_MB, 1100 * MIB, s, sizeof(s)), "1152m");
	assert_string_equal(spark_format(SPARK_TIME_MS, 40.2, s, sizeof(s)), "41s");
	assert_string_equal(spark_format(SPARK_NUMBER, 0.6, s, sizeof(s)), "0.6");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_are_sorted),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_set_and_unset),
		cmocka_unit_test(test_defaults_are_those_of_spark),
		cmocka_unit_test(test_all_keys_are_let_through),
		cmocka_unit_test(test_shipped_settings),
		cmocka_unit_test(test_written_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
