/* SPDX-License-Identifier: Apache-2.0
 * Airflow's requests and answers, against recorded ones of 2.11.2 and 3.3.2. */
#include "wire/airflow.h"

#include <errno.h>

#include "fixture.h"
#include "wire/json.h"

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
		assert_int_equal(airflow_request_set_note(&o, "n", &r), -EINVAL);
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
	assert_int_equal(airflow_request_set_note(&o, "x\x1b\xff", &note), 0);
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
	assert_int_equal(airflow_request_set_note(&o, note, &r), 0);
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
	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_owner_ struct owner o = owner("d", "r+1", "t", cases[i].map_index);
		_cleanup_request_ struct airflow_request r = {0};

		assert_int_equal(airflow_request_clear_task(cases[i].api, &o, &r), 0);
		assert_request(&r, "POST", cases[i].path, cases[i].body);
	}
}

static void test_version(void **state)
{
	static const char *const cases[][2] = {{"airflow-3.3/version.json", "3.3.2"},
		{"airflow-3.3-fab/version.json", "3.3.2"}, {"airflow-2.11/version.json", "2.11.2"}};
	static const char *const others[] = {
		"airflow-3.3/v1_version.json", "airflow-2.11/v2_version_absent.json"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_free_ char *body = fixture_body(cases[i][0]);
		_cleanup_free_ char *version = NULL;
		_cleanup_free_ char *err = NULL;

		assert_int_equal(airflow_decode_version(body, strlen(body), &version, &err), 0);
		assert_string_equal(version, cases[i][1]);
	}
	for (size_t i = 0; i < ELEMENTSOF(others); i++) {
		_cleanup_free_ char *body = fixture_body(others[i]);
		_cleanup_free_ char *err = NULL;
		char *version = NULL;

		assert_int_equal(
			airflow_decode_version(body, strlen(body), &version, &err), -EBADMSG);
		assert_non_null(err);
	}
}

static void test_health(void **state)
{
	static const struct {
		const char *body;
		int r;
		bool healthy;
	} cases[] = {
		{"{\"scheduler\":{\"status\":\"unhealthy\"}}", 0, false},
		{"{\"scheduler\":{\"status\":null}}", 0, false},
		{"{\"scheduler\":{}}", 0, false},
		{"{\"scheduler\":{\"status\":\"healthy\"}}", 0, true},
		{"{\"metadatabase\":{}}", -EBADMSG, true},
		{"{\"scheduler\":\"healthy\"}", -EBADMSG, true},
	};
	static const char *const files[] = {"airflow-3.3/health.json",
		"airflow-3.3-fab/health.json", "airflow-2.11/health.json"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_free_ char *err = NULL;
		bool healthy = true;

		assert_int_equal(
			airflow_decode_health(cases[i].body, strlen(cases[i].body), &healthy, &err),
			cases[i].r);
		assert_int_equal(healthy, cases[i].healthy);
	}
	for (size_t i = 0; i < ELEMENTSOF(files); i++) {
		_cleanup_free_ char *body = fixture_body(files[i]);
		_cleanup_free_ char *err = NULL;
		bool healthy = false;

		assert_int_equal(airflow_decode_health(body, strlen(body), &healthy, &err), 0);
		assert_true(healthy);
	}
}

static void assert_token(const char *body, usec_t expires)
{
	_cleanup_free_ char *token = NULL;
	_cleanup_free_ char *err = NULL;
	usec_t t = 4711;

	assert_int_equal(airflow_decode_token(body, strlen(body), &token, &t, &err), 0);
	assert_non_null(token);
	assert_int_equal(t, expires);
}

