/* SPDX-License-Identifier: Apache-2.0
 * The kinds of kill: what is sent where, and what the answers mean. That an app has ended, none of
 * them says. */
#include "../fake_spark.h"
#include "../row.h"

#include "action/kill_app.h"

#define D1 "http://d1:4040"
#define APP "application_1795400114925_0001"
#define OTHER "http://other:8080"

struct fixture {
	struct fake fake;
	struct fake_spark spark;
	unsigned n;
	enum remedy_reply reply;
	char text[256];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fake_spark_serve(&f->spark, &f->fake);
	fake_spark_add(&f->spark, APP, D1, "");
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

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

static void on_done(void *userdata, enum remedy_reply reply, const char *text)
{
	struct fixture *f = userdata;

	f->n++;
	f->reply = reply;
	(void)snprintf(f->text, sizeof(f->text), "%s", text ? text : "");
}

static struct kill_app *start(
	struct fixture *f, enum kill_kind kind, const char *const *urls, size_t n)
{
	struct kill_app *k = NULL;
	char user[] = "u";
	char cluster[] = "m";
	const struct endpoint as = {.username = user, .cluster = cluster, .timeout = USEC_PER_SEC};
	const struct kill_point point = {.kind = kind, .urls = urls, .n_urls = n, .endpoint = &as};
	const struct kill_app_ask ask = {
		.transport = &f->fake.transport, .point = &point, .app_id = APP, .stage_id = 7};

