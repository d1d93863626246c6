/* SPDX-License-Identifier: Apache-2.0
 * What is asked beyond the counters: how much of it at once, in which order, and what becomes of
 * answers that are late, useless or nobody's any more. */
#include "../fake_host.h"
#include "../fake_transport.h"
#include "../row.h"

#include "core/detect/evidence.h"
#include "setup/health.h"
#include "setup/stats.h"
#include "watch/evidence_collector.h"

#define INTERVAL (10 * USEC_PER_SEC)
#define N_EXECUTORS 6

struct world {
	struct fake fake;
	struct health health;
	struct stats stats;
	struct detector *detector;
	struct rule_list rules;
	struct rule fallback;
	struct evidence_params params;
	struct evidence_collector *collector;
	struct endpoint driver;
	struct app_history *app;
	char tasks[2048];
};

static void on_event(void *userdata, const struct detector_event *ev)
{
	(void)userdata;
	(void)ev;
}

/* A running task on each executor. */
static void write_tasks(struct world *w)
{
	size_t len = 0;

	for (int i = 1; i <= N_EXECUTORS; i++)
		len += (size_t)snprintf(w->tasks + len, sizeof(w->tasks) - len,
			"%s{\"taskId\":%d,\"index\":%d,\"attempt\":0,\"launchTime\":"
			"\"2026-01-01T00:00:00.000GMT\",\"executorId\":\"%d\",\"host\":\"h%d\","
			"\"status\":\"RUNNING\",\"speculative\":false}",
			i == 1 ? "[" : ",", i, i - 1, i, i);
	(void)snprintf(w->tasks + len, sizeof(w->tasks) - len, "]");
	fake_json(&w->fake, "GET */taskList?*", w->tasks);
}

static void set_up(struct world *w)
{
	struct detector_sink sink = {.changed = on_event, .judged = on_event};
	struct evidence_collector_context context = {
		.health = &w->health, .stats = &w->stats, .params = &w->params};
	struct app_info info = {.started = 1000};

	*w = (struct world){0};
	fake_init(&w->fake);
	assert_int_equal(rule_fallback(&w->fallback), 0);
	w->fallback.hung_after = 2 * USEC_PER_MINUTE;
	assert_int_equal(detector_new(&sink, &w->detector), 0);
	detector_configure(w->detector, &w->rules, &w->fallback, INTERVAL);
	assert_int_equal(param_defaults(evidence_params, n_evidence_params, &w->params), 0);
	assert_int_equal(str_replace(&w->driver.url, "http://d:4040"), 0);
	w->driver.timeout = FAKE_TIMEOUT;
	w->driver.max_body = 1 << 20;
	context.transport = &w->fake.transport;
	context.detector = w->detector;
	context.clock = &w->fake.clock;
	assert_int_equal(evidence_collector_new(&context, &w->collector), 0);
	assert_int_equal(str_replace(&info.id, "app-1"), 0);
	assert_int_equal(detector_app(w->detector, "c", &info, w->fake.now, &w->app), 0);
	app_info_clear(&info);
	write_tasks(w);
	fake_json(&w->fake, "GET */metrics/json/", "{\"counters\":{}}");
	fake_json(&w->fake, "GET */threads", "[]");
}

static void tear_down(struct world *w)
{
	w->collector = evidence_collector_free(w->collector);
	endpoint_clear(&w->driver);
	param_clear(evidence_params, n_evidence_params, &w->params);
	detector_free(w->detector);
	rule_clear(&w->fallback);
	health_clear(&w->health);
	stats_clear(&w->stats);
	fake_clear(&w->fake);
}

/* The stage as it was: nothing of it has moved. */
static void observe(struct world *w)
{
	struct app_poll poll = {.now = w->fake.now, .has_executors = true};

	poll.stages.items = calloc(1, sizeof(struct stage_obs));
	poll.executors.items = calloc(N_EXECUTORS, sizeof(struct executor_obs));
	assert_non_null(poll.stages.items);
	assert_non_null(poll.executors.items);
	poll.stages.items[0] =
		(struct stage_obs){.stage_id = 1, .n_tasks = N_EXECUTORS, .n_active = N_EXECUTORS};
	poll.stages.n = 1;
	for (size_t i = 0; i < N_EXECUTORS; i++) {
		char id[4];

		(void)snprintf(id, sizeof(id), "%zu", i + 1);
		assert_int_equal(str_replace(&poll.executors.items[i].id, id), 0);
		poll.executors.items[i].active_tasks = 1;
	}
	poll.executors.n = N_EXECUTORS;
	assert_true(detector_observe(w->detector, w->app, &poll) >= 0);
	app_poll_clear(&poll);
}

