/* SPDX-License-Identifier: Apache-2.0
 * Answers of a History Server, real ones and hostile ones. */
#include <errno.h>

#include "../row.h"
#include "fixture.h"

#include "wire/spark_history.h"
#include "wire/spark_rest.h"

#define APP "{\"id\":\"app-1\",\"name\":\"etl\",\"attempts\":["
#define ENDED                                                                                      \
	"{\"attemptId\":\"2\",\"completed\":true,\"startTimeEpoch\":1000,\"endTimeEpoch\":61000,"  \
	"\"sparkUser\":\"ann\"}"
#define STAGE(status, began, ended)                                                                \
	"{\"status\":\"" status "\",\"stageId\":7,\"attemptId\":1,"                                \
	"\"submissionTime\":\"2026-11-29T20:00:00.000GMT\","                                       \
	"\"firstTaskLaunchedTime\":\"" began "\",\"completionTime\":\"" ended "\"}"

static int decode_apps(const char *body, struct finished_app_list *l, char **reterr)
{
	size_t n = strlen(body);
	_cleanup_free_ char *copy = exact_copy(body, n);

	return spark_decode_finished_apps(copy, n, l, reterr);
}

static int decode_stages(const char *body, struct finished_stage_list *l, char **reterr)
{
	size_t n = strlen(body);
	_cleanup_free_ char *copy = exact_copy(body, n);

	return spark_decode_finished_stages(copy, n, l, reterr);
}

static int decode_task(const char *body, usec_t *ret, char **reterr)
{
	size_t n = strlen(body);
	_cleanup_free_ char *copy = exact_copy(body, n);

	return spark_decode_longest_task(copy, n, ret, reterr);
}

static void test_real_answers(void **state)
{
	_cleanup_free_ char *apps = fixture_read("spark-4.3.0/history-applications.json");
	_cleanup_free_ char *stages = fixture_read("spark-4.3.0/history-stages.json");
	_cleanup_free_ char *summary = fixture_read("spark-4.3.0/history-task-summary.json");
	_cleanup_(finished_app_list_clear) struct finished_app_list a = {0};
	_cleanup_(finished_stage_list_clear) struct finished_stage_list s = {0};
	_cleanup_free_ char *err = NULL;
	usec_t task = 0;

	(void)state;
	assert_int_equal(decode_apps(apps, &a, &err), 0);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.left_out.n, 0);
	assert_string_equal(a.items[0].info.name, "etl_daily");
	assert_string_equal(a.items[0].info.user, "etl");
	assert_null(a.items[0].attempt_id);
	assert_int_equal(a.items[0].ended - a.items[0].info.started, 92355 * USEC_PER_MSEC);
	assert_int_equal(decode_stages(stages, &s, &err), 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.items[0].stage_id, 25);
	/* From the launch of its first task, 14.083, to 20.189. */
	assert_int_equal(s.items[0].duration, 6106 * USEC_PER_MSEC);
	assert_int_equal(decode_task(summary, &task, &err), 0);
	assert_int_equal(task, 6097 * USEC_PER_MSEC);
}

static void test_apps(void **state)
{
	static const struct {
		const char *name;
		const char *body;
		int r;
		size_t n;
		size_t left_out;
	} rows[] = {
		{"none", "[]", 0, 0, 0},
		{"one", "[" APP ENDED "]}]", 0, 1, 0},
		{"two attempts", "[" APP ENDED "," ENDED "]}]", 0, 2, 0},
		{"one that runs", "[" APP "{\"completed\":false,\"endTimeEpoch\":-1}," ENDED "]}]",
			0, 1, 0},
		{"no end", "[" APP "{\"completed\":true,\"endTimeEpoch\":-1}]}]", 0, 0, 0},
		{"no start", "[" APP "{\"completed\":true,\"endTimeEpoch\":9}]}]", 0, 0, 0},
		{"it ends before it begins",
			"[" APP "{\"completed\":true,\"startTimeEpoch\":9,\"endTimeEpoch\":8}]}]",
			0, 0, 0},
		{"an attempt that is none", "[" APP "7," ENDED "]}]", 0, 0, 1},
		{"no id", "[{\"attempts\":[" ENDED "]}," APP ENDED "]}]", 0, 1, 1},
		{"an id to break a line", "[{\"id\":\"a\\nb\",\"attempts\":[" ENDED "]}]", 0, 0, 1},
		{"an attempt's id to break out",
			"[" APP "{\"attemptId\":\"\\u0000\",\"completed\":true,"
			"\"startTimeEpoch\":1,\"endTimeEpoch\":2}]}]",
			0, 0, 1},
		{"no attempts", "[{\"id\":\"a\"}]", 0, 0, 1},
		{"an end too large for a number",
			"[" APP "{\"completed\":true,\"endTimeEpoch\":1e300}]}]", 0, 0, 1},
		{"rows that are none", "[1,\"a\",null,[]]", 0, 0, 4},
		{"an object", "{}", -EBADMSG, 0, 0},
		{"cut", "[" APP ENDED, -EBADMSG, 0, 0},
		{"nothing", "", -EBADMSG, 0, 0},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_(finished_app_list_clear) struct finished_app_list l = {0};
		_cleanup_free_ char *err = NULL;

		assert_int_equal(decode_apps(r->body, &l, &err), r->r);
		assert_int_equal(l.n, r->n);
		assert_int_equal(l.left_out.n, r->left_out);
		assert_true((r->r < 0) == (err != NULL));
		for (size_t i = 0; i < l.n; i++) {
			assert_string_equal(l.items[i].info.id, "app-1");
			assert_string_equal(l.items[i].info.user, "ann");
			assert_string_equal(l.items[i].attempt_id, "2");
			assert_int_equal(l.items[i].ended, 61 * USEC_PER_SEC);
		}
	}
}

