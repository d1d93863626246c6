/* SPDX-License-Identifier: Apache-2.0
 * Who waits for the helper, which is this program here: /proc/self/exe. A real KDC is asked in
 * tests/live/test_kerberos.py. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../row.h"
#include "base/strbuf.h"
#include "io/negotiate.h"

/* Answers by the host's name. */
static int helper(const char *principal)
{
	char line[300];

	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "end\n") == 0)
			return 1;
		if (strcmp(line, "hang\n") == 0)
			(void)pause();
		else if (strcmp(line, "bad\n") == 0)
			(void)puts("-no such service");
		else if (strcmp(line, "keys\n") == 0)
			(void)printf("+%s\n", getenv("KRB5_CLIENT_KTNAME"));
		else if (strcmp(line, "cache\n") == 0)
			(void)printf("+%s\n", getenv("KRB5CCNAME"));
		else if (strcmp(line, "home\n") == 0)
			(void)printf("+%s\n", getenv("HOME") ? "home" : "no home");
		else if (strcmp(line, "pid\n") == 0)
			(void)printf("+%d\n", (int)getpid());
		else
			(void)printf("+%s of %s", principal ? principal : "nobody", line);
		(void)fflush(stdout);
	}
	return 0;
}

struct fixture {
	sd_event *event;
	struct negotiate *negotiate;
	unsigned n;
	char said[3][100];
};

static void on_done(void *userdata, const char *token, const char *fault)
{
	struct fixture *f = userdata;

	assert_int_equal(token == NULL, fault != NULL);
	(void)snprintf(f->said[f->n++ % 3], sizeof(f->said[0]), "%s", token ? token : fault);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_true(sd_event_new(&f->event) >= 0);
	assert_int_equal(negotiate_new(f->event, &f->negotiate), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)row_tell(state);
	assert_null(negotiate_free(f->negotiate));
	(void)sd_event_unref(f->event);
	free(f);
	return 0;
}

static struct negotiate_call *ask(struct fixture *f, const struct endpoint *e, const char *url)
{
	const struct negotiate_ask a = {.endpoint = e, .url = url, .done = on_done, .userdata = f};
	_cleanup_free_ char *err = NULL;
	struct negotiate_call *c = NULL;
	int r = negotiate_get(f->negotiate, &a, &c, &err);

	if (r < 0)
		fail_msg("%s: %s", url, err ? err : strerror(-r));
	return c;
}

static void run(struct fixture *f, unsigned n)
{
	while (f->n < n)
		assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
	assert_int_equal(f->n, n);
}

static char keytab[] = "/keys";
static char cache[] = "/cache";
static char principal[] = "me@R";

static void answers(void **state)
{
	static const struct {
		const char *name;
		struct endpoint e;
		const char *url;
		const char *said;
	} rows[] = {
		{"a name", {.keytab = keytab}, "http://a.example:8088/x", "nobody of a.example"},
		{"https", {.keytab = keytab}, "https://b/", "nobody of b"},
		{"as whom", {.keytab = keytab, .principal = principal}, "http://a?x", "me@R of a"},
		{"a fault", {.keytab = keytab}, "http://bad/", "Kerberos: no such service"},
		{"a keytab", {.keytab = keytab}, "http://keys/", "FILE:/keys"},
		{"tickets in memory", {.keytab = keytab}, "http://cache/", "MEMORY:stagewatchd"},
		{"a cache", {.credential_cache = cache}, "http://cache/", "FILE:/cache"},
		{"nothing else", {.keytab = keytab}, "http://home/", "no home"},
	};
	struct fixture *f = *state;
	unsigned n = 0;

	for_each_row(r, rows)
	{
		(void)ask(f, &r->e, r->url);
		assert_int_equal(f->n, n); /* never from within */
		run(f, ++n);
		assert_string_equal(f->said[(n - 1) % 3], r->said);
	}
}

/* In their order, and none to a wrong one. */
static void several_at_once(void **state)
{
	struct fixture *f = *state;
	const struct endpoint e = {.keytab = keytab};

	(void)ask(f, &e, "http://a/");
	negotiate_cancel(ask(f, &e, "http://b/"));
	(void)ask(f, &e, "http://c/");
	run(f, 2);
	assert_string_equal(f->said[0], "nobody of a");
	assert_string_equal(f->said[1], "nobody of c");
	negotiate_cancel(NULL);
	(void)ask(f, &e, "http://hang/"); /* freed with the rest */
}

static void a_helper_that_ends(void **state)
{
	struct fixture *f = *state;
	const struct endpoint e = {.keytab = keytab};
	const struct endpoint other = {.credential_cache = cache};
	const struct negotiate_ask again = {.endpoint = &e, .url = "http://a/", .done = on_done};
	struct negotiate_call *c = NULL;
	_cleanup_free_ char *err = NULL;

	(void)ask(f, &e, "http://end/");
	(void)ask(f, &e, "http://a/");
	run(f, 2);
	assert_string_equal(f->said[1], "Kerberos: the helper has ended");
	assert_true(negotiate_get(f->negotiate, &again, &c, &err) < 0);
	assert_string_equal(err, "Kerberos: the helper has ended");
	(void)ask(f, &other, "http://a/");
	run(f, 3);
	assert_string_equal(f->said[2], "nobody of a");
}

/* What a helper keeps may be for keys that the other side has no more. */
static void a_ticket_that_is_refused(void **state)
{
	struct fixture *f = *state;
	const struct endpoint e = {.keytab = keytab};
	const struct endpoint other = {.credential_cache = cache};

	assert_false(negotiate_refused(f->negotiate, &e));
	(void)ask(f, &e, "http://pid/");
	(void)ask(f, &other, "http://pid/");
	run(f, 2);
	assert_false(negotiate_refused(f->negotiate, &other)); /* who fills it is to renew it */
	(void)ask(f, &e, "http://pid/");
	assert_true(negotiate_refused(f->negotiate, &e));
	assert_true(negotiate_refused(f->negotiate, &e));
	(void)ask(f, &e, "http://pid/"); /* the old one is still at work */
	run(f, 4);
	assert_string_equal(f->said[0], f->said[2]);
	(void)ask(f, &e, "http://pid/");
	run(f, 5);
	assert_string_not_equal(f->said[1], f->said[2]);
	assert_false(negotiate_refused(f->negotiate, &e)); /* not again at once */
}

static void hosts_of_no_use(void **state)
{
	static const struct {
		const char *name;
		const char *url;
	} rows[] = {{"an address", "http://[::1]:80/"}, {"nothing", "http:///x"}};
	struct fixture *f = *state;
	const struct endpoint e = {.keytab = keytab};

	for_each_row(r, rows)
	{
		const struct negotiate_ask a = {.endpoint = &e, .url = r->url, .done = on_done};
		struct negotiate_call *c = NULL;
		_cleanup_free_ char *err = NULL;

		assert_int_equal(negotiate_get(f->negotiate, &a, &c, &err), -EINVAL);
		assert_string_equal(err, "Kerberos: it takes a host's name, not an address");
	}
}

#define negotiate_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		negotiate_test(answers),
		negotiate_test(several_at_once),
		negotiate_test(a_helper_that_ends),
		negotiate_test(a_ticket_that_is_refused),
		negotiate_test(hosts_of_no_use),
	};

	if (argc > 1 && strcmp(argv[1], NEGOTIATE_HELPER) == 0)
		return helper(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
