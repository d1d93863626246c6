/* SPDX-License-Identifier: Apache-2.0
 * Decoders of a standalone master's JSON and page, against recorded ones of 3.5.9 and 4.3.0. */
#include "wire/master.h"

#include <errno.h>

#include "../row.h"
#include "fixture.h"
#include "wire/json.h"
#include "wire/page.h"

static const struct {
	const char *version;
	const char *first; /* the app that was killed */
	const char *second;
	const char *token;
} cases[] = {
	{"3.5.9", "app-20261123035150-0000", "app-20261123035204-0001", NULL},
	{"4.3.0", "app-20261123034750-0000", "app-20261123034805-0001",
		"faee656699e706022fa9842577366450"},
};

static char *read_version(const char *version, const char *file)
{
	_cleanup_free_ char *name = NULL;

	assert_int_equal(str_printf(&name, "spark-%s/%s", version, file), 0);
	return fixture_read(name);
}

static void decode_state(const char *body, struct master_state *m)
{
	_cleanup_free_ char *err = NULL;

	if (master_decode_state(body, strlen(body), m, &err) != 0)
		print_error("%s\n", err);
	assert_null(err);
}

static void decode_page(const char *body, struct master_page *p)
{
	_cleanup_free_ char *err = NULL;

	if (master_decode_page(body, strlen(body), p, &err) != 0)
		print_error("%s\n", err);
	assert_null(err);
}

static void assert_state_refused(const char *body, int expected, const char *why)
{
	_cleanup_free_ char *copy = exact_copy(body, strlen(body));
	_cleanup_free_ char *err = NULL;
	_cleanup_(master_state_clear) struct master_state m = {0};
	int r = master_decode_state(copy, strlen(body), &m, &err);

	assert_int_equal(left_out_refused(r, &m.left_out, &err), expected);
	assert_int_equal(m.n_apps, 0);
	assert_non_null(err);
	if (why)
		assert_string_equal(err, why);
}

static void assert_page_refused(const char *body, size_t n, int expected, const char *why)
{
	_cleanup_free_ char *copy = exact_copy(body, n);
	_cleanup_free_ char *err = NULL;
	struct master_page p = {0};

	assert_int_equal(master_decode_page(copy, n, &p, &err), expected);
	assert_null(p.links);
	assert_non_null(err);
	if (why)
		assert_string_equal(err, why);
}

static void test_state_idle(void **state)
{
	(void)state;
	each_row(i, cases)
	{
		_cleanup_free_ char *body = read_version(cases[i].version, "master-idle.json");
		_cleanup_(master_state_clear) struct master_state m = {0};
		const char *word = "x";

		decode_state(body, &m);
		assert_string_equal(m.status, "ALIVE");
		assert_int_equal(m.n_apps, 0);
		assert_int_equal(m.n_alive_workers, 1);
		assert_int_equal(master_app_end(&m, cases[i].first, &word), APP_END_UNKNOWN);
		assert_null(word);
	}
}

static void test_state_running_and_waiting(void **state)
{
	(void)state;
	each_row(i, cases)
	{
		_cleanup_free_ char *body =
			read_version(cases[i].version, "master-running-waiting.json");
		_cleanup_(master_state_clear) struct master_state m = {0};
		const struct master_app *first;
		const char *word = NULL;

		decode_state(body, &m);
		assert_int_equal(m.n_apps, 2);
		assert_int_equal(master_app_end(&m, cases[i].first, &word), APP_END_RUNNING);
		assert_string_equal(word, "RUNNING");
		assert_int_equal(master_app_end(&m, cases[i].second, &word), APP_END_RUNNING);
		assert_string_equal(word, "WAITING");
		/* The master lists them in no order. */
		first = str_equal(m.apps[0].id, cases[i].first) ? &m.apps[0] : &m.apps[1];
		assert_string_equal(first->name, "load <b>&\"quotes\" 'x' \xc3\xa9");
		assert_string_equal(first->user, "etl");
		assert_false(first->ended);
	}
}

static void test_state_ended(void **state)
{
	(void)state;
	each_row(i, cases)
	{
		_cleanup_free_ char *killed = read_version(cases[i].version, "master-killed.json");
		_cleanup_free_ char *ended = read_version(cases[i].version, "master-ended.json");
		_cleanup_(master_state_clear) struct master_state m = {0};
		const char *word = NULL;

		decode_state(killed, &m);
		assert_int_equal(master_app_end(&m, cases[i].first, &word), APP_END_ENDED);
		assert_string_equal(word, "KILLED");
		assert_int_equal(master_app_end(&m, cases[i].second, &word), APP_END_RUNNING);
		master_state_clear(&m);
		decode_state(ended, &m);
		assert_int_equal(master_app_end(&m, cases[i].second, &word), APP_END_ENDED);
		assert_string_equal(word, "FINISHED");
	}
}

