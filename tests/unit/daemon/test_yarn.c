/* SPDX-License-Identifier: Apache-2.0
 * Spark on YARN: apps that are found through the ResourceManager's proxy, ended and seen to end
 * there. */
#include "scene.h"

#define RM_APP FAKE_RM "/ws/v1/cluster/apps/" SCENE_YARN_APP
#define OTHER_RM "http://other:8088"

static struct fake_app *yarn_app(struct world *w)
{
	return fake_spark_add(&w->spark, SCENE_YARN_APP, "http://tracking.invalid:1", WORLD_OWNER);
}

static void retry_with(struct world *w, const char *more)
{
	_cleanup_free_ char *sections = NULL;

	assert_true(str_printf(&sections, WORLD_YARN "%s\n" WORLD_AIRFLOW, more) >= 0);
	world_start(w, "mode = act", sections, "action = retry");
}

/* Its driver is asked through the proxy, never where trackingUrl points. */
static void found_and_recovers_by_itself(void **state)
{
	struct world *w = *state;
	struct fake_app *a;

	world_start(w, "mode = act", WORLD_YARN, "action = notify");
	world_run(w, 3 * USEC_PER_SEC);
	/* An empty list is a list. */
	assert_int_equal((int)world_metric(w, "stagewatch_up{spark_cluster=\"y\"}"), 1);
	a = yarn_app(w);
	world_until(w, world_is_hung(w, SCENE_YARN_APP));
	/* The driver's own name, not the file's. */
	assert_string_equal(detector_app_at(w->manager->detector, 0)->info.name, "etl");
	a->moving = true;
	world_until(w, !world_is_hung(w, SCENE_YARN_APP));
	fake_app_end(a, "FINISHED");
	world_until(w, detector_n_apps(w->manager->detector) == 0);
	assert_int_equal(fake_n_asked(&w->fake, "* http://tracking.invalid*"), 0);
	assert_int_equal(fake_log_count("it is asked again"), 0);
	assert_int_equal(fake_n_asked(&w->fake, "P*"), 0);
}

/* The connection is the proxy's: the next attempt of the app would be taken for this one. */
static void which_attempt_it_is_is_asked_at_each_poll(void **state)
{
	struct world *w = *state;
	size_t apps;
	size_t stages;

	yarn_app(w)->moving = true;
	w->fake.kept = true;
	world_start(w, "", WORLD_YARN, "action = notify");
	world_run(w, 5 * USEC_PER_SEC);
	apps = fake_n_asked(&w->fake, "GET */applications");
	stages = fake_n_asked(&w->fake, "GET */stages?status=active*");
	assert_true(stages > 3);
	assert_int_equal(apps, stages);
}

static void retry_kills_at_the_resource_manager(void **state)
{
	struct world *w = *state;
	struct fake_app *a = yarn_app(w);

	retry_with(w, "");
	scene_until_confirmed(w);
	assert_string_equal(world_actions(w, RULE_ACTION_RETRY), "0 1 1 0 0");
	assert_int_equal(w->spark.kills, 1);
	assert_string_equal(w->airflow.sent, "FC");
	assert_string_equal(a->state, "KILLED");
	assert_true(fake_first_asked(&w->fake, "PUT *") <
		    fake_first_asked(&w->fake, "POST *clearTask* *\"dry_run\":false*"));
}

/* FINISHED with SUCCEEDED is an end like any other; it says nothing of success. */
static void an_app_that_ends_with_its_task_is_not_killed(void **state)
{
	struct world *w = *state;

	yarn_app(w);
	w->airflow.failed = scene_end_all;
	w->airflow.userdata = w;
	retry_with(w, "");
	scene_until_confirmed(w);
	assert_int_equal(w->spark.kills, 0);
}

/* 202 proves nothing: without an end no clear. */
static void a_kill_that_does_not_take(void **state)
{
	struct world *w = *state;

	yarn_app(w);
	w->spark.kill_works = false;
	retry_with(w, "");
	scene_until(w, RULE_ACTION_RETRY, ACTION_UNCONFIRMED);
	assert_true(fake_log_count("its cluster manager says that it runs") > 0);
	assert_true(w->spark.kills > 0);
	assert_string_equal(w->airflow.sent, "F");
}

/* Within the waiting time, after a look that says the app runs. */
static void a_kill_whose_answer_is_lost_is_repeated(void **state)
{
	struct world *w = *state;
	struct fake_app *a = yarn_app(w);

	fake_set(&w->fake, "PUT " RM_APP "/state*",
		(struct fake_answer){.status = 500, .body = "no", .times = 2});
	world_configure(
		w, "mode = act", WORLD_YARN WORLD_AIRFLOW, "action = retry\nend_timeout = 8s\n");
	world_begin(w);
	scene_until_confirmed(w);
	assert_int_equal(fake_n_asked(&w->fake, "PUT *"), 3);
	assert_int_equal(w->spark.kills, 1);
	assert_string_equal(a->state, "KILLED");
}

static void forget_all(void *userdata)
{
	struct world *w = userdata;

	w->spark.n_apps = 0;
}

static void an_app_that_is_forgotten_has_not_ended(void **state)
{
	struct world *w = *state;

	yarn_app(w);
	w->airflow.failed = forget_all;
	w->airflow.userdata = w;
	retry_with(w, "");
	scene_until(w, RULE_ACTION_RETRY, ACTION_UNCONFIRMED);
	assert_true(fake_log_count("app with id: " SCENE_YARN_APP " not found") > 0);
	assert_string_equal(w->airflow.sent, "F");
}

