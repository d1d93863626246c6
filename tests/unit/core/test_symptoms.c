/* SPDX-License-Identifier: Apache-2.0
 * Each symptom shows where it should, and not just under its limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"

#include "base/strbuf.h"
#include "core/audit/symptoms.h"

#define MIB ((uint64_t)1024 * 1024)
#define GIB (1024 * MIB)
#define S USEC_PER_SEC

struct app {
	struct app_signs signs;
	struct app_memory memory;
};

static const struct {
	const char *name;
	struct app shows;
	struct app quiet;
	const char *found;
} rows[] = {
	{"collect_large",
		{.signs = {.collect = "toPandas at etl.py:7",
			 .collect_size = 200 * MIB,
			 .collect_in_all = 800 * MIB}},
		{.signs = {.collect = "toPandas at etl.py:7",
			 .collect_size = 200 * MIB,
			 .collect_in_all = 500 * MIB}},
		"toPandas at etl.py:7: 200 MiB of results at the driver, 800 MiB to be expected, "
		"spark.driver.maxResultSize=1g (default)"},
	/* Far from the limit, but not from what the driver has. */
	{"collect_large",
		{.signs = {.collect = "collect at a.py:1",
			 .collect_size = 300 * MIB,
			 .collect_in_all = 300 * MIB},
			.memory = {.driver.heap_limit = GIB}},
		{.signs = {.collect = "collect at a.py:1",
			 .collect_size = 300 * MIB,
			 .collect_in_all = 300 * MIB},
			.memory = {.driver.heap_limit = 2 * GIB}},
		"collect at a.py:1: 300 MiB of results at the driver, "
		"spark.driver.maxResultSize=1g (default), driver heap 1024 MiB"},
	{"memory_gc",
		{.memory = {.task_time = 100 * S,
			 .gc_time = 40 * S,
			 .executor = {.heap_limit = 512 * MIB, .heap_peak = 500 * MIB}}},
		{.memory = {.task_time = 100 * S, .gc_time = 24 * S}},
		"40 % of 1min 40s of tasks was garbage collection, heap peak 500 of 512 MiB"},
	/* Half of very little. */
	{"memory_gc", {.memory = {.task_time = 60 * S, .gc_time = 31 * S}},
		{.memory = {.task_time = 40 * S, .gc_time = 20 * S}},
		"51 % of 1min of tasks was garbage collection, heap peak 0 of 0 MiB"},
	{"memory_spill",
		{.signs.disk_spilled = 9 * GIB,
			.memory = {.executor.heap_limit = 4 * GIB, .most_executors = 2}},
		{.signs.disk_spilled = 7 * GIB,
			.memory = {.executor.heap_limit = 4 * GIB, .most_executors = 2}},
		"9216 MiB spilled to disk, heaps of 8192 MiB in all"},
	{"memory_lost",
		{.signs = {.lost_memory = 2,
			 .memory_because = "exited with code 52",
			 .lost_silent = 1,
			 .silent_because = "heartbeat timed out"}},
		{.signs = {.lost_silent = 1, .silent_because = "x"}},
		"2 executors lost: exited with code 52"},
	{"network_lost",
		{.signs = {.lost_silent = 1,
			 .silent_because = "heartbeat timed out",
			 .lost_memory = 2,
			 .memory_because = "exited with code 52"}},
		{.signs = {.lost_memory = 1, .memory_because = "x"}},
		"1 executor lost: heartbeat timed out"},
	{"network_fetch_wait", {.signs.cost = {.run = 100 * S, .fetch_wait = 40 * S}},
		{.signs.cost = {.run = 100 * S, .fetch_wait = 29 * S}},
		"40 % of 1min 40s of tasks was waiting for blocks of other executors"},
	/* A task that waits has not told of its running time yet. */
	{"network_fetch_wait", {.signs.cost = {.fetch_wait = 30 * S}},
		{.signs.cost = {.fetch_wait = 29 * S}},
		"100 % of 30s of tasks was waiting for blocks of other executors"},
	{"network_refetch", {.signs = {.attempt = 2, .attempt_stage = 5}},
		{.signs = {.attempt = 0}}, "stage 5 was begun again 2 times"},
	{"serialization", {.signs.cost = {.run = 60 * S, .deserialize = 40 * S}},
		{.signs.cost = {.run = 80 * S, .deserialize = 20 * S}},
		"40 % of 1min 40s of tasks was unpacking them"},
};