static void test_token(void **state)
{
	_cleanup_free_ char *simple = fixture_body("airflow-3.3/auth_token_ok.json");
	_cleanup_free_ char *cli = fixture_body("airflow-3.3/auth_token_cli.json");

	(void)state;
	assert_token(simple, 1795483174000000U);
	assert_token(cli, 1795400374000000U);
	/* {"exp":1795483174}, {"exp":1795483174.9}, {"sub":"x"}, {"exp":"1"}, {"exp":-1},
	 * {"exp":1e300}, [], and what is no JWT. */
	assert_token("{\"access_token\":\"h.eyJleHAiOjE3OTU0ODMxNzR9.s\"}", 1795483174000000U);
	assert_token("{\"access_token\":\"h.eyJleHAiOjE3OTU0ODMxNzQuOX0.s\"}", 1795483174000000U);
	assert_token("{\"access_token\":\"h.eyJzdWIiOiJ4In0.s\"}", 0);
	assert_token("{\"access_token\":\"h.eyJleHAiOiIxIn0.s\"}", 0);
	assert_token("{\"access_token\":\"h.eyJleHAiOi0xfQ.s\"}", 0);
	assert_token("{\"access_token\":\"h.eyJleHAiOjFlMzAwfQ.s\"}", 0);
	assert_token("{\"access_token\":\"h.W10.s\"}", 0);
	assert_token("{\"access_token\":\"opaque\"}", 0);
	assert_token("{\"access_token\":\"a.b\"}", 0);
	assert_token("{\"access_token\":\"..\"}", 0);
	assert_token("{\"access_token\":\"a.!!!.c\"}", 0);
	assert_token("{\"access_token\":\"a.eyJleHAi.c\"}", 0);
}

static void test_token_refused(void **state)
{
	_cleanup_free_ char *longest = repeated("{\"access_token\":\"", "x", 8192, "\"}");
	_cleanup_free_ char *longer = repeated("{\"access_token\":\"", "x", 8193, "\"}");
	const char *const bodies[] = {"{}", "{\"access_token\":7}", "{\"access_token\":\"\"}",
		"{\"access_token\":\"a b\"}", "{\"access_token\":\"a\\r\\nX-Evil: 1\"}",
		"{\"access_token\":\"\xc3\xa9\"}", "{\"access_token\":\"a\\u007f\"}", longer};

	(void)state;
	assert_token(longest, 0);
	for (size_t i = 0; i < ELEMENTSOF(bodies); i++) {
		_cleanup_free_ char *err = NULL;
		char *token = NULL;
		usec_t t = 0;

		assert_int_equal(
			airflow_decode_token(bodies[i], strlen(bodies[i]), &token, &t, &err),
			-EBADMSG);
		assert_null(token);
		assert_non_null(strstr(err, "access_token"));
		assert_null(strstr(err, "Evil"));
	}
}

static int decode_ti(const char *file, const struct owner *o, struct ti_obs *ti, char **err)
{
	_cleanup_free_ char *body = fixture_body(file);

	return airflow_decode_ti(body, strlen(body), o, ti, err);
}

static void test_ti_v2(void **state)
{
	_cleanup_owner_ struct owner o =
		owner("hang_bash_r0", "lab__2026-01-01T00:00:00+00:00", "hang", -1);
	_cleanup_owner_ struct owner mapped = owner("hang_mapped", "m1", "hang_map", 1);
	_cleanup_owner_ struct owner retried = owner("hang_python_child", "py1", "hang_child", -1);
	_cleanup_(ti_obs_clear) struct ti_obs ti = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(decode_ti("airflow-3.3/ti_get_running_bash.json", &o, &ti, &err), 0);
	assert_string_equal(ti.id, "01a205fd-5211-70db-baca-a7f344f92665");
	assert_int_equal(ti.state, TI_STATE_RUNNING);
	assert_string_equal(ti.state_text, "running");
	assert_int_equal(ti.try_number, 1);
	assert_int_equal(ti.max_tries, 0);
	assert_int_equal(ti.started, 1795396818763717U);
	assert_int_equal(ti.pid, 15723);
	assert_string_equal(ti.hostname, "localhost");
	assert_null(ti.note);
	ti_obs_clear(&ti);
	assert_int_equal(decode_ti("airflow-3.3/ti_get_just_after_patch.json", &o, &ti, &err), 0);
	assert_int_equal(ti.state, TI_STATE_FAILED);
	assert_string_equal(ti.id, "01a205fd-5211-70db-baca-a7f344f92665");
	ti_obs_clear(&ti);
	assert_int_equal(decode_ti("airflow-3.3/ti_get_mapped.json", &mapped, &ti, &err), 0);
	assert_int_equal(ti.pid, 17120);
	ti_obs_clear(&ti);
	assert_int_equal(decode_ti("airflow-3.3/ti_get_up_for_retry.json", &retried, &ti, &err), 0);
	assert_int_equal(ti.state, TI_STATE_UP_FOR_RETRY);
	assert_int_equal(ti.try_number, 3);
	assert_string_equal(ti.note, "n");
}

