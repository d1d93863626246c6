/* SPDX-License-Identifier: Apache-2.0
 * Blind is never healthy: each kind of answer that is of no use, to each thing that is asked, is
 * counted by its reason, takes the cluster down, is shown in the state of its targets and in the
 * words and the exit status of --once; and when it ends all is well again. */
#include "../fake_transport.h"

#include "setup/health.h"
#include "setup/stats.h"
#include "source/source.h"
#include "watch/evidence_collector.h"
#include "watch/poller.h"

#define APP "{\"id\":\"app-1\",\"name\":\"n\",\"attempts\":[{\"startTimeEpoch\":1000}]}"
#define STAGE                                                                                      \
	"{\"status\":\"ACTIVE\",\"stageId\":1,\"attemptId\":0,\"numTasks\":2,"                     \
	"\"numActiveTasks\":2,\"numCompleteTasks\":0,\"numFailedTasks\":0}"
#define EXECUTORS                                                                                  \
	"[{\"id\":\"driver\",\"activeTasks\":0},{\"id\":\"1\",\"activeTasks\":2,"                  \
	"\"hostPort\":\"h:1\"}]"
#define TASKS                                                                                      \
	"[{\"status\":\"RUNNING\",\"taskId\":1,\"executorId\":\"1\"},"                             \
	"{\"status\":\"RUNNING\",\"taskId\":2,\"executorId\":\"1\"}]"
#define INTERVAL (10 * USEC_PER_SEC)

struct fixture {
	struct fake fake;
	struct health health;
	struct stats stats;
	struct detector *detector;
	struct rule_list rules;
	struct rule fallback;
	struct evidence_params evidence;
	struct evidence_collector *collector;
	struct source_params params;
	struct source *source;
	struct poller *poller;
};

static void on_event(void *userdata, const struct detector_event *ev)
{
	(void)userdata;
	(void)ev;
}

static void set_up(struct fixture *f, const char *type, const char *const *urls)
{
	struct detector_sink sink = {.changed = on_event, .judged = on_event};
	struct evidence_collector_context collecting = {.health = &f->health, .stats = &f->stats};
	struct poller_context context = {.health = &f->health, .stats = &f->stats};
	_cleanup_free_ char *err = NULL;

	*f = (struct fixture){0};
	assert_int_equal(param_defaults(evidence_params, n_evidence_params, &f->evidence), 0);
	fake_init(&f->fake);
	assert_int_equal(rule_fallback(&f->fallback), 0);
	assert_int_equal(detector_new(&sink, &f->detector), 0);
	detector_configure(f->detector, &f->rules, &f->fallback, INTERVAL);
	collecting.transport = context.transport = &f->fake.transport;
	collecting.detector = context.detector = f->detector;
	collecting.clock = context.clock = &f->fake.clock;
	collecting.params = &f->evidence;
	collecting.recorded = true; /* this host's processes are none of the test's */
	assert_int_equal(evidence_collector_new(&collecting, &f->collector), 0);
	context.evidence_collector = f->collector;
	assert_int_equal(param_defaults(source_params, n_source_params, &f->params), 0);
	f->params.type = str_equal(type, "driver") ? 0 : str_equal(type, "standalone") ? 1 : 2;
	for (size_t i = 0; urls[i]; i++)
		assert_int_equal(strlist_add(&f->params.url, urls[i]), 0);
	assert_int_equal(
		source_new("c", &f->params, NULL, &f->fake.transport, &f->source, &err), 0);
	assert_int_equal(poller_new(&context, f->source, &f->poller), 0);
}

static void tear_down(struct fixture *f)
{
	poller_free(f->poller);
	evidence_collector_free(f->collector);
	source_free(f->source);
	param_clear(source_params, n_source_params, &f->params);
	detector_free(f->detector);
	rule_clear(&f->fallback);
	health_clear(&f->health);
	stats_clear(&f->stats);
	fake_clear(&f->fake);
}

