/* SPDX-License-Identifier: Apache-2.0
 * What is asked beyond the counters, of whom, how often, and what is kept of it. */
#include "scene.h"

#include <dirent.h>

#define EVIDENCE "[evidence]\ndump_spacing = 2s\ndump_timeout = 2s\n"
#define ONE "[spark one]\ntype = driver\nurl = " SCENE_D1 "\ntimeout = 1s\n"
#define TWO "[spark two]\ntype = driver\nurl = http://d2:4040\ntimeout = 1s\n"
#define THREE "[spark three]\ntype = driver\nurl = http://d3:4040\ntimeout = 1s\n"
#define SLEEPS "java.lang.Thread.sleep(Native Method)"

/* Six tasks on two executors. */
static struct fake_app *app(struct world *w, const char *id, const char *url)
{
	struct fake_app *a = fake_spark_add(&w->spark, id, url, "");

	a->n_tasks = 6;
	return a;
}

static void watch(struct world *w, const char *evidence, const char *sections)
{
	_cleanup_free_ char *text = NULL;

	assert_true(str_printf(&text, "%s%s", evidence, sections) >= 0);
	world_start(w, "mode = act", text, "action = notify");
}

static const struct incident *find(const struct world *w, const char *app_id)
{
	for (size_t i = 0; i < w->manager->incidents.n; i++)
		if (str_equal(w->manager->incidents.items[i]->app_id, app_id))
			return w->manager->incidents.items[i];
	return NULL;
}

static bool evidence_says(const struct world *w, const char *app_id, const char *text)
{
	const struct incident *i = find(w, app_id);

	return i && i->evidence && strstr(i->evidence, text);
}

/* Polls of a driver within five seconds. */
static size_t polls(struct world *w, const char *url)
{
	char pattern[64];
	size_t n;

	(void)snprintf(pattern, sizeof(pattern), "GET %s/*status=active*", url);
	n = fake_n_asked(&w->fake, pattern);
	world_run(w, 5 * USEC_PER_SEC);
	return fake_n_asked(&w->fake, pattern) - n;
}

static void only_on_suspicion_and_apart(void **state)
{
	struct world *w = *state;
	usec_t last = 0;

	app(w, "app-well", SCENE_D1)->moving = true;
	app(w, "app-ill", "http://d2:4040");
	watch(w, EVIDENCE, ONE TWO);
	world_until(w, evidence_says(w, "app-ill", "6 of 6 running tasks stalled"));
	world_until(w, *find(w, "app-ill")->hint.because);
	assert_string_equal(find(w, "app-ill")->hint.because, SLEEPS);
	world_run(w, 20 * USEC_PER_SEC);
	assert_int_equal(fake_n_asked(&w->fake, "GET " SCENE_D1 "/*/threads"), 0);
	assert_true(fake_n_asked(&w->fake, "GET http://d2:4040/*/executors/1/threads") >= 5);
	assert_true(fake_n_asked(&w->fake, "GET http://d2:4040/*/executors/2/threads") >= 5);
	for (size_t i = 0; i < w->fake.n_asked; i++) {
		const struct fake_asked *a = &w->fake.asked[i];

		if (!fake_fits("GET */executors/1/threads", a->what))
			continue;
		assert_true(last == 0 || a->at - last >= 2 * USEC_PER_SEC);
		last = a->at;
	}
	assert_int_equal(fake_n_asked(&w->fake, "GET */threads"),
		(size_t)world_metric(w, "stagewatch_evidence_requests_total{kind=\"threads\"}"));
	assert_int_equal(
		(int)world_metric(w, "stagewatch_evidence_failures_total{kind=\"threads\"}"), 0);
}

static void a_dump_that_hangs_holds_up_nobody(void **state)
{
	struct world *w = *state;

	app(w, "app-frozen", SCENE_D1);
	app(w, "app-other", "http://d2:4040");
	fake_set(&w->fake, "GET " SCENE_D1 "/*/executors/1/threads",
		(struct fake_answer){.hangs = true});
	watch(w, EVIDENCE, ONE TWO);
	world_until(w, fake_n_asked(&w->fake, "GET " SCENE_D1 "/*/executors/1/threads") > 0);
	assert_int_equal(polls(w, SCENE_D1), 5);
	assert_int_equal(polls(w, "http://d2:4040"), 5);
	world_until(w, evidence_says(w, "app-frozen", "3 on executors that seem frozen"));
	assert_int_equal(find(w, "app-frozen")->hint.cause, CAUSE_EXECUTOR_FROZEN);
	assert_true(world_metric(w, "stagewatch_evidence_failures_total{kind=\"threads\"}") >= 1);
}

