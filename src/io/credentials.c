/* SPDX-License-Identifier: Apache-2.0
 * Adds what the files of an endpoint hold, or a token that is asked for, to its requests. */
#include "io/credentials.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/secret.h"
#include "base/spares.h"
#include "base/strbuf.h"
#include "io/ask_copy.h"
#include "io/clock.h"
#include "io/http_url.h"
#include "io/negotiate.h"
#include "io/secret_cache.h"

/* Header lines of one request. */
#define MAX_LINES 32

TAILQ_HEAD(request_list, transport_request);

struct credentials {
	struct transport transport;
	struct transport *inner;
	struct secret_cache files;
	struct oauth *oauth;
	struct negotiate *negotiate;
	usec_t (*expires)(const char *token);
	struct expiry_list tokens;
	struct expiry_list certificates;
	/* Not sent, oldest first: they wait for a token, or to be told why not. */
	struct request_list waiting;
	struct request_list refused;
	struct spares spares; /* requests, of which nothing is left */
	sd_event_source *tell;
};

struct transport_request {
	struct credentials *credentials;
	struct transport_request *inner; /* NULL: held, or being answered */
	struct request_list *held;       /* the list that it is in; NULL: none */
	TAILQ_ENTRY(transport_request) link;
	char *why;             /* NULL: no memory was left for it */
	struct ask_copy asked; /* of one that takes a token which may be refused, or come late */
	bool again;            /* its token was refused once */
	uint64_t token_number; /* of the token from its token_url */
	struct negotiate_call *ticket; /* on its way */
	char *token;                   /* it came */
	transport_done_fn done;
	void *userdata;
};

static void request_free(struct transport_request *q)
{
	struct credentials *c = q->credentials;

	free(q->why);
	negotiate_cancel(q->ticket);
	secret_free(q->token);
	ask_copy_clear(&q->asked);
	*q = (struct transport_request){.credentials = c};
	if (!spares_keep(&c->spares, q))
		free(q);
}

static void hold(struct transport_request *q, struct request_list *list)
{
	TAILQ_INSERT_TAIL(list, q, link);
	q->held = list;
	if (list == &q->credentials->refused)
		(void)sd_event_source_set_enabled(q->credentials->tell, SD_EVENT_ONESHOT);
}

static void release(struct transport_request *q)
{
	if (q->held)
		TAILQ_REMOVE(q->held, q, link);
	q->held = NULL;
}

static int refuse(const char *file, const char *text, char **reterr)
{
	int r = str_printf(reterr, "%s: %s", file, text);

	return r < 0 ? r : -EINVAL;
}

static void go_on(struct transport_request *q);

static void on_ticket(void *userdata, const char *token, const char *fault)
{
	struct transport_request *q = userdata;
	int r = 0;

	q->ticket = NULL;
	release(q);
	if (token)
		r = str_replace(&q->token, token);
	else
		(void)str_printf(&q->why, "%s", fault);
	if (!token || r < 0)
		hold(q, &q->credentials->refused);
	else
		go_on(q);
}

/* A token of Kerberos is good for one request. */
static int make_negotiation(
	struct transport_request *q, const struct endpoint *e, char **ret, bool *ret_waits)
{
	const struct negotiate_ask need = {
		.endpoint = e, .url = q->asked.ask.url, .done = on_ticket, .userdata = q};
	int r;

	if (q->token) {
		r = str_printf(ret, "Negotiate %s", q->token);
		q->token = secret_free(q->token);
		return r;
	}
	*ret_waits = true;
	return negotiate_get(q->credentials->negotiate, &need, &q->ticket, &q->why);
}

/* A token that is the one of before is not decoded for each request. */
static void note_token(struct credentials *c, const char *file, const char *token, bool read)
{
	usec_t now = clock_boottime();
	bool due = read || expiry_due(&c->tokens, file, now);
	usec_t at = due ? c->expires(token) : 0;

	if (due && at == 0)
		expiry_forget(&c->tokens, file);
	else
		expiry_note(&c->tokens, file, at, now);
}

