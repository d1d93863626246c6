/* SPDX-License-Identifier: Apache-2.0
 * Names by which a browser asks a server that only its own host reaches. */
#include "web/host_guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/strbuf.h"

/* Without a port; an IPv6 address keeps its brackets. */
static size_t name_length(const char *host)
{
	return host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
}

static bool is_address(const char *name, size_t n)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr in;

	if (name[0] == '[')
		return true; /* no name of DNS has that */
	if (n >= sizeof(text))
		return false;
	(void)snprintf(text, sizeof(text), "%.*s", (int)n, name);
	return inet_pton(AF_INET, text, &in) == 1;
}

/* RFC 6761, 6.3: never looked up in DNS. */
static bool is_localhost(const char *name, size_t n)
{
	static const char local[] = "localhost";
	const size_t length = strlen(local);

	n -= n > 0 && name[n - 1] == '.';
	return n >= length && strncasecmp(name + n - length, local, length) == 0 &&
	       (n == length || name[n - length - 1] == '.');
}

static bool is_of_url(const char *name, size_t n, const char *url)
{
	const char *at = url ? strstr(url, "://") : NULL;

	return at && name_length(at + 3) == n && strncasecmp(at + 3, name, n) == 0;
}

bool host_guard_is_foreign(const struct http_server_request *request, const char *external_url)
{
	const char *name = request->host;
	bool known = request->caller && request->caller->name;
	size_t n;

	if (!request->local || known || !name || !*name)
		return false;
	n = name_length(name);
	return !is_address(name, n) && !is_localhost(name, n) && !is_of_url(name, n, external_url);
}
