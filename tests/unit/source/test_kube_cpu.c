/* SPDX-License-Identifier: Apache-2.0
 * CPU time of executors' containers: who is asked for it, how often, and what an answer tells. */
#include "../fake_transport.h"
#include "../row.h"

#include "source/kube_cpu.h"

#define API "https://kube:6443"
#define PODS "GET " API "/api/v1/namespaces/n/pods?*"
#define NODE(name) API "/api/v1/nodes/" name "/proxy"
#define SUMMARY(name) "GET " NODE(name) "/stats/summary?only_cpu_and_memory=true"
#define POD(uid, id, node)                                                                         \
	"{\"metadata\":{\"uid\":\"" uid                                                            \
	"\",\"labels\":{\"spark-role\":\"executor\",\"spark-exec-id\":\"" id                       \
	"\"}},\"spec\":{\"nodeName\":\"" node "\",\"containers\":[{\"name\":"                      \
	"\"spark-kubernetes-executor\"}]},\"status\":{\"hostIP\":\"10.9.0.1\"}}"
#define LIST(items) "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[" items "]}"
#define TWO LIST(POD("u1", "1", "a") "," POD("u2", "2", "b"))
#define NOON 1795953600

struct world {
	struct fake fake;
	struct endpoint endpoint;
	struct cpu_point point;
	struct kube_places *places;
	struct kube_cpu *cpu;
	size_t n_places;
	size_t n_answers;
	char places_fault[240];
	char fault[240];
	char last[240]; /* "APP EXECUTOR=SECONDS@AGE;" each */
	usec_t read;    /* when the last counter was */
	char body[1024];
};

static void on_places(void *userdata, const struct kube_app_key *app, const struct asked *asked)
{
	struct world *w = userdata;

	assert_string_equal(app->cluster, "k");
	w->n_places++;
	(void)snprintf(w->places_fault, sizeof(w->places_fault), "%s",
		asked->fault.reason ? asked->fault.text : "");
}

static void on_usage(void *userdata, struct kube_cpu_answer *answer)
{
	struct world *w = userdata;

	w->n_answers++;
	if (answer->asked.fault.reason)
		(void)snprintf(w->fault, sizeof(w->fault), "%s", answer->asked.fault.text);
	for (size_t i = 0; i < answer->list.n; i++) {
		const struct process_tree *t = &answer->list.items[i];
		size_t len = strlen(w->last);

		assert_int_equal(t->pid, 0);
		assert_int_equal(t->n, 0);
		w->read = answer->taken - t->age;
		(void)snprintf(w->last + len, sizeof(w->last) - len, "%s %s=%.3f;",
			answer->app.app_id, t->executor_id, (double)t->cpu / USEC_PER_SEC);
	}
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	fake_init(&w->fake);
	w->fake.wall = NOON * USEC_PER_SEC;
	w->point = (struct cpu_point){
		.api = API, .namespace = "n", .endpoint = &w->endpoint, .probe = false};
	assert_int_equal(str_replace(&w->endpoint.authorization, "Bearer t"), 0);
	assert_int_equal(kube_places_new(&w->fake.transport, on_places, w, &w->places), 0);
	assert_int_equal(kube_cpu_new(&w->fake.transport, w->places, on_usage, w, &w->cpu), 0);
	fake_json(&w->fake, PODS, TWO);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	(void)row_tell(state);
	kube_cpu_free(w->cpu);
	kube_places_free(w->places);
	assert_int_equal(fake_n_waiting(&w->fake), 0);
	endpoint_clear(&w->endpoint);
	fake_clear(&w->fake);
	free(w);
	return 0;
}

static struct world *anew(void **state)
{
	(void)tear_down(state);
	(void)set_up(state);
	return *state;
}

/* Of an app, its executors 1 to n. */
static void ids(struct strlist *l, int n)
{
	for (int i = 1; i <= n; i++) {
		char id[12];

		(void)snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(strlist_add(l, id), 0);
	}
}

