/* SPDX-License-Identifier: Apache-2.0
 * Kill and retry: the whole sequence, whom it does not touch, and an Airflow that misbehaves at
 * every step. */
#include "scene.h"

static void retry_all_well(void **state)
{
	struct world *w = *state;

	scene_app(w);
	scene_retry(w);
	scene_until_confirmed(w);
	assert_string_equal(world_actions(w, RULE_ACTION_RETRY), "0 1 1 0 0");
	assert_string_equal(w->airflow.sent, "FC");
	assert_int_equal(w->spark.kills, 0);
	world_until(w, world_incident(w, 0)->ended > 0);
	assert_int_equal(world_incident(w, 0)->response.outcome, OUTCOME_RECOVERED);
	/* Before the task is failed, and before it is cleared. */
	assert_int_equal(fake_n_asked(&w->fake, "POST */api/v2/dags/d/clearTaskInstances"), 3 + 1);
	assert_null(strstr(fake_log(), WORLD_PASSWORD));
	assert_null(strstr(fake_log(), "t0ken"));
}

/* Neither the password, nor how it is sent, nor the token: wherever it is shown. */
static void who_says_a_secret_again(void **state)
{
	static const char *const secrets[] = {
		WORLD_PASSWORD, "d2F0Y2hkb2c6czNjcmV0LW9mLXRoZS10ZXN0", "t0ken"};
	static const char *const places[] = {
		"/api/v1/status", "/api/v1/incidents", "/api/v1/stages", "/metrics"};
	struct world *w = *state;

	fake_set(&w->fake, "PATCH */taskInstances/t",
		(struct fake_answer){.status = 403,
			.type = "application/json",
			.body = "{\"detail\": \"Not with " WORLD_PASSWORD
				" of Basic d2F0Y2hkb2c6czNjcmV0LW9mLXRoZS10ZXN0, "
				"nor Bearer t0ken-1\"}"});
	fake_set(&w->fake, "GET " FAKE_MASTER "*",
		(struct fake_answer){.status = 200, .type = "text/" WORLD_PASSWORD, .body = "?"});
	scene_app(w);
	world_start(w, "mode = act",
		WORLD_MASTER WORLD_AIRFLOW "[spark d]\ntype = driver\nurl = " SCENE_D1 "\n",
		"action = retry");
	world_until(w, fake_log_count("Not with *** of Basic ") > 0);
	assert_true(fake_log_count("answered 200 with text/***, not JSON") > 0);
	each_row(i, places)
	{
		_cleanup_free_ char *text = world_get(w, places[i], NULL, NULL);

		for (size_t k = 0; k < ELEMENTSOF(secrets); k++)
			assert_null(strstr(text, secrets[k]));
	}
	each_row(i, secrets) assert_null(strstr(fake_log(), secrets[i]));
	assert_true(scene_told(w, "Not with ***"));
}

static void clears_and_notes_say_what(void **state)
{
	struct world *w = *state;
	bool clear = false;
	bool fail = false;

	scene_app(w);
	scene_retry(w);
	scene_until_confirmed(w);
	for (size_t i = 0; i < w->fake.n_asked; i++) {
		const char *body = w->fake.asked[i].body;

		if (!body)
			continue;
		fail = fail || (strstr(body, "\"new_state\":\"failed\"") &&
				       strstr(body, "stagewatchd: Spark stage 7 of app-1 was "
						    "hung: (0 + "));
		clear = clear ||
			str_equal(body,
				"{\"dry_run\":false,\"dag_run_id\":\"r\",\"task_ids\":[\"t\"],"
				"\"only_failed\":true,\"include_downstream\":true,"
				"\"reset_dag_runs\":true}");
	}
	assert_true(fail);
	assert_true(clear);
}

