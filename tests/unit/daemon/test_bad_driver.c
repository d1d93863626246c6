/* SPDX-License-Identifier: Apache-2.0
 * A driver or a master that misbehaves: one line with its URL, a metric, no action, and nobody else
 * waits for it. What each answer is called is in tests/unit/watch/test_blind.c. */
#include "scene.h"

#define GOOD "http://d2:4040"
#define BAD "[spark bad]\ntype = driver\nurl = " SCENE_D1 "\ntimeout = 1s\n"
#define DRIVERS BAD "[spark good]\ntype = driver\nurl = " GOOD "\ntimeout = 1s\n"

/* The verdict on an app as a whole; "": it is not there. */
static const char *app_verdict(struct world *w, const char *app_id)
{
	const cJSON *app;

	cJSON_ArrayForEach(app, cJSON_GetObjectItem(world_json(w, "/api/v1/stages"), "apps"))
	{
		if (str_equal(cJSON_GetStringValue(cJSON_GetObjectItem(app, "app_id")), app_id))
			return cJSON_GetStringValue(cJSON_GetObjectItem(app, "verdict"));
	}
	return "";
}

static bool is(struct world *w, const char *app_id, const char *verdict)
{
	return str_equal(app_verdict(w, app_id), verdict);
}

static int up(struct world *w, const char *cluster)
{
	char series[64];

	(void)snprintf(series, sizeof(series), "stagewatch_up{spark_cluster=\"%s\"}", cluster);
	return (int)world_metric(w, series);
}

static int n_errors(struct world *w, const char *cluster, const char *reason)
{
	char series[128];

	(void)snprintf(series, sizeof(series),
		"stagewatch_poll_errors_total{spark_cluster=\"%s\",reason=\"%s\"}", cluster,
		reason);
	return (int)world_metric(w, series);
}

