/* SPDX-License-Identifier: Apache-2.0
 * URLs of requests, by libcurl's parser: it is the one that will read them. */
#include "io/http_url.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define MAX_PLAIN_HOST 253
#define MAX_PORT_DIGITS 5

/* libcurl forgives one slash too few or too many, and would take the path for the host. */
static bool has_authority(const char *url)
{
	const char *colon = strchr(url, ':');

	return colon && colon[1] == '/' && colon[2] == '/' && colon[3] != '/';
}

/* http, a host of letters, digits, dots and dashes, a port, and a path and query of which nothing
 * needs a parser: most URLs, at a fiftieth of what libcurl's parser costs. */
static bool is_plain(const char *url)
{
	static const char host_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789.-";
	size_t n_scheme = strlen("http://");
	size_t n_host;
	size_t n_port;

	if (strncmp(url, "http://", n_scheme) != 0)
		return false;
	url += n_scheme;
	n_host = strspn(url, host_chars);
	if (n_host == 0 || n_host > MAX_PLAIN_HOST || url[n_host] != ':')
		return false;
	url += n_host + 1;
	n_port = strspn(url, "0123456789");
	if (n_port == 0 || n_port > MAX_PORT_DIGITS || url[0] == '0' || url[n_port] != '/' ||
		strtoul(url, NULL, 10) > UINT16_MAX)
		return false;
	for (url += n_port; *url > ' ' && *url < 0x7f; url++)
		;
	return *url == '\0';
}

int http_url_check(const char *url)
{
	CURLU *u;
	char *scheme = NULL;
	int r = -EINVAL;

	if (is_plain(url))
		return 0;
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

const char *http_url_fault(const char *url)
{
	size_t scheme = strncmp(url, "http://", 7) == 0    ? 7
			: strncmp(url, "https://", 8) == 0 ? 8
							   : 0;
	size_t host = strcspn(url + scheme, "/?#");

	if (scheme == 0 || host == 0)
		return "begins with http:// or https:// and a host";
	if (memchr(url + scheme, '@', host))
		return "holds a user name: use username and password_file";
	if (strpbrk(url, "# \t"))
		return "holds a blank or a fragment";
	return NULL;
}

const char *http_url_header_fault(const char *line)
{
	static const char *const ours[] = {
		"Connection", "Content-Length", "Content-Type", "Host", "Transfer-Encoding"};
	size_t n = strcspn(line, ":");

	if (n == 0 || line[n] != ':' || strcspn(line, " \t\"(),/;<=>?@[\\]{}") < n ||
		strpbrk(line, "\r\n"))
		return "not of the form Name: value";
	for (size_t i = 0; i < ELEMENTSOF(ours); i++)
		if (strlen(ours[i]) == n && strncasecmp(line, ours[i], n) == 0)
			return "set by this program";
	return NULL;
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

/* FNV-1a. */
size_t http_url_place(const char *url)
{
	const char *slashes = strstr(url, "://");
	const char *host = slashes ? slashes + strlen("://") : url;
	size_t n = strcspn(host, "/?#");
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)host[i]) * 16777619U;
	return h % HTTP_PLACES;
}