	assert_int_equal(kill_app_start(&ask, on_done, f, &k), 0);
	return k;
}

static void kill_at(struct fixture *f, enum kill_kind kind, const char *url)
{
	const char *const urls[] = {url};

	(void)start(f, kind, urls, 1);
	assert_int_equal(f->n, 0); /* never from within */
	fake_advance(&f->fake, USEC_PER_MINUTE);
	assert_int_equal(f->n, 1);
}

static void all_kinds(void **state)
{
	static const struct {
		const char *name;
		enum kill_kind kind;
		const char *url;
		unsigned kills;
		const char *killed;
	} rows[] = {
		{"standalone", KILL_STANDALONE, FAKE_MASTER, 1, ""},
		{"yarn", KILL_YARN, FAKE_RM, 1, ""},
		{"stage", KILL_STAGE, D1, 0, "s7"},
		{"job", KILL_JOB, D1, 0, "j0"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);

		kill_at(f, r->kind, r->url);
		assert_int_equal(f->reply, REPLY_DONE);
		assert_int_equal(f->spark.kills, r->kills);
		assert_string_equal(f->spark.apps[0].killed, r->killed);
		for (size_t i = 0; i < f->fake.n_asked; i++) {
			assert_string_equal(f->fake.asked[i].as.username, "u");
			/* What acts waits for nobody's turn. */
			assert_null(f->fake.asked[i].as.cluster);
		}
	}
}

static void there_is_no_kill_of_none(void **state)
{
	struct fixture *f = *state;
	struct kill_app *k = NULL;
	const struct kill_point point = {.kind = KILL_NONE};
	struct kill_app_ask ask = {.transport = &f->fake.transport, .point = &point, .app_id = APP};

	assert_int_equal(kill_app_start(&ask, on_done, f, &k), -EOPNOTSUPP);
	ask.point = &(struct kill_point){.kind = KILL_YARN};
	assert_int_equal(kill_app_start(&ask, on_done, f, &k), -EINVAL);
}

static void answers(void **state)
{
	static const struct {
		const char *name;
		enum kill_kind kind;
		const char *url;
		const char *pattern;
		struct fake_answer answer;
		enum remedy_reply reply;
		const char *text; /* a part of it */
	} rows[] = {
		{"no page", KILL_STANDALONE, FAKE_MASTER, "GET *", {.status = 500}, REPLY_UNCERTAIN,
			"no master's page is to be had"},
		{"a page without a kill", KILL_STANDALONE, FAKE_MASTER, "GET *",
			{.status = 200,
				.body = "<html><title>Spark Master at spark://m:7077</title>"
					"</html>"},
			REPLY_REFUSED, "no master's page offers to kill an app"},
		{"the master refuses", KILL_STANDALONE, FAKE_MASTER, "POST *", {.status = 403},
			REPLY_REFUSED, "the master refused the kill"},
		{"the master fails", KILL_STANDALONE, FAKE_MASTER, "POST *", {.status = 500},
			REPLY_UNCERTAIN, ""},
		{"its answer is lost", KILL_STANDALONE, FAKE_MASTER, "POST *", {.hangs = true},
			REPLY_UNCERTAIN, "timed out"},
		{"yarn: over", KILL_YARN, FAKE_RM, "PUT *",
			{.status = 200,
				.type = "application/json",
				.body = "{\"state\":\"FINISHED\"}"},
			REPLY_DONE, ""},
		{"yarn: no active one", KILL_YARN, FAKE_RM, "PUT *",
			{.status = 200, .type = "text/plain", .body = "Can not find any active RM"},
			REPLY_UNCERTAIN, "status 200"},
		{"yarn: standby", KILL_YARN, FAKE_RM, "PUT *", {.status = 307}, REPLY_UNCERTAIN,
			"status 307"},
		{"yarn: unknown", KILL_YARN, FAKE_RM, "PUT *", {.status = 404}, REPLY_GONE,
			"status 404"},
		{"yarn: denied", KILL_YARN, FAKE_RM, "PUT *",
			{.status = 403, .body = "Unauthorized attempt to kill"}, REPLY_REFUSED,
			"Unauthorized attempt to kill"},
		{"yarn: 500", KILL_YARN, FAKE_RM, "PUT *", {.status = 500}, REPLY_UNCERTAIN, ""},
		{"a driver without a form", KILL_STAGE, D1, "GET */stages/",
			{.status = 200, .body = "<html></html>"}, REPLY_REFUSED,
			"the driver's page offers no kill"},
		{"a driver that refuses", KILL_STAGE, D1, "POST *", {.status = 403}, REPLY_REFUSED,
			"the driver refused the kill: status 403"},
		{"a driver that is gone", KILL_JOB, D1, "GET *", {.error = -ECONNREFUSED},
			REPLY_UNCERTAIN, ""},
		{"another app answers", KILL_JOB, D1, "GET */jobs[?]*", {.status = 404}, REPLY_GONE,
			"another app answers there"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);

		fake_set(&f->fake, r->pattern, r->answer);
		kill_at(f, r->kind, r->url);
		assert_int_equal(f->reply, r->reply);
		if (!strstr(f->text, r->text))
			fail_msg("\"%s\" is not in \"%s\"", r->text, f->text);
		assert_string_equal(f->spark.apps[0].killed, "");
	}
}

/* Each of a pair is asked at most once, and the first that is of use decides. */
static void the_other_of_a_pair(void **state)
{
	static const struct {
		const char *name;
		enum kill_kind kind;
		const char *urls[2];
	} rows[] = {
		{"masters", KILL_STANDALONE, {OTHER, FAKE_MASTER}},
		{"ResourceManagers", KILL_YARN, {OTHER, FAKE_RM}},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);

		(void)start(f, r->kind, r->urls, 2);
		fake_advance(&f->fake, USEC_PER_MINUTE);
		assert_int_equal(f->n, 1);
		assert_int_equal(f->reply, REPLY_DONE);
		assert_int_equal(fake_n_asked(&f->fake, "* " OTHER "*"), 1);
		assert_int_equal(f->spark.kills, 1);
		f = anew(state);
		(void)start(f, r->kind, (const char *const[]){OTHER, OTHER}, 2);
		fake_advance(&f->fake, USEC_PER_MINUTE);
		assert_int_equal(f->n, 1);
		assert_int_equal(f->reply, REPLY_UNCERTAIN);
		assert_int_equal(fake_n_asked(&f->fake, "* " OTHER "*"), 2);
	}
}

static void no_callback_comes_after_a_cancel(void **state)
{
	struct fixture *f = *state;

	kill_app_cancel(start(f, KILL_YARN, (const char *const[]){FAKE_RM}, 1));
	fake_advance(&f->fake, USEC_PER_MINUTE);
	assert_int_equal(f->n, 0);
	assert_int_equal(f->spark.kills, 0);
}

#define kill_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		kill_test(all_kinds),
		kill_test(there_is_no_kill_of_none),
		kill_test(answers),
		kill_test(the_other_of_a_pair),
		kill_test(no_callback_comes_after_a_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
