/* SPDX-License-Identifier: Apache-2.0
 * Adds what the files of an endpoint hold to its requests. */
#include "io/credentials.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/strbuf.h"
#include "io/clock.h"
#include "io/http_url.h"
#include "io/secret_cache.h"

/* Header lines of one request. */
#define MAX_LINES 32

struct credentials {
	struct transport transport;
	struct transport *inner;
	struct secret_cache files;
	struct transport_request *refused; /* not sent, and not told yet; oldest first */
	sd_event_source *tell;
};

struct transport_request {
	struct credentials *credentials;
	struct transport_request *inner; /* NULL: refused, or being answered */
	struct transport_request *next;  /* of those that are refused */
	char *why;
	transport_done_fn done;
	void *userdata;
};

static void request_free(struct transport_request *q)
{
	free(q->why);
	free(q);
}

static void on_answer(void *userdata, const struct transport_answer *answer)
{
	struct transport_request *q = userdata;

	q->inner = NULL;
	q->done(q->userdata, answer);
	request_free(q);
}

static int refuse(const char *file, const char *text, char **reterr)
{
	int r = str_printf(reterr, "%s: %s", file, text);

	return r < 0 ? r : -EINVAL;
}

static int add_token(struct credentials *c, struct endpoint *e, char **reterr)
{
	const char *token = NULL;
	int r;

	if (!e->bearer_token_file)
		return 0;
	e->authorization = NULL; /* it was borrowed */
	r = secret_cache_get(&c->files, e->bearer_token_file, false, &token, reterr);
	if (r < 0)
		return r;
	return str_printf(&e->authorization, "Bearer %s", token);
}

static int add_lines(struct endpoint *e, const char *file, const char *text, char **reterr)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		char *line = strndup(text, n);
		const char *fault = NULL;
		int r = line ? 0 : -ENOMEM;

		if (r >= 0 && n > 0 && *line != '#') {
			fault = e->headers.n >= MAX_LINES ? "holds too many lines"
							  : http_url_header_fault(line);
			r = fault ? refuse(file, fault, reterr) : strlist_add(&e->headers, line);
		}
		secret_free(line);
		if (r < 0)
			return r;
		text += n + (text[n] == '\n');
	}
	return 0;
}

static int add_headers(struct credentials *c, struct endpoint *e, char **reterr)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < e->header_files.n; i++) {
		const char *file = e->header_files.items[i];
		const char *text = NULL;

		r = secret_cache_get(&c->files, file, true, &text, reterr);
		if (r >= 0)
			r = add_lines(e, file, text, reterr);
	}
	return r;
}

/* Of e only the authorization, where it has a file for it, and the headers are its own. */
static int send_with(struct credentials *c, const struct transport_ask *ask, struct endpoint *e,
	struct transport_request *q)
{
	struct transport_ask a = *ask;
	int r;

	a.endpoint = e;
	r = add_token(c, e, &q->why);
	if (r >= 0)
		r = add_headers(c, e, &q->why);
	if (r >= 0)
		r = transport_send(c->inner, &a, on_answer, q, &q->inner);
	if (e->bearer_token_file)
		secret_free(e->authorization);
	for (size_t i = 0; i < e->headers.n; i++)
		secret_wipe(e->headers.items[i], strlen(e->headers.items[i]));
	strlist_clear(&e->headers);
	return r;
}

static void tell_later(struct transport_request *q)
{
	struct transport_request **last = &q->credentials->refused;

	while (*last)
		last = &(*last)->next;
	*last = q;
	(void)sd_event_source_set_enabled(q->credentials->tell, SD_EVENT_ONESHOT);
}

static int credentials_send(struct transport *t, const struct transport_ask *ask,
	transport_done_fn done, void *userdata, struct transport_request **ret)
{
	struct credentials *c = (struct credentials *)t;
	struct endpoint e = *transport_endpoint(ask);
	struct transport_request *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	q->credentials = c;
	q->done = done;
	q->userdata = userdata;
	e.headers = (struct strlist){0};
	r = send_with(c, ask, &e, q);
	if (r < 0 && r != -ENOMEM && q->why) {
		tell_later(q);
		r = 0;
	}
	if (r < 0) {
		request_free(q);
		return r;
	}
	*ret = q;
	return 0;
}

static void unlink_refused(struct transport_request *q)
{
	struct transport_request **p = &q->credentials->refused;

	while (*p && *p != q)
		p = &(*p)->next;
	if (*p)
		*p = q->next;
}

static void credentials_cancel(struct transport_request *q)
{
	if (q->inner)
		transport_cancel(q->credentials->inner, q->inner);
	else if (q->why)
		unlink_refused(q);
	else
		return; /* its callback runs */
	request_free(q);
}

static bool credentials_waits(const struct transport_request *q)
{
	return transport_waits(q->credentials->inner, q->inner);
}

static int credentials_hide(struct transport *t, const char *secret)
{
	return transport_hide(((struct credentials *)t)->inner, secret);
}

static const struct transport_ops credentials_ops = {
	.send = credentials_send,
	.cancel = credentials_cancel,
	.waits = credentials_waits,
	.hide = credentials_hide,
};

static int on_tell(sd_event_source *source, void *userdata)
{
	struct credentials *c = userdata;
	struct transport_request *q;

	(void)source;
	while ((q = c->refused)) {
		_cleanup_free_ char *why = TAKE_PTR(q->why);
		struct transport_answer a = {.error = -EKEYREJECTED,
			.error_text = why,
			.body = "",
			.received = clock_boottime()};

		a.taken = a.received;
		c->refused = q->next;
		q->done(q->userdata, &a);
		request_free(q);
	}
	return 0;
}

int credentials_new(sd_event *event, struct transport *inner, struct credentials **ret)
{
	_cleanup_(credentials_freep) struct credentials *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->transport.ops = &credentials_ops;
	c->inner = inner;
	r = sd_event_add_defer(event, &c->tell, on_tell, c);
	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(c->tell, SD_EVENT_OFF);
	*ret = TAKE_PTR(c);
	return 0;
}

struct credentials *credentials_free(struct credentials *c)
{
	if (!c)
		return NULL;
	while (c->refused) {
		struct transport_request *q = c->refused;

		c->refused = q->next;
		request_free(q);
	}
	secret_cache_clear(&c->files);
	(void)sd_event_source_disable_unref(c->tell);
	free(c);
	return NULL;
}

struct transport *credentials_transport(struct credentials *c)
{
	return &c->transport;
}
