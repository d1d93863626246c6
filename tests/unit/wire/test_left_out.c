/* SPDX-License-Identifier: Apache-2.0
 * One bad row blinds no list: of every list that is decoded, the rows around it count, and it is
 * named. */
#include "../row.h"
#include "fixture.h"

#include "core/facts/app_memory.h"
#include "wire/master.h"
#include "wire/spark_evidence.h"
#include "wire/spark_memory.h"
#include "wire/spark_rest.h"
#include "wire/yarn.h"

struct counted {
	size_t n;
	struct left_out left_out;
};

#define COUNT(type, decode, clear, field)                                                          \
	static int count_##type(const char *body, size_t len, struct counted *ret, char **err)     \
	{                                                                                          \
		struct type l = {0};                                                               \
		int r = decode(body, len, &l, err);                                                \
                                                                                                   \
		*ret = (struct counted){.n = l.field, .left_out = l.left_out};                     \
		clear(&l);                                                                         \
		return r;                                                                          \
	}

static int decode_dump(const char *body, size_t len, struct thread_list *ret, char **err)
{
	return spark_decode_threads(body, len, THREADS_OF_TASKS, ret, err);
}

COUNT(app_list, spark_decode_applications, app_list_clear, n)
COUNT(stage_list, spark_decode_stages, stage_list_clear, n)
COUNT(job_list, spark_decode_jobs, job_list_clear, n_running)
COUNT(task_list, spark_decode_tasks, task_list_clear, n)
COUNT(executor_list, spark_decode_executor_list, executor_list_clear, n)
COUNT(executor_memory_list, spark_decode_memory, executor_memory_list_clear, n)
COUNT(thread_list, decode_dump, thread_list_clear, n)
COUNT(master_state, master_decode_state, master_state_clear, n_apps)

static int count_yarn(const char *body, size_t len, struct counted *ret, char **err)
{
	struct master_state m = {0};
	int r = yarn_decode_apps(body, len, &m, err);

	*ret = (struct counted){.n = m.n_apps, .left_out = m.left_out};
	master_state_clear(&m);
	return r;
}

/* A row is good up to its id, which follows it. */
static const struct {
	const char *name;
	int (*count)(const char *body, size_t len, struct counted *ret, char **err);
	const char *begin;
	const char *before_id;
	const char *good_id;
	const char *after_id;
	const char *end;
} lists[] = {
	{"/applications", count_app_list, "[", "{\"attempts\":[{}],\"id\":", "\"a\"", "}", "]"},
	{"/stages", count_stage_list, "[",
		"{\"status\":\"ACTIVE\",\"attemptId\":0,\"numTasks\":1,\"numActiveTasks\":1,"
		"\"numCompleteTasks\":0,\"numFailedTasks\":0,\"stageId\":",
		"1", "}", "]"},
	{"/jobs", count_job_list, "[", "{\"stageIds\":[1],\"status\":", "\"RUNNING\"", "}", "]"},
	{"/taskList", count_task_list, "[",
		"{\"status\":\"RUNNING\",\"taskId\":1,\"executorId\":", "\"1\"", "}", "]"},
	{"/executors", count_executor_list, "[", "{\"activeTasks\":1,\"id\":", "\"1\"", "}", "]"},
	{"/allexecutors", count_executor_memory_list, "[", "{\"id\":", "\"1\"", "}", "]"},
	{"/threads", count_thread_list, "[",
		"{\"threadName\":\"Executor task launch worker for task 1\","
		"\"stackTrace\":{\"elems\":[]},\"threadId\":",
		"7", "}", "]"},
	{"/json/ active", count_master_state,
		"{\"status\":\"ALIVE\",\"completedapps\":[],\"activeapps\":[",
		"{\"state\":\"RUNNING\",\"id\":", "\"a\"", "}", "]}"},
	{"/json/ completed", count_master_state,
		"{\"status\":\"ALIVE\",\"activeapps\":[],\"completedapps\":[",
		"{\"state\":\"FINISHED\",\"id\":", "\"a\"", "}", "]}"},
	{"YARN", count_yarn, "{\"apps\":{\"app\":[", "{\"state\":\"RUNNING\",\"id\":", "\"a\"", "}",
		"]}}"},
};

