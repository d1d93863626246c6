/* SPDX-License-Identifier: Apache-2.0
 * From the keys of a section to an endpoint. */
#include "io/endpoint_params.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "io/http_url.h"

/* More than a request can need. */
#define MAX_HEADER_FILES 8

const char *const endpoint_auths[] = {"auto", "negotiate", NULL};
const char *const endpoint_client_auths[] = {"basic", "post", NULL};

struct alone {
	struct endpoint_params keys;
};

static const struct param_def keys[] = {ENDPOINT_PARAMS(struct alone, keys)};

bool endpoint_has_key(const char *key)
{
	return param_find(keys, ELEMENTSOF(keys), key) != NULL;
}

static const char *proxy_fault(const struct endpoint_params *p, const char **ret_key)
{
	*ret_key = "proxy";
	if (p->proxy && http_url_fault(p->proxy))
		return http_url_fault(p->proxy);
	*ret_key = "no_proxy";
	if (p->no_proxy.n > 0 && !p->proxy)
		return "there is no proxy";
	for (size_t i = 0; i < p->no_proxy.n; i++)
		if (strpbrk(p->no_proxy.items[i], ", \t/:*"))
			return "one host or .domain a line, without a port";
	return NULL;
}

/* All that a client needs, or nothing of it. */
static const char *client_fault(const struct endpoint_params *p, const char **ret_key)
{
	*ret_key = "token_url";
	if (!p->token_url) {
		*ret_key = p->client_id ? "client_id" : "client_secret_file";
		return p->client_id || p->client_secret_file ? "only beside token_url" : NULL;
	}
	if (http_url_fault(p->token_url))
		return http_url_fault(p->token_url);
	if (!p->client_id || !p->client_secret_file)
		return "needs client_id and client_secret_file";
	if (p->username || p->bearer_token_file)
		return "not beside username or bearer_token_file";
	return NULL;
}

static const char *kerberos_fault(const struct endpoint_params *p, const char **ret_key)
{
	*ret_key = p->keytab ? "keytab" : p->principal ? "principal" : "credential_cache";
	if (p->auth != ENDPOINT_AUTH_NEGOTIATE)
		return p->keytab || p->principal || p->credential_cache
			       ? "only with auth = negotiate"
			       : NULL;
	if (p->keytab && p->credential_cache)
		return "not beside credential_cache";
	*ret_key = "auth";
	if (!p->keytab && !p->credential_cache)
		return "negotiate needs keytab or credential_cache";
	if (p->username || p->bearer_token_file || p->token_url)
		return "negotiate is not for username, bearer_token_file or token_url beside it";
	return NULL;
}

static const char *credential_fault(const struct endpoint_params *p, const char **ret_key)
{
	*ret_key = "password_file";
	if (p->password_file && !p->username)
		return "only beside username";
	*ret_key = "bearer_token_file";
	if (p->bearer_token_file && p->username)
		return "not beside username";
	*ret_key = "header_file";
	if (p->header_file.n > MAX_HEADER_FILES)
		return "more than 8 of them";
	*ret_key = "client_key_file";
	if (p->client_key_file && !p->client_cert_file)
		return "only beside client_cert_file";
	return NULL;
}

const char *endpoint_params_fault(const struct endpoint_params *p, const char **ret_key)
{
	const char *fault = credential_fault(p, ret_key);

	if (!fault)
		fault = client_fault(p, ret_key);
	if (!fault)
		fault = kerberos_fault(p, ret_key);
	return fault ? fault : proxy_fault(p, ret_key);
}

int endpoint_params_check(const struct endpoint_params *p, char **reterr)
{
	const char *key = NULL;
	const char *fault = endpoint_params_fault(p, &key);
	int r;

	if (!fault)
		return 0;
	r = str_printf(reterr, "%s: %s", key, fault);
	return r < 0 ? r : -EINVAL;
}

/* "a,b" of a and b. NULL stays where there is none. */
static int join(const struct strlist *lines, char **ret)
{
	struct strbuf b = {0};

	for (size_t i = 0; i < lines->n; i++)
		strbuf_addf(&b, "%s%s", i > 0 ? "," : "", lines->items[i]);
	return lines->n > 0 ? strbuf_finish(&b, ret) : 0;
}

int endpoint_set_way(struct endpoint *e, const struct endpoint_params *p)
{
	int r = str_replace(&e->proxy, p->proxy);

	return r < 0 ? r : join(&p->no_proxy, &e->no_proxy);
}

int endpoint_set(struct endpoint *e, const struct endpoint_params *p, const char *password)
{
	const struct {
		char **to;
		const char *from;
	} texts[] = {
		{&e->username, p->username},
		{&e->password, password},
		{&e->bearer_token_file, p->bearer_token_file},
		{&e->token_url, p->token_url},
		{&e->client_id, p->client_id},
		{&e->client_secret_file, p->client_secret_file},
		{&e->scope, p->scope},
		{&e->audience, p->audience},
		{&e->keytab, p->keytab},
		{&e->principal, p->principal},
		{&e->credential_cache, p->credential_cache},
		{&e->ca_file, p->ca_file},
		{&e->client_cert_file, p->client_cert_file},
		{&e->client_key_file, p->client_key_file},
	};
	int r = endpoint_set_way(e, p);

	e->client_by_post = p->client_auth == 1;
	e->negotiate = p->auth == ENDPOINT_AUTH_NEGOTIATE;
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(texts); i++)
		r = str_replace(texts[i].to, texts[i].from);
	for (size_t i = 0; r >= 0 && i < p->header_file.n; i++)
		r = strlist_add(&e->header_files, p->header_file.items[i]);
	return r;
}