static const struct audit_look *find_symptom(const char *name)
{
	for (size_t i = 0; i < n_symptoms; i++)
		if (str_equal(symptoms[i].check.name, name))
			return &symptoms[i];
	fail_msg("no symptom %s", name);
	return &symptoms[0];
}

static bool shows(const char *name, const struct app *app, char **ret)
{
	struct strlist nothing = {0};
	struct audit_subject s = {.version = 403,
		.properties = &nothing,
		.memory = &app->memory,
		.signs = &app->signs};
	struct strbuf b = {0};
	bool found = find_symptom(name)->found(&s, &b);

	assert_int_equal(strbuf_finish(&b, ret), 0);
	return found;
}

static void test_each_symptom(void **state)
{
	(void)state;
	each_row(i, rows)
	{
		_cleanup_free_ char *text = NULL;
		_cleanup_free_ char *none = NULL;

		if (!shows(rows[i].name, &rows[i].shows, &text))
			fail_msg("%s does not show", rows[i].name);
		assert_string_equal(text, rows[i].found);
		if (shows(rows[i].name, &rows[i].quiet, &none))
			fail_msg("%s shows: %s", rows[i].name, none);
		assert_string_equal(none, "");
	}
}

static void test_each_has_a_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_symptoms; i++) {
		size_t n = 0;

		each_row(k, rows) n += str_equal(rows[k].name, symptoms[i].check.name);
		if (n == 0)
			fail_msg("%s has no row", symptoms[i].check.name);
	}
}

/* Before the checks of its severity, and without signs none at all. */
static void test_among_the_findings(void **state)
{
	struct app app = {.signs = {.attempt = 1}, .memory = {.driver.heap_limit = GIB}};
	struct strlist nothing = {0};
	struct audit_subject s = {
		.version = 403, .properties = &nothing, .memory = &app.memory, .signs = &app.signs};
	struct audit_report r = {0};

	(void)state;
	assert_int_equal(audit_run(&s, &r), 0);
	assert_int_equal(r.n, 3);
	assert_string_equal(r.items[0].check->name, "network_refetch");
	assert_string_equal(r.items[0].found, "stage 0 was begun again 1 time");
	assert_string_equal(r.items[1].check->name, "result_size_heap");
	s.signs = NULL;
	assert_int_equal(audit_run(&s, &r), 0);
	assert_int_equal(r.n, 2);
	audit_report_clear(&r);
}

/* By what it says an executor was lost: for want of memory or not. */
static void test_words_of_memory(void **state)
{
	static const struct {
		const char *because;
		bool memory;
	} words[] = {
		{"The executor with id 3 exited with exit code 137(SIGKILL, possible container "
		 "OOM).",
			true},
		{"Container was terminated: OOMKilled", true},
		{"OOMKilled", true},
		{"Container killed by YARN for exceeding memory limits", true},
		{"Executor on host bloom-07 exited with exit status 143", false},
		{"Lost worker zoom.example.com:7078", false},
		{"Executor heartbeat timed out after 130000 ms", false},
	};
	struct app_memory m = {0};

	(void)state;
	each_row(i, words)
	{
		_cleanup_free_ char *because = strdup(words[i].because);
		struct executor_memory x = {.remove_reason = because};
		struct executor_memory_list l = {.items = &x, .n = 1};
		struct app_signs g = {0};

		assert_non_null(because);
		app_signs_take_executors(&g, &l, &m);
		if ((g.lost_memory > 0) != words[i].memory)
			fail_msg("%s", because);
	}
}

