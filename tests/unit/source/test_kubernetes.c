/* SPDX-License-Identifier: Apache-2.0
 * type=kubernetes: driver pods of an API server, in pages and namespaces, and all that it answers
 * instead. */
#include "../fake_transport.h"
#include "../kube_params.h"
#include "../row.h"

#include <unistd.h>

#include "source/selftest.h"

#define API "https://kube:6443"
#define ALL "GET " API "/api/v1/pods?*"
#define IN(namespace) "GET " API "/api/v1/namespaces/" namespace "/pods?*"
#define POD_OF_APP "GET " API "/api/v1/namespaces/n/pods/etl-driver"
#define LIST(items) "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[" items "]}"
#define PAGE(next, items)                                                                          \
	"{\"kind\":\"PodList\",\"metadata\":{\"continue\":\"" next "\"},\"items\":[" items "]}"
#define STATUS(reason) "{\"kind\":\"Status\",\"reason\":\"" reason "\",\"message\":\"it says why\"}"
#define RUNNING "\"phase\":\"Running\",\"podIP\":\"10.0.0.1\""
#define META(uid, name, app)                                                                       \
	"\"metadata\":{\"uid\":\"" uid "\",\"namespace\":\"n\",\"name\":\"" name                   \
	"\",\"labels\":{\"spark-app-selector\":\"" app "\"}}"
#define POD(uid, name, app, status) "{" META(uid, name, app) ",\"spec\":{},\"status\":{" status "}}"
#define ONE POD("u1", "etl-driver", "app-1", RUNNING)

struct fixture {
	struct fake fake;
	struct source_params params;
	struct source *source;
	unsigned n;
	int r;
	bool partial;
	size_t n_targets;
	char targets[1024]; /* "app url; " each */
	char first[256];    /* what is said of the first */
	bool configured;
	bool waits;
	size_t n_faults;
	char reason[32];
	char text[256];
	enum app_end end;
	enum permission kill;
	char *big;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fake_init(&f->fake);
	kube_params(&f->params);
	/* Requests are counted. Drivers in client mode: test_kube_clients.c; SparkApplications:
	 * test_kube_unstarted.c */
	kube_set(&f->params, "executor_selector", "none");
	kube_set(&f->params, "application_selector", "none");
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	source_free(f->source);
	param_clear(source_params, n_source_params, &f->params);
	fake_clear(&f->fake);
	free(f->big);
	free(f);
	return 0;
}

static int tear_down(void **state)
{
	(void)row_tell(state);
	return end(state);
}

static struct fixture *anew(void **state)
{
	(void)end(state);
	(void)set_up(state);
	return *state;
}

static int try(struct fixture *f, char **reterr)
{
	return source_new("k", &f->params, NULL, &f->fake.transport, &f->source, reterr);
}

static void make(struct fixture *f)
{
	_cleanup_free_ char *err = NULL;

	kube_set(&f->params, "url", API "/");
	assert_int_equal(try(f, &err), 0);
}

static void on_listed(void *userdata, const struct target_list *list)
{
	struct fixture *f = userdata;
	size_t len = 0;

	f->n++;
	f->r = list->r;
	f->partial = list->partial;
	f->n_targets = list->n;
	f->targets[0] = f->first[0] = f->reason[0] = f->text[0] = '\0';
	f->n_faults = 0;
	for (size_t i = 0; list->r >= 0 && i < list->n && len < sizeof(f->targets) - 200; i++)
		len += (size_t)snprintf(f->targets + len, sizeof(f->targets) - len, "%s %s; ",
			list->items[i].app_id ? list->items[i].app_id : "-",
			list->items[i].url ? list->items[i].url : "-");
	if (list->r >= 0 && list->n > 0) {
		f->configured = list->items[0].configured;
		f->waits = list->items[0].waits;
		(void)snprintf(f->first, sizeof(f->first), "%s", list->items[0].about);
	}
	for (size_t i = 0; i < list->n_asked; i++)
		if (list->asked[i].fault.reason) {
			f->n_faults++;
			(void)snprintf(
				f->reason, sizeof(f->reason), "%s", list->asked[i].fault.reason);
			(void)snprintf(f->text, sizeof(f->text), "%s", list->asked[i].fault.text);
		}
}

static void list(struct fixture *f)
{
	unsigned n = f->n;

	assert_int_equal(f->source->ops->list(f->source, on_listed, f), 0);
	fake_advance(&f->fake, USEC_PER_MINUTE);
	assert_int_equal(f->n, n + 1);
}

/* A short list is asked for in one piece once its length is known: the API server's cache has it.
 */
static void a_short_list_is_of_the_cache(void **state)
{
	struct fixture *f = *state;

	make(f);
	fake_json(&f->fake, "*", LIST(ONE));
	list(f);
	assert_int_equal(fake_n_asked(&f->fake, "*&resourceVersion=0"), 0);
	list(f);
	assert_int_equal(fake_n_asked(&f->fake, "*&resourceVersion=0"), 1);
	/* One that fails, as too large an answer does, is asked for in pages. */
	fake_json(&f->fake, "*", "{}");
	list(f);
	assert_int_equal(fake_n_asked(&f->fake, "*&resourceVersion=0"), 2);
	list(f);
	fake_json(&f->fake, "*", PAGE("2", ONE));
	fake_json(&f->fake, "*&continue=2", LIST(""));
	list(f);
	assert_int_equal(fake_n_asked(&f->fake, "*&resourceVersion=0"), 2);
	list(f);
	assert_int_equal(fake_n_asked(&f->fake, "*&resourceVersion=0"), 3);
	assert_int_equal(fake_n_asked(&f->fake, "*&resourceVersion=0*&continue=*"), 0);
}

static void asks_for_live_drivers(void **state)
{
	struct fixture *f = *state;

	make(f);
	fake_json(&f->fake, "*", LIST(""));
	list(f);
	assert_int_equal(f->r, 0);
	assert_int_equal(f->n_targets, 0); /* an empty list is a list */
	assert_string_equal(f->fake.asked[0].what,
		"GET " API "/api/v1/pods?labelSelector="
		"spark-role%20in%20%28driver%2Cconnect-server%29&limit=200&fieldSelector="
		"status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed");
	assert_null(f->fake.asked[0].as.authorization);
}

