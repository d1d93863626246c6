/* SPDX-License-Identifier: Apache-2.0
 * The pages for people, over the states that the daemon can be in. */
#include "scene.h"

#include <ctype.h>

#define ONE "[spark one]\ntype = driver\nurl = " SCENE_D1 "\ntimeout = 1s\n"
#define EVIL "<script>alert(1)</script>\\\"'><img src=x onerror=alert(2)>&amp;"

static const char *const empty_elements[] = {"meta", "link", "input", "br", "!DOCTYPE"};

static bool has_no_end(const char *name, size_t n)
{
	for (size_t i = 0; i < ELEMENTSOF(empty_elements); i++)
		if (strlen(empty_elements[i]) == n && strncmp(name, empty_elements[i], n) == 0)
			return true;
	return false;
}

/* Each element ends within the one that holds it; no script or style within the page, no event
 * handlers; and nothing is loaded from elsewhere. */
static void assert_well_formed(const char *page)
{
	struct {
		const char *name;
		size_t n;
	} open[64];
	size_t depth = 0;

	assert_null(strstr(page, "<script>"));
	assert_null(strstr(page, "style="));
	for (const char *c = strchr(page, '<'); c; c = strchr(c, '<')) {
		bool ends = *++c == '/';
		const char *name = c + ends;
		size_t n = strcspn(name, " >");

		assert_null(memmem(name, strcspn(name, ">"), " on", 3));
		if (ends) {
			assert_true(depth-- > 0);
			assert_int_equal(open[depth].n, n);
			assert_memory_equal(open[depth].name, name, n);
		} else if (!has_no_end(name, n)) {
			assert_true(depth < ELEMENTSOF(open));
			open[depth].name = name;
			open[depth++].n = n;
		}
	}
	assert_int_equal(depth, 0);
}

/* A page without its markup, and with a space where that was: what a person reads. */
static char *text_of(const char *page)
{
	struct strbuf b = {0};
	char *text = NULL;

	for (const char *c = page; *c; c++)
		if (*c == '<') {
			c += strcspn(c, ">");
			if (b.len > 0 && b.text[b.len - 1] != ' ')
				strbuf_add(&b, " ");
		} else {
			strbuf_add_n(&b, c, 1);
		}
	assert_int_equal(strbuf_finish(&b, &text), 0);
	return text;
}

static void assert_page_has(struct world *w, const char *path, const char *const *wanted)
{
	_cleanup_free_ char *page = world_get(w, path, NULL, NULL);
	_cleanup_free_ char *text = text_of(page);

	assert_well_formed(page);
	for (; *wanted; wanted++)
		if (!strstr(text, *wanted) && !strstr(page, *wanted))
			fail_msg("%s does not have \"%s\": %s", path, *wanted, text);
}

#define HAS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void all_is_well(void **state)
{
	struct world *w = *state;

	fake_spark_add(&w->spark, "app-1", SCENE_D1, "")->moving = true;
	world_start(w, "mode = act", ONE, "action = notify");
	world_run(w, 5 * USEC_PER_SEC);
	assert_page_has(w, "/",
		HAS("No incident is open", "Nothing hangs. 1 apps are watched. You: nothing.",
			"cluster one", "answers", "no [notify] is configured", "href=\"metrics\""));
}

/* Unknown is not well. */
static void blind_is_not_well(void **state)
{
	struct world *w = *state;

	fake_set(&w->fake, "GET *", (struct fake_answer){.status = 403});
	world_start(w, "mode = act", WORLD_MASTER, "action = notify");
	world_run(w, 5 * USEC_PER_SEC);
	assert_page_has(w, "/",
		HAS("No hang is known, but not everything is seen", "not all answers",
			"answered 403", "never"));
}