static void test_ti_v1(void **state)
{
	_cleanup_owner_ struct owner o =
		owner("hang_bash_r2", "lab__2026-01-01T00:00:00+00:00", "hang", -1);
	_cleanup_owner_ struct owner spark = owner("hang_spark", "sp1", "submit", -1);
	_cleanup_(ti_obs_clear) struct ti_obs ti = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(decode_ti("airflow-2.11/ti_get_running_bash.json", &o, &ti, &err), 0);
	assert_null(ti.id);
	assert_int_equal(ti.state, TI_STATE_RUNNING);
	assert_int_equal(ti.max_tries, 2);
	assert_int_equal(ti.pid, 23460);
	assert_int_equal(ti.started, 1795397681353094U);
	ti_obs_clear(&ti);
	assert_int_equal(decode_ti("airflow-2.11/ti_set_note.json", &o, &ti, &err), 0);
	assert_string_equal(ti.note, "stagewatchd: hung");
	ti_obs_clear(&ti);
	assert_int_equal(decode_ti("airflow-2.11/spark_ti_after_kill.json", &spark, &ti, &err), 0);
	assert_int_equal(ti.state, TI_STATE_FAILED);
}

/* The row of another dag, run, task or index is not taken. */
static void test_ti_of_another(void **state)
{
	const char *const ids[][3] = {{"x", "m1", "hang_map"}, {"hang_mapped", "x", "hang_map"},
		{"hang_mapped", "m1", "x"}, {"hang_mapped", "m1", "hang_map"}};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
		_cleanup_owner_ struct owner o =
			owner(ids[i][0], ids[i][1], ids[i][2], i == 3 ? 2 : 1);
		_cleanup_free_ char *err = NULL;
		struct ti_obs ti = {0};

		assert_int_equal(
			decode_ti("airflow-3.3/ti_get_mapped.json", &o, &ti, &err), -EBADMSG);
		assert_string_equal(err, "the answer is about another task instance");
	}
}

#define TI_HEAD "{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"task_id\":\"t\",\"map_index\":-1"

static void test_ti_fields(void **state)
{
	static const struct {
		const char *body;
		const char *why;
	} cases[] = {
		{"{}", "\"map_index\" is missing"},
		{"{\"map_index\":-1}", "\"dag_id\" is missing"},
		{TI_HEAD "}", "\"try_number\" is missing"},
		{TI_HEAD ",\"state\":7}", "\"state\" is not a string"},
		{TI_HEAD ",\"try_number\":\"1\"}", "\"try_number\" is not a number"},
		{TI_HEAD ",\"try_number\":1}", "\"max_tries\" is missing"},
		{TI_HEAD ",\"try_number\":1,\"max_tries\":0,\"start_date\":\"x\"}",
			"\"start_date\" is not a time"},
		{TI_HEAD ",\"try_number\":1,\"max_tries\":0,\"pid\":\"7\"}",
			"\"pid\" is not a number"},
		{TI_HEAD ",\"id\":\"a b\\n\"}", "\"id\" is not printable"},
	};
	static const char queued[] =
		TI_HEAD ",\"try_number\":0,\"max_tries\":0,\"state\":null,\"pid\":null}";
	static const char other[] =
		TI_HEAD ",\"try_number\":1,\"max_tries\":0,\"state\":\"awaiting_input\"}";
	_cleanup_owner_ struct owner o = owner("d", "r", "t", -1);
	_cleanup_(ti_obs_clear) struct ti_obs ti = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		assert_int_equal(
			airflow_decode_ti(cases[i].body, strlen(cases[i].body), &o, &ti, &err),
			-EBADMSG);
		assert_string_equal(err, cases[i].why);
	}
	assert_int_equal(airflow_decode_ti(queued, strlen(queued), &o, &ti, &err), 0);
	assert_int_equal(ti.state, TI_STATE_NONE);
	assert_string_equal(ti.state_text, "none");
	assert_int_equal(ti.pid, 0);
	ti_obs_clear(&ti);
	assert_int_equal(airflow_decode_ti(other, strlen(other), &o, &ti, &err), 0);
	assert_int_equal(ti.state, TI_STATE_OTHER);
	assert_string_equal(ti.state_text, "awaiting_input");
}

static void assert_cleared(const char *file, const struct owner *o, size_t n, bool ours)
{
	_cleanup_free_ char *body = fixture_body(file);
	_cleanup_free_ char *err = NULL;
	size_t got_n = 99;
	bool got_ours = !ours;

	assert_int_equal(airflow_decode_cleared(body, strlen(body), o, &got_n, &got_ours, &err), 0);
	assert_int_equal(got_n, n);
	assert_int_equal(got_ours, ours);
}