static void learn(struct world *w, const char *app_id)
{
	const struct kube_app_key app = {"k", app_id, 1};
	struct strlist l = {0};

	ids(&l, 2);
	assert_int_equal(kube_places_ask(w->places, &w->point, &app, &l, w->fake.now), 0);
	fake_run(&w->fake);
	strlist_clear(&l);
}

static void want(struct world *w, const char *app_id)
{
	const struct kube_app_key app = {"k", app_id, 1};
	struct strlist l = {0};

	w->last[0] = w->fault[0] = '\0';
	ids(&l, 2);
	assert_int_equal(kube_cpu_want(w->cpu, &w->point, &app, &l, w->fake.now), 0);
	fake_run(&w->fake);
	strlist_clear(&l);
}

/* What the kubelet of executor 1's node has read, that many seconds after noon of its clock. */
static void summary(struct world *w, double cpu, int read)
{
	(void)snprintf(w->body, sizeof(w->body),
		"{\"pods\":[{\"podRef\":{\"uid\":\"u1\"},\"containers\":[{\"name\":\"side\",\"cpu\""
		":{\"time\":\"2026-11-29T12:00:00Z\",\"usageCoreNanoSeconds\":7}},{\"name\":"
		"\"spark-kubernetes-executor\",\"cpu\":{\"time\":\"2026-11-29T12:%02d:%02dZ\","
		"\"usageCoreNanoSeconds\":%.0f}}]},{\"podRef\":{\"uid\":\"other\"}}]}",
		read / 60, read % 60, cpu * 1e9);
	fake_json(&w->fake, SUMMARY("a"), w->body);
	fake_json(&w->fake, SUMMARY("b"), "{\"pods\":[]}");
}

static void pods_are_asked_for_once(void **state)
{
	struct world *w = *state;
	const struct kube_app_key app = {"k", "spark-1", 1};
	const struct kube_app_key next = {"k", "spark-1", 2};
	struct strlist l = {0};

	ids(&l, 2);
	assert_null(kube_places_find(w->places, &app, "1", w->fake.now));
	learn(w, "spark-1");
	assert_string_equal(w->fake.asked[0].what,
		"GET " API "/api/v1/namespaces/n/pods?resourceVersion=0&labelSelector="
		"spark-app-selector%3Dspark-1%2Cspark-exec-id%20in%20%281%2C2%29");
	assert_string_equal(w->fake.asked[0].as.authorization, "Bearer t");
	assert_string_equal(kube_places_find(w->places, &app, "2", w->fake.now)->node, "b");
	assert_null(kube_places_find(w->places, &app, "3", w->fake.now));
	/* The same id with another start is another app. */
	assert_null(kube_places_find(w->places, &next, "1", w->fake.now));
	/* Who asks again, since one is missing, waits a little. */
	assert_int_equal(kube_places_ask(w->places, &w->point, &app, &l, w->fake.now), -EAGAIN);
	fake_advance(&w->fake, 20 * USEC_PER_SEC);
	learn(w, "spark-1");
	assert_int_equal(w->n_places, 2);
	strlist_clear(&l);
}

static void ids_that_are_none(void **state)
{
	static const struct {
		const char *name;
		const char *app;
		const char *executor;
		int r;
	} rows[] = {
		{"a driver", "spark-1", "driver", -ENOENT},
		{"what would end the list", "spark-1", "1),a in (2", -ENOENT},
		{"an app of two labels", "spark-1,spark-role=driver", "1", -EINVAL},
		{"an app without an id", "", "1", -EINVAL},
	};

	each_row(i, rows)
	{
		struct world *w = anew(state);
		const struct kube_app_key app = {"k", rows[i].app, 1};
		struct strlist l = {0};

		assert_int_equal(strlist_add(&l, rows[i].executor), 0);
		assert_int_equal(
			kube_places_ask(w->places, &w->point, &app, &l, w->fake.now), rows[i].r);
		assert_int_equal(w->fake.n_asked, 0);
		strlist_clear(&l);
	}
}