static void test_state_in_both_lists(void **state)
{
	static const char body[] =
		"{\"status\":\"ALIVE\",\"activeapps\":[{\"id\":\"b\",\"state\":\"RUNNING\"},"
		"{\"id\":\"c\",\"state\":\"RUNNING\"}],\"completedapps\":["
		"{\"id\":\"z\",\"state\":\"FAILED\"},{\"id\":\"b\",\"state\":\"KILLED\"}]}";
	_cleanup_(master_state_clear) struct master_state m = {0};
	const char *word = NULL;

	(void)state;
	decode_state(body, &m);
	assert_int_equal(m.n_apps, 3);
	assert_int_equal(master_app_end(&m, "b", &word), APP_END_ENDED);
	assert_string_equal(word, "KILLED");
	assert_int_equal(master_app_end(&m, "c", &word), APP_END_RUNNING);
	assert_null(m.apps[0].name);
}

static void test_state_refused(void **state)
{
	_cleanup_free_ char *many =
		repeated("{\"status\":\"ALIVE\",\"completedapps\":[],\"activeapps\":[0", ",0",
			MASTER_MAX_APPS, "]}");

	(void)state;
	assert_state_refused("", -EBADMSG, "empty");
	assert_state_refused("[]", -EBADMSG, "no object where \"status\" should be");
	assert_state_refused("{\"status\":\"ALIVE\"}", -EBADMSG, "\"activeapps\" is missing");
	assert_state_refused("{\"status\":\"ALIVE\",\"activeapps\":\"\",\"completedapps\":[]}",
		-EBADMSG, "\"activeapps\" is not a list");
	assert_state_refused("{\"status\":\"ALIVE\",\"activeapps\":[{}],\"completedapps\":[]}",
		-EBADMSG, "\"id\" is missing");
	assert_state_refused(
		"{\"status\":\"ALIVE\",\"activeapps\":[],\"completedapps\":[{\"id\":\"a\"}]}",
		-EBADMSG, "\"state\" is missing");
	assert_state_refused("{\"status\":\"ALIVE\",\"aliveworkers\":\"1\"}", -EBADMSG,
		"\"aliveworkers\" is not a number");
	assert_state_refused("{\"applications\":\"\"}", -EBADMSG, "\"status\" is missing");
	assert_state_refused(many, -E2BIG, "more than 10000 apps");
}

static void test_state_truncated(void **state)
{
	_cleanup_free_ char *body = read_version("4.3.0", "master-ended.json");
	size_t len = strlen(body);

	(void)state;
	while (body[len - 1] != '}')
		len--;
	for (size_t n = 0; n < len; n++) {
		_cleanup_free_ char *copy = exact_copy(body, n);
		_cleanup_free_ char *err = NULL;
		struct master_state m = {0};

		assert_int_equal(master_decode_state(copy, n, &m, &err), -EBADMSG);
	}
}

/* A waiting app has a link too, and its driver a UI. */
static void test_page_links(void **state)
{
	(void)state;
	each_row(i, cases)
	{
		_cleanup_free_ char *body =
			read_version(cases[i].version, "master-running-waiting.html");
		_cleanup_(master_page_clear) struct master_page p = {0};

		decode_page(body, &p);
		assert_int_equal(p.n_links, 2);
		assert_string_equal(p.links[0].app_id, cases[i].second);
		assert_string_equal(p.links[0].url, "http://localhost:4041");
		assert_string_equal(p.links[1].app_id, cases[i].first);
		assert_string_equal(p.links[1].url, "http://localhost:4040");
		assert_true(p.kill.offered);
		assert_false(p.kill.by_get);
		assert_true(str_equal(p.kill.csrf_token, cases[i].token));
	}
}

static void test_page_without_running_apps(void **state)
{
	static const char *const files[] = {"master-idle.html", "master-ended.html"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(cases) * ELEMENTSOF(files); i++) {
		_cleanup_free_ char *body = read_version(cases[i / 2].version, files[i % 2]);
		_cleanup_(master_page_clear) struct master_page p = {0};

		decode_page(body, &p);
		assert_int_equal(p.n_links, 0);
		assert_false(p.kill.offered);
		assert_null(p.kill.csrf_token);
	}
}

#define PAGE(rows) "<html><title>Spark Master at x</title><table>" rows "</table></html>"
#define ROW(id, url)                                                                               \
	"<tr><td><a href=\"app?appId=" id "\">x</a></td><td><a href=\"" url "\">n</a></td></tr>"

static void test_page_addresses(void **state)
{
	static const char body[] = PAGE(
		ROW("a", "http://driver-1.example:4040/") ROW("b", "https://10.0.0.7:4440") ROW(
			"c", "http://[fd00::7]:4040") ROW("d", "javascript:alert(1)") ROW("e",
			"http://user@host:1") ROW("f", "http://host:0") ROW("g",
			"http://host:65536") ROW("h", "http://host") ROW("i", "http://host:1/path")
			ROW("j", "//host:1") ROW("k", "/proxy/k") ROW("l", "http://:1") ROW("m", "")
				ROW("n&amp;o", "http://h:1") ROW("p", "http://h:1?x"));
	_cleanup_(master_page_clear) struct master_page p = {0};

	(void)state;
	decode_page(body, &p);
	assert_int_equal(p.n_links, 3);
	assert_string_equal(p.links[0].url, "http://driver-1.example:4040");
	assert_string_equal(p.links[1].url, "https://10.0.0.7:4440");
	assert_string_equal(p.links[2].app_id, "c");
	assert_string_equal(p.links[2].url, "http://[fd00::7]:4040");
}

