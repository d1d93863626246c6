/* SPDX-License-Identifier: Apache-2.0
 * On which preconditions which way of ending a hang is safe. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"

#include "base/strbuf.h"
#include "core/act/preconditions.h"

static void test_versions(void **state)
{
	static const struct {
		const char *text;
		int r;
		struct airflow_version v;
	} cases[] = {
		{"3.3.2", 0, {3, 3, 2}},
		{"2.11.2", 0, {2, 11, 2}},
		{"3.1.0rc1", 0, {3, 1, 0}},
		{"2.10.4+vendor.1", 0, {2, 10, 4}},
		{"3.2.0.dev0", 0, {3, 2, 0}},
		{"3", 0, {3, 0, 0}},
		{"3.", 0, {3, 0, 0}},
		{"3.4", 0, {3, 4, 0}},
		{"4.0.0.1", 0, {4, 0, 0}},
		{"9999.9999.9999", 0, {9999, 9999, 9999}},
		{"10000.1", -EINVAL, {0, 0, 0}},
		{"3.99999999999999999999", -EINVAL, {0, 0, 0}},
		{"main", -EINVAL, {0, 0, 0}},
		{"v3.1.0", -EINVAL, {0, 0, 0}},
		{"-3.1", -EINVAL, {0, 0, 0}},
		{"0.1", -EINVAL, {0, 0, 0}},
		{"", -EINVAL, {0, 0, 0}},
	};

	(void)state;
	each_row(i, cases)
	{
		struct airflow_version v = {0};

		assert_int_equal(airflow_version_parse(cases[i].text, &v), cases[i].r);
		assert_memory_equal(&v, &cases[i].v, sizeof(v));
	}
}

/* What a case differs in from a running, unmapped task of a healthy 3.3.2 with an app that can be
 * killed. */
struct preconditions_case {
	const char *version;
	enum end_way way;
	int64_t map_index;
	bool cannot_kill;
	bool cluster_mode;
	bool outlives_process;
	bool pod;
	const char *no_kill;
	const char *operator;
	bool paused;
	bool stale;
	const char *run_state; /* NULL: running */
	int64_t n_failed_siblings;
	int64_t max_tries;
	bool kills_job; /* Spark's kill of its job, not of the app */
	bool tasks_unknown;
	bool may_fire;
	const char *fires;
	const char *beside;
	const char *queued_run;
	const char *objection; /* a part of it; NULL: none */
};

static void check(const struct preconditions_case *c)
{
	_cleanup_(ti_obs_clear) struct ti_obs t = {.try_number = 1, .max_tries = c->max_tries};
	_cleanup_(preconditions_clear) struct preconditions g = {.dag_paused = c->paused,
		.dag_stale = c->stale,
		.n_failed_siblings = c->n_failed_siblings,
		.tasks_known = !c->tasks_unknown};
	struct owner o = {.map_index = c->map_index};
	struct preconditions_question q = {.preconditions = &g,
		.task = &t,
		.owner = &o,
		.app = {.can_kill = !c->cannot_kill,
			.kills_app = !c->cannot_kill && !c->kills_job,
			.cluster_mode = c->cluster_mode,
			.outlives_process = c->outlives_process,
			.pod = c->pod,
			.no_kill = c->no_kill,
			.may_fire = c->may_fire}};
	_cleanup_free_ char *text = NULL;

	if (c->version)
		assert_int_equal(airflow_version_parse(c->version, &g.version), 0);
	assert_int_equal(str_replace(&g.run_state, c->run_state ? c->run_state : "running"), 0);
	assert_int_equal(str_replace(&t.operator, c->operator), 0);
	assert_int_equal(str_replace(&g.fires, c->fires), 0);
	assert_int_equal(str_replace(&g.beside, c->beside), 0);
	assert_int_equal(str_replace(&g.queued_run, c->queued_run), 0);
	assert_int_equal(preconditions_objection(&q, c->way, &text), 0);
	if (!c->objection) {
		if (text)
			print_error("%s, way %d: %s\n", c->version, (int)c->way, text);
		assert_null(text);
		return;
	}
	assert_non_null(text);
	if (!strstr(text, c->objection))
		print_error("\"%s\" is not in \"%s\"\n", c->objection, text);
	assert_non_null(strstr(text, c->objection));
}

