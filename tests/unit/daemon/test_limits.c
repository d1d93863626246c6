/* SPDX-License-Identifier: Apache-2.0
 * What keeps an action from being begun, and what outlives a restart: the ledger is real. */
#include "scene.h"

static void storm(struct world *w, const char *limits)
{
	_cleanup_free_ char *sections = NULL;
	static const char *const urls[] = {SCENE_D1, "http://d2:4040", "http://d3:4040"};
	static const char *const ids[] = {"app-1", "app-2", "app-3"};

	for (size_t i = 0; i < ELEMENTSOF(urls); i++)
		fake_spark_add(&w->spark, ids[i], urls[i], WORLD_OWNER);
	assert_true(str_printf(&sections, WORLD_MASTER WORLD_AIRFLOW "[limits]\n%s", limits) >= 0);
	world_make_state(w);
	world_start(w, "mode = observe", sections, "action = retry");
}

/* A crash: what the ledger has not got is lost. */
static void restart(struct world *w)
{
	world_stop(w);
	fake_log_clear();
	world_begin(w);
}

static void settles_after_the_start(void **state)
{
	struct world *w = *state;

	scene_app(w);
	world_start(w, "mode = act", WORLD_MASTER WORLD_AIRFLOW "[limits]\nsettle = 1h\n",
		"action = kill");
	world_until(w, scene_told(w, "no kill: settling: "));
	assert_string_equal(world_actions(w, RULE_ACTION_KILL), "0 0 0 0 0");
	assert_string_equal(w->airflow.sent, "");
}

/* The storm that is on has an id, under which it is told: since when, and until when at the
 * earliest. Another id is no storm. */
static bool explains_storm(struct world *w, bool ends_by_itself)
{
	const cJSON *storm = cJSON_GetObjectItem(world_json(w, "/api/v1/status"), "storm");
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *text = NULL;
	int status = 0;

	assert_non_null(storm);
	assert_true(cJSON_IsString(cJSON_GetObjectItem(storm, "since")));
	assert_true(str_printf(&path, "/api/v1/incidents/%s",
			    cJSON_GetStringValue(cJSON_GetObjectItem(storm, "id"))) >= 0);
	storm = cJSON_GetObjectItem(world_json(w, path), "storm");
	assert_non_null(storm);
	assert_non_null(strstr(cJSON_GetStringValue(cJSON_GetObjectItem(storm, "why")), " apps "));
	text = world_get(w, "/api/v1/incidents/h-0", NULL, &status);
	return status == 404 &&
	       cJSON_IsString(cJSON_GetObjectItem(storm, "until")) == ends_by_itself;
}

/* Three apps hang at once: the breaker opens, says so once, and closes on a person's word. */
static void a_storm(void **state)
{
	struct world *w = *state;

	storm(w, "settle = 0\nstorm_threshold = 2\nstorm_reset = manual\n");
	world_until(w, remediator_breaker(w->manager->remediator)->open);
	world_until(w, scene_told(w, "the storm breaker is open: "));
	assert_true(explains_storm(w, false));
	assert_int_equal(fake_log_count("The storm breaker opened"), 1);
	assert_int_equal((int)world_metric(w, "stagewatch_breaker_open"), 1);
	world_run(w, 5 * USEC_PER_SEC);
	restart(w);
	world_run(w, 2 * USEC_PER_SEC);
	assert_true(remediator_breaker(w->manager->remediator)->open);
	assert_true(remediator_close_breaker(w->manager->remediator, "somebody"));
	assert_int_equal(fake_log_count("The storm breaker was closed by somebody"), 1);
	assert_false(remediator_breaker(w->manager->remediator)->open);
	assert_int_equal(fake_n_asked(&w->fake, "PATCH *"), 0);
}

/* The kill came out as unconfirmed, and the daemon ended: nothing is sent a second time. */
static void a_try_is_acted_upon_once_over_restarts(void **state)
{
	struct world *w = *state;

	scene_stubborn(w);
	w->spark.kill_works = false;
	scene_act(w, "action = kill");
	scene_until(w, RULE_ACTION_KILL, ACTION_UNCONFIRMED);
	world_run(w, 5 * USEC_PER_SEC);
	assert_string_equal(w->airflow.sent, "F");
	w->airflow.state = "running"; /* even so */
	restart(w);
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 10 * USEC_PER_SEC);
	assert_string_equal(world_actions(w, RULE_ACTION_KILL), "0 0 0 0 0");
	assert_int_equal(w->manager->incidents.n, 1);
	assert_int_equal(world_incident(w, 0)->ended, 0);
	assert_string_equal(w->airflow.sent, "F");
}

