/* SPDX-License-Identifier: Apache-2.0
 * Requests by libcurl on an sd-event loop: few handles, connections kept
 * alive as long as descriptors allow, compressed answers accepted, bodies and times bounded, no
 * redirect followed, no proxy and no .netrc of the environment obeyed. */
#pragma once

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "io/expiry.h"
#include "io/transport.h"

struct http_client;

/* Of a GET on a kept connection that turns out to be broken libcurl sends once more by itself; all
 * other methods get a connection of their own and are sent at most once.
 * The process must ignore SIGPIPE: TLS writes can raise it. */

/* max_parallel: requests on the wire at once; more wait in line, and their time limit runs
 * from when they leave it. 0: 32. Raises the soft limit of descriptors to the hard one.
 * user_agent is copied. */
int http_client_new(
	sd_event *event, const char *user_agent, size_t max_parallel, struct http_client **ret);

/* Cancels all that is under way, without callbacks, within moments even while a name is being
 * resolved. NULL is allowed; returns NULL. */
struct http_client *http_client_free(struct http_client *c);

struct transport *http_client_transport(struct http_client *c);

/* How many connections stay open at most: as many as descriptors allow. Beyond it the one that was
 * used longest ago closes first. */
size_t http_client_max_connections(const struct http_client *c);

/* When the certificates of those end that are asked by https, by "host:port", as far as they were
 * accepted. */
const struct expiry_list *http_client_certificates(const struct http_client *c);

DEFINE_CLEANUP(struct http_client *, http_client_free)
