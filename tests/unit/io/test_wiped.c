/* SPDX-License-Identifier: Apache-2.0
 * What held a secret is overwritten before it is given back. */
#include "../wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "base/strbuf.h"
#include "io/credentials.h"
#include "io/redactor.h"
#include "io/service.h"

/* Whom it asks: it copies nothing, and answers when it is told. */
struct transport_request {
	struct transport transport;
	transport_done_fn done;
	void *userdata;
	unsigned n_asked;
};

static int other_send(struct transport *t, const struct transport_ask *ask, transport_done_fn done,
	void *userdata, struct transport_request **ret)
{
	struct transport_request *r = (struct transport_request *)t;

	(void)ask;
	r->done = done;
	r->userdata = userdata;
	r->n_asked++;
	*ret = r;
	return 0;
}

static void other_cancel(struct transport_request *r)
{
	r->done = NULL;
}

static const struct transport_ops other_ops = {.send = other_send, .cancel = other_cancel};

static void answer(struct transport_request *r, int status, const char *body)
{
	struct transport_answer a = {.status = status, .body = body, .len = strlen(body)};
	transport_done_fn done = r->done;

	r->done = NULL;
	assert_non_null(done);
	done(r->userdata, &a);
}

static int decode(int status, const char *body, size_t len, struct token_grant *ret, char **reterr)
{
	(void)len;
	if (status != 200)
		return str_printf(reterr, "answered %d", status) < 0 ? -ENOMEM : -EACCES;
	return str_replace(&ret->token, body);
}

static usec_t expires(const char *token)
{
	(void)token;
	return 0;
}

static void ignore(void *userdata, const struct transport_answer *a)
{
	(void)userdata;
	(void)a;
}

static char path[] = "/tmp/wiped.XXXXXX";

/* Each time another file: it is read anew. */
static void write_file(const char *text)
{
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_return_code(fd, errno);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

static int begin(void **state)
{
	int fd;

	(void)state;
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int end(void **state)
{
	(void)state;
	return unlink(path);
}

static void forget(void)
{
	if (!WIPE_SEEN)
		skip();
	wipe_left = 0;
}

/* It sees what is left. */
static void test_it_would_be_seen(void **state)
{
	char *text;

	(void)state;
	forget();
	text = strdup("a " WIPE_SECRET);
	assert_non_null(text);
	text = realloc(text, (size_t)4096 * 64);
	assert_non_null(text);
	assert_int_equal(wipe_left, 1);
	free(text);
	assert_int_equal(wipe_left, 2);
}

static void test_texts(void **state)
{
	struct strbuf b = {.secret = true};
	char *text = NULL;

	(void)state;
	forget();
	for (unsigned i = 0; i < 1000; i++)
		strbuf_addf(&b, "%u " WIPE_SECRET, i);
	assert_int_equal(strbuf_finish(&b, &text), 0);
	secret_free(text);
	b.secret = true;
	strbuf_add(&b, WIPE_SECRET);
	strbuf_clear(&b);
	assert_int_equal(str_printf(&text, "%200s %s", "Bearer", WIPE_SECRET), 0);
	secret_free(text);
	assert_int_equal(wipe_left, 0);
}

static void test_hidden_words(void **state)
{
	struct secrets s = {0};
	char *text;

	(void)state;
	forget();
	text = strdup("no: " WIPE_SECRET);
	assert_non_null(text);
	assert_int_equal(secrets_add(&s, WIPE_SECRET), 0);
	(void)secrets_hide(&s, text, strlen(text));
	assert_string_equal(text, "no: ***");
	free(text);
	secrets_clear(&s);
	assert_int_equal(wipe_left, 0);
}

static void ask(struct transport *t, const struct endpoint *e, unsigned times,
	struct transport_request *other)
{
	const struct transport_ask a = {.method = "GET", .url = "http://a/", .endpoint = e};
	struct transport_request *q;

	for (unsigned i = 0; i < times; i++) {
		assert_int_equal(transport_send(t, &a, ignore, NULL, &q), 0);
		answer(other, i % 2 ? 403 : 200, "refused: " WIPE_SECRET);
	}
}

/* Files that are read, read anew, and gone; with the redactor below, as the daemon has it. */
static void test_files(void **state)
{
	const struct credentials_readers readers = {.decode = decode, .expires = expires};
	struct transport_request other = {.transport.ops = &other_ops};
	struct endpoint e = {.bearer_token_file = path};
	struct credentials *c = NULL;
	struct redactor *r = NULL;
	sd_event *event = NULL;

	(void)state;
	forget();
	assert_return_code(sd_event_new(&event), 0);
	assert_int_equal(redactor_new(&other.transport, &r), 0);
	assert_int_equal(credentials_new(event, redactor_transport(r), &readers, &c), 0);
	write_file(WIPE_SECRET "\n");
	ask(credentials_transport(c), &e, 2, &other);
	write_file(WIPE_SECRET);
	ask(credentials_transport(c), &e, 2, &other);
	e.bearer_token_file = NULL;
	assert_int_equal(strlist_add(&e.header_files, path), 0);
	write_file("X-Key: " WIPE_SECRET "\n");
	ask(credentials_transport(c), &e, 2, &other);
	assert_int_equal(other.n_asked, 6);
	strlist_clear(&e.header_files);
	credentials_free(c);
	redactor_free(r);
	sd_event_unref(event);
	assert_int_equal(wipe_left, 0);
}

/* A client that proves itself by post, and by a password; its token is used, refused, and renewed.
 */
static void test_oauth(void **state)
{
	const struct credentials_readers readers = {.decode = decode, .expires = expires};
	struct transport_request other = {.transport.ops = &other_ops};
	struct endpoint e = {.token_url = (char[]){"http://t/"},
		.client_id = (char[]){"me"},
		.client_secret_file = path};
	const struct transport_ask a = {.method = "GET", .url = "http://a/", .endpoint = &e};
	struct credentials *c = NULL;
	struct transport_request *q;
	sd_event *event = NULL;

	(void)state;
	forget();
	write_file(WIPE_SECRET);
	assert_return_code(sd_event_new(&event), 0);
	for (unsigned i = 0; i < 2; i++) {
		e.client_by_post = i == 0;
		assert_int_equal(credentials_new(event, &other.transport, &readers, &c), 0);
		assert_int_equal(transport_send(credentials_transport(c), &a, ignore, NULL, &q), 0);
		answer(&other, 200, "token-" WIPE_SECRET);
		answer(&other, 401, "no");
		answer(&other, 200, "other-" WIPE_SECRET);
		answer(&other, 200, "yes");
		credentials_free(c);
	}
	assert_int_equal(other.n_asked, 8);
	sd_event_unref(event);
	assert_int_equal(wipe_left, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_would_be_seen),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_hidden_words),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_oauth),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
