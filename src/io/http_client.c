/* SPDX-License-Identifier: Apache-2.0
 * libcurl's multi-socket interface driven by sd-event. */
#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/parse.h"
#include "base/strbuf.h"
#include "io/http_client.h"
#include "io/service.h"

#define DEFAULT_TIMEOUT (10 * USEC_PER_SEC)
#define DEFAULT_MAX_BODY ((size_t)8 * 1024 * 1024)
#define DEFAULT_PARALLEL 32
/* Of the whole exchange, so much may be spent on connecting. */
#define CONNECT_TIMEOUT (5 * USEC_PER_SEC)
/* Idle handles kept for the next requests: each keeps its buffers, not its connection (that is the
 * multi handle's). */
#define MAX_IDLE_HANDLES 16

struct transport_request {
	struct http_client *client;
	struct transport_request *prev;
	struct transport_request *next;
	CURL *easy;
	bool on_wire; /* added to the multi handle */
	struct curl_slist *headers;
	char *url;
	char *method;
	char *body;
	char *username;
	char *password;
	char *ca_file;
	usec_t began;
	usec_t deadline;
	size_t max_body;
	struct strbuf received;
	bool too_large;
	char error[CURL_ERROR_SIZE];
	transport_done_fn done;
	void *userdata;
};

struct http_client {
	struct transport transport;
	sd_event *event;
	sd_event_source *timer;  /* curl's */
	sd_event_source *expiry; /* of requests that wait in line, and the start of new ones */
	CURLM *multi;
	char *user_agent;
	size_t max_parallel;
	size_t n_on_wire;
	struct transport_request *first; /* in order of arrival */
	struct transport_request *last;
	CURL *idle[MAX_IDLE_HANDLES];
	size_t n_idle;
	bool in_callback;
	bool closing;
};

static void pump(struct http_client *c);

static void wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void request_unlink(struct transport_request *r)
{
	struct http_client *c = r->client;

	if (r->prev)
		r->prev->next = r->next;
	else
		c->first = r->next;
	if (r->next)
		r->next->prev = r->prev;
	else
		c->last = r->prev;
}

static void request_stop(struct transport_request *r)
{
	struct http_client *c = r->client;

	if (!r->on_wire)
		return;
	(void)curl_multi_remove_handle(c->multi, r->easy);
	c->n_on_wire--;
	r->on_wire = false;
	/* A handle that is reset forgets all of its options, credentials among them. */
	curl_easy_reset(r->easy);
	if (c->n_idle < MAX_IDLE_HANDLES)
		c->idle[c->n_idle++] = TAKE_PTR(r->easy);
	else
		curl_easy_cleanup(TAKE_PTR(r->easy));
}

static void request_free(struct transport_request *r)
{
	if (!r)
		return;
	curl_slist_free_all(r->headers);
	free(r->url);
	free(r->method);
	wipe(r->body);
	free(r->username);
	wipe(r->password);
	free(r->ca_file);
	strbuf_clear(&r->received);
	free(r);
}

static int errno_of(const struct transport_request *r, CURLcode code)
{
	long os_errno = 0;

	if (r->too_large)
		return -EMSGSIZE;
	switch ((int)code) {
	case CURLE_COULDNT_CONNECT:
		(void)curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &os_errno);
		return os_errno == ECONNREFUSED ? -ECONNREFUSED : -EHOSTUNREACH;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_FILESIZE_EXCEEDED:
		return -EMSGSIZE;
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
		return -ECONNRESET;
	case CURLE_COULDNT_RESOLVE_HOST:
		return -EHOSTUNREACH;
	default:
		return -EPROTO;
	}
}

/* Without its parameters, lower case, in buf. NULL when absent. */
static const char *content_type(CURL *easy, char *buf, size_t n)
{
	char *type = NULL;
	size_t len;

	(void)curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
	if (!type)
		return NULL;
	len = strcspn(type, "; \t");
	if (len >= n)
		len = n - 1;
	for (size_t i = 0; i < len; i++)
		buf[i] = (char)(type[i] >= 'A' && type[i] <= 'Z' ? type[i] - 'A' + 'a' : type[i]);
	buf[len] = '\0';
	return buf;
}

