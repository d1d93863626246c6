/* SPDX-License-Identifier: Apache-2.0
 * What an app asks of its rule by its properties: what the daemon then does, says and shows. */
#include "scene.h"

#define HOOK(name, more) "[notify " name "]\nurl = http://" name "/\n" more
#define DRIVER "[spark one]\ntype = driver\nurl = " SCENE_D1 "\n"
#define ASKS(key, value) WORLD_OWNER ",[\"spark.stagewatch." key "\",\"" value "\"]"

static void start(struct world *w, const char *asks, const char *sections, const char *rule)
{
	fake_spark_add(&w->spark, "app-1", SCENE_D1, asks);
	fake_set(&w->fake, "POST http://pager/", (struct fake_answer){.status = 200});
	fake_set(&w->fake, "POST http://team/", (struct fake_answer){.status = 200});
	world_make_state(w);
	world_start(w, "mode = act", sections, rule);
}

static unsigned n_told(struct world *w, const char *notify)
{
	char url[64];

	(void)snprintf(url, sizeof(url), "POST http://%s/", notify);
	return (unsigned)fake_n_asked(&w->fake, url);
}

/* Of the only app, in what /api/v1/stages shows. */
static const cJSON *shown(struct world *w, const char *name)
{
	const cJSON *apps = cJSON_GetObjectItem(world_json(w, "/api/v1/stages"), "apps");

	return cJSON_GetObjectItem(cJSON_GetArrayItem(apps, 0), name);
}

static void more_patience(void **state)
{
	struct world *w = *state;

	start(w, ASKS("hung_after", "1min"), DRIVER,
		"owner_may = hung_after\nowner_hung_after_min = 30s\n");
	world_run(w, 50 * USEC_PER_SEC);
	assert_false(world_is_hung(w, "app-1"));
	world_until(w, world_is_hung(w, "app-1"));
	assert_int_equal(cJSON_GetNumberValue(shown(w, "hung_after_seconds")), 60);
	assert_true(cJSON_IsTrue(
		cJSON_GetObjectItem(cJSON_GetArrayItem(shown(w, "asks"), 0), "holds")));
	assert_int_equal(fake_log_count("is ignored"), 0);
}

static void a_weaker_action(void **state)
{
	struct world *w = *state;

	start(w, ASKS("action", "notify"), WORLD_MASTER WORLD_AIRFLOW HOOK("pager", ""),
		"action = retry\nowner_may = action\n");
	world_until(w, n_told(w, "pager") == 1);
	world_run(w, 20 * USEC_PER_SEC);
	assert_string_equal(w->airflow.sent, "");
	assert_int_equal(w->spark.kills, 0);
	assert_string_equal(world_actions(w, RULE_ACTION_RETRY), "0 0 0 0 0");
}

/* The rule would act; for this app it only writes down that it would have. */
static void to_be_observed(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *page = NULL;
	_cleanup_free_ char *why = NULL;
	char path[64];

	start(w, ASKS("action", "observe"), WORLD_MASTER WORLD_AIRFLOW,
		"action = retry\nowner_may = action\n");
	world_until(w, world_n_actions(w, RULE_ACTION_RETRY, ACTION_DRY_RUN) == 1);
	world_run(w, 20 * USEC_PER_SEC);
	assert_string_equal(w->airflow.sent, "");
	(void)snprintf(path, sizeof(path), "/api/v1/incidents/%s", world_incident(w, 0)->id);
	assert_string_equal(
		cJSON_GetStringValue(cJSON_GetObjectItem(world_json(w, path), "mode")), "observe");
	(void)snprintf(path, sizeof(path), "/incidents/%s", world_incident(w, 0)->id);
	page = world_get(w, path, NULL, NULL);
	assert_non_null(strstr(page, "spark.stagewatch.action=observe"));
	/* Nor by a person's order. */
	assert_int_equal(
		remediator_order(w->manager->remediator, "app-1", RULE_ACTION_RETRY, "alice", &why),
		-EBUSY);
	assert_non_null(strstr(why, "the mode of its rule is observe"));
}

/* More than the rule does: told once, shown, and not done. */
static void a_stronger_action(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *page = NULL;

	start(w, ASKS("action", "kill"), WORLD_MASTER WORLD_AIRFLOW,
		"action = notify\nowner_may = action\n");
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 20 * USEC_PER_SEC);
	assert_string_equal(w->airflow.sent, "");
	assert_int_equal(fake_log_count("app-1: spark.stagewatch.action=kill is ignored: more than "
					"action=notify of the rule (rule all)"),
		1);
	page = world_get(w, "/apps", NULL, NULL);
	assert_non_null(strstr(page, "spark.stagewatch.action=kill is ignored: more than"));
}

/* A rule that says nothing of it allows nothing. */
static void nothing_by_default(void **state)
{
	struct world *w = *state;

	start(w, ASKS("ignore", "true"), DRIVER, "");
	world_until(w, world_is_hung(w, "app-1"));
	assert_int_equal(fake_log_count("owner_may of the rule does not name ignore"), 1);
}

static void a_receiver_by_name(void **state)
{
	struct world *w = *state;

	start(w, ASKS("notify", "team"),
		DRIVER HOOK("pager", "") HOOK("team", "app = none-of-these\n"),
		"owner_may = notify\n");
	world_until(w, n_told(w, "pager") == 1);
	world_run(w, 5 * USEC_PER_SEC);
	assert_int_equal(n_told(w, "team"), 1);
}

/* An app that is left alone: no verdict, no incident, no question beyond the polls; counted. */
static void to_be_ignored(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *page = NULL;

	start(w, ASKS("ignore", "true"), DRIVER HOOK("pager", ""),
		"owner_may = ignore\naction = notify\n");
	world_run(w, USEC_PER_MINUTE);
	assert_string_equal(world_verdict(w, "app-1"), "progressing");
	assert_true(cJSON_IsTrue(shown(w, "ignored")));
	assert_int_equal(w->manager->incidents.n, 0);
	assert_int_equal(n_told(w, "pager"), 0);
	assert_int_equal(fake_n_asked(&w->fake, "*/threads"), 0);
	assert_int_equal(world_metric(w, "stagewatch_apps_ignored{spark_cluster=\"one\"}"), 1);
	assert_int_equal(
		world_metric(w, "stagewatch_stages{spark_cluster=\"one\",verdict=\"progressing\"}"),
		0);
	page = world_get(w, "/apps", NULL, NULL);
	assert_non_null(strstr(page, ">ignored<"));
	/* What was its trouble ends when the rule begins to allow it, and comes when it does not.
	 */
	world_configure(w, "mode = act", DRIVER, "");
	world_reload(w);
	world_until(w, world_is_hung(w, "app-1"));
	world_configure(w, "mode = act", DRIVER, "owner_may = ignore\n");
	world_reload(w);
	world_until(w, world_incident(w, 0)->ended > 0);
}

/* Whom an open incident is told to, or not, outlives a restart: before the app is seen again, too.
 */
static void over_a_restart(void **state)
{
	struct world *w = *state;

	start(w, ASKS("action", "none"), DRIVER HOOK("pager", ""),
		"owner_may = action\naction = notify\n");
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 3 * USEC_PER_SEC);
	world_stop(w);
	world_begin(w);
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 10 * USEC_PER_SEC);
	assert_int_equal(w->manager->incidents.n, 1);
	assert_int_equal(n_told(w, "pager"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(more_patience),
		story(a_weaker_action),
		story(to_be_observed),
		story(a_stronger_action),
		story(nothing_by_default),
		story(a_receiver_by_name),
		story(to_be_ignored),
		story(over_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