static void test_stages(void **state)
{
	static const struct {
		const char *name;
		const char *body;
		int r;
		size_t n;
		size_t left_out;
	} rows[] = {
		{"none", "[]", 0, 0, 0},
		{"one",
			"[" STAGE("COMPLETE", "2026-11-29T20:00:05.000GMT",
				"2026-11-29T20:00:15.000GMT") "]",
			0, 1, 0},
		{"one that failed",
			"[" STAGE("FAILED", "2026-11-29T20:00:05.000GMT",
				"2026-11-29T20:00:15.000GMT") "]",
			0, 0, 0},
		{"it ends before it begins",
			"[" STAGE("COMPLETE", "2026-11-29T20:00:05.000GMT",
				"2026-11-29T20:00:04.000GMT") "]",
			0, 0, 0},
		{"no end yet",
			"[" STAGE("COMPLETE", "2026-11-29T20:00:05.000GMT",
				"1969-12-31T23:59:59.999GMT") "]",
			0, 0, 0},
		{"a stage of centuries",
			"[" STAGE("COMPLETE", "2026-11-29T20:00:05.000GMT",
				"9026-11-29T20:00:04.000GMT") "]",
			0, 0, 0},
		{"a time that is none", "[" STAGE("COMPLETE", "soon", "later") "]", 0, 0, 1},
		{"a receiver",
			"[{\"status\":\"COMPLETE\",\"stageId\":1,\"attemptId\":0,"
			"\"description\":\"Streaming job running receiver 0\"}]",
			0, 0, 0},
		{"no number", "[{\"status\":\"COMPLETE\",\"attemptId\":0}]", 0, 0, 1},
		{"a number below 0", "[{\"status\":\"COMPLETE\",\"stageId\":-1}]", 0, 0, 1},
		{"rows that are none", "[1,null,[]]", 0, 0, 3},
		{"an object", "{}", -EBADMSG, 0, 0},
		{"cut", "[{\"status\":", -EBADMSG, 0, 0},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_(finished_stage_list_clear) struct finished_stage_list l = {0};
		_cleanup_free_ char *err = NULL;

		assert_int_equal(decode_stages(r->body, &l, &err), r->r);
		assert_int_equal(l.n, r->n);
		assert_int_equal(l.left_out.n, r->left_out);
		for (size_t i = 0; i < l.n; i++) {
			assert_int_equal(l.items[i].stage_id, 7);
			assert_int_equal(l.items[i].attempt_id, 1);
			assert_int_equal(l.items[i].duration, 10 * USEC_PER_SEC);
		}
	}
}

static void test_longest_task(void **state)
{
	static const struct {
		const char *name;
		const char *body;
		int r;
		usec_t task;
	} rows[] = {
		{"a duration", "{\"duration\":[12.0],\"executorRunTime\":[11.0]}", 0, 12000},
		{"several quantiles: the last", "{\"duration\":[1.0,2.5]}", 0, 2500},
		{"Spark 2.4", "{\"quantiles\":[1.0],\"executorRunTime\":[11.0]}", 0, 11000},
		{"none", "{}", -EBADMSG, 0},
		{"an empty list", "{\"duration\":[]}", -EBADMSG, 0},
		{"text", "{\"duration\":[\"1\"]}", -EBADMSG, 0},
		{"below 0", "{\"duration\":[-1]}", -EBADMSG, 0},
		{"more than a year", "{\"duration\":[1e18]}", -EBADMSG, 0},
		{"no list", "{\"duration\":1}", -EBADMSG, 0},
		{"a list", "[]", -EBADMSG, 0},
		{"cut", "{\"duration\":[1", -EBADMSG, 0},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_free_ char *err = NULL;
		usec_t task = 0;

		assert_int_equal(decode_task(r->body, &task, &err), r->r);
		assert_int_equal(task, r->task);
		assert_true((r->r < 0) == (err != NULL));
	}
}

static void test_too_many(void **state)
{
	_cleanup_free_ char *apps = repeated("[", APP ENDED "]},", SPARK_MAX_APPS, APP ENDED "]}]");
	_cleanup_free_ char *attempts =
		repeated("[" APP, ENDED ",", SPARK_MAX_ATTEMPTS, ENDED "]}]");
	_cleanup_free_ char *stages = repeated("[", "{},", SPARK_MAX_STAGES, "{}]");
	_cleanup_free_ char *deep = repeated("", "[", 100, "");
	_cleanup_(finished_app_list_clear) struct finished_app_list a = {0};
	_cleanup_(finished_stage_list_clear) struct finished_stage_list s = {0};

	(void)state;
	for (int i = 0; i < 4; i++) {
		_cleanup_free_ char *err = NULL;

		assert_int_equal(i == 0   ? decode_apps(apps, &a, &err)
				 : i == 1 ? decode_apps(attempts, &a, &err)
				 : i == 2 ? decode_stages(stages, &s, &err)
					  : decode_apps(deep, &a, &err),
			i < 3 ? -E2BIG : -EBADMSG);
		assert_non_null(err);
	}
	assert_int_equal(a.n + s.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_answers),
		cmocka_unit_test(test_apps),
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_longest_task),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