static void note_certificate(struct credentials *c, const char *file)
{
	usec_t now = clock_boottime();
	usec_t at = 0;

	if (!file)
		return;
	if (expiry_due(&c->certificates, file, now))
		(void)expiry_of_file(file, &at);
	expiry_note(&c->certificates, file, at, now);
}

/* 0: there is none, or none yet: *ret_waits. *ret is the caller's. */
static int make_authorization(
	struct transport_request *q, const struct endpoint *e, char **ret, bool *ret_waits)
{
	struct credentials *c = q->credentials;
	struct oauth_token given = {0};
	const char *token = NULL;
	int r = 0;

	if (e->negotiate)
		return make_negotiation(q, e, ret, ret_waits);
	if (e->bearer_token_file)
		r = secret_cache_get(&c->files, e->bearer_token_file, false, &token, &q->why);
	else if (e->token_url)
		r = oauth_get(c->oauth, e, &given, &q->why);
	if (r < 0)
		return r;
	if (e->token_url) {
		token = given.text;
		q->token_number = given.number;
	}
	if (token && e->bearer_token_file)
		note_token(c, e->bearer_token_file, token, r > 0);
	*ret_waits = e->token_url && r == 0;
	return token ? str_printf(ret, "Bearer %s", token) : 0;
}

static int add_lines(struct strlist *to, const char *file, const char *text, char **reterr)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		char *line = strndup(text, n);
		const char *fault = NULL;
		int r = line ? 0 : -ENOMEM;

		if (r >= 0 && n > 0 && *line != '#') {
			fault = to->n >= MAX_LINES ? "holds too many lines"
						   : http_url_header_fault(line);
			r = fault ? refuse(file, fault, reterr) : strlist_add(to, line);
		}
		secret_free(line);
		if (r < 0)
			return r;
		text += n + (text[n] == '\n');
	}
	return 0;
}

static int make_headers(struct transport_request *q, const struct endpoint *e, struct strlist *ret)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < e->header_files.n; i++) {
		const char *file = e->header_files.items[i];
		const char *text = NULL;

		r = secret_cache_get(&q->credentials->files, file, true, &text, &q->why);
		if (r >= 0)
			r = add_lines(ret, file, text, &q->why);
	}
	return r;
}

static void on_answer(void *userdata, const struct transport_answer *answer);

/* 0: it was sent, or is held. */
static int go(struct transport_request *q, const struct transport_ask *ask)
{
	struct endpoint e = *transport_endpoint(ask); /* but for these two it is borrowed */
	char *authorization = NULL;
	struct strlist headers = {0};
	struct transport_ask a = *ask;
	bool waits = false;
	int r;

	a.endpoint = &e;
	note_certificate(q->credentials, e.client_cert_file);
	r = make_authorization(q, &e, &authorization, &waits);
	if (r >= 0 && !waits)
		r = make_headers(q, &e, &headers);
	if (authorization)
		e.authorization = authorization;
	e.headers = headers;
	if (r >= 0 && !waits)
		r = transport_send(q->credentials->inner, &a, on_answer, q, &q->inner);
	secret_free(authorization);
	for (size_t i = 0; i < headers.n; i++)
		secret_wipe(headers.items[i], strlen(headers.items[i]));
	strlist_clear(&headers);
	if (r < 0 && (r == -ENOMEM || !q->why))
		return r;
	if (r < 0)
		hold(q, &q->credentials->refused);
	else if (waits)
		hold(q, &q->credentials->waiting);
	return 0;
}

/* What was promised is answered, also where it cannot go on. */
static void go_on(struct transport_request *q)
{
	int r = go(q, &q->asked.ask);

	if (r >= 0)
		return;
	(void)str_printf(&q->why, "%s", strerror(-r));
	hold(q, &q->credentials->refused);
}

/* Whether it is to be sent with another token. It was not done, whatever it was. */
static bool was_refused(struct transport_request *q, const struct transport_answer *a)
{
	const struct endpoint *e = &q->asked.endpoint;

	if (a->error < 0 || q->again)
		return false;
	if (e->token_url)
		return a->status == 401 && oauth_refused(q->credentials->oauth, e, q->token_number);
	/* Hadoop answers 403 to a ticket that it cannot read. */
	return e->negotiate && (a->status == 401 || a->status == 403) &&
	       negotiate_refused(q->credentials->negotiate, e);
}