static void a_pair_of_which_the_first_is_no_help(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
	} rows[] = {
		{"standby",
			{.status = 307,
				.type = "text/plain",
				.body = "This is standby RM. The redirect url is: http://x/\n"}},
		{"no active one",
			{.status = 200,
				.type = "text/plain",
				.body = "Can not find any active RM. Will retry in next 1 "
					"seconds.\n"}},
		{"refused", {.error = -ECONNREFUSED}},
		{"hangs", {.hangs = true}},
		{"garbage", {.status = 200, .type = "application/json", .body = "\xff{{["}},
		{"500", {.status = 500, .body = "no"}},
	};

	for_each_row(r, rows)
	{
		struct world *w;

		scene_anew(state);
		w = *state;
		yarn_app(w);
		fake_set(&w->fake, "* " OTHER_RM "/*", r->answer);
		world_start(w, "mode = act",
			"[spark y]\ntype = yarn\nurl = " OTHER_RM "\nurl = " FAKE_RM
			"\ntimeout = 1s\n" WORLD_AIRFLOW,
			"action = retry");
		scene_until_confirmed(w);
		assert_true(fake_n_asked(&w->fake, "* " OTHER_RM "/*") > 0);
		assert_string_equal(w->spark.apps[0].state, "KILLED");
	}
}

/* Only configured addresses are asked, wherever a standby's redirect leads. */
static void no_redirect_is_followed(void **state)
{
	struct world *w = *state;

	yarn_app(w);
	fake_set(&w->fake, "* " FAKE_RM "/*",
		(struct fake_answer){.status = 307,
			.type = "text/plain",
			.body = "This is standby RM. The redirect url is: http://stranger/\n"});
	world_start(w, "mode = act", WORLD_YARN, "action = notify");
	world_until(w, fake_log_count("a standby ResourceManager"));
	assert_int_equal((int)world_metric(w, "stagewatch_up{spark_cluster=\"y\"}"), 0);
	assert_int_equal(fake_n_asked(&w->fake, "* http://stranger*"), 0);
}

/* Without password_file the user's name goes into every query, as Hadoop's simple authentication
 * wants it. With one, it is basic authentication, and the driver behind the proxy gets neither. */
static void user_name(void **state)
{
	struct world *w = *state;

	yarn_app(w);
	w->spark.owner = "etl";
	retry_with(w, "username = etl");
	scene_until_confirmed(w);
	for (size_t i = 0; i < w->fake.n_asked; i++)
		if (strstr(w->fake.asked[i].what, FAKE_RM)) {
			assert_string_equal(w->fake.asked[i].as.username, "etl");
			assert_null(w->fake.asked[i].as.password);
		}
}

static void a_kill_that_is_denied(void **state)
{
	struct world *w = *state;

	yarn_app(w);
	w->spark.owner = "etl";
	retry_with(w, "username = bob");
	scene_until(w, RULE_ACTION_RETRY, ACTION_UNCONFIRMED);
	assert_true(fake_log_count("Unauthorized attempt to kill appid " SCENE_YARN_APP) > 0);
	assert_string_equal(w->airflow.sent, "F");
}

static void freeze(void *userdata)
{
	struct world *w = userdata;

	fake_set(&w->fake, "GET " FAKE_RM "/proxy/*", (struct fake_answer){.hangs = true});
}

/* Its proxy answers after a minute; the ResourceManager itself answers at once. */
static void a_driver_that_freezes_is_killed(void **state)
{
	struct world *w = *state;

	yarn_app(w);
	w->airflow.failed = freeze;
	w->airflow.userdata = w;
	retry_with(w, "");
	scene_until_confirmed(w);
	assert_int_equal(w->spark.kills, 1);
}

static void a_frozen_driver_is_unobservable(void **state)
{
	struct world *w = *state;
	size_t n;

	yarn_app(w);
	world_start(w, "mode = act", WORLD_YARN, "action = notify");
	world_until(w, *world_verdict(w, SCENE_YARN_APP));
	freeze(w);
	world_until(w, detector_app_at(w->manager->detector, 0)->verdict == VERDICT_UNOBSERVABLE);
	n = fake_n_asked(&w->fake, "GET */cluster/apps*");
	world_run(w, 5 * USEC_PER_SEC);
	assert_true(fake_n_asked(&w->fake, "GET */cluster/apps*") >= n + 4);
}

/* The same app id and stage id with another start is another app: its clocks begin anew. */
static void a_second_attempt_of_a_driver(void **state)
{
	struct world *w = *state;
	struct fake_app *a = yarn_app(w);

	world_start(w, "mode = act", WORLD_YARN, "action = notify");
	world_until(w, world_is_hung(w, SCENE_YARN_APP));
	a->started += USEC_PER_MINUTE;
	world_until(w, !world_is_hung(w, SCENE_YARN_APP));
	assert_true(world_incident(w, 0)->ended > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(found_and_recovers_by_itself),
		story(which_attempt_it_is_is_asked_at_each_poll),
		story(retry_kills_at_the_resource_manager),
		story(an_app_that_ends_with_its_task_is_not_killed),
		story(a_kill_that_does_not_take),
		story(a_kill_whose_answer_is_lost_is_repeated),
		story(an_app_that_is_forgotten_has_not_ended),
		story(a_pair_of_which_the_first_is_no_help),
		story(no_redirect_is_followed),
		story(user_name),
		story(a_kill_that_is_denied),
		story(a_driver_that_freezes_is_killed),
		story(a_frozen_driver_is_unobservable),
		story(a_second_attempt_of_a_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