static void a_hang_that_is_only_watched(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *link = NULL;

	fake_spark_add(&w->spark, "app-1", SCENE_D1, WORLD_OWNER)->n_tasks = 2;
	world_start(w, "mode = observe", WORLD_MASTER WORLD_AIRFLOW, "action = retry");
	world_until(w, world_is_hung(w, "app-1"));
	world_until(w, world_incident(w, 0)->response.decided_dry);
	assert_true(str_printf(&link, "href=\"incidents/%s\"", world_incident(w, 0)->id) >= 0);
	assert_page_has(w, "/",
		HAS("1 incident is open", "Stage 7 of etl hangs", link, "hung  since ",
			"Done: nothing but a dry run.",
			"Next: nothing: the mode is observe; in mode act, a retry would have begun",
			"You: end the app by hand", "[Stage 7:&gt;", "(0 + 2) / 6]",
			"what is usual is not known", "2 of 2 running tasks stand still",
			"java.lang.Thread.sleep(Native Method)",
			"Not to be had: ", "CPU seconds of the executors", "d / t, run r, try 1",
			"href=\"" FAKE_AIRFLOW "/dags/d/runs/r/tasks/t?try_number=1\"",
			"href=\"" FAKE_AIRFLOW "/dags/d/runs/r\"",
			"href=\"" SCENE_D1 "/stages/stage/?id=7&amp;attempt=0\"",
			"stagewatchctl incidents ", "mode, in [daemon] or in its [rule]",
			"It is the only open incident.",
			"1 of the 1 apps of the cluster stand still", "<svg", "class=\"limit\"",
			"Spark 4.3.0", "Airflow main"));
}

static void airflow_2_has_other_addresses(void **state)
{
	struct world *w = *state;

	fake_airflow_init(&w->airflow, true);
	fake_spark_add(&w->spark, "app-1", SCENE_D1, WORLD_OWNER);
	world_start(w, "mode = observe", WORLD_MASTER WORLD_AIRFLOW, "action = retry");
	world_until(w, world_is_hung(w, "app-1"));
	assert_page_has(w, "/",
		HAS("/dags/d/grid?dag_run_id=r&amp;task_id=t&amp;tab=logs\"",
			"/dags/d/grid?dag_run_id=r\""));
}

static void what_others_say_is_text(void **state)
{
	struct world *w = *state;

	fake_spark_add(&w->spark, "app-1", SCENE_D1,
		",[\"spark.airflow.dag_id\",\"" EVIL "\"],[\"spark.airflow.run_id\",\"" EVIL
		"\"],[\"spark.airflow.task_id\",\"" EVIL "\"],[\"spark.airflow.map_index\",\"-1\"],"
		"[\"spark.airflow.try_number\",\"1\"]")
		->name = EVIL;
	world_start(w, "mode = observe", ONE WORLD_AIRFLOW, "action = retry");
	world_until(w, world_is_hung(w, "app-1"));
	assert_page_has(w, "/",
		HAS("Stage 7 of &lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;&lt;img src=x "
		    "onerror=alert(2)&gt;&amp;amp; hangs"));
}

/* Why nothing is done, and what would change it. */
static void why_nothing_is_done(void **state)
{
	static const struct {
		const char *name;
		const char *owner;
		const char *sections;
		const char *rule;
		const char *wanted[3];
	} rows[] = {
		{"the rule", WORLD_OWNER, "", "action = notify",
			{"its rule&#39;s action is notify", "action, in its [rule]", NULL}},
		{"the owner", "", "", "action = retry",
			{"its owner in Airflow is not known", "spark.airflow.*", NULL}},
		{"the settling", WORLD_OWNER, "[limits]\nsettle = 1h\n", "action = retry",
			{"settling: the start", "settle, in [limits]", NULL}},
		{"a window", WORLD_OWNER, "[maintenance m]\nfrom = 00:00\nto = 23:59\nreason = x\n",
			"action = retry",
			{"in the maintenance window m", "from and to, in its [maintenance]", NULL}},
	};

	for_each_row(r, rows)
	{
		_cleanup_free_ char *sections = NULL;
		struct world *w;

		scene_anew(state);
		w = *state;
		fake_spark_add(&w->spark, "app-1", SCENE_D1, r->owner);
		assert_true(str_printf(&sections, "%s%s", WORLD_MASTER WORLD_AIRFLOW,
				    r->sections) >= 0);
		world_start(w, "mode = act", sections, r->rule);
		world_until(w, world_is_hung(w, "app-1"));
		world_run(w, 3 * USEC_PER_SEC);
		assert_page_has(w, "/", r->wanted);
	}
}

