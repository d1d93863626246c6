/* SPDX-License-Identifier: Apache-2.0
 * What the daemon tells the notifier: verdicts, outcomes, ends, storms, reloads and restarts. The
 * notifier by itself is in tests/unit/notifier. */
#include "scene.h"

#include "notifier/notifier.h"

#define HOOK(name, more)                                                                           \
	"[notify " name "]\nurl = http://" name "/\nretry_first = 1s\nretry_max = 2s\n" more
#define DRIVER "[spark one]\ntype = driver\nurl = " SCENE_D1 "\n"

/* The events that this receiver was told, with a blank after each. */
static const char *told(const struct world *w, const char *notify)
{
	static char text[256];
	char url[64];
	char *p = text;

	(void)snprintf(url, sizeof(url), "POST http://%s/", notify);
	*p = '\0';
	for (size_t k = 0; k < w->fake.n_asked; k++) {
		const struct fake_asked *a = &w->fake.asked[k];
		const char *event = a->body ? strstr(a->body, "\"event\":\"") : NULL;

		if (!str_equal(a->what, url) || !event)
			continue;
		event += strlen("\"event\":\"");
		p += snprintf(p, (size_t)(text + sizeof(text) - p), "%.*s ",
			(int)strcspn(event, "\""), event);
		assert_true(p < text + sizeof(text));
	}
	return text;
}

static int n_sent(struct world *w, const char *notify)
{
	char series[128];

	(void)snprintf(series, sizeof(series),
		"stagewatch_notifications_total{notify=\"%s\",outcome=\"sent\"}", notify);
	return (int)world_metric(w, series);
}

/* -1: there is no such receiver. */
static int n_pending(struct world *w, const char *notify)
{
	char series[128];

	(void)snprintf(
		series, sizeof(series), "stagewatch_notifications_pending{notify=\"%s\"}", notify);
	return (int)world_metric(w, series);
}

static void receivers_answer(struct world *w, int status)
{
	fake_set(&w->fake, "POST http://pager/", (struct fake_answer){.status = status});
	fake_set(&w->fake, "POST http://other/", (struct fake_answer){.status = status});
}

static void start(struct world *w, const char *sections, const char *rule)
{
	receivers_answer(w, 200);
	world_make_state(w);
	world_start(w, "mode = act", sections, rule);
}

static void restart(struct world *w)
{
	world_stop(w);
	fake_log_clear();
	world_begin(w);
}

