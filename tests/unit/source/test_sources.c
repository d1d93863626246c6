/* SPDX-License-Identifier: Apache-2.0
 * Each type of source: its list of drivers, whether an app has ended, and how apps are killed
 * there. */
#include "../fake_spark.h"
#include "../row.h"

#include "source/selftest.h"
#include "source/source.h"

#define D1 "http://d1:4040"
#define APP "application_1795400114925_0001"
#define OTHER "http://other:8080"

struct fixture {
	struct fake fake;
	struct fake_spark spark;
	struct source *source;
	unsigned n;
	int r;
	size_t n_targets;
	char first[128]; /* "app url" */
	bool configured;
	bool waits;
	char about[128];
	char reason[32];
	enum app_end end;
	enum permission kill;
	char text[256];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fake_spark_serve(&f->spark, &f->fake);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	source_free(f->source);
	fake_spark_clear(&f->spark);
	fake_clear(&f->fake);
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

static const char *const *words(void)
{
	return param_find(source_params, n_source_params, "type")->choices;
}

static int type_of(const char *name)
{
	for (int i = 0; words()[i]; i++)
		if (str_equal(words()[i], name))
			return i;
	fail_msg("no type %s", name);
	return 0;
}

static void make(struct fixture *f, const char *type, const char *url, const char *other)
{
	struct source_params params = {.type = type_of(type), .timeout = USEC_PER_SEC};
	_cleanup_free_ char *err = NULL;

	assert_int_equal(strlist_add(&params.url, url), 0);
	if (other)
		assert_int_equal(strlist_add(&params.url, other), 0);
	assert_int_equal(source_new("c", &params, NULL, &f->fake.transport, &f->source, &err), 0);
	strlist_clear(&params.url);
}

static void on_listed(void *userdata, const struct target_list *list)
{
	struct fixture *f = userdata;

	f->n++;
	f->r = list->r;
	f->n_targets = list->n;
	f->first[0] = '\0';
	if (list->r >= 0 && list->n > 0) {
		(void)snprintf(f->first, sizeof(f->first), "%s %s",
			list->items[0].app_id ? list->items[0].app_id : "-",
			list->items[0].url ? list->items[0].url : "-");
		f->configured = list->items[0].configured;
		f->waits = list->items[0].waits;
		(void)snprintf(f->about, sizeof(f->about), "%s",
			list->items[0].about ? list->items[0].about : "");
	}
	f->reason[0] = f->text[0] = '\0';
	for (size_t i = 0; i < list->n_asked; i++)
		if (list->asked[i].fault.reason) {
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

static void lists(void **state)
{
	static const struct {
		const char *name;
		const char *url;
		const char *first;
		bool configured;
	} rows[] = {
		{"driver", D1, "- " D1, true},
		{"standalone", FAKE_MASTER, APP " " D1, false},
		{"yarn", FAKE_RM, APP " " FAKE_RM "/proxy/" APP, true},
		{"kubernetes", FAKE_KUBE, APP " http://10.0.0.0:4040", false},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);

		make(f, r->name, r->url, NULL);
		if (!str_equal(r->name, "driver")) {
			list(f);
			assert_int_equal(f->r, 0);
			assert_int_equal(f->n_targets, 0); /* an empty list is a list */
		}
		fake_spark_add(&f->spark, APP, D1, "");
		list(f);
		assert_int_equal(f->r, 0);
		assert_int_equal(f->n_targets, 1);
		assert_string_equal(f->first, r->first);
		assert_int_equal(f->configured, r->configured);
		/* What has ended is in no list of a manager. */
		f->spark.apps[0].state = "FINISHED";
		list(f);
		assert_int_equal(f->n_targets, str_equal(r->name, "driver"));
	}
}

/* Submitted, and nothing of it runs: it is listed with what it waits for. */
static void waits(void **state)
{
	static const struct {
		const char *name;
		const char *url;
		const char *app_state;
		const char *first;
	} rows[] = {
		{"standalone", FAKE_MASTER, "WAITING", APP " " D1},
		{"yarn", FAKE_RM, "ACCEPTED", APP " -"},
		{"kubernetes", FAKE_KUBE, "ACCEPTED", APP " -"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);

		fake_spark_add(&f->spark, APP, D1, "")->state = r->app_state;
		make(f, r->name, r->url, NULL);
		list(f);
		assert_int_equal(f->n_targets, 1);
		assert_string_equal(f->first, r->first);
		assert_true(f->waits);
		assert_true(*f->about);
		f->spark.apps[0].state = "RUNNING";
		list(f);
		assert_int_equal(f->n_targets, 1);
		assert_false(f->waits);
	}
}

static void no_list(void **state)
{
	static const struct {
		const char *name;
		const char *type;
		const char *url;
		struct fake_answer answer;
		const char *reason;
	} rows[] = {
		{"master hangs", "standalone", FAKE_MASTER, {.hangs = true}, "timeout"},
		{"master gone", "standalone", FAKE_MASTER, {.error = -ECONNREFUSED}, "refused"},
		{"RM hangs", "yarn", FAKE_RM, {.hangs = true}, "timeout"},
		{"RM gone", "yarn", FAKE_RM, {.error = -ECONNREFUSED}, "refused"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);

		fake_spark_add(&f->spark, APP, D1, "");
		make(f, r->type, r->url, NULL);
		fake_set(&f->fake, "GET *", r->answer);
		list(f);
		assert_true(f->r < 0);
		assert_string_equal(f->reason, r->reason);
		assert_true(*f->text);
		fake_unset(&f->fake, "GET *");
		list(f);
		assert_int_equal(f->r, 0);
		assert_int_equal(f->n_targets, 1);
	}
}

/* The last one that was good is asked first. */
static void the_other_of_a_pair(void **state)
{
	static const struct {
		const char *name;
		const char *type;
		const char *url;
	} rows[] = {
		{"masters", "standalone", FAKE_MASTER},
		{"ResourceManagers", "yarn", FAKE_RM},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		size_t n;

		fake_spark_add(&f->spark, APP, D1, "");
		make(f, r->type, OTHER, r->url);
		list(f);
		assert_int_equal(f->r, 0);
		assert_int_equal(f->n_targets, 1);
		n = fake_n_asked(&f->fake, "* " OTHER "*");
		assert_true(n > 0);
		list(f);
		assert_int_equal(fake_n_asked(&f->fake, "* " OTHER "*"), n);
	}
}

static void on_looked(void *userdata, enum app_end app_end, const char *text)
{
	struct fixture *f = userdata;

	f->n++;
	f->end = app_end;
	(void)snprintf(f->text, sizeof(f->text), "%s", text ? text : "");
}

static void looks(void **state)
{
	static const struct {
		const char *name;
		const char *type;
		const char *url;
		const char *app_state; /* NULL: not known there */
		bool gone;
		bool hangs;
		enum app_end end;
	} rows[] = {
		{"master: runs", "standalone", FAKE_MASTER, "RUNNING", false, false,
			APP_END_RUNNING},
		{"master: ended", "standalone", FAKE_MASTER, "FINISHED", true, false,
			APP_END_ENDED},
		{"master: killed", "standalone", FAKE_MASTER, "KILLED", true, false, APP_END_ENDED},
		{"master: forgotten", "standalone", FAKE_MASTER, NULL, true, false,
			APP_END_UNKNOWN},
		{"master: hangs", "standalone", FAKE_MASTER, "RUNNING", false, true,
			APP_END_UNKNOWN},
		{"yarn: runs", "yarn", FAKE_RM, "RUNNING", false, false, APP_END_RUNNING},
		{"yarn: ended", "yarn", FAKE_RM, "FINISHED", true, false, APP_END_ENDED},
		{"yarn: killed", "yarn", FAKE_RM, "KILLED", true, false, APP_END_ENDED},
		{"yarn: forgotten", "yarn", FAKE_RM, NULL, true, false, APP_END_UNKNOWN},
		{"yarn: hangs", "yarn", FAKE_RM, "RUNNING", false, true, APP_END_UNKNOWN},
		{"driver: answers", "driver", D1, "RUNNING", false, false, APP_END_RUNNING},
		{"driver: hangs", "driver", D1, "RUNNING", false, true, APP_END_UNKNOWN},
		{"pod: runs", "kubernetes", FAKE_KUBE, "RUNNING", false, false, APP_END_RUNNING},
		{"pod: ended", "kubernetes", FAKE_KUBE, "FINISHED", true, false, APP_END_ENDED},
		{"pod: killed", "kubernetes", FAKE_KUBE, "KILLED", true, false, APP_END_ENDED},
		{"pod: gone", "kubernetes", FAKE_KUBE, NULL, true, false, APP_END_ENDED},
		{"pod: hangs", "kubernetes", FAKE_KUBE, "RUNNING", false, true, APP_END_UNKNOWN},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		struct source_call *call = NULL;
		struct app_ref ref = {.app_id = APP, .url = D1};

		fake_spark_add(&f->spark, APP, D1, "");
		make(f, r->type, r->url, NULL);
		list(f);
		f->source->ops->identify(f->source, &ref);
		if (r->app_state)
			f->spark.apps[0].state = r->app_state;
		else
			f->spark.n_apps = 0;
		f->spark.apps[0].gone = r->gone;
		if (r->hangs)
			fake_set(&f->fake, "*", (struct fake_answer){.hangs = true});
		f->n = 0;
		assert_int_equal(f->source->ops->look(f->source, &ref, on_looked, f, &call), 0);
		fake_advance(&f->fake, USEC_PER_MINUTE);
		assert_int_equal(f->n, 1);
		assert_int_equal(f->end, r->end);
		free(ref.mark);
	}
}

static void kill_points(void **state)
{
	static const struct {
		const char *name;
		const char *url;
		enum kill_via via;
		enum kill_kind kind; /* KILL_NONE: not that way */
	} rows[] = {
		{"driver", D1, KILL_VIA_CLUSTER, KILL_NONE},
		{"driver", D1, KILL_VIA_STAGE, KILL_STAGE},
		{"driver", D1, KILL_VIA_DRIVER, KILL_NONE}, /* not seen on this host */
		{"standalone", FAKE_MASTER, KILL_VIA_CLUSTER, KILL_STANDALONE},
		{"standalone", FAKE_MASTER, KILL_VIA_JOB, KILL_JOB},
		{"standalone", FAKE_MASTER, KILL_VIA_STAGE, KILL_STAGE},
		{"yarn", FAKE_RM, KILL_VIA_CLUSTER, KILL_YARN},
		{"yarn", FAKE_RM, KILL_VIA_JOB, KILL_NONE},
		{"yarn", FAKE_RM, KILL_VIA_DRIVER, KILL_NONE},
		{"kubernetes", FAKE_KUBE, KILL_VIA_CLUSTER, KILL_NONE},
		{"kubernetes", FAKE_KUBE, KILL_VIA_STAGE, KILL_NONE},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		const struct app_ref ref = {.app_id = APP, .url = D1};
		struct kill_point point = {0};

		make(f, r->name, r->url, NULL);
		assert_int_equal(
			source_kill_point(f->source, &ref, r->via, &point), r->kind != KILL_NONE);
		assert_int_equal(point.kind, r->kind);
		if (r->kind != KILL_NONE)
			assert_string_equal(
				point.urls[0], r->via == KILL_VIA_CLUSTER ? r->url : D1);
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

static void self_test(void **state)
{
	struct fixture *f = *state;
	struct source_test *t = NULL;

	make(f, "driver", D1, NULL);
	assert_int_equal(source_selftest(f->source, ~0U, on_tested, f, &t), -EOPNOTSUPP);
	f = anew(state);
	make(f, "standalone", FAKE_MASTER, NULL);
	assert_int_equal(source_selftest(f->source, ~0U, on_tested, f, &t), 0);
	fake_run(&f->fake);
	assert_int_equal(f->kill, PERMISSION_UNKNOWN); /* no app runs there that shows it */
	fake_spark_add(&f->spark, APP, D1, "");
	assert_int_equal(source_selftest(f->source, ~0U, on_tested, f, &t), 0);
	fake_run(&f->fake);
	assert_int_equal(f->kill, PERMISSION_GRANTED);
	f->spark.kill_offered = false;
	assert_int_equal(source_selftest(f->source, ~0U, on_tested, f, &t), 0);
	fake_run(&f->fake);
	assert_int_equal(f->kill, PERMISSION_DENIED);
	assert_non_null(strstr(f->text, "the master's page offers no kill"));
	assert_int_equal(f->spark.kills, 0);
}

/* As many as there is memory for; a fault names the one that has it. */
static void many_urls(void **state)
{
	struct fixture *f = *state;
	struct source_params params = {.type = type_of("driver"), .timeout = USEC_PER_SEC};
	_cleanup_free_ char *err = NULL;
	char url[64];

	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(url, sizeof(url), "http://driver-%u:4040", i);
		assert_int_equal(strlist_add(&params.url, url), 0);
	}
	assert_int_equal(source_new("c", &params, NULL, &f->fake.transport, &f->source, &err), 0);
	assert_int_equal(f->source->ops->list(f->source, on_listed, f), 0);
	assert_int_equal(f->n_targets, 5000);
	f->source = source_free(f->source);
	assert_int_equal(strlist_add(&params.url, "http://last:4040-4140"), 0);
	assert_int_equal(
		source_new("c", &params, NULL, &f->fake.transport, &f->source, &err), -EINVAL);
	assert_non_null(strstr(err, "http://last:4040-4140: not a URL with a port"));
	strlist_clear(&params.url);
}

#define source_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		source_test(lists),
		source_test(waits),
		source_test(no_list),
		source_test(many_urls),
		source_test(the_other_of_a_pair),
		source_test(looks),
		source_test(kill_points),
		source_test(self_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