static void where_drivers_are(void **state)
{
	static const struct {
		const char *name;
		const char *via;
		const char *pod;
		const char *targets;
		bool configured;
	} rows[] = {
		{"by its address", "pod_ip", ONE, "app-1 http://10.0.0.1:4040; ", false},
		{"IPv6", "pod_ip",
			POD("u1", "d", "app-1", "\"phase\":\"Running\",\"podIP\":\"fd00::0:7\""),
			"app-1 http://[fd00::7]:4040; ", false},
		{"another port", "pod_ip",
			"{" META("u1", "d", "app-1") ",\"spec\":{\"containers\":[{\"ports\":["
						     "{\"name\":\"spark-ui\",\"containerPort\":"
						     "4057}]}]},\"status\":{" RUNNING "}}",
			"app-1 http://10.0.0.1:4057; ", false},
		{"no address yet", "pod_ip", POD("u1", "d", "app-1", "\"phase\":\"Running\""),
			"app-1 -; ", false},
		{"no label", "pod_ip", POD("u1", "d", "", RUNNING), "- http://10.0.0.1:4040; ",
			false},
		{"nothing to know it by", "pod_ip", POD("u1", "d", "", "\"phase\":\"Running\""), "",
			false},
		{"Spark's service", "service", ONE, "app-1 http://etl-driver-svc.n.svc:4040; ",
			false},
		{"the operator's service", "service",
			"{\"metadata\":{\"uid\":\"u\",\"namespace\":\"n\",\"name\":\"x\","
			"\"labels\":{\"spark-app-selector\":\"app-1\","
			"\"sparkoperator.k8s.io/"
			"app-name\":\"etl\"}},\"spec\":{},\"status\":{" RUNNING "}}",
			"app-1 http://etl-ui-svc.n.svc:4040; ", false},
		{"a service of another name", "service", POD("u1", "d", "app-1", RUNNING),
			"app-1 -; ", false},
		{"through the API server", "proxy", ONE,
			"app-1 " API "/api/v1/namespaces/n/pods/etl-driver:4040/proxy; ", true},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		_cleanup_free_ char *body = NULL;

		kube_set(&f->params, "ui_via", r->via);
		make(f);
		assert_int_equal(str_printf(&body, LIST("%s"), r->pod), 0);
		fake_json(&f->fake, ALL, body);
		list(f);
		assert_int_equal(f->r, 0);
		assert_string_equal(f->targets, r->targets);
		if (*r->targets)
			assert_int_equal(f->configured, r->configured);
	}
}

#define LONG10(s) s s s s s s s s s s
/* 253 bytes, the most that there can be. */
#define NAME_253 LONG10("abcdef.0-9") LONG10("abcdef.0-9") "." LONG10("x-y-z") "y9"

/* Each legal character of names and labels, at the greatest length. What Kubernetes would not take
 * is of no pod. */
static void names_with_every_legal_character(void **state)
{
	static const struct {
		const char *name;
		const char *namespace;
		const char *pod;
		const char *app;
		bool taken;
	} rows[] = {
		{"letters, digits, dashes", "n", "abcdefghijklmnopqrstuvwxyz-0123456789", "a",
			true},
		{"dots", "n", "a.b-c.0", "a", true},
		{"one character", "0", "0", "0", true},
		{"the longest", "n", NAME_253, "a", true},
		{"one more", "n", NAME_253 "x", "a", false},
		{"a namespace of 63", LONG10("abc-09") "x-0", "p", "a", true},
		{"of 64", LONG10("abc-09") "xx-0", "p", "a", false},
		{"a label of all kinds", "n", "p", "Spark_1.2-ABCxyz.09", true},
		{"a dot in a namespace", "n.m", "p", "a", false},
		{"upper case", "n", "P", "a", false},
		{"an underscore", "n", "a_b", "a", false},
		{"a slash", "n", "a/b", "a", false},
		{"up", "..", "p", "a", false},
		{"a dash first", "n", "-a", "a", false},
		{"a dot last", "n", "a.", "a", false},
		{"a query", "n", "a?b", "a", false},
		{"not ASCII", "n", "\u00e9", "a", false},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		_cleanup_free_ char *body = NULL;
		_cleanup_free_ char *target = NULL;

		kube_set(&f->params, "ui_via", "proxy");
		make(f);
		assert_int_equal(
			str_printf(&body,
				LIST("{\"metadata\":{\"uid\":\"u\",\"namespace\":\"%s\",\"name\":"
				     "\"%s\",\"labels\":{\"spark-app-selector\":\"%s\"}},"
				     "\"spec\":{},\"status\":{" RUNNING "}}"),
				r->namespace, r->pod, r->app),
			0);
		assert_int_equal(
			str_printf(&target, "%s " API "/api/v1/namespaces/%s/pods/%s:4040/proxy; ",
				r->app, r->namespace, r->pod),
			0);
		fake_json(&f->fake, ALL, body);
		list(f);
		assert_int_equal(f->r, 0);
		assert_string_equal(f->targets, r->taken ? target : "");
		assert_int_equal(f->partial, !r->taken);
	}
}

