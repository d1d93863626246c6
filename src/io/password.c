/* SPDX-License-Identifier: Apache-2.0
 * Who waits for the helper that hashes: a queue. */
#include "io/password.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/secret.h"
#include "base/strbuf.h"
#include "io/clock.h"
#include "io/helper.h"

/* The highest cost takes a slow machine half of that. */
#define TIMEOUT (60 * USEC_PER_SEC)

struct password_call {
	TAILQ_ENTRY(password_call) link;
	struct password_check *check;
	char *line;            /* a secret; NULL: the helper has it */
	password_done_fn done; /* NULL: cancelled, and its answer is still to come */
	void *userdata;
};

struct password_check {
	sd_event *event;
	sd_event_source *answers;
	sd_event_source *timer;
	pid_t pid; /* 0: it does not run */
	int fd;
	TAILQ_HEAD(, password_call) calls; /* the helper has the first */
	unsigned n;
};

static void end_call(struct password_check *p, int result)
{
	struct password_call *c = TAILQ_FIRST(&p->calls);

	TAILQ_REMOVE(&p->calls, c, link);
	p->n--;
	if (c->done)
		c->done(c->userdata, result);
	secret_free(c->line);
	free(c);
}

static void stop(struct password_check *p)
{
	p->answers = sd_event_source_disable_unref(p->answers);
	timer_off(p->timer);
	if (p->pid > 0)
		helper_stop(p->pid, p->fd);
	p->pid = 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata);

static int start(struct password_check *p)
{
	char name[] = "stagewatchd";
	char option[] = PASSWORD_HELPER;
	char *argv[] = {name, option, NULL};
	char *env[] = {NULL};
	int r;

	if (p->pid > 0)
		return 0;
	r = helper_start(argv, env, &p->pid, &p->fd);
	if (r < 0)
		return r;
	r = sd_event_add_io(p->event, &p->answers, p->fd, EPOLLIN, on_readable, p);
	if (r < 0)
		stop(p);
	return r;
}

/* Gives the helper the first call, unless it has it. */
static int send_first(struct password_check *p)
{
	struct password_call *c = TAILQ_FIRST(&p->calls);
	ssize_t n;
	int r;

	if (!c->line)
		return 0;
	r = start(p);
	if (r < 0)
		return r;
	n = send(p->fd, c->line, strlen(c->line), MSG_NOSIGNAL);
	if (n != (ssize_t)strlen(c->line))
		return -EIO;
	c->line = secret_free(c->line);
	return timer_in(p->timer, TIMEOUT);
}

/* The next ones, until the helper has one. */
static void go_on(struct password_check *p)
{
	int r = -EIO;

	while (!TAILQ_EMPTY(&p->calls) && (r = send_first(p)) < 0) {
		stop(p);
		end_call(p, r);
	}
	if (TAILQ_EMPTY(&p->calls))
		timer_off(p->timer);
}

static void give_up(struct password_check *p, int error)
{
	stop(p);
	if (!TAILQ_EMPTY(&p->calls))
		end_call(p, error);
	go_on(p);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	give_up(userdata, -ETIMEDOUT);
	return 0;
}

/* An answer is a line of two bytes, and there is one for each call. */
static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct password_check *p = userdata;
	char buf[3] = "";
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)source;
	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n != 2 || buf[1] != '\n' || (buf[0] != '0' && buf[0] != '1') ||
		TAILQ_EMPTY(&p->calls)) {
		give_up(p, -EIO);
		return 0;
	}
	end_call(p, buf[0] == '1');
	go_on(p);
	return 0;
}

static int line_of(const char *hash, const char *password, char **ret)
{
	_cleanup_free_ char *encoded = NULL;
	int r = base64_encode(password, strnlen(password, PASSWORD_MAX), &encoded);

	if (r >= 0)
		r = str_printf(ret, "%s %s\n", hash, encoded);
	if (encoded)
		secret_wipe(encoded, strlen(encoded));
	return r;
}

int password_check_ask(struct password_check *p, const char *hash, const char *password,
	password_done_fn done, void *userdata, struct password_call **ret)
{
	struct password_call *c;
	int r;

	if (p->n >= PASSWORD_MAX_CALLS)
		return -EBUSY;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct password_call){.check = p, .done = done, .userdata = userdata};
	r = line_of(hash, password, &c->line);
	if (r < 0) {
		free(c);
		return r;
	}
	TAILQ_INSERT_TAIL(&p->calls, c, link);
	p->n++;
	r = p->n == 1 ? send_first(p) : 0;
	if (r < 0) {
		stop(p);
		c->done = NULL;
		end_call(p, r);
		return r;
	}
	*ret = c;
	return 0;
}

void password_cancel(struct password_call *c)
{
	struct password_check *p = c->check;

	c->done = NULL;
	if (!c->line)
		return;
	TAILQ_REMOVE(&p->calls, c, link);
	p->n--;
	secret_free(c->line);
	free(c);
}

int password_check_new(sd_event *event, struct password_check **ret)
{
	_cleanup_(password_check_freep) struct password_check *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->event = sd_event_ref(event);
	TAILQ_INIT(&p->calls);
	r = timer_new(event, on_timeout, p, &p->timer);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

struct password_check *password_check_free(struct password_check *p)
{
	if (!p)
		return NULL;
	stop(p);
	while (!TAILQ_EMPTY(&p->calls)) {
		TAILQ_FIRST(&p->calls)->done = NULL;
		end_call(p, 0);
	}
	(void)sd_event_source_disable_unref(p->timer);
	(void)sd_event_unref(p->event);
	free(p);
	return NULL;
}
