/* SPDX-License-Identifier: Apache-2.0
 * The requests to Airflow, to the letter. */
#include <errno.h>
#include <inttypes.h>

#include "../row.h"
#include "fixture.h"
#include "wire/airflow.h"

static struct owner owner(const char *dag, const char *run, const char *task, int64_t map_index)
{
	struct owner o = {.map_index = map_index};

	assert_int_equal(str_replace(&o.dag_id, dag), 0);
	assert_int_equal(str_replace(&o.run_id, run), 0);
	assert_int_equal(str_replace(&o.task_id, task), 0);
	return o;
}

#define _cleanup_owner_ _cleanup_(owner_clear)
#define _cleanup_request_ _cleanup_(airflow_request_clear)

static void assert_request(
	const struct airflow_request *r, const char *method, const char *path, const char *body)
{
	assert_string_equal(r->method, method);
	assert_string_equal(r->path, path);
	if (body)
		assert_string_equal(r->body, body);
	else
		assert_null(r->body);
}

static void test_plain_requests(void **state)
{
	_cleanup_request_ struct airflow_request v1 = {0};
	_cleanup_request_ struct airflow_request v2 = {0};
	_cleanup_request_ struct airflow_request h1 = {0};
	_cleanup_request_ struct airflow_request h2 = {0};
	_cleanup_request_ struct airflow_request login = {0};

	(void)state;
	assert_int_equal(airflow_request_version(AIRFLOW_API_V1, &v1), 0);
	assert_request(&v1, "GET", "/api/v1/version", NULL);
	assert_int_equal(airflow_request_version(AIRFLOW_API_V2, &v2), 0);
	assert_request(&v2, "GET", "/api/v2/version", NULL);
	assert_int_equal(airflow_request_health(AIRFLOW_API_V1, &h1), 0);
	assert_request(&h1, "GET", "/api/v1/health", NULL);
	assert_int_equal(airflow_request_health(AIRFLOW_API_V2, &h2), 0);
	assert_request(&h2, "GET", "/api/v2/monitor/health", NULL);
	assert_int_equal(airflow_request_login("watchdog", "a\"\\b\xc3\xa9", &login), 0);
	assert_request(&login, "POST", "/auth/token",
		"{\"username\":\"watchdog\",\"password\":\"a\\\"\\\\b\xc3\xa9\"}");
	airflow_request_clear(&login);
	assert_int_equal(airflow_request_client_login("airflow", "s&cret\"", &login), 0);
	assert_request(&login, "POST", "/auth/token",
		"{\"grant_type\":\"client_credentials\",\"client_id\":\"airflow\","
		"\"client_secret\":\"s&cret\\\"\"}");
	assert_int_equal(airflow_request_version(AIRFLOW_API_UNKNOWN, &v1), -EINVAL);
	assert_int_equal(airflow_request_health(AIRFLOW_API_UNKNOWN, &h1), -EINVAL);
}

static void test_get(void **state)
{
	_cleanup_owner_ struct owner o =
		owner("etl", "manual__2026-11-23T00:00:00+00:00", "load.orders", -1);
	_cleanup_owner_ struct owner mapped = owner("etl", "r1", "load", 3);
	_cleanup_owner_ struct owner hostile = owner("../../x?y#z", "a/b c%", "t;\xc3\xa9", 0);
	_cleanup_request_ struct airflow_request v1 = {0};
	_cleanup_request_ struct airflow_request v2 = {0};
	_cleanup_request_ struct airflow_request h = {0};

	(void)state;
	assert_int_equal(airflow_request_get(AIRFLOW_API_V2, &o, &v2), 0);
	assert_request(&v2, "GET",
		"/api/v2/dags/etl/dagRuns/manual__2026-11-23T00%3A00%3A00%2B00%3A00/"
		"taskInstances/load.orders",
		NULL);
	assert_int_equal(airflow_request_get(AIRFLOW_API_V1, &mapped, &v1), 0);
	assert_request(&v1, "GET", "/api/v1/dags/etl/dagRuns/r1/taskInstances/load/3", NULL);
	assert_int_equal(airflow_request_get(AIRFLOW_API_V2, &hostile, &h), 0);
	assert_request(&h, "GET",
		"/api/v2/dags/..%2F..%2Fx%3Fy%23z/dagRuns/a%2Fb%20c%25/taskInstances/t%3B%C3%A9/0",
		NULL);
}