static void check_all(const struct preconditions_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(&cases[i]);
}

#define CASE(...)                                                                                  \
	{                                                                                          \
		.map_index = -1, __VA_ARGS__                                                       \
	}
#define MAPPED(...)                                                                                \
	{                                                                                          \
		.map_index = 1, __VA_ARGS__                                                        \
	}

/* Gone, it may count as success; and it outlives the process of its task. */
static void test_pods(void **state)
{
#define POD(...) CASE(.version = "3.3.2", .pod = true, .outlives_process = true, __VA_ARGS__)
	static const struct preconditions_case cases[] = {
		POD(.way = END_WAY_KILL),
		POD(.way = END_WAY_CLEAR),
		POD(.way = END_WAY_AIRFLOW, .max_tries = 1, .objection = "for success"),
		POD(.way = END_WAY_DEFERRED, .max_tries = 1, .objection = "for success"),
		POD(.way = END_WAY_RESTART, .objection = "beside it"),
		POD(.way = END_WAY_KILL, .cannot_kill = true, .objection = "cannot end"),
		POD(.way = END_WAY_CLEAR, .cannot_kill = true, .objection = "cannot end"),
		POD(.way = END_WAY_KILL, .no_kill = "it has a policy",
			.objection = "it has a policy"),
		POD(.way = END_WAY_CLEAR, .no_kill = "it has a policy",
			.objection = "it has a policy"),
	};

	(void)state;
	check_all(cases, ELEMENTSOF(cases));
}

static void test_faults_of_versions(void **state)
{
	static const struct preconditions_case cases[] = {
		CASE(.version = NULL, .objection = "which version it is"),
		CASE(.version = "2.4.3", .objection = "before 2.5"),
		CASE(.version = "2.4.3", .way = END_WAY_CLEAR, .objection = "before 2.5"),
		CASE(.version = "2.4.3", .way = END_WAY_AIRFLOW, .max_tries = 1),
		CASE(.version = "2.5.0"),
		CASE(.version = "2.11.2", .way = END_WAY_CLEAR),
		CASE(.version = "2.11.2", .way = END_WAY_CLEAR, .cannot_kill = true),
		CASE(.version = "3.0.3", .cannot_kill = true, .objection = "#53718"),
		CASE(.version = "3.0.4", .cannot_kill = true, .objection = "#65505"),
		CASE(.version = "3.2.1", .way = END_WAY_CLEAR, .cannot_kill = true,
			.objection = "#65505"),
		CASE(.version = "3.2.1", .way = END_WAY_CLEAR),
		CASE(.version = "3.2.1", .way = END_WAY_AIRFLOW, .max_tries = 1,
			.cannot_kill = true, .objection = "cannot end the app"),
		CASE(.version = "3.3.0", .cannot_kill = true),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .cannot_kill = true),
		CASE(.version = "4.0.0", .way = END_WAY_CLEAR),
		MAPPED(.version = "3.0.6"),
		MAPPED(.version = "3.1.0", .objection = "#57101"),
		MAPPED(.version = "3.1.1", .way = END_WAY_CLEAR, .objection = "#57101"),
		MAPPED(.version = "3.1.1", .way = END_WAY_AIRFLOW, .max_tries = 1),
		CASE(.version = "3.1.1"),
		MAPPED(.version = "3.1.2"),
		MAPPED(.version = "3.3.2", .way = END_WAY_CLEAR),
	};

	(void)state;
	check_all(cases, ELEMENTSOF(cases));
}