static void test_cleared(void **state)
{
	_cleanup_owner_ struct owner v2 = owner("hang_bash_r0", "seq1", "hang", -1);
	_cleanup_owner_ struct owner mapped = owner("hang_mapped", "m1", "hang_map", 1);
	_cleanup_owner_ struct owner sibling = owner("hang_mapped", "m1", "hang_map", 0);
	_cleanup_owner_ struct owner v1 =
		owner("hang_bash_r2", "lab__2026-01-01T00:00:00+00:00", "hang", -1);
	_cleanup_owner_ struct owner v1_mapped = owner("hang_mapped", "x1", "hang_map", 0);
	_cleanup_free_ char *err = NULL;
	size_t n;
	bool ours;

	(void)state;
	assert_cleared("airflow-3.3/clear_failed_ti.json", &v2, 2, true);
	assert_cleared("airflow-3.3/clear_map_index_1.json", &mapped, 1, true);
	assert_cleared("airflow-3.3/clear_map_index_1.json", &sibling, 1, false);
	assert_cleared("airflow-3.3/clear_map_index_no_match.json", &mapped, 0, false);
	assert_cleared("airflow-2.11/clear_failed_ti.json", &v1, 2, true);
	assert_cleared("airflow-2.11/clear_mapped_all.json", &v1_mapped, 1, true);
	assert_cleared("airflow-2.11/clear_only_running_no_match.json", &v1, 0, false);
	assert_int_equal(airflow_decode_cleared("{}", 2, &v1, &n, &ours, &err), -EBADMSG);
	assert_string_equal(err, "\"task_instances\" is missing");
}

static void test_error_text_recorded(void **state)
{
	static const char *const cases[][2] = {
		{"airflow-3.3/ti_patch_failed_twice.json",
			"Task id hang is already in failed state"},
		{"airflow-3.3/ti_patch_as_viewer.json", "Forbidden"},
		{"airflow-3.3/clear_unknown_run.json",
			"Dag Run id nosuch not found in dag hang_python_child"},
		{"airflow-3.3/ti_patch_map_index_unknown.json",
			"The Task Instance with dag_id: `hang_mapped`, run_id: `m1`, task_id: "
			"`hang_map` "
			"and map_index: `9` was not found"},
		{"airflow-3.3/ti_patch_note_too_long.json",
			"body.note: String should have at most 1000 characters"},
		{"airflow-3.3/clear_v1_field.json",
			"body.include_subdags: Extra inputs are not permitted"},
		{"airflow-3.3/v1_gone.json",
			"/api/v1 has been removed in Airflow 3, please use its "
			"upgraded version /api/v2 instead."},
		{"airflow-3.3/auth_token_bad_json.json", "Internal Server Error"},
		{"airflow-3.3-fab/auth_token_missing_field.json",
			"Username and password must be provided"},
		{"airflow-2.11/auth_none.json", "Forbidden"},
		{"airflow-2.11/ti_patch_unknown_field.json", "{'bogus': ['Unknown field.']}"},
		{"airflow-2.11/clear_map_index_pair.json",
			"['hang', 1] is not of type 'string' - 'task_ids.0'"},
		{"airflow-2.11/ti_list_bad_state.json", "Internal Server Error"},
		{"airflow-2.11/v2_version_absent.json", "Airflow 404"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_free_ char *body = fixture_body(cases[i][0]);
		_cleanup_free_ char *text = NULL;

		assert_int_equal(airflow_error_text(body, strlen(body), &text), 0);
		assert_string_equal(text, cases[i][1]);
	}
}

static void test_error_text_hostile(void **state)
{
	_cleanup_free_ char *long_detail = repeated("{\"detail\":\"", "\xc3\xa9", 300, "\"}");
	_cleanup_free_ char *long_list = repeated("{\"detail\":[\"x\"", ",\"long\"", 1000, "]}");
	_cleanup_free_ char *long_text = repeated("", "text ", 1000, "");
	_cleanup_free_ char *deep = repeated("", "[", 100000, "");
	const char *const cases[][2] = {
		{"", "empty answer"},
		{"  \n", "empty answer"},
		{"{}", "{}"},
		{"[]", "[]"},
		{"{\"detail\":null,\"title\":null,\"error\":\"e\"}", "e"},
		{"{\"detail\":[7,{}],\"title\":\"t\"}", "t"},
		{"{\"detail\":{\"reason\":\"r\",\"message\":\"m\"}}", "m"},
		{"{\"detail\":{\"reason\":\"r\"}}", "r"},
		{"{\"detail\":[\"a\",{\"loc\":[\"b\",0,\"c\"],\"msg\":\"d\"}]}", "a; b.c: d"},
		{"{\"detail\":\"a\\n\\u001b[2Jb\"}", "a??[2Jb"},
		{"\xff\xfe", "\?\?"},
		{"<title></title>", "<title></title>"},
	};
	const char *const texts[] = {long_detail, long_list, long_text, deep};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_free_ char *copy = exact_copy(cases[i][0], strlen(cases[i][0]));
		_cleanup_free_ char *text = NULL;

		assert_int_equal(airflow_error_text(copy, strlen(cases[i][0]), &text), 0);
		assert_string_equal(text, cases[i][1]);
	}
	for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
		_cleanup_free_ char *text = NULL;

		assert_int_equal(airflow_error_text(texts[i], strlen(texts[i]), &text), 0);
		assert_in_range(strlen(text), 190, 200);
	}
}

