/* SPDX-License-Identifier: Apache-2.0
 * Whether an order over TCP was given on a page of ours, by the one to whom that was shown: a
 * browser sends a user's password along with what another site makes it send. */
#pragma once

#include "base/cleanup.h"
#include "base/time.h"
#include "io/http_server.h"

/* A page may lie open for so long. */
#define ORDER_TOKEN_LIFE USEC_PER_HOUR
#define ORDER_TOKEN_SIZE 96

/* Holds a key of this process. */
struct order_guard;

/* -ENOMEM, -EIO without randomness. */
int order_guard_new(struct order_guard **ret);
/* NULL is allowed; returns NULL. */
struct order_guard *order_guard_free(struct order_guard *g);

DEFINE_CLEANUP(struct order_guard *, order_guard_free)

/* What the forms of a page hold that this user is shown now, by the local clock. -EIO, -ENOMEM. */
int order_guard_token(const struct order_guard *g, const char *user, usec_t now,
	char ret[static ORDER_TOKEN_SIZE]);

/* NULL, or why it is none that this user was shown of late, as a sentence. token may be NULL. */
const char *order_guard_token_fault(
	const struct order_guard *g, const char *user, const char *token, usec_t now);

/* NULL, or why the request is not from a page of ours, as a sentence: what the browser says of its
 * origin is to be the host that was asked, or external_url, which may be NULL. Whether that is http
 * or https a proxy may have changed. */
const char *order_guard_origin_fault(
	const struct http_server_request *request, const char *external_url);
