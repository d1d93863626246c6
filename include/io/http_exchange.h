/* SPDX-License-Identifier: Apache-2.0
 * One request and its answer as libcurl sees them: what is set on an easy handle, what is taken in
 * of the answer, and what comes of it. When it goes on the wire is the client's business. A handle
 * is used again and again: where a GET is like the one before, only its URL is set anew. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "io/transport.h"

/* Zeroed at first; it stays where it is. */
struct http_exchange {
	CURL *easy; /* owned; the caller makes it */
	struct curl_slist *headers;
	char *body;
	size_t len;
	size_t size;
	size_t max_body;
	char *sent;        /* the request's body */
	bool secret;       /* body holds one */
	int body_error;    /* why the body was not taken */
	bool headers_done; /* the empty line after them came */
	size_t n_trailers; /* bytes of header lines after that */
	/* As whom the last request went, and whether the next may go with the same options. */
	bool reusable;
	size_t n_headers; /* the caller's, the first of headers */
	struct endpoint endpoint;
	const struct guard *guard; /* of the request at hand; borrowed */
	usec_t too_late;           /* after that, this host or process has stood still meanwhile */
	char error[CURL_ERROR_SIZE];
	char type[TRANSPORT_MAX_TYPE + 1]; /* of the answer */
};

/* -EINVAL: nobody may ask that. */
int http_exchange_check(const struct transport_ask *ask);

/* Sets all on easy but the private pointer; the time limit runs from when it goes on the wire.
 * user_agent stays where it is until the exchange is over. -EINVAL, -ENOMEM. */
int http_exchange_begin(
	struct http_exchange *x, const char *user_agent, const struct transport_ask *ask);

/* How it ended, code: libcurl's word. Fills all of *ret but the times of the request; what it
 * points to is x's. */
void http_exchange_finish(struct http_exchange *x, CURLcode code, struct transport_answer *ret);

/* When the first certificate of the chain that the other side showed ends, since 1970; 0: it showed
 * none for this request, since its connection was kept, or is without TLS. */
usec_t http_exchange_expires(const struct http_exchange *x);

/* The answer is done with: frees what is large, or secret and of this request alone. */
void http_exchange_rest(struct http_exchange *x);

void http_exchange_clear(struct http_exchange *x);