static void an_action_in_progress(void **state)
{
	struct world *w = *state;

	(void)scene_stubborn(w);
	w->spark.kill_works = false;
	scene_act(w, "action = retry\nend_timeout = 30s");
	world_until(w, world_n_actions(w, RULE_ACTION_RETRY, ACTION_REQUESTED) == 1);
	assert_page_has(w, "/",
		HAS("Done: a retry has begun.", "retry in progress: it ",
			"You: nothing, as long as the action is in progress."));
}

static void more_than_a_page_shows(void **state)
{
	struct world *w = *state;
	const struct incident *like;

	fake_spark_add(&w->spark, "app-1", SCENE_D1, "");
	world_start(w, "mode = observe", ONE, "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	like = world_incident(w, 0);
	for (int64_t k = 0; k < 300; k++) {
		struct incident *i = calloc(1, sizeof(*i));

		assert_non_null(i);
		i->number = 1000 + (uint64_t)k;
		i->opened = like->opened;
		i->stage_id = k;
		i->verdict = VERDICT_SUSPECT;
		(void)snprintf(i->id, sizeof(i->id), "x-%d", (int)k);
		assert_int_equal(str_replace(&i->cluster, "one"), 0);
		assert_int_equal(str_replace(&i->app_id, "app-x"), 0);
		assert_int_equal(str_replace(&i->rule, "all"), 0);
		assert_int_equal(str_replace(&i->evidence, "e"), 0);
		assert_int_equal(incident_adopt(&w->manager->incidents, i), 0);
	}
	/* The gravest is first, however old. */
	assert_page_has(w, "/",
		HAS("301 incidents are open Stage 7 of etl hangs", "and 281 more open incidents",
			"300 other incidents are open"));
}

static void links_begin_with_external_url(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *link = NULL;

	fake_spark_add(&w->spark, "app-1", SCENE_D1, "");
	world_start(w, "mode = observe",
		ONE "[web]\nexternal_url = https://watch.example.com/sw/\n", "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	assert_true(str_printf(&link, "href=\"https://watch.example.com/sw/incidents/%s\"",
			    world_incident(w, 0)->id) >= 0);
	assert_page_has(w, "/", HAS(link, "href=\"style.css\"", "src=\"script.js\""));
}

/* Who cannot be told is said. */
static void a_message_that_is_not_delivered(void **state)
{
	struct world *w = *state;

	fake_spark_add(&w->spark, "app-1", SCENE_D1, "");
	world_start(w, "mode = observe",
		ONE "[notify chat]\ntype = webhook\nurl = http://nobody:1/\n", "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 5 * USEC_PER_SEC);
	assert_page_has(
		w, "/", HAS("not delivered, the last attempt failed: ", "The oldest waits"));
}

static void what_a_page_loads(void **state)
{
	static const struct {
		const char *name;
		const char *holds;
	} rows[] = {
		{"/style.css", "prefers-color-scheme: dark"},
		{"/script.js", "\"use strict\";\n"},
		{"/icon.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\""},
	};
	struct world *w = *state;

	world_start(w, "mode = observe", ONE, "action = notify");
	for_each_row(r, rows)
	{
		_cleanup_free_ char *body = world_get(w, r->name, NULL, NULL);

		assert_non_null(strstr(body, r->holds));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(all_is_well),
		story(blind_is_not_well),
		story(a_hang_that_is_only_watched),
		story(airflow_2_has_other_addresses),
		story(what_others_say_is_text),
		story(why_nothing_is_done),
		story(an_action_in_progress),
		story(more_than_a_page_shows),
		story(links_begin_with_external_url),
		story(a_message_that_is_not_delivered),
		story(what_a_page_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