/* The link of another cell, or of the next row, is not the driver's. */
static void test_page_link_of_its_row_only(void **state)
{
	static const char body[] =
		PAGE("<tr><td><a href=\"app?appId=a\">x</a></td><td>n</td>"
		     "<td><a href=\"http://h:1\">x</a></td></tr>"
		     "<tr><td>x</td><td><a href=\"http://h:2\">n</a></td></tr>"
		     "<tr><td><a href=\"app?appId=b\">x</a><a href=\"http://h:3\">n</a></td></tr>");
	_cleanup_(master_page_clear) struct master_page p = {0};

	(void)state;
	decode_page(body, &p);
	assert_int_equal(p.n_links, 0);
}

static void test_page_long_address(void **state)
{
	_cleanup_free_ char *fits =
		repeated(PAGE("") "<tr><td><a href=\"app?appId=a\">x</a></td><td><a href=\"http://",
			"h", 246, ":1\">n</a></td></tr></html>");
	_cleanup_free_ char *longer =
		repeated(PAGE("") "<tr><td><a href=\"app?appId=a\">x</a></td><td><a href=\"http://",
			"h", 247, ":1\">n</a></td></tr></html>");
	_cleanup_(master_page_clear) struct master_page p = {0};
	_cleanup_(master_page_clear) struct master_page q = {0};

	(void)state;
	decode_page(fits, &p);
	assert_int_equal(p.n_links, 1);
	assert_int_equal(strlen(p.links[0].url), 255);
	decode_page(longer, &q);
	assert_int_equal(q.n_links, 0);
}

static void test_page_forms(void **state)
{
	static const char by_get[] = PAGE("<form action=\"driver/kill/\" method=\"POST\">"
					  "<input name=\"csrfToken\" value=\"ff\"/></form>"
					  "<form action=\"app/kill/\" method=\"get\">"
					  "<input name=\"csrfToken\" value=\"0a1b\"/></form>");
	static const char bad_token[] =
		PAGE("<form action=\"app/kill/\" method=\"POST\">"
		     "<input name=\"csrfToken\" value=\"a b&amp;\"/></form>");
	_cleanup_(master_page_clear) struct master_page p = {0};
	_cleanup_(master_page_clear) struct master_page q = {0};

	(void)state;
	decode_page(by_get, &p);
	assert_true(p.kill.offered);
	assert_true(p.kill.by_get);
	assert_string_equal(p.kill.csrf_token, "0a1b");
	decode_page(bad_token, &q);
	assert_true(q.kill.offered);
	assert_null(q.kill.csrf_token);
}

static void test_page_refused(void **state)
{
	_cleanup_free_ char *body = read_version("4.3.0", "master-running-waiting.html");
	_cleanup_free_ char *many = repeated("<html><title>Spark Master at x</title>",
		ROW("a", "http://h:1"), MASTER_MAX_APPS + 1, "</html>");
	size_t len = strlen(body);

	(void)state;
	assert_page_refused("", 0, -EBADMSG, "not the page of a Spark master");
	assert_page_refused("{}", 2, -EBADMSG, "not the page of a Spark master");
	assert_page_refused("<html></html>", 13, -EBADMSG, "not the page of a Spark master");
	assert_page_refused(many, strlen(many), -E2BIG, "more than 10000 apps");
	while (memcmp(body + len - 7, "</html>", 7) != 0)
		len--;
	for (size_t n = 0; n < len; n++)
		assert_page_refused(body, n, -EBADMSG, NULL);
}

static void test_kill_form(void **state)
{
	_cleanup_free_ char *plain = NULL;
	_cleanup_free_ char *with_token = NULL;
	_cleanup_free_ char *hostile = NULL;

	(void)state;
	assert_int_equal(page_kill_query("app-20261123034750-0000", NULL, &plain), 0);
	assert_string_equal(plain, "id=app-20261123034750-0000&terminate=true");
	assert_int_equal(page_kill_query("app-1", "0a1b", &with_token), 0);
	assert_string_equal(with_token, "id=app-1&terminate=true&csrfToken=0a1b");
	assert_int_equal(page_kill_query("a&id=b", "c=d", &hostile), 0);
	assert_string_equal(hostile, "id=a%26id%3Db&terminate=true&csrfToken=c%3Dd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_idle),
		cmocka_unit_test(test_state_running_and_waiting),
		cmocka_unit_test(test_state_ended),
		cmocka_unit_test(test_state_in_both_lists),
		cmocka_unit_test(test_state_refused),
		cmocka_unit_test(test_state_truncated),
		cmocka_unit_test(test_page_links),
		cmocka_unit_test(test_page_without_running_apps),
		cmocka_unit_test(test_page_addresses),
		cmocka_unit_test(test_page_link_of_its_row_only),
		cmocka_unit_test(test_page_long_address),
		cmocka_unit_test(test_page_forms),
		cmocka_unit_test(test_page_refused),
		cmocka_unit_test(test_kill_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
