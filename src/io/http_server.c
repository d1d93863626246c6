/* SPDX-License-Identifier: Apache-2.0
 * Small answers over HTTP, by libmicrohttpd's epoll descriptor on an sd-event loop. */
#include "io/http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <zlib.h>

#include "base/parse.h"
#include "base/strbuf.h"
#include "io/service.h"

#define MAX_CONNECTIONS 64U
/* Silence on a connection. */
#define IDLE_SECONDS 15U
/* From the connection's begin, or the end of its last answer, to the end of the next: so that
 * nobody holds a place by a byte now and then. */
#define EXCHANGE_TIMEOUT (60 * USEC_PER_SEC)
#define SWEEP_INTERVAL (5 * USEC_PER_SEC)
#define CONNECTION_MEMORY ((size_t)32 * 1024)
/* Smaller bodies fit a packet or two as they are. */
#define GZIP_MIN ((size_t)512)
#define GZIP_LEVEL 6
#define GZIP_WINDOW (15 + 16) /* zlib's way to ask for the gzip format */

/* An open connection. */
struct client {
	LIST_ENTRY(client) link;
	int fd;
	usec_t since;
};

struct http_server {
	sd_event *event;
	sd_event_source *io;
	sd_event_source *timer; /* libmicrohttpd's */
	sd_event_source *sweep;
	struct MHD_Daemon *mhd;
	http_server_fn fn;
	void *userdata;
	unsigned port;
	LIST_HEAD(, client) clients;
	bool closed; /* a connection, in this run */
};

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

static const struct {
	const char *name;
	const char *value;
} common_headers[] = {
	{"X-Content-Type-Options", "nosniff"},
	{"Cache-Control", "no-store"},
	{"Vary", "Accept, Accept-Encoding"},
};

/* Does libmicrohttpd's request come with a body? None is asked for. */
static bool has_body(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return MHD_lookup_connection_value(
		       connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
	       (length && strspn(length, "0") != strlen(length));
}

/* Is the quality after an element's name, "" or ";q=0.5", other than 0? */
static bool has_quality(const char *s, const char *end)
{
	while (s < end && strchr("; \t", *s))
		s++;
	if (s == end)
		return true;
	if (end - s < 3 || strncasecmp(s, "q=", 2) != 0)
		return false;
	for (s += 2; s < end; s++)
		if (*s >= '1' && *s <= '9')
			return true;
	return false;
}

/* What Accept-Encoding says of gzip by name holds, whatever it says of all by '*'. */
static bool offers_gzip(const char *accept)
{
	bool all = false;

	while (accept && *accept) {
		const char *name = accept + strspn(accept, " \t,");
		const char *end = name + strcspn(name, ",");
		size_t n = strcspn(name, "; \t,");

		if (n == 4 && strncasecmp(name, "gzip", n) == 0)
			return has_quality(name + n, end);
		if (n == 1 && *name == '*')
			all = has_quality(name + n, end);
		accept = end;
	}
	return all;
}

/* The reply's body in the gzip format in its place; as it was where that fails or does not pay. */
static bool gzip_reply(struct http_server_reply *reply)
{
	z_stream z = {0};
	unsigned char *out;
	bool done = false;

	if (reply->len > UINT32_MAX / 2 || deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
						   Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	out = malloc(reply->len);
	if (out) {
		z.next_in = (unsigned char *)reply->body;
		z.avail_in = (unsigned)reply->len;
		z.next_out = out;
		z.avail_out = (unsigned)reply->len;
		done = deflate(&z, Z_FINISH) == Z_STREAM_END;
	}
	(void)deflateEnd(&z);
	if (!done) {
		free(out);
		return false;
	}
	free(reply->body);
	reply->body = (char *)out;
	reply->len -= z.avail_out;
	return true;
}

static bool add_common_headers(struct MHD_Response *response)
{
	for (size_t i = 0; i < ELEMENTSOF(common_headers); i++)
		if (MHD_add_response_header(
			    response, common_headers[i].name, common_headers[i].value) != MHD_YES)
			return false;
	return true;
}

/* Takes the reply's body over. */
static enum MHD_Result answer(
	struct MHD_Connection *connection, struct http_server_reply *reply, const char *encoding)
{
	struct MHD_Response *response;
	enum MHD_Result result = MHD_NO;
	bool ok;

	response = MHD_create_response_from_buffer(reply->body ? reply->len : 0, reply->body,
		reply->body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	if (!response) {
		free(reply->body);
		return MHD_NO;
	}
	ok = add_common_headers(response);
	if (ok && reply->content_type)
		ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
			     reply->content_type) == MHD_YES;
	if (ok && encoding)
		ok = MHD_add_response_header(
			     response, MHD_HTTP_HEADER_CONTENT_ENCODING, encoding) == MHD_YES;
	if (ok && reply->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		ok = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") ==
		     MHD_YES;
	if (ok)
		result = MHD_queue_response(connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, int status)
{
	struct http_server_reply reply = {.status = status};

	return answer(connection, &reply, NULL);
}

static enum MHD_Result ask_handler(
	struct http_server *s, struct MHD_Connection *connection, const char *path)
{
	const struct http_server_request request = {
		.path = path,
		.accept = MHD_lookup_connection_value(
			connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT),
		.app = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "app"),
	};
	struct http_server_reply reply = {0};
	const char *encoding = NULL;

	if (s->fn(s->userdata, &request, &reply) < 0) {
		free(reply.body);
		return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR);
	}
	assert(reply.status >= 200 && reply.status <= 599);
	if (reply.body && reply.len > GZIP_MIN &&
		offers_gzip(MHD_lookup_connection_value(
			connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING)) &&
		gzip_reply(&reply))
		encoding = "gzip";
	return answer(connection, &reply, encoding);
}

/* libmicrohttpd calls when the headers are there and again at the end of the request.
 * NOLINTNEXTLINE(readability-function-size): the signature is its own. */
static enum MHD_Result on_request(void *userdata, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *upload_data,
	size_t *upload_data_size, void **context)
{
	(void)version;
	(void)upload_data;
	if (!*context) {
		*context = userdata;
		if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
			strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
			return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED);
		if (has_body(connection))
			return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE);
		return MHD_YES;
	}
	if (*upload_data_size > 0)
		return MHD_NO;
	return ask_handler(userdata, connection, url);
}