static void look(struct world *w)
{
	observe(w);
	assert_int_equal(evidence_collector_look(w->collector, w->app, &w->driver, NULL), 0);
}

/* Up to the look that has a list of tasks, and asks for the first dumps. */
static void until_dumps(struct world *w)
{
	for (int i = 0; i < 100 && fake_n_asked(&w->fake, "GET */executors/[0-9]/threads") == 0;
		i++) {
		look(w);
		fake_advance(&w->fake, INTERVAL);
	}
	assert_int_not_equal(fake_n_asked(&w->fake, "GET */executors/[0-9]/threads"), 0);
}

static void test_few_dumps_at_once(void **state)
{
	struct world w;

	(void)state;
	set_up(&w);
	fake_set(&w.fake, "GET */threads", (struct fake_answer){.hangs = true});
	until_dumps(&w);
	/* Six executors are due; four are asked, the others wait, and are not asked for again. */
	assert_int_equal(fake_n_asked(&w.fake, "GET */executors/[0-9]/threads"), 4);
	look(&w);
	fake_run(&w.fake);
	assert_int_equal(fake_n_asked(&w.fake, "GET */executors/[0-9]/threads"), 4);
	for (size_t i = 0; i < w.fake.n_asked; i++)
		assert_int_equal(w.fake.asked[i].places,
			fnmatch("*/threads", w.fake.asked[i].what, 0) == 0 ? PLACES_LASTING
									   : PLACES_SHARED);
	/* Their time limit is that of dumps, not the driver's. */
	fake_advance(&w.fake, w.params.dump_timeout - INTERVAL);
	assert_int_equal(fake_n_asked(&w.fake, "GET */executors/[0-9]/threads"), 6);
	fake_advance(&w.fake, w.params.dump_timeout);
	assert_int_equal(evidence_counts(w.collector)->asked[WANT_THREADS], 6);
	assert_int_equal(evidence_counts(w.collector)->failed[WANT_THREADS], 6);
	/* An executor that gives none is known as silent: it may be stopped. */
	for (size_t i = 0; i < w.app->evidence.n_executors; i++)
		assert_int_equal(w.app->evidence.executors[i].n_silent, 1);
	tear_down(&w);
}

static void test_answers_of_the_gone(void **state)
{
	struct world w;

	(void)state;
	set_up(&w);
	fake_set(&w.fake, "GET */threads", (struct fake_answer){.hangs = true});
	until_dumps(&w);
	detector_app_gone(w.detector, w.app, w.fake.now);
	w.app = NULL;
	/* What is under way ends, what waits begins, and nobody is told. */
	fake_advance(&w.fake, 2 * w.params.dump_timeout);
	assert_int_equal(evidence_counts(w.collector)->failed[WANT_THREADS], 6);
	assert_int_equal(fake_n_waiting(&w.fake), 0);
	tear_down(&w);
}

static void test_cancelled_at_the_end(void **state)
{
	struct world w;

	(void)state;
	set_up(&w);
	fake_set(&w.fake, "GET */threads", (struct fake_answer){.hangs = true});
	until_dumps(&w);
	assert_int_equal(fake_n_waiting(&w.fake), 4);
	w.collector = evidence_collector_free(w.collector);
	assert_int_equal(fake_n_waiting(&w.fake), 0);
	tear_down(&w);
}

static const struct stage_history *stage(const struct world *w)
{
	return app_history_stage(w->app, 1, 0);
}