/* Ids that would mean another path, or all of them. */
static void test_refused_ids(void **state)
{
	_cleanup_free_ char *long_id = repeated("", "x", 251, "");
	const char *const ids[] = {"", ".", "..", "~", long_id};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(ids) * 3; i++) {
		const char *id = ids[i / 3];
		_cleanup_owner_ struct owner o = owner(
			i % 3 == 0 ? id : "d", i % 3 == 1 ? id : "r", i % 3 == 2 ? id : "t", -1);
		_cleanup_request_ struct airflow_request r = {0};

		assert_int_equal(airflow_request_get(AIRFLOW_API_V2, &o, &r), -EINVAL);
		assert_int_equal(airflow_request_fail(AIRFLOW_API_V2, &o, "n", &r), -EINVAL);
		assert_int_equal(airflow_request_set_note(AIRFLOW_API_V1, &o, "n", &r), -EINVAL);
		assert_int_equal(airflow_request_clear_task(AIRFLOW_API_V1, &o, &r), -EINVAL);
		assert_null(r.path);
	}
}

static void test_unknown_owner_or_api(void **state)
{
	const struct owner unknown = {.map_index = -1};
	_cleanup_owner_ struct owner o = owner("d", "r", "t", -1);
	struct airflow_request r = {0};

	(void)state;
	assert_int_equal(airflow_request_get(AIRFLOW_API_V2, &unknown, &r), -EINVAL);
	assert_int_equal(airflow_request_get(AIRFLOW_API_UNKNOWN, &o, &r), -EINVAL);
	assert_int_equal(airflow_request_fail(AIRFLOW_API_UNKNOWN, &o, NULL, &r), -EINVAL);
	assert_int_equal(airflow_request_clear_task(AIRFLOW_API_MAX, &o, &r), -EINVAL);
}

static void test_fail(void **state)
{
	_cleanup_owner_ struct owner o = owner("d", "r", "t", 1);
	_cleanup_request_ struct airflow_request v1 = {0};
	_cleanup_request_ struct airflow_request v2 = {0};
	_cleanup_request_ struct airflow_request bare = {0};
	_cleanup_request_ struct airflow_request note = {0};

	(void)state;
	assert_int_equal(airflow_request_fail(AIRFLOW_API_V2, &o, "hung\nsince \"10min\"", &v2), 0);
	assert_request(&v2, "PATCH", "/api/v2/dags/d/dagRuns/r/taskInstances/t/1",
		"{\"new_state\":\"failed\",\"note\":\"hung\\nsince \\\"10min\\\"\"}");
	assert_int_equal(airflow_request_fail(AIRFLOW_API_V2, &o, NULL, &bare), 0);
	assert_string_equal(bare.body, "{\"new_state\":\"failed\"}");
	assert_int_equal(airflow_request_fail(AIRFLOW_API_V1, &o, "not sent", &v1), 0);
	assert_request(&v1, "PATCH", "/api/v1/dags/d/dagRuns/r/taskInstances/t/1",
		"{\"dry_run\":false,\"new_state\":\"failed\"}");
	assert_int_equal(airflow_request_set_note(AIRFLOW_API_V1, &o, "x\x1b\xff", &note), 0);
	assert_request(&note, "PATCH", "/api/v1/dags/d/dagRuns/r/taskInstances/t/1/setNote",
		"{\"note\":\"x\?\?\"}");
}

/* A thousand characters, not bytes. */
static void test_long_note(void **state)
{
	_cleanup_free_ char *note = repeated("", "\xc3\xa9", 1001, "");
	_cleanup_free_ char *expected = repeated("{\"note\":\"", "\xc3\xa9", 1000, "\"}");
	_cleanup_owner_ struct owner o = owner("d", "r", "t", -1);
	_cleanup_request_ struct airflow_request r = {0};

	(void)state;
	assert_int_equal(airflow_request_set_note(AIRFLOW_API_V1, &o, note, &r), 0);
	assert_string_equal(r.body, expected);
}

#define CLEAR_TAIL ",\"only_failed\":true,\"include_downstream\":true,\"reset_dag_runs\":true}"

static void test_clear(void **state)
{
	static const struct {
		enum airflow_api api;
		int64_t map_index;
		const char *path;
		const char *body;
	} cases[] = {
		{AIRFLOW_API_V2, -1, "/api/v2/dags/d/clearTaskInstances",
			"{\"dry_run\":false,\"dag_run_id\":\"r+1\",\"task_ids\":["
			"\"t\"]" CLEAR_TAIL},
		{AIRFLOW_API_V2, 12, "/api/v2/dags/d/clearTaskInstances",
			"{\"dry_run\":false,\"dag_run_id\":\"r+1\",\"task_ids\":[[\"t\",12]"
			"]" CLEAR_TAIL},
		{AIRFLOW_API_V1, -1, "/api/v1/dags/d/clearTaskInstances",
			"{\"dry_run\":false,\"dag_run_id\":\"r+1\",\"task_ids\":["
			"\"t\"]" CLEAR_TAIL},
		{AIRFLOW_API_V1, 12, "/api/v1/dags/d/clearTaskInstances",
			"{\"dry_run\":false,\"dag_run_id\":\"r+1\",\"task_ids\":["
			"\"t\"]" CLEAR_TAIL},
	};

	(void)state;
	each_row(i, cases)
	{
		_cleanup_owner_ struct owner o = owner("d", "r+1", "t", cases[i].map_index);
		_cleanup_request_ struct airflow_request r = {0};

		assert_int_equal(airflow_request_clear_task(cases[i].api, &o, &r), 0);
		assert_request(&r, "POST", cases[i].path, cases[i].body);
	}
}

