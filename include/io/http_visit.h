/* SPDX-License-Identifier: Apache-2.0
 * Inside of io/http_server: requests on their way through the gate. */
#pragma once

#include "base/cleanup.h"
#include "io/http_gate.h"

struct MHD_Connection;

/* Those of a server, and the gate that they come to. */
struct http_visits;

/* resumed: a connection goes on at the next run of libmicrohttpd, which does not ask for one. */
int http_visits_new(void (*resumed)(void *userdata), void *userdata, struct http_visits **ret);
/* After the connections have ended. NULL is allowed; returns NULL. */
struct http_visits *http_visits_free(struct http_visits *l);

DEFINE_CLEANUP(struct http_visits *, http_visits_free)

/* gate: borrowed; NULL: everybody may read. Whoever waits at the one before is asked no more: 503.
 */
void http_visits_set_gate(struct http_visits *l, const struct http_gate *gate);

/* Ends all waiting, before the connections do. */
void http_visits_abandon(struct http_visits *l);

/* Where a request is on its way; *visit is NULL at first and the caller's to free. 0: *ret is who
 * comes in, valid as long as *visit. 1: the connection is suspended, and libmicrohttpd will ask for
 * an answer again. Else the status to refuse it with. ask: without its visit. */
int http_visits_pass(struct http_visits *l, struct http_visit **visit,
	struct MHD_Connection *connection, const struct http_gate_ask *ask,
	const struct http_caller **ret);

/* If it waits, it is asked no more: its connection goes on with 503. */
void http_visit_give_up(struct http_visit *v);

/* NULL is allowed; returns NULL. */
struct http_visit *http_visit_free(struct http_visit *v);