static usec_t date_of(CURL *easy)
{
	struct curl_header *header = NULL;
	usec_t date = 0;

	if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
		parse_http_date(header->value, &date) >= 0)
		return date;
	return 0;
}

static void call_back(struct transport_request *r, struct transport_answer *answer)
{
	struct http_client *c = r->client;
	bool nested = c->in_callback;

	answer->received = clock_boottime();
	answer->took = usec_sub(answer->received, r->began);
	request_unlink(r);
	c->in_callback = true;
	r->done(r->userdata, answer);
	c->in_callback = nested;
	request_free(r);
}

static void finish_answered(struct transport_request *r)
{
	struct transport_answer answer = {0};
	char type[128];
	long status = 0;

	(void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	answer.status = (int)status;
	answer.content_type = content_type(r->easy, type, sizeof(type));
	answer.date = date_of(r->easy);
	answer.body = r->received.text ? r->received.text : "";
	answer.len = r->received.len;
	request_stop(r);
	call_back(r, &answer);
}

static void finish_failed(struct transport_request *r, int error, const char *text)
{
	struct transport_answer answer = {.error = error, .error_text = text, .body = ""};

	if (r->too_large)
		answer.error_text = "the answer is larger than allowed";
	request_stop(r);
	call_back(r, &answer);
}

static void take_finished(struct http_client *c)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(c->multi, &left))) {
		struct transport_request *r = NULL;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &r);
		if (code == CURLE_OK && r->received.failed)
			finish_failed(r, -EPROTO, "out of memory");
		else if (code == CURLE_OK)
			finish_answered(r);
		else
			finish_failed(r, errno_of(r, code),
				r->error[0] ? r->error : curl_easy_strerror(code));
	}
	pump(c);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct http_client *c = userdata;
	int running;
	int mask = 0;

	(void)source;
	if (revents & (EPOLLIN | EPOLLHUP))
		mask |= CURL_CSELECT_IN;
	if (revents & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (revents & EPOLLERR)
		mask |= CURL_CSELECT_ERR;
	(void)curl_multi_socket_action(c->multi, fd, mask, &running);
	take_finished(c);
	return 0;
}

static int on_curl_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct http_client *c = userdata;
	int running;

	(void)source;
	(void)usec;
	(void)curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_finished(c);
	return 0;
}

static int on_expiry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	pump(userdata);
	return 0;
}

static int curl_wants_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socketp)
{
	struct http_client *c = userdata;
	sd_event_source *source = socketp;
	uint32_t events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		sd_event_source_disable_unref(source);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	if (source)
		return sd_event_source_set_io_events(source, events) < 0 ? -1 : 0;
	if (sd_event_add_io(c->event, &source, fd, events, on_io, c) < 0)
		return -1;
	(void)curl_multi_assign(c->multi, fd, source);
	return 0;
}

static int arm(sd_event_source *source, usec_t delay)
{
	int r = sd_event_source_set_time_relative(source, delay);

	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int curl_wants_timer(CURLM *multi, long timeout_ms, void *userdata)
{
	struct http_client *c = userdata;

	(void)multi;
	if (timeout_ms < 0)
		return sd_event_source_set_enabled(c->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
	return arm(c->timer, (usec_t)timeout_ms * USEC_PER_MSEC) < 0 ? -1 : 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
	struct transport_request *r = userdata;

	if (size * n > r->max_body - r->received.len) {
		r->too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	strbuf_add_n(&r->received, data, size * n);
	return size * n;
}

static CURL *take_handle(struct http_client *c)
{
	return c->n_idle > 0 ? c->idle[--c->n_idle] : curl_easy_init();
}

/* The environment (proxies, .netrc) must not lead a request, and its credentials, astray. */
static void set_fences(CURL *e)
{
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(e, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	(void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L);
	(void)curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
	(void)curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	/* At cleanup do not wait for the thread that resolves a name. */
	(void)curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
}

static void set_request(struct transport_request *r, CURL *e)
{
	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, r);
	(void)curl_easy_setopt(e, CURLOPT_URL, r->url);
	(void)curl_easy_setopt(e, CURLOPT_USERAGENT, r->client->user_agent);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->error);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
	if (r->body) {
		(void)curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body);
		(void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(r->body));
	}
	(void)curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, r->method);
	(void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, r->headers);
	if (r->username) {
		(void)curl_easy_setopt(e, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		(void)curl_easy_setopt(e, CURLOPT_USERNAME, r->username);
		(void)curl_easy_setopt(e, CURLOPT_PASSWORD, r->password ? r->password : "");
	}
	if (r->ca_file)
		(void)curl_easy_setopt(e, CURLOPT_CAINFO, r->ca_file);
}

static void set_times(struct transport_request *r, CURL *e)
{
	usec_t left = usec_sub(r->deadline, clock_boottime());
	usec_t connect = left < CONNECT_TIMEOUT ? left : CONNECT_TIMEOUT;

	/* 0 would mean for ever. */
	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(left / USEC_PER_MSEC) + 1);
	(void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect / USEC_PER_MSEC) + 1);
}

