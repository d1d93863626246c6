/* SPDX-License-Identifier: Apache-2.0
 * The connections of a server: whose they are, how old, and which one goes. */
#include "io/http_connections.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/rate.h"
#include "io/local_socket.h"

#define SWEEP_INTERVAL (2 * USEC_PER_SEC)
/* Of whom it is known how many handshakes they began. With more than these, all together are
 * bounded yet. */
#define MAX_BEGINNERS 64

struct http_connection {
	LIST_ENTRY(http_connection) link;
	struct http_connections *list;
	struct http_origin origin;
	int fd;
	usec_t since;
	bool root;
	bool complete;
	bool ended; /* it was shut down, and its owner will notice */
	void (*on_end)(void *userdata);
	void *userdata;
};

struct beginner {
	struct http_origin origin;
	struct rate rate;
};

struct http_connections {
	const struct clock *clock;
	sd_event_source *sweep; /* runs while there are connections */
	LIST_HEAD(, http_connection) head;
	uint64_t refusals[HTTP_REFUSAL_MAX];
	struct rate handshakes;
	struct beginner beginners[MAX_BEGINNERS];
};

const char *http_refusal_name(enum http_refusal r)
{
	static const char *const names[] = {
		[HTTP_REFUSAL_CROWDED] = "crowded",
		[HTTP_REFUSAL_SLOW] = "slow",
		[HTTP_REFUSAL_MALFORMED] = "malformed",
		[HTTP_REFUSAL_TOO_LARGE] = "too_large",
		[HTTP_REFUSAL_METHOD] = "method",
		[HTTP_REFUSAL_UNKNOWN] = "unauthorized",
		[HTTP_REFUSAL_BUSY] = "busy",
		[HTTP_REFUSAL_RATE] = "rate",
		[HTTP_REFUSAL_HANDSHAKE] = "handshake",
	};

	_Static_assert(ELEMENTSOF(names) == HTTP_REFUSAL_MAX, "a name per reason");
	return names[r];
}

void http_connections_count(struct http_connections *l, enum http_refusal why)
{
	l->refusals[why]++;
}

const uint64_t *http_connections_refusals(const struct http_connections *l)
{
	return l->refusals;
}

static void end(struct http_connection *c, enum http_refusal why)
{
	if (c->ended)
		return;
	c->ended = true;
	http_connections_count(c->list, why);
	(void)shutdown(c->fd, SHUT_RDWR);
	if (c->on_end)
		c->on_end(c->userdata);
}

static bool is_overdue(const struct http_connection *c, usec_t now)
{
	return usec_sub(now, c->since) >
	       (c->complete ? HTTP_EXCHANGE_TIMEOUT : HTTP_REQUEST_TIMEOUT);
}

void http_connections_sweep(struct http_connections *l)
{
	struct http_connection *c;

	LIST_FOREACH(c, &l->head, link)
	if (is_overdue(c, clock_now(l->clock)))
		end(c, HTTP_REFUSAL_SLOW);
}

static int on_sweep(sd_event_source *source, usec_t now, void *userdata)
{
	struct http_connections *l = userdata;

	(void)now;
	http_connections_sweep(l);
	return LIST_EMPTY(&l->head) ? 0 : timer_in(source, SWEEP_INTERVAL);
}

int http_connections_new(sd_event *event, const struct clock *clock, struct http_connections **ret)
{
	_cleanup_(http_connections_freep) struct http_connections *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	LIST_INIT(&l->head);
	l->clock = clock;
	r = timer_new(event, on_sweep, l, &l->sweep);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}

struct http_connections *http_connections_free(struct http_connections *l)
{
	if (!l)
		return NULL;
	assert(LIST_EMPTY(&l->head));
	(void)sd_event_source_disable_unref(l->sweep);
	free(l);
	return NULL;
}

static struct http_origin ipv6_origin(const struct in6_addr *a)
{
	struct http_origin o = {.family = AF_INET6};

	if (IN6_IS_ADDR_V4MAPPED(a)) {
		o.family = AF_INET;
		memcpy(o.bytes, a->s6_addr + 12, 4);
	} else {
		memcpy(o.bytes, a->s6_addr, sizeof(o.bytes));
	}
	return o;
}

/* Of a Unix socket its family alone. */
static struct http_origin origin_of(const struct sockaddr *a)
{
	struct http_origin o = {.family = a->sa_family};

