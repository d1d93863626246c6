/* SPDX-License-Identifier: Apache-2.0
 * The pages for people, over the states that the daemon can be in. */
#include "scene.h"

#include "notifier/notifier.h"

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
			"stagewatchctl explain ", "mode, in [daemon] or in its [rule]",
			"It is the only open incident.",
			"1 of the 1 apps of the cluster stand still", "<svg",
			"<polyline class=\"done\" points=\"", "class=\"limit\"", "Spark 4.3.0",
			"Airflow main"));
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

static void the_story_of_an_incident(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *path = NULL;

	fake_spark_add(&w->spark, "app-1", SCENE_D1, WORLD_OWNER)->n_tasks = 2;
	world_make_state(w);
	world_start(w, "mode = observe", WORLD_MASTER WORLD_AIRFLOW, "action = retry");
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 5 * USEC_PER_SEC);
	assert_true(str_printf(&path, "/incidents/%s", world_incident(w, 0)->id) >= 0);
	assert_page_has(w, path,
		HAS("Stage 7 of etl hangs", "href=\"../style.css\"", "What happened",
			"hung: (0 + 2)", "retry: dry_run", "Running tasks", "TID 0",
			"1 on 192.0.2.7", "java.lang.Thread.sleep(Native Method)", "Executors",
			"data-head=\"CPU\">not to be had", "stagewatchctl explain",
			"spark.airflow.dag_id=d", "as JSON"));
	/* It has ended: the driver is gone, and what was seen of it as well. */
	fake_app_end(&w->spark.apps[0], "FINISHED");
	world_until(w, world_incident(w, 0)->ended > 0);
	world_run(w, 2 * USEC_PER_SEC);
	assert_page_has(w, path,
		HAS("Stage 7 of etl is over", "It ended as ended", "You: nothing.",
			"ended as ended: the stage or app is gone"));
	assert_page_has(
		w, "/incidents", HAS("Stage 7 of etl is over", "d / t", "Cluster", " ended "));
	assert_page_has(w, "/report", HAS("etl", "href=\"report?app=etl\"", "9s"));
	assert_page_has(w, "/", HAS("No incident is open"));
}

static void no_such_incident(void **state)
{
	static const struct {
		const char *name;
	} rows[] = {
		{"/incidents/"}, {"/incidents/none"}, {"/incidents/<script>"}, {"/incidents/../x"}};
	struct world *w = *state;

	world_start(w, "mode = observe", ONE, "action = notify");
	for_each_row(r, rows)
	{
		int status = 0;
		_cleanup_free_ char *page = world_get(w, r->name, NULL, &status);

		assert_int_equal(status, 404);
		assert_well_formed(page);
		assert_non_null(strstr(page, "No such incident"));
	}
}

static void the_storm_that_is_on(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *path = NULL;

	for (unsigned i = 0; i < 3; i++) {
		static const char *const ids[] = {"app-1", "app-2", "app-3"};
		static const char *const urls[] = {SCENE_D1, "http://d2:4040", "http://d3:4040"};

		fake_spark_add(&w->spark, ids[i], urls[i], "");
	}
	world_start(w, "mode = act",
		WORLD_MASTER WORLD_AIRFLOW "[limits]\nsettle = 0\nstorm_threshold = 2\n",
		"action = retry");
	world_until(w, *notifier_storm_id(w->manager->notifier));
	assert_true(
		str_printf(&path, "/incidents/%s", notifier_storm_id(w->manager->notifier)) >= 0);
	assert_page_has(w, path, HAS("The storm breaker is open", "stagewatchctl resume"));
	assert_page_has(w, "/",
		HAS("The storm breaker is open: ", "2 other incidents are open",
			"3 of the 3 apps of the cluster stand still"));
}

/* A request with a query. */
static char *ask(struct world *w, const struct http_server_request *request)
{
	struct http_server_reply reply = {0};

	assert_int_equal(manager_answer(w->manager, request, &reply), 0);
	assert_int_equal(reply.status, 200);
	assert_well_formed(reply.body);
	return reply.body;
}