/* A driver that runs one stage, in which nothing moves. */
static void answer_well(struct fixture *f)
{
	fake_json(&f->fake, "GET */host/processes*", "[]");
	fake_json(&f->fake, "GET */applications", "[" APP "]");
	fake_json(&f->fake, "GET */stages?*", "[" STAGE "]");
	fake_json(&f->fake, "GET */jobs?*", "[{\"status\":\"RUNNING\",\"stageIds\":[1]}]");
	fake_json(&f->fake, "GET */executors", EXECUTORS);
	fake_json(&f->fake, "GET */environment", "{\"sparkProperties\":[]}");
	fake_json(&f->fake, "GET */allexecutors", EXECUTORS);
	fake_json(&f->fake, "GET */taskList?*", TASKS);
	fake_json(&f->fake, "GET */threads", "[]");
	fake_json(&f->fake, "GET */metrics/json/", "{\"counters\":{}}");
	fake_json(&f->fake, "GET */sql?*", "[]");
	fake_json(&f->fake, "GET http://m:8080/json/",
		"{\"status\":\"ALIVE\",\"completedapps\":[],\"activeapps\":["
		"{\"id\":\"app-1\",\"state\":\"RUNNING\",\"name\":\"n\",\"user\":\"u\"}]}");
	fake_set(&f->fake, "GET http://m:8080/",
		(struct fake_answer){.status = 200,
			.type = "text/html",
			.body = "<html><title>Spark Master at m</title><table><tr><td>"
				"<a href=\"app/?appId=app-1\">app-1</a></td><td>"
				"<a href=\"http://d:4040\">n</a></td></tr></table></html>"});
	fake_json(&f->fake, "GET http://rm:8088/ws/*",
		"{\"apps\":{\"app\":[{\"id\":\"app-1\",\"state\":\"RUNNING\",\"name\":\"n\"}]}}");
}

static void rounds(struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		poller_tick(f->poller);
		fake_advance(&f->fake, INTERVAL);
	}
}

static struct health_cluster *cluster(struct fixture *f)
{
	struct health_cluster *s = health_cluster(&f->health, "c");

	if (!s)
		abort();
	return s;
}

static uint64_t count_errors(struct fixture *f, const char *reason)
{
	const struct cluster_stats *counters = stats_cluster(&f->stats, "c");
	uint64_t n = 0;

	for (size_t i = 0; counters && i < n_answer_reasons; i++)
		if (!reason || str_equal(answer_reasons[i], reason))
			n += counters->errors[i];
	return n;
}

/* What is wrong with an answer: its reason, and what the words for people say of it. */
static const struct bad {
	const char *name;
	struct fake_answer answer;
	const char *reason;
	const char *words;
} bad[] = {
	{"401", {.status = 401, .body = "who?"}, "http_status", "answered 401"},
	{"403", {.status = 403, .body = "no"}, "http_status", "answered 403"},
	{"404", {.status = 404, .type = "text/html", .body = "<h1>"}, "http_status",
		"answered 404"},
	{"a page of it",
		{.status = 403,
			.type = "text/html",
			.body = "<html><title>Error 403 User w is not authorized</title>"},
		"http_status", "answered 403: Error 403 User w is not authorized"},
	{"302", {.status = 302}, "redirect", "answered 302"},
	{"500", {.status = 500}, "http_status", "answered 500"},
	{"503", {.status = 503, .type = "application/json", .body = "[]"}, "http_status",
		"answered 503"},
	{"204", {.status = 204}, "http_status", "answered 204"},
	{"html", {.status = 200, .type = "text/html", .body = "<html>login</html>"}, "content_type",
		"answered 200 with text/html"},
	{"empty", {.status = 200, .type = "application/json"}, "not_json",
		"answered 200 with nothing"},
	{"null", {.status = 200, .type = "application/json", .body = "null"}, "not_json",
		"not with JSON"},
	{"text", {.status = 200, .body = "OK"}, "not_json", "not with JSON"},
	{"string", {.status = 200, .type = "application/json", .body = "\"x\""}, "not_json",
		"not with JSON"},
	{"shape", {.status = 200, .type = "application/json", .body = "{\"error\":\"x\"}"},
		"malformed", "cannot be used"},
	{"half", {.status = 200, .type = "application/json", .body = "[{\"id\":"}, "malformed",
		"cannot be used"},
	{"row", {.status = 200, .type = "application/json", .body = "[{}]"}, "bad_row",
		"cannot be used"},
	{"cut", {.error = -ECONNRESET}, "cut", "cut off"},
	{"large", {.error = -EMSGSIZE, .error_text = "over 16777216 bytes"}, "too_large",
		"max_body"},
	{"tls", {.error = -EPROTO, .error_text = "certificate has expired"}, "protocol",
		"certificate has expired"},
};

