/* SPDX-License-Identifier: Apache-2.0
 * type=kubernetes: drivers in client mode, which their executors tell. */
#include "../kube_source.h"

#define DRIVERS "GET " API "/api/v1/pods?labelSelector=spark-role%20in*"
#define EXECUTORS "GET " API "/api/v1/pods?labelSelector=spark-role%3Dexecutor*"
#define NB "GET " API "/api/v1/namespaces/n/pods?fieldSelector=metadata.name%3Dnb"
#define LIST(items) "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[" items "]}"
#define METADATA(next, items)                                                                      \
	"{\"kind\":\"PartialObjectMetadataList\",\"metadata\":{\"continue\":\"" next               \
	"\"},\"items\":[" items "]}"
#define EXECUTOR(app, kind, name, uid)                                                             \
	"{\"metadata\":{\"namespace\":\"n\",\"name\":\"e\",\"uid\":\"e\",\"labels\":{"             \
	"\"spark-app-selector\":\"" app "\"},\"ownerReferences\":[{\"kind\":\"" kind               \
	"\",\"name\":\"" name "\",\"uid\":\"" uid "\"}]}}"
#define OF_NB EXECUTOR("app-9", "Pod", "nb", "u-nb")
#define POD(uid, labels, phase)                                                                    \
	"{\"metadata\":{\"uid\":\"" uid                                                            \
	"\",\"namespace\":\"n\",\"name\":\"nb\",\"labels\":{" labels                               \
	"}},\"spec\":{},\"status\":{\"phase\":\"" phase "\",\"podIP\":\"10.0.0.2\"}}"
#define NB_RUNS LIST(POD("u-nb", "", "Running"))
#define FOUND "app-9 http://10.0.0.2:4040; "

static void prepare(struct fixture *f)
{
	kube_set(&f->params, "application_selector", "none");
	fake_json(&f->fake, DRIVERS, LIST(""));
}

static void on_listed(void *userdata, const struct target_list *list)
{
	struct fixture *f = userdata;
	size_t len = 0;

	f->n++;
	f->targets[0] = f->text[0] = '\0';
	assert_int_equal(list->r, 0);
	for (size_t i = 0; i < list->n && len < sizeof(f->targets) - 64; i++)
		len += (size_t)snprintf(f->targets + len, sizeof(f->targets) - len, "%s %s; ",
			list->items[i].app_id ? list->items[i].app_id : "-", list->items[i].url);
	for (size_t i = 0; i < list->n_asked; i++)
		if (list->asked[i].fault.reason)
			(void)snprintf(f->text, sizeof(f->text), "%s: %s", list->asked[i].what,
				list->asked[i].fault.text);
}

static void who_is_found(void **state)
{
	static const struct {
		const char *name;
		const char *executors;
		const char *pod;
		const char *targets;
	} rows[] = {
		{"by an executor", METADATA("", OF_NB), NB_RUNS, FOUND},
		{"by two", METADATA("", OF_NB "," OF_NB), NB_RUNS, FOUND},
		{"of two apps", METADATA("", OF_NB "," EXECUTOR("app-8", "Pod", "nb", "u-nb")),
			NB_RUNS, "- http://10.0.0.2:4040; "},
		{"owned by no pod", METADATA("", EXECUTOR("app-9", "StatefulSet", "nb", "u-nb")),
			NB_RUNS, ""},
		{"a pod of that name is another", METADATA("", OF_NB),
			LIST(POD("u-other", "", "Running")), ""},
		{"a driver that is not selected", METADATA("", OF_NB),
			LIST(POD("u-nb", "\"spark-role\":\"driver\"", "Running")), ""},
		{"it has ended", METADATA("", OF_NB), LIST(POD("u-nb", "", "Failed")), ""},
		{"it is gone", METADATA("", OF_NB), LIST(""), ""},
		{"no executors", METADATA("", ""), NB_RUNS, ""},
		{"whole pods, from a server that cannot do less", LIST(OF_NB), NB_RUNS, FOUND},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);

		fake_json(&f->fake, EXECUTORS, r->executors);
		fake_json(&f->fake, NB, r->pod);
		list(f);
		assert_string_equal(f->targets, r->targets);
		assert_string_equal(f->text, "");
		/* Who is none is not asked for again. */
		list(f);
		assert_string_equal(f->targets, r->targets);
		assert_true(fake_n_asked(&f->fake, NB) <= (*r->targets ? 2U : 1U));
		assert_int_equal(fake_n_asked(&f->fake, EXECUTORS), 1);
	}
}

