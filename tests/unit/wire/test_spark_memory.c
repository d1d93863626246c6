/* SPDX-License-Identifier: Apache-2.0
 * Answers of /allexecutors, real ones and others. */
#include <errno.h>

#include "../row.h"
#include "fixture.h"

#include "memory_by_cjson.h"
#include "wire/spark_memory.h"

#define MIB ((uint64_t)1024 * 1024)

static int decode(const char *body, size_t len, char **reterr)
{
	_cleanup_(executor_memory_list_clear) struct executor_memory_list l = {0};

	return left_out_refused(spark_decode_memory(body, len, &l, reterr), &l.left_out, reterr);
}

static void test_real_answers(void **state)
{
	static const char *const names[] = {
		"spark-3.5.9/executors.json", "spark-4.3.0/executors.json"};

	(void)state;
	each_row(i, names)
	{
		_cleanup_free_ char *text = fixture_read(names[i]);
		_cleanup_free_ char *err = NULL;
		struct executor_memory_list l = {0};
		struct app_memory m = {0};

		assert_int_equal(spark_decode_memory(text, strlen(text), &l, &err), 0);
		assert_true(l.n >= 2);
		app_memory_take(&m, &l, 0.6);
		/* spark.driver.memory=512m, spark.executor.memory=512m. */
		assert_int_equal(m.driver.heap_limit, 512 * MIB);
		assert_int_equal(m.executor.heap_limit, 512 * MIB);
		assert_true(m.driver.heap_peak > 16 * MIB && m.driver.heap_peak < 512 * MIB);
		assert_true(m.slots >= 1);
		executor_memory_list_clear(&l);
	}
}

static void test_one_that_is_gone(void **state)
{
	static const char body[] =
		"[{\"id\": \"0\", \"isActive\": false, \"maxTasks\": 2, \"totalDuration\": 1500,"
		" \"totalGCTime\": 20, \"maxMemory\": 100, \"removeReason\": \"heartbeat\\u0007\","
		" \"peakMemoryMetrics\": {\"JVMHeapMemory\": 5, \"ProcessTreeJVMRSSMemory\": 7,"
		" \"ProcessTreePythonRSSMemory\": 8, \"ProcessTreeOtherRSSMemory\": -1}}]";
	struct executor_memory_list l = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(spark_decode_memory(body, strlen(body), &l, &err), 0);
	assert_int_equal(l.n, 1);
	assert_false(l.items[0].active);
	assert_int_equal(l.items[0].region, 100);
	assert_int_equal(l.items[0].heap_peak, 5);
	assert_int_equal(l.items[0].tree_peak, 15);
	assert_int_equal(l.items[0].task_time, 1500 * USEC_PER_MSEC);
	assert_string_equal(l.items[0].remove_reason, "heartbeat?");
	executor_memory_list_clear(&l);
}

static void test_refused(void **state)
{
	static const char *const bodies[] = {
		"{}",
		"[{}]",
		"[{\"id\": 7}]",
		"[{\"id\": \"0\", \"maxTasks\": \"2\"}]",
		"[{\"id\": \"0\", \"totalDuration\": 1.5}]",
		"[{\"id\": \"0\", \"peakMemoryMetrics\": []}]",
		"[{\"id\": \"0\", \"memoryMetrics\": {\"totalOnHeapStorageMemory\": \"1\"}}]",
		"[7]",
		"[",
	};

	(void)state;
	each_row(i, bodies)
	{
		_cleanup_free_ char *copy = exact_copy(bodies[i], strlen(bodies[i]));
		_cleanup_free_ char *err = NULL;

		if (decode(copy, strlen(bodies[i]), &err) != -EBADMSG)
			fail_msg("%s is taken", bodies[i]);
		assert_non_null(err);
	}
}

static void assert_same(const char *body, size_t len)
{
	_cleanup_free_ char *copy = exact_copy(body, len);
	_cleanup_free_ char *difference = memory_readers_differ(copy, len);

	if (difference)
		fail_msg("%s\n%.300s", difference, body);
}

static void test_rows_are_read_as_by_cjson(void **state)
{
	_cleanup_free_ char *longest = repeated("{\"id\":\"", "x", JSON_MAX_ID, "\"}");
	_cleanup_free_ char *longer = repeated("{\"id\":\"", "x", JSON_MAX_ID + 1, "\"}");
	_cleanup_free_ char *huge = repeated("{\"id\":\"", "x", 2 << 20, "\"}");
	const char *const rows[] = {
		"{}",
		"7",
		"[]",
		"{\"id\":\"\"}",
		"{\"id\":null}",
		"{\"id\":\"a\\u0000b\"}",
		"{\"id\":\"a\\tb\"}",
		"{\"id\":\"caf\\u00e9\",\"id\":\"b\"}",
		longest,
		longer,
		huge,
		"{\"id\":\"1\",\"isActive\":false}",
		"{\"id\":\"1\",\"isActive\":true,\"isActive\":false}",
		"{\"id\":\"1\",\"isActive\":0}",
		"{\"id\":\"1\",\"isActive\":\"true\"}",
		"{\"id\":\"1\",\"isActive\":null}",
		"{\"id\":\"1\",\"memoryMetrics\":null,\"maxMemory\":5}",
		"{\"id\":\"1\",\"memoryMetrics\":{},\"maxMemory\":5}",
		"{\"id\":\"1\",\"memoryMetrics\":[],\"maxMemory\":5}",
		"{\"id\":\"1\",\"memoryMetrics\":\"{\"}",
		"{\"id\":\"1\",\"memoryMetrics\" : { \"totalOnHeapStorageMemory\" : 7 } }",
		"{\"id\":\"1\",\"memoryMetrics\":{\"x\":{\"totalOnHeapStorageMemory\":7}}}",
		"{\"id\":\"1\",\"memoryMetrics\":{\"totalOnHeapStorageMemory\":1},"
		"\"memoryMetrics\":{\"totalOnHeapStorageMemory\":2}}",
		"{\"id\":\"1\",\"peakMemoryMetrics\":{\"JVMHeapMemory\":null}}",
		"{\"id\":\"1\",\"peakMemoryMetrics\":{\"JVMHeapMemory\":1,\"JVMHeapMemory\":2}}",
		"{\"id\":\"1\",\"peakMemoryMetrics\":{\"JVMHeapMemory\":1.5}}",
		"{\"id\":\"1\",\"removeReason\":\"a\\nb\"}",
		"{\"id\":\"1\",\"removeReason\":7}",
	};

	(void)state;
	each_row(i, rows)
	{
		_cleanup_free_ char *body = repeated("[{\"id\":\"0\"},", rows[i], 1, "]");

		assert_same(body, strlen(body));
	}
}

/* Spark's own answer, cut at each byte, and with each byte another. */
static void test_damaged_answers_are_read_as_by_cjson(void **state)
{
	static const char others[] = "\"\\{}[],:-0e. x\xff";
	_cleanup_free_ char *body = fixture_read("spark-4.3.0/executors.json");
	size_t len = strlen(body);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		char was = body[n];

		assert_same(body, n);
		body[n] = others[n % sizeof(others)];
		assert_same(body, len);
		body[n] = was;
	}
	assert_same(body, len);
}

static void test_bounded(void **state)
{
	_cleanup_free_ char *body = repeated("[", "{\"id\":\"1\"},", 20001, "{\"id\":\"2\"}]");
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(decode(body, strlen(body), &err), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_answers),
		cmocka_unit_test(test_one_that_is_gone),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_rows_are_read_as_by_cjson),
		cmocka_unit_test(test_damaged_answers_are_read_as_by_cjson),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
