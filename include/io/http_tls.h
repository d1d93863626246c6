/* SPDX-License-Identifier: Apache-2.0
 * TLS of a server, by GnuTLS: a certificate, and what it asks of clients. It is given to each
 * connection as it begins, and never changed: what comes later gets another one. */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/param.h"
#include "base/time.h"

struct gnutls_session_int;

struct http_tls;

struct http_tls_params {
	const char *cert;                   /* PEM, with what it is signed by */
	const char *key;                    /* PEM, a secret */
	const char *client_ca;              /* PEM; NULL: none */
	const char *priority;               /* of GnuTLS: versions, ciphers, curves */
	bool request;                       /* a client's certificate is asked for */
	bool require;                       /* and a client without one is turned away */
	bool verify;                        /* and one that client_ca has not signed */
	const struct strlist *allowed_sans; /* one of which it has; empty: any */
};

/* Copies what it needs. -EINVAL with *reterr, which holds nothing secret, where a text is not what
 * it should be or key and certificate do not belong together; -ENOMEM. */
int http_tls_new(const struct http_tls_params *p, struct http_tls **ret, char **reterr);
struct http_tls *http_tls_ref(struct http_tls *t);
/* NULL is allowed; returns NULL. */
struct http_tls *http_tls_unref(struct http_tls *t);

DEFINE_CLEANUP(struct http_tls *, http_tls_unref)

/* When the first of its own certificates ends, since 1970. */
usec_t http_tls_expiry(const struct http_tls *t);

/* For a session that has just begun, in place of all that it has. t is borrowed until the session
 * ends. -EIO: the session is not to go on. */
int http_tls_attach(struct http_tls *t, struct gnutls_session_int *session);

/* What MHD_OPTION_HTTPS_CERT_CALLBACK is set to: no certificate at all, since each session gets its
 * own. */
void *http_tls_no_certificate(void);

/* The common name in the certificate of the client, once it was verified; the caller frees it.
 * NULL: it has none, or several, or nobody verified it. *ret is NULL or its own before. -ENOMEM. */
int http_tls_client(const struct http_tls *t, struct gnutls_session_int *session, char **ret);