/* Which of them Spark means cannot be told: neither is taken. */
static void two_pods_of_one_executor(void **state)
{
	struct world *w = *state;

	fake_json(&w->fake, PODS, LIST(POD("u1", "1", "a") "," POD("u9", "1", "a")));
	summary(w, 1, 0);
	learn(w, "spark-1");
	want(w, "spark-1");
	assert_string_equal(w->last, "");
}

static void a_node_is_asked_once_for_all(void **state)
{
	struct world *w = *state;

	summary(w, 1.5, 0);
	learn(w, "spark-1");
	learn(w, "spark-2");
	want(w, "spark-1");
	assert_string_equal(w->last, "spark-1 1=1.500;");
	/* What was told a moment ago is told again, without a request. */
	want(w, "spark-2");
	assert_string_equal(w->last, "spark-2 1=1.500;");
	assert_int_equal(fake_n_asked(&w->fake, "*/stats/summary?*"), 2);
	/* While it is under way, nobody asks again, and both are told. */
	fake_advance(&w->fake, 20 * USEC_PER_SEC);
	fake_set(&w->fake, SUMMARY("a"),
		(struct fake_answer){.status = 200,
			.type = "application/json",
			.body = w->body,
			.after = USEC_PER_SEC});
	want(w, "spark-1");
	want(w, "spark-2");
	fake_advance(&w->fake, 2 * USEC_PER_SEC);
	assert_int_equal(fake_n_asked(&w->fake, SUMMARY("a")), 2);
	assert_non_null(strstr(w->last, "spark-1 1=1.500;"));
	assert_non_null(strstr(w->last, "spark-2 1=1.500;"));
}

static void nobody_is_asked_for_whom_nobody_wants(void **state)
{
	struct world *w = *state;

	summary(w, 1, 0);
	learn(w, "spark-1");
	fake_advance(&w->fake, USEC_PER_MINUTE);
	assert_int_equal(fake_n_asked(&w->fake, "*/stats/summary?*"), 0);
	want(w, "spark-3");
	assert_int_equal(fake_n_asked(&w->fake, "*/stats/summary?*"), 0);
}

/* The counter's own time counts, whenever the answer comes. */
static void a_reading_has_its_own_time(void **state)
{
	struct world *w = *state;
	usec_t first;

	learn(w, "spark-1");
	fake_advance(&w->fake, 10 * USEC_PER_SEC);
	summary(w, 1, 4);
	want(w, "spark-1");
	first = w->read;
	assert_int_equal(w->fake.now - first, 6 * USEC_PER_SEC);
	/* Not renewed yet: the same reading. */
	fake_advance(&w->fake, 9 * USEC_PER_SEC);
	want(w, "spark-1");
	assert_int_equal(w->read, first);
	fake_advance(&w->fake, 9 * USEC_PER_SEC);
	summary(w, 2, 27);
	want(w, "spark-1");
	assert_int_equal(w->read - first, 23 * USEC_PER_SEC);
	/* The whole seconds of a Date header change nothing of it. */
	fake_advance(&w->fake, 9 * USEC_PER_SEC);
	summary(w, 2, 36);
	fake_set(&w->fake, SUMMARY("a"),
		(struct fake_answer){.status = 200,
			.type = "application/json",
			.body = w->body,
			.date = (NOON + 36) * USEC_PER_SEC});
	want(w, "spark-1");
	assert_int_equal(w->read - first, 32 * USEC_PER_SEC);
	/* Its clock is set an hour back: from then on it goes by the new one. */
	fake_advance(&w->fake, 9 * USEC_PER_SEC);
	fake_set(&w->fake, SUMMARY("a"),
		(struct fake_answer){.status = 200,
			.type = "application/json",
			.body = w->body,
			.date = (NOON + 40) * USEC_PER_SEC - USEC_PER_HOUR});
	want(w, "spark-1");
	assert_int_equal(w->read, w->fake.now); /* not of the future */
}