/* What changes nothing, and says what it would. */
static void test_dry_runs(void **state)
{
	_cleanup_owner_ struct owner o = owner("d", "r", "t", 1);
	_cleanup_request_ struct airflow_request f1 = {0};
	_cleanup_request_ struct airflow_request f2 = {0};
	_cleanup_request_ struct airflow_request c1 = {0};
	_cleanup_request_ struct airflow_request c2 = {0};

	(void)state;
	assert_int_equal(airflow_request_fail_dry_run(AIRFLOW_API_V1, &o, &f1), 0);
	assert_request(&f1, "PATCH", "/api/v1/dags/d/dagRuns/r/taskInstances/t/1",
		"{\"dry_run\":true,\"new_state\":\"failed\"}");
	assert_int_equal(airflow_request_fail_dry_run(AIRFLOW_API_V2, &o, &f2), 0);
	assert_request(&f2, "PATCH", "/api/v2/dags/d/dagRuns/r/taskInstances/t/1/dry_run",
		"{\"new_state\":\"failed\"}");
	assert_int_equal(airflow_request_clear_dry_run(AIRFLOW_API_V1, &o, &c1), 0);
	assert_request(&c1, "POST", "/api/v1/dags/d/clearTaskInstances",
		"{\"dry_run\":true,\"dag_run_id\":\"r\",\"task_ids\":[\"t\"]" CLEAR_TAIL);
	assert_int_equal(airflow_request_clear_dry_run(AIRFLOW_API_V2, &o, &c2), 0);
	assert_request(&c2, "POST", "/api/v2/dags/d/clearTaskInstances",
		"{\"dry_run\":true,\"dag_run_id\":\"r\",\"task_ids\":[[\"t\",1]]" CLEAR_TAIL);
}

static void test_preconditions_requests(void **state)
{
	_cleanup_owner_ struct owner o = owner("d", "r+1", "t", 1);
	_cleanup_owner_ struct owner all = owner("~", "r", "t", 1);
	_cleanup_request_ struct airflow_request dag = {0};
	_cleanup_request_ struct airflow_request run = {0};
	_cleanup_request_ struct airflow_request siblings = {0};
	_cleanup_request_ struct airflow_request task = {0};
	_cleanup_request_ struct airflow_request dags = {0};
	_cleanup_request_ struct airflow_request tasks = {0};

	(void)state;
	assert_int_equal(airflow_request_dag(AIRFLOW_API_V2, &all, &dag), -EINVAL);
	assert_int_equal(airflow_request_run(AIRFLOW_API_V2, &all, &run), -EINVAL);
	assert_int_equal(airflow_request_failed_siblings(&all, &siblings), -EINVAL);
	assert_int_equal(airflow_request_list(AIRFLOW_API_UNKNOWN, true, &dags), -EINVAL);
	assert_int_equal(airflow_request_dag(AIRFLOW_API_V2, &o, &dag), 0);
	assert_request(&dag, "GET", "/api/v2/dags/d", NULL);
	assert_int_equal(airflow_request_task(AIRFLOW_API_V2, &all, &task), -EINVAL);
	assert_int_equal(airflow_request_task(AIRFLOW_API_V1, &o, &task), 0);
	assert_request(&task, "GET", "/api/v1/dags/d/tasks/t", NULL);
	assert_int_equal(airflow_request_run(AIRFLOW_API_V1, &o, &run), 0);
	assert_request(&run, "GET", "/api/v1/dags/d/dagRuns/r%2B1", NULL);
	assert_int_equal(airflow_request_failed_siblings(&o, &siblings), 0);
	assert_request(&siblings, "GET",
		"/api/v1/dags/d/dagRuns/r%2B1/taskInstances/t/listMapped"
		"?state=failed&state=upstream_failed&limit=2",
		NULL);
	assert_int_equal(airflow_request_list(AIRFLOW_API_V1, true, &dags), 0);
	assert_request(&dags, "GET", "/api/v1/dags?limit=100", NULL);
	assert_int_equal(airflow_request_list(AIRFLOW_API_V2, false, &tasks), 0);
	assert_request(&tasks, "GET", "/api/v2/dags/~/dagRuns/~/taskInstances?limit=1", NULL);
}

