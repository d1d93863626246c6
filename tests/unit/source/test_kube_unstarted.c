/* SPDX-License-Identifier: Apache-2.0
 * type=kubernetes: SparkApplications whose operator has yet to start a driver. */
#include "../kube_source.h"

#include "source/kube_unstarted.h"

#define PODS "GET " API "/api/v1/pods?*"
#define GROUP "GET " API "/apis/sparkoperator.k8s.io"
#define APPS GROUP "/v1beta2/sparkapplications?limit=100"
#define APACHE_GROUP "GET " API "/apis/spark.apache.org"
#define APACHE_APPS APACHE_GROUP "/v1/sparkapplications?limit=100"
#define NO_PODS "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[]}"
#define POD(namespace, app, phase)                                                                 \
	"{\"kind\":\"PodList\",\"metadata\":{},\"items\":[{\"metadata\":{\"uid\":\"p1\","          \
	"\"namespace\":\"" namespace "\",\"name\":\"etl-driver\",\"labels\":{"                     \
				     "\"spark-app-selector\":\"spark-1\",\"sparkoperator.k8s.io/"  \
				     "app-name\":\"" app                                           \
				     "\"}},\"spec\":{},\"status\":{\"phase\":\"" phase             \
				     "\",\"podIP\":\"10.0.0.2\"}}]}"
#define LIST(next, items)                                                                          \
	"{\"kind\":\"SparkApplicationList\",\"metadata\":{\"continue\":\"" next                    \
	"\"},\"items\":[" items "]}"
#define APP(name, uid, status)                                                                     \
	"{\"kind\":\"SparkApplication\",\"metadata\":{\"namespace\":\"n\",\"name\":\"" name        \
	"\",\"uid\":\"" uid "\"},\"spec\":{},\"status\":{" status "}}"
#define STATE(word) "\"applicationState\":{\"state\":\"" word "\"}"
#define APACHE_STATE(word) "\"currentState\":{\"currentStateSummary\":\"" word "\"}"
#define ETL APP("etl", "u1", STATE("SUBMITTED"))
#define ETL_WAITS "u1 etl waits: SparkApplication n/etl: SUBMITTED; "
#define DRIVER "spark-1 etl-driver runs; "

static void prepare(struct fixture *f)
{
	kube_set(&f->params, "executor_selector", "none");
	fake_json(&f->fake, PODS, NO_PODS);
	fake_json(&f->fake, GROUP, "{\"kind\":\"APIGroup\"}");
	fake_set(&f->fake, APACHE_GROUP, (struct fake_answer){.status = 404, .body = "404"});
}

static void on_listed(void *userdata, const struct target_list *list)
{
	struct fixture *f = userdata;
	size_t len = 0;

	f->n++;
	f->targets[0] = f->text[0] = '\0';
	f->partial = list->partial;
	assert_int_equal(list->r, 0);
	for (size_t i = 0; i < list->n && len < sizeof(f->targets) - 100; i++) {
		const struct target *t = &list->items[i];

		len += (size_t)snprintf(f->targets + len, sizeof(f->targets) - len,
			"%s %s %s%s%s; ", t->app_id, t->name, t->waits ? "waits" : "runs",
			t->waits ? ": " : "", t->waits ? t->about : "");
		assert_true(t->waits == !t->url);
	}
	for (size_t i = 0; i < list->n_asked; i++)
		if (list->asked[i].fault.reason)
			(void)snprintf(f->text, sizeof(f->text), "%s%s %s", list->asked[i].url,
				list->asked[i].what, list->asked[i].fault.text);
}

/* As many turns as are between two lists, and one. */
static void list_anew(struct fixture *f)
{
	for (usec_t t = 0; t <= KUBE_UNSTARTED_EVERY; t += TURN)
		list(f);
}

static void who_waits(void **state)
{
	static const struct {
		const char *name;
		const char *apps;
		const char *pods;
		const char *targets;
	} rows[] = {
		{"one that was submitted", LIST("", ETL), NO_PODS, ETL_WAITS},
		{"one that was resumed", LIST("", APP("etl", "u1", STATE("SUSPENDED"))), NO_PODS,
			"u1 etl waits: SparkApplication n/etl: SUSPENDED; "},
		{"its last driver terminates yet", LIST("", APP("etl", "u1", STATE("SUSPENDED"))),
			POD("n", "etl", "Running"), DRIVER},
		{"one that runs", LIST("", APP("etl", "u1", STATE("RUNNING"))), NO_PODS, ""},
		{"its driver is there", LIST("", ETL), POD("n", "etl", "Running"), DRIVER},
		{"its driver waits for a node", LIST("", ETL), POD("n", "etl", "Pending"),
			"spark-1 etl-driver waits: pod n/etl-driver: Pending; "},
		{"a driver of the same name elsewhere", LIST("", ETL), POD("m", "etl", "Running"),
			DRIVER ETL_WAITS},
		{"a driver of another", LIST("", ETL), POD("n", "other", "Running"),
			DRIVER ETL_WAITS},
		{"none", LIST("", ""), POD("n", "etl", "Running"), DRIVER},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);

		fake_json(&f->fake, APPS, r->apps);
		fake_json(&f->fake, PODS, r->pods);
		list(f);
		assert_string_equal(f->targets, r->targets);
		assert_string_equal(f->text, "");
	}
}

