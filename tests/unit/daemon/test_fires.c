/* SPDX-License-Identifier: Apache-2.0
 * What an action sets off: tasks that run when one fails, and the ways that fail nothing. */
#include "scene.h"

#define AUTO "action = retry\nretry_via = auto\n"
#define OWNER_MAPPED                                                                               \
	",[\"spark.airflow.dag_id\",\"d\"],[\"spark.airflow.run_id\",\"r\"],"                      \
	"[\"spark.airflow.task_id\",\"t\"],[\"spark.airflow.map_index\",\"1\"],"                   \
	"[\"spark.airflow.try_number\",\"1\"]"
#define ROW(run, task, index)                                                                      \
	",{\"dag_id\":\"d\",\"dag_run_id\":\"" run "\",\"task_id\":\"" task                        \
	"\",\"map_index\":" index ",\"state\":\"running\",\"try_number\":1}"
#define NAMED "cleanup (teardown), report (all_done)"
#define FAILS                                                                                      \
	"it would be failed, and these tasks run when it is: " NAMED "; on_failure_tasks = run"

/* prepare is a set-up; cleanup, its teardown, and report run when t fails. */
static void firing(struct world *w)
{
	w->airflow.dag_tasks =
		FAKE_TASK("prepare", "all_success", "\"t\",\"cleanup\"") "," FAKE_TASK(
			"t", "all_success", "\"cleanup\",\"middle\"") "," FAKE_TASK("cleanup",
			"all_done_setup_success", "") "," FAKE_TASK("middle", "all_success",
			"\"report\"") "," FAKE_TASK("report", "all_done", "");
	w->airflow.n_dag_tasks = 5;
}

static struct world *anew(void **state, bool v1, const char *version)
{
	struct world *w;

	scene_anew(state);
	w = *state;
	fake_airflow_init(&w->airflow, v1);
	if (version)
		w->airflow.version = version;
	return w;
}

static void until_unconfirmed(struct world *w)
{
	scene_until(w, RULE_ACTION_RETRY, ACTION_UNCONFIRMED);
}

/* Nothing is failed: whatever hangs on a failure stays where it is. */
static void cleared_while_it_runs(void **state)
{
	static const struct {
		const char *name;
	} rows[] = {{"3.1.8"}, {"3.3.2"}};

	for_each_row(r, rows)
	{
		struct world *w = anew(state, false, r->name);

		scene_app(w);
		firing(w);
		w->airflow.set_ups = ROW("r", "prepare", "-1") ROW("r", "cleanup", "-1");
		scene_act(w, AUTO);
		scene_until_confirmed(w);
		world_until(w, world_incident(w, 0)->ended > 0);
		assert_int_equal(world_incident(w, 0)->response.outcome, OUTCOME_RECOVERED);
		assert_true(fake_log_count("before it has ended: Airflow ends its process and "
					   "tries again, and nothing fails") > 0);
		assert_string_equal(w->airflow.sent, "NR");
		assert_int_equal(w->spark.kills, 0);
		assert_int_equal(fake_n_asked(&w->fake, "PATCH *{\"note\":\"*stagewatchd: Spark "
							"stage 7 of app-1 was hung*"),
			1);
		assert_int_equal(
			fake_n_asked(&w->fake,
				"POST "
				"*{\"dry_run\":false,\"dag_run_id\":\"r\",\"task_ids\":\\[\"t\"\\],"
				"\"only_failed\":false,\"include_downstream\":false,"
				"\"reset_dag_runs\":true}"),
			1);
	}
}

/* Airflow waits for the process, not for the app: it is ended at the master as soon as the process
 * is gone. */
static void an_app_that_outlives_its_process(void **state)
{
	struct world *w = *state;

	scene_stubborn(w);
	scene_act(w, AUTO);
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "NR");
	assert_int_equal(w->spark.kills, 1);
	assert_true(fake_first_asked(&w->fake, "POST *\"dry_run\":false*\"only_failed\":false*") <
		    fake_first_asked(&w->fake, "POST */app/kill*"));
}

/* Neither Airflow nor the master ends it: a new try begins beside it, and a person is told. */
static void an_app_that_nobody_ends(void **state)
{
	struct world *w = *state;

	scene_stubborn(w);
	w->spark.kill_works = false;
	scene_act(w, AUTO);
	until_unconfirmed(w);
	assert_true(fake_log_count("Airflow starts a new try beside it") > 0);
	assert_string_equal(w->airflow.sent, "NR");
	assert_int_equal(w->spark.kills, 1);
}