static void kill_all_well(void **state)
{
	struct world *w = *state;

	scene_app(w);
	scene_act(w, "action = kill");
	scene_until(w, RULE_ACTION_KILL, ACTION_CONFIRMED);
	assert_string_equal(world_actions(w, RULE_ACTION_KILL), "0 1 1 0 0");
	assert_string_equal(w->airflow.sent, "F");
	world_until(w, world_incident(w, 0)->ended > 0);
	assert_int_equal(world_incident(w, 0)->response.outcome, OUTCOME_ENDED);
}

/* Airflow 2 takes a note apart from the fail. */
static void retry_in_airflow_2(void **state)
{
	struct world *w = *state;

	fake_airflow_init(&w->airflow, true);
	scene_app(w);
	scene_retry(w);
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "NFC");
	assert_int_equal(fake_n_asked(&w->fake, "PATCH */setNote"), 1);
}

static void kill_in_airflow_2(void **state)
{
	struct world *w = *state;

	fake_airflow_init(&w->airflow, true);
	scene_app(w);
	scene_act(w, "action = kill");
	scene_until(w, RULE_ACTION_KILL, ACTION_CONFIRMED);
	assert_string_equal(w->airflow.sent, "NF");
}

static void observe_changes_nothing(void **state)
{
	struct world *w = *state;

	scene_app(w);
	world_start(w, "mode = observe", WORLD_MASTER WORLD_AIRFLOW, "action = retry");
	scene_until(w, RULE_ACTION_RETRY, ACTION_DRY_RUN);
	world_run(w, 10 * USEC_PER_SEC);
	assert_string_equal(world_actions(w, RULE_ACTION_RETRY), "1 0 0 0 0");
	assert_int_equal(world_incident(w, 0)->ended, 0);
	assert_string_equal(w->airflow.sent, "");
	assert_int_equal(fake_n_asked(&w->fake, "P*"), fake_n_asked(&w->fake, "POST */auth/token"));
}

static void killed_at_the_master(void **state)
{
	struct world *w = *state;
	struct fake_app *a = scene_stubborn(w);

	scene_retry(w);
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "FC");
	assert_int_equal(w->spark.kills, 1);
	assert_string_equal(a->state, "KILLED");
	assert_true(fake_first_asked(&w->fake, "PATCH */taskInstances/t") <
		    fake_first_asked(&w->fake, "POST */app/kill*"));
	assert_true(fake_first_asked(&w->fake, "POST */app/kill*") <
		    fake_first_asked(&w->fake, "POST *clearTask* *\"dry_run\":false*"));
}

/* Spark 3.5 wants no token. */
static void killed_at_an_old_master(void **state)
{
	struct world *w = *state;

	w->spark.no_token = true;
	scene_stubborn(w);
	scene_act(w, "action = kill");
	scene_until(w, RULE_ACTION_KILL, ACTION_CONFIRMED);
	assert_string_equal(w->airflow.sent, "F");
	assert_int_equal(w->spark.kills, 1);
}

static void an_end_that_is_not_confirmed_is_not_cleared(void **state)
{
	struct world *w = *state;

	w->spark.kill_works = false;
	scene_stubborn(w);
	scene_retry(w);
	scene_until(w, RULE_ACTION_RETRY, ACTION_UNCONFIRMED);
	world_run(w, 10 * USEC_PER_SEC);
	assert_string_equal(world_actions(w, RULE_ACTION_RETRY), "0 1 0 1 0");
	assert_int_equal(w->manager->incidents.n, 1);
	assert_int_equal(world_incident(w, 0)->ended, 0);
	assert_int_equal(world_incident(w, 0)->response.outcome, OUTCOME_UNCONFIRMED);
	assert_int_equal(fake_log_count("unconfirmed: the end of the app is not confirmed"), 1);
	assert_string_equal(w->airflow.sent, "F");
	assert_int_equal(w->spark.kills, 1);
}