static void which_pods_are_drivers_that_run(void **state)
{
	static const struct {
		const char *name;
		const char *status;
		const char *first; /* NULL: it is no target */
	} rows[] = {
		{"runs", RUNNING, "pod n/d: Running"},
		{"has ended", "\"phase\":\"Failed\",\"podIP\":\"10.0.0.1\"", NULL},
		{"its driver has ended",
			RUNNING ",\"containerStatuses\":[{\"name\":\"spark-kubernetes-driver\","
				"\"state\":{\"terminated\":{}}}]",
			NULL},
		{"its node is lost", RUNNING ",\"reason\":\"NodeLost\",\"message\":\"gone\"",
			"pod n/d: Running, NodeLost: gone"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		_cleanup_free_ char *body = NULL;

		make(f);
		assert_int_equal(
			str_printf(&body, LIST(POD("u1", "d", "app-1", "%s")), r->status), 0);
		fake_json(&f->fake, ALL, body);
		list(f);
		assert_int_equal(f->r, 0);
		assert_string_equal(f->first, r->first ? r->first : "");
	}
}

/* It is listed, and nobody is asked. */
static void one_that_waits_for_a_node(void **state)
{
	struct fixture *f = *state;

	make(f);
	fake_json(&f->fake, ALL,
		LIST(POD("u1", "d", "app-1",
			"\"phase\":\"Pending\",\"podIP\":\"10.0.0.1\",\"conditions\":[{\"type\":"
			"\"PodScheduled\",\"status\":\"False\",\"reason\":"
			"\"Unschedulable\"}]") "," POD("u2", "e", "", "\"phase\":\"Pending\"")));
	list(f);
	assert_string_equal(f->targets, "app-1 -; ");
	assert_true(f->waits);
	assert_string_equal(f->first, "pod n/d: Pending, Unschedulable");
}

/* A label is what the pod's maker says: the one that stays has the name. */
static void two_pods_of_one_app(void **state)
{
	static const struct {
		const char *name;
		const char *url;
	} rows[] = {{"u1", "http://10.0.0.1:4040"}, {"old", "http://10.0.0.9:4040"},
		{NULL, "http://10.0.0.5:4040"}, {NULL, NULL}};
	struct fixture *f = *state;

	make(f);
	fake_json(&f->fake, ALL,
		LIST("{\"metadata\":{\"uid\":\"a\",\"namespace\":\"n\",\"name\":\"old\","
		     "\"deletionTimestamp\":\"2026-11-29T12:00:00Z\",\"labels\":{"
		     "\"spark-app-selector\":\"app-1\"}},\"spec\":{},\"status\":{\"phase\":"
		     "\"Running\",\"podIP\":\"10.0.0.9\"}}," ONE));
	list(f);
	assert_string_equal(f->targets, "app-1 http://10.0.0.1:4040; - http://10.0.0.9:4040; ");
	/* Each is known by its URL; the id alone names neither. */
	for_each_row(r, rows)
	{
		char id[] = "app-1";
		struct app_ref ref = {.app_id = id, .url = r->url};

		f->source->ops->identify(f->source, &ref);
		if (r->name)
			assert_non_null(strstr(ref.mark, r->name));
		else
			assert_null(ref.mark);
		free(ref.mark);
	}
}

static void pages(void **state)
{
	struct fixture *f = *state;

	make(f);
	fake_json(&f->fake, ALL, PAGE("M/O=", ONE));
	fake_json(
		&f->fake, ALL "&continue=M%2FO%3D", LIST(POD("u2", "b-driver", "app-2", RUNNING)));
	list(f);
	assert_int_equal(f->r, 0);
	assert_string_equal(f->targets, "app-1 http://10.0.0.1:4040; app-2 http://10.0.0.1:4040; ");
	assert_int_equal(f->fake.n_asked, 2);
	assert_int_equal(f->n_faults, 0);
}

static void many_answer(
	void *userdata, const struct transport_request *request, struct fake_answer *ret)
{
	struct fixture *f = userdata;
	const char *next = strstr(request->what, "&continue=");
	unsigned page = next ? (unsigned)atoi(next + strlen("&continue=")) : 0;
	struct strbuf b = {0};

	strbuf_addf(&b, "{\"kind\":\"PodList\",\"metadata\":{\"continue\":\"");
	if (page + 1 < 50)
		strbuf_addf(&b, "%u", page + 1);
	strbuf_add(&b, "\"},\"items\":[");
	for (unsigned i = 0; i < 200; i++)
		strbuf_addf(&b,
			"%s{\"metadata\":{\"uid\":\"u%u-%u\",\"namespace\":\"n\",\"name\":"
			"\"d%u-%u\",\"labels\":{\"spark-app-selector\":\"a%u-%u\"}},\"spec\":{},"
			"\"status\":{" RUNNING "}}",
			i > 0 ? "," : "", page, i, page, i, page, i);
	strbuf_add(&b, "]}");
	free(f->big);
	assert_int_equal(strbuf_finish(&b, &f->big), 0);
	*ret = (struct fake_answer){.status = 200, .type = "application/json", .body = f->big};
}

/* Whoever waits for its end is not to wait for ever. */
static void a_list_that_takes_too_long(void **state)
{
	struct fixture *f = *state;

	make(f);
	f->fake.otherwise = many_answer;
	f->fake.userdata = f;
	f->fake.latency = 5 * USEC_PER_SEC;
	assert_int_equal(f->source->ops->list(f->source, on_listed, f), 0);
	fake_advance(&f->fake, 2 * USEC_PER_MINUTE);
	assert_int_equal(f->n, 1);
	assert_true(f->r < 0);
	assert_string_equal(f->text, "is not through its list after 1min 5s");
	assert_int_equal(f->fake.n_asked, 13);
}

static void ten_thousand_pods(void **state)
{
	struct fixture *f = *state;

	make(f);
	f->fake.otherwise = many_answer;
	f->fake.userdata = f;
	list(f);
	assert_int_equal(f->r, 0);
	assert_int_equal(f->n_targets, 10000);
	assert_int_equal(f->fake.n_asked, 50);
	/* Too many for one piece. */
	list(f);
	assert_int_equal(f->fake.n_asked, 100);
}

/* A list is begun anew, once. */
static void a_page_that_expired(void **state)
{
	struct fixture *f = *state;

	make(f);
	fake_json(&f->fake, ALL, PAGE("old", ONE));
	fake_set(&f->fake, "*&continue=old",
		(struct fake_answer){.status = 410, .body = STATUS("Expired")});
	list(f);
	assert_true(f->r < 0);
	assert_string_equal(f->text, "answered 410: it says why");
	assert_int_equal(f->fake.n_asked, 4);
	fake_json(&f->fake, "*&continue=new", LIST(""));
	fake_json(&f->fake, ALL "Failed", PAGE("new", ONE));
	fake_set(&f->fake, ALL "Failed",
		(struct fake_answer){.status = 200,
			.type = "application/json",
			.body = PAGE("old", ONE),
			.times = 1});
	list(f);
	assert_int_equal(f->r, 0);
	assert_int_equal(f->n_targets, 1);
	assert_int_equal(f->fake.n_asked, 8);
}

#define VERSIONED(version, items)                                                                  \
	"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version                       \
	"\"},\"items\":[" items "]}"
#define WATCH(version) "*&watch=1&timeoutSeconds=1&*&resourceVersion=" version
#define EVENT_OBJECT(version, uid, name, app)                                                      \
	"{\"metadata\":{\"uid\":\"" uid "\",\"namespace\":\"n\",\"name\":\"" name                  \
	"\",\"resourceVersion\":\"" version "\",\"labels\":{\"spark-app-selector\":\"" app         \
	"\"}},\"spec\":{},\"status\":{" RUNNING "}}"
#define EVENT(type, version, uid, name, app)                                                       \
	"{\"type\":\"" type "\",\"object\":" EVENT_OBJECT(version, uid, name, app) "}\n"
#define TARGET(n) "app-" n " http://10.0.0.1:4040; "

static void watch_answers(struct fixture *f, const char *version, const char *body)
{
	_cleanup_free_ char *pattern = NULL;

	assert_true(str_printf(&pattern, WATCH("%s"), version) >= 0);
	fake_set(&f->fake, pattern,
		(struct fake_answer){.status = 200,
			.type = "application/json",
			.body = body,
			.after = USEC_PER_SEC});
}

/* After a list it is asked what has changed, from the version of the last change on. */
static void what_changes(void **state)
{
	struct fixture *f = *state;

	make(f);
	fake_json(&f->fake, ALL, VERSIONED("7", ONE));
	watch_answers(f, "7", "");
	watch_answers(f, "8",
		EVENT("ADDED", "9", "u0", "a", "app-0") EVENT("MODIFIED", "10", "u1", "etl-driver",
			"app-3") EVENT("ADDED", "11", "u2", "b", "app-2")
			EVENT("DELETED", "12", "u2", "b", "app-2"));
	list(f);
	assert_string_equal(f->targets, TARGET("1"));
	list(f);
	assert_string_equal(f->targets, TARGET("1"));
	watch_answers(f, "7", EVENT("ADDED", "8", "u2", "b", "app-2"));
	list(f);
	assert_string_equal(f->targets, TARGET("1") TARGET("2"));
	list(f);
	assert_string_equal(f->targets, TARGET("0") TARGET("3"));
	watch_answers(f, "12", EVENT("DELETED", "13", "u1", "etl-driver", "app-3"));
	list(f);
	assert_string_equal(f->targets, TARGET("0"));
	assert_int_equal(f->fake.n_asked, 5);
	assert_int_equal(fake_n_asked(&f->fake, "*&limit=*"), 1);
	/* A watch takes no place of polls. */
	for (size_t i = 0; i < f->fake.n_asked; i++)
		assert_int_equal(f->fake.asked[i].places, i > 0 ? PLACES_LASTING : PLACES_SHARED);
	assert_int_equal(f->n_faults, 0);
	/* All the same it is listed now and then. */
	watch_answers(f, "13", "");
	for (unsigned i = 0; i < 6; i++)
		list(f);
	assert_int_equal(fake_n_asked(&f->fake, "*&limit=*"), 2);
	assert_string_equal(f->targets, TARGET("1"));
}

/* Of so many that watching them would take the time of the polls, all are listed. */
static void too_many_to_watch(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 49; i++) {
		_cleanup_free_ char *name = NULL;

		assert_true(str_printf(&name, "n%u", i) >= 0);
		kube_set(&f->params, "namespace", name);
	}
	make(f);
	fake_json(&f->fake, "*", VERSIONED("7", ""));
	for (unsigned i = 0; i < 3; i++)
		list(f);
	assert_int_equal(fake_n_asked(&f->fake, "*&watch=1*"), 0);
	assert_int_equal(fake_n_asked(&f->fake, "*&limit=*"), 3 * 49);
}