static void test_useless_lists(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
	} rows[] = {
		{"none runs, while the stage has some",
			{.status = 200, .type = "application/json", .body = "[]"}},
		{"cut", {.status = 200, .type = "application/json", .body = "[{\"taskId\":"}},
		{"refused", {.status = 403, .type = "text/html", .body = "<html>"}},
		{"no answer", {.error = -ECONNRESET, .error_text = "reset"}},
	};

	(void)state;
	each_row(i, rows)
	{
		struct world w;

		set_up(&w);
		fake_set(&w.fake, "GET */taskList?*", rows[i].answer);
		while (fake_n_asked(&w.fake, "GET */taskList?*") < 3) {
			look(&w);
			fake_advance(&w.fake, INTERVAL);
		}
		assert_int_equal(stage(&w)->tasks.n, 0);
		assert_int_equal(stage(&w)->tasks.taken, 0);
		assert_int_equal(evidence_counts(w.collector)->failed[WANT_TASKS], 3);
		tear_down(&w);
	}
}

static void test_tasks_are_taken_in(void **state)
{
	struct world w;

	(void)state;
	set_up(&w);
	until_dumps(&w);
	assert_int_equal(stage(&w)->tasks.n, N_EXECUTORS);
	assert_int_equal(evidence_counts(w.collector)->failed[WANT_TASKS], 0);
	/* An empty dump is an answer: its executor has no such thread. */
	fake_advance(&w.fake, INTERVAL);
	assert_int_equal(evidence_counts(w.collector)->failed[WANT_THREADS], 0);
	assert_true(w.app->evidence.executors[0].dump_taken > 0);
	tear_down(&w);
}

#define KUBE "https://kube:6443"
#define PODS "GET " KUBE "/api/v1/namespaces/n/pods?*"
#define EXECUTOR(id, uid)                                                                          \
	"{\"metadata\":{\"uid\":\"" uid "\",\"labels\":{\"spark-role\":\"executor\","              \
	"\"spark-exec-id\":\"" id "\"}},\"spec\":{\"nodeName\":\"a\",\"containers\":["             \
	"{\"name\":\"spark-kubernetes-executor\"}]},\"status\":{\"hostIP\":\"10.9.0.1\"}}"
#define USED(uid)                                                                                  \
	"{\"podRef\":{\"uid\":\"" uid "\"},\"containers\":[{\"name\":"                             \
	"\"spark-kubernetes-executor\",\"cpu\":{\"time\":\"2026-11-29T12:00:00Z\","                \
	"\"usageCoreNanoSeconds\":7000000000}}]}"
#define TREE(id, more)                                                                             \
	"{\"app\":\"app-1\",\"executor\":\"" id "\",\"pid\":9,\"cpu_seconds\":1,\"processes\":["   \
	"{\"pid\":9,\"cpu_seconds\":1}]" more "}"

static const struct endpoint kube_endpoint = {.timeout = FAKE_TIMEOUT};
static bool kube_probe;

static bool kube_point(const struct source *s, const struct app_ref *ref, struct cpu_point *ret)
{
	(void)s;
	assert_string_equal(ref->app_id, "app-1");
	assert_string_equal(ref->url, "http://d:4040");
	*ret = (struct cpu_point){
		.api = KUBE, .namespace = "n", .endpoint = &kube_endpoint, .probe = kube_probe};
	return true;
}

/* Two of the executors are known by their pods. */
static void look_at_pods(struct world *w, bool probe)
{
	static const struct source_ops ops = {.cpu_point = kube_point};
	struct source source = {.ops = &ops};

	kube_probe = probe;
	fake_json(&w->fake, PODS,
		"{\"kind\":\"PodList\",\"items\":[" EXECUTOR("1", "u1") "," EXECUTOR(
			"2", "u2") "]}");
	evidence_collector_configure(
		w->collector, &w->params, &(struct evidence_probe){.port = 14041});
	for (int i = 0; i < 10; i++) {
		observe(w);
		assert_int_equal(
			evidence_collector_look(w->collector, w->app, &w->driver, &source), 0);
		fake_advance(&w->fake, INTERVAL);
	}
}

static const struct cpu_series *cpu_of(const struct world *w, const char *executor)
{
	return &evidence_executor(&w->app->evidence, executor)->cpu;
}

