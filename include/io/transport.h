/* SPDX-License-Identifier: Apache-2.0
 * How a source or an action asks: one request, one answer, never blocking. Live, http_client is
 * behind it; a recording can be, since nothing above knows the difference. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"
#include "io/endpoint.h"
#include "io/guard.h"

/* A media type has so many bytes at most (RFC 6838, 4.2). */
#define TRANSPORT_MAX_TYPE 255

struct transport;
struct transport_request; /* one under way */

/* Whose places on the wire a request takes. */
enum transport_places {
	PLACES_SHARED,  /* those of all */
	PLACES_LASTING, /* beside them: the other side takes its time, a watch or a dump, and
			   whoever sends it bounds how many there are at once */
	PLACES_LEASE,   /* the one of whoever renews a lease: it waits for nobody else */
	PLACES_MAX
};

struct transport_ask {
	const char *method;         /* GET, POST, PATCH, PUT, DELETE */
	const char *url;            /* http or https, without user info */
	const char *const *headers; /* NULL-terminated "Name: value"; may be NULL; copied */
	const char *body;           /* NULL: none; copied; not with GET */
	/* As whom, how and for how long; its url does not count. Copied; NULL: as an empty one. */
	const struct endpoint *endpoint;
	const char *socket; /* ask at this Unix socket, whatever host the URL names; NULL: no */
	size_t max_body;    /* bytes after decoding; 0: as the endpoint says */
	bool urgent;        /* before all of its cluster that wait for a place on the wire */
	enum transport_places places;
	bool secret; /* the answer holds one: no copy of it stays behind */
	/* Asked when the connection stands and the request is about to go: where it is closed,
	 * nothing is sent. Borrowed until the answer, or until it is cancelled; NULL: not asked. */
	const struct guard *guard;
};

struct transport_answer {
	/* 0: there is an answer, whatever its status. Else none: -ECONNREFUSED, -ETIMEDOUT (also
	 * where this host slept, or this process was stopped, for longer than twice that),
	 * -EMSGSIZE (over max_body), -ECONNRESET (cut before the end), -EHOSTUNREACH (no route, or
	 * the name does not resolve), -EKEYREJECTED (it was not sent: its credentials are not to be
	 * had), -EMFILE (no file descriptor is left here), -ENODATA (a recording does not tell),
	 * -ECANCELED (its guard was closed, nothing was sent), -EPROTO (not HTTP, TLS failed, all
	 * else). */
	int error;
	const char *error_text; /* one line for a log; never holds a credential */
	int status;
	const char *content_type; /* without parameters, lower case; NULL when absent, or longer
				     than TRANSPORT_MAX_TYPE */
	const char *body;         /* NUL-terminated */
	size_t len;
	usec_t date;        /* the server's Date header, since 1970; 0 when absent or malformed */
	usec_t retry_after; /* how long the server's Retry-After header asks to wait; 0: not */
	usec_t wall;        /* our own clock then, since 1970; 0 in a replay */
	usec_t received;    /* CLOCK_BOOTTIME (virtual in a replay) when the answer was complete */
	usec_t taken; /* the same; in a replay, which may repeat an answer, when it was given */
	bool kept;   /* over a connection of an earlier request: it is the same process, or proxy */
	usec_t took; /* on the wire: the time that it waited for a place is not the other side's */
};

static inline const struct endpoint *transport_endpoint(const struct transport_ask *ask)
{
	static const struct endpoint nobody = {0};

	return ask->endpoint ? ask->endpoint : &nobody;
}

/* Called exactly once per request that was sent and not cancelled, never from within
 * transport_send(). The answer is valid during the call. The callback may send, and cancel its own
 * (which does nothing) and other requests. */
typedef void (*transport_done_fn)(void *userdata, const struct transport_answer *answer);

struct transport_ops {
	int (*send)(struct transport *t, const struct transport_ask *ask, transport_done_fn done,
		void *userdata, struct transport_request **ret);
	void (*cancel)(struct transport_request *r);
	bool (*waits)(const struct transport_request *r); /* NULL: none ever does */
	/* NULL: nothing is hidden. */
	int (*hide)(struct transport *t, const char *secret);
};

/* First member of every implementation. */
struct transport {
	const struct transport_ops *ops;
};

/* -EINVAL for a URL, method or header line that is not allowed or a GET with a body, -ENOMEM,
 * -ESHUTDOWN when closing. *ret is valid until the callback returns or it is cancelled. */
static inline int transport_send(struct transport *t, const struct transport_ask *ask,
	transport_done_fn done, void *userdata, struct transport_request **ret)
{
	return t->ops->send(t, ask, done, userdata, ret);
}

/* No callback comes after this. NULL is allowed. */
static inline void transport_cancel(struct transport *t, struct transport_request *r)
{
	if (r)
		t->ops->cancel(r);
}

/* Whether it is still in our own line, and not on the wire. r may be NULL: no. */
static inline bool transport_waits(const struct transport *t, const struct transport_request *r)
{
	return r && t->ops->waits && t->ops->waits(r);
}

/* From now on the secret is taken out of what others say; see io/redactor. NULL is none, and no
 * transport is allowed. -ENOMEM. */
static inline int transport_hide(struct transport *t, const char *secret)
{
	return t && t->ops->hide ? t->ops->hide(t, secret) : 0;
}
