/* SPDX-License-Identifier: Apache-2.0
 * Copies of what is asked. */
#include "io/ask_copy.h"

#include <errno.h>
#include <stdlib.h>

#include "base/secret.h"
#include "base/strbuf.h"

static int copy_headers(struct ask_copy *to, const char *const *headers)
{
	size_t n = 0;

	while (headers && headers[n])
		n++;
	if (n == 0)
		return 0;
	to->headers = calloc(n + 1, sizeof(char *));
	if (!to->headers)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int r = str_replace(&to->headers[i], headers[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

int ask_copy(struct ask_copy *to, const struct transport_ask *from)
{
	struct endpoint as = *transport_endpoint(from);
	int r;

	as.url = NULL;
	to->url.secret = true;
	r = endpoint_copy(&to->endpoint, &as);

	if (r >= 0)
		r = str_replace(&to->method, from->method);
	if (r >= 0)
		r = strbuf_set(&to->url, from->url);
	if (r >= 0)
		r = str_replace(&to->body, from->body);
	if (r >= 0)
		r = str_replace(&to->socket, from->socket);
	if (r >= 0)
		r = copy_headers(to, from->headers);
	to->ask = (struct transport_ask){.method = to->method,
		.url = to->url.text,
		.headers = (const char *const *)to->headers,
		.body = to->body,
		.endpoint = &to->endpoint,
		.socket = to->socket,
		.max_body = from->max_body,
		.urgent = from->urgent,
		.places = from->places,
		.secret = from->secret,
		.guard = from->guard};
	return r;
}

void ask_copy_rest(struct ask_copy *a)
{
	if (a->body || a->socket || a->headers || endpoint_holds_secret(&a->endpoint))
		ask_copy_clear(a);
	else
		strbuf_empty(&a->url);
}

void ask_copy_clear(struct ask_copy *a)
{
	free(a->method);
	strbuf_clear(&a->url);
	secret_free(a->body);
	free(a->socket);
	for (size_t i = 0; a->headers && a->headers[i]; i++)
		secret_free(a->headers[i]);
	free(a->headers);
	endpoint_clear(&a->endpoint);
	*a = (struct ask_copy){0};
}
