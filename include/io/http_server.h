/* SPDX-License-Identifier: Apache-2.0
 * libmicrohttpd on an sd-event loop: small answers made in memory, gzip where the client offers it,
 * bounded connections, time and request sizes, and a connection per request. It takes GET,
 * HEAD and POST; whether a POST is of any use its handler knows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "io/http_connections.h"
#include "io/http_gate.h"
#include "io/local_socket.h"

#define HTTP_SERVER_MAX_BODY ((size_t)4096)

struct http_server;

struct http_server_request {
	const char *path;              /* decoded, without the query */
	const char *accept;            /* header, NULL when absent */
	const char *app;               /* the query's parameter "app", decoded; NULL when absent */
	const char *sort;              /* likewise */
	const char *find;              /* likewise */
	const char *body;              /* of a POST, NUL-terminated; NULL: it is a GET or HEAD */
	const char *origin;            /* headers: where a POST comes from, as the browser says */
	const char *referer;           /* likewise */
	const char *fetch_site;        /* Sec-Fetch-Site */
	const char *host;              /* and where it goes to */
	const char *address;           /* of who asks; NULL at a Unix socket */
	bool local;                    /* over TCP, which only this host reaches */
	const struct local_peer *peer; /* who asks; NULL over TCP */
	/* Likewise over TCP, never of HTTP_ROLE_NONE; NULL at a Unix socket. */
	const struct http_caller *caller;
};

struct http_server_reply {
	int status;
	const char *content_type; /* static */
	const char *allow;        /* static: the methods, with status 405; NULL: "GET, HEAD" */
	char *body;               /* owned by the reply; the server frees it */
	size_t len;
};

/* Fills the zeroed reply, once per request. status is 200 to 599. A negative errno becomes a 500
 * without a text. */
typedef int (*http_server_fn)(
	void *userdata, const struct http_server_request *request, struct http_server_reply *reply);

/* Listens nowhere yet. */
int http_server_new(sd_event *event, http_server_fn fn, void *userdata, struct http_server **ret);

/* Listens there, too; listen_at: as in io/tcp_listen.h. ret_port: also where the kernel chose it.
 * -EINVAL with *reterr for a malformed address, else the errno of bind with *reterr. */
int http_server_listen(
	struct http_server *s, const char *listen_at, unsigned *ret_port, char **reterr);

/* The same at a socket that listens already. Takes fd over, also on failure. */
int http_server_take(struct http_server *s, int fd);

/* Who comes in over TCP; gate is borrowed. NULL, and at first: everybody may read. */
void http_server_set_gate(struct http_server *s, const struct http_gate *gate);

struct http_tls;

/* From now on connections over TCP begin with TLS, or, with NULL, without; those that are there go
 * on if that does not change. Takes a reference, also on failure. -errno: where it could not begin
 * anew nobody comes in, until another call, with the same tls or another one, lets it begin. */
int http_server_set_tls(struct http_server *s, struct http_tls *tls);

struct http_header {
	const char *name;
	const char *value;
};

/* Headers that all answers have, beside its own; borrowed. */
void http_server_set_headers(struct http_server *s, const struct http_header *headers, size_t n);

/* A server at a Unix socket, to which everybody on this host may connect, each user but root a
 * bounded number of times at once; errors of local_socket_listen(), with *reterr. */
int http_server_new_local(sd_event *event, const char *path, http_server_fn fn, void *userdata,
	struct http_server **ret, char **reterr);

/* HTTP_REFUSAL_MAX numbers, all from the start. */
const uint64_t *http_server_refusals(const struct http_server *s);

/* Ends open connections at once, and removes its Unix socket. NULL is allowed; returns NULL. */
struct http_server *http_server_free(struct http_server *s);

DEFINE_CLEANUP(struct http_server *, http_server_free)
