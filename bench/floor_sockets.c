/* SPDX-License-Identifier: Apache-2.0
 * No library: a socket for each URL, all in one epoll set, a request that is written as it is, and
 * of the answer only what tells where it ends. It takes what the farm sends, a head in one piece
 * that has a Content-Length: less than this no client can do. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "floor_client.h"

#define LENGTH "\r\nContent-Length: "

struct connection {
	int fd;
	struct sockaddr_in to;
	char *request;
	size_t request_len;
	size_t left; /* of the answer; 0: its head is still to come */
};

static struct connection *connections;
static int epoll_fd;

/* http://ADDRESS:PORT/PATH */
static void prepare(struct connection *c, const char *url)
{
	char host[64];
	char address[64];
	unsigned short port;
	int path = 0;
	int n;

	if (sscanf(url, "http://%63[^/]%n", host, &path) != 1 || path == 0 ||
		sscanf(host, "%63[^:]:%hu", address, &port) != 2 ||
		inet_pton(AF_INET, address, &c->to.sin_addr) != 1)
		floor_fail(url, "has no address and port");
	c->to.sin_family = AF_INET;
	c->to.sin_port = htons(port);
	n = asprintf(&c->request, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n\r\n", url + path,
		host);
	if (n < 0)
		floor_fail(url, strerror(ENOMEM));
	c->request_len = (size_t)n;
}

static void begin(const struct url *urls, size_t n)
{
	connections = calloc(n, sizeof(*connections));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!connections || epoll_fd < 0)
		floor_fail("epoll", strerror(errno));
	for (size_t i = 0; i < n; i++) {
		connections[i].fd = -1;
		prepare(&connections[i], urls[i].text);
	}
}

static void open_connection(struct connection *c)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&c->to, sizeof(c->to)) < 0 ||
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e) < 0)
		floor_fail("connect", strerror(errno));
}

static void ask(struct connection *c)
{
	if (c->fd < 0)
		open_connection(c);
	if (send(c->fd, c->request, c->request_len, MSG_DONTWAIT | MSG_NOSIGNAL) !=
		(ssize_t)c->request_len)
		floor_fail("send", strerror(errno));
}

/* The size of the head of text; *ret_body: of what follows it. */
static size_t read_head(const char *text, size_t *ret_body)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strstr(text, LENGTH);

	if (strncmp(text, "HTTP/1.1 200 ", strlen("HTTP/1.1 200 ")) != 0 || !end || !length ||
		length > end)
		floor_fail("answer", "is not 200 with a Content-Length");
	*ret_body = strtoul(length + strlen(LENGTH), NULL, 10);
	return (size_t)(end - text) + 4;
}

/* Whether the answer is complete. */
static bool take(struct connection *c, size_t *bytes)
{
	static char room[65536];
	size_t body;
	ssize_t n;

	n = recv(c->fd, room, sizeof(room) - 1, MSG_DONTWAIT);
	if (n <= 0)
		floor_fail("recv", n == 0 ? "the connection was closed" : strerror(errno));
	if (c->left == 0) {
		room[n] = '\0';
		c->left = read_head(room, &body) + body;
		*bytes += body;
	}
	if ((size_t)n > c->left)
		floor_fail("answer", "is longer than its Content-Length");
	c->left -= (size_t)n;
	return c->left == 0;
}

static size_t fetch(const struct url *urls, size_t n)
{
	struct epoll_event events[WINDOW];
	size_t running = 0;
	size_t bytes = 0;

	for (size_t next = 0; next < n || running > 0;) {
		int n_ready;

		for (; running < WINDOW && next < n; running++)
			ask(&connections[urls[next++].number]);
		n_ready = epoll_wait(epoll_fd, events, WINDOW, -1);
		for (int i = 0; i < n_ready; i++)
			running -= take(events[i].data.ptr, &bytes);
	}
	return bytes;
}

const struct floor_client floor_sockets = {.name = "sockets", .begin = begin, .fetch = fetch};
