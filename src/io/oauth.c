/* SPDX-License-Identifier: Apache-2.0
 * Gets tokens, and keeps them. */
#include "io/oauth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/strbuf.h"
#include "io/clock.h"

#define MAX_BODY ((size_t)64 * 1024)
/* A token is renewed when so little of its life is left. */
#define MARGIN USEC_PER_MINUTE
/* How long a token is used that does not say when it ends. */
#define LIFE_UNKNOWN (10 * USEC_PER_MINUTE)
/* A server that gives none is left alone so long. */
#define PAUSE (5 * USEC_PER_SEC)
/* For who takes none a new one is asked for no more often. */
#define RENEWAL_PAUSE USEC_PER_MINUTE

struct token {
	struct oauth *oauth;
	struct token *next;
	struct endpoint as; /* whose it is */
	struct transport_request *request;
	char *text; /* NULL: there is none */
	uint64_t number;
	usec_t until; /* clock_boottime(): it is renewed then */
	char *fault;  /* why there is none; NULL: it was never asked for */
	usec_t not_before;
	usec_t renewed; /* since one was refused; 0: none was */
};

struct oauth {
	struct transport *inner;
	struct secret_cache *files;
	oauth_decode_fn decode;
	struct token *tokens;
	oauth_changed_fn changed;
	void *userdata;
};

static struct token *token_free(struct token *t)
{
	if (!t)
		return NULL;
	transport_cancel(t->oauth->inner, t->request);
	endpoint_clear(&t->as);
	secret_free(t->text);
	free(t->fault);
	free(t);
	return NULL;
}

/* Whether one token serves both. */
static bool is_same(const struct endpoint *a, const struct endpoint *b)
{
	return str_equal(a->token_url, b->token_url) && str_equal(a->client_id, b->client_id) &&
	       str_equal(a->client_secret_file, b->client_secret_file) &&
	       str_equal(a->scope, b->scope) && str_equal(a->audience, b->audience) &&
	       a->client_by_post == b->client_by_post && str_equal(a->ca_file, b->ca_file) &&
	       str_equal(a->proxy, b->proxy) && str_equal(a->no_proxy, b->no_proxy) &&
	       str_equal(a->client_cert_file, b->client_cert_file) &&
	       str_equal(a->client_key_file, b->client_key_file);
}

static struct token *find(const struct oauth *o, const struct endpoint *e)
{
	struct token *t = o->tokens;

	while (t && !is_same(&t->as, e))
		t = t->next;
	return t;
}

static int add(struct oauth *o, const struct endpoint *e, struct token **ret)
{
	struct token *t = calloc(1, sizeof(*t));
	int r = -ENOMEM;

	if (t) {
		t->oauth = o;
		r = endpoint_copy(&t->as, e);
	}
	if (r < 0) {
		token_free(t);
		return r;
	}
	t->next = o->tokens;
	o->tokens = *ret = t;
	return 0;
}

static void fail(struct token *t, const char *text)
{
	free(t->fault);
	t->fault = NULL;
	(void)str_printf(&t->fault, "token_url %s %s", t->as.token_url, text);
	t->not_before = clock_boottime() + PAUSE;
}

static void keep(struct token *t, const struct token_grant *grant)
{
	usec_t life = grant->life;

	if (life == 0)
		life = usec_sub(grant->expires, clock_realtime());
	if (life == 0)
		life = LIFE_UNKNOWN;
	/* One of a short life is used for half of it. */
	t->until = clock_boottime() + (life > 2 * MARGIN ? life - MARGIN : life / 2);
	secret_free(t->text);
	t->text = grant->token;
	t->number++;
	free(t->fault);
	t->fault = NULL;
}

static void on_answer(void *userdata, const struct transport_answer *a)
{
	struct token *t = userdata;
	struct oauth *o = t->oauth;
	_cleanup_free_ char *err = NULL;
	struct token_grant grant = {0};
	int r = -EIO;

	t->request = NULL;
	if (a->error == 0)
		r = o->decode(a->status, a->body, a->len, &grant, &err);
	if (r >= 0)
		keep(t, &grant);
	else
		fail(t, a->error < 0 ? a->error_text : err ? err : strerror(-r));
	if (o->changed)
		o->changed(o->userdata);
}