static void test_stages_add_up(void **state)
{
	char name[] = "collect at etl.py:7";
	char other[] = "count at etl.py:9";
	struct app_signs g = {0};
	struct stage_obs first = {.name = name,
		.stage_id = 3,
		.n_tasks = 4,
		.n_complete = 1,
		.cost = {.run = 5, .deserialize = 2, .fetch_wait = 1, .result_size = 100}};
	struct stage_obs later = first;
	struct stage_obs next = {.name = other,
		.stage_id = 4,
		.attempt_id = 1,
		.n_tasks = 9,
		.n_complete = 1,
		.cost = {.run = 7, .result_size = 9000}};

	(void)state;
	app_signs_take_stage(&g, NULL, &first);
	assert_int_equal(g.collect_in_all, 400);
	later.n_complete = 4;
	later.cost = (struct stage_cost){
		.run = 25, .deserialize = 3, .fetch_wait = 1, .result_size = 300};
	app_signs_take_stage(&g, &first, &later);
	assert_int_equal(g.cost.run, 25);
	assert_int_equal(g.cost.deserialize, 3);
	assert_int_equal(g.collect_size, 300);
	assert_int_equal(g.collect_in_all, 300);
	assert_string_equal(g.collect, name);
	assert_int_equal(g.attempt, 0);
	/* Another stage, whose results nobody collects. */
	app_signs_take_stage(&g, NULL, &next);
	assert_int_equal(g.cost.run, 32);
	assert_int_equal(g.collect_size, 300);
	assert_int_equal(g.attempt, 1);
	assert_int_equal(g.attempt_stage, 4);
	/* What falls takes nothing away. */
	app_signs_take_stage(&g, &next, &first);
	assert_int_equal(g.cost.run, 32);
}

static void test_why_executors_were_lost(void **state)
{
	static const struct {
		const char *reason;
		bool memory;
		bool silent;
	} reasons[] = {
		{"Executor heartbeat timed out after 174725 ms", false, true},
		{"Command exited with code 52", true, false},
		{"Container killed by YARN for exceeding memory limits. 2.1 GB of 2 GB physical "
		 "memory "
		 "used.",
			true, false},
		{"The executor with id 1 exited with exit code 137(SIGKILL, possible container "
		 "OOM).",
			true, false},
		{"Executor killed by driver.", false, false},
		{"worker lost", false, false},
		{"Command exited with code 143", false, false},
	};

	(void)state;
	each_row(i, reasons)
	{
		_cleanup_free_ char *reason = strdup(reasons[i].reason);
		struct executor_memory x = {.remove_reason = reason};
		struct executor_memory_list l = {.items = &x, .n = 1};
		struct app_memory m = {.executor.heap_limit = 512 * MIB};
		struct app_signs g = {0};

		assert_non_null(reason);
		app_signs_take_executors(&g, &l, &m);
		app_signs_take_executors(&g, &l, &m); /* the same one again */
		assert_int_equal(g.lost_memory, reasons[i].memory);
		assert_int_equal(g.lost_silent, reasons[i].silent);
		x.active = true;
		g = (struct app_signs){0};
		app_signs_take_executors(&g, &l, &m);
		assert_int_equal(g.lost_memory + g.lost_silent, 0);
	}
}

/* Code 50 is of whatever nobody caught: for want of memory where the heap was full. */
static void test_uncaught_exceptions(void **state)
{
	char reason[] = "Command exited with code 50";
	struct executor_memory x = {.remove_reason = reason};
	struct executor_memory_list l = {.items = &x, .n = 1};
	const struct {
		uint64_t limit;
		uint64_t peak;
		bool lost;
	} cases[] = {{512, 452, true}, {512, 300, false}, {512, 0, false}, {0, 452, false}};

	(void)state;
	each_row(i, cases)
	{
		struct app_memory m = {.executor.heap_limit = cases[i].limit * MIB};
		struct app_signs g = {0};

		x.heap_peak = cases[i].peak * MIB;
		app_signs_take_executors(&g, &l, &m);
		assert_int_equal(g.lost_memory, cases[i].lost);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_symptom),
		cmocka_unit_test(test_each_has_a_row),
		cmocka_unit_test(test_among_the_findings),
		cmocka_unit_test(test_words_of_memory),
		cmocka_unit_test(test_stages_add_up),
		cmocka_unit_test(test_why_executors_were_lost),
		cmocka_unit_test(test_uncaught_exceptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
