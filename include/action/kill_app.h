/* SPDX-License-Identifier: Apache-2.0
 * Kills an app at its standalone master: reads the master's page for the token that Spark 4.x
 * wants, then sends the kill the way the page's own form would. The answer is a redirect whether or
 * not anything was killed: only a later look tells. */
#pragma once

#include "core/remedy.h"
#include "io/transport.h"

struct kill_app;

struct kill_app_ask {
	struct transport *transport;
	const char *url; /* of the configuration, without a slash at the end */
	const char *app_id;
	const char *username;
	const char *password;
	const char *ca_file;
	usec_t timeout;
};

typedef void (*kill_app_done_fn)(void *userdata, enum remedy_reply reply, const char *text);

/* Exactly one callback, from the event loop, unless cancelled. Everything but transport is copied.
 */
int kill_app_start(const struct kill_app_ask *rq, kill_app_done_fn done, void *userdata,
	struct kill_app **ret);
/* No callback comes after this. NULL is allowed; returns NULL. */
struct kill_app *kill_app_cancel(struct kill_app *k);
