/* SPDX-License-Identifier: Apache-2.0
 * Copies of endpoints, and their end. */
#include "io/endpoint.h"

#include <stdlib.h>

#include "base/secret.h"
#include "base/strbuf.h"

int endpoint_copy(struct endpoint *to, const struct endpoint *from)
{
	int r;

	to->timeout = from->timeout;
	to->max_body = from->max_body;
	r = str_replace(&to->url, from->url);
	if (r >= 0)
		r = str_replace(&to->username, from->username);
	if (r >= 0)
		r = str_replace(&to->password, from->password);
	if (r >= 0)
		r = str_replace(&to->authorization, from->authorization);
	if (r >= 0)
		r = str_replace(&to->ca_file, from->ca_file);
	if (r >= 0)
		r = str_replace(&to->proxy, from->proxy);
	if (r >= 0)
		r = str_replace(&to->no_proxy, from->no_proxy);
	if (r >= 0)
		r = str_replace(&to->client_cert_file, from->client_cert_file);
	if (r >= 0)
		r = str_replace(&to->client_key_file, from->client_key_file);
	if (r >= 0)
		r = str_replace(&to->cluster, from->cluster);
	return r;
}

void endpoint_clear(struct endpoint *e)
{
	secret_free(e->url); /* a webhook's can be one */
	free(e->username);
	secret_free(e->password);
	secret_free(e->authorization);
	free(e->ca_file);
	free(e->proxy);
	free(e->no_proxy);
	free(e->client_cert_file);
	free(e->client_key_file);
	free(e->cluster);
	*e = (struct endpoint){0};
}
