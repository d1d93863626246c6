/* SPDX-License-Identifier: Apache-2.0
 * libmicrohttpd on an sd-event loop, for GET and HEAD only: small answers made in memory, gzip
 * where the client offers it, bounded connections, time and request sizes. */
#pragma once

#include <stddef.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct http_server;

struct http_server_request {
	const char *path;   /* decoded, without the query */
	const char *accept; /* header, NULL when absent */
	const char *app;    /* the query's parameter "app", decoded; NULL when absent */
};

struct http_server_reply {
	int status;
	const char *content_type; /* static */
	char *body;               /* owned by the reply; the server frees it */
	size_t len;
};

/* Fills the zeroed reply, once per request. status is 200 to 599. A negative errno becomes a 500
 * without a text. */
typedef int (*http_server_fn)(
	void *userdata, const struct http_server_request *request, struct http_server_reply *reply);

/* listen_at: "127.0.0.1:14040", "[::1]:14040", ":14040" (all addresses; port 0: the kernel's
 * choice; names are not resolved). -EINVAL with *reterr for a malformed address, else the errno of
 * bind with *reterr. */
int http_server_new(sd_event *event, const char *listen_at, http_server_fn fn, void *userdata,
	struct http_server **ret, char **reterr);

/* -EINVAL where listen_at is no such address, -ENOMEM. */
int http_server_check(const char *listen_at);

/* The port it listens on, also where the kernel chose it. */
unsigned http_server_port(const struct http_server *s);

/* Ends open connections at once. NULL is allowed; returns NULL. */
struct http_server *http_server_free(struct http_server *s);

DEFINE_CLEANUP(struct http_server *, http_server_free)