/* In cluster mode executors are owned by a pod that is listed. */
static void a_driver_that_is_listed_is_not_asked_for(void **state)
{
	struct fixture *f = *state;

	fake_json(&f->fake, DRIVERS,
		LIST(POD("u-nb", "\"spark-app-selector\":\"app-9\"", "Running")));
	fake_json(&f->fake, EXECUTORS, METADATA("", OF_NB));
	list(f);
	assert_string_equal(f->targets, FOUND);
	assert_int_equal(fake_n_asked(&f->fake, NB), 0);
}

/* Between two lists of executors, and while it has none. */
static void one_that_is_known_stays(void **state)
{
	struct fixture *f = *state;

	fake_json(&f->fake, EXECUTORS, METADATA("", OF_NB));
	fake_json(&f->fake, NB, NB_RUNS);
	list(f);
	fake_json(&f->fake, EXECUTORS, METADATA("", ""));
	for (unsigned i = 0; i < 6; i++) {
		list(f);
		assert_string_equal(f->targets, FOUND);
	}
	assert_int_equal(fake_n_asked(&f->fake, EXECUTORS), 2);
	assert_int_equal(fake_n_asked(&f->fake, NB), 7);
}

static void what_cannot_be_asked_takes_nothing_away(void **state)
{
	static const struct fake_answer denied = {
		.status = 403, .body = "{\"kind\":\"Status\",\"message\":\"pods is forbidden\"}"};
	struct fixture *f = *state;

	fake_json(&f->fake, EXECUTORS, METADATA("", OF_NB));
	fake_json(&f->fake, NB, NB_RUNS);
	list(f);
	fake_set(&f->fake, NB, denied);
	for (unsigned i = 0; i < 5; i++) {
		list(f);
		assert_string_equal(f->targets, FOUND);
		assert_string_equal(f->text, "?spark-role=executor: answered 403");
	}
	fake_set(&f->fake, EXECUTORS, denied);
	fake_json(&f->fake, NB, NB_RUNS);
	list(f);
	assert_string_equal(f->targets, FOUND);
	assert_string_equal(f->text, "?spark-role=executor: answered 403");
	fake_json(&f->fake, NB, LIST(""));
	list(f);
	assert_string_equal(f->targets, "");
}

static void pages(void **state)
{
	struct fixture *f = *state;

	fake_json(&f->fake, EXECUTORS "&continue=2", METADATA("", OF_NB));
	fake_json(&f->fake,
		"GET " API "/api/v1/pods?labelSelector=spark-role%3Dexecutor&limit=500*Failed",
		METADATA("2", ""));
	fake_json(&f->fake, NB, NB_RUNS);
	list(f);
	assert_string_equal(f->targets, FOUND);
}

/* Who selects drivers himself selects executors himself, too. */
static void selectors(void **state)
{
	static const struct {
		const char *name;
		const char *drivers;
		const char *executors;
		const char *asked; /* NULL: they are not */
	} rows[] = {
		{"default", NULL, NULL, "spark-role%3Dexecutor"},
		{"drivers of a team", "team=a", NULL, NULL},
		{"executors of a team", "team=a", "spark-role=executor,team=a",
			"spark-role%3Dexecutor%2Cteam%3Da"},
		{"none", NULL, "none", NULL},
		{"unset", NULL, "", NULL},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		_cleanup_free_ char *pattern = NULL;

		fake_json(&f->fake, "*", LIST(""));
		if (r->drivers)
			kube_set(&f->params, "label_selector", r->drivers);
		if (r->executors)
			kube_set(&f->params, "executor_selector", r->executors);
		list(f);
		assert_int_equal(f->fake.n_asked, r->asked ? 2 : 1);
		assert_true(str_printf(&pattern, "GET " API "/api/v1/pods?labelSelector=%s&*",
				    r->asked ? r->asked : "") >= 0);
		assert_int_equal(fake_n_asked(&f->fake, pattern), r->asked != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kube_test(who_is_found),
		kube_test(a_driver_that_is_listed_is_not_asked_for),
		kube_test(one_that_is_known_stays),
		kube_test(what_cannot_be_asked_takes_nothing_away),
		kube_test(pages),
		kube_test(selectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