static void a_bare_driver_that_lives_on_is_not_confirmed(void **state)
{
	struct world *w = *state;

	scene_stubborn(w);
	world_start(w, "mode = act",
		"[spark one]\ntype = driver\nurl = " SCENE_D1 "\n" WORLD_AIRFLOW, "action = retry");
	scene_until(w, RULE_ACTION_RETRY, ACTION_UNCONFIRMED);
	assert_string_equal(w->airflow.sent, "F");
}

#define OWNER(task, try)                                                                           \
	",[\"spark.airflow.dag_id\",\"d\"],[\"spark.airflow.run_id\",\"r\"],"                      \
	"[\"spark.airflow.task_id\",\"" task "\"],[\"spark.airflow.map_index\",\"-1\"]"            \
	try
#define OWNER_MAPPED                                                                               \
	",[\"spark.airflow.dag_id\",\"d\"],[\"spark.airflow.run_id\",\"r\"],"                      \
	"[\"spark.airflow.task_id\",\"t\"],[\"spark.airflow.map_index\",\"2\"],"                   \
	"[\"spark.airflow.try_number\",\"1\"]"
#define TRY(n) ",[\"spark.airflow.try_number\",\"" n "\"]"

static void mapped_task(void **state)
{
	struct world *w = *state;

	scene_app(w)->properties = OWNER_MAPPED;
	w->airflow.map_index = 2;
	scene_retry(w);
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "FC");
	assert_int_equal(fake_n_asked(&w->fake, "PATCH */taskInstances/t/2"), 1);
	assert_int_equal(fake_n_asked(&w->fake, "PATCH */dagRuns/r/*/t/2/dry_run"), 1);
	assert_int_equal(fake_n_asked(&w->fake, "PATCH *"), 3);
}

static void owner_in_doubt(void **state)
{
	static const struct {
		const char *name;
		const char *properties;
		const char *text;
	} rows[] = {
		{"none", "", "its owner in Airflow is not known"},
		{"no try", OWNER("t", ""), "does not say which try"},
		{"another try", OWNER("t", TRY("2")), "another try than the one"},
		{"another task", OWNER("other", TRY("1")), "the task instance could not be read"},
	};

	for_each_row(r, rows)
	{
		scene_anew(state);
		scene_app(*state)->properties = r->properties;
		scene_retry(*state);
		scene_refused(*state, r->text);
	}
}

static void task_in_doubt(void **state)
{
	static const struct {
		const char *name;
		const char *state;
		const char *started;
		const char *text;
	} rows[] = {
		{"success", "success", NULL, "the task instance is success, not running"},
		{"failed", "failed", NULL, "the task instance is failed, not running"},
		{"up_for_retry", "up_for_retry", NULL,
			"the task instance is up_for_retry, not running"},
		{"up_for_reschedule", "up_for_reschedule", NULL,
			"the task instance is up_for_reschedule, not running"},
		{"later than the app", "running", "2026-09-21T15:13:20.000000+00:00",
			"started after the app"},
	};

	for_each_row(r, rows)
	{
		struct world *w;

		scene_anew(state);
		w = *state;
		scene_app(w);
		w->airflow.state = r->state;
		if (r->started)
			w->airflow.start_date = r->started;
		scene_retry(w);
		scene_refused(w, r->text);
	}
}

static void two_live_apps_of_one_task(void **state)
{
	struct world *w = *state;

	scene_app(w);
	fake_spark_add(&w->spark, "app-2", "http://d2:4040", WORLD_OWNER)->stage = -1;
	scene_retry(w);
	scene_refused(w, "another live app that is not hung");
}

/* The one that is acted upon ends: the task is not cleared beside the other. */
static void two_hung_apps_of_one_task(void **state)
{
	struct world *w = *state;

	scene_stubborn(w);
	fake_spark_add(&w->spark, "app-2", "http://d2:4040", WORLD_OWNER);
	scene_retry(w);
	world_until(w, world_n_actions(w, RULE_ACTION_RETRY, ACTION_UNCONFIRMED) > 0);
	assert_true(fake_log_count("its task instance is not cleared: another app of it is still "
				   "there, app-") > 0);
	assert_string_equal(w->airflow.sent, "F");
	assert_int_equal(w->spark.kills, 1);
}

