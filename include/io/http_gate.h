/* SPDX-License-Identifier: Apache-2.0
 * Who may come in: what a server over TCP asks before it answers, and may have to wait for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Where a connection is from. */
struct http_origin {
	uint8_t bytes[8]; /* IPv4, the first half of IPv6, or a user's id */
	uint32_t family;
};

static inline bool http_origin_equal(const struct http_origin *a, const struct http_origin *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* What somebody may do. */
enum http_role {
	HTTP_ROLE_NONE,
	HTTP_ROLE_READ,
	HTTP_ROLE_OPERATE, /* reads, and gives orders */
};

/* Who asks over TCP. */
struct http_caller {
	const char *name; /* NULL: nobody has said who they are */
	enum http_role role;
};

enum http_gate_answer {
	HTTP_GATE_PASS,
	HTTP_GATE_WAIT,     /* http_visit_tell() follows */
	HTTP_GATE_UNKNOWN,  /* 401: a user and a password are wanted, others than these */
	HTTP_GATE_BUSY,     /* 503: too many wait already, or it could not be found out */
	HTTP_GATE_TOO_MANY, /* 429: requests */
};

/* A request that waits. */
struct http_visit;

struct http_gate_ask {
	const char *path;
	const char *authorization; /* header, a secret; NULL when absent */
	const char *certificate;   /* the name in the client's, if that was verified; else NULL */
	const struct http_origin *origin; /* NULL: not known */
	struct http_visit *visit;
};

struct http_gate {
	/* Fills ret with HTTP_GATE_PASS, whose name the server copies. */
	enum http_gate_answer (*ask)(
		void *userdata, const struct http_gate_ask *ask, struct http_caller *ret);
	/* The visit waits no longer: it is not to be told. */
	void (*forget)(void *userdata, struct http_visit *visit);
	void *userdata;
};

/* The answer to one that waits, not HTTP_GATE_WAIT; caller is of HTTP_GATE_PASS. From the event
 * loop, not from within ask(). */
void http_visit_tell(
	struct http_visit *v, enum http_gate_answer answer, const struct http_caller *caller);
