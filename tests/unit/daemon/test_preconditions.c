/* SPDX-License-Identifier: Apache-2.0
 * Why an action is not begun, or not carried on: Airflow's version, DAG, run, siblings, and people
 * who were faster. */
#include "scene.h"

#define OWNER_MAPPED                                                                               \
	",[\"spark.airflow.dag_id\",\"d\"],[\"spark.airflow.run_id\",\"r\"],"                      \
	"[\"spark.airflow.task_id\",\"t\"],[\"spark.airflow.map_index\",\"1\"],"                   \
	"[\"spark.airflow.try_number\",\"1\"]"

static void no_retry(void **state)
{
	static const struct {
		const char *name;
		bool paused;
		bool stale;
		const char *run_state;
		const char *version;
		const char *text;
	} rows[] = {
		{"paused", .paused = true, .text = "its DAG is paused"},
		{"stale", .stale = true, .text = "Airflow no longer finds its DAG"},
		{"over", .run_state = "failed", .text = "its DAG run is over"},
		{"old", .version = "2.4.3", .text = "Airflow before 2.5"},
		{"main", .version = "main", .text = "does not say which version"},
	};

	for (int v1 = 0; v1 < 2; v1++)
		for_each_row(r, rows)
		{
			struct world *w;

			scene_anew(state);
			w = *state;
			fake_airflow_init(&w->airflow, v1);
			scene_app(w);
			w->airflow.paused = r->paused;
			w->airflow.stale = r->stale;
			if (r->run_state)
				w->airflow.run_state = r->run_state;
			if (r->version)
				w->airflow.version = r->version;
			scene_retry(w);
			scene_refused(w, r->text);
		}
}

static void a_kill_needs_no_new_try(void **state)
{
	static const struct {
		const char *name;
		bool paused;
		bool stale;
		const char *run_state;
	} rows[] = {
		{"paused", true, false, "running"},
		{"stale", false, true, "running"},
		{"over", false, false, "failed"},
	};

	for_each_row(r, rows)
	{
		struct world *w;

		scene_anew(state);
		w = *state;
		scene_app(w);
		w->airflow.paused = r->paused;
		w->airflow.stale = r->stale;
		w->airflow.run_state = r->run_state;
		scene_act(w, "action = kill");
		scene_until(w, RULE_ACTION_KILL, ACTION_CONFIRMED);
		assert_string_equal(w->airflow.sent, "F");
	}
}

static struct world *mapped(void **state, bool v1)
{
	struct world *w = *state;

	fake_airflow_init(&w->airflow, v1);
	w->airflow.map_index = 1;
	scene_app(w)->properties = OWNER_MAPPED;
	return w;
}

static void a_version_that_fails_all_indexes(void **state)
{
	struct world *w = mapped(state, false);

	w->airflow.version = "3.1.1";
	scene_retry(w);
	scene_refused(w, "#57101");
}

/* Only where nothing else could end the app: a list of drivers, and no master. */
static void a_version_that_leaves_drivers_alive(void **state)
{
	struct world *w = *state;

	scene_stubborn(w);
	w->airflow.version = "3.2.1";
	world_start(w, "mode = act",
		"[spark one]\ntype = driver\nurl = " SCENE_D1 "\n" WORLD_AIRFLOW, "action = retry");
	scene_refused(w, "#65505");
}

static void a_version_that_leaves_drivers_alive_to_the_master(void **state)
{
	struct world *w = *state;

	scene_stubborn(w);
	w->airflow.version = "3.2.1";
	scene_retry(w);
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "FC");
	assert_int_equal(w->spark.kills, 1);
}

/* Should a version fail more than it is asked to, a dry run tells, and nothing is sent. */
static void an_index_that_would_take_others_with_it(void **state)
{
	struct world *w = mapped(state, false);

	w->airflow.fails_also = ",{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"task_id\":\"t\","
				"\"map_index\":0,\"state\":\"running\",\"try_number\":1}";
	scene_retry(w);
	scene_until(w, RULE_ACTION_RETRY, ACTION_FAILED);
	assert_true(fake_log_count("it would not be this task instance alone that fails") > 0);
	assert_string_equal(w->airflow.sent, "");
}

/* A clear takes no index there. Where no other index has failed, only ours is cleared. */
static void mapped_task_of_airflow_2(void **state)
{
	struct world *w = mapped(state, true);

	scene_retry(w);
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "NFC");
}

static void failed_sibling_of_airflow_2(void **state)
{
	struct world *w = mapped(state, true);

	w->airflow.failed_siblings = 1;
	scene_retry(w);
	scene_refused(w, "cannot clear one index");
}

static void end_and_fail_a_sibling(void *userdata)
{
	struct world *w = userdata;

	w->airflow.failed_siblings = 1;
	scene_end_all(w);
}