/* What ended longer ago than retention is forgotten, but not within a cooldown. */
static void a_cooldown_outlives_retention(void **state)
{
	struct world *w = *state;

	scene_app(w);
	world_make_state(w);
	world_start(w, "mode = act\nretention = 24h", WORLD_MASTER WORLD_AIRFLOW,
		"action = kill\ncooldown = 5d");
	scene_until(w, RULE_ACTION_KILL, ACTION_CONFIRMED);
	w->fake.now += 3 * 24 * USEC_PER_HOUR;
	w->fake.wall += 3 * 24 * USEC_PER_HOUR;
	world_run(w, 5 * USEC_PER_SEC);
	w->airflow.state = "running";
	(void)fake_spark_add(&w->spark, "app-2", "http://d2:4040", WORLD_OWNER);
	restart(w);
	world_until(w, world_is_hung(w, "app-2"));
	world_until(w, scene_told(w, "acted upon already"));
	assert_string_equal(w->airflow.sent, "F");
}

/* It was failed, and the daemon ended before it saw the end: it goes on, and does not fail it
 * again. */
static void an_action_is_taken_up_where_it_was(void **state)
{
	struct world *w = *state;

	scene_stubborn(w);
	scene_act(w, "action = retry\nend_timeout = 1min\n");
	world_until(w, str_equal(w->airflow.sent, "F"));
	world_run(w, 3 * USEC_PER_SEC);
	restart(w);
	scene_end_all(w);
	world_until(w, str_equal(w->airflow.sent, "FC"));
	world_until(w, world_n_actions(w, RULE_ACTION_RETRY, ACTION_CONFIRMED) == 1);
	assert_int_equal(remediator_n_pending(w->manager->remediator), 0);
	assert_int_equal(w->spark.kills, 0);
}

static void what_ended_over_a_restart_is_ended(void **state)
{
	struct world *w = *state;

	scene_app(w);
	world_make_state(w);
	scene_act(w, "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 3 * USEC_PER_SEC);
	scene_end_all(w);
	restart(w);
	world_until(w, w->manager->incidents.n > 0 && world_incident(w, 0)->ended > 0);
	assert_true(scene_told(w, "ended as ended: it was gone after a restart"));
}

/* Some tasks may hang while others move: that a stage moves is no sign that the hang of before is
 * over, until it would have been found again. */
static void what_moves_after_a_restart_may_hang(void **state)
{
	struct world *w = *state;
	struct fake_app *a = scene_app(w);

	world_make_state(w);
	a->moving = true;
	scene_act(w, "action = notify");
	world_run(w, 5 * USEC_PER_SEC);
	a->moving = false;
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 3 * USEC_PER_SEC);
	restart(w);
	/* hung_after_unproven is 3s. */
	for (unsigned n = 0; n < 3; n++) {
		a->completed++;
		world_run(w, USEC_PER_SEC);
		assert_int_equal(w->manager->incidents.n, 1);
		assert_int_equal(world_incident(w, 0)->ended, 0);
	}
	for (unsigned n = 0; n < 2; n++) {
		a->completed++;
		world_run(w, USEC_PER_SEC);
	}
	assert_true(scene_told(w, "it moved after a restart"));
}

/* What it takes to judge an app is not there after the restart, either. */
static void what_is_not_known_after_a_restart_goes_on(void **state)
{
	struct world *w = *state;

	scene_app(w)->moving = true;
	world_make_state(w);
	fake_set(&w->fake, "GET */environment", (struct fake_answer){.status = 403});
	scene_act(w, "action = notify");
	world_until(w, w->manager->incidents.n == 1);
	assert_int_equal(world_incident(w, 0)->verdict, VERDICT_UNOBSERVABLE);
	world_run(w, 3 * USEC_PER_SEC);
	restart(w);
	world_run(w, 20 * USEC_PER_SEC);
	assert_int_equal(w->manager->incidents.n, 1);
	assert_int_equal(world_incident(w, 0)->ended, 0);
}

/* Nothing will ever be seen of it. */
static void an_incident_of_a_cluster_that_is_gone_ends(void **state)
{
	for (int reload = 0; reload < 2; reload++) {
		struct world *w;

		scene_anew(state);
		w = *state;
		row_at = reload ? "reload" : "restart";
		scene_app(w);
		world_make_state(w);
		scene_act(w, "action = notify");
		world_until(w, world_is_hung(w, "app-1"));
		world_run(w, 3 * USEC_PER_SEC);
		fake_set(&w->fake, "GET " FAKE_MASTER "/*", (struct fake_answer){.status = 500});
		if (reload)
			restart(w);
		world_configure(w, "mode = act",
			"[spark renamed]\ntype = standalone\nurl = " FAKE_MASTER "\n",
			"action = notify");
		if (reload) {
			world_run(w, 2 * USEC_PER_SEC);
			assert_int_equal(world_incident(w, 0)->ended, 0);
			world_reload(w);
		} else {
			restart(w);
		}
		world_until(w, world_incident(w, 0)->ended > 0);
		assert_true(scene_told(w, "ended as ended: its cluster is not in the "
					  "configuration any more"));
	}
	row_at = NULL;
}