/* Then all are listed at once. */
static void changes_of_no_use(void **state)
{
	static const char expired[] =
		"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\n";
	static const struct {
		const char *name;
		struct fake_answer answer;
		bool again; /* changes are asked for with the next list but one */
	} rows[] = {
		{"expired", {.status = 200, .type = "application/json", .body = expired}, true},
		{"410", {.status = 410, .body = STATUS("Expired")}, true},
		{"no right to watch", {.status = 403, .body = STATUS("Forbidden")}, false},
		{"it has no end", {.hangs = true}, false},
		{"it ends before its time", {.status = 200, .type = "application/json", .body = ""},
			false},
		{"a list",
			{.status = 200,
				.type = "application/json",
				.body = LIST(ONE),
				.after = USEC_PER_SEC},
			false},
		{"HTML", {.status = 200, .type = "text/html", .body = "<html>"}, false},
		{"cut", {.error = -ECONNRESET}, false},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);

		make(f);
		fake_json(&f->fake, ALL, VERSIONED("7", ""));
		list(f);
		fake_json(&f->fake, ALL, VERSIONED("7", ONE));
		fake_set(&f->fake, WATCH("7"), r->answer);
		list(f);
		assert_int_equal(f->r, 0);
		assert_string_equal(f->targets, TARGET("1"));
		assert_int_equal(f->n_faults, 0);
		assert_int_equal(fake_n_asked(&f->fake, WATCH("7")), 1);
		list(f);
		assert_int_equal(fake_n_asked(&f->fake, WATCH("7")), r->again ? 2 : 1);
		assert_int_equal(fake_n_asked(&f->fake, "*&limit=*"), 3);
		for (unsigned i = 0; i < 9; i++)
			list(f);
		assert_true(fake_n_asked(&f->fake, WATCH("7")) >= 2);
	}
}

/* Neither changes nor a list: nothing is known, and as soon as it answers, it is listed. */
static void an_api_server_that_is_away(void **state)
{
	struct fixture *f = *state;

	make(f);
	fake_json(&f->fake, ALL, VERSIONED("7", ONE));
	list(f);
	fake_set(&f->fake, "*", (struct fake_answer){.error = -ECONNREFUSED});
	for (unsigned i = 0; i < 3; i++) {
		list(f);
		assert_true(f->r < 0);
		assert_string_equal(f->reason, "refused");
	}
	assert_int_equal(fake_n_asked(&f->fake, "*&watch=1*"), 1);
	fake_json(&f->fake, "*", VERSIONED("9", ""));
	list(f);
	assert_int_equal(f->r, 0);
	assert_int_equal(f->n_targets, 0);
	watch_answers(f, "9", EVENT("ADDED", "11", "u2", "b", "app-2"));
	list(f);
	assert_string_equal(f->targets, TARGET("2"));
}