/* The app is ended at the master once end_timeout is over, and the new try waits for its process.
 */
static void a_frozen_process(void **state)
{
	struct world *w = *state;

	scene_stubborn(w);
	w->airflow.old_process = true;
	scene_act(w, AUTO);
	world_until(w, w->spark.kills == 1);
	assert_string_equal(w->airflow.sent, "NR");
	assert_string_equal(world_actions(w, RULE_ACTION_RETRY), "0 1 0 0 0");
	w->airflow.old_process = false;
	scene_until_confirmed(w);
}

/* Airflow would not wait for its end: the task instance is failed, the app ended at the master, and
 * then it is cleared. */
static void a_driver_in_the_cluster_is_no_process_of_the_task(void **state)
{
	struct world *w = *state;

	w->airflow.version = "3.2.1";
	scene_stubborn(w)->properties = WORLD_OWNER ",[\"spark.submit.deployMode\",\"cluster\"]";
	scene_act(w, AUTO);
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "FC");
	assert_int_equal(w->spark.kills, 1);
	assert_true(fake_first_asked(&w->fake, "PATCH */taskInstances/t") <
		    fake_first_asked(&w->fake, "POST */app/kill*"));
	assert_true(fake_first_asked(&w->fake, "POST */app/kill*") <
		    fake_first_asked(&w->fake, "POST *\"dry_run\":false*"));
}

/* It is not sent; failing it would set off others, so nothing is. */
static void a_restart_that_would_reach_further(void **state)
{
	static const struct {
		const char *name;
		const char *sweeps;
	} rows[] = {
		{"another task", ROW("r", "middle", "-1")},
		{"another index", ROW("r", "t", "3")},
		{"another run", ROW("r0", "t", "-1")},
	};

	for_each_row(r, rows)
	{
		struct world *w = anew(state, false, NULL);

		scene_app(w);
		firing(w);
		w->airflow.sweeps = r->sweeps;
		scene_act(w, AUTO);
		scene_until(w, RULE_ACTION_RETRY, ACTION_FAILED);
		assert_true(fake_log_count("nor can it be cleared while it runs: it would clear "
					   "more than this task instance") > 0);
		assert_string_equal(w->airflow.sent, "");
		assert_int_equal(w->spark.kills, 0);
	}
}

static struct world *mapped(void **state)
{
	struct world *w = *state;

	w->airflow.map_index = 1;
	scene_app(w)->properties = OWNER_MAPPED;
	w->airflow.living = ROW("r", "t", "2");
	return w;
}

static void a_set_up_beside_a_living_one(void **state)
{
	struct world *w = mapped(state);

	firing(w);
	scene_act(w, AUTO);
	scene_refused(w, "these tasks run when it is: " NAMED
			 "; on_failure_tasks = run in its rule lets them; nor can it be cleared "
			 "while it runs: its set-up would run again beside t[2], which is alive");
}

static void mapped_without_a_set_up(void **state)
{
	struct world *w = mapped(state);

	scene_act(w, AUTO);
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "NR");
	assert_int_equal(
		fake_n_asked(&w->fake, "POST *\"dry_run\":false*\"task_ids\":\\[\\[\"t\",1\\]\\]*"),
		1);
}

static void where_it_could_only_be_failed(void **state)
{
	static const struct {
		const char *name;
		bool v1;
	} rows[] = {{"2.11.2", true}, {"3.0.6", false}, {"3.1.7", false}};

	for_each_row(r, rows)
	{
		struct world *w = anew(state, r->v1, r->name);

		scene_app(w);
		firing(w);
		scene_act(w, AUTO);
		scene_refused(w, FAILS);
	}
}

static void on_kill_airflow_tries_again(struct world *w, const char *what)
{
	if (fnmatch("POST */app/kill*", what, 0) == 0) {
		w->airflow.state = "queued";
		w->airflow.id = w->airflow.try_number = 2;
	}
}

