/* SPDX-License-Identifier: Apache-2.0
 * Decoders of a ResourceManager's answers, against recorded ones of Hadoop 3.4.2 and 3.5.0. */
#include "wire/yarn.h"

#include <errno.h>

#include "../row.h"
#include "fixture.h"

static void decode_apps(const char *body, struct master_state *m)
{
	_cleanup_free_ char *err = NULL;

	if (yarn_decode_apps(body, strlen(body), m, &err) != 0)
		print_error("%s\n", err);
	assert_null(err);
}

/* Hadoop 3.4 writes duplicate keys, and zeros for who may not view an app. */
static void test_running(void **state)
{
	static const struct {
		const char *file;
		const char *first;
	} cases[] = {
		{"yarn-3.5.0/apps-running.json", "application_1795400114925_0001"},
		{"yarn-3.4.2/apps-running.json", "application_1795401278780_0001"},
		{"yarn-3.4.2/apps-running-stranger.json", "application_1795401278780_0001"},
	};

	(void)state;
	each_row(i, cases)
	{
		_cleanup_free_ char *body = fixture_read(cases[i].file);
		_cleanup_(master_state_clear) struct master_state m = {0};

		decode_apps(body, &m);
		assert_int_equal(m.n_apps, 2);
		assert_null(m.status);
		assert_string_equal(m.apps[0].id, cases[i].first);
		assert_string_equal(m.apps[0].name, "hang.py");
		assert_string_equal(m.apps[0].user, "root");
		assert_string_equal(m.apps[0].state, "RUNNING");
		assert_string_equal(m.apps[1].name, "hang");
		assert_false(m.apps[0].ended || m.apps[1].ended);
	}
}

static void test_none(void **state)
{
	_cleanup_free_ char *body = fixture_read("yarn-3.5.0/apps-empty.json");
	_cleanup_(master_state_clear) struct master_state m = {0};

	(void)state;
	assert_string_equal(body, "{\"apps\":{}}");
	decode_apps(body, &m);
	assert_int_equal(m.n_apps, 0);
	master_state_clear(&m);
	decode_apps("{\"apps\":null}", &m); /* Hadoop 2 */
	assert_int_equal(m.n_apps, 0);
}

static void test_ends_in_a_list(void **state)
{
	static const char body[] =
		"{\"apps\":{\"app\":[{\"id\":\"a\",\"state\":\"FINISHED\"},"
		"{\"id\":\"b\",\"state\":\"ACCEPTED\",\"diagnostics\":\"no\\nroom\"},"
		"{\"id\":\"c\",\"state\":\"FAILED\",\"diagnostics\":[1]},"
		"{\"id\":\"d\",\"state\":\"KILLED\"}]}}";
	_cleanup_(master_state_clear) struct master_state m = {0};

	(void)state;
	decode_apps(body, &m);
	assert_int_equal(m.n_apps, 4);
	assert_true(m.apps[0].ended && m.apps[2].ended && m.apps[3].ended);
	assert_false(m.apps[1].ended);
	assert_null(m.apps[0].name);
	assert_string_equal(m.apps[1].why, "no?room");
	assert_null(m.apps[2].why); /* what is no text costs no row */
}

static void assert_refused(const char *body, int expected, const char *why)
{
	_cleanup_free_ char *copy = exact_copy(body, strlen(body));
	_cleanup_free_ char *err = NULL;
	_cleanup_(master_state_clear) struct master_state m = {0};
	int r = yarn_decode_apps(copy, strlen(body), &m, &err);

	assert_int_equal(left_out_refused(r, &m.left_out, &err), expected);
	assert_int_equal(m.n_apps, 0);
	assert_string_equal(err, why);
}

static void test_refused(void **state)
{
	_cleanup_free_ char *many = repeated("{\"apps\":{\"app\":[0", ",0", YARN_MAX_APPS, "]}}");

	(void)state;
	assert_refused("", -EBADMSG, "empty");
	assert_refused("{}", -EBADMSG, "\"apps\" is missing");
	/* What a shaded 3.4.2 was seen to answer. */
	assert_refused("{\"apps\":[]}", -EBADMSG, "\"apps\" is not an object");
	assert_refused("{\"apps\":{\"app\":{}}}", -EBADMSG, "\"app\" is not a list");
	assert_refused("{\"apps\":{\"app\":[{\"appIdNum\":1}]}}", -EBADMSG, "\"id\" is missing");
	assert_refused("{\"apps\":{\"app\":[{\"id\":\"a\"}]}}", -EBADMSG, "\"state\" is missing");
	assert_refused(many, -E2BIG, "more than 10000 apps");
}

static void test_truncated(void **state)
{
	_cleanup_free_ char *body = fixture_read("yarn-3.4.2/apps-running.json");
	size_t len = strlen(body);

	(void)state;
	while (body[len - 1] != '}')
		len--;
	for (size_t n = 0; n < len; n += 7) {
		_cleanup_free_ char *copy = exact_copy(body, n);
		_cleanup_free_ char *err = NULL;
		struct master_state m = {0};

		assert_int_equal(yarn_decode_apps(copy, n, &m, &err), -EBADMSG);
	}
}

