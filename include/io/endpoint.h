/* SPDX-License-Identifier: Apache-2.0
 * What it takes to reach somebody: where, as whom, whom to trust, how long to wait. */
#pragma once

#include <stdbool.h>

#include "base/param.h"
#include "base/time.h"

struct endpoint {
	char *url; /* its base, without a slash at the end; NULL: it is named elsewhere */
	/* As whom; nobody in particular where all are NULL. A username with a password, which may
	 * be "": basic authentication. Without one: Hadoop's simple authentication, the query
	 * parameter user.name. */
	char *username;
	char *password;
	char *authorization; /* instead of both: the value of that header, as in "Bearer TOKEN" */
	/* Files, or systemd credentials, that io/credentials looks at for each request: a bearer
	 * token, and lines "Name: value" to send. */
	char *bearer_token_file;
	struct strlist header_files;
	/* OAuth2 with the credentials of a client (RFC 6749, 4.4). token_url NULL: not. */
	char *token_url;
	char *client_id;
	char *client_secret_file;
	char *scope;         /* NULL: none */
	char *audience;      /* likewise */
	bool client_by_post; /* the client shows them in the body, not by basic authentication */
	/* Kerberos (SPNEGO), by a keytab or a cache of tickets that somebody else fills. */
	bool negotiate;
	char *keytab;           /* file, or systemd credential; NULL: none */
	char *principal;        /* NULL: the keytab's first, or the cache's */
	char *credential_cache; /* NULL: none */
	struct strlist headers; /* secret lines that are sent, as io/credentials read them */
	char *ca_file;          /* certificates to trust for https; NULL: the system's */
	char *proxy;    /* URL of the proxy to go through; NULL: none, whatever the environment
			   says */
	char *no_proxy; /* "host,.domain": to be reached without it; NULL: none is */
	/* PEM: what https is to be begun with, as one's own. NULL: nothing. A file may hold both.
	 */
	char *client_cert_file;
	char *client_key_file;
	/* Whose it is, a cluster's name: requests of one cluster take turns with those of others,
	 * and never have all places. NULL: they go before them, as what acts does. */
	char *cluster;
	usec_t timeout;  /* of an exchange on the wire, connecting included; 0: 10 s */
	size_t max_body; /* bytes that an answer may have after decoding; 0: 8 MiB */
};

/* Copies all of from to what is zeroed, or was a copy of one that held no secret: what both have in
 * common stays where it is. -ENOMEM: to holds a part, which endpoint_clear() frees. */
int endpoint_copy(struct endpoint *to, const struct endpoint *from);

/* Whether one of its texts is to be wiped, its url aside. */
bool endpoint_holds_secret(const struct endpoint *e);

/* Wipes the secrets and frees; to is zeroed afterwards. */
void endpoint_clear(struct endpoint *e);