/* At the pace of one a second, whatever hangs beside it. */
static void polls_go_on(struct world *w, const char *pattern)
{
	size_t had = fake_n_asked(&w->fake, pattern);

	world_run(w, 5 * USEC_PER_SEC);
	assert_true(fake_n_asked(&w->fake, pattern) >= had + 4);
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

/* Unknown is never hung, and never acted upon. */
static void judge_bad_driver(struct world *w, const char *pattern, const char *reason)
{
	world_until(w, n_errors(w, "bad", reason) >= 2);
	polls_go_on(w, "GET " GOOD "/*stages?*");
	world_until(w, is(w, "app-1", "unobservable"));
	assert_int_equal(fake_log_count("it is asked again"), 1);
	assert_int_equal(up(w, "bad"), 0);
	assert_int_equal(up(w, "good"), 1);
	assert_string_not_equal(world_verdict(w, "app-1"), "hung");
	assert_string_equal(w->airflow.sent, "");
	assert_string_equal(world_actions(w, RULE_ACTION_RETRY), "0 0 0 0 0");
	fake_unset(&w->fake, pattern);
	world_until(w, is(w, "app-1", "progressing"));
	assert_int_equal(fake_log_count("answers again"), 1);
}

static void a_bad_driver(void **state)
{
	_cleanup_free_ char *nested = deep();
	static const char stages[] = "GET " SCENE_D1 "/*stages?*";
	static const char apps[] = "GET " SCENE_D1 "/api/v1/applications";
	const struct {
		const char *name;
		const char *pattern;
		struct fake_answer answer;
		const char *reason;
	} rows[] = {
		{"hangs", stages, {.hangs = true}, "timeout"},
		{"garbage", stages,
			{.status = 200, .type = "application/json", .body = "\xff\xfe{{{[["},
			"not_json"},
		{"html", stages, {.status = 200, .type = "text/html", .body = "<html>Hello</html>"},
			"content_type"},
		{"starting", apps,
			{.status = 200,
				.type = "text/html;charset=utf-8",
				.body = "Spark is starting up. Please wait a while until it's "
					"ready."},
			"starting"},
		{"cut short", stages, {.error = -ECONNRESET}, "cut"},
		{"huge", stages, {.error = -EMSGSIZE}, "too_large"},
		{"deep", stages, {.status = 200, .type = "application/json", .body = nested},
			"malformed"},
		{"another shape", stages,
			{.status = 200, .type = "application/json", .body = "{\"stages\":{}}"},
			"malformed"},
		{"500", stages, {.status = 500, .body = "no"}, "http_status"},
		{"403", apps, {.status = 403, .body = "no"}, "http_status"},
		{"another app", stages,
			{.status = 404, .type = "text/plain", .body = "no such app"}, "changed"},
	};

	for_each_row(r, rows)
	{
		struct world *w;

		scene_anew(state);
		w = *state;
		scene_app(w)->moving = true;
		fake_spark_add(&w->spark, "app-2", GOOD, "")->moving = true;
		world_start(w, "mode = act", DRIVERS WORLD_AIRFLOW, "action = retry");
		world_until(w, *world_verdict(w, "app-1") && *world_verdict(w, "app-2"));
		fake_set(&w->fake, r->pattern, r->answer);
		judge_bad_driver(w, r->pattern, r->reason);
	}
}

/* Its driver, known from before, is still asked; so is the other cluster. */
static void a_bad_master(void **state)
{
	_cleanup_free_ char *nested = deep();
	const struct {
		const char *name;
		struct fake_answer answer;
	} rows[] = {
		{"hangs", {.hangs = true}},
		{"garbage", {.status = 200, .type = "application/json", .body = "\xff\xfe{{{[["}},
		{"html", {.status = 200, .type = "text/html", .body = "<html>Hello</html>"}},
		{"cut short", {.error = -ECONNRESET}},
		{"huge", {.error = -EMSGSIZE}},
		{"deep", {.status = 200, .type = "application/json", .body = nested}},
	};

	for_each_row(r, rows)
	{
		struct world *w;

		scene_anew(state);
		w = *state;
		scene_app(w)->moving = true;
		world_start(w, "mode = act",
			WORLD_MASTER "[spark good]\ntype = driver\nurl = " GOOD "\ntimeout = 1s\n",
			"action = notify");
		fake_spark_add(&w->spark, "app-2", GOOD, "")->state = "elsewhere";
		world_until(w, *world_verdict(w, "app-1"));
		fake_set(&w->fake, "GET " FAKE_MASTER "/*", r->answer);
		world_until(w, up(w, "m") == 0);
		polls_go_on(w, "GET " SCENE_D1 "/*stages?*");
		polls_go_on(w, "GET " GOOD "/*stages?*");
		assert_int_equal(fake_log_count("it is asked again"), 1);
		fake_unset(&w->fake, "GET " FAKE_MASTER "/*");
		world_until(w, up(w, "m") == 1);
	}
}

static void a_refused_port_ends_a_bare_app(void **state)
{
	struct world *w = *state;
	struct fake_app *a = scene_app(w);

	world_start(w, "mode = observe", BAD, "action = notify");
	world_until(w, *app_verdict(w, "app-1"));
	a->gone = true;
	world_until(w, !*app_verdict(w, "app-1"));
	assert_int_equal((int)world_metric(w, "stagewatch_apps{spark_cluster=\"bad\"}"), 0);
}

static void another_app_on_the_port(void **state)
{
	struct world *w = *state;
	struct fake_app *a = scene_app(w);

	world_start(w, "mode = observe", BAD, "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	a->id = "app-2";
	a->started += USEC_PER_SEC;
	world_until(w, *world_verdict(w, "app-2"));
	assert_string_equal(app_verdict(w, "app-1"), "");
	assert_string_equal(world_verdict(w, "app-2"), "progressing");
}

/* Never seen, and its master says that it runs. */
static void a_frozen_driver_of_a_master_is_unobservable(void **state)
{
	struct world *w = *state;

	scene_app(w);
	fake_spark_add(&w->spark, "app-2", GOOD, "")->stage = -1;
	fake_set(&w->fake, "GET " SCENE_D1 "/*", (struct fake_answer){.hangs = true});
	world_start(w, "mode = observe", WORLD_MASTER, "action = notify");
	world_until(w, is(w, "app-1", "unobservable"));
	assert_int_equal(
		(int)world_metric(
			w, "stagewatch_app_verdicts{spark_cluster=\"m\",verdict=\"unobservable\"}"),
		1);
	assert_int_equal(up(w, "m"), 1);
	polls_go_on(w, "GET " GOOD "/*stages?*");
	fake_app_end(&w->spark.apps[0], "FINISHED");
	world_until(w, !*app_verdict(w, "app-1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(a_bad_driver),
		story(a_bad_master),
		story(a_refused_port_ends_a_bare_app),
		story(another_app_on_the_port),
		story(a_frozen_driver_of_a_master_is_unobservable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
