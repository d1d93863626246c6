/* SPDX-License-Identifier: Apache-2.0
 * Requests by libcurl on an sd-event loop, with a line of their own before the wire. */
#include "io/http_client.h"

#include <assert.h>
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "base/parse.h"
#include "base/strbuf.h"
#include "io/service.h"

#define DEFAULT_PARALLEL 32
#define DEFAULT_TIMEOUT (10 * USEC_PER_SEC)
#define DEFAULT_MAX_BODY ((size_t)8 * 1024 * 1024)
/* No caller means more; sums of it stay far from overflow. */
#define MAX_MAX_BODY ((size_t)1024 * 1024 * 1024)
#define CONNECT_TIMEOUT_MS 5000L
/* sd-event's own default is a quarter of a second. */
#define TIMER_ACCURACY USEC_PER_MSEC

enum request_state {
	REQUEST_WAITING,
	REQUEST_RUNNING,
	REQUEST_DELIVERING
};

struct transport_request {
	TAILQ_ENTRY(transport_request) link; /* in the client's list that its state names */
	struct http_client *client;
	enum request_state state;
	CURL *easy;
	struct curl_slist *headers;
	transport_done_fn done;
	void *userdata;
	usec_t sent;
	usec_t deadline;
	char *body;
	size_t len;
	size_t size;
	size_t max_body;
	int body_error;    /* why the body was not taken */
	bool headers_done; /* the empty line after them came */
	char error[CURL_ERROR_SIZE];
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

/* What every request has in common. */
static const struct {
	CURLoption option;
	long value;
} fixed_options[] = {
	{CURLOPT_NOSIGNAL, 1},
	{CURLOPT_NETRC, CURL_NETRC_IGNORED},
	{CURLOPT_FOLLOWLOCATION, 0},
	{CURLOPT_UNRESTRICTED_AUTH, 0},
	{CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
	{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
	{CURLOPT_HTTP09_ALLOWED, 0},
	{CURLOPT_TCP_KEEPALIVE, 1},
	/* Do not wait for the resolver's thread when a request ends before it. */
	{CURLOPT_QUICK_EXIT, 1},
};

static const struct {
	CURLcode code;
	int error;
} code_errors[] = {
	{CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT},
	{CURLE_FILESIZE_EXCEEDED, -EMSGSIZE},
	{CURLE_PARTIAL_FILE, -ECONNRESET},
	{CURLE_GOT_NOTHING, -ECONNRESET},
	{CURLE_RECV_ERROR, -ECONNRESET},
	{CURLE_SEND_ERROR, -ECONNRESET},
	{CURLE_COULDNT_CONNECT, -EHOSTUNREACH},
	{CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH},
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
	put_easy(r->client, r->easy);
	curl_slist_free_all(r->headers);
	free(r->body);
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
		(void)curl_multi_remove_handle(c->multi, r->easy);
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

static int code_to_error(const struct transport_request *r, CURLcode code)
{
	long os_error = 0;

	if (r->body_error < 0)
		return r->body_error;
	if (code == CURLE_COULDNT_CONNECT) {
		(void)curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &os_error);
		if (os_error == ECONNREFUSED)
			return -ECONNREFUSED;
	}
	for (size_t i = 0; i < ELEMENTSOF(code_errors); i++)
		if (code_errors[i].code == code)
			return code_errors[i].error;
	return -EPROTO;
}

static const char *error_text(struct transport_request *r, CURLcode code)
{
	if (r->body_error == -EMSGSIZE || code == CURLE_FILESIZE_EXCEEDED)
		(void)snprintf(
			r->error, sizeof(r->error), "the body is over %zu bytes", r->max_body);
	else if (r->body_error < 0)
		return "out of memory";
	/* libcurl quotes the other side here and there. */
	str_sanitize(r->error);
	return r->error[0] != '\0' ? r->error : curl_easy_strerror(code);
}

/* "Text/HTML; charset=x" as "text/html". NULL where there is none, or no memory. */
static char *media_type(CURL *easy)
{
	const char *header = NULL;
	char *type;
	size_t n;

	if (curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &header) != CURLE_OK || !header)
		return NULL;
	header += strspn(header, " \t");
	n = strcspn(header, "; \t");
	type = n > 0 ? strndup(header, n) : NULL;
	for (char *p = type; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return type;
}

static usec_t date_of(CURL *easy)
{
	struct curl_header *header = NULL;
	usec_t date = 0;

	if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return 0;
	return parse_http_date(header->value, &date) < 0 ? 0 : date;
}

static void finish(struct transport_request *r, CURLcode code)
{
	_cleanup_free_ char *type = NULL;
	struct transport_answer answer = {0};
	long status = 0;

	request_unlink(r);
	if (code != CURLE_OK) {
		deliver_error(r, code_to_error(r, code), error_text(r, code));
		return;
	}
	if (!r->headers_done) {
		/* libcurl takes that for an answer without a body. */
		deliver_error(r, -ECONNRESET, "the answer ends within its headers");
		return;
	}
	type = media_type(r->easy);
	(void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	answer.status = (int)status;
	answer.content_type = type;
	answer.body = r->body ? r->body : "";
	answer.len = r->len;
	answer.date = date_of(r->easy);
	answer.wall = clock_realtime();
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
		(void)sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
		return 0;
	}
	(void)sd_event_source_set_time(
		c->timer, clock_boottime() + (usec_t)timeout_ms * USEC_PER_MSEC);
	(void)sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
	return 0;
}

/* One line at a time; those of a "100 Continue", too. */
static size_t on_header(char *data, size_t size, size_t n, void *userdata)
{
	struct transport_request *r = userdata;

	n *= size;
	if (n >= 5 && memcmp(data, "HTTP/", 5) == 0)
		r->headers_done = false;
	else if (n > 0 && (data[0] == '\r' || data[0] == '\n'))
		r->headers_done = true;
	return n;
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
	struct transport_request *r = userdata;

	n *= size;
	if (n > r->max_body - r->len) {
		r->body_error = -EMSGSIZE;
		return CURL_WRITEFUNC_ERROR;
	}
	if (r->len + n + 1 > r->size) {
		size_t wanted = (r->len + n + 1) * 2;
		char *body = realloc(r->body, wanted);

		if (!body) {
			r->body_error = -EPROTO;
			return CURL_WRITEFUNC_ERROR;
		}
		r->body = body;
		r->size = wanted;
	}
	memcpy(r->body + r->len, data, n);
	r->len += n;
	r->body[r->len] = '\0';
	return n;
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
		(void)sd_event_source_set_time(c->expiry, first->deadline);
	(void)sd_event_source_set_enabled(c->expiry, first ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* One per turn of the loop; the timer, then overdue, fires again for the next. */
static int on_expiry(sd_event_source *s, usec_t now, void *userdata)
{
	struct http_client *c = userdata;
	struct transport_request *r = first_to_expire(c);

	(void)s;
	if (r && r->deadline <= now) {
		request_unlink(r);
		deliver_error(r, -ETIMEDOUT, "timed out while it waited in line");
	}
	arm_expiry(c);
	return 0;
}

/* Rounded up, so that libcurl does not give up before the time. */
static long to_ms(usec_t t)
{
	usec_t ms = t / USEC_PER_MSEC + (t % USEC_PER_MSEC != 0);

	return (long)(ms < INT_MAX ? ms : INT_MAX);
}

static bool put_on_wire(struct transport_request *r, usec_t left)
{
	struct http_client *c = r->client;
	long ms = to_ms(left);
	long connect_ms = ms < CONNECT_TIMEOUT_MS ? ms : CONNECT_TIMEOUT_MS;

	if (curl_easy_setopt(r->easy, CURLOPT_TIMEOUT_MS, ms) != CURLE_OK ||
		curl_easy_setopt(r->easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) != CURLE_OK ||
		curl_multi_add_handle(c->multi, r->easy) != CURLM_OK)
		return false;
	TAILQ_REMOVE(&c->waiting, r, link);
	TAILQ_INSERT_TAIL(&c->running, r, link);
	c->n_running++;
	r->state = REQUEST_RUNNING;
	return true;
}

static int on_start(sd_event_source *s, void *userdata)
{
	struct http_client *c = userdata;
	struct transport_request *r;

	(void)s;
	while ((r = TAILQ_FIRST(&c->waiting)) && c->n_running < c->max_parallel) {
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

/* libcurl forgives one slash too few or too many, and would take the path for the host. */
static bool has_authority(const char *url)
{
	const char *colon = strchr(url, ':');

	return colon && colon[1] == '/' && colon[2] == '/' && colon[3] != '/';
}

/* http or https, a host, no user info, and nothing that is not a URL. */
static int check_url(const char *url)
{
	CURLU *u;
	char *scheme = NULL;
	int r = -EINVAL;

	if (!has_authority(url))
		return -EINVAL;
	u = curl_url();
	if (!u)
		return -ENOMEM;
	if (curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		(strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0))
		r = 0;
	curl_free(scheme);
	curl_url_cleanup(u);
	return r;
}

static int check_ask(const struct transport_ask *ask)
{
	static const char *const methods[] = {"GET", "POST", "PATCH", "PUT"};
	bool known = false;

	for (size_t i = 0; i < ELEMENTSOF(methods); i++)
		known = known || str_equal(ask->method, methods[i]);
	if (!known || !ask->url || (ask->body && str_equal(ask->method, "GET")))
		return -EINVAL;
	for (size_t i = 0; ask->headers && ask->headers[i]; i++) {
		const char *h = ask->headers[i];

		if (h[0] == ':' || !strchr(h, ':') || strpbrk(h, "\r\n"))
			return -EINVAL;
	}
	return check_url(ask->url);
}

static int add_header(struct transport_request *r, const char *line)
{
	struct curl_slist *l = curl_slist_append(r->headers, line);

	if (!l)
		return -ENOMEM;
	r->headers = l;
	return 0;
}

static int set_headers(struct transport_request *r, const struct transport_ask *ask)
{
	bool has_type = false;
	int err = 0;

	for (size_t i = 0; err >= 0 && ask->headers && ask->headers[i]; i++) {
		has_type = has_type || strncasecmp(ask->headers[i], "Content-Type:", 13) == 0;
		err = add_header(r, ask->headers[i]);
	}
	/* Without a value libcurl leaves its own header out. */
	if (err >= 0)
		err = add_header(r, "Expect:");
	if (err >= 0 && !has_type)
		err = add_header(r, "Content-Type:");
	if (err >= 0 && curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers) != CURLE_OK)
		err = -ENOMEM;
	return err;
}

static int set_body(CURL *easy, const struct transport_ask *ask)
{
	const char *body = ask->body ? ask->body : "";
	curl_off_t n = (curl_off_t)strlen(body);

	if (str_equal(ask->method, "GET"))
		return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK ? 0 : -ENOMEM;
	/* When a kept connection turns out to be broken, libcurl sends once more by itself, also
	 * what the other side may have done already. Not on a new connection. */
	if (curl_easy_setopt(easy, CURLOPT_POST, 1L) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, ask->method) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, n) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

/* The Content-Length counts encoded bytes, of which an incompressible body has a few more. */
static int set_bounds(struct transport_request *r)
{
	curl_off_t n = (curl_off_t)(r->max_body + r->max_body / 1024 + 1024);

	if (curl_easy_setopt(r->easy, CURLOPT_MAXFILESIZE_LARGE, n) != CURLE_OK ||
		curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, on_header) != CURLE_OK ||
		curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

static int set_options(struct transport_request *r, const struct transport_ask *ask)
{
	const struct {
		CURLoption option;
		const void *value;
	} pointers[] = {
		{CURLOPT_URL, ask->url},
		{CURLOPT_USERAGENT, r->client->user_agent},
		{CURLOPT_PROXY, ""}, /* none, whatever the environment says */
		{CURLOPT_PROTOCOLS_STR, "http,https"},
		{CURLOPT_REDIR_PROTOCOLS_STR, "http,https"},
		{CURLOPT_ACCEPT_ENCODING, ""}, /* all that libcurl decodes */
		{CURLOPT_USERNAME, ask->username},
		{CURLOPT_PASSWORD, ask->username && !ask->password ? "" : ask->password},
		{CURLOPT_CAINFO, ask->ca_file},
		{CURLOPT_ERRORBUFFER, r->error},
		{CURLOPT_PRIVATE, r},
		{CURLOPT_HEADERDATA, r},
		{CURLOPT_WRITEDATA, r},
	};

	for (size_t i = 0; i < ELEMENTSOF(fixed_options); i++)
		if (curl_easy_setopt(r->easy, fixed_options[i].option, fixed_options[i].value) !=
			CURLE_OK)
			return -ENOMEM;
	for (size_t i = 0; i < ELEMENTSOF(pointers); i++)
		if (pointers[i].value && curl_easy_setopt(r->easy, pointers[i].option,
						 pointers[i].value) != CURLE_OK)
			return -ENOMEM;
	if (ask->username &&
		curl_easy_setopt(r->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

static int request_set_up(struct transport_request *r, const struct transport_ask *ask)
{
	int err = set_options(r, ask);

	if (err >= 0)
		err = set_headers(r, ask);
	if (err >= 0)
		err = set_body(r->easy, ask);
	return err < 0 ? err : set_bounds(r);
}

static int client_send(struct transport *t, const struct transport_ask *ask, transport_done_fn done,
	void *userdata, struct transport_request **ret)
{
	struct http_client *c = (struct http_client *)t;
	_cleanup_(request_freep) struct transport_request *r = NULL;
	usec_t timeout = ask->timeout ? ask->timeout : DEFAULT_TIMEOUT;
	int err = check_ask(ask);

	if (err < 0)
		return err;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->client = c;
	r->done = done;
	r->userdata = userdata;
	r->max_body = ask->max_body ? ask->max_body : DEFAULT_MAX_BODY;
	if (r->max_body > MAX_MAX_BODY)
		r->max_body = MAX_MAX_BODY;
	r->sent = clock_boottime();
	r->deadline = timeout < USEC_INFINITY - r->sent ? r->sent + timeout : USEC_INFINITY;
	r->easy = take_easy(c);
	if (!r->easy)
		return -ENOMEM;
	err = request_set_up(r, ask);
	if (err < 0)
		return err;
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

	r = sd_event_add_time(c->event, &c->timer, CLOCK_BOOTTIME, 0, TIMER_ACCURACY, on_timer, c);
	if (r < 0)
		return r;
	r = sd_event_add_time(
		c->event, &c->expiry, CLOCK_BOOTTIME, 0, TIMER_ACCURACY, on_expiry, c);
	if (r < 0)
		return r;
	r = sd_event_add_defer(c->event, &c->start, on_start, c);
	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(c->expiry, SD_EVENT_OFF);
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