/* Another daemon has it. An incident that was ours ends here with a reload. */
static void an_app_of_another_shard_is_left_alone(void **state)
{
	struct world *w = *state;

	assert_true(shard_has(&(struct shard){2, 2}, "app-1"));
	scene_app(w);
	world_make_state(w);
	world_start(w, "mode = observe\nshard = 2/2", WORLD_MASTER, "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	assert_int_equal((int)world_metric(w, "stagewatch_shard"), 2);
	assert_int_equal((int)world_metric(w, "stagewatch_shards"), 2);
	world_configure(w, "mode = observe\nshard = 1/2", WORLD_MASTER, "action = notify");
	world_reload(w);
	world_until(w, detector_n_apps(w->manager->detector) == 0);
	assert_true(world_incident(w, 0)->ended > 0);
	assert_int_equal((int)world_metric(w, "stagewatch_shard"), 1);
	assert_int_equal((int)world_metric(w, "stagewatch_up{spark_cluster=\"m\"}"), 1);
}

/* Detection goes on, and once there is a directory, so does all the rest. */
static void without_a_ledger_nothing_is_acted_upon(void **state)
{
	struct world *w = *state;
	char path[64];

	scene_app(w);
	world_write(w, "state", "in the way\n");
	scene_act(w, "action = kill");
	world_until(w, scene_told(w, "the ledger cannot be written: "));
	assert_int_equal((int)world_metric(w, "stagewatch_ledger_up"), 0);
	assert_int_equal(fake_log_count("The ledger in state_dir cannot be used"), 1);
	assert_string_equal(w->airflow.sent, "");
	(void)snprintf(path, sizeof(path), "%s/state", w->dir);
	assert_int_equal(unlink(path), 0);
	world_make_state(w);
	world_until(w, (int)world_metric(w, "stagewatch_ledger_up") == 1);
	world_reload(w);
	scene_until(w, RULE_ACTION_KILL, ACTION_CONFIRMED);
	assert_string_equal(w->airflow.sent, "F");
}

/* Observing it needed none, and made no directory. */
static void a_reload_to_act_finds_a_ledger(void **state)
{
	struct world *w = *state;
	char path[64];

	scene_app(w);
	world_start(w, "mode = observe", WORLD_MASTER WORLD_AIRFLOW, "action = kill");
	scene_until(w, RULE_ACTION_KILL, ACTION_DRY_RUN);
	(void)snprintf(path, sizeof(path), "%s/state", w->dir);
	assert_int_equal(access(path, F_OK), -1);
	world_configure(w, "mode = act", WORLD_MASTER WORLD_AIRFLOW, "action = kill");
	world_reload(w);
	scene_until(w, RULE_ACTION_KILL, ACTION_CONFIRMED);
	assert_string_equal(w->airflow.sent, "F");
}

/* It was whole at the start, and damaged before it was read what was done: the new one has a pause,
 * and keeps it. */
static void a_ledger_damaged_before_it_was_read_is_a_pause(void **state)
{
	struct world *w = *state;
	char path[64];

	scene_app(w);
	scene_act(w, "action = kill");
	(void)snprintf(path, sizeof(path), "%s/state/" LEDGER_FILE, w->dir);
	assert_int_equal(truncate(path, 0), 0);
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, USEC_PER_MINUTE);
	assert_string_equal(w->airflow.sent, "");
	assert_non_null(
		strstr(holds_paused(control_holds(w->manager->control)), "the ledger was damaged"));
}

/* What only looks is given up when a pause begins, and nothing new is begun. */
static void a_pause_holds_and_ends_by_itself(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *err = NULL;
	const struct pause_ask ask = {
		.who = "somebody", .reason = "a test", .length = USEC_PER_MINUTE};

	scene_app(w);
	scene_act(w, "action = kill");
	world_run(w, USEC_PER_SEC / 2);
	assert_int_equal(holds_pause(control_holds(w->manager->control), &ask, &err), 0);
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 10 * USEC_PER_SEC);
	assert_string_equal(world_actions(w, RULE_ACTION_KILL), "0 0 0 0 0");
	assert_non_null(holds_paused(control_holds(w->manager->control)));
	assert_string_equal(w->airflow.sent, "");
	world_until(w, !holds_paused(control_holds(w->manager->control)));
	world_reload(w);
	scene_until(w, RULE_ACTION_KILL, ACTION_CONFIRMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(settles_after_the_start),
		story(a_storm),
		story(a_try_is_acted_upon_once_over_restarts),
		story(a_cooldown_outlives_retention),
		story(an_action_is_taken_up_where_it_was),
		story(what_ended_over_a_restart_is_ended),
		story(what_moves_after_a_restart_may_hang),
		story(what_is_not_known_after_a_restart_goes_on),
		story(an_incident_of_a_cluster_that_is_gone_ends),
		story(an_app_of_another_shard_is_left_alone),
		story(without_a_ledger_nothing_is_acted_upon),
		story(a_reload_to_act_finds_a_ledger),
		story(a_ledger_damaged_before_it_was_read_is_a_pause),
		story(a_pause_holds_and_ends_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