static void test_end(void **state)
{
	static const struct {
		const char *file;
		enum app_end end;
		const char *words;
	} cases[] = {
		{"yarn-3.5.0/app-running.json", APP_END_RUNNING,
			"the ResourceManager says RUNNING"},
		{"yarn-3.5.0/app-killed-client.json", APP_END_ENDED,
			"KILLED, final status KILLED: Application application_1795400114925_0004 "
			"was killed by user root"},
		{"yarn-3.4.2/app-killed.json", APP_END_ENDED, NULL},
		{"yarn-3.5.0/app-killed-cluster.json", APP_END_ENDED, NULL},
		/* Its Python driver failed. */
		{"yarn-3.5.0/app-finished.json", APP_END_ENDED, "FINISHED, final status SUCCEEDED"},
	};

	(void)state;
	each_row(i, cases)
	{
		_cleanup_free_ char *body = fixture_read(cases[i].file);
		_cleanup_free_ char *id = NULL;
		_cleanup_free_ char *words = NULL;
		_cleanup_free_ char *err = NULL;
		const char *begin = strstr(body, "\"id\":\"") + strlen("\"id\":\"");
		enum app_end end = APP_END_UNKNOWN;

		id = strndup(begin, strcspn(begin, "\""));
		assert_non_null(id);
		assert_int_equal(yarn_decode_end(body, strlen(body), id, &end, &words, &err), 0);
		assert_int_equal(end, cases[i].end);
		if (cases[i].words)
			assert_string_equal(words, cases[i].words);
	}
}

static void assert_no_end(const char *body, const char *why)
{
	_cleanup_free_ char *copy = exact_copy(body, strlen(body));
	_cleanup_free_ char *words = NULL;
	_cleanup_free_ char *err = NULL;
	enum app_end end = APP_END_UNKNOWN;

	assert_int_equal(
		yarn_decode_end(copy, strlen(body), "application_1_0001", &end, &words, &err),
		-EBADMSG);
	assert_int_equal(end, APP_END_UNKNOWN);
	assert_null(words);
	assert_string_equal(err, why);
}

static void test_no_end(void **state)
{
	_cleanup_free_ char *unknown = fixture_read("yarn-3.4.2/app-unknown.json");

	(void)state;
	assert_no_end(unknown, "\"app\" is missing");
	assert_no_end("{\"app\":{\"id\":\"application_1_0002\",\"state\":\"KILLED\"}}",
		"an answer for another app");
	assert_no_end("{\"app\":{\"id\":\"application_1_0001\"}}", "\"state\" is missing");
	assert_no_end("{\"app\":{\"id\":\"application_1_0001\",\"state\":\"KILLED\","
		      "\"finalStatus\":1}}",
		"\"finalStatus\" is not a string");
}

static void assert_error(const char *body, const char *expected)
{
	_cleanup_free_ char *copy = exact_copy(body, strlen(body));
	_cleanup_free_ char *text = NULL;

	assert_int_equal(yarn_error_text(copy, strlen(body), &text), 0);
	assert_string_equal(text, expected);
}

static void test_errors(void **state)
{
	_cleanup_free_ char *unknown = fixture_read("yarn-3.5.0/app-unknown.json");
	_cleanup_free_ char *bare = fixture_read("yarn-3.5.0/put-bad-json.json");
	_cleanup_free_ char *denied = fixture_read("yarn-3.4.2/put-forbidden.txt");
	_cleanup_free_ char *html = fixture_read("yarn-3.5.0/proxy-ended.html");
	_cleanup_free_ char *ticket = fixture_read("yarn-3.4.2/ticket-stale.html");

	(void)state;
	assert_error(unknown, "app with id: application_1795400114925_0099 not found");
	assert_error(bare, "");
	assert_error(denied, "Unauthorized attempt to kill appid application_1795401278780_0001 "
			     "by remote user dr.who");
	assert_error(html, "");
	assert_error(ticket, "Error 403 GSSException: Failure unspecified at GSS-API level "
			     "(Mechanism level: Checksum failed)");
	assert_error("", "");
	assert_error("This is standby RM.\nx\x1b[0m", "This is standby RM.");
}

static void test_visible(void **state)
{
	static const struct {
		const char *file;
		size_t n;
		size_t visible;
	} cases[] = {
		{"yarn-3.5.0/apps-empty.json", 0, 0},
		{"yarn-3.5.0/apps-running.json", 2, 2},
		{"yarn-3.4.2/apps-running.json", 2, 2},
		{"yarn-3.4.2/apps-running-stranger.json", 2, 0},
	};

	(void)state;
	each_row(i, cases)
	{
		_cleanup_free_ char *body = fixture_read(cases[i].file);
		_cleanup_free_ char *err = NULL;
		size_t n = 9;
		size_t visible = 9;

		assert_int_equal(yarn_count_visible(body, strlen(body), &n, &visible, &err), 0);
		assert_int_equal(n, cases[i].n);
		assert_int_equal(visible, cases[i].visible);
	}
}

static void test_path(void **state)
{
	_cleanup_free_ char *path = NULL;

	(void)state;
	assert_int_equal(yarn_app_path("application_1_0001", "/state", &path), 0);
	assert_string_equal(path, "/ws/v1/cluster/apps/application_1_0001/state");
	free(TAKE_PTR(path));
	assert_int_equal(yarn_app_path("../x?y", "", &path), 0);
	assert_string_equal(path, "/ws/v1/cluster/apps/..%2Fx%3Fy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_running),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_ends_in_a_list),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_no_end),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_visible),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
