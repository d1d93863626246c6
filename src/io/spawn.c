/* SPDX-License-Identifier: Apache-2.0
 * posix_spawn(), a pidfd on the loop, a memfd as input and a pipe as output. */
#include "io/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "io/clock.h"

#define READ_AT_ONCE ((size_t)4096)

struct spawn {
	sd_event *event;
	pid_t pid; /* also of its group; 0: reaped */
	int pidfd;
	int output;
	sd_event_source *on_end;
	sd_event_source *on_output;
	sd_event_source *timer;
	struct strbuf text;
	size_t max_output;
	bool cut;
	bool timed_out;
	spawn_done_fn done;
	void *userdata;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* The leader is a zombie until it is reaped, so that the number is still its group's. It may not
 * die of SIGKILL at once: it is waited for where flags do not say WNOHANG. */
static void kill_and_reap(struct spawn *s, siginfo_t *ret, int flags)
{
	if (s->pid <= 0)
		return;
	(void)kill(-s->pid, SIGKILL);
	if (waitid(P_PID, (id_t)s->pid, ret, WEXITED | flags) == 0 && ret->si_pid != 0)
		s->pid = 0;
}

static void on_gone(void *userdata)
{
	struct spawn *s = userdata;

	close_fd(&s->pidfd);
	free(s);
}

/* Leaves it to the loop: it is reaped once it has ended, or with the loop it is no matter. */
static bool leave_to_loop(struct spawn *s)
{
	if (s->pid == 0 || !s->on_end || sd_event_source_set_floating(s->on_end, true) < 0)
		return false;
	(void)sd_event_source_set_destroy_callback(s->on_end, on_gone);
	s->on_end = sd_event_source_unref(s->on_end);
	return true;
}

struct spawn *spawn_cancel(struct spawn *s)
{
	siginfo_t info = {0};
	sd_event *event;

