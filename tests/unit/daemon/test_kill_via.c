/* SPDX-License-Identifier: Apache-2.0
 * kill_via: an app that does not end with its task, ended by Spark's own kills. */
#include "scene.h"

#define TWO_JOBS                                                                                   \
	"[{\"jobId\":0,\"status\":\"RUNNING\",\"stageIds\":[7]},"                                  \
	"{\"jobId\":3,\"status\":\"RUNNING\",\"stageIds\":[6,7]},"                                 \
	"{\"jobId\":5,\"status\":\"RUNNING\",\"stageIds\":[8]}]"

static void end_it(void *userdata, struct fake_app *a)
{
	(void)userdata;
	fake_app_end(a, "FINISHED");
}

static void end_it_at_the_second(void *userdata, struct fake_app *a)
{
	(void)userdata;
	if (strchr(a->killed, ' '))
		fake_app_end(a, "FINISHED");
}

static void kill_via(struct world *w, const char *via, const char *action)
{
	_cleanup_free_ char *rule = NULL;

	assert_true(str_printf(&rule, "action = %s\nretry_via = auto\nkill_via = %s\n", action,
			    via) >= 0);
	scene_act(w, rule);
}

/* By the page's own form and token, behind a proxy that takes GET alone too; Spark 3.5 has a link
 * and no token. */
static void killed_as_the_page_says(void **state)
{
	static const struct {
		const char *name;
		const char *via;
		bool links;
		bool by_get;
		const char *killed;
	} rows[] = {
		{"a stage by POST", "stage", false, false, "s7"},
		{"a stage by GET", "stage", false, true, "s7"},
		{"a stage of 3.5", "stage", true, false, "s7"},
		{"a job by POST", "job", false, false, "j0"},
		{"a job by GET", "job", false, true, "j0"},
		{"a job of 3.5", "job", true, false, "j0"},
	};

	for_each_row(r, rows)
	{
		struct world *w;
		struct fake_app *a;

		scene_anew(state);
		w = *state;
		w->spark.stage_killed = end_it;
		a = scene_stubborn(w);
		a->links = r->links;
		a->by_get = r->by_get;
		kill_via(w, r->via, "kill");
		scene_until(w, RULE_ACTION_KILL, ACTION_CONFIRMED);
		assert_string_equal(a->killed, r->killed);
		assert_int_equal(w->spark.kills, 0);
	}
}

static void every_job_of_the_stage(void **state)
{
	struct world *w = *state;
	struct fake_app *a = scene_stubborn(w);

	a->jobs = TWO_JOBS;
	w->spark.stage_killed = end_it_at_the_second;
	kill_via(w, "job", "kill");
	scene_until(w, RULE_ACTION_KILL, ACTION_CONFIRMED);
	assert_string_equal(a->killed, "j0 j3");
}

/* Its code may catch the exception: a kill of the stage is no end of the app. */
static void an_app_that_goes_on_without_its_stage(void **state)
{
	struct world *w = *state;
	struct fake_app *a = scene_stubborn(w);

	kill_via(w, "stage", "retry");
	scene_until(w, RULE_ACTION_RETRY, ACTION_UNCONFIRMED);
	assert_true(*a->killed);
	assert_string_equal(w->airflow.sent, "F");
}

static const struct {
	const char *name;
	const char *pattern; /* NULL: no running job has the stage */
	struct fake_answer answer;
	const char *words;
} no_kills[] = {
	{"no form", "GET " SCENE_D1 "/stages/",
		{.status = 200, .type = "text/html", .body = "<html>no kill here</html>"},
		"the driver's page offers no kill"},
	{"403", "POST */kill/*", {.status = 403}, "the driver refused the kill: status 403"},
	{"another app", "GET */jobs[?]*", {.status = 404, .body = "unknown app"},
		"another app answers there"},
	{"no job", NULL, {0}, "no running job uses the stage"},
};

static size_t no_kill_at;

static void after_the_task(void *userdata)
{
	struct world *w = userdata;

	if (no_kills[no_kill_at].pattern)
		fake_set(&w->fake, no_kills[no_kill_at].pattern, no_kills[no_kill_at].answer);
	else
		w->spark.apps[0].jobs = "[{\"jobId\":9,\"status\":\"RUNNING\",\"stageIds\":[99]}]";
}