static void test_containers_by_kubelets(void **state)
{
	struct world w;

	(void)state;
	set_up(&w);
	w.fake.wall = 1795953600 * USEC_PER_SEC;
	fake_json(&w.fake, "GET " KUBE "/api/v1/nodes/a/proxy/stats/summary?*",
		"{\"pods\":[" USED("u1") "," USED("u9") "]}");
	look_at_pods(&w, false);
	/* The counter is not renewed: one reading, however often it is told. */
	assert_true(fake_n_asked(&w.fake, "GET */stats/summary?*") > 2);
	assert_int_equal(cpu_of(&w, "1")->n, 1);
	assert_int_equal(cpu_of(&w, "1")->samples[0].pid, 0);
	assert_int_equal(cpu_of(&w, "1")->samples[0].total, 7 * USEC_PER_SEC);
	assert_int_equal(cpu_of(&w, "2")->n, 0);
	tear_down(&w);
}

/* Whoever runs on the node can say that he is that executor. */
static void test_processes_by_probes(void **state)
{
	static const char body[] = "[" TREE("2", "") "," TREE("1", ",\"pod\":\"u1\"") "," TREE(
		"2", ",\"pod\":\"u1\"") "," TREE("3", ",\"pod\":\"u3\"") "]";
	struct world w;

	(void)state;
	set_up(&w);
	fake_json(&w.fake, "GET http://10.9.0.1:14041/api/v1/probe?app=app-1", body);
	look_at_pods(&w, true);
	assert_true(cpu_of(&w, "1")->n > 2);
	assert_int_equal(cpu_of(&w, "1")->samples[0].n, 1);
	assert_int_equal(cpu_of(&w, "2")->n, 0);
	assert_int_equal(cpu_of(&w, "3")->n, 0);
	assert_int_equal(fake_n_asked(&w.fake, "GET *nodes*"), 0);
	/* Probes that do not answer keep other clusters from nothing. */
	assert_string_equal(
		w.fake.asked[fake_first_asked(&w.fake, "GET */probe?*")].as.cluster, "c");
	tear_down(&w);
}

/* What runs here costs no request; another app's executor of the same id is not ours. */
static void test_executors_of_this_host(void **state)
{
	static char app[] = "app-1";
	static char other[] = "app-2";
	static char one[] = "1";
	static char two[] = "2";
	static const struct proctree here[] = {
		{.app_id = app, .executor_id = one, .pid = 11, .cpu = 7 * USEC_PER_SEC},
		{.app_id = other, .executor_id = two, .pid = 12, .cpu = 8 * USEC_PER_SEC}};
	struct world w;

	(void)state;
	set_up(&w);
	fake_host_use(here, ELEMENTSOF(here));
	fake_json(&w.fake, "GET http://10.9.0.1:14041/api/v1/probe?app=app-1",
		"[" TREE("2", ",\"pod\":\"u2\"") "]");
	look_at_pods(&w, true);
	assert_true(cpu_of(&w, "1")->n > 2);
	assert_int_equal(cpu_of(&w, "1")->samples[0].pid, 11);
	assert_int_equal(cpu_of(&w, "1")->samples[0].total, 7 * USEC_PER_SEC);
	assert_int_equal(cpu_of(&w, "2")->samples[0].pid, 9);
	fake_host_use(NULL, 0);
	tear_down(&w);
}

/* Why there is no CPU time is told, and nothing else suffers. */
static void test_kubelets_may_not_be_asked(void **state)
{
	struct world w;

	(void)state;
	set_up(&w);
	fake_set(&w.fake, "GET */stats/summary?*", (struct fake_answer){.status = 403});
	look_at_pods(&w, false);
	assert_true(evidence_counts(w.collector)->failed[WANT_PROCESSES] > 0);
	assert_int_equal(cpu_of(&w, "1")->n, 0);
	assert_int_equal(stage(&w)->tasks.n, N_EXECUTORS);
	tear_down(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_dumps_at_once),
		cmocka_unit_test(test_answers_of_the_gone),
		cmocka_unit_test(test_cancelled_at_the_end),
		cmocka_unit_test(test_useless_lists),
		cmocka_unit_test(test_tasks_are_taken_in),
		cmocka_unit_test(test_containers_by_kubelets),
		cmocka_unit_test(test_processes_by_probes),
		cmocka_unit_test(test_executors_of_this_host),
		cmocka_unit_test(test_kubelets_may_not_be_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
