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
	char url[64];
	char body[200];
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
	(void)snprintf(r->url, sizeof(r->url), "%s %s", ask->method, ask->url);
	(void)snprintf(r->body, sizeof(r->body), "%s", ask->body ? ask->body : "");
	*ret = r;
	return 0;
}

static void other_cancel(struct transport_request *r)
{
	r->done = NULL;
}

static const struct transport_ops other_ops = {.send = other_send, .cancel = other_cancel};

/* "TOKEN SECONDS"; anything else is none. */
static int decode(int status, const char *body, size_t len, struct token_grant *ret, char **reterr)
{
	char token[32] = "";
	unsigned seconds = 0;

	(void)len;
	if (status != 200 || sscanf(body, "%31s %u", token, &seconds) != 2)
		return str_printf(reterr, "answered %d", status) < 0 ? -ENOMEM : -EACCES;
	ret->life = seconds * USEC_PER_SEC;
	return str_replace(&ret->token, token);
}

/* "t7" ends at 7. */
static usec_t expires(const char *token)
{
	return token[0] == 't' ? (usec_t)atoi(token + 1) : 0;
}

static const struct credentials_readers readers = {.decode = decode, .expires = expires};

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
	assert_int_equal(
		credentials_new(f->event, &f->other.transport, &readers, &f->credentials), 0);
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

static void answer_with(struct fixture *f, int status, const char *body)
{
	const struct transport_answer a = {.status = status, .body = body, .len = strlen(body)};

	f->other.done(f->other.userdata, &a);
}

static void answer(struct fixture *f)
{
	answer_with(f, 200, "");
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

static char token_url[] = "http://login/token";
static char client[] = "me:too";
static char scope[] = "a b";

static struct endpoint oauth(struct fixture *f)
{
	return (struct endpoint){.token_url = token_url,
		.client_id = client,
		.client_secret_file = f->path,
		.scope = scope};
}

/* All that wait get the token that was asked for once; a refused one is asked for anew, once. */
static void a_client(void **state)
{
	struct fixture *f = *state;
	const struct endpoint e = oauth(f);
	struct transport_request *second;

	write_file(f, "s3:cret\n");
	(void)ask(f, &e);
	second = ask(f, &e);
	assert_int_equal(f->other.n_asked, 1);
	assert_string_equal(f->other.url, "POST http://login/token");
	assert_string_equal(f->other.body, "grant_type=client_credentials&scope=a%20b");
	assert_string_equal(f->other.as.username, "me%3Atoo");
	assert_string_equal(f->other.as.password, "s3%3Acret");
	assert_true(transport_waits(credentials_transport(f->credentials), second));
	transport_cancel(credentials_transport(f->credentials), second);
	answer_with(f, 200, "first 3600");
	assert_int_equal(f->other.n_asked, 2);
	assert_string_equal(f->other.url, "GET http://x/");
	assert_string_equal(f->other.as.authorization, "Bearer first");
	answer_with(f, 401, "");
	assert_int_equal(f->n, 0);
	assert_string_equal(f->other.url, "POST http://login/token");
	answer_with(f, 200, "second 3600");
	assert_string_equal(f->other.as.authorization, "Bearer second");
	answer_with(f, 401, "");
	assert_int_equal(f->n, 1);
	(void)ask(f, &e); /* a token may be good for another one: it is used until it is replaced */
	assert_string_equal(f->other.url, "GET http://x/");
	answer(f);
	assert_int_equal(f->n, 2);
	(void)ask(f, &e); /* who takes none is no reason to ask for one each time */
	answer_with(f, 401, "");
	assert_string_equal(f->other.url, "GET http://x/");
	assert_int_equal(f->n, 3);
}

/* Two were on the wire with the token that is refused: the second is no word on the one after it.
 */
static void a_refusal_that_comes_late(void **state)
{
	struct fixture *f = *state;
	const struct endpoint e = oauth(f);
	struct transport_request late;
	struct transport_answer refused = {.status = 401, .body = ""};

	write_file(f, "s3:cret\n");
	(void)ask(f, &e);
	answer_with(f, 200, "first 3600");
	late = f->other;
	(void)ask(f, &e);
	assert_int_equal(f->other.n_asked, 3);
	answer_with(f, 401, "");
	answer_with(f, 200, "second 3600");
	answer(f);
	assert_int_equal(f->n, 1);
	late.done(late.userdata, &refused);
	assert_string_equal(f->other.url, "GET http://x/");
	assert_string_equal(f->other.as.authorization, "Bearer second");
	answer(f);
	assert_int_equal(f->n, 2);
}

static void a_client_that_shows_it_in_the_body(void **state)
{
	struct fixture *f = *state;
	struct endpoint e = oauth(f);

	e.client_by_post = true;
	e.audience = client;
	write_file(f, "s3&cret\n");
	(void)ask(f, &e);
	assert_string_equal(f->other.body,
		"grant_type=client_credentials&scope=a%20b&audience=me%3Atoo&client_id=me%3Atoo"
		"&client_secret=s3%26cret");
	assert_null(f->other.as.username);
	answer_with(f, 200, "first 0"); /* ten minutes, then */
	answer(f);
	(void)ask(f, &e);
	assert_string_equal(f->other.as.authorization, "Bearer first");
	answer(f);
	/* Another scope takes another token. */
	e.scope = client;
	(void)ask(f, &e);
	assert_string_equal(f->other.url, "POST http://login/token");
}

static void a_client_that_gets_none(void **state)
{
	struct fixture *f = *state;
	const struct endpoint e = oauth(f);

	expect_refused(f, &e, "empty");
	write_file(f, "s3cret\n");
	(void)ask(f, &e);
	(void)ask(f, &e);
	answer_with(f, 401, "");
	while (f->n < 3)
		assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
	assert_int_equal(f->error, -EKEYREJECTED);
	assert_string_equal(f->text, "token_url http://login/token answered 401");
	/* It is left alone for a while. */
	(void)ask(f, &e);
	assert_int_equal(f->other.n_asked, 1);
	assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
	assert_int_equal(f->n, 4);
}

static void when_tokens_end(void **state)
{
	struct fixture *f = *state;
	const struct endpoint e = {.bearer_token_file = f->path};
	const struct expiry_list *tokens = credentials_tokens(f->credentials);

	write_file(f, "opaque\n");
	(void)ask(f, &e);
	answer(f);
	assert_int_equal(tokens->n, 0);
	write_file(f, "t7\n");
	(void)ask(f, &e);
	answer(f);
	write_file(f, "t70\n");
	(void)ask(f, &e);
	answer(f);
	assert_int_equal(tokens->n, 1);
	assert_string_equal(tokens->items[0].name, f->path);
	assert_int_equal(tokens->items[0].at, 70);
	assert_int_equal(credentials_certificates(f->credentials)->n, 0);
}

#define credentials_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		credentials_test(without_files),
		credentials_test(a_token_that_rotates),
		credentials_test(headers),
		credentials_test(cancelled_before_it_is_told),
		credentials_test(when_tokens_end),
		credentials_test(a_client),
		credentials_test(a_refusal_that_comes_late),
		credentials_test(a_client_that_shows_it_in_the_body),
		credentials_test(a_client_that_gets_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