/* What is asked. The name is that in the words for people. */
static const struct question {
	const char *what;
	const char *pattern;
	const char *type;
	const char *url;
	unsigned rounds; /* until it is asked */
} questions[] = {
	{"/applications", "GET */applications", "driver", "http://d:4040", 1},
	{"/stages", "GET */stages?*", "driver", "http://d:4040", 1},
	{"/environment", "GET */environment", "driver", "http://d:4040", 1},
	{"/allexecutors", "GET */allexecutors", "driver", "http://d:4040", 1},
	{"/jobs", "GET */jobs?*", "driver", "http://d:4040", 40},
	{"/executors", "GET */executors", "driver", "http://d:4040", 40},
	{"/taskList", "GET */taskList?*", "driver", "http://d:4040", 40},
	{"/threads", "GET */1/threads", "driver", "http://d:4040", 70},
	{"/json/", "GET http://m:8080/json/", "standalone", "http://m:8080", 1},
	{"/", "GET http://m:8080/", "standalone", "http://m:8080", 1},
	{"/ws/v1/cluster/apps", "GET http://rm:8088/ws/*", "yarn", "http://rm:8088", 1},
};

static const struct standing_fault *find_fault(struct fixture *f, const struct question *q)
{
	for (size_t i = 0; i < cluster(f)->faults.n; i++) {
		const struct standing_fault *s = cluster(f)->faults.items[i];
		size_t n = strlen(s->what);

		if (n >= strlen(q->what) && strcmp(s->what + n - strlen(q->what), q->what) == 0)
			return s;
	}
	return NULL;
}

/* Neither is a fault: a page is no JSON, and where rows are left out a wrong one may be all there
 * is to say of an object. */
static bool fits(const struct question *q, const struct bad *b)
{
	bool page = str_equal(q->what, "/");
	bool rows = str_equal(b->name, "row");

	if (page)
		return b->answer.status != 200 || str_equal(b->name, "html");
	if (rows)
		return !str_equal(q->what, "/environment") && !str_equal(q->type, "yarn") &&
		       !str_equal(q->what, "/json/") && !str_equal(q->what, "/applications");
	return true;
}

static void try(const struct question *q, const struct bad *b)
{
	bool page = str_equal(q->what, "/");
	const char *reason = page && b->answer.status == 200 ? "malformed" : b->reason;
	const char *words = page && b->answer.status == 200 ? "cannot be used" : b->words;
	const struct standing_fault *s;
	struct fixture f;

	set_up(&f, q->type, (const char *const[]){q->url, NULL});
	answer_well(&f);
	fake_set(&f.fake, q->pattern, b->answer);
	rounds(&f, q->rounds);
	s = find_fault(&f, q);
	if (!s) {
		fail_msg("%s, %s: no fault stands, asked %zu times", q->what, b->name,
			fake_n_asked(&f.fake, q->pattern));
		abort();
	}
	if (!str_equal(s->fault.reason, reason) || !strstr(s->fault.text, words))
		fail_msg("%s, %s: %s: %s", q->what, b->name, s->fault.reason, s->fault.text);
	if (count_errors(&f, reason) == 0)
		fail_msg("%s, %s: not counted", q->what, b->name);
	if (cluster(&f)->up || cluster(&f)->targets[TARGET_UNUSABLE] != 1)
		fail_msg("%s, %s: up %d, %zu unusable", q->what, b->name, cluster(&f)->up,
			cluster(&f)->targets[TARGET_UNUSABLE]);
	/* And back. */
	answer_well(&f);
	rounds(&f, q->rounds > 1 ? 45 : 7);
	if (!cluster(&f)->up || cluster(&f)->targets[TARGET_UNUSABLE] != 0)
		fail_msg("%s, %s: stays down: %s", q->what, b->name,
			cluster(&f)->faults.n ? cluster(&f)->faults.items[0]->fault.text : "");
	tear_down(&f);
}

static void each_useless_answer_is_told(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(questions); i++)
		for (size_t k = 0; k < ELEMENTSOF(bad); k++)
			if (fits(&questions[i], &bad[k])) {
				try(&questions[i], &bad[k]);
				n++;
			}
	assert_true(n >= 71);
}

static void all_is_well(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(questions); i++) {
		set_up(&f, questions[i].type, (const char *const[]){questions[i].url, NULL});
		answer_well(&f);
		rounds(&f, 40);
		assert_true(cluster(&f)->up);
		assert_int_equal(cluster(&f)->faults.n, 0);
		assert_int_equal(count_errors(&f, NULL), 0);
		assert_int_equal(cluster(&f)->targets[TARGET_OK],
			str_equal(questions[i].type, "driver") ? 1 : 2);
		tear_down(&f);
	}
}

