/* SPDX-License-Identifier: Apache-2.0
 * Multi handles by the hash of whom they reach, made when they are first needed. Their sockets are
 * in an epoll set of their own, a single source of the loop: a source for each socket costs more
 * than the request. */
#include "io/http_pool.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/http_url.h"

/* Each keeps so many connections, however few there may be in all. */
#define MIN_CONNECTIONS 4
/* Sockets that are served in one turn of the loop. */
#define PER_TURN 64

struct http_multi {
	struct http_pool *pool;
	CURLM *multi;
	usec_t due; /* when libcurl wants to be called; USEC_INFINITY: it does not */
};

/* What is known of a descriptor. */
struct watched_fd {
	struct http_multi *multi;
	uint32_t events; /* as the kernel has them; 0: it is not watched */
	bool wanted;     /* a request waits for it */
	bool connection; /* libcurl tells us when it closes it */
};

struct http_pool {
	size_t max_connections;
	http_pool_done_fn done;
	void *userdata;
	struct http_multi *multis[HTTP_PLACES];
	int epoll_fd;
	sd_event_source *ready; /* of epoll_fd */
	sd_event_source *timer; /* of the multi handle that is due first */
	usec_t timer_at;        /* when it fires; a little too early does no harm */
	struct watched_fd *fds; /* by descriptor */
	size_t n_fds;
};

/* done() may add and remove meanwhile: libcurl takes the messages of a removed handle back. */
static void tell_ended(struct http_multi *s)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(s->multi, &left)))
		if (msg->msg == CURLMSG_DONE)
			s->pool->done(s->pool->userdata, msg->easy_handle, msg->data.result);
}

static struct watched_fd *fd_of(struct http_pool *p, int fd)
{
	size_t n = p->n_fds ? p->n_fds : 64;
	struct watched_fd *fds;

	if (fd < 0)
		return NULL;
	if ((size_t)fd < p->n_fds)
		return &p->fds[fd];
	while (n <= (size_t)fd)
		n *= 2;
	fds = reallocarray(p->fds, n, sizeof(*fds));
	if (!fds)
		return NULL;
	memset(fds + p->n_fds, 0, (n - p->n_fds) * sizeof(*fds));
	p->fds = fds;
	p->n_fds = n;
	return &fds[fd];
}

/* Tells the kernel only what it does not know yet. */
static void watch(struct http_pool *p, int fd, struct watched_fd *w, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.fd = fd};
	int op = EPOLL_CTL_MOD;

	if (w->events == events)
		return;
	if (w->events == 0)
		op = EPOLL_CTL_ADD;
	else if (events == 0)
		op = EPOLL_CTL_DEL;
	w->events = epoll_ctl(p->epoll_fd, op, fd, &e) < 0 ? 0 : events;
}

static void serve(struct http_pool *p, const struct epoll_event *e)
{
	struct watched_fd *w = &p->fds[e->data.fd];
	struct http_multi *s = w->multi;
	int mask = 0;
	int running;

	if (!w->wanted) {
		/* The other side closes a connection that nobody uses: libcurl sees it when it
		 * is to be used again. */
		watch(p, e->data.fd, w, 0);
		return;
	}
	/* An error or a hang-up is found out by reading and writing. */
	if (e->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		mask |= CURL_CSELECT_IN;
	if (e->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		mask |= CURL_CSELECT_OUT;
	(void)curl_multi_socket_action(s->multi, e->data.fd, mask, &running);
	tell_ended(s);
}

static int on_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct http_pool *p = userdata;
	struct epoll_event events[PER_TURN];
	int n = epoll_wait(p->epoll_fd, events, PER_TURN, 0);

	(void)source;
	(void)fd;
	(void)revents;
	for (int i = 0; i < n; i++)
		serve(p, &events[i]);
	return 0;
}

/* libcurl tells which socket to watch. A connection that is kept open stays with the kernel as it
 * is: most requests cost no call to change that. Returning an error would end the multi handle for
 * good: without memory the one request runs into its time limit instead. */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *assigned)
{
	struct http_multi *s = userdata;
	struct watched_fd *w = fd_of(s->pool, fd);
	uint32_t events = 0;

	(void)easy;
	(void)assigned;
	if (!w)
		return 0;
	w->multi = s;
	w->wanted = what != CURL_POLL_REMOVE;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= EPOLLOUT;
	if (!w->wanted && w->connection)
		events = w->events & EPOLLIN;
	watch(s->pool, fd, w, events);
	return 0;
}

static int on_curl_opened(void *userdata, curl_socket_t fd, curlsocktype purpose)
{
	struct http_pool *p = userdata;
	struct watched_fd *w = fd_of(p, fd);

	(void)purpose;
	if (w)
		*w = (struct watched_fd){.connection = true};
	return CURL_SOCKOPT_OK;
}

