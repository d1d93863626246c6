/* SPDX-License-Identifier: Apache-2.0
 * Airflow's answers, as recorded of 2.11.2 and 3.3.2. */
#include "wire/airflow.h"

#include <errno.h>

#include "../row.h"
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
static void test_version(void **state)
{
	static const char *const cases[][2] = {{"airflow-3.3/version.json", "3.3.2"},
		{"airflow-3.3-fab/version.json", "3.3.2"}, {"airflow-2.11/version.json", "2.11.2"}};
	static const char *const others[] = {
		"airflow-3.3/v1_version.json", "airflow-2.11/v2_version_absent.json"};

	(void)state;
	each_row(i, cases)
	{
		_cleanup_free_ char *body = fixture_body(cases[i][0]);
		_cleanup_free_ char *version = NULL;
		_cleanup_free_ char *err = NULL;

		assert_int_equal(airflow_decode_version(body, strlen(body), &version, &err), 0);
		assert_string_equal(version, cases[i][1]);
	}
	each_row(i, others)
	{
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
	each_row(i, cases)
	{
		_cleanup_free_ char *err = NULL;
		bool healthy = true;

		assert_int_equal(
			airflow_decode_health(cases[i].body, strlen(cases[i].body), &healthy, &err),
			cases[i].r);
		assert_int_equal(healthy, cases[i].healthy);
	}
	each_row(i, files)
	{
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
	each_row(i, bodies)
	{
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
	assert_string_equal(ti.operator, "BashOperator");
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
	each_row(i, ids)
	{
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
	static const char strange[] =
		TI_HEAD ",\"try_number\":1,\"max_tries\":0,\"state\":\"dreaming\"}";
	_cleanup_owner_ struct owner o = owner("d", "r", "t", -1);
	_cleanup_(ti_obs_clear) struct ti_obs ti = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	each_row(i, cases)
	{
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
	assert_int_equal(ti.state, TI_STATE_AWAITING_INPUT);
	assert_string_equal(ti.state_text, "awaiting_input");
	ti_obs_clear(&ti);
	assert_int_equal(airflow_decode_ti(strange, strlen(strange), &o, &ti, &err), 0);
	assert_int_equal(ti.state, TI_STATE_OTHER);
	assert_string_equal(ti.state_text, "dreaming");
}

static void assert_affected(
	const char *file, const struct owner *o, const struct airflow_affected *expected)
{
	_cleanup_free_ char *body = fixture_body(file);
	_cleanup_free_ char *err = NULL;
	struct airflow_affected who = {.n = 99};

	assert_int_equal(airflow_decode_affected(body, strlen(body), o, NULL, &who, &err), 0);
	assert_int_equal(who.n, expected->n);
	assert_int_equal(who.ours, expected->ours);
	assert_int_equal(who.n_siblings, expected->n_siblings);
	assert_int_equal(who.n_others, expected->n_others);
	assert_int_equal(who.n_elsewhere, expected->n_elsewhere);
}

static void test_affected(void **state)
{
	static const struct {
		const char *file;
		const char *ids[3];
		int64_t map_index;
		struct airflow_affected who;
	} cases[] = {
		{"airflow-3.3/clear_failed_ti.json", {"hang_bash_r0", "seq1", "hang"}, -1,
			{.n = 2, .ours = true, .n_others = 1}},
		{"airflow-3.3/clear_failed_ti.json", {"hang_bash_r0", "seq2", "hang"}, -1,
			{.n = 2, .n_elsewhere = 2}},
		{"airflow-3.3/clear_failed_ti.json", {"hang_bash_r1", "seq1", "hang"}, -1,
			{.n = 2, .n_elsewhere = 2}},
		{"airflow-3.3/clear_map_index_1.json", {"hang_mapped", "m1", "hang_map"}, 1,
			{.n = 1, .ours = true}},
		{"airflow-3.3/clear_map_index_1.json", {"hang_mapped", "m1", "hang_map"}, 0,
			{.n = 1, .n_siblings = 1}},
		{"airflow-3.3/clear_map_index_no_match.json", {"hang_mapped", "m1", "hang_map"}, 1,
			{.n = 0}},
		{"airflow-3.3/clear_trial_running.json", {"simple", "r1", "a"}, -1, {.n = 0}},
		{"airflow-3.3/clear_trial.json", {"simple", "r1", "a"}, -1, {.n = 1, .ours = true}},
		{"airflow-3.3/clear_trial_mapped.json", {"mapped", "m1", "m"}, 1,
			{.n = 2, .ours = true, .n_others = 1}},
		{"airflow-3.3/fail_trial_mapped.json", {"mapped", "m1", "m"}, 1,
			{.n = 1, .ours = true}},
		{"airflow-2.11/clear_trial.json", {"simple", "r1", "a"}, -1,
			{.n = 1, .ours = true}},
		{"airflow-2.11/clear_failed_ti.json",
			{"hang_bash_r2", "lab__2026-01-01T00:00:00+00:00", "hang"}, -1,
			{.n = 2, .ours = true, .n_others = 1}},
		{"airflow-2.11/clear_mapped_all.json", {"hang_mapped", "x1", "hang_map"}, 0,
			{.n = 1, .ours = true}},
		/* Ours runs: it is the sibling that is named, without its index. */
		{"airflow-2.11/clear_trial_sibling.json", {"mapped", "m1", "m"}, 1,
			{.n = 2, .ours = true, .n_others = 1}},
		/* Two rows without an index: one of them is not ours. */
		{"airflow-2.11/clear_trial_mapped.json", {"mapped", "m1", "m"}, 1,
			{.n = 3, .ours = true, .n_siblings = 1, .n_others = 1}},
		{"airflow-2.11/clear_only_running_no_match.json",
			{"hang_bash_r2", "lab__2026-01-01T00:00:00+00:00", "hang"}, -1, {.n = 0}},
	};
	_cleanup_free_ char *err = NULL;
	_cleanup_owner_ struct owner o = owner("d", "r", "t", -1);
	struct airflow_affected who;

	(void)state;
	each_row(i, cases)
	{
		_cleanup_owner_ struct owner k = owner(
			cases[i].ids[0], cases[i].ids[1], cases[i].ids[2], cases[i].map_index);

		assert_affected(cases[i].file, &k, &cases[i].who);
	}
	assert_int_equal(airflow_decode_affected("{}", 2, &o, NULL, &who, &err), -EBADMSG);
	assert_string_equal(err, "\"task_instances\" is missing");
}

static void test_dag_and_run(void **state)
{
	static const char *const dirs[] = {"airflow-3.3", "airflow-2.11"};
	_cleanup_owner_ struct owner o = owner("simple", "r1", "a", -1);
	_cleanup_owner_ struct owner other = owner("simple", "r2", "a", -1);

	(void)state;
	each_row(i, dirs)
	{
		_cleanup_(preconditions_clear) struct preconditions g = {.dag_stale = true};
		_cleanup_free_ char *err = NULL;
		_cleanup_free_ char *dag = NULL;
		_cleanup_free_ char *paused = NULL;
		_cleanup_free_ char *run = NULL;
		_cleanup_free_ char *dag_file = NULL;
		_cleanup_free_ char *paused_file = NULL;
		_cleanup_free_ char *run_file = NULL;

		assert_int_equal(str_printf(&dag_file, "%s/dag.json", dirs[i]), 0);
		assert_int_equal(str_printf(&paused_file, "%s/dag_paused.json", dirs[i]), 0);
		assert_int_equal(str_printf(&run_file, "%s/run.json", dirs[i]), 0);
		dag = fixture_body(dag_file);
		paused = fixture_body(paused_file);
		run = fixture_body(run_file);
		assert_int_equal(airflow_decode_dag(dag, strlen(dag), &o, &g, &err), 0);
		assert_false(g.dag_paused);
		assert_false(g.dag_stale);
		assert_int_equal(airflow_decode_dag(paused, strlen(paused), &o, &g, &err), 0);
		assert_true(g.dag_paused);
		assert_int_equal(airflow_decode_run(run, strlen(run), &o, &g, &err), 0);
		assert_string_equal(g.run_state, "running");
		assert_int_equal(airflow_decode_run(run, strlen(run), &other, &g, &err), -EBADMSG);
		assert_string_equal(err, "the answer is about another DAG run");
	}
}

static void test_task_settings(void **state)
{
	static const struct {
		const char *file;
		const char *task_id;
		int64_t retries;
		usec_t execution_timeout;
		const char *pool;
	} cases[] = {
		{"airflow-3.3/task_default.json", "a", 0, 0, "default_pool"},
		{"airflow-3.3/task_set.json", "set", 3, 26 * USEC_PER_HOUR + 5, "spark"},
		{"airflow-3.3/task_mapped.json", "m", 2, 10 * USEC_PER_MINUTE, "default_pool"},
		{"airflow-2.11/task_default.json", "a", 0, 0, "default_pool"},
		{"airflow-2.11/task_set.json", "set", 3, 26 * USEC_PER_HOUR + 5, "spark"},
		{"airflow-2.11/task_mapped.json", "m", 2, 10 * USEC_PER_MINUTE, "default_pool"},
	};
	_cleanup_owner_ struct owner other = owner("simple", "r", "another", -1);

	(void)state;
	each_row(i, cases)
	{
		_cleanup_owner_ struct owner o = owner("simple", "r", cases[i].task_id, -1);
		_cleanup_(task_settings_clear) struct task_settings s = {0};
		_cleanup_free_ char *body = fixture_body(cases[i].file);
		_cleanup_free_ char *err = NULL;

		assert_int_equal(airflow_decode_task(body, strlen(body), &o, &s, &err), 0);
		assert_int_equal(s.retries, cases[i].retries);
		assert_int_equal(s.execution_timeout, cases[i].execution_timeout);
		assert_string_equal(s.pool, cases[i].pool);
		assert_int_equal(
			airflow_decode_task(body, strlen(body), &other, &s, &err), -EBADMSG);
		assert_string_equal(err, "the answer is about another task");
	}
}

static void test_task_dag(void **state)
{
	static const char *const files[] = {"airflow-3.3/dag.json", "airflow-2.11/dag.json"};
	_cleanup_owner_ struct owner o = owner("simple", "r", "a", -1);
	_cleanup_owner_ struct owner other = owner("another", "r", "a", -1);

	(void)state;
	each_row(i, files)
	{
		_cleanup_free_ char *body = fixture_body(files[i]);
		_cleanup_free_ char *err = NULL;
		struct task_settings s = {0};

		assert_int_equal(airflow_decode_task_dag(body, strlen(body), &o, &s, &err), 0);
		assert_int_equal(s.max_active_runs, 16);
		assert_int_equal(
			airflow_decode_task_dag(body, strlen(body), &other, &s, &err), -EBADMSG);
		assert_string_equal(err, "the answer is about another DAG");
	}
}

static void test_task_settings_wrong(void **state)
{
	static const char *const bodies[] = {
		"[]",
		"{}",
		"{\"task_id\":\"a\"}",
		"{\"task_id\":\"a\",\"retries\":\"2\"}",
		"{\"task_id\":\"a\",\"retries\":0.5}",
		"{\"task_id\":\"a\",\"retries\":0,\"pool\":7}",
		"{\"task_id\":\"a\",\"retries\":0,\"execution_timeout\":60}",
		"{\"task_id\":\"a\",\"retries\":0,\"execution_timeout\":{\"days\":1}}",
		"{\"task_id\":\"a\",\"retries\":0,\"execution_timeout\":{\"days\":-1,\"seconds\":0}"
		"}",
		"{\"task_id\":\"a\",\"retries\":0,\"execution_timeout\":{\"days\":1e9,\"seconds\":"
		"0}}",
		"{\"task_id\":\"a\",\"retries\":0,\"execution_timeout\":{\"days\":1,\"seconds\":"
		"1e9}}",
	};
	_cleanup_owner_ struct owner o = owner("simple", "r", "a", -1);

	(void)state;
	each_row(i, bodies)
	{
		_cleanup_(task_settings_clear) struct task_settings s = {0};
		_cleanup_free_ char *err = NULL;

		if (airflow_decode_task(bodies[i], strlen(bodies[i]), &o, &s, &err) != -EBADMSG)
			fail_msg("taken: %s", bodies[i]);
		assert_non_null(err);
	}
}

static void test_run_that_is_over(void **state)
{
	_cleanup_owner_ struct owner o = owner("simple", "r1", "a", -1);
	_cleanup_free_ char *body = fixture_body("airflow-3.3/run_failed.json");
	_cleanup_(preconditions_clear) struct preconditions g = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(airflow_decode_run(body, strlen(body), &o, &g, &err), 0);
	assert_string_equal(g.run_state, "failed");
}

static void test_dag_and_run_wrong(void **state)
{
	static const struct {
		const char *body;
		int r;
		bool stale;
	} cases[] = {
		{"{\"dag_id\":\"d\",\"is_paused\":false,\"is_stale\":true}", 0, true},
		{"{\"dag_id\":\"d\",\"is_paused\":false,\"is_active\":false}", 0, true},
		{"{\"dag_id\":\"d\",\"is_paused\":false,\"is_active\":true}", 0, false},
		{"{\"dag_id\":\"d\",\"is_paused\":false}", 0, false},
		{"{\"dag_id\":\"d\",\"is_paused\":null}", -EBADMSG, false},
		{"{\"dag_id\":\"d\",\"is_paused\":\"no\"}", -EBADMSG, false},
		{"{\"dag_id\":\"x\",\"is_paused\":false}", -EBADMSG, false},
		{"[]", -EBADMSG, false},
	};
	static const char *const runs[] = {"{}", "{\"dag_id\":\"d\"}",
		"{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"state\":7}",
		"{\"dag_id\":\"x\",\"dag_run_id\":\"r\",\"state\":\"running\"}"};
	_cleanup_owner_ struct owner o = owner("d", "r", "t", -1);

	(void)state;
	each_row(i, cases)
	{
		_cleanup_free_ char *err = NULL;
		_cleanup_(preconditions_clear) struct preconditions g = {0};

		assert_int_equal(
			airflow_decode_dag(cases[i].body, strlen(cases[i].body), &o, &g, &err),
			cases[i].r);
		assert_int_equal(g.dag_stale, cases[i].stale);
	}
	each_row(i, runs)
	{
		_cleanup_free_ char *err = NULL;
		_cleanup_(preconditions_clear) struct preconditions g = {0};

		assert_int_equal(
			airflow_decode_run(runs[i], strlen(runs[i]), &o, &g, &err), -EBADMSG);
		assert_null(g.run_state);
	}
}

static void assert_siblings(const char *file, int64_t map_index, int64_t expected)
{
	_cleanup_owner_ struct owner o = owner("mapped", "m1", "m", map_index);
	_cleanup_free_ char *body = fixture_body(file);
	_cleanup_free_ char *err = NULL;
	int64_t n = 99;

	assert_int_equal(airflow_decode_siblings(body, strlen(body), &o, &n, &err), 0);
	assert_int_equal(n, expected);
}

static void test_siblings(void **state)
{
	_cleanup_owner_ struct owner o = owner("d", "r", "t", 1);
	_cleanup_free_ char *err = NULL;
	int64_t n = 99;

	(void)state;
	assert_siblings("airflow-2.11/mapped_failed_others.json", 1, 1);
	assert_siblings("airflow-2.11/mapped_failed_others.json", 0, 0);
	assert_siblings("airflow-2.11/mapped_failed_both.json", 1, 1);
	assert_int_equal(
		airflow_decode_siblings("{\"total_entries\":0}", 19, &o, &n, &err), -EBADMSG);
	assert_int_equal(n, 99);
}

static void test_dag_of(void **state)
{
	static const char none[] = "{\"dags\":[],\"total_entries\":0}";
	static const char three[] =
		"{\"dags\":[{\"dag_id\":\"a\"},{\"dag_id\":\"etl_x\"},{\"dag_id\":\"etl_y\"}]}";
	static const struct {
		const char *name;
		const char *globs[2];
		const char *found;
	} rows[] = {
		{"no rule names one", {NULL}, "a"},
		{"a glob", {"none", "etl_*"}, "etl_x"},
		{"a name", {"etl_y"}, "etl_y"},
		{"none of that name", {"other"}, "a"},
	};
	static const char *const files[] = {
		"airflow-3.3/dag_list.json", "airflow-2.11/dag_list.json"};
	static const char *const firsts[] = {"mapped", "simple"};
	struct strlist globs = {0};
	_cleanup_free_ char *id = NULL;
	_cleanup_free_ char *err = NULL;

	(void)state;
	each_row(i, files)
	{
		_cleanup_free_ char *body = fixture_body(files[i]);

		assert_int_equal(airflow_decode_dag_of(body, strlen(body), &globs, &id, &err), 1);
		assert_string_equal(id, firsts[i]);
	}
	assert_int_equal(airflow_decode_dag_of(none, strlen(none), &globs, &id, &err), 0);
	assert_string_equal(id, "simple");
	assert_int_equal(airflow_decode_dag_of("{\"dags\":[{}]}", 13, &globs, &id, &err), -EBADMSG);
	for_each_row(r, rows)
	{
		for (size_t i = 0; i < ELEMENTSOF(r->globs) && r->globs[i]; i++)
			assert_int_equal(strlist_add(&globs, r->globs[i]), 0);
		assert_int_equal(airflow_decode_dag_of(three, strlen(three), &globs, &id, &err), 1);
		assert_string_equal(id, r->found);
		strlist_clear(&globs);
	}
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
	each_row(i, cases)
	{
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
	each_row(i, cases)
	{
		_cleanup_free_ char *copy = exact_copy(cases[i][0], strlen(cases[i][0]));
		_cleanup_free_ char *text = NULL;

		assert_int_equal(airflow_error_text(copy, strlen(cases[i][0]), &text), 0);
		assert_string_equal(text, cases[i][1]);
	}
	each_row(i, texts)
	{
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
		{403, "airflow-3.3/fail_trial_denied.json", false},
		{403, "airflow-2.11/fail_trial_denied.json", false},
		{409, "airflow-3.3/ti_patch_failed_twice.json", false},
		{200, "airflow-3.3/auth_bad_signature.json", false},
	};

	(void)state;
	each_row(i, cases)
	{
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
		struct airflow_affected who;

		assert_int_equal(airflow_decode_affected(copy, n, &o, NULL, &who, &err), -EBADMSG);
	}
}

static void test_accepted(void **state)
{
	static const char *const wrong[] = {"", "[]", "7", "<html></html>", "{", "null"};
	_cleanup_free_ char *none = NULL;

	(void)state;
	assert_int_equal(airflow_decode_accepted("{}", 2, &none), 0);
	each_row(i, wrong)
	{
		_cleanup_free_ char *err = NULL;

		assert_int_equal(
			airflow_decode_accepted(wrong[i], strlen(wrong[i]), &err), -EBADMSG);
		assert_non_null(err);
	}
}

/* What a DAG with every trigger rule, groups and a set-up says of its task submit. */
static void test_tasks(void **state)
{
	static const char *const files[] = {"airflow-3.3/tasks.json", "airflow-2.11/tasks.json"};

	(void)state;
	each_row(i, files)
	{
		_cleanup_free_ char *body = fixture_body(files[i]);
		_cleanup_free_ char *err = NULL;
		_cleanup_(task_graph_clear) struct task_graph g = {0};
		_cleanup_(task_scope_clear) struct task_scope s = {0};

		assert_int_equal(airflow_decode_tasks(body, strlen(body), &g, &err), 0);
		assert_int_equal(task_scope_of(&g, "submit", &s), 0);
		assert_non_null(strstr(s.fires,
			"cleanup (teardown), g.h.b (all_done), g.m (one_failed), r_all_done "
			"(all_done), "));
		assert_null(strstr(s.fires, "all_success"));
		assert_true(task_scope_takes_along(&s, "prepare"));
		assert_true(task_scope_shares(&s, "other"));
		assert_false(task_scope_shares(&s, "cleanup"));
	}
}

static void test_tasks_refused(void **state)
{
	static const char *const bodies[] = {"{}", "{\"tasks\":{}}", "{\"tasks\":[7]}",
		"{\"tasks\":[{\"task_id\":\"\"}]}", "{\"tasks\":[{\"trigger_rule\":\"all_done\"}]}",
		"{\"tasks\":[{\"task_id\":\"a\",\"trigger_rule\":7}]}",
		"{\"tasks\":[{\"task_id\":\"a\"}]}",
		"{\"tasks\":[{\"task_id\":\"a\",\"downstream_task_ids\":null}]}",
		"{\"tasks\":[{\"task_id\":\"a\",\"downstream_task_ids\":[7]}]}",
		"{\"tasks\":[{\"task_id\":\"a\",\"downstream_task_ids\":[\"\\u0001\"]}]}"};
	_cleanup_free_ char *many =
		repeated("{\"tasks\":[{\"task_id\":\"a\",\"downstream_task_ids\":[]}",
			",{\"task_id\":\"a\",\"downstream_task_ids\":[]}", 5000, "]}");
	_cleanup_(task_graph_clear) struct task_graph g = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	each_row(i, bodies)
	{
		_cleanup_free_ char *why = NULL;

		assert_int_equal(
			airflow_decode_tasks(bodies[i], strlen(bodies[i]), &g, &why), -EBADMSG);
		assert_non_null(why);
	}
	assert_int_equal(airflow_decode_tasks(many, strlen(many), &g, &err), -EBADMSG);
	assert_non_null(strstr(err, "more than 5000 tasks"));
}

static void test_taken_along(void **state)
{
	static const char body[] = "{\"task_instances\":[{\"dag_id\":\"shapes\",\"dag_run_id\":"
				   "\"r\",\"task_id\":\"submit\","
				   "\"map_index\":-1},{\"dag_id\":\"shapes\",\"dag_run_id\":\"r\","
				   "\"task_id\":\"prepare\","
				   "\"map_index\":-1},{\"dag_id\":\"shapes\",\"dag_run_id\":\"r\","
				   "\"task_id\":\"cleanup\","
				   "\"map_index\":-1},{\"dag_id\":\"shapes\",\"dag_run_id\":\"r\","
				   "\"task_id\":\"other\","
				   "\"map_index\":-1}]}";
	_cleanup_free_ char *tasks = fixture_body("airflow-3.3/tasks.json");
	_cleanup_owner_ struct owner o = owner("shapes", "r", "submit", -1);
	_cleanup_(task_graph_clear) struct task_graph g = {0};
	_cleanup_(task_scope_clear) struct task_scope s = {0};
	_cleanup_free_ char *err = NULL;
	struct airflow_affected who;

	(void)state;
	assert_int_equal(airflow_decode_tasks(tasks, strlen(tasks), &g, &err), 0);
	assert_int_equal(task_scope_of(&g, "submit", &s), 0);
	assert_int_equal(airflow_decode_affected(body, strlen(body), &o, &s, &who, &err), 0);
	assert_true(who.ours);
	assert_int_equal(who.n_along, 2);
	assert_int_equal(who.n_others, 1);
	assert_int_equal(airflow_decode_affected(body, strlen(body), &o, NULL, &who, &err), 0);
	assert_int_equal(who.n_along, 0);
	assert_int_equal(who.n_others, 3);
}

#define LIVING(id, index)                                                                          \
	"{\"dag_id\":\"shapes\",\"dag_run_id\":\"r\",\"task_id\":\"" id "\",\"map_index\":" index  \
	"}"

static void test_beside(void **state)
{
	static const struct {
		const char *body;
		const char *name; /* NULL: nobody */
	} cases[] = {
		{"{\"total_entries\":0,\"task_instances\":[]}", NULL},
		{"{\"total_entries\":1,\"task_instances\":[" LIVING("submit", "-1") "]}", NULL},
		{"{\"total_entries\":2,\"task_instances\":[" LIVING("submit", "-1") "," LIVING(
			 "r_all_done", "-1") "]}",
			"r_all_done"},
		{"{\"total_entries\":1,\"task_instances\":[" LIVING("prepare", "-1") "]}", NULL},
		{"{\"total_entries\":1,\"task_instances\":[" LIVING("cleanup", "-1") "]}", NULL},
		{"{\"total_entries\":1,\"task_instances\":[" LIVING("other", "-1") "]}", "other"},
		{"{\"total_entries\":1,\"task_instances\":[" LIVING("submit", "3") "]}",
			"submit[3]"},
		{"{\"total_entries\":101,\"task_instances\":[]}", "one of too many to look at"},
	};
	_cleanup_free_ char *tasks = fixture_body("airflow-3.3/tasks.json");
	_cleanup_owner_ struct owner o = owner("shapes", "r", "submit", -1);
	_cleanup_(task_graph_clear) struct task_graph g = {0};
	_cleanup_(task_scope_clear) struct task_scope s = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(airflow_decode_tasks(tasks, strlen(tasks), &g, &err), 0);
	assert_int_equal(task_scope_of(&g, "submit", &s), 0);
	each_row(i, cases)
	{
		_cleanup_free_ char *name = NULL;

		assert_int_equal(airflow_decode_beside(
					 cases[i].body, strlen(cases[i].body), &o, &s, &name, &err),
			0);
		if (cases[i].name)
			assert_string_equal(name, cases[i].name);
		else
			assert_null(name);
	}
}

static void test_queued_run(void **state)
{
	static const char *const bodies[][2] = {
		{"{\"dag_runs\":[]}", NULL},
		{"{\"dag_runs\":[{\"dag_run_id\":\"r\"}]}", NULL},
		{"{\"dag_runs\":[{\"dag_run_id\":\"r\"},{\"dag_run_id\":\"s\"}]}", "s"},
	};
	_cleanup_owner_ struct owner o = owner("d", "r", "t", -1);
	_cleanup_free_ char *err = NULL;
	char *none = NULL;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(bodies); i++) {
		_cleanup_free_ char *run = NULL;

		assert_int_equal(airflow_decode_queued_run(
					 bodies[i][0], strlen(bodies[i][0]), &o, &run, &err),
			0);
		if (bodies[i][1])
			assert_string_equal(run, bodies[i][1]);
		else
			assert_null(run);
	}
	assert_int_equal(airflow_decode_queued_run("{}", 2, &o, &none, &err), -EBADMSG);
}

static void test_full_pool(void **state)
{
	static const char *const bodies[][2] = {
		{"{\"name\":\"p\",\"slots\":4,\"open_slots\":0,\"queued_slots\":1}",
			"pool p is full: 4 slots, 1 of them queued"},
		{"{\"name\":\"p\",\"slots\":4,\"open_slots\":1}", NULL},
		{"{\"name\":\"p\",\"slots\":-1,\"open_slots\":1e999}", NULL},
	};
	static const char *const files[] = {"airflow-3.3/pool.json", "airflow-2.11/pool.json"};
	_cleanup_free_ char *err = NULL;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(bodies); i++) {
		_cleanup_free_ char *text = NULL;

		assert_int_equal(
			airflow_decode_full_pool(bodies[i][0], strlen(bodies[i][0]), &text, &err),
			0);
		if (bodies[i][1])
			assert_string_equal(text, bodies[i][1]);
		else
			assert_null(text);
	}
	for (size_t i = 0; i < ELEMENTSOF(files); i++) {
		_cleanup_free_ char *body = fixture_body(files[i]);
		_cleanup_free_ char *text = NULL;

		assert_int_equal(airflow_decode_full_pool(body, strlen(body), &text, &err), 0);
		assert_null(text);
	}
}

static void test_process_end(void **state)
{
	static const struct {
		const char *body;
		int r;
		bool ended;
	} cases[] = {
		/* A child of the task's process, such as a driver. */
		{"{\"content\":\"Process psutil.Process(pid=8) (8) terminated with exit code None"
		 "\"}",
			0, false},
		{"{\"content\":\"Process psutil.Process(pid=17) (17) terminated with exit code 0"
		 "\"}",
			0, false},
		{"{\"content\":\"[('vm', '... Task exited with return code 1')]\"}", 0, true},
		{"{\"content\":\"Process psutil.Process(pid=7) (7) terminated with exit code "
		 "-9\"}",
			0, true},
		{"{\"content\":\"[('vm', 'Sending 15 to group 7')]\"}", 0, false},
		/* It was deferred, or looked again later: another process goes on. */
		{"{\"content\":\"Starting attempt 1 of 2\\nStarted process 5 to run task\\n"
		 "Task exited with return code 100 (task deferral)\"}",
			0, false},
		{"{\"content\":\"Task exited with return code 100 (task deferral)\\n"
		 "Resuming after deferral\\nStarted process 7 to run task\"}",
			0, false},
		{"{\"content\":\"Task exited with return code 0\\nStarting attempt 1 of 2\"}", 0,
			false},
		{"{\"content\":\"Task exited with return code 100 (task deferral)\\n"
		 "Resuming after deferral\\nTask exited with return code 1\"}",
			0, true},
		{"{\"content\":\"\"}", 0, false},
		{"{\"content\":7}", -EBADMSG, false},
		{"<html>", -EBADMSG, false},
	};

	(void)state;
	each_row(i, cases)
	{
		_cleanup_free_ char *err = NULL;
		bool ended = false;

		assert_int_equal(airflow_decode_process_end(
					 cases[i].body, strlen(cases[i].body), 7, &ended, &err),
			cases[i].r);
		assert_int_equal(ended, cases[i].ended);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_tasks_refused),
		cmocka_unit_test(test_taken_along),
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_process_end),
		cmocka_unit_test(test_queued_run),
		cmocka_unit_test(test_full_pool),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_token_refused),
		cmocka_unit_test(test_ti_v2),
		cmocka_unit_test(test_ti_v1),
		cmocka_unit_test(test_ti_of_another),
		cmocka_unit_test(test_ti_fields),
		cmocka_unit_test(test_affected),
		cmocka_unit_test(test_dag_and_run),
		cmocka_unit_test(test_task_settings),
		cmocka_unit_test(test_task_settings_wrong),
		cmocka_unit_test(test_task_dag),
		cmocka_unit_test(test_run_that_is_over),
		cmocka_unit_test(test_dag_and_run_wrong),
		cmocka_unit_test(test_siblings),
		cmocka_unit_test(test_dag_of),
		cmocka_unit_test(test_error_text_recorded),
		cmocka_unit_test(test_error_text_hostile),
		cmocka_unit_test(test_token_stale),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
