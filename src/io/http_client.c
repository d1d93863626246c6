/* SPDX-License-Identifier: Apache-2.0
 * Requests by libcurl on an sd-event loop, with a line of their own before the wire. */
#include "io/http_client.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "base/strbuf.h"
#include "io/clock.h"
#include "io/http_exchange.h"

#define DEFAULT_PARALLEL 32
#define DEFAULT_TIMEOUT (10 * USEC_PER_SEC)
#define CONNECT_TIMEOUT (5 * USEC_PER_SEC)

enum request_state {
	REQUEST_WAITING,
	REQUEST_RUNNING,
	REQUEST_DELIVERING
};

struct transport_request {
	TAILQ_ENTRY(transport_request) link; /* in the client's list that its state names */
	struct http_client *client;
	enum request_state state;
	struct http_exchange exchange;
	transport_done_fn done;
	void *userdata;
	char *cluster; /* whose it is; may be NULL */
	usec_t sent;
	usec_t deadline;
};

TAILQ_HEAD(request_list, transport_request);

struct http_client {
	struct transport transport;
	sd_event *event;
	bool curl_ready;
	bool delivering;
	CURLM *multi;
	char *user_agent;
	size_t max_parallel;
	size_t n_running;
	struct request_list waiting;
	struct request_list running;
	CURL **pool; /* idle handles, at most max_parallel */
	size_t n_pool;
	sd_event_source *timer;  /* libcurl's */
	sd_event_source *start;  /* someone in line may go */
	sd_event_source *expiry; /* the earliest time limit of those in line */
};

/* Back into the pool, without what the last request told it; its connection stays in the multi
 * handle. */
static void put_easy(struct http_client *c, CURL *easy)
{
	if (!easy)
		return;
	if (c->n_pool >= c->max_parallel) {
		curl_easy_cleanup(easy);
		return;
	}
	curl_easy_reset(easy);
	c->pool[c->n_pool++] = easy;
}

static CURL *take_easy(struct http_client *c)
{
	return c->n_pool > 0 ? c->pool[--c->n_pool] : curl_easy_init();
}

static void request_free(struct transport_request *r)
{
	CURL *easy = r->exchange.easy;

	http_exchange_clear(&r->exchange);
	free(r->cluster);
	put_easy(r->client, easy);
	free(r);
}

DEFINE_CLEANUP(struct transport_request *, request_free)

/* Takes the request out of its list and off the wire. */
static void request_unlink(struct transport_request *r)
{
	struct http_client *c = r->client;

	switch (r->state) {
	case REQUEST_WAITING:
		TAILQ_REMOVE(&c->waiting, r, link);
		break;
	case REQUEST_RUNNING:
		TAILQ_REMOVE(&c->running, r, link);
		c->n_running--;
		(void)curl_multi_remove_handle(c->multi, r->exchange.easy);
		break;
	case REQUEST_DELIVERING:
		break;
	}
}

/* Lets those in line go with the loop's next turn: nothing is started or ended within send() and
 * cancel(). */
static void kick(struct http_client *c)
{
	(void)sd_event_source_set_enabled(c->start, SD_EVENT_ONESHOT);
}

/* The one place that calls back. r is in no list and is freed. */
static void deliver(struct transport_request *r, struct transport_answer *answer)
{
	struct http_client *c = r->client;

	answer->received = clock_boottime();
	answer->taken = answer->received;
	answer->took = usec_sub(answer->received, r->sent);
	r->state = REQUEST_DELIVERING;
	c->delivering = true;
	r->done(r->userdata, answer);
	c->delivering = false;
	request_free(r);
	kick(c);
}

static void deliver_error(struct transport_request *r, int error, const char *text)
{
	struct transport_answer answer = {.error = error, .error_text = text, .body = ""};

	deliver(r, &answer);
}

static void finish(struct transport_request *r, CURLcode code)
{
	_cleanup_free_ char *type = NULL;
	struct transport_answer answer;

	request_unlink(r);
	http_exchange_finish(&r->exchange, code, &answer, &type);
	deliver(r, &answer);
}

/* Callbacks may send and cancel meanwhile: libcurl takes the messages of a removed handle back. */
static void finish_ended(struct http_client *c)
{
	struct transport_request *r;
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(c->multi, &left))) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		r = NULL;
		if (curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &r) == CURLE_OK && r)
			finish(r, msg->data.result);
	}
}