/* The request is over: the connection's time for the next begins. */
static void on_completed(void *userdata, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct client *client = info ? info->socket_context : NULL;

	(void)userdata;
	(void)context;
	(void)code;
	if (client)
		client->since = clock_boottime();
}

static void on_connection(void *userdata, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = userdata;
	struct client *client = *context;
	const union MHD_ConnectionInfo *info;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (client)
			LIST_REMOVE(client, link);
		free(client);
		*context = NULL;
		s->closed = true;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	client = info ? calloc(1, sizeof(*client)) : NULL;
	if (!client)
		return; /* only the idle limit holds for it */
	client->fd = info->connect_fd;
	client->since = clock_boottime();
	LIST_INSERT_HEAD(&s->clients, client, link);
	*context = client;
}

/* Lets libmicrohttpd work and sets the timer to when it wants to be called next. */
static void run(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG ms = 0;

	s->closed = false;
	(void)MHD_run(s->mhd);
	if (s->closed) {
		/* At the limit of connections libmicrohttpd does not watch for more; that one has
		 * ended it sees at its next run, for which it does not ask. */
		ms = 0;
	} else if (MHD_get_timeout(s->mhd, &ms) != MHD_YES) {
		(void)sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
		return;
	}
	if (ms > USEC_PER_HOUR / USEC_PER_MSEC)
		ms = USEC_PER_HOUR / USEC_PER_MSEC;
	(void)sd_event_source_set_time(s->timer, clock_boottime() + ms * USEC_PER_MSEC);
	(void)sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static int on_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	run(userdata);
	return 0;
}

static int on_timer(sd_event_source *source, usec_t now, void *userdata)
{
	(void)source;
	(void)now;
	run(userdata);
	return 0;
}

