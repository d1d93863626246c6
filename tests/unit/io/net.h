/* SPDX-License-Identifier: Apache-2.0
 * For the tests of sockets: turning a loop until something has happened, and sockets on 127.0.0.1.
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/time.h"

/* No test waits for it to pass: it ends one that would never. */
#define GUARD_SECONDS 60

static inline time_t seconds_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Turns the loop until *counter is wanted. */
static inline void run_until(sd_event *event, const unsigned *counter, unsigned wanted)
{
	time_t start = seconds_now();

	while (*counter < wanted) {
		assert_true(sd_event_run(event, USEC_PER_SEC) >= 0);
		assert_true(seconds_now() - start < GUARD_SECONDS);
	}
	assert_int_equal(*counter, wanted);
}

static inline int loopback(uint16_t port, struct sockaddr_in *ret)
{
	*ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
	ret->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return 0;
}

/* A socket bound to a free port; connections are refused until it listens. */
static inline int bind_free(unsigned *ret_port)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)loopback(0, &a);
	assert_return_code(bind(fd, (struct sockaddr *)&a, sizeof(a)), errno);
	assert_return_code(getsockname(fd, (struct sockaddr *)&a, &len), errno);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static inline int connect_to(unsigned port)
{
	struct sockaddr_in a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)loopback((uint16_t)port, &a);
	assert_return_code(connect(fd, (struct sockaddr *)&a, sizeof(a)), errno);
	return fd;
}

static inline void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline bool is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

/* Turns the loop until the peer of fd, which the loop serves, has closed; what came before is added
 * to b. */
static inline void read_to_end(sd_event *event, int fd, struct strbuf *b)
{
	time_t start = seconds_now();
	char buf[4096];
	ssize_t n;

	for (;;) {
		while (!is_readable(fd)) {
			assert_true(sd_event_run(event, 10 * USEC_PER_MSEC) >= 0);
			assert_true(seconds_now() - start < GUARD_SECONDS);
		}
		n = recv(fd, buf, sizeof(buf), 0);
		if (n <= 0)
			return;
		strbuf_add_n(b, buf, (size_t)n);
	}
}

/* A directory of the test's own; the caller removes and frees it. */
static inline char *make_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char *path = NULL;

	assert_int_equal(str_printf(&path, "%s/stagewatchd-XXXXXX", tmp ? tmp : "/tmp"), 0);
	assert_non_null(mkdtemp(path));
	return path;
}

/* Writes DIR/NAME and returns its path, which the caller frees. */
static inline char *write_file(const char *dir, const char *name, const void *data, size_t n)
{
	_cleanup_fclose_ FILE *f = NULL;
	char *path = NULL;

	assert_int_equal(str_printf(&path, "%s/%s", dir, name), 0);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	return path;
}

static inline void remove_file(char *path)
{
	assert_return_code(unlink(path), errno);
	free(path);
}

static inline void remove_dir(char *path)
{
	assert_return_code(rmdir(path), errno);
	free(path);
}