static void a_retry_that_is_left_fails_nothing(void **state)
{
	static const struct {
		const char *name;
		bool v1;
	} rows[] = {{"2.11.2", true}, {"3.0.6", false}};

	for_each_row(r, rows)
	{
		struct world *w = anew(state, r->v1, r->name);

		scene_stubborn(w);
		firing(w);
		w->airflow.max_tries = 1;
		w->asked = on_kill_airflow_tries_again;
		scene_act(w, AUTO);
		scene_until_confirmed(w);
		assert_string_equal(w->airflow.sent, "");
		assert_int_equal(w->spark.kills, 1);
	}
}

/* A look at the driver is under way when the configuration is loaded: it is begun again, or there
 * is nothing left to look at. */
static void a_reload_while_it_looks_again(void **state)
{
	static const struct {
		const char *name;
		const char *sections;
		const char *sent;
	} rows[] = {
		{"the same", WORLD_MASTER WORLD_AIRFLOW, "NF"}, {"no cluster", WORLD_AIRFLOW, ""}};

	for_each_row(r, rows)
	{
		struct world *w = anew(state, true, "2.11.2");
		const struct incident *i;

		scene_stubborn(w);
		w->airflow.max_tries = 1;
		w->spark.kill_works = false;
		scene_act(w, AUTO);
		world_until(w, w->spark.kills == 1);
		i = world_incident(w, 0);
		fake_set(&w->fake, "GET " SCENE_D1 "/*", (struct fake_answer){.hangs = true});
		world_until(w,
			remediator_remedy(w->manager->remediator, i)->state == REMEDY_VERIFY_HUNG);
		world_configure(w, "mode = act", r->sections, AUTO);
		world_reload(w);
		fake_unset(&w->fake, "GET " SCENE_D1 "/*");
		until_unconfirmed(w);
		assert_string_equal(w->airflow.sent, r->sent);
	}
}

static void let_run(void **state)
{
	struct world *w = *state;

	fake_airflow_init(&w->airflow, true);
	scene_app(w);
	firing(w);
	scene_act(w, AUTO "on_failure_tasks = run\n");
	scene_until_confirmed(w);
	assert_true(fake_log_count("tasks that run when it fails: " NAMED) > 0);
	assert_string_equal(w->airflow.sent, "NFC");
}

static void tasks_that_are_not_to_be_had(void **state)
{
	static const struct {
		const char *name;
		int status;
	} rows[] = {{"404", 404}, {"403", 403}};

	for_each_row(r, rows)
	{
		struct world *w = anew(state, false, NULL);

		scene_app(w);
		fake_set(&w->fake, "GET */tasks",
			(struct fake_answer){.status = r->status,
				.type = "application/json",
				.body = "{\"detail\":\"no\"}"});
		scene_act(w, AUTO);
		scene_refused(w, "Airflow does not say which tasks run then");
	}
}

static void a_kill_says_what_it_sets_off(void **state)
{
	static const struct {
		const char *name;
		bool v1;
		const char *mode;
		enum action_outcome outcome;
		const char *sent;
	} rows[] = {
		{"v1, act", true, "mode = act", ACTION_CONFIRMED, "NF"},
		{"v1, observe", true, "mode = observe", ACTION_DRY_RUN, ""},
		{"v2, act", false, "mode = act", ACTION_CONFIRMED, "F"},
		{"v2, observe", false, "mode = observe", ACTION_DRY_RUN, ""},
	};

	for_each_row(r, rows)
	{
		struct world *w = anew(state, r->v1, NULL);

		scene_app(w);
		firing(w);
		world_start(w, r->mode, WORLD_MASTER WORLD_AIRFLOW, "action = kill");
		scene_until(w, RULE_ACTION_KILL, r->outcome);
		assert_true(fake_log_count("tasks that run when it fails: " NAMED) > 0);
		assert_true(scene_told(w, "tasks that run when it fails: " NAMED));
		assert_string_equal(w->airflow.sent, r->sent);
	}
}

static void on_lost_restart_it_had_taken(struct world *w, const char *what)
{
	(void)what;
	if (fake_n_asked(&w->fake, "POST *\"dry_run\":false*\"only_failed\":false*") > 0 &&
		str_equal(w->airflow.state, "running") && w->airflow.try_number == 1) {
		w->airflow.state = "restarting";
		w->airflow.id = 11;
		scene_end_all(w);
	}
}