static void assert_order(struct world *w, const char *sort, const char *first, const char *second)
{
	_cleanup_free_ char *page =
		ask(w, &(struct http_server_request){.path = "/apps", .sort = sort});
	const char *a = strstr(page, first);
	const char *b = strstr(page, second);

	assert_non_null(a);
	assert_non_null(b);
	assert_true(a < b);
}

static void apps_are_sorted_and_filtered(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *some = NULL;
	_cleanup_free_ char *none = NULL;

	fake_spark_add(&w->spark, "app-1", SCENE_D1, "")->name = "aaa";
	w->spark.apps[0].moving = true;
	fake_spark_add(&w->spark, "app-2", "http://d2:4040", WORLD_OWNER)->name = "bbb";
	world_start(w, "mode = observe", WORLD_MASTER, "action = notify");
	world_until(w, world_is_hung(w, "app-2"));
	assert_page_has(w, "/apps",
		HAS("2 of 2 apps.", "7: (0 + 2) / 6", "d / t", "aria-sort=\"descending\"",
			"href=\"apps?sort=name&amp;find=\"", "href=\"incidents/"));
	assert_order(w, NULL, "bbb", "aaa"); /* what hangs first */
	assert_order(w, "stalled", "bbb", "aaa");
	assert_order(w, "name", "aaa", "bbb");
	assert_order(w, "app", "aaa", "bbb");
	assert_order(w, "no such column", "bbb", "aaa");
	some = ask(w, &(struct http_server_request){.path = "/apps", .find = "HUNG"});
	assert_non_null(strstr(some, "1 of 2 apps."));
	assert_null(strstr(some, "aaa"));
	none = ask(w, &(struct http_server_request){.path = "/apps", .find = "\"><script>&"});
	assert_non_null(strstr(none, "0 of 2 apps."));
	assert_non_null(strstr(none, "value=\"&quot;&gt;&lt;script&gt;&amp;\""));
	assert_non_null(strstr(none, "find=%22%3E%3Cscript%3E%26\""));
}

/* Each page answers with more apps than it shows. */
static void many_apps(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *page = NULL;

	world_start(w, "mode = observe", ONE, "action = notify");
	for (unsigned i = 0; i < 1200; i++) {
		struct app_info info = {.started = i + 1};
		struct app_history *a = NULL;

		assert_true(str_printf(&info.id, "x-%u", i) >= 0);
		assert_int_equal(str_replace(&info.name, "etl"), 0);
		assert_int_equal(detector_app(w->manager->detector, "one", &info, 1, &a), 0);
		app_info_clear(&info);
	}
	assert_page_has(w, "/apps", HAS("1200 of 1200 apps.", "and 200 more apps"));
	page = ask(w, &(struct http_server_request){.path = "/apps", .find = "x-1199"});
	assert_non_null(strstr(page, "1 of 1200 apps."));
	assert_page_has(w, "/audit", HAS("No app with a finding."));
}

static void what_the_audit_finds(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *one = NULL;

	fake_spark_add(&w->spark, "app-1", SCENE_D1,
		",[\"spark.serializer\",\"<b>\"],[\"spark.driver.maxResultSize\",\"8g\"]");
	world_make_state(w);
	world_start(w, "mode = observe", ONE, "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 5 * USEC_PER_SEC);
	assert_page_has(
		w, "/audit", HAS("etl, app-1 on one", "Finding", "spark.driver.maxResultSize=8g"));
	one = ask(w, &(struct http_server_request){.path = "/audit", .app = "app-1"});
	assert_non_null(strstr(one, "app-1 on one"));
	free(ask(w, &(struct http_server_request){.path = "/report", .app = "etl"}));
	assert_page_has(w, "/report", HAS("No finished run."));
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
		story(the_story_of_an_incident),
		story(no_such_incident),
		story(the_storm_that_is_on),
		story(apps_are_sorted_and_filtered),
		story(many_apps),
		story(what_the_audit_finds),
		story(a_message_that_is_not_delivered),
		story(what_a_page_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