static void no_list(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
		const char *reason;
		const char *text;
	} rows[] = {
		{"401", {.status = 401, .body = STATUS("Unauthorized")}, "http_status",
			"answered 401: it says why"},
		{"403", {.status = 403, .body = STATUS("Forbidden")}, "http_status",
			"answered 403: it says why"},
		{"404", {.status = 404, .body = "404 page not found"}, "http_status",
			"answered 404"},
		{"409", {.status = 409, .body = STATUS("Conflict")}, "http_status",
			"answered 409: it says why"},
		{"410 at once", {.status = 410, .body = STATUS("Expired")}, "http_status",
			"answered 410: it says why"},
		{"429", {.status = 429, .body = STATUS("TooManyRequests")}, "http_status",
			"answered 429: it says why"},
		{"500", {.status = 500, .body = "<html>"}, "http_status", "answered 500"},
		{"503", {.status = 503, .body = STATUS("x")}, "http_status",
			"answered 503: it says why"},
		{"a redirect", {.status = 302, .body = ""}, "redirect",
			"answered 302, a redirect, which is not followed"},
		{"HTML", {.status = 200, .type = "text/html", .body = "<html>login</html>"},
			"content_type", "answered 200 with text/html, not JSON"},
		{"cut", {.error = -ECONNRESET}, "cut", NULL},
		{"hangs", {.hangs = true}, "timeout", NULL},
		{"refused", {.error = -ECONNREFUSED}, "refused", NULL},
		{"another kind",
			{.status = 200,
				.type = "application/json",
				.body = "{\"kind\":\"Status\",\"metadata\":{}}"},
			"malformed", "answered what cannot be used: not a PodList"},
		{"an empty object", {.status = 200, .type = "application/json", .body = "{}"},
			"malformed", NULL},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);

		make(f);
		fake_set(&f->fake, ALL, r->answer);
		list(f);
		assert_true(f->r < 0);
		assert_string_equal(f->reason, r->reason);
		if (r->text)
			assert_string_equal(f->text, r->text);
		fake_json(&f->fake, ALL, LIST(ONE));
		list(f);
		assert_int_equal(f->r, 0);
		assert_int_equal(f->n_targets, 1);
		assert_int_equal(f->n_faults, 0);
	}
}

/* What lacks may be there all the same. */
static void a_row_of_no_use(void **state)
{
	struct fixture *f = *state;

	make(f);
	fake_json(&f->fake, ALL, LIST("7," ONE));
	list(f);
	assert_int_equal(f->r, 0);
	assert_int_equal(f->n_targets, 1);
	assert_true(f->partial);
	assert_string_equal(f->reason, "bad_row");
}

static void an_api_server_that_asks_to_wait(void **state)
{
	struct fixture *f = *state;

	make(f);
	fake_set(&f->fake, ALL,
		(struct fake_answer){.status = 429,
			.body = STATUS("TooManyRequests"),
			.retry_after = 90 * USEC_PER_SEC});
	list(f);
	assert_int_equal(f->fake.n_asked, 1);
	fake_json(&f->fake, ALL, LIST(ONE));
	list(f); /* 60 s later */
	assert_true(f->r < 0);
	assert_int_equal(f->fake.n_asked, 1);
	assert_non_null(strstr(f->text, "is left alone for another 30s"));
	list(f);
	assert_int_equal(f->r, 0);
	assert_int_equal(f->fake.n_asked, 2);
}

/* One that may not be read keeps what it had, and does not hide the others. */
static void namespaces(void **state)
{
	struct fixture *f = *state;

	kube_set(&f->params, "namespace", "n");
	kube_set(&f->params, "namespace", "m");
	make(f);
	fake_json(&f->fake, IN("n"), LIST(ONE));
	fake_json(&f->fake, IN("m"), LIST(""));
	list(f);
	assert_int_equal(f->r, 0);
	assert_string_equal(f->targets, "app-1 http://10.0.0.1:4040; ");
	fake_set(&f->fake, IN("n"),
		(struct fake_answer){.status = 403, .body = STATUS("Forbidden")});
	for (unsigned i = 0; i < 2; i++) {
		fake_json(&f->fake, IN("m"),
			i == 0 ? LIST("{\"metadata\":{\"uid\":\"u2\",\"namespace\":\"m\",\"name\":"
				      "\"d\"},\"spec\":{},\"status\":{\"phase\":\"Running\","
				      "\"podIP\":\"10.0.0.2\"}}")
			       : LIST(""));
		list(f);
		assert_int_equal(f->r, 0);
		assert_int_equal(f->n_faults, 1);
		assert_string_equal(
			f->targets, i == 0 ? "- http://10.0.0.2:4040; app-1 http://10.0.0.1:4040; "
					   : "app-1 http://10.0.0.1:4040; ");
	}
	fake_set(&f->fake, IN("m"), (struct fake_answer){.status = 500, .body = ""});
	list(f);
	assert_true(f->r < 0);
	assert_int_equal(f->n_faults, 2);
	fake_json(&f->fake, IN("m"), LIST(""));
	list(f);
	assert_string_equal(f->targets, "app-1 http://10.0.0.1:4040; ");
	fake_json(&f->fake, IN("n"), LIST(""));
	list(f);
	assert_int_equal(f->n_targets, 0);
	assert_int_equal(f->n_faults, 0);
}

/* It goes to the API server alone. */
static void a_token(void **state)
{
	struct fixture *f = *state;

	kube_set(&f->params, "bearer_token_file", "/t");
	make(f);
	fake_json(&f->fake, ALL, LIST(ONE));
	list(f);
	assert_string_equal(f->fake.asked[0].as.bearer_token_file, "/t");
	assert_null(source_endpoint(f->source, false)->bearer_token_file);
	fake_set(&f->fake, ALL,
		(struct fake_answer){.error = -EKEYREJECTED, .error_text = "/t: No such file"});
	list(f);
	assert_true(f->r < 0);
	assert_non_null(strstr(f->text, "could not be asked: /t: No such file"));
}