/* An answer that never came is followed by a look: it had taken, and is not sent again. */
static void a_restart_that_is_lost(void **state)
{
	struct world *w = *state;

	scene_app(w);
	w->asked = on_lost_restart_it_had_taken;
	fake_set(&w->fake, "POST *\"dry_run\":false*\"only_failed\":false*",
		(struct fake_answer){.status = 500, .body = "no"});
	scene_act(w, AUTO);
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "N");
	assert_int_equal(
		fake_n_asked(&w->fake, "POST *\"dry_run\":false*\"only_failed\":false*"), 1);
}

/* No process of Airflow's: its app is ended at the master, and only then it is cleared. */
static void deferred(void **state)
{
	for (int v1 = 0; v1 < 2; v1++) {
		struct world *w = anew(state, v1, NULL);

		row_at = v1 ? "v1" : "v2";
		w->airflow.state = "deferred";
		scene_app(w);
		scene_act(w, AUTO);
		scene_until_confirmed(w);
		world_until(w, world_incident(w, 0)->ended > 0);
		assert_int_equal(world_incident(w, 0)->response.outcome, OUTCOME_RECOVERED);
		assert_string_equal(w->airflow.sent, "NR");
		assert_int_equal(w->spark.kills, 1);
		assert_string_equal(w->spark.apps[0].state, "KILLED");
		assert_true(fake_first_asked(&w->fake, "POST */app/kill*") <
			    fake_first_asked(
				    &w->fake, "POST *\"dry_run\":false*\"only_failed\":false*"));
	}
	row_at = NULL;
}

static void deferred_and_the_end_is_not_seen(void **state)
{
	struct world *w = *state;

	w->airflow.state = "deferred";
	scene_app(w);
	w->spark.kill_works = false;
	scene_act(w, "action = retry\nretry_via = airflow\n");
	until_unconfirmed(w);
	assert_string_equal(w->airflow.sent, "");
	assert_int_equal(w->spark.kills, 1);
}

/* Its trigger could see the end of the app first, and fail it. */
static void deferred_on_which_others_wait(void **state)
{
	struct world *w = *state;

	w->airflow.state = "deferred";
	scene_app(w);
	firing(w);
	scene_act(w, AUTO);
	scene_refused(w, NAMED);
}

/* Airflow 2: a callable that swallows SIGTERM ends with success over our failed. */
static void overwritten(void **state)
{
	static const struct {
		const char *name;
		const char *rule;
		enum rule_action action;
	} rows[] = {
		{"kill", "action = kill", RULE_ACTION_KILL},
		{"retry", "action = retry", RULE_ACTION_RETRY},
	};

	for_each_row(r, rows)
	{
		struct world *w = anew(state, true, NULL);

		w->airflow.old_process = true;
		scene_app(w);
		scene_act(w, r->rule);
		world_until(w, fake_n_asked(&w->fake, "GET */logs/1*") > 0);
		w->airflow.state = "success";
		scene_until(w, r->action, ACTION_UNCONFIRMED);
		assert_true(fake_log_count("Airflow says success over failed") > 0);
		assert_string_equal(world_actions(w, r->action), "0 1 0 1 0");
		assert_string_equal(w->airflow.sent, "NF");
	}
}

/* Where the log cannot be read, time decides. */
static void a_process_that_says_nothing(void **state)
{
	struct world *w = *state;
	size_t failed;
	size_t cleared;

	fake_airflow_init(&w->airflow, true);
	scene_app(w);
	fake_set(&w->fake, "GET */logs/*",
		(struct fake_answer){.status = 403,
			.type = "application/json",
			.body = "{\"title\":\"Forbidden\"}"});
	world_start(w, "mode = act", WORLD_MASTER WORLD_AIRFLOW "process_timeout = 4s\n",
		"action = retry");
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "NFC");
	failed = fake_first_asked(&w->fake, "PATCH */taskInstances/t");
	cleared = fake_first_asked(&w->fake, "POST *\"dry_run\":false*");
	assert_true(w->fake.asked[cleared].at - w->fake.asked[failed].at > 4 * USEC_PER_SEC);
}

#define TOMORROW ",{\"dag_id\":\"d\",\"dag_run_id\":\"tomorrow\",\"state\":\"queued\"}"