static int on_socket_ready(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct http_client *c = userdata;
	int mask = 0;
	int running;

	(void)s;
	/* An error or a hang-up is found out by reading and writing. */
	if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
		mask |= CURL_CSELECT_IN;
	if (revents & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		mask |= CURL_CSELECT_OUT;
	(void)curl_multi_socket_action(c->multi, fd, mask, &running);
	finish_ended(c);
	return 0;
}

/* libcurl tells which socket to watch. Returning an error would end the multi handle for good:
 * without memory for the source the one request runs into its time limit instead. */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *assigned)
{
	struct http_client *c = userdata;
	sd_event_source *s = assigned;
	uint32_t events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		(void)sd_event_source_disable_unref(s);
		(void)curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= EPOLLOUT;
	if (s)
		(void)sd_event_source_set_io_events(s, events);
	else if (sd_event_add_io(c->event, &s, fd, events, on_socket_ready, c) >= 0)
		(void)curl_multi_assign(c->multi, fd, s);
	return 0;
}

static int on_timer(sd_event_source *s, usec_t now, void *userdata)
{
	struct http_client *c = userdata;
	int running;

	(void)s;
	(void)now;
	(void)curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finish_ended(c);
	return 0;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *userdata)
{
	struct http_client *c = userdata;

	(void)multi;
	if (timeout_ms < 0) {
		timer_off(c->timer);
		return 0;
	}
	(void)timer_in_library_ms(c->timer, (unsigned long long)timeout_ms);
	return 0;
}

static struct transport_request *first_to_expire(const struct http_client *c)
{
	struct transport_request *first = NULL;
	struct transport_request *r;

	for (r = TAILQ_FIRST(&c->waiting); r; r = TAILQ_NEXT(r, link))
		if (!first || r->deadline < first->deadline)
			first = r;
	return first;
}

static void arm_expiry(struct http_client *c)
{
	struct transport_request *first = first_to_expire(c);

	if (first)
		(void)timer_at(c->expiry, first->deadline);
	else
		timer_off(c->expiry);
}

/* One per turn of the loop; the timer, then overdue, fires again for the next. */
static int on_expiry(sd_event_source *s, usec_t now, void *userdata)
{
	struct http_client *c = userdata;
	struct transport_request *r = first_to_expire(c);

	(void)s;
	(void)now;
	if (r && r->deadline <= clock_boottime()) {
		request_unlink(r);
		deliver_error(r, -ETIMEDOUT, "timed out while it waited in line");
	}
	arm_expiry(c);
	return 0;
}

static long to_ms(usec_t t)
{
	unsigned long long ms = clock_library_ms(t);

	return (long)(ms < INT_MAX ? ms : INT_MAX);
}

static bool put_on_wire(struct transport_request *r, usec_t left)
{
	struct http_client *c = r->client;
	long ms = to_ms(left);
	long connect_ms = to_ms(left < CONNECT_TIMEOUT ? left : CONNECT_TIMEOUT);

	if (curl_easy_setopt(r->exchange.easy, CURLOPT_TIMEOUT_MS, ms) != CURLE_OK ||
		curl_easy_setopt(r->exchange.easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) !=
			CURLE_OK ||
		curl_multi_add_handle(c->multi, r->exchange.easy) != CURLM_OK)
		return false;
	TAILQ_REMOVE(&c->waiting, r, link);
	TAILQ_INSERT_TAIL(&c->running, r, link);
	c->n_running++;
	r->state = REQUEST_RUNNING;
	return true;
}

static size_t count_running(const struct http_client *c, const char *cluster)
{
	const struct transport_request *r;
	size_t n = 0;

	for (r = TAILQ_FIRST(&c->running); r; r = TAILQ_NEXT(r, link))
		n += str_equal(r->cluster, cluster);
	return n;
}

/* The oldest of those who belong to no cluster, else of the cluster that has the fewest on the
 * wire. One whose drivers all hang leaves a quarter of the places to the others. */
static struct transport_request *next_in_line(const struct http_client *c)
{
	size_t most = c->max_parallel - c->max_parallel / 4;
	struct transport_request *next = NULL;
	struct transport_request *r;

	if (c->n_running >= c->max_parallel)
		return NULL;
	for (r = TAILQ_FIRST(&c->waiting); r; r = TAILQ_NEXT(r, link)) {
		size_t n;

		if (!r->cluster)
			return r;
		if (next && str_equal(next->cluster, r->cluster))
			continue;
		n = count_running(c, r->cluster);
		if (n < most) {
			next = r;
			most = n;
		}
	}
	return next;
}

static int on_start(sd_event_source *s, void *userdata)
{
	struct http_client *c = userdata;
	struct transport_request *r;

	(void)s;
	while ((r = next_in_line(c))) {
		usec_t left = usec_sub(r->deadline, clock_boottime());

		if (left == 0)
			break; /* on_expiry()'s, which kicks */
		if (!put_on_wire(r, left)) {
			request_unlink(r);
			deliver_error(r, -EPROTO, "libcurl does not take the request");
			break; /* kicked */
		}
	}
	arm_expiry(c);
	return 0;
}