static void in_a_cluster(void **state)
{
	static const struct {
		const char *name;
		const char *host;
		const char *what;
	} rows[] = {
		{"IPv4", "10.96.0.1", "https://10.96.0.1:443/api/v1/pods"},
		{"IPv6", "fd00::1", "https://[fd00::1]:443/api/v1/pods"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		_cleanup_free_ char *err = NULL;

		assert_int_equal(try(f, &err), -EINVAL);
		assert_non_null(strstr(err, "url is missing"));
		assert_int_equal(setenv("KUBERNETES_SERVICE_HOST", r->host, 1), 0);
		assert_int_equal(setenv("KUBERNETES_SERVICE_PORT", "443", 1), 0);
		assert_int_equal(try(f, &err), 0);
		assert_string_equal(f->source->urls.items[0], r->what);
		assert_string_equal(f->source->endpoint.ca_file,
			"/var/run/secrets/kubernetes.io/serviceaccount/ca.crt");
		assert_string_equal(f->source->endpoint.bearer_token_file,
			"/var/run/secrets/kubernetes.io/serviceaccount/token");
		assert_int_equal(unsetenv("KUBERNETES_SERVICE_HOST"), 0);
		assert_int_equal(unsetenv("KUBERNETES_SERVICE_PORT"), 0);
	}
}

static void parameters_of_no_use(void **state)
{
	static const struct {
		const char *name;
		const char *key;
		const char *value;
		const char *text;
	} rows[] = {
		{"two servers", "url", "https://other", "url: an API server has one address"},
		{"no name", "namespace", "Team_A", "namespace: Team_A is no name of a namespace"},
		{"a way out", "namespace", "a/../b", "namespace: a/../b is no name of a namespace"},
		{"twice", "namespace", "n", "namespace: n is named twice"},
		{"two users", "username", "u", "bearer_token_file: not beside username"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		_cleanup_free_ char *err = NULL;

		kube_set(&f->params, "url", API);
		kube_set(&f->params, "namespace", "n");
		kube_set(&f->params, "bearer_token_file", "/t");
		kube_set(&f->params, r->key, r->value);
		assert_int_equal(try(f, &err), -EINVAL);
		assert_string_equal(err, r->text);
	}
}

static void on_looked(void *userdata, enum app_end app_end, const char *text)
{
	struct fixture *f = userdata;

	f->n++;
	f->end = app_end;
	(void)snprintf(f->text, sizeof(f->text), "%s", text ? text : "");
}

/* By the pod that it was when the action began. */
static void looks(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
		enum app_end end;
		const char *text;
	} rows[] = {
		{"runs",
			{.status = 200,
				.body = "{\"kind\":\"Pod\"," META("u1", "etl-driver",
					"app-1") ",\"spec\":{},\"status\":{" RUNNING "}}"},
			APP_END_RUNNING, "pod n/etl-driver: Running"},
		{"has failed",
			{.status = 200,
				.body = "{\"kind\":\"Pod\"," META("u1", "etl-driver",
					"app-1") ",\"spec\":{},\"status\":{\"phase\":\"Failed\"}}"},
			APP_END_ENDED, "pod n/etl-driver: Failed"},
		{"the next driver",
			{.status = 200,
				.body = "{\"kind\":\"Pod\"," META("u9", "etl-driver",
					"app-1") ",\"spec\":{},\"status\":{" RUNNING "}}"},
			APP_END_ENDED, "pod n/etl-driver is another by now"},
		{"gone", {.status = 404, .body = STATUS("NotFound")}, APP_END_ENDED,
			"the API server answered 404: it says why"},
		{"a 404 of somebody else", {.status = 404, .body = "<html>"}, APP_END_UNKNOWN,
			"the API server answered 404"},
		{"no right", {.status = 403, .body = STATUS("Forbidden")}, APP_END_UNKNOWN,
			"the API server answered 403: it says why"},
		{"a list", {.status = 200, .body = LIST("")}, APP_END_UNKNOWN,
			"the API server answered what cannot be used: not a Pod"},
		{"hangs", {.hangs = true}, APP_END_UNKNOWN, NULL},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		struct app_ref ref = {.app_id = "app-1", .url = "http://10.0.0.1:4040", .pid = 7};
		struct source_call *call = NULL;

		make(f);
		assert_int_equal(
			f->source->ops->look(f->source, &ref, on_looked, f, &call), -ENOENT);
		fake_json(&f->fake, ALL, LIST(ONE));
		list(f);
		f->source->ops->identify(f->source, &ref);
		assert_int_equal(ref.pid, 0);
		fake_json(&f->fake, ALL, LIST("")); /* it left the list meanwhile */
		list(f);
		fake_set(&f->fake, POD_OF_APP, r->answer);
		f->n = 0;
		assert_int_equal(f->source->ops->look(f->source, &ref, on_looked, f, &call), 0);
		fake_advance(&f->fake, USEC_PER_MINUTE);
		assert_int_equal(f->n, 1);
		assert_int_equal(f->end, r->end);
		if (r->text)
			assert_string_equal(f->text, r->text);
		free(ref.mark);
	}
}

#define OWNED(version, kind)                                                                       \
	"{\"metadata\":{\"uid\":\"u1\",\"namespace\":\"n\",\"name\":\"etl-driver\",\"labels\":{"   \
	"\"spark-app-selector\":\"app-1\"},\"ownerReferences\":[{\"apiVersion\":\"" version        \
	"\",\"kind\":\"" kind                                                                      \
	"\",\"name\":\"etl\",\"uid\":\"a1\",\"controller\":true}]},\"spec\":{},"                   \
	"\"status\":{" RUNNING "}}"
#define KUBEFLOW OWNED("sparkoperator.k8s.io/v1beta2", "SparkApplication")
#define APACHE OWNED("spark.apache.org/v1", "SparkApplication")
#define LABELLED                                                                                   \
	"{\"metadata\":{\"uid\":\"u1\",\"namespace\":\"n\",\"name\":\"etl-driver\",\"labels\":{"   \
	"\"spark-app-selector\":\"app-1\",\"sparkoperator.k8s.io/"                                 \
	"app-name\":\"etl\"}},\"spec\":{},"                                                        \
	"\"status\":{" RUNNING "}}"

/* By what controls the pod. */
static void how_drivers_are_ended(void **state)
{
	static const struct {
		const char *name;
		const char *pod;
		enum kill_kind kinds[KILL_VIA_MAX];
	} rows[] = {
		{"nothing", ONE, {[KILL_VIA_CLUSTER] = KILL_POD, [KILL_VIA_POD] = KILL_POD}},
		{"kubeflow's operator", KUBEFLOW,
			{[KILL_VIA_CLUSTER] = KILL_SUSPEND_OR_DELETE,
				[KILL_VIA_SUSPEND] = KILL_SUSPEND,
				[KILL_VIA_APPLICATION] = KILL_APPLICATION,
				[KILL_VIA_POD] = KILL_POD}},
		{"by its label", LABELLED,
			{[KILL_VIA_CLUSTER] = KILL_SUSPEND_OR_DELETE,
				[KILL_VIA_SUSPEND] = KILL_SUSPEND,
				[KILL_VIA_APPLICATION] = KILL_APPLICATION,
				[KILL_VIA_POD] = KILL_POD}},
		{"the Apache operator", APACHE,
			{[KILL_VIA_CLUSTER] = KILL_APPLICATION,
				[KILL_VIA_APPLICATION] = KILL_APPLICATION,
				[KILL_VIA_POD] = KILL_POD}},
		{"a Deployment", OWNED("apps/v1", "ReplicaSet"), {KILL_NONE}},
		{"a Connect server", OWNED("sparkoperator.k8s.io/v1alpha1", "SparkConnect"),
			{KILL_NONE}},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		struct app_ref ref = {.app_id = "app-1", .url = "http://10.0.0.1:4040"};
		struct kill_point point;

		make(f);
		for (int via = 0; via < KILL_VIA_MAX; via++)
			assert_false(
				source_kill_point(f->source, &ref, (enum kill_via)via, &point));
		assert_true(str_printf(&f->big, LIST("%s"), r->pod) >= 0);
		fake_json(&f->fake, ALL, f->big);
		list(f);
		f->source->ops->identify(f->source, &ref);
		assert_non_null(ref.mark);
		for (int via = 0; via < KILL_VIA_MAX; via++) {
			bool can = source_kill_point(f->source, &ref, (enum kill_via)via, &point);

			assert_int_equal(can, r->kinds[via] != KILL_NONE);
			if (can) {
				assert_int_equal(point.kind, r->kinds[via]);
				assert_string_equal(point.urls[0], API);
				assert_string_equal(point.mark, ref.mark);
			}
		}
		free(ref.mark);
	}
}

#define APP_OF_POD                                                                                 \
	"GET " API "/apis/sparkoperator.k8s.io/v1beta2/namespaces/n/sparkapplications/etl"
#define APP_WITH(uid, spec, state)                                                                 \
	"{\"kind\":\"SparkApplication\",\"metadata\":{\"uid\":\"" uid "\"},\"spec\":{" spec        \
	"},\"status\":{\"applicationState\":{\"state\":\"" state "\"}}}"
#define APP(uid, state) APP_WITH(uid, "", state)
#define SUSPENDED(yes) APP_WITH("a1", "\"suspend\":" yes, "SUSPENDED")

/* Its pod is gone: the next one may come, as long as its operator is not through with it. */
static void looks_at_the_application(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
		enum app_end end;
		const char *text;
	} rows[] = {
		{"suspended", {.status = 200, .body = SUSPENDED("true")}, APP_END_ENDED,
			"its pod is gone, SparkApplication n/etl is SUSPENDED"},
		{"resumed before its pod was gone", {.status = 200, .body = SUSPENDED("false")},
			APP_END_RUNNING, NULL},
		{"failed", {.status = 200, .body = APP("a1", "FAILED")}, APP_END_ENDED, NULL},
		{"to run again", {.status = 200, .body = APP("a1", "PENDING_RERUN")},
			APP_END_RUNNING, NULL},
		{"suspending", {.status = 200, .body = APP("a1", "SUSPENDING")}, APP_END_RUNNING,
			NULL},
		{"another", {.status = 200, .body = APP("a2", "RUNNING")}, APP_END_ENDED,
			"SparkApplication n/etl is another by now"},
		{"deleted", {.status = 404, .body = STATUS("NotFound")}, APP_END_ENDED, NULL},
		{"no such API", {.status = 404, .body = "404 page not found"}, APP_END_UNKNOWN,
			NULL},
		{"no right", {.status = 403, .body = STATUS("Forbidden")}, APP_END_UNKNOWN,
			"the API server answered 403: it says why"},
		{"garbage", {.status = 200, .body = "{\"kind\":\"Pod\"}"}, APP_END_UNKNOWN, NULL},
		{"hangs", {.hangs = true}, APP_END_UNKNOWN, NULL},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		struct app_ref ref = {.app_id = "app-1", .url = "http://10.0.0.1:4040"};
		struct source_call *call = NULL;

		make(f);
		fake_json(&f->fake, ALL, LIST(KUBEFLOW));
		list(f);
		f->source->ops->identify(f->source, &ref);
		fake_set(&f->fake, POD_OF_APP,
			(struct fake_answer){.status = 404, .body = STATUS("NotFound")});
		fake_set(&f->fake, APP_OF_POD, r->answer);
		f->n = 0;
		assert_int_equal(f->source->ops->look(f->source, &ref, on_looked, f, &call), 0);
		fake_advance(&f->fake, USEC_PER_MINUTE);
		assert_int_equal(f->n, 1);
		assert_int_equal(f->end, r->end);
		if (r->text)
			assert_string_equal(f->text, r->text);
		free(ref.mark);
	}
}