static void two_hung_apps_that_end(void **state)
{
	struct world *w = *state;

	scene_app(w);
	fake_spark_add(&w->spark, "app-2", "http://d2:4040", WORLD_OWNER);
	scene_retry(w);
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "FC");
}

static void on_run_asked_it_moves(struct world *w, const char *what)
{
	if (fnmatch("GET */monitor/health", what, 0) != 0)
		w->spark.apps[0].moving =
			fake_n_asked(&w->fake, "GET */dagRuns/r") > 0 || w->spark.apps[0].moving;
}

/* Polls go on while Airflow is slow, and what they say counts. */
static void evidence_grows_old_while_airflow_is_slow(void **state)
{
	struct world *w = *state;

	scene_app(w);
	w->asked = on_run_asked_it_moves;
	fake_set(&w->fake, "GET */dagRuns/r",
		(struct fake_answer){.status = 200,
			.type = "application/json",
			.body = "{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"state\":\"running\"}",
			.after = 5 * USEC_PER_SEC});
	world_start(w, "mode = act",
		WORLD_MASTER "[airflow main]\nurl = " FAKE_AIRFLOW
			     "\nusername = u\npassword_file = @/password\ntimeout = 15s\n",
		"action = retry");
	world_until(w, fake_log_count("retry of app-1: refused: by now it is no longer hung"));
	assert_int_equal(fake_n_asked(&w->fake, "GET */dagRuns/r"), 1);
	assert_string_equal(world_actions(w, RULE_ACTION_RETRY), "0 0 0 0 0");
	assert_string_equal(w->airflow.sent, "");
}

static void on_lost_clear_it_takes_late(struct world *w, const char *what)
{
	(void)what;
	if (w->mark == 0 &&
		fake_n_asked(&w->fake, "POST *clearTaskInstances *\"dry_run\":false*") > 0)
		w->mark = w->fake.now;
	if (w->mark > 0 && w->fake.now >= w->mark + 3 * USEC_PER_SEC &&
		str_equal(w->airflow.state, "failed")) {
		w->airflow.state = "queued";
		w->airflow.id = w->airflow.try_number = 2;
	}
}

/* After its answer was given up, and after the look that did not show it. */
static void a_clear_that_takes_late(void **state)
{
	struct world *w = *state;

	scene_app(w);
	w->asked = on_lost_clear_it_takes_late;
	fake_set(&w->fake, "POST *clearTaskInstances *\"dry_run\":false*",
		(struct fake_answer){.hangs = true, .times = 1});
	scene_retry(w);
	scene_until_confirmed(w);
	assert_int_equal(w->airflow.try_number, 2);
	assert_string_equal(w->airflow.sent, "F");
}

static void who_may_not_clear_fails_nothing(void **state)
{
	struct world *w = *state;

	scene_app(w);
	fake_set(&w->fake, "POST *clearTaskInstances",
		(struct fake_answer){.status = 403,
			.type = "application/json",
			.body = "{\"detail\":\"Forbidden\"}"});
	scene_retry(w);
	scene_until(w, RULE_ACTION_RETRY, ACTION_FAILED);
	assert_true(fake_log_count("answered 403: Forbidden") > 0);
	assert_true(fake_log_count("Airflow did not fail the task instance") > 0);
	assert_string_equal(w->airflow.sent, "");
}

static void end_and_begin_anew(void *userdata)
{
	static const char *const ids[] = {"app-1", "app-2", "app-3"};
	static const char *const urls[] = {SCENE_D1, "http://d2:4040", "http://d3:4040"};
	static const char *const owners[] = {NULL, OWNER("t", TRY("2")), OWNER("t", TRY("3"))};
	struct world *w = userdata;
	size_t n = w->spark.n_apps;

	fake_app_end(&w->spark.apps[n - 1], "FINISHED");
	if (n < ELEMENTSOF(ids))
		fake_spark_add(&w->spark, ids[n], urls[n], owners[n])->started = w->fake.wall;
}