static void at_most_four_dumps_at_once(void **state)
{
	struct world *w = *state;
	static const char *const urls[] = {SCENE_D1, "http://d2:4040", "http://d3:4040"};
	static const char *const ids[] = {"app-1", "app-2", "app-3"};
	size_t most = 0;

	for (size_t i = 0; i < ELEMENTSOF(urls); i++)
		app(w, ids[i], urls[i])->tasks_per_executor = 1;
	fake_set(&w->fake, "GET */threads", (struct fake_answer){.hangs = true});
	watch(w, EVIDENCE, ONE TWO THREE);
	for (int i = 0; i < 400; i++) {
		size_t n = 0;

		world_run(w, WORLD_STEP / 4);
		for (const struct transport_request *r = w->fake.waiting; r; r = r->next)
			n += fake_fits("GET */threads", r->what);
		most = n > most ? n : most;
	}
	assert_int_equal(most, 4);
	for (size_t i = 0; i < ELEMENTSOF(urls); i++) {
		char pattern[64];

		(void)snprintf(pattern, sizeof(pattern), "GET %s/*/threads", urls[i]);
		assert_true(fake_n_asked(&w->fake, pattern) > 0);
	}
}

static void a_dump_under_way_is_not_asked_for_again(void **state)
{
	struct world *w = *state;

	app(w, "app-1", SCENE_D1);
	fake_set(&w->fake, "GET */threads", (struct fake_answer){.hangs = true});
	watch(w, "[evidence]\ndump_spacing = 2s\ndump_timeout = 1min\n", ONE);
	/* Two executors, and the driver, since no dump shows where the tasks run. */
	world_until(w, fake_n_asked(&w->fake, "GET */threads") == 3);
	world_run(w, 20 * USEC_PER_SEC);
	assert_int_equal(fake_n_asked(&w->fake, "GET */threads"), 3);
	assert_int_equal(fake_n_asked(&w->fake, "GET */executors/driver/threads"), 1);
}

/* One that takes long to come is no dump that hangs, and delays nobody. */
static void a_slow_dump_delays_nobody(void **state)
{
	struct world *w = *state;

	app(w, "app-slow", SCENE_D1);
	app(w, "app-other", "http://d2:4040");
	fake_set(&w->fake, "GET " SCENE_D1 "/*/threads",
		(struct fake_answer){.error = -EMSGSIZE, .after = 15 * USEC_PER_SEC});
	watch(w, "[evidence]\ndump_spacing = 2s\ndump_timeout = 20s\n", ONE TWO);
	world_until(w, fake_n_asked(&w->fake, "GET " SCENE_D1 "/*/threads") == 2);
	assert_int_equal(polls(w, "http://d2:4040"), 5);
	assert_int_equal(polls(w, SCENE_D1), 5);
	world_run(w, 10 * USEC_PER_SEC);
	assert_true(world_metric(w, "stagewatch_evidence_failures_total{kind=\"threads\"}") >= 2);
	assert_int_equal((int)world_metric(w, "stagewatch_poll_errors_total{spark_cluster=\"two\","
					      "reason=\"timeout\"}"),
		0);
}

static void lost_events_make_it_doubtful(void **state)
{
	struct world *w = *state;

	app(w, "app-1", SCENE_D1)->dropped = 3;
	fake_set(&w->fake, "GET */threads", (struct fake_answer){.status = 404, .body = "no"});
	watch(w, EVIDENCE, ONE);
	world_until(w, evidence_says(w, "app-1", "events that Spark dropped"));
	world_run(w, 10 * USEC_PER_SEC);
	assert_false(world_is_hung(w, "app-1"));
}

static void lines_of(const char *path, unsigned *ret_n, char *last, size_t size)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t n = 0;

	assert_non_null(f);
	*ret_n = 0;
	while (getline(&line, &n, f) > 0) {
		(*ret_n)++;
		(void)snprintf(last, size, "%s", line);
	}
	free(line);
	(void)fclose(f);
}