/* A container that the kubelet starts anew has not ended for good. */
static void a_container_that_comes_back(void **state)
{
	static const char *const policies[] = {"Never", "Always", "OnFailure"};

	for (size_t i = 0; i < ELEMENTSOF(policies); i++) {
		struct fixture *f = anew(state);
		struct app_ref ref = {.app_id = "app-1", .url = "http://10.0.0.1:4040"};
		struct source_call *call = NULL;

		make(f);
		fake_json(&f->fake, ALL, LIST(ONE));
		list(f);
		f->source->ops->identify(f->source, &ref);
		assert_true(str_printf(&f->big,
				    "{\"kind\":\"Pod\"," META("u1", "etl-driver",
					    "app-1") ",\"spec\":{\"restartPolicy\":\"%s\"},"
						     "\"status\":{\"phase\":\"Running\","
						     "\"containerStatuses\":[{\"name\":"
						     "\"spark-kubernetes-driver\",\"state\":{"
						     "\"terminated\":{}}}]}}",
				    policies[i]) >= 0);
		fake_json(&f->fake, POD_OF_APP, f->big);
		assert_int_equal(f->source->ops->look(f->source, &ref, on_looked, f, &call), 0);
		fake_advance(&f->fake, USEC_PER_MINUTE);
		assert_int_equal(f->end, i == 0 ? APP_END_ENDED : APP_END_RUNNING);
		free(ref.mark);
	}
}

static void on_tested(void *userdata, int r, enum permission kill, const char *text)
{
	struct fixture *f = userdata;

	f->n++;
	f->r = r;
	f->kill = kill;
	(void)snprintf(f->text, sizeof(f->text), "%s", text ? text : "");
}

#define REVIEW(allowed)                                                                            \
	"{\"kind\":\"SelfSubjectAccessReview\",\"status\":{\"allowed\":" allowed "}}"
#define REVIEWS "POST " API "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews *"

