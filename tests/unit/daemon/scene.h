/* SPDX-License-Identifier: Apache-2.0
 * The scene of most stories: one app of a task instance, whose stage hangs. */
#pragma once

#include "../row.h"
#include "world.h"

#define SCENE_D1 "http://d1:4040"
#define SCENE_YARN_APP "application_1795400114925_0001"

/* One after the other, with a world each. */
#define story(f) cmocka_unit_test_setup_teardown(f, world_set_up, scene_tear_down)

static inline int scene_tear_down(void **state)
{
	(void)row_tell(state);
	return world_tear_down(state);
}

/* A row is a world of its own. */
static inline void scene_anew(void **state)
{
	(void)world_tear_down(state);
	(void)world_set_up(state);
}

static inline void scene_end_all(void *userdata)
{
	struct world *w = userdata;

	for (size_t i = 0; i < w->spark.n_apps; i++)
		fake_app_end(&w->spark.apps[i], "FINISHED");
}

/* An app that ends with its task. */
static inline struct fake_app *scene_app(struct world *w)
{
	w->airflow.failed = scene_end_all;
	w->airflow.userdata = w;
	return fake_spark_add(&w->spark, "app-1", SCENE_D1, WORLD_OWNER);
}

/* One that lives on. */
static inline struct fake_app *scene_stubborn(struct world *w)
{
	return fake_spark_add(&w->spark, "app-1", SCENE_D1, WORLD_OWNER);
}

static inline void scene_act(struct world *w, const char *rule)
{
	world_start(w, "mode = act", WORLD_MASTER WORLD_AIRFLOW, rule);
}

static inline void scene_retry(struct world *w)
{
	scene_act(w, "action = retry");
}

static inline void scene_until(struct world *w, enum rule_action action, enum action_outcome o)
{
	world_until(w, world_n_actions(w, action, o) == 1);
}

static inline void scene_until_confirmed(struct world *w)
{
	scene_until(w, RULE_ACTION_RETRY, ACTION_CONFIRMED);
}

/* It is refused once, not once per poll, and nothing is sent. */
static inline void scene_refused(struct world *w, const char *text)
{
	world_until(w, fake_log_count(text) > 0);
	world_run(w, 5 * USEC_PER_SEC);
	assert_int_equal(fake_log_count(text), 1);
	assert_int_equal(world_n_refused(w, RULE_ACTION_RETRY), 1);
	assert_string_equal(world_actions(w, RULE_ACTION_RETRY), "0 0 0 0 0");
	assert_string_equal(w->airflow.sent, "");
	assert_int_equal(w->spark.kills, 0);
}

/* Whether some incident's story holds the text. */
static inline bool scene_told(const struct world *w, const char *text)
{
	for (size_t k = 0; k < w->manager->incidents.n; k++) {
		const struct incident *i = w->manager->incidents.items[k];

		for (size_t n = 0; n < i->n_steps; n++)
			if (strstr(i->steps[n].text, text))
				return true;
	}
	return false;
}
