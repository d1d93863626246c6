/* SPDX-License-Identifier: Apache-2.0
 * A transport around another one, that sends with each request what its endpoint's files hold: a
 * bearer token, secret headers; or a token that a client gets by OAuth2. A file is read when it is
 * needed first, and again when it has changed, so that whoever renews a token tells nobody. */
#pragma once

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "io/expiry.h"
#include "io/oauth.h"
#include "io/transport.h"

struct credentials;

/* What reads the texts of others; see wire/token. */
struct credentials_readers {
	oauth_decode_fn decode;
	usec_t (*expires)(const char *token); /* since 1970; 0: it does not say */
};

/* Borrows inner. A request whose files cannot be read, or whose token cannot be had, is answered
 * with -EKEYREJECTED, and not sent. One whose OAuth2 token is refused (401), or whose ticket
 * (401, 403), is sent once more with a new one, which is asked for at most once a minute. */
int credentials_new(sd_event *event, struct transport *inner,
	const struct credentials_readers *readers, struct credentials **ret);
/* After everything that asks through it is gone. NULL is allowed; returns NULL. */
struct credentials *credentials_free(struct credentials *c);

DEFINE_CLEANUP(struct credentials *, credentials_free)

/* When the tokens end, and the client certificates, that were in use lately, by their files. */
const struct expiry_list *credentials_tokens(const struct credentials *c);
const struct expiry_list *credentials_certificates(const struct credentials *c);

struct transport *credentials_transport(struct credentials *c);