static void on_answer(void *userdata, const struct transport_answer *answer)
{
	struct transport_request *q = userdata;

	q->inner = NULL;
	if (was_refused(q, answer)) {
		q->again = true;
		go_on(q);
		return;
	}
	q->done(q->userdata, answer);
	request_free(q);
}

static int credentials_send(struct transport *t, const struct transport_ask *ask,
	transport_done_fn done, void *userdata, struct transport_request **ret)
{
	struct credentials *c = (struct credentials *)t;
	struct transport_request *q = spares_take(&c->spares);
	int r = 0;

	if (!q)
		q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->credentials = c;
	q->done = done;
	q->userdata = userdata;
	if (transport_endpoint(ask)->token_url || transport_endpoint(ask)->negotiate)
		r = ask_copy(&q->asked, ask);
	if (r >= 0)
		r = go(q, ask);
	if (r < 0) {
		request_free(q);
		return r;
	}
	*ret = q;
	return 0;
}

static void credentials_cancel(struct transport_request *q)
{
	if (!q->inner && !q->held)
		return; /* its callback runs */
	transport_cancel(q->credentials->inner, q->inner);
	release(q);
	request_free(q);
}

static bool credentials_waits(const struct transport_request *q)
{
	return q->held == &q->credentials->waiting ||
	       transport_waits(q->credentials->inner, q->inner);
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
	while ((q = TAILQ_FIRST(&c->refused))) {
		struct transport_answer a = {.error = -EKEYREJECTED,
			.error_text = q->why ? q->why : "out of memory",
			.body = "",
			.received = clock_boottime()};

		a.taken = a.received;
		release(q);
		q->done(q->userdata, &a);
		request_free(q);
	}
	return 0;
}

/* Those whose token is still on its way are held again. */
static void on_token(void *userdata)
{
	struct credentials *c = userdata;
	struct transport_request *last = TAILQ_LAST(&c->waiting, request_list);
	struct transport_request *q = NULL;

	while (last && q != last) {
		q = TAILQ_FIRST(&c->waiting);
		release(q);
		if (q->ticket)
			hold(q, &c->waiting);
		else
			go_on(q);
	}
}

int credentials_new(sd_event *event, struct transport *inner,
	const struct credentials_readers *readers, struct credentials **ret)
{
	_cleanup_(credentials_freep) struct credentials *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->transport.ops = &credentials_ops;
	TAILQ_INIT(&c->waiting);
	TAILQ_INIT(&c->refused);
	c->inner = inner;
	c->expires = readers->expires;
	r = oauth_new(inner, &c->files, readers->decode, &c->oauth);
	if (r >= 0)
		r = negotiate_new(event, &c->negotiate);
	if (r >= 0)
		r = sd_event_add_defer(event, &c->tell, on_tell, c);
	if (r < 0)
		return r;
	oauth_on_change(c->oauth, on_token, c);
	(void)sd_event_source_set_enabled(c->tell, SD_EVENT_OFF);
	*ret = TAKE_PTR(c);
	return 0;
}

static void free_all(struct request_list *l)
{
	struct transport_request *q;

	while ((q = TAILQ_FIRST(l))) {
		TAILQ_REMOVE(l, q, link);
		request_free(q);
	}
}

struct credentials *credentials_free(struct credentials *c)
{
	struct transport_request *q;

	if (!c)
		return NULL;
	free_all(&c->waiting);
	free_all(&c->refused);
	while ((q = spares_take(&c->spares)))
		free(q);
	oauth_free(c->oauth);
	negotiate_free(c->negotiate);
	secret_cache_clear(&c->files);
	expiry_clear(&c->tokens);
	expiry_clear(&c->certificates);
	(void)sd_event_source_disable_unref(c->tell);
	free(c);
	return NULL;
}

struct transport *credentials_transport(struct credentials *c)
{
	return &c->transport;
}

const struct expiry_list *credentials_tokens(const struct credentials *c)
{
	return &c->tokens;
}

const struct expiry_list *credentials_certificates(const struct credentials *c)
{
	return &c->certificates;
}