/* Of one DAG, or of all; a name that would be another path is none. */
static void running_of_a_dag_or_of_all(void **state)
{
	static const struct {
		const char *name;
		enum airflow_api api;
		const char *dag_id;
		uint64_t offset;
		const char *path;
	} rows[] = {
		{"a DAG", AIRFLOW_API_V2, "a b", 0, "/api/v2/dags/a%20b/dagRuns/~"},
		{"all", AIRFLOW_API_V1, NULL, 100, "/api/v1/dags/~/dagRuns/~"},
		{"no DAG", AIRFLOW_API_V2, "..", 0, "/api/v2/dags/~/dagRuns/~"},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_request_ struct airflow_request rq = {0};
		_cleanup_free_ char *path = NULL;

		assert_true(str_printf(&path,
				    "%s/taskInstances?state=running&state=deferred&limit=100&offset"
				    "=%" PRIu64,
				    r->path, r->offset) >= 0);
		assert_int_equal(airflow_request_running(r->api, r->dag_id, r->offset, &rq), 0);
		assert_request(&rq, "GET", path, NULL);
	}
}

static void test_requests_around_a_restart(void **state)
{
	_cleanup_owner_ struct owner o = owner("d", "r+1", "t", 1);
	_cleanup_owner_ struct owner all = owner("~", "r", "t", 1);
	_cleanup_request_ struct airflow_request tasks = {0};
	_cleanup_request_ struct airflow_request living = {0};
	_cleanup_request_ struct airflow_request log = {0};
	_cleanup_request_ struct airflow_request r1 = {0};
	_cleanup_request_ struct airflow_request r2 = {0};
	_cleanup_request_ struct airflow_request note = {0};

	(void)state;
	o.try_number = 2;
	assert_int_equal(airflow_request_tasks(AIRFLOW_API_V2, &all, &tasks), -EINVAL);
	assert_int_equal(airflow_request_living(AIRFLOW_API_V2, &all, &living), -EINVAL);
	assert_int_equal(airflow_request_log(&all, &log), -EINVAL);
	assert_int_equal(airflow_request_restart(AIRFLOW_API_V2, &all, &r1), -EINVAL);
	assert_int_equal(airflow_request_tasks(AIRFLOW_API_V1, &o, &tasks), 0);
	assert_request(&tasks, "GET", "/api/v1/dags/d/tasks", NULL);
	assert_int_equal(airflow_request_living(AIRFLOW_API_V2, &o, &living), 0);
	assert_request(&living, "GET",
		"/api/v2/dags/d/dagRuns/r%2B1/taskInstances?state=scheduled&state=queued"
		"&state=running&state=restarting&state=deferred&state=up_for_reschedule&limit=100",
		NULL);
	assert_int_equal(airflow_request_log(&o, &log), 0);
	assert_request(&log, "GET",
		"/api/v1/dags/d/dagRuns/r%2B1/taskInstances/t/logs/2?full_content=true&map_index=1",
		NULL);
	assert_int_equal(airflow_request_restart(AIRFLOW_API_V2, &o, &r2), 0);
	assert_request(&r2, "POST", "/api/v2/dags/d/clearTaskInstances",
		"{\"dry_run\":false,\"dag_run_id\":\"r+1\",\"task_ids\":[[\"t\",1]],"
		"\"only_failed\":false,\"include_downstream\":false,\"reset_dag_runs\":true}");
	assert_int_equal(airflow_request_restart_dry_run(AIRFLOW_API_V1, &o, &r1), 0);
	assert_request(&r1, "POST", "/api/v1/dags/d/clearTaskInstances",
		"{\"dry_run\":true,\"dag_run_id\":\"r+1\",\"task_ids\":[\"t\"],"
		"\"only_failed\":false,\"include_downstream\":false,\"reset_dag_runs\":true}");
	assert_int_equal(airflow_request_set_note(AIRFLOW_API_V2, &o, "n", &note), 0);
	assert_request(&note, "PATCH", "/api/v2/dags/d/dagRuns/r%2B1/taskInstances/t/1",
		"{\"note\":\"n\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(running_of_a_dag_or_of_all),
		cmocka_unit_test(test_plain_requests),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_refused_ids),
		cmocka_unit_test(test_unknown_owner_or_api),
		cmocka_unit_test(test_fail),
		cmocka_unit_test(test_long_note),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_dry_runs),
		cmocka_unit_test(test_preconditions_requests),
		cmocka_unit_test(test_requests_around_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