static int client_send(struct transport *t, const struct transport_ask *ask, transport_done_fn done,
	void *userdata, struct transport_request **ret)
{
	struct http_client *c = (struct http_client *)t;
	_cleanup_(request_freep) struct transport_request *r = NULL;
	const struct endpoint *e = transport_endpoint(ask);
	usec_t timeout = e->timeout ? e->timeout : DEFAULT_TIMEOUT;
	int err = http_exchange_check(ask);

	if (err < 0)
		return err;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->client = c;
	r->done = done;
	r->userdata = userdata;
	r->sent = clock_boottime();
	r->deadline = timeout < USEC_INFINITY - r->sent ? r->sent + timeout : USEC_INFINITY;
	r->exchange.easy = take_easy(c);
	if (!r->exchange.easy)
		return -ENOMEM;
	err = http_exchange_set_up(&r->exchange, r->exchange.easy, c->user_agent, ask);
	if (err < 0)
		return err;
	if (curl_easy_setopt(r->exchange.easy, CURLOPT_PRIVATE, r) != CURLE_OK ||
		str_replace(&r->cluster, e->cluster) < 0)
		return -ENOMEM;
	TAILQ_INSERT_TAIL(&c->waiting, r, link);
	kick(c);
	*ret = TAKE_PTR(r);
	return 0;
}

static void client_cancel(struct transport_request *r)
{
	struct http_client *c = r->client;

	/* The one whose callback is running is freed after it. */
	if (r->state == REQUEST_DELIVERING)
		return;
	request_unlink(r);
	request_free(r);
	kick(c);
}

static const struct transport_ops client_ops = {
	.send = client_send,
	.cancel = client_cancel,
};

static int make_sources(struct http_client *c)
{
	int r;

	r = timer_new(c->event, on_timer, c, &c->timer);
	if (r >= 0)
		r = timer_new(c->event, on_expiry, c, &c->expiry);
	if (r >= 0)
		r = sd_event_add_defer(c->event, &c->start, on_start, c);
	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(c->start, SD_EVENT_OFF);
	return 0;
}

static int make_multi(struct http_client *c)
{
	/* Idle connections that are kept; the oldest goes first. */
	long keep = (long)(c->max_parallel < 256 ? c->max_parallel * 2 : 512);

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	c->curl_ready = true;
	c->multi = curl_multi_init();
	if (!c->multi)
		return -ENOMEM;
	if (curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket) != CURLM_OK ||
		curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) != CURLM_OK ||
		curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer) != CURLM_OK ||
		curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c) != CURLM_OK ||
		curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, keep) != CURLM_OK)
		return -ENOMEM;
	return 0;
}

int http_client_new(
	sd_event *event, const char *user_agent, size_t max_parallel, struct http_client **ret)
{
	_cleanup_(http_client_freep) struct http_client *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->transport.ops = &client_ops;
	c->event = sd_event_ref(event);
	c->max_parallel = max_parallel ? max_parallel : DEFAULT_PARALLEL;
	TAILQ_INIT(&c->waiting);
	TAILQ_INIT(&c->running);
	c->pool = calloc(c->max_parallel, sizeof(CURL *));
	if (!c->pool)
		return -ENOMEM;
	r = str_replace(&c->user_agent, user_agent);
	if (r >= 0)
		r = make_sources(c);
	if (r >= 0)
		r = make_multi(c);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

static void free_requests(struct request_list *list)
{
	struct transport_request *r = TAILQ_FIRST(list);

	while (r) {
		struct transport_request *next = TAILQ_NEXT(r, link);

		request_unlink(r);
		request_free(r);
		r = next;
	}
}

struct http_client *http_client_free(struct http_client *c)
{
	if (!c)
		return NULL;
	assert(!c->delivering);
	free_requests(&c->running);
	free_requests(&c->waiting);
	while (c->n_pool > 0)
		curl_easy_cleanup(c->pool[--c->n_pool]);
	free(c->pool);
	if (c->multi)
		(void)curl_multi_cleanup(c->multi);
	if (c->curl_ready)
		curl_global_cleanup();
	(void)sd_event_source_disable_unref(c->timer);
	(void)sd_event_source_disable_unref(c->expiry);
	(void)sd_event_source_disable_unref(c->start);
	(void)sd_event_unref(c->event);
	free(c->user_agent);
	free(c);
	return NULL;
}

struct transport *http_client_transport(struct http_client *c)
{
	return &c->transport;
}
