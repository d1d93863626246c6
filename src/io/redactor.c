/* SPDX-License-Identifier: Apache-2.0
 * Copies the words of an answer without the secrets. */
#include "io/redactor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/spares.h"
#include "base/strbuf.h"

struct redactor {
	struct transport transport;
	struct transport *inner;
	struct secrets secrets;
	struct spares spares; /* requests, of which nothing is left */
};

struct transport_request {
	struct redactor *redactor;
	struct transport_request *inner;
	struct endpoint as; /* its secrets only */
	transport_done_fn done;
	void *userdata;
};

static void request_free(struct transport_request *q)
{
	struct redactor *r = q->redactor;

	endpoint_clear(&q->as);
	if (!spares_keep(&r->spares, q))
		free(q);
}

/* "Bearer TOKEN" may come back as "TOKEN". */
static int add_authorization(struct secrets *s, const char *authorization)
{
	const char *blank = authorization ? strchr(authorization, ' ') : NULL;
	int r = secrets_add(s, authorization);

	return r >= 0 && blank ? secrets_add(s, blank + 1) : r;
}

/* "Name: value" may come back as "value". */
static int add_header(struct secrets *s, const char *line)
{
	const char *value = strchr(line, ':');

	if (!value)
		return 0;
	value += 1 + strspn(value + 1, " \t");
	return add_authorization(s, value);
}

static int add_endpoint(struct secrets *s, const struct endpoint *e)
{
	int r = add_authorization(s, e->authorization);

	if (r >= 0)
		r = secrets_add(s, e->password);
	for (size_t i = 0; r >= 0 && i < e->headers.n; i++)
		r = add_header(s, e->headers.items[i]);
	return r;
}

/* Takes the secrets out of n bytes and a NUL. -ENOMEM: they may still be there. */
static int hide(const struct transport_request *q, char *words, size_t n)
{
	struct secrets own = {0};
	int r = add_endpoint(&own, &q->as);

	if (r >= 0) {
		n = secrets_hide(&q->redactor->secrets, words, n);
		(void)secrets_hide(&own, words, n);
	}
	secrets_clear(&own);
	return r;
}

/* A copy of at most REDACTOR_MAX_WORDS bytes; NULL stays NULL. */
static int copy_words(const struct transport_request *q, const char *words, size_t len, char **ret)
{
	size_t n = len < REDACTOR_MAX_WORDS ? len : REDACTOR_MAX_WORDS;
	_cleanup_free_ char *copy = NULL;
	int r;

	if (!words)
		return 0;
	copy = malloc(n + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, words, n);
	copy[n] = '\0';
	r = hide(q, copy, n);
	if (r >= 0)
		*ret = TAKE_PTR(copy);
	return r;
}

/* Of each answer, so without memory. One that is too long is none. */
static const char *copy_type(const struct transport_request *q, const char *type, char *buf)
{
	size_t n = type ? strlen(type) : 0;

	if (n == 0 || n > TRANSPORT_MAX_TYPE)
		return NULL;
	memcpy(buf, type, n + 1);
	return hide(q, buf, n) < 0 ? NULL : buf;
}

static bool is_done(const struct transport_answer *a)
{
	return a->error == 0 && a->status >= 200 && a->status < 300;
}

static void on_answer(void *userdata, const struct transport_answer *answer)
{
	struct transport_request *q = userdata;
	struct transport_answer a = *answer;
	char type[TRANSPORT_MAX_TYPE + 1];
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *body = NULL;
	bool done = is_done(answer);
	int r = 0;

	q->inner = NULL;
	if (!done)
		r = copy_words(q, a.error_text, a.error_text ? strlen(a.error_text) : 0, &text);
	if (r >= 0 && !done)
		r = copy_words(q, a.body, a.len, &body);
	a.content_type = copy_type(q, a.content_type, type);
	if (!done) {
		a.error_text = r < 0 ? "out of memory" : text;
		a.body = body ? body : "";
		a.len = strlen(a.body);
	}
	q->done(q->userdata, &a);
	request_free(q);
}

static int redactor_send(struct transport *t, const struct transport_ask *ask,
	transport_done_fn done, void *userdata, struct transport_request **ret)
{
	struct redactor *r = (struct redactor *)t;
	const struct endpoint *e = transport_endpoint(ask);
	/* Borrowed. */
	const struct endpoint secrets = {
		.password = e->password, .authorization = e->authorization, .headers = e->headers};
	struct transport_request *q = spares_take(&r->spares);
	int k;

	if (!q)
		q = malloc(sizeof(*q));
	if (!q)
		return -ENOMEM;
	*q = (struct transport_request){.redactor = r, .done = done, .userdata = userdata};
	k = endpoint_copy(&q->as, &secrets);
	if (k >= 0)
		k = transport_send(r->inner, ask, on_answer, q, &q->inner);
	if (k < 0) {
		request_free(q);
		return k;
	}
	*ret = q;
	return 0;
}

static void redactor_cancel(struct transport_request *q)
{
	/* From within its own callback there is nothing left to cancel. */
	if (!q->inner)
		return;
	transport_cancel(q->redactor->inner, q->inner);
	request_free(q);
}

static bool redactor_waits(const struct transport_request *q)
{
	return transport_waits(q->redactor->inner, q->inner);
}

static int redactor_hide(struct transport *t, const char *secret)
{
	struct redactor *r = (struct redactor *)t;

	return secrets_add(&r->secrets, secret);
}

static const struct transport_ops redactor_ops = {
	.send = redactor_send,
	.cancel = redactor_cancel,
	.waits = redactor_waits,
	.hide = redactor_hide,
};

int redactor_new(struct transport *inner, struct redactor **ret)
{
	struct redactor *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->transport.ops = &redactor_ops;
	r->inner = inner;
	*ret = r;
	return 0;
}

struct redactor *redactor_free(struct redactor *r)
{
	struct transport_request *q;

	if (!r)
		return NULL;
	while ((q = spares_take(&r->spares)))
		free(q);
	secrets_clear(&r->secrets);
	free(r);
	return NULL;
}

struct transport *redactor_transport(struct redactor *r)
{
	return &r->transport;
}