/* Each right that the configured ways take, and no other, is asked for. */
static void which_rights_are_missing(void **state)
{
	static const struct {
		const char *name;
		unsigned vias;
		const char *namespace;
		const char *denied; /* a pattern of the body */
		const char *absent; /* a group that is not there */
		unsigned n;         /* requests */
		enum permission kill;
		const char *text;
	} rows[] = {
		{"a pod", 1U << KILL_VIA_POD, NULL, NULL, NULL, 6, PERMISSION_GRANTED, ""},
		{"no pod", 1U << KILL_VIA_POD, NULL, "*\"delete\"*", NULL, 6, PERMISSION_DENIED,
			"it takes the right to delete pods"},
		{"suspend", 1U << KILL_VIA_SUSPEND, NULL, NULL, NULL, 4, PERMISSION_GRANTED, ""},
		{"no suspend", 1U << KILL_VIA_SUSPEND, NULL, "*\"patch\"*", NULL, 4,
			PERMISSION_DENIED,
			"it takes the right to patch sparkapplications.sparkoperator.k8s.io"},
		{"by owner", 1U << KILL_VIA_CLUSTER, NULL, NULL, NULL, 9, PERMISSION_GRANTED, ""},
		{"by owner, no delete where suspending fails", 1U << KILL_VIA_CLUSTER, NULL,
			"*\"delete\"*sparkoperator*", NULL, 9, PERMISSION_DENIED,
			"it takes the right to delete sparkapplications.sparkoperator.k8s.io"},
		{"by owner, no operator", 1U << KILL_VIA_CLUSTER, NULL, "*sparkapplications*",
			"spark*", 4, PERMISSION_GRANTED, ""},
		{"nothing allowed", 1U << KILL_VIA_SUSPEND, NULL, "*", NULL, 4, PERMISSION_DENIED,
			"it takes the right to get pods; it takes the right to get "
			"sparkapplications.sparkoperator.k8s.io; it takes the right to patch "
			"sparkapplications.sparkoperator.k8s.io"},
		{"in a namespace", 1U << KILL_VIA_POD, "n", "*\"namespace\":\"n\"*delete*",
			"spark*", 4, PERMISSION_GRANTED, NULL},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		_cleanup_free_ char *pattern = NULL;
		struct source_test *t = NULL;

		if (r->namespace)
			kube_set(&f->params, "namespace", r->namespace);
		make(f);
		fake_json(&f->fake, "GET " API "/apis/*", "{\"kind\":\"APIGroup\"}");
		fake_set(&f->fake, REVIEWS,
			(struct fake_answer){.status = 201, .body = REVIEW("true")});
		if (r->denied) {
			assert_true(str_printf(&pattern, "%.*s%s", (int)strlen(REVIEWS) - 1,
					    REVIEWS, r->denied) >= 0);
			fake_set(&f->fake, pattern,
				(struct fake_answer){.status = 201, .body = REVIEW("false")});
		}
		if (r->absent)
			fake_set(&f->fake, "GET " API "/apis/spark*",
				(struct fake_answer){.status = 404, .body = STATUS("NotFound")});
		assert_int_equal(source_selftest(f->source, r->vias, on_tested, f, &t), 0);
		fake_advance(&f->fake, USEC_PER_MINUTE);
		assert_int_equal(f->n, 1);
		assert_int_equal(f->r, 0);
		assert_int_equal(f->fake.n_asked, r->n);
		if (!r->text)
			continue;
		assert_int_equal(f->kill, r->kill);
		assert_string_equal(f->text, r->text);
	}
}

/* Nothing is to be ended: nothing is asked. And an answer that is none tells nothing. */
static void rights_that_are_not_asked_for(void **state)
{
	struct fixture *f = *state;
	struct source_test *t = NULL;

	make(f);
	assert_int_equal(source_selftest(f->source, 0, on_tested, f, &t), -EOPNOTSUPP);
	fake_json(&f->fake, "POST *", "{\"kind\":\"Status\"}");
	assert_int_equal(source_selftest(f->source, 1U << KILL_VIA_POD, on_tested, f, &t), 0);
	fake_advance(&f->fake, USEC_PER_MINUTE);
	assert_int_equal(f->n, 1);
	assert_true(f->r < 0);
}

static void what_is_behind_a_fault(void **state)
{
	static const struct {
		const char *name;
		const char *via;
		struct fault fault;
		const char *text; /* NULL: nothing */
	} rows[] = {
		{"silence", "pod_ip", {.reason = "timeout"}, "NetworkPolicy"},
		{"no route", "pod_ip", {.reason = "unreachable"}, "no route"},
		{"nobody listens", "pod_ip", {.reason = "refused"}, "spark.ui.enabled"},
		{"no name", "service", {.reason = "unreachable"}, "no route"},
		{"no right", "proxy", {.reason = "http_status", .status = 403}, "pods/proxy"},
		{"no way", "proxy", {.reason = "http_status", .status = 503}, "no way to the pod"},
		{"not there", "proxy", {.reason = "http_status", .status = 404}, NULL},
		{"garbage", "pod_ip", {.reason = "malformed"}, NULL},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		const char *hint;

		kube_set(&f->params, "ui_via", r->via);
		make(f);
		hint = f->source->ops->hint(f->source, &r->fault);
		assert_int_equal(hint != NULL, r->text != NULL);
		if (hint)
			assert_non_null(strstr(hint, r->text));
	}
}

#define kube_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		kube_test(a_short_list_is_of_the_cache),
		kube_test(asks_for_live_drivers),
		kube_test(where_drivers_are),
		kube_test(names_with_every_legal_character),
		kube_test(which_pods_are_drivers_that_run),
		kube_test(one_that_waits_for_a_node),
		kube_test(two_pods_of_one_app),
		kube_test(pages),
		kube_test(ten_thousand_pods),
		kube_test(a_list_that_takes_too_long),
		kube_test(a_page_that_expired),
		kube_test(what_changes),
		kube_test(too_many_to_watch),
		kube_test(changes_of_no_use),
		kube_test(an_api_server_that_is_away),
		kube_test(no_list),
		kube_test(a_row_of_no_use),
		kube_test(an_api_server_that_asks_to_wait),
		kube_test(namespaces),
		kube_test(a_token),
		kube_test(in_a_cluster),
		kube_test(parameters_of_no_use),
		kube_test(looks),
		kube_test(how_drivers_are_ended),
		kube_test(looks_at_the_application),
		kube_test(a_container_that_comes_back),
		kube_test(which_rights_are_missing),
		kube_test(rights_that_are_not_asked_for),
		kube_test(what_is_behind_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
