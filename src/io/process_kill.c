/* SPDX-License-Identifier: Apache-2.0
 * Signals by pidfd, on the event loop. */
#include "io/process_kill.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "io/clock.h"
#include "io/procfs.h"

struct process_kill {
	const struct guard *guard;
	int fd;
	bool forced; /* SIGKILL was sent */
	sd_event_source *ended;
	sd_event_source *timer;
	process_kill_fn fn;
	void *userdata;
};

struct process_kill *process_kill_cancel(struct process_kill *k)
{
	if (!k)
		return NULL;
	(void)sd_event_source_disable_unref(k->ended);
	(void)sd_event_source_disable_unref(k->timer);
	if (k->fd >= 0)
		(void)close(k->fd);
	free(k);
	return NULL;
}

static void finish(struct process_kill *k, int error)
{
	process_kill_fn fn = k->fn;
	void *userdata = k->userdata;

	process_kill_cancel(k);
	fn(userdata, error);
}

static int on_ended(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	(void)s;
	(void)fd;
	(void)revents;
	finish(userdata, 0);
	return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct process_kill *k = userdata;

	(void)usec;
	if (k->forced) {
		finish(k, -ETIME);
		return 0;
	}
	if (!guard_open(k->guard)) {
		finish(k, -ECANCELED);
		return 0;
	}
	k->forced = true;
	/* That it is gone by now shows on the pidfd. */
	(void)pidfd_send_signal(k->fd, SIGKILL, NULL, 0);
	(void)timer_in(s, PROCESS_KILL_KILL_TIME);
	return 0;
}

static int watch(struct process_kill *k, sd_event *event)
{
	int r;

	r = sd_event_add_io(event, &k->ended, k->fd, EPOLLIN, on_ended, k);
	if (r < 0)
		return r;
	r = timer_new(event, on_timer, k, &k->timer);
	return r < 0 ? r : timer_in(k->timer, PROCESS_KILL_TERM_TIME);
}

/* The descriptor first, then the look: from here on it is the process that was looked at. */
static int open_process(pid_t pid, uint64_t started, int *ret)
{
	uint64_t now = 0;
	int fd;
	int r;

	if (pid <= 1)
		return -EINVAL;
	fd = pidfd_open(pid, 0);
	if (fd < 0)
		return -errno;
	r = procfs_starttime(pid, &now);
	if (r >= 0 && now != started)
		r = -ESRCH;
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	*ret = fd;
	return 0;
}

DEFINE_CLEANUP(struct process_kill *, process_kill_cancel)

int process_kill_start(sd_event *event, const struct process_victim *v, process_kill_fn fn,
	void *userdata, struct process_kill **ret)
{
	_cleanup_(process_kill_cancelp) struct process_kill *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->fd = -1;
	k->guard = v->guard;
	k->fn = fn;
	k->userdata = userdata;
	r = open_process(v->pid, v->started, &k->fd);
	if (r >= 0)
		r = watch(k, event);
	if (r >= 0 && !guard_open(v->guard))
		r = -ECANCELED;
	if (r < 0)
		return r;
	if (pidfd_send_signal(k->fd, SIGTERM, NULL, 0) < 0)
		return -errno;
	*ret = TAKE_PTR(k);
	return 0;
}