/* More apps than there is place for: nobody's fault, but counted at each poll. */
static void no_place(void **state)
{
	char id[] = "app-2";
	const struct app_info newer = {.id = id, .started = USEC_PER_HOUR};
	struct app_history *a = NULL;
	struct fixture f;

	(void)state;
	set_up(&f, "driver", (const char *const[]){"http://d:4040", NULL});
	answer_well(&f);
	detector_limit(f.detector, 1);
	assert_int_equal(detector_app(f.detector, "c", &newer, USEC_PER_HOUR, &a), 0);
	rounds(&f, 3);
	assert_int_equal(detector_n_apps(f.detector), 1);
	assert_ptr_equal(detector_find(f.detector, "c", "app-2", USEC_PER_HOUR), a);
	assert_int_equal(detector_n_left_out(f.detector), 3);
	assert_true(health_cluster(&f.health, "c")->up);
	detector_app_gone(f.detector, a, USEC_PER_HOUR);
	rounds(&f, 1);
	assert_non_null(detector_find(f.detector, "c", "app-1", 1000 * USEC_PER_MSEC));
	assert_int_equal(detector_n_left_out(f.detector), 3);
	tear_down(&f);
}

/* An app gives its place to another one while it is asked. */
static void a_place_that_is_taken_meanwhile(void **state)
{
	char id[] = "app-2";
	const struct app_info newer = {.id = id, .started = USEC_PER_HOUR};
	struct app_history *a = NULL;
	struct fixture f;

	(void)state;
	set_up(&f, "standalone", (const char *const[]){"http://m:8080", NULL});
	answer_well(&f);
	detector_limit(f.detector, 1);
	rounds(&f, 3);
	assert_non_null(detector_find(f.detector, "c", "app-1", 1000 * USEC_PER_MSEC));
	fake_set(&f.fake, "GET */stages?*",
		(struct fake_answer){.status = 200,
			.type = "application/json",
			.body = "[" STAGE "]",
			.after = INTERVAL / 2});
	poller_tick(f.poller);
	fake_advance(&f.fake, INTERVAL / 4);
	assert_int_equal(detector_app(f.detector, "c", &newer, USEC_PER_HOUR, &a), 0);
	fake_advance(&f.fake, INTERVAL);
	rounds(&f, 3);
	assert_int_equal(detector_n_apps(f.detector), 1);
	assert_ptr_equal(detector_app_at(f.detector, 0), a);
	/* And comes back once there is one. */
	detector_app_gone(f.detector, a, USEC_PER_HOUR);
	rounds(&f, 1);
	assert_non_null(detector_find(f.detector, "c", "app-1", 1000 * USEC_PER_MSEC));
	tear_down(&f);
}

/* A gateway that answers for a driver, from the start on: an app may run behind it. */
static void a_gateway_is_not_the_end_of_an_app(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, "driver", (const char *const[]){"http://d:4040", NULL});
	answer_well(&f);
	fake_set(&f.fake, "GET */applications", (struct fake_answer){.status = 502});
	rounds(&f, 5);
	assert_false(poller_saw_all(f.poller));
	fake_set(&f.fake, "GET */applications", (struct fake_answer){.error = -ECONNREFUSED});
	rounds(&f, 5);
	assert_true(poller_saw_all(f.poller));
	tear_down(&f);
}

static void on_looked(void *userdata, enum remedy_look look, const char *text)
{
	int *ret = userdata;

	(void)text;
	*ret = (int)look;
}

static int look_at_stage(struct fixture *f)
{
	const struct stage_key key = {.stage_id = 1, .attempt_id = 0};
	struct driver_look *look = NULL;
	int ret = -1;

	assert_int_equal(poller_look(f->poller, detector_app_at(f->detector, 0), &key, on_looked,
				 &ret, &look),
		0);
	fake_advance(&f->fake, USEC_PER_SEC);
	return ret;
}

/* A stage that hung, and a list that does not show it: in a row that is of no use it may be, and be
 * over. */
static void a_look_that_does_not_see_the_stage(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, "driver", (const char *const[]){"http://d:4040", NULL});
	answer_well(&f);
	rounds(&f, 1000);
	assert_int_equal(detector_n_hung(f.detector), 1);
	assert_int_equal(look_at_stage(&f), LOOK_HUNG);
	fake_json(&f.fake, "GET */stages?*", "[{}]");
	assert_int_equal(look_at_stage(&f), LOOK_UNKNOWN);
	fake_json(&f.fake, "GET */stages?*", "[]");
	assert_int_equal(look_at_stage(&f), LOOK_MOVED);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well),
		cmocka_unit_test(each_useless_answer_is_told),
		cmocka_unit_test(no_place),
		cmocka_unit_test(a_place_that_is_taken_meanwhile),
		cmocka_unit_test(a_gateway_is_not_the_end_of_an_app),
		cmocka_unit_test(a_look_that_does_not_see_the_stage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