static int on_curl_close(void *userdata, curl_socket_t fd)
{
	struct http_pool *p = userdata;
	struct watched_fd *w = fd_of(p, fd);

	/* A child that has not begun its program yet would keep it watched. */
	if (w)
		watch(p, fd, w, 0);
	if (w)
		*w = (struct watched_fd){0};
	return close(fd);
}

static void arm(struct http_pool *p, usec_t due)
{
	if (due >= p->timer_at)
		return;
	p->timer_at = due;
	(void)timer_at(p->timer, due);
}

void http_pool_run(struct http_pool *p)
{
	usec_t now = clock_boottime();
	int running;
	long left;

	for (size_t i = 0; i < HTTP_PLACES; i++) {
		struct http_multi *s = p->multis[i];

		if (!s || s->due > now)
			continue;
		s->due = USEC_INFINITY;
		(void)curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		/* Where its clock is a little behind ours, libcurl does not ask again. */
		if (s->due == USEC_INFINITY && curl_multi_timeout(s->multi, &left) == CURLM_OK &&
			left >= 0)
			s->due = clock_boottime() + clock_of_library_ms((unsigned long long)left);
		tell_ended(s);
	}
	for (size_t i = 0; i < HTTP_PLACES; i++)
		if (p->multis[i])
			arm(p, p->multis[i]->due);
}

static int on_timer(sd_event_source *source, usec_t now, void *userdata)
{
	struct http_pool *p = userdata;

	(void)source;
	(void)now;
	p->timer_at = USEC_INFINITY;
	http_pool_run(p);
	return 0;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *userdata)
{
	struct http_multi *s = userdata;

	(void)multi;
	if (timeout_ms < 0) {
		s->due = USEC_INFINITY;
		return 0;
	}
	s->due = clock_boottime() + clock_of_library_ms((unsigned long long)timeout_ms);
	arm(s->pool, s->due);
	return 0;
}

static struct http_multi *multi_free(struct http_multi *s)
{
	if (!s)
		return NULL;
	if (s->multi)
		(void)curl_multi_cleanup(s->multi);
	free(s);
	return NULL;
}

DEFINE_CLEANUP(struct http_multi *, multi_free)

static struct http_multi *multi_new(struct http_pool *p)
{
	_cleanup_(multi_freep) struct http_multi *s = calloc(1, sizeof(*s));
	size_t keep = p->max_connections / HTTP_PLACES;

	if (!s)
		return NULL;
	s->pool = p;
	s->due = USEC_INFINITY;
	s->multi = curl_multi_init();
	if (!s->multi)
		return NULL;
	if (curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket) != CURLM_OK ||
		curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s) != CURLM_OK ||
		curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer) != CURLM_OK ||
		curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s) != CURLM_OK ||
		curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS,
			(long)(keep > MIN_CONNECTIONS ? keep : MIN_CONNECTIONS)) != CURLM_OK)
		return NULL;
	return TAKE_PTR(s);
}

struct http_multi *http_pool_add(struct http_pool *p, CURL *easy, size_t place)
{
	struct http_multi **s = &p->multis[place];

	if (!*s)
		*s = multi_new(p);
	if (!*s || curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_curl_opened) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, p) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_curl_close) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, p) != CURLE_OK)
		return NULL;
	return curl_multi_add_handle((*s)->multi, easy) == CURLM_OK ? *s : NULL;
}

void http_multi_remove(struct http_multi *s, CURL *easy)
{
	(void)curl_multi_remove_handle(s->multi, easy);
}

static int watch_new(struct http_pool *p, sd_event *event)
{
	int r;

	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll_fd < 0)
		return -errno;
	r = sd_event_add_io(event, &p->ready, p->epoll_fd, EPOLLIN, on_ready, p);
	return r < 0 ? r : timer_new(event, on_timer, p, &p->timer);
}

int http_pool_new(sd_event *event, size_t max_connections, http_pool_done_fn done, void *userdata,
	struct http_pool **ret)
{
	struct http_pool *p;
	int r;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	p = calloc(1, sizeof(*p));
	if (!p) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	p->epoll_fd = -1;
	p->timer_at = USEC_INFINITY;
	p->max_connections = max_connections;
	p->done = done;
	p->userdata = userdata;
	r = watch_new(p, event);
	if (r < 0) {
		http_pool_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct http_pool *http_pool_free(struct http_pool *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < HTTP_PLACES; i++)
		multi_free(p->multis[i]);
	curl_global_cleanup();
	(void)sd_event_source_disable_unref(p->ready);
	(void)sd_event_source_disable_unref(p->timer);
	if (p->epoll_fd >= 0)
		(void)close(p->epoll_fd);
	free(p->fds);
	free(p);
	return NULL;
}
