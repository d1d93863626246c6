/* SPDX-License-Identifier: Apache-2.0
 * A server for tests that does what a good one would not: a process of its own per connection runs
 * a script against what libcurl sends. */
#pragma once

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "net.h"

/* What the test sees of the peer's processes. */
struct peer_seen {
	atomic_uint accepted;
	atomic_uint requests;
	atomic_uint now;  /* requests being answered */
	atomic_uint most; /* the most of them at once */
	char last[65536]; /* the last request */
};

/* Answers one request. Returns whether the connection is kept. */
typedef bool (*peer_script)(int fd, const char *request, unsigned nth);

struct peer {
	pid_t pid;
	unsigned port;
	struct peer_seen *seen;
};

static inline void peer_write(int fd, const void *data, size_t n)
{
	if (send(fd, data, n, MSG_NOSIGNAL) != (ssize_t)n)
		_exit(0); /* the client has enough */
}

static inline void peer_say(int fd, const char *text)
{
	peer_write(fd, text, strlen(text));
}

/* Reads one request with its body. False at the end of the connection. */
static inline bool peer_read(int fd, char *buf, size_t size)
{
	size_t len = 0;
	size_t wanted = 0;

	for (;;) {
		const char *end;
		const char *length;
		ssize_t n = recv(fd, buf + len, size - 1 - len, 0);

		if (n <= 0)
			return false;
		len += (size_t)n;
		buf[len] = '\0';
		end = strstr(buf, "\r\n\r\n");
		if (!end)
			continue;
		length = strcasestr(buf, "\r\nContent-Length: ");
		wanted = (size_t)(end - buf) + 4;
		if (length && length < end)
			wanted += strtoul(length + 18, NULL, 10);
		if (len >= wanted || len == size - 1)
			return true;
	}
}

static inline void peer_serve(struct peer_seen *seen, int fd, peer_script script)
{
	static char buf[65536];
	bool keep = true;

	while (keep && peer_read(fd, buf, sizeof(buf))) {
		unsigned now = atomic_fetch_add(&seen->now, 1) + 1;
		unsigned most = atomic_load(&seen->most);
		unsigned nth = atomic_fetch_add(&seen->requests, 1);

		while (now > most && !atomic_compare_exchange_weak(&seen->most, &most, now))
			;
		memcpy(seen->last, buf, sizeof(buf));
		keep = script(fd, buf, nth);
		atomic_fetch_sub(&seen->now, 1);
	}
}

static inline void peer_loop(struct peer_seen *seen, int listener, peer_script script)
{
	pid_t self = getpid();

	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			_exit(1);
		atomic_fetch_add(&seen->accepted, 1);
		if (fork() == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != self) /* killed before it was said */
				_exit(1);
			(void)close(listener);
			peer_serve(seen, fd, script);
			_exit(0);
		}
		(void)close(fd);
	}
}

static inline void peer_start(struct peer *p, peer_script script)
{
	_cleanup_close_ int fd = bind_free(&p->port);

	p->seen = mmap(
		NULL, sizeof(*p->seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(p->seen, MAP_FAILED);
	assert_return_code(listen(fd, 64), errno);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		peer_loop(p->seen, fd, script);
	}
}

static inline void peer_stop(struct peer *p)
{
	assert_return_code(kill(p->pid, SIGKILL), errno);
	assert_int_equal(waitpid(p->pid, NULL, 0), p->pid);
	(void)munmap(p->seen, sizeof(*p->seen));
	*p = (struct peer){0};
}