/* Each new try brings a new app that hangs like the first; after two retries it is left alone. */
static void max_retries(void **state)
{
	struct world *w = *state;

	scene_app(w);
	w->airflow.failed = end_and_begin_anew;
	scene_retry(w);
	world_until(w, fake_log_count("max_retries of its task instance are used up"));
	assert_string_equal(world_actions(w, RULE_ACTION_RETRY), "0 2 2 0 0");
	assert_string_equal(w->airflow.sent, "FCFC");
}

static char *deep(void)
{
	char *text = malloc(200001);

	assert_non_null(text);
	memset(text, '[', 100000);
	memset(text + 100000, ']', 100000);
	text[200000] = '\0';
	return text;
}

static bool came_to_an_end(void)
{
	static const char *const words[] = {"retry of app-1: refused:",
		"retry of app-1: superseded:", "retry of app-1: unconfirmed:",
		"retry of app-1: failed:", "retry of app-1: recovered:", "no retry of app-1"};

	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (fake_log_count(words[i]) > 0)
			return true;
	return false;
}

static unsigned count(const char *sent, char what)
{
	unsigned n = 0;

	for (; *sent; sent++)
		n += *sent == what;
	return n;
}

static uint64_t n_airflow_errors(const struct world *w)
{
	uint64_t n = 0;

	for (size_t i = 0; i < STATS_MAX_REASONS; i++)
		n += w->manager->stats.airflows[0].errors[i];
	return n;
}

enum bad_step {
	BAD_LOGIN,
	BAD_LOOK,
	BAD_FAIL,
	BAD_DRY_CLEAR,
	BAD_CLEAR
};

static void judge_bad_airflow(struct world *w, enum bad_step step, int status)
{
	const uint64_t *n = w->manager->stats.actions[RULE_ACTION_RETRY];
	unsigned fails = (unsigned)fake_n_asked(&w->fake, "PATCH */taskInstances/t");
	unsigned clears = count(w->airflow.sent, 'C');

	if (step == BAD_LOGIN || step == BAD_LOOK) {
		assert_string_equal(w->airflow.sent, "");
		assert_int_equal(n[ACTION_REQUESTED], 0);
		assert_true(world_n_refused(w, RULE_ACTION_RETRY) >= 1);
	} else if (step == BAD_FAIL) {
		/* The task stays as it is: nothing was confirmed, and nothing cleared. */
		assert_int_equal(clears + n[ACTION_CONFIRMED], 0);
		assert_int_equal(n[ACTION_REQUESTED], 1);
		assert_true(fails <= 3);
	} else {
		assert_int_equal(n[ACTION_REQUESTED], 1);
		assert_int_equal(n[ACTION_CONFIRMED], 0);
		assert_int_equal(clears, 0);
		assert_int_equal(n[ACTION_UNCONFIRMED] + n[ACTION_FAILED], 1);
	}
	if (!(step == BAD_FAIL && status == 409)) {
		assert_true(fake_log_count(FAKE_AIRFLOW) > 0);
		assert_true(status == 409 || n_airflow_errors(w) >= 1);
	}
	assert_null(strstr(fake_log(), WORLD_PASSWORD));
	assert_null(strstr(fake_log(), "t0ken"));
}