static void a_hang_from_beginning_to_end(void **state)
{
	struct world *w = *state;
	struct fake_app *a = scene_app(w);

	start(w, DRIVER HOOK("pager", "on = suspect, hung, recovered, closed\n"),
		"action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 5 * USEC_PER_SEC);
	assert_string_equal(told(w, "pager"), "suspect hung ");
	a->moving = true;
	world_until(w, world_incident(w, 0)->ended > 0);
	world_run(w, 5 * USEC_PER_SEC);
	assert_string_equal(told(w, "pager"), "suspect hung recovered closed ");
	assert_int_equal(n_sent(w, "pager"), 4);
	assert_int_equal(n_pending(w, "pager"), 0);
}

/* What became of an action: here, an end that nobody confirmed. */
static void an_action_that_is_not_confirmed(void **state)
{
	struct world *w = *state;
	const char *body;

	scene_stubborn(w);
	w->spark.kill_works = false;
	start(w, WORLD_MASTER WORLD_AIRFLOW HOOK("pager", ""), "action = retry");
	scene_until(w, RULE_ACTION_RETRY, ACTION_UNCONFIRMED);
	world_run(w, 5 * USEC_PER_SEC);
	assert_string_equal(told(w, "pager"), "hung unconfirmed ");
	body = w->fake.asked[fake_first_asked(
				     &w->fake, "POST http://pager/ *\"event\":\"unconfirmed\"*")]
		       .body;
	assert_non_null(strstr(body, "\"outcome\":\"unconfirmed\""));
	assert_non_null(strstr(body, "\"action\":\"retry\""));
	assert_non_null(strstr(body, "not confirmed"));
}

static void a_retry_that_works(void **state)
{
	struct world *w = *state;

	scene_app(w);
	start(w, WORLD_MASTER WORLD_AIRFLOW HOOK("pager", ""), "action = retry");
	scene_until_confirmed(w);
	world_run(w, 5 * USEC_PER_SEC);
	assert_string_equal(told(w, "pager"), "hung recovered ");
}

/* A receiver that is gone gets no more, a new one what comes; what waits for one that stays goes
 * on. */
static void reload(void **state)
{
	struct world *w = *state;
	struct fake_app *a = scene_app(w);

	start(w, DRIVER HOOK("pager", "") HOOK("other", ""), "action = notify");
	receivers_answer(w, 500);
	world_until(w, *told(w, "pager") && *told(w, "other"));
	world_configure(w, "mode = act", DRIVER HOOK("other", ""), "action = notify");
	world_reload(w);
	assert_int_equal(fake_log_count("notify pager: the message hung of incident "), 1);
	assert_int_equal(n_pending(w, "pager"), -1);
	receivers_answer(w, 200);
	world_until(w, n_sent(w, "other") == 1);
	a->moving = true;
	world_until(w, strstr(told(w, "other"), "recovered "));
	assert_null(strstr(told(w, "pager"), "recovered "));
}

/* The rule has another name, acts on nothing, or is gone when it ends: whoever heard of the
 * beginning hears of that. */
static void an_end_under_another_rule(void **state)
{
	static const struct {
		const char *name;
		const char *from;
		const char *to;
		const char *told;
	} rows[] = {
		{"name", "[rule all]", "[rule any]", "hung recovered closed "},
		{"none", "action = notify", "action = none", "hung recovered closed "},
		{"gone", "app = *", "app = x*", "hung recovered closed "},
	};

	for_each_row(r, rows)
	{
		struct world *w;
		struct fake_app *a;
		char *at;

		scene_anew(state);
		w = *state;
		a = scene_app(w);
		start(w, DRIVER HOOK("pager", "rule = all\non = hung, recovered, closed\n"),
			"action = notify");
		world_until(w, str_equal(told(w, "pager"), "hung "));
		world_run(w, 2 * USEC_PER_SEC);
		at = strstr(w->config, r->from);
		assert_non_null(at);
		memset(at, ' ', strlen(r->from));
		memcpy(at, r->to, strlen(r->to));
		world_write(w, "conf", w->config);
		world_reload(w);
		world_run(w, 2 * USEC_PER_SEC);
		a->moving = true;
		world_until(w, world_incident(w, 0)->ended > 0);
		world_run(w, 5 * USEC_PER_SEC);
		assert_string_equal(told(w, "pager"), r->told);
	}
}

/* What stands at an Alertmanager is no message to be repeated to whoever takes its place. */
static void an_alert_whose_section_is_a_webhook_now(void **state)
{
	struct world *w = *state;
	struct fake_app *a = scene_app(w);

	fake_set(&w->fake, "POST http://pager/*", (struct fake_answer){.status = 200});
	start(w, DRIVER HOOK("pager", "format = alertmanager\nresend = 10s\n"), "action = notify");
	world_until(w, n_sent(w, "pager") == 1);
	world_configure(w, "mode = act", DRIVER HOOK("pager", "resend = 10s\n"), "action = notify");
	world_reload(w);
	world_run(w, USEC_PER_MINUTE);
	assert_string_equal(told(w, "pager"), "");
	a->moving = true;
	world_until(w, strstr(told(w, "pager"), "recovered "));
	world_run(w, USEC_PER_MINUTE);
	assert_string_equal(told(w, "pager"), "recovered ");
}

/* Its end is told once: when a person said that it is no hang. */
static void closed_once_where_it_was_no_hang(void **state)
{
	struct world *w = *state;
	struct fake_app *a = scene_app(w);
	struct incident *i;

	start(w, DRIVER HOOK("pager", "on = closed\n"), "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	i = w->manager->incidents.items[0];
	assert_int_equal(incident_mark(i, INCIDENT_IGNORED, "alice", w->fake.wall), 1);
	notifier_ignore(w->manager->notifier, i);
	world_until(w, str_equal(told(w, "pager"), "closed "));
	a->moving = true;
	world_until(w, i->ended > 0);
	world_run(w, 5 * USEC_PER_SEC);
	assert_string_equal(told(w, "pager"), "closed ");
}

static void told_is_told_also_over_restarts(void **state)
{
	struct world *w = *state;
	struct fake_app *a = scene_app(w);

	start(w, DRIVER HOOK("pager", "on = suspect, hung, recovered, closed\n"),
		"action = notify");
	world_until(w, str_equal(told(w, "pager"), "suspect hung "));
	world_run(w, 2 * USEC_PER_SEC);
	for (int k = 0; k < 2; k++) {
		restart(w);
		world_until(w, world_is_hung(w, "app-1"));
		world_run(w, 10 * USEC_PER_SEC);
		assert_string_equal(told(w, "pager"), "suspect hung ");
	}
	a->moving = true;
	world_until(w, world_incident(w, 0)->ended > 0);
	/* The same stage again is news. */
	a->moving = false;
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 2 * USEC_PER_SEC);
	assert_string_equal(told(w, "pager"), "suspect hung recovered closed suspect hung ");
}

/* The app ends while the daemon is down: its end is told after the start. */
static void gone_while_nobody_watched(void **state)
{
	struct world *w = *state;

	scene_app(w);
	start(w, WORLD_MASTER HOOK("pager", "on = hung, ended, closed\n"), "action = notify");
	world_until(w, str_equal(told(w, "pager"), "hung "));
	world_run(w, 2 * USEC_PER_SEC);
	scene_end_all(w);
	restart(w);
	world_until(w, str_equal(told(w, "pager"), "hung ended closed "));
	world_run(w, 10 * USEC_PER_SEC);
	assert_string_equal(told(w, "pager"), "hung ended closed ");
}

/* What waits is sent at once, before the hang is found again. */
static void what_waits_outlives_a_restart(void **state)
{
	struct world *w = *state;

	scene_app(w);
	start(w, DRIVER HOOK("pager", ""), "action = notify");
	receivers_answer(w, 500);
	world_until(w, fake_n_asked(&w->fake, "POST http://pager/") >= 2);
	assert_true(cJSON_IsTrue(
		cJSON_GetObjectItem(world_json(w, "/api/v1/status"), "notifications_durable")));
	world_stop(w);
	receivers_answer(w, 200);
	world_begin(w);
	world_run(w, USEC_PER_SEC);
	assert_int_equal(n_sent(w, "pager"), 1);
	assert_false(world_is_hung(w, "app-1"));
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 10 * USEC_PER_SEC);
	assert_int_equal(n_sent(w, "pager"), 1);
}