	if (a->sa_family == AF_INET)
		memcpy(o.bytes, &((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
	else if (a->sa_family == AF_INET6)
		o = ipv6_origin(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
	return o;
}

static void read_origin(struct http_connection *c)
{
	union {
		struct sockaddr any;
		struct sockaddr_storage storage;
	} a = {.any.sa_family = AF_UNSPEC};
	socklen_t len = sizeof(a);
	struct local_peer peer;

	(void)getpeername(c->fd, &a.any, &len);
	c->origin = origin_of(&a.any);
	if (a.any.sa_family == AF_UNIX && local_peer_read(c->fd, &peer) >= 0) {
		memcpy(c->origin.bytes, &peer.uid, sizeof(peer.uid));
		c->root = peer.uid == 0;
	}
}

/* The one of this origin, in place of the one that has been full for the longest. */
static struct rate *rate_of(struct http_connections *l, const struct http_origin *o)
{
	struct beginner *found = &l->beginners[0];

	for (size_t i = 0; i < MAX_BEGINNERS; i++) {
		struct beginner *b = &l->beginners[i];

		if (http_origin_equal(&b->origin, o))
			return &b->rate;
		if (b->rate.full_at < found->rate.full_at)
			found = b;
	}
	*found = (struct beginner){.origin = *o};
	return &found->rate;
}

bool http_connections_admit(struct http_connections *l, const struct sockaddr *from)
{
	struct http_origin o = origin_of(from);
	usec_t now = clock_now(l->clock);

	if (rate_take(rate_of(l, &o), USEC_PER_SEC / HTTP_HANDSHAKES_OF_ORIGIN,
		    2 * HTTP_HANDSHAKES_OF_ORIGIN, now) &&
		rate_take(&l->handshakes, USEC_PER_SEC / HTTP_HANDSHAKES, 2 * HTTP_HANDSHAKES, now))
		return true;
	http_connections_count(l, HTTP_REFUSAL_HANDSHAKE);
	return false;
}

/* Of one origin, or of all: NULL. */
static unsigned count(const struct http_connections *l, const struct http_origin *o)
{
	const struct http_connection *c;
	unsigned n = 0;

	LIST_FOREACH(c, &l->head, link)
	n += !c->ended && (!o || http_origin_equal(&c->origin, o));
	return n;
}

static const struct http_origin *busiest(const struct http_connections *l)
{
	const struct http_origin *found = NULL;
	const struct http_connection *c;
	unsigned most = 0;

	LIST_FOREACH(c, &l->head, link)
	{
		unsigned n = c->ended ? 0 : count(l, &c->origin);

		if (n > most) {
			most = n;
			found = &c->origin;
		}
	}
	return found;
}

/* Ends the oldest of that origin; the newest, for whom it is done, stays. The list begins with the
 * newest. */
static void make_room(struct http_connections *l, const struct http_connection *newest,
	const struct http_origin *o)
{
	struct http_connection *found = NULL;
	struct http_connection *c;

	LIST_FOREACH(c, &l->head, link)
	if (c != newest && !c->ended && http_origin_equal(&c->origin, o) &&
		(!found || !c->complete || found->complete))
		found = c;
	if (found)
		end(found, HTTP_REFUSAL_CROWDED);
}

struct http_connection *http_connections_add(struct http_connections *l, int fd)
{
	struct http_connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->list = l;
	c->fd = fd;
	c->since = clock_now(l->clock);
	read_origin(c);
	if (LIST_EMPTY(&l->head))
		(void)timer_in(l->sweep, SWEEP_INTERVAL);
	LIST_INSERT_HEAD(&l->head, c, link);
	if (!c->root && count(l, &c->origin) > HTTP_CONNECTIONS_OF_ORIGIN)
		make_room(l, c, &c->origin);
	if (count(l, NULL) > HTTP_CONNECTIONS_MAX)
		make_room(l, c, busiest(l));
	return c;
}

void http_connection_remove(struct http_connection *c)
{
	if (!c)
		return;
	LIST_REMOVE(c, link);
	free(c);
}

void http_connection_complete(struct http_connection *c)
{
	if (c)
		c->complete = true;
}

const struct http_origin *http_connection_origin(const struct http_connection *c)
{
	return c ? &c->origin : NULL;
}

bool http_connection_has_ended(const struct http_connection *c)
{
	return c && c->ended;
}

void http_connection_on_end(struct http_connection *c, void (*fn)(void *userdata), void *userdata)
{
	if (!c)
		return;
	c->on_end = fn;
	c->userdata = userdata;
}
