/* SPDX-License-Identifier: Apache-2.0
 * What goes with a request, and what keeps it from being sent. */
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
#include "io/credentials.h"

/* Whom it asks. */
struct transport_request {
	struct transport transport;
	transport_done_fn done;
	void *userdata;
	unsigned n_asked;
	struct endpoint as; /* of the last one */
};

static int other_send(struct transport *t, const struct transport_ask *ask, transport_done_fn done,
	void *userdata, struct transport_request **ret)
{
	struct transport_request *r = (struct transport_request *)t;

	r->done = done;
	r->userdata = userdata;
	r->n_asked++;
	endpoint_clear(&r->as);
	assert_int_equal(endpoint_copy(&r->as, transport_endpoint(ask)), 0);
	*ret = r;
	return 0;
}

static void other_cancel(struct transport_request *r)
{
	r->done = NULL;
}

static const struct transport_ops other_ops = {.send = other_send, .cancel = other_cancel};

struct fixture {
	struct transport_request other;
	sd_event *event;
	struct credentials *credentials;
	char path[32];
	unsigned n;
	int error;
	char text[200];
};

static void on_answer(void *userdata, const struct transport_answer *a)
{
	struct fixture *f = userdata;

	f->n++;
	f->error = a->error;
	(void)snprintf(f->text, sizeof(f->text), "%s", a->error_text ? a->error_text : "");
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	assert_non_null(f);
	(void)strcpy(f->path, "/tmp/credentials.XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	(void)close(fd);
	f->other.transport.ops = &other_ops;
	assert_true(sd_event_new(&f->event) >= 0);
	assert_int_equal(credentials_new(f->event, &f->other.transport, &f->credentials), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)row_tell(state);
	assert_null(credentials_free(f->credentials));
	endpoint_clear(&f->other.as);
	(void)unlink(f->path);
	(void)sd_event_unref(f->event);
	free(f);
	return 0;
}

static void write_file(struct fixture *f, const char *text)
{
	FILE *file = fopen(f->path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static struct transport_request *ask(struct fixture *f, const struct endpoint *e)
{
	const struct transport_ask a = {.method = "GET", .url = "http://x/", .endpoint = e};
	struct transport_request *r = NULL;
	unsigned n = f->n;

	assert_int_equal(
		transport_send(credentials_transport(f->credentials), &a, on_answer, f, &r), 0);
	assert_int_equal(f->n, n); /* never from within */
	return r;
}

static void answer(struct fixture *f)
{
	const struct transport_answer a = {.status = 200, .body = ""};

	f->other.done(f->other.userdata, &a);
}

/* Asks, and is refused. */
static void expect_refused(struct fixture *f, const struct endpoint *e, const char *why)
{
	unsigned n_asked = f->other.n_asked;
	unsigned n = f->n;

	(void)ask(f, e);
	while (f->n == n)
		assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
	assert_int_equal(f->error, -EKEYREJECTED);
	assert_non_null(strstr(f->text, f->path));
	assert_non_null(strstr(f->text, why));
	assert_int_equal(f->other.n_asked, n_asked);
}

static void without_files(void **state)
{
	struct fixture *f = *state;
	char value[] = "Bearer own";
	const struct endpoint e = {.authorization = value};

	(void)ask(f, &e);
	assert_string_equal(f->other.as.authorization, "Bearer own");
	answer(f);
	assert_int_equal(f->n, 1);
	(void)ask(f, NULL);
	assert_null(f->other.as.authorization);
	transport_cancel(&f->other.transport, NULL);
	answer(f);
}

static void a_token_that_rotates(void **state)
{
	struct fixture *f = *state;
	const struct endpoint e = {.bearer_token_file = f->path};
	struct transport_request *r;

	expect_refused(f, &e, "empty");
	write_file(f, "first\n");
	(void)ask(f, &e);
	assert_string_equal(f->other.as.authorization, "Bearer first");
	answer(f);
	write_file(f, "other\n");
	r = ask(f, &e);
	assert_string_equal(f->other.as.authorization, "Bearer other");
	transport_cancel(credentials_transport(f->credentials), r);
	assert_null(f->other.done);
	write_file(f, "two\nlines\n");
	expect_refused(f, &e, "more than one line");
	assert_null(strstr(f->text, "two"));
	assert_int_equal(unlink(f->path), 0);
	expect_refused(f, &e, "No such file");
}

static void headers(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		const char *lines; /* NULL: refused */
		const char *why;
	} rows[] = {
		{"one", "X-Key: s3cret\n", "X-Key: s3cret|", NULL},
		{"several", "# of the gateway\nA: 1\n\nB: 2\n", "A: 1|B: 2|", NULL},
		{"the same length", "A: 2\n", "A: 2|", NULL},
		{"no header", "s3cret\n", NULL, "not of the form Name: value"},
		{"another one's", "A: 1\nhost: elsewhere\n", NULL, "set by this program"},
		{"smuggled", "Transfer-Encoding: chunked\n", NULL, "set by this program"},
		{"a carriage return", "A: 1\r\nB: 2\n", NULL, "not of the form"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = *state;
		char *files[] = {f->path};
		const struct endpoint e = {.header_files = {files, 1}};
		struct strbuf b = {0};

		write_file(f, r->text);
		if (r->why) {
			expect_refused(f, &e, r->why);
			assert_null(strstr(f->text, "s3cret"));
			continue;
		}
		(void)ask(f, &e);
		for (size_t i = 0; i < f->other.as.headers.n; i++)
			strbuf_addf(&b, "%s|", f->other.as.headers.items[i]);
		assert_string_equal(b.text, r->lines);
		strbuf_clear(&b);
		answer(f);
	}
}

static void cancelled_before_it_is_told(void **state)
{
	struct fixture *f = *state;
	const struct endpoint e = {.bearer_token_file = f->path};
	struct transport_request *first = ask(f, &e);

	(void)ask(f, &e);
	assert_false(transport_waits(credentials_transport(f->credentials), first));
	transport_cancel(credentials_transport(f->credentials), first);
	assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
	assert_int_equal(f->n, 1);
	(void)ask(f, &e); /* freed with the rest */
}

#define credentials_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		credentials_test(without_files),
		credentials_test(a_token_that_rotates),
		credentials_test(headers),
		credentials_test(cancelled_before_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
