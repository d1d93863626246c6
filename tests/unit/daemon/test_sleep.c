/* SPDX-License-Identifier: Apache-2.0
 * The machine sleeps: CLOCK_BOOTTIME jumps, and everything else goes on where it was. What was seen
 * before says nothing of the time since. */
#include "scene.h"

#define NIGHT (8 * USEC_PER_HOUR)

static void fall_asleep(struct world *w)
{
	w->fake.now += NIGHT;
	w->fake.wall += NIGHT;
}

/* It stood still for less than hung_after before, and for less after. */
static void a_night_is_no_time_without_progress(void **state)
{
	struct world *w = *state;
	struct fake_app *a = scene_app(w);
	usec_t woke;

	a->moving = true;
	scene_act(w, "action = kill");
	world_run(w, 10 * USEC_PER_SEC);
	a->moving = false;
	world_run(w, USEC_PER_SEC / 4);
	fall_asleep(w);
	woke = w->fake.now;
	world_run(w, USEC_PER_SEC / 4);
	assert_false(world_is_hung(w, "app-1"));
	world_until(w, world_is_hung(w, "app-1"));
	assert_true(w->fake.now - woke >= 2 * USEC_PER_SEC);
	scene_until(w, RULE_ACTION_KILL, ACTION_CONFIRMED);
	assert_string_equal(w->airflow.sent, "F");
}

/* Nor one without an answer, nor one of waiting to be started. */
static void a_night_is_no_time_of_silence(void **state)
{
	static const char *const states[] = {"RUNNING", "WAITING"};

	for (size_t k = 0; k < ELEMENTSOF(states); k++) {
		struct world *w;
		struct fake_app *a;

		scene_anew(state);
		w = *state;
		a = scene_app(w);
		a->moving = true;
		a->state = states[k];
		a->gone = k > 0;
		scene_act(w, "action = notify");
		world_run(w, k > 0 ? USEC_PER_SEC : 10 * USEC_PER_SEC);
		a->gone = true;
		world_run(w, USEC_PER_SEC);
		fall_asleep(w);
		world_run(w, USEC_PER_SEC / 2);
		assert_int_equal(w->manager->incidents.n, 0);
		world_until(w, w->manager->incidents.n == 1);
	}
}

static unsigned sleeps_at; /* the n-th request since it hangs; 0: never */
static unsigned n_since;
static char sent[32]; /* before it slept */
static char slept_in[256];

/* All is well again while it sleeps. */
static void sleep_then(struct world *w, const char *what)
{
	if (sleeps_at == 0 || !world_is_hung(w, "app-1") || ++n_since != sleeps_at)
		return;
	(void)strcpy(sent, w->airflow.sent);
	(void)snprintf(slept_in, sizeof(slept_in), "%s", what);
	w->spark.apps[0].moving = true;
	fall_asleep(w);
}

/* Whatever it was about to do: nothing is begun by what was seen before. */
static void what_moves_in_the_morning_is_left_alone(void **state)
{
	unsigned n = 0;

	do {
		struct world *w;

		scene_anew(state);
		w = *state;
		scene_app(w);
		w->asked = sleep_then;
		sleeps_at = ++n;
		n_since = 0;
		scene_act(w, "action = retry");
		world_run(w, 60 * USEC_PER_SEC);
		/* What was on its way may arrive; io/http_exchange knows whether it left. */
		if (sent[0] == '\0' && strncmp(slept_in, "PATCH", 5) != 0)
			assert_string_equal(w->airflow.sent, "");
		assert_memory_equal(w->airflow.sent, "FC", strlen(w->airflow.sent));
	} while (n_since >= n);
	assert_true(n > 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(a_night_is_no_time_without_progress),
		story(a_night_is_no_time_of_silence),
		story(what_moves_in_the_morning_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
