/* SPDX-License-Identifier: Apache-2.0
 * Tokens by OAuth2 with the credentials of a client (RFC 6749, 4.4): one for each server, client
 * and scope, kept until shortly before it ends. */
#pragma once

#include "base/cleanup.h"
#include "base/token.h"
#include "io/secret_cache.h"
#include "io/transport.h"

struct oauth;

/* What an answer of a server of tokens says; see wire/token. */
typedef int (*oauth_decode_fn)(
	int status, const char *body, size_t len, struct token_grant *ret, char **reterr);

/* A token came, or will not come: whoever waits asks again. */
typedef void (*oauth_changed_fn)(void *userdata);

/* Borrows inner and files. */
int oauth_new(struct transport *inner, struct secret_cache *files, oauth_decode_fn decode,
	struct oauth **ret);
/* Calls back, once it is set, from the event loop. */
void oauth_on_change(struct oauth *o, oauth_changed_fn changed, void *userdata);
/* NULL is allowed; returns NULL. */
struct oauth *oauth_free(struct oauth *o);

DEFINE_CLEANUP(struct oauth *, oauth_free)

struct oauth_token {
	const char *text; /* borrowed until the next call */
	uint64_t number;  /* of those that were given, none twice */
};

/* The token for an endpoint with a token_url. 1 with *ret; 0: it has been asked for. -errno with
 * *reterr (the caller frees it): there was none a moment ago. */
int oauth_get(struct oauth *o, const struct endpoint *e, struct oauth_token *ret, char **reterr);

/* The other side did not take the token of that number. true: another one is there, or to be had;
 * false: one was asked for like that less than a minute ago, and that side takes none. */
bool oauth_refused(struct oauth *o, const struct endpoint *e, uint64_t number);
