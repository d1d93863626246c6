/* SPDX-License-Identifier: Apache-2.0
 * Who is connected to a server of ours, and who has to go: so that nobody holds a place for long,
 * and nobody keeps the others out. A connection carries one request. Those of one origin, which is
 * an address (of IPv6, a /64) or a user at a Unix socket, are bounded, and so are all together. The
 * newest is always let in: at a limit the oldest whose request is not complete goes, or else the
 * oldest. Root is bounded by the second limit only. How many handshakes of TLS may begin is bounded
 * before that: each takes us milliseconds, and its peer none. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/time.h"
#include "io/clock.h"
#include "io/http_gate.h"

#define HTTP_CONNECTIONS_MAX 64U
#define HTTP_CONNECTIONS_OF_ORIGIN 16U
/* In a second; twice as many at once, such as a few pages with what they load. With the slowest of
 * usual keys, RSA of 4096 bits, they take 15 % of a processor. */
#define HTTP_HANDSHAKES 20UL
#define HTTP_HANDSHAKES_OF_ORIGIN 10UL
/* From the beginning of a connection to the end of its request, however the bytes come. */
#define HTTP_REQUEST_TIMEOUT (10 * USEC_PER_SEC)
/* From there to the end of the answer, both together. */
#define HTTP_EXCHANGE_TIMEOUT (60 * USEC_PER_SEC)

/* Why a connection was ended, or a request refused, before anything was made of it. */
enum http_refusal {
	HTTP_REFUSAL_CROWDED,   /* for a newer one */
	HTTP_REFUSAL_SLOW,      /* a time above was over */
	HTTP_REFUSAL_MALFORMED, /* no request that can be read in one way only */
	HTTP_REFUSAL_TOO_LARGE, /* its body, or it has one where none belongs */
	HTTP_REFUSAL_METHOD,    /* nothing that is answered */
	HTTP_REFUSAL_UNKNOWN,   /* 401: no user, or no password of one */
	HTTP_REFUSAL_BUSY,      /* 503: too many passwords wait to be looked at */
	HTTP_REFUSAL_RATE,      /* 429: above the limit of the rate */
	HTTP_REFUSAL_HANDSHAKE, /* more of TLS than may begin in a second */
	HTTP_REFUSAL_MAX
};

const char *http_refusal_name(enum http_refusal r);

struct http_connections;
struct http_connection;

/* clock: borrowed. Negative errno of sd-event, or -ENOMEM. */
int http_connections_new(sd_event *event, const struct clock *clock, struct http_connections **ret);
/* All connections are removed by then. NULL is allowed; returns NULL. */
struct http_connections *http_connections_free(struct http_connections *l);

/* Whether a connection from there may begin its handshake; counts it if not. */
bool http_connections_admit(struct http_connections *l, const struct sockaddr *from);
/* Follows a connection until it is removed, and makes room for it. fd is borrowed: one that has to
 * go is shut down, which its owner notices. NULL without memory: nothing bounds it. */
struct http_connection *http_connections_add(struct http_connections *l, int fd);
/* NULL is allowed here and below. */
void http_connection_remove(struct http_connection *c);
/* Its request is complete: it has HTTP_EXCHANGE_TIMEOUT now. */
void http_connection_complete(struct http_connection *c);
/* Valid as long as c; NULL of NULL. */
const struct http_origin *http_connection_origin(const struct http_connection *c);
/* It was shut down: what it still says is of no use. */
bool http_connection_has_ended(const struct http_connection *c);
/* Calls fn when it is shut down, for an owner that does not look at its descriptor. fn: NULL:
 * nobody. fn may not add or remove connections. */
void http_connection_on_end(struct http_connection *c, void (*fn)(void *userdata), void *userdata);

/* Ends those whose time is over; happens by itself every two seconds. */
void http_connections_sweep(struct http_connections *l);

void http_connections_count(struct http_connections *l, enum http_refusal why);
/* HTTP_REFUSAL_MAX numbers. */
const uint64_t *http_connections_refusals(const struct http_connections *l);

DEFINE_CLEANUP(struct http_connections *, http_connections_free)
