/* SPDX-License-Identifier: Apache-2.0
 * Multi handles by the hash of whom they reach, made when they are first needed. */
#include "io/http_pool.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "io/clock.h"

/* With 10,000 hosts a multi handle has about 150. */
#define N_SHARDS 64
/* Each keeps so many connections, however few there may be in all. */
#define MIN_CONNECTIONS 4

struct http_shard {
	struct http_pool *pool;
	CURLM *multi;
	sd_event_source *timer; /* libcurl's */
};

struct http_pool {
	sd_event *event;
	size_t max_connections;
	http_pool_done_fn done;
	void *userdata;
	struct http_shard *shards[N_SHARDS];
};

/* done() may add and remove meanwhile: libcurl takes the messages of a removed handle back. */
static void tell_ended(struct http_shard *s)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(s->multi, &left)))
		if (msg->msg == CURLMSG_DONE)
			s->pool->done(s->pool->userdata, msg->easy_handle, msg->data.result);
}

static int on_socket_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct http_shard *s = userdata;
	int mask = 0;
	int running;

	(void)source;
	/* An error or a hang-up is found out by reading and writing. */
	if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
		mask |= CURL_CSELECT_IN;
	if (revents & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		mask |= CURL_CSELECT_OUT;
	(void)curl_multi_socket_action(s->multi, fd, mask, &running);
	tell_ended(s);
	return 0;
}

/* libcurl tells which socket to watch. Returning an error would end the multi handle for good:
 * without memory for the source the one request runs into its time limit instead. */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *assigned)
{
	struct http_shard *s = userdata;
	sd_event_source *source = assigned;
	uint32_t events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		(void)sd_event_source_disable_unref(source);
		(void)curl_multi_assign(s->multi, fd, NULL);
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= EPOLLOUT;
	if (source)
		(void)sd_event_source_set_io_events(source, events);
	else if (sd_event_add_io(s->pool->event, &source, fd, events, on_socket_ready, s) >= 0)
		(void)curl_multi_assign(s->multi, fd, source);
	return 0;
}

static int on_timer(sd_event_source *source, usec_t now, void *userdata)
{
	struct http_shard *s = userdata;
	int running;

	(void)source;
	(void)now;
	(void)curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	tell_ended(s);
	return 0;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *userdata)
{
	struct http_shard *s = userdata;

	(void)multi;
	if (timeout_ms < 0) {
		timer_off(s->timer);
		return 0;
	}
	(void)timer_in_library_ms(s->timer, (unsigned long long)timeout_ms);
	return 0;
}

static struct http_shard *shard_free(struct http_shard *s)
{
	if (!s)
		return NULL;
	if (s->multi)
		(void)curl_multi_cleanup(s->multi);
	(void)sd_event_source_disable_unref(s->timer);
	free(s);
	return NULL;
}

DEFINE_CLEANUP(struct http_shard *, shard_free)

static struct http_shard *shard_new(struct http_pool *p)
{
	_cleanup_(shard_freep) struct http_shard *s = calloc(1, sizeof(*s));
	size_t keep = p->max_connections / N_SHARDS;

	if (!s)
		return NULL;
	s->pool = p;
	s->multi = curl_multi_init();
	if (!s->multi || timer_new(p->event, on_timer, s, &s->timer) < 0)
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

/* FNV-1a. */
static uint32_t hash_of(const char *s, size_t n)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 16777619U;
	return h;
}

struct http_shard *http_pool_add(
	struct http_pool *p, CURL *easy, const char *authority, size_t n_authority)
{
	struct http_shard **s = &p->shards[hash_of(authority, n_authority) % N_SHARDS];

	if (!*s)
		*s = shard_new(p);
	return *s && curl_multi_add_handle((*s)->multi, easy) == CURLM_OK ? *s : NULL;
}

void http_shard_remove(struct http_shard *s, CURL *easy)
{
	(void)curl_multi_remove_handle(s->multi, easy);
}

int http_pool_new(sd_event *event, size_t max_connections, http_pool_done_fn done, void *userdata,
	struct http_pool **ret)
{
	struct http_pool *p;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	p = calloc(1, sizeof(*p));
	if (!p) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	p->event = sd_event_ref(event);
	p->max_connections = max_connections;
	p->done = done;
	p->userdata = userdata;
	*ret = p;
	return 0;
}

struct http_pool *http_pool_free(struct http_pool *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < N_SHARDS; i++)
		shard_free(p->shards[i]);
	curl_global_cleanup();
	(void)sd_event_unref(p->event);
	free(p);
	return NULL;
}
