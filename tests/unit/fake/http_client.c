/* SPDX-License-Identifier: Apache-2.0
 * io/http_client behind which a transport of the test's answers. */
#include "fake_http_client.h"

#include <stdint.h>
#include <stdlib.h>

struct http_client {
	struct transport *transport;
};

static struct transport *fake;
static size_t max_connections = SIZE_MAX;

void fake_http_client_keep(size_t n)
{
	max_connections = n;
}

void fake_http_client_use(struct transport *t)
{
	fake = t;
}

int http_client_new(
	sd_event *event, const char *user_agent, size_t max_parallel, struct http_client **ret)
{
	(void)event;
	(void)user_agent;
	(void)max_parallel;
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	(*ret)->transport = fake;
	return 0;
}

struct http_client *http_client_free(struct http_client *c)
{
	free(c);
	return NULL;
}

size_t http_client_max_connections(const struct http_client *c)
{
	(void)c;
	return max_connections;
}

struct transport *http_client_transport(struct http_client *c)
{
	return c->transport;
}

const struct expiry_list *http_client_certificates(const struct http_client *c)
{
	static const struct expiry_list none = {0};

	(void)c;
	return &none;
}
