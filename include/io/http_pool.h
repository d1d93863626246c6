/* SPDX-License-Identifier: Apache-2.0
 * Transfers by libcurl on an sd-event loop. The hosts are spread over several multi handles:
 * libcurl 7.88 keeps the connections of a multi handle in a hash of 97 rows, so one that holds
 * thousands of hosts walks long chains at each request. */
#pragma once

#include <curl/curl.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct http_pool;
struct http_multi; /* one multi handle */

/* A transfer has ended; userdata is what http_pool_new() was given. It may add and remove others.
 */
typedef void (*http_pool_done_fn)(void *userdata, CURL *easy, CURLcode code);

/* max_connections: how many are kept open in all, in use or idle; the oldest idle one closes
 * first. */
int http_pool_new(sd_event *event, size_t max_connections, http_pool_done_fn done, void *userdata,
	struct http_pool **ret);
/* All transfers must have been removed. NULL is allowed; returns NULL. */
struct http_pool *http_pool_free(struct http_pool *p);

DEFINE_CLEANUP(struct http_pool *, http_pool_free)

/* Adds a transfer to that place (http_url_place()); it begins with http_pool_run(), or the loop's
 * next turn. done is not called from within. NULL: libcurl does not take it, or there is no memory.
 */
struct http_multi *http_pool_add(struct http_pool *p, CURL *easy, size_t place);

/* Takes it off the wire. */
void http_multi_remove(struct http_multi *s, CURL *easy);

/* Begins what was added: once after many, rather than by the loop for each. Calls done. */
void http_pool_run(struct http_pool *p);