static void test_what_a_new_try_needs(void **state)
{
	static const struct preconditions_case cases[] = {
		CASE(.version = "3.3.2", .paused = true),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .paused = true,
			.objection = "paused"),
		CASE(.version = "2.11.2", .way = END_WAY_AIRFLOW, .max_tries = 1, .paused = true,
			.objection = "paused"),
		CASE(.version = "3.3.2", .stale = true),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .stale = true,
			.objection = "no longer finds"),
		CASE(.version = "3.3.2", .run_state = "failed"),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .run_state = "failed",
			.objection = "its DAG run is over"),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .run_state = "success",
			.objection = "its DAG run is over"),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .run_state = "queued"),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .run_state = "",
			.objection = "unknown state"),
		CASE(.version = "3.3.2", .way = END_WAY_AIRFLOW, .objection = "no retry left"),
		CASE(.version = "3.3.2", .way = END_WAY_AIRFLOW, .max_tries = 1),
		MAPPED(.version = "2.11.2", .n_failed_siblings = 1),
		MAPPED(.version = "2.11.2", .way = END_WAY_CLEAR, .n_failed_siblings = 1,
			.objection = "cannot clear one index"),
		MAPPED(.version = "2.11.2", .way = END_WAY_AIRFLOW, .max_tries = 1,
			.n_failed_siblings = 1),
		MAPPED(.version = "2.11.2", .way = END_WAY_CLEAR),
	};

	(void)state;
	check_all(cases, ELEMENTSOF(cases));
}

static void test_durable_operator(void **state)
{
	static const struct preconditions_case cases[] = {
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .cluster_mode = true,
			.operator= "SparkSubmitOperator", .objection = "durable"),
		CASE(.version = "3.3.2", .way = END_WAY_AIRFLOW, .max_tries = 2,
			.cluster_mode = true, .operator= "SparkSubmitOperator",
			.objection = "durable"),
		CASE(.version = "3.3.2", .way = END_WAY_KILL, .cluster_mode = true,
			.operator= "SparkSubmitOperator"),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .operator= "SparkSubmitOperator"),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .cluster_mode = true,
			.operator= "BashOperator"),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .cluster_mode = true),
		CASE(.version = "3.2.1", .way = END_WAY_CLEAR, .cluster_mode = true,
			.operator= "SparkSubmitOperator"),
		CASE(.version = "2.11.2", .way = END_WAY_CLEAR, .cluster_mode = true,
			.operator= "SparkSubmitOperator"),
	};

	(void)state;
	check_all(cases, ELEMENTSOF(cases));
}

static void test_restart(void **state)
{
	static const struct preconditions_case cases[] = {
		CASE(.version = "2.11.2", .way = END_WAY_RESTART,
			.objection = "Airflow 2 does nothing"),
		CASE(.version = "3.0.6", .way = END_WAY_RESTART, .objection = "#55045"),
		CASE(.version = "3.1.7", .way = END_WAY_RESTART, .objection = "is not known"),
		CASE(.version = "3.1.8", .way = END_WAY_RESTART),
		CASE(.version = "3.2.2", .way = END_WAY_RESTART),
		CASE(.version = "3.3.2", .way = END_WAY_RESTART),
		CASE(.version = "3.3.2", .way = END_WAY_RESTART, .fires = "report (all_done)"),
		CASE(.version = "3.3.2", .way = END_WAY_RESTART, .cannot_kill = true,
			.objection = "nothing but Airflow"),
		CASE(.version = "3.3.2", .way = END_WAY_RESTART, .kills_job = true,
			.objection = "nothing but Airflow"),
		CASE(.version = "3.3.2", .way = END_WAY_RESTART, .tasks_unknown = true,
			.objection = "which tasks its DAG has"),
		CASE(.version = "3.3.2", .way = END_WAY_RESTART, .paused = true,
			.objection = "paused"),
		CASE(.version = "3.3.2", .way = END_WAY_RESTART, .cluster_mode = true,
			.operator= "SparkSubmitOperator", .objection = "durable"),
		CASE(.version = "3.3.2", .way = END_WAY_RESTART, .outlives_process = true,
			.objection = "its driver runs in the cluster"),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .outlives_process = true),
		CASE(.version = "3.3.2", .way = END_WAY_AIRFLOW, .max_tries = 1,
			.outlives_process = true),
		CASE(.version = "3.3.2", .way = END_WAY_DEFERRED, .outlives_process = true),
		MAPPED(.version = "3.3.2", .way = END_WAY_RESTART),
		MAPPED(.version = "3.3.2", .way = END_WAY_RESTART, .beside = "submit[2]",
			.objection = "run again beside submit[2]"),
	};

	(void)state;
	check_all(cases, ELEMENTSOF(cases));
}