static void each_list_counts_the_rows_around_a_bad_one(void **state)
{
	_cleanup_free_ char *huge = repeated("\"", "x", 2 << 20, "\"");
	const struct {
		const char *id;
		size_t n;
	} bad[] = {
		{"{}", 2},
		{"[1]", 3},
		{"true", 4},
		{"1e300", 5},
		{"\"\"", 2},
		{"\"a\\u0000b\"", 10},
		{"\"a\0b\"", 5},
		{"\"\\ud83d\"", 8},
		{"\"\xff\xfe\"", 4},
		{"\"\\u202egpj\"", 11},
		{huge, strlen(huge)},
	};

	(void)state;
	each_row(i, lists) each_row(k, bad)
	{
		_cleanup_free_ char *body = NULL;
		_cleanup_free_ char *err = NULL;
		struct counted c = {0};
		struct strbuf b = {0};
		size_t len;

		strbuf_addf(&b, "%s%s%s%s,%s", lists[i].begin, lists[i].before_id, lists[i].good_id,
			lists[i].after_id, lists[i].before_id);
		strbuf_add_n(&b, bad[k].id, bad[k].n);
		strbuf_addf(&b, "%s,%s%s%s%s", lists[i].after_id, lists[i].before_id,
			lists[i].good_id, lists[i].after_id, lists[i].end);
		len = b.len;
		assert_int_equal(strbuf_finish(&b, &body), 0);
		if (lists[i].count(body, len, &c, &err) < 0)
			fail_msg("%s: %s: %s", lists[i].name, bad[k].id, err);
		if (lists[i].count == count_job_list && bad[k].id[0] == '"') {
			/* A job of another status, and no bad row. */
			assert_int_equal(c.n, 2);
			continue;
		}
		if (c.n != 2 || c.left_out.n != 1)
			fail_msg("%s: %.20s: %zu rows, %zu left out", lists[i].name, bad[k].id, c.n,
				c.left_out.n);
		assert_memory_equal(c.left_out.why, "row 2: ", 7);
		for (const char *p = c.left_out.why; *p; p++)
			assert_true((unsigned char)*p >= 0x20);
	}
}

/* What an app calls itself is cleaned, whatever it is. */
static void no_row_is_lost_for_a_name(void **state)
{
	_cleanup_free_ char *huge = repeated("\"", "x", 2 << 20, "\"");
	const struct {
		const char *name;
		size_t n;
		const char *expected; /* NULL: any */
	} names[] = {
		{"\"a\\u0000b\"", 10, "a?b"},
		{"\"a\0b\"", 5, "a?b"},
		{"\"\\udc00\"", 8, "?"},
		{"\"\xff\"", 3, "?"},
		{"\"\\u200b\\u200f\"", 14, "??????"},
		{"12345", 5, "12345"},
		{huge, strlen(huge), NULL},
	};

	(void)state;
	each_row(i, names)
	{
		_cleanup_(master_state_clear) struct master_state m = {0};
		_cleanup_free_ char *body = NULL;
		_cleanup_free_ char *err = NULL;
		struct strbuf b = {0};
		size_t len;

		strbuf_add(&b, "{\"status\":\"ALIVE\",\"completedapps\":[],\"activeapps\":["
			       "{\"id\":\"a\",\"state\":\"RUNNING\",\"name\":");
		strbuf_add_n(&b, names[i].name, names[i].n);
		strbuf_add(&b, "}]}");
		len = b.len;
		assert_int_equal(strbuf_finish(&b, &body), 0);
		assert_int_equal(master_decode_state(body, len, &m, &err), 0);
		assert_int_equal(m.n_apps, 1);
		assert_int_equal(m.left_out.n, 0);
		if (names[i].expected)
			assert_string_equal(m.apps[0].name, names[i].expected);
		assert_true(strlen(m.apps[0].name) <= 200);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_list_counts_the_rows_around_a_bad_one),
		cmocka_unit_test(no_row_is_lost_for_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
