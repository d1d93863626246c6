/* SPDX-License-Identifier: Apache-2.0
 * URLs of requests, by libcurl's parser: it is the one that will read them. */
#include "io/http_url.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/strbuf.h"

/* libcurl forgives one slash too few or too many, and would take the path for the host. */
static bool has_authority(const char *url)
{
	const char *colon = strchr(url, ':');

	return colon && colon[1] == '/' && colon[2] == '/' && colon[3] != '/';
}

int http_url_check(const char *url)
{
	CURLU *u;
	char *scheme = NULL;
	int r = -EINVAL;

	if (!has_authority(url))
		return -EINVAL;
	u = curl_url();
	if (!u)
		return -ENOMEM;
	if (curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		(strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0))
		r = 0;
	curl_free(scheme);
	curl_url_cleanup(u);
	return r;
}

int http_url_add_user(const char *url, const char *user, char **ret)
{
	struct strbuf b = {0};
	size_t n = strcspn(url, "#");

	strbuf_add_n(&b, url, n);
	strbuf_add(&b, memchr(url, '?', n) ? "&user.name=" : "?user.name=");
	strbuf_add_segment(&b, user);
	return strbuf_finish(&b, ret);
}

void http_url_authority(const char *url, const char **ret, size_t *ret_n)
{
	const char *colon = strchr(url, ':');

	*ret = colon ? colon + strlen("://") : url;
	*ret_n = strcspn(*ret, "/?#");
}