static void test_what_a_failure_fires(void **state)
{
	static const struct preconditions_case cases[] = {
		CASE(.version = "2.11.2", .way = END_WAY_CLEAR, .fires = "report (all_done)",
			.objection = "these tasks run when it is: report (all_done); "
				     "on_failure_tasks = run"),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .fires = "report (all_done)",
			.objection = "report (all_done)"),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .fires = "report (all_done)",
			.may_fire = true),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .tasks_unknown = true,
			.objection = "does not say which tasks run then"),
		CASE(.version = "3.3.2", .way = END_WAY_CLEAR, .tasks_unknown = true,
			.may_fire = true),
		CASE(.version = "2.11.2", .way = END_WAY_AIRFLOW, .max_tries = 1,
			.fires = "report (all_done)"),
		CASE(.version = "2.11.2", .way = END_WAY_KILL, .fires = "report (all_done)"),
		CASE(.version = "3.3.2", .way = END_WAY_KILL, .tasks_unknown = true),
	};

	(void)state;
	check_all(cases, ELEMENTSOF(cases));
}

static void test_a_run_that_is_queued(void **state)
{
	static const struct preconditions_case cases[] = {
		CASE(.version = "2.11.2", .way = END_WAY_CLEAR, .queued_run = "r2",
			.objection = "run r2 of its DAG is queued"),
		CASE(.version = "2.11.2", .way = END_WAY_CLEAR, .queued_run = "r2",
			.may_fire = true, .objection = "run r2 of its DAG is queued"),
		CASE(.version = "2.11.2", .way = END_WAY_AIRFLOW, .max_tries = 1,
			.queued_run = "r2"),
		CASE(.version = "2.11.2", .way = END_WAY_KILL, .queued_run = "r2"),
		CASE(.version = "2.11.2", .way = END_WAY_DEFERRED, .queued_run = "r2"),
		CASE(.version = "3.3.2", .way = END_WAY_RESTART, .queued_run = "r2"),
	};

	(void)state;
	check_all(cases, ELEMENTSOF(cases));
}

static void test_deferred(void **state)
{
	static const struct preconditions_case cases[] = {
		CASE(.version = "3.0.6", .way = END_WAY_DEFERRED),
		CASE(.version = "2.11.2", .way = END_WAY_DEFERRED),
		CASE(.version = "2.11.2", .way = END_WAY_DEFERRED, .paused = true,
			.objection = "paused"),
		CASE(.version = "3.3.2", .way = END_WAY_DEFERRED, .cannot_kill = true,
			.objection = "it is deferred"),
		CASE(.version = "3.3.2", .way = END_WAY_DEFERRED, .fires = "report (all_done)",
			.objection = "report (all_done)"),
		CASE(.version = "3.3.2", .way = END_WAY_DEFERRED, .fires = "report (all_done)",
			.max_tries = 1),
		CASE(.version = "3.3.2", .way = END_WAY_DEFERRED, .beside = "other",
			.objection = "beside other"),
		CASE(.version = "3.3.2", .way = END_WAY_DEFERRED, .tasks_unknown = true,
			.objection = "which tasks"),
	};

	(void)state;
	check_all(cases, ELEMENTSOF(cases));
}

static void test_retry_left(void **state)
{
	static const struct {
		int64_t try_number;
		int64_t max_tries;
		bool left;
	} cases[] = {{1, 0, false}, {1, 1, true}, {2, 1, false}, {2, 2, true}, {3, 2, false},
		{1, -1, false}};

	(void)state;
	each_row(i, cases)
	{
		const struct ti_obs t = {
			.try_number = cases[i].try_number, .max_tries = cases[i].max_tries};

		assert_int_equal(ti_retry_left(&t), cases[i].left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_pods),
		cmocka_unit_test(test_faults_of_versions),
		cmocka_unit_test(test_what_a_new_try_needs),
		cmocka_unit_test(test_durable_operator),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_what_a_failure_fires),
		cmocka_unit_test(test_a_run_that_is_queued),
		cmocka_unit_test(test_deferred),
		cmocka_unit_test(test_retry_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
