/* SPDX-License-Identifier: Apache-2.0
 * Kills an app at its cluster manager. What the answer says is no proof, whatever the kind: only a
 * later look tells whether the app has ended. A new kind is one file with its begin function, a row
 * in the table of kill_app.c, its tests. */
#pragma once

#include "core/act/remedy.h"
#include "core/facts/kill.h"
#include "io/transport.h"

struct kill_app;
struct sd_event;

struct kill_app_ask {
	struct transport *transport;
	struct sd_event *event; /* of KILL_PROCESS, and of Kubernetes' kinds */
	/* Asked before each request and each signal; closed, nothing more is sent. Borrowed until
	 * it is over; NULL: not asked. */
	const struct guard *guard;
	const struct kill_point *point;
	const char *app_id;
	int64_t stage_id; /* of KILL_JOB and KILL_STAGE */
};

typedef void (*kill_app_done_fn)(void *userdata, enum remedy_reply reply, const char *text);

/* Exactly one callback, from the event loop, unless cancelled. Everything but transport and event
 * is copied. Of several URLs the next one is asked where one gives no usable answer, each at most
 * once. -EOPNOTSUPP: KILL_NONE. */
int kill_app_start(const struct kill_app_ask *rq, kill_app_done_fn done, void *userdata,
	struct kill_app **ret);
/* Looks whether what controls the app lets it be ended that way, and sends nothing that changes
 * anything: REPLY_DONE or REPLY_GONE, nothing speaks against it; else text says what does.
 * -EOPNOTSUPP: of this kind nothing is known beforehand. Else as above. */
int kill_app_rehearse(const struct kill_app_ask *rq, kill_app_done_fn done, void *userdata,
	struct kill_app **ret);
/* No callback comes after this. NULL is allowed; returns NULL. */
struct kill_app *kill_app_cancel(struct kill_app *k);
