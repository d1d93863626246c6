/* SPDX-License-Identifier: Apache-2.0
 * Copies of endpoints, and their end. */
#include "io/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "base/strbuf.h"

static int copy_list(struct strlist *to, const struct strlist *from)
{
	int r = 0;

	if (strlist_equal(to, from))
		return 0;
	strlist_clear(to);
	for (size_t i = 0; r >= 0 && i < from->n; i++)
		r = strlist_add(to, from->items[i]);
	return r;
}

int endpoint_copy(struct endpoint *to, const struct endpoint *from)
{
	const struct {
		char **to;
		const char *from;
	} texts[] = {
		{&to->url, from->url},
		{&to->username, from->username},
		{&to->password, from->password},
		{&to->authorization, from->authorization},
		{&to->bearer_token_file, from->bearer_token_file},
		{&to->token_url, from->token_url},
		{&to->client_id, from->client_id},
		{&to->client_secret_file, from->client_secret_file},
		{&to->scope, from->scope},
		{&to->audience, from->audience},
		{&to->keytab, from->keytab},
		{&to->principal, from->principal},
		{&to->credential_cache, from->credential_cache},
		{&to->ca_file, from->ca_file},
		{&to->proxy, from->proxy},
		{&to->no_proxy, from->no_proxy},
		{&to->client_cert_file, from->client_cert_file},
		{&to->client_key_file, from->client_key_file},
		{&to->cluster, from->cluster},
	};
	int r = 0;

	to->client_by_post = from->client_by_post;
	to->negotiate = from->negotiate;
	to->timeout = from->timeout;
	to->max_body = from->max_body;
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(texts); i++)
		r = str_replace(texts[i].to, texts[i].from);
	if (r >= 0)
		r = copy_list(&to->header_files, &from->header_files);
	return r < 0 ? r : copy_list(&to->headers, &from->headers);
}

bool endpoint_holds_secret(const struct endpoint *e)
{
	return e->password || e->authorization || e->headers.n > 0;
}

void endpoint_clear(struct endpoint *e)
{
	for (size_t i = 0; i < e->headers.n; i++)
		secret_wipe(e->headers.items[i], strlen(e->headers.items[i]));
	strlist_clear(&e->headers);
	strlist_clear(&e->header_files);
	secret_free(e->url); /* a webhook's can be one */
	free(e->username);
	secret_free(e->password);
	secret_free(e->authorization);
	free(e->bearer_token_file);
	free(e->token_url);
	free(e->client_id);
	free(e->client_secret_file);
	free(e->scope);
	free(e->audience);
	free(e->keytab);
	free(e->principal);
	free(e->credential_cache);
	free(e->ca_file);
	free(e->proxy);
	free(e->no_proxy);
	free(e->client_cert_file);
	free(e->client_key_file);
	free(e->cluster);
	*e = (struct endpoint){0};
}