/* Hangs up on those who take too long; libmicrohttpd finds the socket ended. */
static int on_sweep(sd_event_source *source, usec_t now, void *userdata)
{
	struct http_server *s = userdata;
	const struct client *client;

	LIST_FOREACH(client, &s->clients, link)
	if (usec_sub(now, client->since) > EXCHANGE_TIMEOUT)
		(void)shutdown(client->fd, SHUT_RDWR);
	(void)sd_event_source_set_time(source, now + SWEEP_INTERVAL);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

/* "127.0.0.1", "[::1]" or, for all addresses, "". */
static bool parse_host(const char *host, uint16_t port, union address *ret)
{
	size_t n = strlen(host);
	char inner[INET6_ADDRSTRLEN] = {0};

	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons(port);
	if (n == 0) {
		ret->in6.sin6_addr = in6addr_any;
		return true;
	}
	if (host[0] == '[') {
		if (host[n - 1] != ']' || n - 2 >= sizeof(inner))
			return false;
		memcpy(inner, host + 1, n - 2);
		return inet_pton(AF_INET6, inner, &ret->in6.sin6_addr) == 1;
	}
	memset(ret, 0, sizeof(*ret));
	ret->in.sin_family = AF_INET;
	ret->in.sin_port = htons(port);
	return inet_pton(AF_INET, host, &ret->in.sin_addr) == 1;
}

static int parse_listen(const char *listen_at, union address *ret)
{
	const char *colon = strrchr(listen_at, ':');
	_cleanup_free_ char *host = NULL;
	uint64_t port;

	if (!colon || parse_u64(colon + 1, &port) < 0 || port > UINT16_MAX)
		return -EINVAL;
	host = strndup(listen_at, (size_t)(colon - listen_at));
	if (!host)
		return -ENOMEM;
	return parse_host(host, (uint16_t)port, ret) ? 0 : -EINVAL;
}

int http_server_check(const char *listen_at)
{
	union address address;

	return parse_listen(listen_at, &address);
}

static int set_up_socket(int fd, const union address *a, bool only_v6)
{
	socklen_t len = a->any.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
	const int yes = 1;
	const int v6only = only_v6;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0)
		return -errno;
	if (a->any.sa_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)) < 0)
		return -errno;
	if (bind(fd, &a->any, len) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	return 0;
}

static int bind_socket(const union address *a, bool only_v6, int *ret_fd)
{
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = set_up_socket(fd, a, only_v6);
	if (r < 0)
		(void)close(fd);
	else
		*ret_fd = fd;
	return r;
}

static int open_socket(const char *listen_at, int *ret_fd)
{
	union address a = {0};
	int r;

	r = parse_listen(listen_at, &a);
	if (r < 0)
		return r;
	r = bind_socket(&a, listen_at[0] != ':', ret_fd);
	if (r == -EAFNOSUPPORT && listen_at[0] == ':') {
		/* All addresses of a host without IPv6. */
		const in_port_t port = a.in6.sin6_port;

		a = (union address){.in = {.sin_family = AF_INET, .sin_port = port}};
		r = bind_socket(&a, false, ret_fd);
	}
	return r;
}

static unsigned port_of(int fd)
{
	union address a = {0};
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.any, &len) < 0)
		return 0;
	return ntohs(a.any.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
}

/* Takes fd over. */
static int start_mhd(struct http_server *s, int fd)
{
	s->port = port_of(fd);
	s->mhd = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, s,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_END);
	if (s->mhd)
		return 0;
	(void)close(fd);
	return -ENOMEM;
}

static int make_sources(struct http_server *s)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	if (!info)
		return -ENOTSUP;
	r = sd_event_add_io(s->event, &s->io, info->epoll_fd, EPOLLIN, on_ready, s);
	if (r < 0)
		return r;
	r = sd_event_add_time(s->event, &s->timer, CLOCK_BOOTTIME, 0, USEC_PER_MSEC, on_timer, s);
	if (r < 0)
		return r;
	return sd_event_add_time(s->event, &s->sweep, CLOCK_BOOTTIME,
		clock_boottime() + SWEEP_INTERVAL, USEC_PER_SEC, on_sweep, s);
}

static int fail(int error, const char *listen_at, char **reterr)
{
	const char *text = strerror(-error);

	if (error == -EINVAL)
		text = "not an address such as 127.0.0.1:14040, [::1]:14040 or :14040";
	(void)str_printf(reterr, "%s: %s", listen_at, text);
	return error;
}

int http_server_new(sd_event *event, const char *listen_at, http_server_fn fn, void *userdata,
	struct http_server **ret, char **reterr)
{
	_cleanup_(http_server_freep) struct http_server *s = calloc(1, sizeof(*s));
	int fd = -1;
	int r;

	if (!s)
		return -ENOMEM;
	s->event = sd_event_ref(event);
	s->fn = fn;
	s->userdata = userdata;
	LIST_INIT(&s->clients);
	r = open_socket(listen_at, &fd);
	if (r >= 0)
		r = start_mhd(s, fd);
	if (r >= 0)
		r = make_sources(s);
	if (r < 0)
		return fail(r, listen_at, reterr);
	*ret = TAKE_PTR(s);
	return 0;
}

unsigned http_server_port(const struct http_server *s)
{
	return s->port;
}

struct http_server *http_server_free(struct http_server *s)
{
	if (!s)
		return NULL;
	(void)sd_event_source_disable_unref(s->io);
	(void)sd_event_source_disable_unref(s->timer);
	(void)sd_event_source_disable_unref(s->sweep);
	/* Closes the listening socket and the connections, too. */
	if (s->mhd)
		MHD_stop_daemon(s->mhd);
	(void)sd_event_unref(s->event);
	free(s);
	return NULL;
}
