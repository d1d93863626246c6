/* SPDX-License-Identifier: Apache-2.0
 * This host's name and addresses. */
#include "io/this_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

int this_host_name(char **ret)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (gethostname(name, sizeof(name) - 1) < 0)
		return -errno;
	*ret = strdup(name);
	return *ret ? 0 : -ENOMEM;
}

static bool is_own_name(const char *host)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (gethostname(name, sizeof(name) - 1) < 0)
		return false;
	if (strcasecmp(name, host) == 0)
		return true;
	/* The one may be written with its domain, the other without. */
	if (!!strchr(name, '.') == !!strchr(host, '.'))
		return false;
	return strcspn(name, ".") == strcspn(host, ".") &&
	       strncasecmp(name, host, strcspn(name, ".")) == 0;
}

static bool is_address_of(const struct sockaddr *sa, int family, const void *address)
{
	if (!sa || sa->sa_family != family)
		return false;
	if (family == AF_INET)
		return memcmp(&((const struct sockaddr_in *)(const void *)sa)->sin_addr, address,
			       sizeof(struct in_addr)) == 0;
	return memcmp(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, address,
		       sizeof(struct in6_addr)) == 0;
}

static bool is_own_address(int family, const void *address)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next)
		found = is_address_of(i->ifa_addr, family, address);
	freeifaddrs(all);
	return found;
}

bool is_this_host(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET || is_own_address(AF_INET, &v4);
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6) || is_own_address(AF_INET6, &v6);
	return strcasecmp(host, "localhost") == 0 || is_own_name(host);
}