static void test_token_stale(void **state)
{
	static const struct {
		int status;
		const char *file;
		bool stale;
	} cases[] = {
		{401, "airflow-3.3/auth_expired_token.json", true},
		{403, "airflow-3.3/auth_bad_signature.json", true},
		{403, "airflow-3.3/auth_garbage_token.json", true},
		{401, "airflow-3.3/noauth_header.json", true},
		{403, "airflow-3.3-fab/auth_bad_signature.json", true},
		{403, "airflow-3.3/ti_patch_as_viewer.json", false},
		{403, "airflow-2.11/auth_wrong_password.json", false},
		{409, "airflow-3.3/ti_patch_failed_twice.json", false},
		{200, "airflow-3.3/auth_bad_signature.json", false},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_free_ char *body = fixture_body(cases[i].file);

		assert_int_equal(
			airflow_token_stale(cases[i].status, body, strlen(body)), cases[i].stale);
	}
	assert_true(airflow_token_stale(401, NULL, 0));
	assert_false(airflow_token_stale(403, "", 0));
	assert_false(airflow_token_stale(403, "<html>Invalid JWT token</html>", 30));
}

static void test_truncated(void **state)
{
	_cleanup_free_ char *row = fixture_body("airflow-3.3/spark_ti_running.json");
	_cleanup_free_ char *clear = fixture_body("airflow-3.3/clear_failed_ti.json");
	_cleanup_owner_ struct owner o = owner("hang_spark", "sp1", "submit", -1);

	(void)state;
	for (size_t n = 0; n < strlen(row); n++) {
		_cleanup_free_ char *copy = exact_copy(row, n);
		_cleanup_free_ char *err = NULL;
		_cleanup_free_ char *text = NULL;
		struct ti_obs ti = {0};

		assert_int_equal(airflow_decode_ti(copy, n, &o, &ti, &err), -EBADMSG);
		assert_int_equal(airflow_error_text(copy, n, &text), 0);
		assert_false(airflow_token_stale(403, copy, n));
	}
	for (size_t n = 0; n < strlen(clear); n++) {
		_cleanup_free_ char *copy = exact_copy(clear, n);
		_cleanup_free_ char *err = NULL;
		size_t count;
		bool ours;

		assert_int_equal(
			airflow_decode_cleared(copy, n, &o, &count, &ours, &err), -EBADMSG);
	}
}

static void test_accepted(void **state)
{
	static const char *const wrong[] = {"", "[]", "7", "<html></html>", "{", "null"};
	_cleanup_free_ char *none = NULL;

	(void)state;
	assert_int_equal(airflow_decode_accepted("{}", 2, &none), 0);
	for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
		_cleanup_free_ char *err = NULL;

		assert_int_equal(
			airflow_decode_accepted(wrong[i], strlen(wrong[i]), &err), -EBADMSG);
		assert_non_null(err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_plain_requests),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_refused_ids),
		cmocka_unit_test(test_unknown_owner_or_api),
		cmocka_unit_test(test_fail),
		cmocka_unit_test(test_long_note),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_token_refused),
		cmocka_unit_test(test_ti_v2),
		cmocka_unit_test(test_ti_v1),
		cmocka_unit_test(test_ti_of_another),
		cmocka_unit_test(test_ti_fields),
		cmocka_unit_test(test_cleared),
		cmocka_unit_test(test_error_text_recorded),
		cmocka_unit_test(test_error_text_hostile),
		cmocka_unit_test(test_token_stale),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
