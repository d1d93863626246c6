/* SPDX-License-Identifier: Apache-2.0
 * Listening TCP sockets from text such as 127.0.0.1:14040. */
#include "io/tcp_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

/* "127.0.0.1", "[::1]" or, for all addresses, "". */
static bool parse_host(const char *host, uint16_t port, union address *ret)
{
	size_t n = strlen(host);
	char inner[INET6_ADDRSTRLEN] = {0};

	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons(port);
	if (n == 0) {
		ret->in6.sin6_addr = in6addr_any;
		return true;
	}
	if (host[0] == '[') {
		if (host[n - 1] != ']' || n - 2 >= sizeof(inner))
			return false;
		memcpy(inner, host + 1, n - 2);
		return inet_pton(AF_INET6, inner, &ret->in6.sin6_addr) == 1;
	}
	memset(ret, 0, sizeof(*ret));
	ret->in.sin_family = AF_INET;
	ret->in.sin_port = htons(port);
	return inet_pton(AF_INET, host, &ret->in.sin_addr) == 1;
}

static int parse_listen(const char *listen_at, union address *ret)
{
	const char *colon = strrchr(listen_at, ':');
	_cleanup_free_ char *host = NULL;
	uint64_t port;

	if (!colon || parse_u64(colon + 1, &port) < 0 || port > UINT16_MAX)
		return -EINVAL;
	host = strndup(listen_at, (size_t)(colon - listen_at));
	if (!host)
		return -ENOMEM;
	return parse_host(host, (uint16_t)port, ret) ? 0 : -EINVAL;
}

int tcp_listen_check(const char *listen_at)
{
	union address address;

	return parse_listen(listen_at, &address);
}

static bool is_local(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return (ntohl(a->in.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
	return a->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

bool tcp_listen_is_local(const char *listen_at)
{
	union address a = {0};

	return parse_listen(listen_at, &a) >= 0 && is_local(&a);
}

static int set_up_socket(int fd, const union address *a, bool only_v6)
{
	socklen_t len = a->any.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
	const int yes = 1;
	const int v6only = only_v6;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0)
		return -errno;
	if (a->any.sa_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)) < 0)
		return -errno;
	if (bind(fd, &a->any, len) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	return 0;
}

static int bind_socket(const union address *a, bool only_v6, int *ret_fd)
{
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = set_up_socket(fd, a, only_v6);
	if (r < 0)
		(void)close(fd);
	else
		*ret_fd = fd;
	return r;
}

int tcp_listen(const char *listen_at, int *ret_fd)
{
	union address a = {0};
	int r;

	r = parse_listen(listen_at, &a);
	if (r < 0)
		return r;
	r = bind_socket(&a, listen_at[0] != ':', ret_fd);
	if (r == -EAFNOSUPPORT && listen_at[0] == ':') {
		/* All addresses of a host without IPv6. */
		const in_port_t port = a.in6.sin6_port;

		a = (union address){.in = {.sin_family = AF_INET, .sin_port = port}};
		r = bind_socket(&a, false, ret_fd);
	}
	return r;
}

bool tcp_is_local(int fd)
{
	union address a = {0};
	socklen_t len = sizeof(a);

	return getsockname(fd, &a.any, &len) >= 0 && is_local(&a);
}

unsigned tcp_port(int fd)
{
	union address a = {0};
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.any, &len) < 0)
		return 0;
	if (a.any.sa_family == AF_INET)
		return ntohs(a.in.sin_port);
	return a.any.sa_family == AF_INET6 ? ntohs(a.in6.sin6_port) : 0;
}