static void answers_of_no_use(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
		const char *fault;
		usec_t alone;
	} rows[] = {
		{"the token is no longer good",
			{.status = 401,
				.type = "application/json",
				.body = "{\"kind\":\"Status\",\"message\":\"Unauthorized\"}"},
			"answered 401: Unauthorized", 30 * USEC_PER_SEC},
		{"no right to get nodes/proxy",
			{.status = 403,
				.type = "application/json",
				.body = "{\"kind\":\"Status\",\"message\":\"nodes \\\"a\\\" is "
					"forbidden\"}"},
			"answered 403: nodes \"a\" is forbidden", 30 * USEC_PER_SEC},
		{"such a node is gone",
			{.status = 404,
				.type = "application/json",
				.body = "{\"kind\":\"Status\",\"message\":\"no a\"}"},
			"answered 404: no a", 30 * USEC_PER_SEC},
		{"it asks to be left alone", {.status = 429, .retry_after = USEC_PER_MINUTE},
			"answered 429", USEC_PER_MINUTE},
		{"for a day", {.status = 503, .retry_after = 24 * USEC_PER_HOUR}, "answered 503",
			10 * USEC_PER_MINUTE},
		{"no way to the kubelet", {.status = 502, .type = "text/plain", .body = "dial tcp"},
			"answered 502", 30 * USEC_PER_SEC},
		{"too large", {.error = -EMSGSIZE, .error_text = "8 MB"}, "answered more than",
			30 * USEC_PER_SEC},
		{"not JSON", {.status = 200, .type = "text/html", .body = "<html>"},
			"answered 200 with text/html", 30 * USEC_PER_SEC},
		{"no summary", {.status = 200, .type = "application/json", .body = "{}"},
			"answered what cannot be used", 30 * USEC_PER_SEC},
		{"nothing", {.hangs = true}, "gave no answer", 30 * USEC_PER_SEC},
	};

	each_row(i, rows)
	{
		struct world *w = anew(state);

		summary(w, 1, 0);
		learn(w, "spark-1");
		fake_json(&w->fake, SUMMARY("b"), "{\"pods\":[]}");
		fake_set(&w->fake, SUMMARY("a"), rows[i].answer);
		want(w, "spark-1");
		fake_advance(&w->fake, FAKE_TIMEOUT);
		assert_int_equal(w->n_answers, 2);
		assert_string_equal(w->last, "");
		if (!rows[i].answer.hangs)
			want(w, "spark-1"); /* b, fresh or not, says nothing of a */
		assert_int_equal(fake_n_asked(&w->fake, SUMMARY("a")), 1);
		fake_advance(&w->fake, rows[i].alone - FAKE_TIMEOUT - USEC_PER_SEC);
		want(w, "spark-1");
		assert_int_equal(fake_n_asked(&w->fake, SUMMARY("a")), 1);
		fake_advance(&w->fake, FAKE_TIMEOUT + USEC_PER_SEC);
		want(w, "spark-1");
		fake_advance(&w->fake, FAKE_TIMEOUT);
		assert_int_equal(fake_n_asked(&w->fake, SUMMARY("a")), 2);
		assert_non_null(strstr(w->fault, rows[i].fault));
	}
}

static void no_right_to_list_pods(void **state)
{
	struct world *w = *state;

	fake_set(&w->fake, PODS,
		(struct fake_answer){.status = 403,
			.type = "application/json",
			.body = "{\"kind\":\"Status\",\"message\":\"pods is forbidden\"}"});
	learn(w, "spark-1");
	assert_string_equal(w->places_fault, "answered 403: pods is forbidden");
	want(w, "spark-1");
	assert_int_equal(w->n_answers, 0);
}

static void nothing_comes_after_the_end(void **state)
{
	struct world *w = *state;

	learn(w, "spark-1");
	fake_set(&w->fake, "GET */stats/summary?*", (struct fake_answer){.hangs = true});
	fake_set(&w->fake, PODS, (struct fake_answer){.hangs = true});
	want(w, "spark-1");
	learn(w, "spark-2");
	assert_int_equal(fake_n_waiting(&w->fake), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pods_are_asked_for_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ids_that_are_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_pods_of_one_executor, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_node_is_asked_once_for_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			nobody_is_asked_for_whom_nobody_wants, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reading_has_its_own_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answers_of_no_use, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_right_to_list_pods, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_comes_after_the_end, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
