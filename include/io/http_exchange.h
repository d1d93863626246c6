/* SPDX-License-Identifier: Apache-2.0
 * One request and its answer as libcurl sees them: what is set on an easy handle, what is taken in
 * of the answer, and what comes of it. When it goes on the wire is the client's business. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "io/transport.h"

struct http_exchange {
	CURL *easy; /* the caller's; it outlives the exchange */
	struct curl_slist *headers;
	char *body;
	size_t len;
	size_t size;
	size_t max_body;
	int body_error;    /* why the body was not taken */
	bool headers_done; /* the empty line after them came */
	char error[CURL_ERROR_SIZE];
};

/* -EINVAL: nobody may ask that. */
int http_exchange_check(const struct transport_ask *ask);

/* Sets all on easy but the time limits and the private pointer. x is zeroed before; it stays where
 * it is, and user_agent with it, until the exchange is over. -EINVAL, -ENOMEM; x is to be cleared
 * in any case. */
int http_exchange_set_up(struct http_exchange *x, CURL *easy, const char *user_agent,
	const struct transport_ask *ask);

/* How it ended, code: libcurl's word. Fills all of *ret but the times of the request; what it
 * points to is x's, or *ret_type's, which is the caller's to free. */
void http_exchange_finish(
	struct http_exchange *x, CURLcode code, struct transport_answer *ret, char **ret_type);

void http_exchange_clear(struct http_exchange *x);