/* The daemon looks for a ledger now and then, and what was told in between is in it. */
static void without_a_ledger(void **state)
{
	struct world *w = *state;
	size_t n;

	scene_app(w);
	receivers_answer(w, 200);
	world_start(w, "mode = observe", DRIVER HOOK("pager", ""), "action = notify");
	world_until(w, str_equal(told(w, "pager"), "hung "));
	world_until(w, fake_log_count("Messages are sent, but kept in memory only") == 1);
	world_make_state(w);
	world_until(w, fake_log_count("Messages are kept in the ledger again") == 1);
	n = w->fake.n_asked;
	restart(w);
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 10 * USEC_PER_SEC);
	assert_true(w->fake.n_asked > n);
	assert_string_equal(told(w, "pager"), "hung ");
}

/* Whoever asks for storms is told once, of whatever apps, and of its end. */
static void a_storm(void **state)
{
	struct world *w = *state;

	scene_app(w);
	fake_spark_add(&w->spark, "app-2", "http://d2:4040", WORLD_OWNER);
	start(w,
		WORLD_MASTER HOOK("pager", "on = storm, closed\napp = none*\n")
			HOOK("other", "on = failed\n") "[limits]\nsettle = 0\nstorm_threshold = "
						       "2\nstorm_reset = manual\n",
		"action = notify");
	world_until(w, str_equal(told(w, "pager"), "storm "));
	world_run(w, 2 * USEC_PER_SEC);
	restart(w);
	world_run(w, 10 * USEC_PER_SEC);
	assert_string_equal(told(w, "pager"), "storm ");
	assert_true(remediator_close_breaker(w->manager->remediator, "somebody"));
	world_run(w, 2 * USEC_PER_SEC);
	assert_string_equal(told(w, "pager"), "storm closed ");
	assert_string_equal(told(w, "other"), "");
}