/* Looked at again just before the clear, which is then not sent. */
static void sibling_fails_meanwhile(void **state)
{
	struct world *w = mapped(state, true);

	w->airflow.failed = end_and_fail_a_sibling;
	scene_retry(w);
	scene_until(w, RULE_ACTION_RETRY, ACTION_FAILED);
	assert_true(fake_log_count("other indexes of the mapped task have failed meanwhile") > 0);
	assert_string_equal(w->airflow.sent, "NF");
}

#define ROW(dag, run, task, index)                                                                 \
	",{\"dag_id\":\"" dag "\",\"dag_run_id\":\"" run "\",\"task_id\":\"" task                  \
	"\",\"map_index\":" index ",\"state\":\"failed\",\"try_number\":1}"

static void a_clear_that_would_reach_further(void **state)
{
	static const struct {
		const char *name;
		const char *sweeps;
		const char *text;
	} rows[] = {
		{"another run", ROW("d", "r0", "t", "-1"), "another run or DAG"},
		{"another DAG", ROW("other", "r", "t", "-1"), "another run or DAG"},
		{"another index", ROW("d", "r", "t", "3"), "other indexes"},
	};

	for_each_row(r, rows)
	{
		struct world *w;

		scene_anew(state);
		w = *state;
		scene_app(w);
		w->airflow.sweeps = r->sweeps;
		scene_retry(w);
		scene_until(w, RULE_ACTION_RETRY, ACTION_FAILED);
		assert_true(fake_log_count(r->text) > 0);
		assert_string_equal(w->airflow.sent, ""); /* known before it is failed */
	}
}

static void downstream_is_cleared_with_it(void **state)
{
	struct world *w = *state;

	scene_app(w);
	w->airflow.sweeps = ROW("d", "r", "after", "-1");
	scene_retry(w);
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "FC");
}

static void on_kill_somebody_clears(struct world *w, const char *what)
{
	if (fnmatch("POST */app/kill*", what, 0) == 0) {
		w->airflow.state = "queued";
		w->airflow.id = w->airflow.try_number = 2;
	}
}

/* Between the end of the app and our clear somebody else clears: nothing more is sent. */
static void cleared_by_a_person_meanwhile(void **state)
{
	struct world *w = *state;

	scene_stubborn(w);
	w->asked = on_kill_somebody_clears;
	scene_retry(w);
	world_until(w, fake_log_count("retry of app-1: superseded"));
	assert_true(fake_log_count("somebody else acted") > 0);
	assert_string_equal(w->airflow.sent, "F");
	assert_int_equal(w->spark.kills, 1);
}

/* The durable operator of 3.3 asks how the driver of the try before ended, and one that ended well
 * was told to. */
static void driver_in_the_cluster(void **state)
{
	static const struct {
		const char *name;
		const char *version;
		const char *operator_name;
		bool refused;
	} rows[] = {
		{"durable", "3.3.2", "SparkSubmitOperator", true},
		{"another operator", "3.3.2", "BashOperator", false},
		{"before it was durable", "3.2.1", "SparkSubmitOperator", false},
	};

	for_each_row(r, rows)
	{
		struct world *w;

		scene_anew(state);
		w = *state;
		scene_app(w)->properties = WORLD_OWNER ",[\"spark.submit.deployMode\",\"cluster\"]";
		w->airflow.version = r->version;
		w->airflow.operator_name = r->operator_name;
		scene_retry(w);
		if (r->refused) {
			scene_refused(w, "durable operator could take the end of the hung app for "
					 "success");
			continue;
		}
		scene_until_confirmed(w);
		assert_string_equal(w->airflow.sent, "FC");
	}
}

static void on_fail_it_has_failed(struct world *w, const char *what)
{
	if (fnmatch("PATCH */taskInstances/t", what, 0) == 0)
		w->airflow.state = "failed";
}

/* Its heartbeat is lost between our look and our request, its driver lives on: ended at the master,
 * then cleared. */
static void airflow_fails_it_first(void **state)
{
	struct world *w = *state;

	scene_stubborn(w);
	w->asked = on_fail_it_has_failed;
	scene_retry(w);
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "C");
	assert_int_equal(fake_n_asked(&w->fake, "PATCH */taskInstances/t"), 1);
	assert_int_equal(w->spark.kills, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(no_retry),
		story(a_kill_needs_no_new_try),
		story(a_version_that_fails_all_indexes),
		story(a_version_that_leaves_drivers_alive),
		story(a_version_that_leaves_drivers_alive_to_the_master),
		story(an_index_that_would_take_others_with_it),
		story(mapped_task_of_airflow_2),
		story(failed_sibling_of_airflow_2),
		story(sibling_fails_meanwhile),
		story(a_clear_that_would_reach_further),
		story(downstream_is_cleared_with_it),
		story(cleared_by_a_person_meanwhile),
		story(driver_in_the_cluster),
		story(airflow_fails_it_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