static void story_and_file(void **state)
{
	struct world *w = *state;
	struct fake_app *a = app(w, "app-1", SCENE_D1);
	_cleanup_free_ char *path = NULL;
	char last[8192];
	struct stat st;
	unsigned n;

	a->properties = WORLD_OWNER;
	world_make_state(w);
	watch(w, EVIDENCE, ONE);
	world_until(w, world_is_hung(w, "app-1"));
	assert_true(strncmp(world_incident(w, 0)->steps[0].text, "suspect:", 8) == 0);
	assert_true(strncmp(world_incident(w, 0)->steps[1].text, "hung:", 5) == 0);
	assert_true(world_incident(w, 0)->kept);
	assert_string_equal(world_incident(w, 0)->owner.task_id, "t");
	assert_true(str_printf(&path, "%s/state/incidents/%s.jsonl", w->dir,
			    world_incident(w, 0)->id) >= 0);
	world_run(w, 5 * USEC_PER_SEC);
	a->moving = true;
	world_until(w, world_incident(w, 0)->ended > 0);
	assert_true(scene_told(w, "ended as recovered"));
	world_run(w, USEC_PER_SEC);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	lines_of(path, &n, last, sizeof(last));
	assert_true(n > 10);
	assert_non_null(strstr(last, "recovered"));
}

static void no_state_directory_is_no_fault(void **state)
{
	struct world *w = *state;
	char path[64];

	app(w, "app-1", SCENE_D1);
	watch(w, EVIDENCE, ONE);
	world_until(w, world_is_hung(w, "app-1"));
	assert_false(world_incident(w, 0)->kept);
	assert_int_equal(fake_log_count("evidence of incidents is not kept"), 1);
	(void)snprintf(path, sizeof(path), "%s/state", w->dir);
	assert_int_equal(access(path, F_OK), -1);
}

static bool at_quota;

/* Instead of the C library's: what is written by it is refused for a while. */
int fflush(FILE *f)
{
	if (f && f != stdout && f != stderr && at_quota) {
		errno = EDQUOT;
		return EOF;
	}
	return fflush_unlocked(f);
}

/* No file system says that a quota is nearly reached. What is old goes, since the ledger has the
 * same quota. */
static void a_quota_is_reached(void **state)
{
	struct world *w = *state;
	char path[64];

	app(w, "app-1", SCENE_D1);
	world_make_state(w);
	(void)snprintf(path, sizeof(path), "%s/state/incidents", w->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	world_write(w, "state/incidents/old.jsonl", "{}\n");
	(void)snprintf(path, sizeof(path), "%s/state/incidents/old.jsonl", w->dir);
	watch(w, EVIDENCE, ONE);
	world_run(w, USEC_PER_SEC);
	assert_int_equal(access(path, F_OK), 0);
	at_quota = true;
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 5 * USEC_PER_SEC);
	at_quota = false;
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(fake_log_count("Disk quota exceeded; it is not kept, and older evidence "
					"is deleted"),
		1);
	assert_int_equal(fake_log_count("bundles_max_size"), 1); /* of what was deleted */
}

static void one_poll_asks_environment_once_and_memory_now_and_then(void **state)
{
	struct world *w = *state;
	size_t n;

	fake_spark_add(&w->spark, "app-1", SCENE_D1, "")->moving = true;
	watch(w, "", ONE);
	world_run(w, 30 * USEC_PER_SEC);
	n = fake_n_asked(&w->fake, "GET */allexecutors");
	assert_int_equal(fake_n_asked(&w->fake, "GET */environment"), 1);
	assert_true(n >= 5 && n <= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(only_on_suspicion_and_apart),
		story(a_dump_that_hangs_holds_up_nobody),
		story(at_most_four_dumps_at_once),
		story(a_dump_under_way_is_not_asked_for_again),
		story(a_slow_dump_delays_nobody),
		story(lost_events_make_it_doubtful),
		story(story_and_file),
		story(no_state_directory_is_no_fault),
		story(a_quota_is_reached),
		story(one_poll_asks_environment_once_and_memory_now_and_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