	if (!s)
		return NULL;
	event = s->event;
	kill_and_reap(s, &info, s->on_end ? WNOHANG : 0);
	s->on_output = sd_event_source_disable_unref(s->on_output);
	s->timer = sd_event_source_disable_unref(s->timer);
	close_fd(&s->output);
	strbuf_clear(&s->text);
	s->done = NULL;
	if (!leave_to_loop(s)) {
		(void)sd_event_source_disable_unref(s->on_end);
		on_gone(s);
	}
	(void)sd_event_unref(event);
	return NULL;
}

DEFINE_CLEANUP(struct spawn *, spawn_cancel)

/* All that is there, at most so much at a time that one who writes for ever does not keep the loop.
 * False at the end. */
static bool read_output(struct spawn *s, unsigned times)
{
	char buf[READ_AT_ONCE];

	while (times-- > 0) {
		ssize_t n = read(s->output, buf, sizeof(buf));
		size_t room = s->max_output - s->text.len;

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		s->cut = s->cut || (size_t)n > room;
		strbuf_add_n(&s->text, buf, (size_t)n < room ? (size_t)n : room);
	}
	return true;
}

static int on_output(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct spawn *s = userdata;

	(void)fd;
	(void)revents;
	if (!read_output(s, 1))
		(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

/* One line, without what a log should not see. */
static void tidy(char *text)
{
	size_t n = strlen(text);

	while (n > 0 && strchr(" \t\r\n", text[n - 1]))
		text[--n] = '\0';
	for (char *p = text; *p; p++)
		if (*p == '\n' || *p == '\r' || *p == '\t')
			*p = ' ';
	str_sanitize(text);
}

static int on_end(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct spawn *s = userdata;
	_cleanup_free_ char *text = NULL;
	struct spawn_end end = {.timed_out = s->timed_out};
	siginfo_t info = {0};

	(void)fd;
	(void)revents;
	kill_and_reap(s, &info, WNOHANG);
	if (!s->done) { /* cancelled */
		(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
		(void)sd_event_source_set_floating(source, false); /* the last reference */
		return 0;
	}
	/* What fits into a pipe: somebody who left the group may hold it open for ever. */
	(void)read_output(s, 16);
	/* A NUL byte ends the text. */
	if (strbuf_finish(&s->text, &text) >= 0)
		tidy(text);
	end.output = text ? text : "";
	end.cut = s->cut;
	end.status = info.si_code == CLD_EXITED ? info.si_status : -1;
	end.signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
	s->done(s->userdata, &end);
	spawn_cancel(s);
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct spawn *s = userdata;

	(void)usec;
	(void)kill(-s->pid, s->timed_out ? SIGKILL : SIGTERM);
	if (s->timed_out)
		return 0;
	s->timed_out = true;
	return timer_in(source, SPAWN_GRACE);
}

/* A file in memory that holds the input, at its beginning. */
static int make_input(const struct spawn_ask *ask)
{
	size_t done = 0;
	int fd = memfd_create("input", MFD_CLOEXEC);

	while (fd >= 0 && done < ask->input_len) {
		ssize_t n = write(fd, ask->input + done, ask->input_len - done);

		if (n < 0) {
			int error = errno;

			(void)close(fd);
			return -error;
		}
		done += (size_t)n;
	}
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return fd;
}

static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none;
	sigset_t all;
	int r;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	r = posix_spawnattr_setflags(
		attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (r == 0)
		r = posix_spawnattr_setpgroup(attr, 0);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attr, &none);
	return r == 0 ? posix_spawnattr_setsigdefault(attr, &all) : r;
}

static int set_files(posix_spawn_file_actions_t *files, int input, int output)
{
	int r = posix_spawn_file_actions_adddup2(files, input, STDIN_FILENO);

	if (r == 0)
		r = posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(files, output, STDERR_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	return r;
}

/* posix_spawn() takes arrays of char * and changes nothing in them. */
static int run(const struct spawn_ask *ask, int input, int output, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	union {
		const char *const *in;
		char *const *out;
	} argv = {.in = ask->argv}, env = {.in = ask->env};
	int r;

	r = posix_spawn_file_actions_init(&files);
	if (r != 0)
		return -r;
	r = posix_spawnattr_init(&attr);
	if (r == 0) {
		r = set_attributes(&attr);
		if (r == 0)
			r = set_files(&files, input, output);
		if (r == 0)
			r = posix_spawn(ret, ask->argv[0], &files, &attr, argv.out, env.out);
		(void)posix_spawnattr_destroy(&attr);
	}
	(void)posix_spawn_file_actions_destroy(&files);
	return -r;
}

static int start(struct spawn *s, const struct spawn_ask *ask)
{
	_cleanup_close_ int input = make_input(ask);
	_cleanup_close_ int written = -1;
	int ends[2] = {-1, -1};
	int r;

	if (input < 0)
		return input;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	s->output = ends[0];
	written = ends[1];
	if (fcntl(s->output, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	r = run(ask, input, written, &s->pid);
	if (r < 0) {
		s->pid = 0;
		return r;
	}
	s->pidfd = pidfd_open(s->pid, 0);
	return s->pidfd < 0 ? -errno : 0;
}

static int watch(struct spawn *s, usec_t timeout)
{
	int r;

	r = sd_event_add_io(s->event, &s->on_end, s->pidfd, EPOLLIN, on_end, s);
	if (r >= 0)
		r = sd_event_add_io(s->event, &s->on_output, s->output, EPOLLIN, on_output, s);
	if (r >= 0)
		r = timer_new(s->event, on_timeout, s, &s->timer);
	return r < 0 ? r : timer_in(s->timer, timeout);
}

int spawn_start(sd_event *event, const struct spawn_ask *ask, spawn_done_fn done, void *userdata,
	struct spawn **ret)
{
	_cleanup_(spawn_cancelp) struct spawn *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->event = sd_event_ref(event);
	s->pidfd = s->output = -1;
	s->max_output = ask->max_output;
	s->done = done;
	s->userdata = userdata;
	r = start(s, ask);
	if (r >= 0)
		r = watch(s, ask->timeout);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}
