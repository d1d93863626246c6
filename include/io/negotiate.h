/* SPDX-License-Identifier: Apache-2.0
 * Kerberos for HTTP (SPNEGO, RFC 4559): a token for each request. The library asks the KDC, and
 * resolvers, and waits for them, so it runs in a process of its own: this program, as the helper
 * below. There is one for each identity; it keeps tickets in its memory and gets new ones from the
 * keytab by itself. */
#pragma once

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "io/endpoint.h"

struct negotiate;
struct negotiate_call;

/* token: in base64, a secret, valid during the call; NULL: fault says why. The call is over. */
typedef void (*negotiate_done_fn)(void *userdata, const char *token, const char *fault);

int negotiate_new(sd_event *event, struct negotiate **ret);
/* Ends the helpers. No callback comes after this. NULL is allowed; returns NULL. */
struct negotiate *negotiate_free(struct negotiate *n);

DEFINE_CLEANUP(struct negotiate *, negotiate_free)

struct negotiate_ask {
	const struct endpoint *endpoint; /* with keytab, credential_cache and principal */
	const char *url;                 /* the token is for the service HTTP on its host */
	negotiate_done_fn done;
	void *userdata;
};

/* Exactly one callback, from the event loop, unless cancelled. All is copied as far as needed.
 * -errno with *reterr (the caller frees it): no helper runs, and why. */
int negotiate_get(struct negotiate *n, const struct negotiate_ask *ask, struct negotiate_call **ret,
	char **reterr);
/* The other side took no ticket of this identity. It may be one for keys which that side has no
 * more, and which a helper would keep for hours. true: the next one comes from a new helper; false:
 * that was tried less than a minute ago, or is of no use, since somebody else fills the cache. */
bool negotiate_refused(struct negotiate *n, const struct endpoint *e);
/* NULL is allowed. */
void negotiate_cancel(struct negotiate_call *c);

/* argv[1] of the helper; argv[2], if there is one, is the principal. */
#define NEGOTIATE_HELPER "--negotiate-helper"
/* The helper: reads hosts from standard input, a line each, until its end, and writes "+TOKEN" or
 * "-FAULT" for each. Returns the status to exit with. */
int negotiate_helper_run(const char *principal);