/* A notice that is none of an incident: once per app, also over restarts, and over when the app is.
 * Nothing is done, whatever the rule's action. */
static void an_app_that_runs_for_too_long(void **state)
{
	struct world *w = *state;
	struct fake_app *a = scene_app(w);
	const char *body;
	_cleanup_free_ char *page = NULL;
	const char *gauge = "stagewatch_apps_over_max_runtime{spark_cluster=\"m\"}";

	a->moving = true;
	start(w,
		WORLD_MASTER WORLD_AIRFLOW HOOK("pager", "on = max_runtime, closed\n")
			HOOK("other", "app = none-of-these\n"),
		"action = retry\nmax_runtime = 20s\n");
	world_run(w, 10 * USEC_PER_SEC);
	assert_string_equal(told(w, "pager"), "");
	assert_int_equal(world_metric(w, gauge), 0);
	world_until(w, str_equal(told(w, "pager"), "max_runtime "));
	world_run(w, 20 * USEC_PER_SEC);
	assert_string_equal(told(w, "pager"), "max_runtime ");
	assert_int_equal(world_metric(w, gauge), 1);
	body = w->fake.asked[fake_first_asked(&w->fake, "POST http://pager/")].body;
	assert_non_null(strstr(body, "\"severity\":\"warning\""));
	assert_non_null(strstr(body, "m: app-1 (etl) has run for 2"));
	assert_non_null(strstr(body, "(max_runtime=20s)"));
	assert_non_null(strstr(body, "\"stage_id\":null"));
	page = world_get(w, "/apps", NULL, NULL);
	assert_non_null(strstr(page, "max_runtime = "));
	restart(w);
	world_until(w, world_metric(w, gauge) == 1);
	world_run(w, 20 * USEC_PER_SEC);
	assert_string_equal(told(w, "pager"), "max_runtime ");
	assert_string_equal(told(w, "other"), "");
	assert_string_equal(w->airflow.sent, "");
	assert_int_equal(w->spark.kills, 0);
	assert_int_equal(w->manager->incidents.n, 0);
	scene_end_all(w);
	world_until(w, str_equal(told(w, "pager"), "max_runtime closed "));
	assert_int_equal(world_metric(w, gauge), 0);
}

/* Its app ends while the daemon is down: that is told once it would have been seen again. */
static void one_that_ran_for_too_long_and_ended_unseen(void **state)
{
	struct world *w = *state;

	scene_app(w)->moving = true;
	start(w, WORLD_MASTER HOOK("pager", "on = max_runtime, closed\n"),
		"action = notify\nmax_runtime = 10s\n");
	world_until(w, str_equal(told(w, "pager"), "max_runtime "));
	world_run(w, 2 * USEC_PER_SEC);
	world_stop(w);
	scene_end_all(w);
	world_begin(w);
	world_run(w, 9 * USEC_PER_MINUTE);
	assert_string_equal(told(w, "pager"), "max_runtime ");
	world_run(w, USEC_PER_HOUR);
	assert_string_equal(told(w, "pager"), "max_runtime closed ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(a_hang_from_beginning_to_end),
		story(an_action_that_is_not_confirmed),
		story(a_retry_that_works),
		story(reload),
		story(an_end_under_another_rule),
		story(an_alert_whose_section_is_a_webhook_now),
		story(closed_once_where_it_was_no_hang),
		story(told_is_told_also_over_restarts),
		story(gone_while_nobody_watched),
		story(what_waits_outlives_a_restart),
		story(without_a_ledger),
		story(a_storm),
		story(an_app_that_runs_for_too_long),
		story(one_that_ran_for_too_long_and_ended_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