static void a_driver_that_does_not_kill(void **state)
{
	for_each_row(r, no_kills)
	{
		struct world *w;

		no_kill_at = (size_t)(r - no_kills);
		scene_anew(state);
		w = *state;
		scene_stubborn(w);
		w->airflow.failed = after_the_task;
		w->airflow.userdata = w;
		kill_via(w, "stage", "kill");
		scene_until(w, RULE_ACTION_KILL, ACTION_UNCONFIRMED);
		assert_true(fake_log_count(r->words) > 0);
		assert_string_equal(w->spark.apps[0].killed, "");
	}
}

/* A driver that the configuration names gets its credentials; one that a master names does not. */
static void credentials(void **state)
{
	struct world *w = *state;
	size_t n = 0;

	w->spark.stage_killed = end_it;
	scene_stubborn(w);
	world_start(w, "mode = act",
		"[spark one]\ntype = driver\nurl = " SCENE_D1
		"\nusername = ui\npassword_file = @/password\n" WORLD_AIRFLOW,
		"action = kill\nretry_via = auto\nkill_via = stage\n");
	world_until(w, *w->spark.apps[0].killed);
	for (size_t i = 0; i < w->fake.n_asked; i++)
		if (strstr(w->fake.asked[i].what, SCENE_D1)) {
			n++;
			assert_string_equal(w->fake.asked[i].as.username, "ui");
			assert_string_equal(w->fake.asked[i].as.password, WORLD_PASSWORD);
		}
	assert_true(n > 0);
	scene_anew(state);
	w = *state;
	w->spark.stage_killed = end_it;
	scene_stubborn(w);
	world_start(w, "mode = act",
		WORLD_MASTER "username = ui\npassword_file = @/password\n" WORLD_AIRFLOW,
		"action = kill\nretry_via = auto\nkill_via = stage\n");
	world_until(w, *w->spark.apps[0].killed);
	for (size_t i = 0; i < w->fake.n_asked; i++)
		if (strstr(w->fake.asked[i].what, SCENE_D1))
			assert_null(w->fake.asked[i].as.username);
		else if (strstr(w->fake.asked[i].what, FAKE_MASTER))
			assert_string_equal(w->fake.asked[i].as.username, "ui");
}

static void on_look_it_moves_on(struct world *w, const char *what)
{
	struct fake_app *a = &w->spark.apps[0];

	if (fnmatch("GET */taskInstances/t", what, 0) != 0 || a->stage != 7)
		return;
	a->moving = true;
	a->stage = 8;
	a->completed = 3;
}

/* Airflow has a retry left. The stage is over by the time of the kill: the app is not failed on
 * what was seen before. */
static void a_kill_that_hit_nothing(void **state)
{
	struct world *w = *state;

	scene_stubborn(w);
	w->airflow.max_tries = 2;
	w->asked = on_look_it_moves_on;
	kill_via(w, "job", "retry");
	scene_until(w, RULE_ACTION_RETRY, ACTION_UNCONFIRMED);
	assert_true(fake_log_count("is left alone: when checked again, it was no longer hung") > 0);
	assert_string_equal(w->airflow.sent, "");
	assert_string_equal(w->spark.apps[0].killed, "");
}

/* Its port is on this host, its process is no JVM (the end of a tunnel, say): nothing is killed,
 * nothing is cleared. */
static void a_driver_elsewhere_is_no_process_of_ours(void **state)
{
	struct world *w = *state;

	scene_stubborn(w);
	world_start(w, "mode = act",
		"[spark one]\ntype = driver\nurl = " SCENE_D1 "\n" WORLD_AIRFLOW,
		"action = retry\nretry_via = auto\nkill_via = driver\n");
	scene_until(w, RULE_ACTION_RETRY, ACTION_UNCONFIRMED);
	assert_string_equal(w->airflow.sent, "F");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(killed_as_the_page_says),
		story(every_job_of_the_stage),
		story(an_app_that_goes_on_without_its_stage),
		story(a_driver_that_does_not_kill),
		story(credentials),
		story(a_kill_that_hit_nothing),
		story(a_driver_elsewhere_is_no_process_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