static void add_field(struct strbuf *b, const char *name, const char *value)
{
	if (!value)
		return;
	strbuf_addf(b, "&%s=", name);
	strbuf_add_segment(b, value);
}

static int make_body(const struct token *t, const char *secret, char **ret)
{
	struct strbuf b = {.secret = true};

	strbuf_add(&b, "grant_type=client_credentials");
	add_field(&b, "scope", t->as.scope);
	add_field(&b, "audience", t->as.audience);
	if (t->as.client_by_post) {
		add_field(&b, "client_id", t->as.client_id);
		add_field(&b, "client_secret", secret);
	}
	return strbuf_finish(&b, ret);
}

/* RFC 6749, 2.3.1: both are escaped before they become a user and a password. */
static int escape(const char *text, char **ret)
{
	struct strbuf b = {.secret = true};

	strbuf_add_segment(&b, text);
	return strbuf_finish(&b, ret);
}

static int send_body(struct token *t, const char *body, char *user, char *password)
{
	const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
		"Accept: application/json", NULL};
	/* Borrowed. */
	const struct endpoint e = {.username = user,
		.password = password,
		.ca_file = t->as.ca_file,
		.proxy = t->as.proxy,
		.no_proxy = t->as.no_proxy,
		.client_cert_file = t->as.client_cert_file,
		.client_key_file = t->as.client_key_file,
		.timeout = t->as.timeout};
	const struct transport_ask ask = {.method = "POST",
		.url = t->as.token_url,
		.headers = headers,
		.body = body,
		.endpoint = &e,
		.max_body = MAX_BODY,
		.urgent = true,
		.secret = true};

	return transport_send(t->oauth->inner, &ask, on_answer, t, &t->request);
}

static int fetch(struct token *t, char **reterr)
{
	const char *secret = NULL;
	_cleanup_secret_ char *password = NULL;
	_cleanup_free_ char *user = NULL;
	_cleanup_secret_ char *body = NULL;
	int r = secret_cache_get(t->oauth->files, t->as.client_secret_file, false, &secret, reterr);

	if (r < 0)
		return r;
	r = transport_hide(t->oauth->inner, secret);
	if (r >= 0)
		r = make_body(t, secret, &body);
	if (r >= 0 && !t->as.client_by_post)
		r = escape(t->as.client_id, &user);
	if (r >= 0 && !t->as.client_by_post)
		r = escape(secret, &password);
	if (r >= 0)
		r = send_body(t, body, user, password);
	return r;
}

int oauth_get(struct oauth *o, const struct endpoint *e, struct oauth_token *ret, char **reterr)
{
	struct token *t = find(o, e);
	usec_t now = clock_boottime();
	int r;

	if (!t) {
		r = add(o, e, &t);
		if (r < 0)
			return r;
	}
	if (t->text && now < t->until) {
		*ret = (struct oauth_token){.text = t->text, .number = t->number};
		return 1;
	}
	if (t->request)
		return 0;
	if (t->fault && now < t->not_before) {
		r = str_printf(reterr, "%s", t->fault);
		return r < 0 ? r : -EACCES;
	}
	return fetch(t, reterr);
}

bool oauth_refused(struct oauth *o, const struct endpoint *e, uint64_t number)
{
	struct token *t = find(o, e);
	usec_t now = clock_boottime();

	if (!t)
		return false;
	if (t->number != number || !t->text)
		return true;
	if (t->renewed > 0 && now < t->renewed + RENEWAL_PAUSE)
		return false;
	t->renewed = now;
	t->text = secret_free(t->text);
	return true;
}

int oauth_new(struct transport *inner, struct secret_cache *files, oauth_decode_fn decode,
	struct oauth **ret)
{
	struct oauth *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->inner = inner;
	o->files = files;
	o->decode = decode;
	*ret = o;
	return 0;
}

void oauth_on_change(struct oauth *o, oauth_changed_fn changed, void *userdata)
{
	o->changed = changed;
	o->userdata = userdata;
}

struct oauth *oauth_free(struct oauth *o)
{
	if (!o)
		return NULL;
	while (o->tokens) {
		struct token *t = o->tokens;

		o->tokens = t->next;
		token_free(t);
	}
	free(o);
	return NULL;
}
