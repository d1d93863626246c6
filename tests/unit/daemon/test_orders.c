/* SPDX-License-Identifier: Apache-2.0
 * What a person orders of one incident or app: to stop, to leave it alone, to end it. */
#include "scene.h"

static struct incident *only_incident(struct world *w)
{
	world_until(
		w, w->manager->incidents.n > 0 && world_incident(w, 0)->verdict == VERDICT_HUNG);
	return w->manager->incidents.items[0];
}

static void mark(struct world *w, enum incident_mark m)
{
	struct incident *i = only_incident(w);

	assert_int_equal(remediator_stop(w->manager->remediator, i), 0);
	assert_int_equal(incident_mark(i, m, "alice", w->fake.wall), 1);
	assert_int_equal(incident_mark(i, m, "bob", w->fake.wall), 0);
}

static int order(struct world *w, enum rule_action action, char **ret_why)
{
	*ret_why = NULL;
	return remediator_order(w->manager->remediator, "app-1", action, "alice", ret_why);
}

/* Neither now nor after a restart, and the reason is said. */
static void nothing_begins(void **state)
{
	static const struct {
		const char *name;
		enum incident_mark mark;
		const char *words;
	} rows[] = {
		{"abort", INCIDENT_ABORTED, "nothing: aborted by alice"},
		{"ignore", INCIDENT_IGNORED, "nothing: no hang, said alice"},
	};

	for_each_row(r, rows)
	{
		struct world *w;
		char path[64];

		scene_anew(state);
		w = *state;
		scene_app(w);
		/* Held back, so that the order comes before the action. */
		fake_set(&w->fake, "* " FAKE_AIRFLOW "/*",
			(struct fake_answer){.error = -ECONNREFUSED});
		scene_retry(w);
		mark(w, r->mark);
		(void)snprintf(path, sizeof(path), "/api/v1/incidents/%s", only_incident(w)->id);
		world_run(w, 2 * USEC_PER_SEC);
		world_stop(w);
		fake_unset(&w->fake, "* " FAKE_AIRFLOW "/*");
		world_begin(w);
		world_until(w, world_is_hung(w, "app-1"));
		world_run(w, 20 * USEC_PER_SEC);
		assert_string_equal(w->airflow.sent, "");
		assert_string_equal(world_actions(w, RULE_ACTION_RETRY), "0 0 0 0 0");
		assert_string_equal(
			cJSON_GetStringValue(cJSON_GetObjectItem(world_json(w, path), "next")),
			r->words);
		assert_string_equal(only_incident(w)->marks[r->mark], "alice");
	}
}

/* An order ends what the rule only tells of, the whole way. */
static void ordered_retry(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *why = NULL;

	world_make_state(w); /* which a daemon makes that acts by itself */
	scene_app(w);
	scene_act(w, "action = notify");
	(void)only_incident(w);
	world_until(w, world_metric(w, "stagewatch_airflow_up{airflow=\"main\"}") > 0);
	if (order(w, RULE_ACTION_RETRY, &why) < 0)
		fail_msg("%s", why);
	assert_int_equal(order(w, RULE_ACTION_KILL, &why), -EBUSY);
	assert_string_equal(why, "an action is in progress");
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "FC");
	assert_true(scene_told(w, "retry ordered by alice"));
}

/* Of two apps of one id, which may be in two clusters, none is meant. An incident is one. */
static void an_id_that_two_apps_have(void **state)
{
	struct world *w = *state;
	struct incident_list *l;
	static char other[] = "other";
	static char id[] = "20261130T000000Z-9";
	_cleanup_free_ char *several = NULL;
	_cleanup_free_ char *one = NULL;
	struct incident twin;
	struct incident *two[2];
	struct incident_list all;

	scene_app(w);
	world_start(w, "mode = observe", WORLD_MASTER WORLD_AIRFLOW, "action = notify");
	twin = *only_incident(w);
	l = &w->manager->incidents;
	twin.cluster = other;
	memcpy(twin.id, id, sizeof(id));
	two[0] = l->items[0];
	two[1] = &twin;
	all = *l;
	l->items = two;
	l->n = 2;
	assert_int_equal(order(w, RULE_ACTION_KILL, &several), -EBUSY);
	assert_int_equal(remediator_order(w->manager->remediator, two[0]->id, RULE_ACTION_KILL,
				 "alice", &one),
		-EBUSY);
	*l = all;
	assert_string_equal(
		several, "several apps have that id and hang: name the incident instead");
	assert_non_null(strstr(one, "the mode of its rule is observe"));
}

/* What is in the way of a rule's action is in the way of a person's. */
static void orders_that_are_refused(void **state)
{
	static const struct {
		const char *name;
		const char *daemon;
		const char *sections;
		const char *why;
	} rows[] = {
		{"observe", "mode = observe", WORLD_MASTER WORLD_AIRFLOW,
			"the mode of its rule is observe"},
		{"limits", "mode = act", WORLD_MASTER WORLD_AIRFLOW "[limits]\nsettle = 10min\n",
			"settling"},
		{"no owner", "mode = act", WORLD_MASTER, "no [airflow] is configured"},
	};

	for_each_row(r, rows)
	{
		_cleanup_free_ char *why = NULL;
		struct world *w;

		scene_anew(state);
		w = *state;
		scene_app(w);
		world_start(w, r->daemon, r->sections, "action = notify");
		assert_int_equal(order(w, RULE_ACTION_KILL, &why), -ENOENT);
		(void)only_incident(w);
		assert_int_equal(order(w, RULE_ACTION_KILL, &why), -EBUSY);
		if (!strstr(why, r->why))
			fail_msg("%s", why);
		world_run(w, 5 * USEC_PER_SEC);
		assert_string_equal(w->airflow.sent, "");
	}
}

/* The same stage, should it hang again, is none either; another one is. */
static void what_was_ignored_stays_so(void **state)
{
	struct world *w = *state;
	struct fake_app *app = scene_app(w);

	scene_act(w, "action = notify");
	mark(w, INCIDENT_IGNORED);
	app->moving = true;
	world_until(w, world_incident(w, 0)->ended > 0);
	app->moving = false;
	world_until(w, w->manager->incidents.n == 2);
	assert_string_equal(world_incident(w, 1)->marks[INCIDENT_IGNORED], "alice");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(nothing_begins),
		story(ordered_retry),
		story(an_id_that_two_apps_have),
		story(orders_that_are_refused),
		story(what_was_ignored_stays_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