static void bad_airflow(void **state)
{
	_cleanup_free_ char *nested = deep();
	static const char *const steps[] = {
		[BAD_LOGIN] = "POST */auth/token",
		[BAD_LOOK] = "GET */dagRuns/r/taskInstances/t",
		[BAD_FAIL] = "PATCH */taskInstances/t",
		[BAD_DRY_CLEAR] = "POST *clearTaskInstances *\"dry_run\":true*",
		[BAD_CLEAR] = "POST *clearTaskInstances *\"dry_run\":false*",
	};
	const struct {
		const char *name;
		struct fake_answer answer;
	} rows[] = {
		{"401", {.status = 401, .body = "{\"detail\":\"no\"}"}},
		{"403", {.status = 403, .body = "{\"detail\":\"no\"}"}},
		{"404", {.status = 404, .body = "{\"detail\":\"no\"}"}},
		{"409", {.status = 409, .body = "{\"detail\":\"no\"}"}},
		{"422", {.status = 422, .body = "{\"detail\":\"no\"}"}},
		{"500", {.status = 500, .body = "{\"detail\":\"no\"}"}},
		{"302", {.status = 302}},
		{"hangs", {.hangs = true}},
		{"garbage", {.status = 200, .body = "\xff\xfe{{{[["}},
		{"html", {.status = 200, .type = "text/html", .body = "<html>Hello</html>"}},
		{"cut short", {.error = -ECONNRESET}},
		{"too large", {.error = -EMSGSIZE}},
		{"deep", {.status = 200, .body = nested}},
	};

	char name[80];

	for (size_t step = 0; step < ELEMENTSOF(steps); step++)
		for_each_row(r, rows)
		{
			struct fake_answer answer = r->answer;
			struct world *w;

			scene_anew(state);
			w = *state;
			scene_app(w);
			if (!answer.type)
				answer.type = "application/json";
			fake_set(&w->fake, steps[step], answer);
			scene_retry(w);
			(void)snprintf(name, sizeof(name), "%s: %s", steps[step], r->name);
			row_at = name;
			world_until(w, came_to_an_end());
			world_run(w, 5 * USEC_PER_SEC);
			judge_bad_airflow(w, (enum bad_step)step, answer.status);
		}
}

static void airflow_is_down(void **state)
{
	struct world *w = *state;

	scene_app(w);
	fake_set(&w->fake, "* " FAKE_AIRFLOW "/*", (struct fake_answer){.error = -ECONNREFUSED});
	scene_retry(w);
	world_until(w, fake_log_count("Airflow has not answered yet"));
	assert_int_equal((int)world_metric(w, "stagewatch_airflow_up{airflow=\"main\"}"), 0);
	assert_string_equal(world_actions(w, RULE_ACTION_RETRY), "0 0 0 0 0");
	assert_int_equal(fake_log_count(FAKE_AIRFLOW), 1);
}

/* Whether it could be cleared afterwards is not known: it is not failed for that. */
static void a_clear_that_cannot_be_tried(void **state)
{
	struct world *w = *state;

	scene_app(w);
	fake_set(&w->fake, "POST *clearTask* *\"dry_run\":true*",
		(struct fake_answer){.status = 502});
	scene_retry(w);
	world_until(w, world_metric(w, "stagewatch_airflow_up{airflow=\"main\"}") > 0);
	world_run(w, 30 * USEC_PER_SEC);
	assert_true(world_is_hung(w, "app-1"));
	assert_string_equal(w->airflow.sent, "");
	assert_int_equal(w->spark.kills, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(a_clear_that_cannot_be_tried),
		story(retry_all_well),
		story(who_says_a_secret_again),
		story(clears_and_notes_say_what),
		story(kill_all_well),
		story(retry_in_airflow_2),
		story(kill_in_airflow_2),
		story(observe_changes_nothing),
		story(killed_at_the_master),
		story(killed_at_an_old_master),
		story(an_end_that_is_not_confirmed_is_not_cleared),
		story(a_bare_driver_that_lives_on_is_not_confirmed),
		story(mapped_task),
		story(owner_in_doubt),
		story(task_in_doubt),
		story(two_live_apps_of_one_task),
		story(two_hung_apps_of_one_task),
		story(two_hung_apps_that_end),
		story(evidence_grows_old_while_airflow_is_slow),
		story(a_clear_that_takes_late),
		story(who_may_not_clear_fails_nothing),
		story(max_retries),
		story(bad_airflow),
		story(airflow_is_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
