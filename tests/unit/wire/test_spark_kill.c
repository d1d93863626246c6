/* SPDX-License-Identifier: Apache-2.0
 * What a driver's pages and its list of jobs say of its own kills, against recorded ones. */
#include "wire/spark_kill.h"

#include <errno.h>

#include "../row.h"
#include "fixture.h"
#include "wire/page.h"

#define STAGE "/stages/stage/kill/"
#define JOB "/jobs/job/kill/"

static void test_pages(void **state)
{
	static const struct {
		const char *file;
		const char *path;
		bool by_get;
		const char *token;
	} cases[] = {
		{"spark-3.5.9/stages-page.html", STAGE, true, NULL},
		{"spark-3.5.9/jobs-page.html", JOB, true, NULL},
		{"spark-4.3.0/stages-page.html", STAGE, false, "19096bc798404ef2bd774d0f6f3764a2"},
		{"spark-4.3.0/jobs-page.html", JOB, false, "19096bc798404ef2bd774d0f6f3764a2"},
		/* Through YARN's proxy, with the path of the proxy before it. */
		{"yarn-3.5.0/stages-page.html", STAGE, true, "66cf1c20524d115b9f510e3b9d2eed81"},
	};

	(void)state;
	each_row(i, cases)
	{
		_cleanup_free_ char *body = fixture_read(cases[i].file);
		_cleanup_free_ char *copy = exact_copy(body, strlen(body));
		_cleanup_free_ char *err = NULL;
		_cleanup_(kill_form_clear) struct kill_form form = {0};
		_cleanup_(kill_form_clear) struct kill_form other = {0};

		assert_int_equal(
			spark_decode_kill_page(copy, strlen(body), cases[i].path, &form, &err), 0);
		assert_true(form.offered);
		assert_int_equal(form.by_get, cases[i].by_get);
		assert_true(str_equal(form.csrf_token, cases[i].token));
		/* A page offers its own kill alone. */
		assert_int_equal(spark_decode_kill_page(copy, strlen(body),
					 str_equal(cases[i].path, JOB) ? STAGE : JOB, &other, &err),
			0);
		assert_false(other.offered);
	}
}

static void test_no_page(void **state)
{
	_cleanup_free_ char *body = fixture_read("spark-4.3.0/stages-page.html");
	_cleanup_free_ char *err = NULL;
	struct kill_form form = {0};

	(void)state;
	for (size_t n = 0; n < strlen(body) - 20; n += 97) {
		_cleanup_free_ char *copy = exact_copy(body, n);

		assert_int_equal(spark_decode_kill_page(copy, n, STAGE, &form, &err), -EBADMSG);
		assert_false(form.offered);
	}
	assert_string_equal(err, "not a whole page");
}

static void decode_jobs(const char *body, int64_t stage_id, struct kill_jobs *jobs)
{
	_cleanup_free_ char *err = NULL;

	assert_int_equal(spark_decode_jobs_of_stage(body, strlen(body), stage_id, jobs, &err), 0);
	assert_null(err);
}

static void test_jobs(void **state)
{
	static const char body[] = "[{\"jobId\":4,\"status\":\"RUNNING\",\"stageIds\":[6,7]},"
				   "{\"jobId\":3,\"status\":\"FAILED\",\"stageIds\":[7]},"
				   "{\"jobId\":2,\"status\":\"RUNNING\",\"stageIds\":[]},"
				   "{\"jobId\":0,\"status\":\"RUNNING\",\"stageIds\":[7]}]";
	_cleanup_free_ char *many = repeated(
		"[{\"jobId\":1,\"status\":\"RUNNING\",\"stageIds\":[7]}",
		",{\"jobId\":1,\"status\":\"RUNNING\",\"stageIds\":[7]}", KILL_MAX_JOBS, "]");
	_cleanup_free_ char *recorded = fixture_read("spark-4.3.0/jobs-running.json");
	struct kill_jobs jobs = {.n = 9};

	(void)state;
	decode_jobs(body, 7, &jobs);
	assert_int_equal(jobs.n, 2);
	assert_int_equal(jobs.ids[0], 4);
	assert_int_equal(jobs.ids[1], 0);
	decode_jobs(body, 8, &jobs);
	assert_int_equal(jobs.n, 0);
	decode_jobs(many, 7, &jobs);
	assert_int_equal(jobs.n, KILL_MAX_JOBS);
	decode_jobs(recorded, 0, &jobs);
	assert_int_equal(jobs.n, 1);
}

static void test_jobs_refused(void **state)
{
	static const char *const bodies[] = {"", "{}", "[{\"status\":\"RUNNING\",\"stageIds\":[]}]",
		"[{\"jobId\":1,\"stageIds\":[]}]", "[{\"jobId\":1,\"status\":\"RUNNING\"}]",
		"[{\"jobId\":1,\"status\":\"RUNNING\",\"stageIds\":[\"7\"]}]"};

	(void)state;
	each_row(i, bodies)
	{
		_cleanup_free_ char *copy = exact_copy(bodies[i], strlen(bodies[i]));
		_cleanup_free_ char *err = NULL;
		struct kill_jobs jobs = {.n = 9};

		assert_int_equal(
			spark_decode_jobs_of_stage(copy, strlen(bodies[i]), 7, &jobs, &err),
			-EBADMSG);
		assert_int_equal(jobs.n, 9);
		assert_non_null(err);
	}
}

static void test_query(void **state)
{
	_cleanup_free_ char *with = NULL;
	_cleanup_free_ char *without = NULL;

	(void)state;
	assert_int_equal(page_kill_query("7", "f00d", &with), 0);
	assert_string_equal(with, "id=7&terminate=true&csrfToken=f00d");
	assert_int_equal(page_kill_query("a&b", NULL, &without), 0);
	assert_string_equal(without, "id=a%26b&terminate=true");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_no_page),
		cmocka_unit_test(test_jobs),
		cmocka_unit_test(test_jobs_refused),
		cmocka_unit_test(test_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