static void request_start(struct transport_request *r)
{
	struct http_client *c = r->client;

	r->easy = take_handle(c);
	if (!r->easy) {
		finish_failed(r, -EPROTO, "out of memory");
		return;
	}
	set_fences(r->easy);
	set_request(r, r->easy);
	set_times(r, r->easy);
	r->on_wire = true;
	c->n_on_wire++;
	if (curl_multi_add_handle(c->multi, r->easy) != CURLM_OK)
		finish_failed(r, -EPROTO, "libcurl did not take the request");
}

static struct transport_request *first_waiting(struct http_client *c)
{
	struct transport_request *r = c->first;

	while (r && r->on_wire)
		r = r->next;
	return r;
}

/* The request in line whose time is over; requests in line can have different limits. */
static struct transport_request *first_expired(struct http_client *c)
{
	usec_t now = clock_boottime();

	for (struct transport_request *r = c->first; r; r = r->next)
		if (!r->on_wire && r->deadline <= now)
			return r;
	return NULL;
}

static void arm_expiry(struct http_client *c)
{
	usec_t next = USEC_INFINITY;

	for (struct transport_request *r = c->first; r; r = r->next)
		if (!r->on_wire && r->deadline < next)
			next = r->deadline;
	if (next == USEC_INFINITY)
		(void)sd_event_source_set_enabled(c->expiry, SD_EVENT_OFF);
	else
		(void)arm(c->expiry, usec_sub(next, clock_boottime()));
}

/* Begins what may begin and ends what has waited too long. Only ever called from the event loop. */
static void pump(struct http_client *c)
{
	struct transport_request *r;

	while ((r = first_expired(c)))
		finish_failed(r, -ETIMEDOUT, "timed out while waiting in line");
	while (c->n_on_wire < c->max_parallel && (r = first_waiting(c)))
		request_start(r);
	arm_expiry(c);
}

/* http or https, a host, and nobody's name and password. */
static bool url_allowed(const char *url)
{
	CURLU *u = curl_url();
	char *part = NULL;
	bool ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK;

	if (ok && curl_url_get(u, CURLUPART_SCHEME, &part, 0) == CURLUE_OK)
		ok = str_equal(part, "http") || str_equal(part, "https");
	curl_free(part);
	part = NULL;
	if (ok && curl_url_get(u, CURLUPART_USER, &part, 0) == CURLUE_OK)
		ok = false;
	curl_free(part);
	curl_url_cleanup(u);
	return ok;
}

static bool method_allowed(const char *method)
{
	static const char *const methods[] = {"GET", "POST", "PATCH", "PUT"};

	for (size_t i = 0; i < ELEMENTSOF(methods); i++)
		if (str_equal(methods[i], method))
			return true;
	return false;
}

static int add_header(struct transport_request *r, const char *line)
{
	struct curl_slist *list = curl_slist_append(r->headers, line);

	if (!list)
		return -ENOMEM;
	r->headers = list;
	return 0;
}