/* Failed, its run would end, and the queued one would take the place of the new try. */
static void a_run_that_waits_for_its_place(void **state)
{
	for (int v1 = 0; v1 < 2; v1++) {
		struct world *w = anew(state, v1, NULL);

		row_at = v1 ? "v1" : "v2";
		scene_app(w);
		w->airflow.queued_runs =
			",{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"state\":\"queued\"}" TOMORROW;
		scene_retry(w);
		scene_refused(w, "run tomorrow of its DAG is queued: it would take the place "
				 "(max_active_runs)");
	}
	row_at = NULL;
}

static void cleared_while_it_runs_it_keeps_its_place(void **state)
{
	struct world *w = *state;

	scene_app(w);
	w->airflow.queued_runs = TOMORROW;
	scene_act(w, AUTO);
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "NR");
}

static void end_and_fill_the_pool(void *userdata)
{
	struct world *w = userdata;

	scene_end_all(w);
	w->airflow.open_slots = 0;
}

static void end_and_queue_the_run(void *userdata)
{
	struct world *w = userdata;

	scene_end_all(w);
	w->airflow.run_state = "queued";
}

/* Whether the only incident's page says so. */
static bool shows(struct world *w, const char *text)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *page = NULL;

	if (w->manager->incidents.n == 0)
		return false;
	assert_true(str_printf(&path, "/api/v1/incidents/%s", world_incident(w, 0)->id) >= 0);
	page = world_get(w, path, NULL, NULL);
	return strstr(page, text);
}

/* What the new try waits for is told while it waits, and in the end. */
static void no_room_for_the_new_try(void **state)
{
	static const struct {
		const char *name;
		void (*failed)(void *userdata);
		const char *text;
	} rows[] = {
		{"pool", end_and_fill_the_pool,
			"pool default_pool is full: 128 slots, 3 of them queued"},
		{"run", end_and_queue_the_run,
			"its DAG run is queued: others have the places that max_active_runs gives"},
	};

	for_each_row(r, rows)
	{
		_cleanup_free_ char *end = NULL;
		_cleanup_free_ char *waits = NULL;
		struct world *w = anew(state, false, NULL);

		assert_true(str_printf(&waits, "s more at most (retry_timeout): %s", r->text) >= 0);
		assert_true(str_printf(&end, "no new try ran within retry_timeout: it waits, %s",
				    r->text) >= 0);
		scene_app(w);
		w->airflow.failed = r->failed;
		w->airflow.never_runs = true;
		scene_act(w, AUTO);
		world_until(w, shows(w, waits));
		until_unconfirmed(w);
		assert_true(fake_log_count(end) > 0);
	}
}

/* A clear that would take another index along is not sent; so nothing is failed either. */
static void what_would_be_refused_is_refused_before(void **state)
{
	for (int v1 = 0; v1 < 2; v1++) {
		struct world *w = anew(state, v1, v1 ? NULL : "3.0.6");

		row_at = v1 ? "v1" : "v2";
		w->airflow.map_index = 1;
		scene_app(w)->properties = OWNER_MAPPED;
		w->airflow.sweeps = ROW("r", "t", "0");
		scene_retry(w);
		scene_until(w, RULE_ACTION_RETRY, ACTION_FAILED);
		assert_true(fake_log_count("a dry run of the clear to come says") > 0);
		assert_string_equal(w->airflow.sent, v1 ? "N" : "");
	}
	row_at = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(cleared_while_it_runs),
		story(an_app_that_outlives_its_process),
		story(an_app_that_nobody_ends),
		story(a_frozen_process),
		story(a_driver_in_the_cluster_is_no_process_of_the_task),
		story(a_restart_that_would_reach_further),
		story(a_set_up_beside_a_living_one),
		story(mapped_without_a_set_up),
		story(where_it_could_only_be_failed),
		story(a_retry_that_is_left_fails_nothing),
		story(a_reload_while_it_looks_again),
		story(let_run),
		story(tasks_that_are_not_to_be_had),
		story(a_kill_says_what_it_sets_off),
		story(a_restart_that_is_lost),
		story(deferred),
		story(deferred_and_the_end_is_not_seen),
		story(deferred_on_which_others_wait),
		story(overwritten),
		story(a_process_that_says_nothing),
		story(a_run_that_waits_for_its_place),
		story(cleared_while_it_runs_it_keeps_its_place),
		story(no_room_for_the_new_try),
		story(what_would_be_refused_is_refused_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
