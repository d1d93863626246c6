/* SPDX-License-Identifier: Apache-2.0
 * What is left of the words of others. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"
#include "base/strbuf.h"
#include "io/redactor.h"

/* Whom the redactor asks: one request at a time. */
struct transport_request {
	struct transport transport;
	transport_done_fn done;
	void *userdata;
};

static int other_send(struct transport *t, const struct transport_ask *ask, transport_done_fn done,
	void *userdata, struct transport_request **ret)
{
	(void)ask;
	*ret = (struct transport_request *)t;
	(*ret)->done = done;
	(*ret)->userdata = userdata;
	return 0;
}

static void other_cancel(struct transport_request *r)
{
	r->done = NULL;
}

static bool other_waits(const struct transport_request *r)
{
	return r->done;
}

static const struct transport_ops other_ops = {
	.send = other_send, .cancel = other_cancel, .waits = other_waits};

struct got {
	unsigned n;
	int error;
	char *text;
	char *type;
	char *body;
	size_t len;
};

static void got_clear(struct got *g)
{
	free(g->text);
	free(g->type);
	free(g->body);
	*g = (struct got){0};
}

static void on_answer(void *userdata, const struct transport_answer *a)
{
	struct got *g = userdata;

	got_clear(g);
	g->n = 1;
	g->error = a->error;
	g->len = a->len;
	assert_int_equal(str_replace(&g->text, a->error_text), 0);
	assert_int_equal(str_replace(&g->type, a->content_type), 0);
	assert_int_equal(str_replace(&g->body, a->body), 0);
}

struct fixture {
	struct transport_request other;
	struct redactor *redactor;
	struct transport *transport;
	struct got got;
};

static void set_up(struct fixture *f)
{
	*f = (struct fixture){0};
	f->other.transport.ops = &other_ops;
	assert_int_equal(transport_hide(&f->other.transport, "nobody hides that"), 0);
	assert_int_equal(redactor_new(&f->other.transport, &f->redactor), 0);
	f->transport = redactor_transport(f->redactor);
	assert_int_equal(transport_hide(f->transport, "hunter2"), 0);
}

static void tear_down(struct fixture *f)
{
	assert_null(redactor_free(f->redactor));
	got_clear(&f->got);
}

static struct transport_request *ask(struct fixture *f, const char *authorization)
{
	const struct endpoint endpoint = {.authorization = (char *)(uintptr_t)authorization};
	const struct transport_ask a = {.method = "GET", .url = "http://x/", .endpoint = &endpoint};
	struct transport_request *r = NULL;

	assert_int_equal(transport_send(f->transport, &a, on_answer, &f->got, &r), 0);
	return r;
}

static void answer(struct fixture *f, struct transport_answer a)
{
	a.body = a.body ? a.body : "";
	a.len = strlen(a.body);
	f->other.done(f->other.userdata, &a);
	f->other.done = NULL;
}

static void test_words(void **state)
{
	static const struct {
		const char *name;
		struct transport_answer answer;
		const char *text;
		const char *type;
		const char *body;
	} rows[] = {
		{"refused", {.status = 401, .content_type = "text/plain", .body = "not hunter2"},
			NULL, "text/plain", "not ***"},
		{"broken", {.status = 500, .body = "{\"detail\": \"aHVudGVyMg==\"}"}, NULL, NULL,
			"{\"detail\": \"***g==\"}"},
		{"elsewhere", {.status = 302, .body = "/login?p=hunter2"}, NULL, NULL,
			"/login?p=***"},
		{"an odd type", {.status = 200, .content_type = "text/hunter2", .body = "x"}, NULL,
			"text/***", "x"},
		/* A DAG may be called so. */
		{"data", {.status = 200, .body = "{\"dag_id\": \"hunter2\"}"}, NULL, NULL,
			"{\"dag_id\": \"hunter2\"}"},
		{"no answer", {.error = -EPROTO, .error_text = "says hunter2"}, "says ***", NULL,
			""},
		{"its own", {.status = 403, .body = "Invalid: Bearer abc.def, or abc.def"}, NULL,
			NULL, "Invalid: ***, or ***"},
	};

	(void)state;
	for_each_row(r, rows)
	{
		struct fixture f;

		set_up(&f);
		(void)ask(&f, "Bearer abc.def");
		answer(&f, r->answer);
		assert_int_equal(f.got.n, 1);
		assert_int_equal(f.got.error, r->answer.error);
		assert_true(str_equal(f.got.type, r->type));
		assert_true(str_equal(f.got.body, r->body));
		assert_int_equal(f.got.len, strlen(r->body));
		if (r->text)
			assert_string_equal(f.got.text, r->text);
		tear_down(&f);
	}
}

/* A page of megabytes is no more telling than its beginning. */
static void test_long(void **state)
{
	size_t len = 2 * REDACTOR_MAX_WORDS;
	_cleanup_free_ char *body = malloc(len + 1);
	struct fixture f;

	(void)state;
	assert_non_null(body);
	memset(body, 'x', len);
	body[len] = '\0';
	set_up(&f);
	(void)ask(&f, NULL);
	answer(&f, (struct transport_answer){.status = 500, .body = body});
	assert_int_equal(f.got.len, REDACTOR_MAX_WORDS);
	(void)ask(&f, NULL);
	answer(&f, (struct transport_answer){.status = 200, .body = body});
	assert_int_equal(f.got.len, len);
	tear_down(&f);
}

/* What went with a request comes back in none of its forms. */
static void test_own_secrets(void **state)
{
	char line[] = "X-Key:  s3cret-key";
	char *lines[] = {line};
	char password[] = "p4ss";
	const struct endpoint e = {.password = password, .headers = {lines, 1}};
	const struct transport_ask a = {.method = "GET", .url = "http://x/", .endpoint = &e};
	struct transport_request *r = NULL;
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(transport_send(f.transport, &a, on_answer, &f.got, &r), 0);
	answer(&f, (struct transport_answer){.status = 403, .body = "s3cret-key of p4ss?"});
	assert_string_equal(f.got.body, "*** of ***?");
	(void)ask(&f, NULL);
	answer(&f, (struct transport_answer){.status = 403, .body = "s3cret-key"});
	assert_string_equal(f.got.body, "s3cret-key");
	tear_down(&f);
}

static void test_cancel(void **state)
{
	struct transport_request *r;
	struct fixture f;

	(void)state;
	set_up(&f);
	r = ask(&f, NULL);
	assert_true(transport_waits(f.transport, r));
	transport_cancel(f.transport, r);
	assert_null(f.other.done);
	assert_int_equal(f.got.n, 0);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_own_secrets),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