static int request_fill(struct transport_request *r, const struct transport_ask *ask)
{
	/* Without it libcurl waits for a "100 Continue" before larger bodies. */
	int k = add_header(r, "Expect:");

	for (size_t i = 0; k >= 0 && ask->headers && ask->headers[i]; i++)
		k = add_header(r, ask->headers[i]);
	if (k >= 0)
		k = str_replace(&r->url, ask->url);
	if (k >= 0)
		k = str_replace(&r->method, ask->method);
	if (k >= 0)
		k = str_replace(&r->body, ask->body);
	if (k >= 0)
		k = str_replace(&r->username, ask->username);
	if (k >= 0)
		k = str_replace(&r->password, ask->password);
	if (k >= 0)
		k = str_replace(&r->ca_file, ask->ca_file);
	return k;
}

static int client_send(struct transport *t, const struct transport_ask *ask, transport_done_fn done,
	void *userdata, struct transport_request **ret)
{
	struct http_client *c = (struct http_client *)t;
	struct transport_request *r;
	int k;

	if (c->closing)
		return -ESHUTDOWN;
	if (!url_allowed(ask->url) || !method_allowed(ask->method))
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	k = request_fill(r, ask);
	/* It starts from the loop, never from here, so that no callback comes before this returns.
	 */
	if (k >= 0)
		k = arm(c->expiry, 0);
	if (k < 0) {
		request_free(r);
		return k;
	}
	r->client = c;
	r->began = clock_boottime();
	r->deadline = r->began + (ask->timeout ? ask->timeout : DEFAULT_TIMEOUT);
	r->max_body = ask->max_body ? ask->max_body : DEFAULT_MAX_BODY;
	r->done = done;
	r->userdata = userdata;
	r->prev = c->last;
	if (c->last)
		c->last->next = r;
	else
		c->first = r;
	c->last = r;
	*ret = r;
	return 0;
}

static void client_cancel(struct transport_request *r)
{
	struct http_client *c = r->client;

	request_stop(r);
	request_unlink(r);
	request_free(r);
	/* Its place on the wire is free. */
	if (!c->closing)
		(void)arm(c->expiry, 0);
}

static const struct transport_ops client_ops = {.send = client_send, .cancel = client_cancel};

struct transport *http_client_transport(struct http_client *c)
{
	return &c->transport;
}

static int client_open(struct http_client *c)
{
	int r;

	r = sd_event_add_time(c->event, &c->timer, CLOCK_BOOTTIME, 0, 0, on_curl_timer, c);
	if (r >= 0)
		r = sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time(c->event, &c->expiry, CLOCK_BOOTTIME, 0, 0, on_expiry, c);
	if (r >= 0)
		r = sd_event_source_set_enabled(c->expiry, SD_EVENT_OFF);
	if (r < 0)
		return r;
	c->multi = curl_multi_init();
	if (!c->multi)
		return -ENOMEM;
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, curl_wants_socket);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, curl_wants_timer);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	return 0;
}

int http_client_new(
	sd_event *event, const char *user_agent, size_t max_parallel, struct http_client **ret)
{
	_cleanup_(http_client_freep) struct http_client *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(TAKE_PTR(c));
		return -ENOMEM;
	}
	c->transport.ops = &client_ops;
	c->event = sd_event_ref(event);
	c->max_parallel = max_parallel ? max_parallel : DEFAULT_PARALLEL;
	r = str_replace(&c->user_agent, user_agent);
	if (r >= 0)
		r = client_open(c);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

struct http_client *http_client_free(struct http_client *c)
{
	if (!c)
		return NULL;
	assert(!c->in_callback);
	c->closing = true;
	while (c->first)
		client_cancel(c->first);
	for (size_t i = 0; i < c->n_idle; i++)
		curl_easy_cleanup(c->idle[i]);
	if (c->multi)
		(void)curl_multi_cleanup(c->multi);
	sd_event_source_disable_unref(c->timer);
	sd_event_source_disable_unref(c->expiry);
	sd_event_unref(c->event);
	free(c->user_agent);
	free(c);
	curl_global_cleanup();
	return NULL;
}