/* Large objects are not asked for with each poll. Once its driver was seen, it does not wait. */
static void they_are_listed_now_and_then(void **state)
{
	struct fixture *f = *state;

	fake_json(&f->fake, APPS, LIST("", ETL));
	list(f);
	list(f);
	assert_string_equal(f->targets, ETL_WAITS);
	assert_int_equal(fake_n_asked(&f->fake, APPS), 1);
	fake_json(&f->fake, PODS, POD("n", "etl", "Running"));
	list(f);
	assert_string_equal(f->targets, DRIVER);
	fake_json(&f->fake, PODS, NO_PODS);
	list(f);
	assert_string_equal(f->targets, "");
	fake_json(&f->fake, APPS, LIST("", APP("etl", "u1", STATE("PENDING_RERUN"))));
	list_anew(f);
	assert_int_equal(fake_n_asked(&f->fake, APPS), 2);
	assert_string_equal(f->targets, "u1 etl waits: SparkApplication n/etl: PENDING_RERUN; ");
}

static void both_operators(void **state)
{
	struct fixture *f = *state;

	fake_json(&f->fake, APPS, LIST("", ETL));
	fake_json(&f->fake, APACHE_GROUP, "{\"kind\":\"APIGroup\"}");
	fake_json(
		&f->fake, APACHE_APPS, LIST("", APP("pi", "u2", APACHE_STATE("DriverRequested"))));
	list(f);
	assert_string_equal(
		f->targets, ETL_WAITS "u2 pi waits: SparkApplication n/pi: DriverRequested; ");
	/* One is taken away. */
	fake_set(&f->fake, GROUP, (struct fake_answer){.status = 404, .body = "404"});
	list_anew(f);
	assert_string_equal(f->targets, "u2 pi waits: SparkApplication n/pi: DriverRequested; ");
}

/* A row of no use, on whichever page, hides no other. */
static void pages(void **state)
{
	static const struct {
		const char *name;
		const char *first;
		const char *second;
		bool partial;
	} rows[] = {
		{"good", ETL, APP("new", "u2", ""), false},
		{"a row of no use on the first", ETL ",{\"kind\":\"SparkApplication\"}",
			APP("new", "u2", ""), true},
		{"a row of no use on the last", ETL,
			APP("new", "u2", "") ",{\"kind\":\"SparkApplication\"}", true},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		_cleanup_free_ char *first = NULL;
		_cleanup_free_ char *second = NULL;

		assert_true(str_printf(&first, LIST("a/b", "%s"), r->first) >= 0);
		assert_true(str_printf(&second, LIST("", "%s"), r->second) >= 0);
		fake_json(&f->fake, APPS, first);
		fake_json(&f->fake, APPS "&continue=a%2Fb", second);
		list(f);
		assert_string_equal(f->targets, ETL_WAITS
			"u2 new waits: SparkApplication n/new: its operator has not taken "
			"it up; ");
		assert_int_equal(f->partial, r->partial);
		assert_int_equal(*f->text != '\0', r->partial);
	}
}

/* Nor does it keep drivers from being seen. */
static void what_cannot_be_asked_takes_nothing_away(void **state)
{
	static const struct {
		const char *name;
		const char *pattern;
		struct fake_answer answer;
		const char *text;
	} rows[] = {
		{"no right", APPS,
			{.status = 403,
				.body = "{\"kind\":\"Status\",\"message\":\"is forbidden\"}"},
			API "/apis/sparkoperator.k8s.io/v1beta2/sparkapplications answered 403: is "
			    "forbidden"},
		{"no list", APPS, {.status = 200, .body = "{\"kind\":\"Table\"}"},
			API "/apis/sparkoperator.k8s.io/v1beta2/sparkapplications answered what "
			    "cannot be used: not a SparkApplicationList"},
		{"no answer", GROUP, {.error = -ETIMEDOUT},
			API "/apis/sparkoperator.k8s.io/v1beta2/sparkapplications gave no answer: "
			    "Connection timed out"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);

		fake_json(&f->fake, APPS, LIST("", ETL));
		list(f);
		fake_set(&f->fake, r->pattern, r->answer);
		fake_json(&f->fake, PODS, POD("n", "other", "Running"));
		list_anew(f);
		assert_string_equal(f->targets, DRIVER ETL_WAITS);
		assert_string_equal(f->text, r->text);
		/* It is said until the next time. */
		list(f);
		assert_string_equal(f->text, r->text);
	}
}

static void selectors(void **state)
{
	static const struct {
		const char *name;
		const char *drivers;
		const char *applications;
		const char *namespace;
		const char *asked; /* NULL: they are not */
	} rows[] = {
		{"default", NULL, NULL, NULL, APPS},
		{"drivers of a team", "team=a", NULL, NULL, NULL},
		{"SparkApplications of a team", "team=a", "team=a", NULL,
			APPS "&labelSelector=team%3Da"},
		{"none", NULL, "none", NULL, NULL},
		{"unset", NULL, "", NULL, NULL},
		{"in a namespace", NULL, NULL, "n",
			GROUP "/v1beta2/namespaces/n/sparkapplications?limit=100"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);

		fake_json(&f->fake, "GET " API "*pods?*", NO_PODS);
		if (r->drivers)
			kube_set(&f->params, "label_selector", r->drivers);
		if (r->applications)
			kube_set(&f->params, "application_selector", r->applications);
		if (r->namespace)
			kube_set(&f->params, "namespace", r->namespace);
		if (r->asked)
			fake_json(&f->fake, r->asked, LIST("", ETL));
		list(f);
		assert_string_equal(f->targets, r->asked ? ETL_WAITS : "");
		assert_int_equal(fake_n_asked(&f->fake, GROUP "*") > 0, r->asked != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kube_test(who_waits),
		kube_test(they_are_listed_now_and_then),
		kube_test(both_operators),
		kube_test(pages),
		kube_test(what_cannot_be_asked_takes_nothing_away),
		kube_test(selectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
