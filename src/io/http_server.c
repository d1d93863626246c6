/* SPDX-License-Identifier: Apache-2.0
 * Small answers over HTTP, by libmicrohttpd's epoll descriptor on an sd-event loop. */
#include "io/http_server.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/strbuf.h"
#include "io/clock.h"
#include "io/gzip.h"
#include "io/tcp_listen.h"

#define MAX_CONNECTIONS 64U
/* Of one user at a Unix socket, root apart: nobody is to keep the others out. */
#define MAX_OF_USER 16U
/* Silence on a connection. */
#define IDLE_SECONDS 15U
/* From the connection's begin, or the end of its last answer, to the end of the next: so that
 * nobody holds a place by a byte now and then. */
#define EXCHANGE_TIMEOUT (60 * USEC_PER_SEC)
#define SWEEP_INTERVAL (5 * USEC_PER_SEC)
#define CONNECTION_MEMORY ((size_t)32 * 1024)
/* An open connection. */
struct client {
	LIST_ENTRY(client) link;
	int fd;
	uid_t uid; /* at a Unix socket */
	usec_t since;
};

/* A request on its way in. */
struct exchange {
	bool post;
	size_t len;
	char body[HTTP_SERVER_MAX_BODY + 1];
};

/* One socket that listens. */
struct listener {
	LIST_ENTRY(listener) link;
	struct http_server *server;
	sd_event_source *io;
	sd_event_source *timer; /* libmicrohttpd's */
	struct MHD_Daemon *mhd;
	bool closed; /* a connection, in this run */
};

struct http_server {
	sd_event *event;
	sd_event_source *sweep;
	http_server_fn fn;
	void *userdata;
	char *path; /* of its Unix socket; NULL: TCP */
	LIST_HEAD(, listener) listeners;
	LIST_HEAD(, client) clients;
};

static const struct {
	const char *name;
	const char *value;
} common_headers[] = {
	{"X-Content-Type-Options", "nosniff"},
	{"Cache-Control", "no-store"},
	{"Vary", "Accept, Accept-Encoding"},
	/* Pages load what this server has, and nothing else; nothing within a page is run. */
	{"Content-Security-Policy",
		"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
	{"Referrer-Policy", "no-referrer"},
};

/* Whether the request comes with a body of other than a known size up to max. */
static bool is_too_large(struct MHD_Connection *connection, size_t max)
{
	const char *length = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t n = 0;

	return MHD_lookup_connection_value(
		       connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
	       (length && (parse_u64(length, &n) < 0 || n > max));
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

/* Who is at the other end of a Unix socket. */
static int read_peer(struct MHD_Connection *connection, struct local_peer *ret)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? local_peer_read(info->connect_fd, ret) : -ENOTSOCK;
}

static enum MHD_Result ask_handler(struct http_server *s, struct MHD_Connection *connection,
	const char *path, const struct exchange *x)
{
	/* Nobody is asked who they are. */
	const struct http_caller anybody = {.role = HTTP_ROLE_READ};
	struct local_peer peer;
	const struct http_server_request request = {
		.path = path,
		.accept = MHD_lookup_connection_value(
			connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT),
		.app = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "app"),
		.sort = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "sort"),
		.find = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "find"),
		.body = x->post ? x->body : NULL,
		.peer = s->path ? &peer : NULL,
		.caller = s->path ? NULL : &anybody,
	};
	struct http_server_reply reply = {0};
	const char *encoding = NULL;

	if ((s->path && read_peer(connection, &peer) < 0) ||
		s->fn(s->userdata, &request, &reply) < 0) {
		free(reply.body);
		return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR);
	}
	assert(reply.status >= 200 && reply.status <= 599);
	if (reply.body &&
		gzip_offered(MHD_lookup_connection_value(
			connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING)) &&
		gzip_replace(&reply.body, &reply.len))
		encoding = "gzip";
	return answer(connection, &reply, encoding);
}

/* The headers are there. */
static enum MHD_Result begin_exchange(struct http_server *s, struct MHD_Connection *connection,
	const char *method, struct exchange **ret)
{
	bool post = s->path && strcmp(method, MHD_HTTP_METHOD_POST) == 0;
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return MHD_NO;
	x->post = post;
	*ret = x;
	if (!post && strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
		strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED);
	if (is_too_large(connection, post ? HTTP_SERVER_MAX_BODY : 0))
		return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE);
	return MHD_YES;
}

/* libmicrohttpd calls when the headers are there, for each part of the body, and again at the end
 * of the request.
 * NOLINTNEXTLINE(readability-function-size): the signature is its own. */
static enum MHD_Result on_request(void *userdata, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *upload_data,
	size_t *upload_data_size, void **context)
{
	struct exchange *x = *context;

	(void)version;
	if (!x)
		return begin_exchange(userdata, connection, method, (struct exchange **)context);
	if (*upload_data_size == 0)
		return ask_handler(userdata, connection, url, x);
	if (!x->post || *upload_data_size > HTTP_SERVER_MAX_BODY - x->len)
		return MHD_NO;
	memcpy(x->body + x->len, upload_data, *upload_data_size);
	x->len += *upload_data_size;
	*upload_data_size = 0;
	return MHD_YES;
}

/* The request is over: the connection's time for the next begins. */
static void on_completed(void *userdata, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct client *client = info ? info->socket_context : NULL;

	(void)userdata;
	(void)code;
	free(*context);
	*context = NULL;
	if (client)
		client->since = clock_boottime();
}

/* Notes whose a connection at a Unix socket is, and hangs up on a user with too many. */
static void follow_user(struct http_server *s, struct client *client)
{
	const struct client *other;
	struct local_peer peer;
	unsigned n = 0;

	if (local_peer_read(client->fd, &peer) < 0)
		return;
	client->uid = peer.uid;
	LIST_FOREACH(other, &s->clients, link)
	n += other->uid == peer.uid;
	if (n >= MAX_OF_USER && peer.uid != 0)
		(void)shutdown(client->fd, SHUT_RDWR);
}

static void on_connection(void *userdata, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	struct listener *l = userdata;
	struct client *client = *context;
	const union MHD_ConnectionInfo *info;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (client)
			LIST_REMOVE(client, link);
		free(client);
		*context = NULL;
		l->closed = true;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	client = info ? calloc(1, sizeof(*client)) : NULL;
	if (!client)
		return; /* only the idle limit holds for it */
	client->fd = info->connect_fd;
	client->since = clock_boottime();
	if (l->server->path)
		follow_user(l->server, client);
	LIST_INSERT_HEAD(&l->server->clients, client, link);
	*context = client;
}

/* Lets libmicrohttpd work and sets the timer to when it wants to be called next. */
static void run(struct listener *l)
{
	MHD_UNSIGNED_LONG_LONG ms = 0;

	l->closed = false;
	(void)MHD_run(l->mhd);
	if (l->closed) {
		/* At the limit of connections libmicrohttpd does not watch for more; that one has
		 * ended it sees at its next run, for which it does not ask. */
		ms = 0;
	} else if (MHD_get_timeout(l->mhd, &ms) != MHD_YES) {
		timer_off(l->timer);
		return;
	}
	if (ms > USEC_PER_HOUR / USEC_PER_MSEC)
		ms = USEC_PER_HOUR / USEC_PER_MSEC;
	(void)timer_in_library_ms(l->timer, ms);
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

	(void)now;
	LIST_FOREACH(client, &s->clients, link)
	if (usec_sub(clock_boottime(), client->since) > EXCHANGE_TIMEOUT)
		(void)shutdown(client->fd, SHUT_RDWR);
	return timer_in(source, SWEEP_INTERVAL);
}

/* Takes fd over. */
static int start_mhd(struct listener *l, int fd)
{
	l->mhd = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, l->server,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, l->server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, l,
		MHD_OPTION_END);
	if (l->mhd)
		return 0;
	(void)close(fd);
	return -ENOMEM;
}

static int make_sources(struct listener *l)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	sd_event *event = l->server->event;
	int r;

	if (!info)
		return -ENOTSUP;
	r = sd_event_add_io(event, &l->io, info->epoll_fd, EPOLLIN, on_ready, l);
	if (r < 0)
		return r;
	r = timer_new(event, on_timer, l, &l->timer);
	return r < 0 ? r : timer_in_library_ms(l->timer, 0);
}

/* Closes its socket and its connections, too. */
static void drop_listener(struct listener *l)
{
	LIST_REMOVE(l, link);
	(void)sd_event_source_disable_unref(l->io);
	(void)sd_event_source_disable_unref(l->timer);
	if (l->mhd)
		MHD_stop_daemon(l->mhd);
	free(l);
}

int http_server_take(struct http_server *s, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l) {
		(void)close(fd);
		return -ENOMEM;
	}
	l->server = s;
	LIST_INSERT_HEAD(&s->listeners, l, link);
	r = start_mhd(l, fd);
	if (r >= 0)
		r = make_sources(l);
	if (r < 0)
		drop_listener(l);
	return r;
}

static int fail(int error, const char *listen_at, char **reterr)
{
	const char *text = strerror(-error);

	if (error == -EINVAL)
		text = "not an address such as 127.0.0.1:14040, [::1]:14040 or :14040";
	(void)str_printf(reterr, "%s: %s", listen_at, text);
	return error;
}

int http_server_listen(
	struct http_server *s, const char *listen_at, unsigned *ret_port, char **reterr)
{
	unsigned port;
	int fd = -1;
	int r;

	r = tcp_listen(listen_at, &fd);
	if (r < 0)
		return fail(r, listen_at, reterr);
	port = tcp_port(fd);
	r = http_server_take(s, fd);
	if (r < 0)
		return fail(r, listen_at, reterr);
	*ret_port = port;
	return 0;
}

int http_server_new(sd_event *event, http_server_fn fn, void *userdata, struct http_server **ret)
{
	_cleanup_(http_server_freep) struct http_server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->event = sd_event_ref(event);
	s->fn = fn;
	s->userdata = userdata;
	LIST_INIT(&s->listeners);
	LIST_INIT(&s->clients);
	r = timer_new(event, on_sweep, s, &s->sweep);
	if (r >= 0)
		r = timer_in(s->sweep, SWEEP_INTERVAL);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

int http_server_new_local(sd_event *event, const char *path, http_server_fn fn, void *userdata,
	struct http_server **ret, char **reterr)
{
	_cleanup_(http_server_freep) struct http_server *s = NULL;
	_cleanup_free_ char *copy = strdup(path);
	int fd = -1;
	int r;

	if (!copy)
		return -ENOMEM;
	r = http_server_new(event, fn, userdata, &s);
	if (r >= 0)
		r = local_socket_listen(path, &fd);
	if (r >= 0) {
		s->path = TAKE_PTR(copy);
		r = http_server_take(s, fd);
	}
	if (r < 0) {
		(void)str_printf(reterr, "%s: %s", path,
			r == -EADDRINUSE ? "another daemon listens there" : strerror(-r));
		return r;
	}
	*ret = TAKE_PTR(s);
	return 0;
}

struct http_server *http_server_free(struct http_server *s)
{
	if (!s)
		return NULL;
	while (!LIST_EMPTY(&s->listeners))
		drop_listener(LIST_FIRST(&s->listeners));
	(void)sd_event_source_disable_unref(s->sweep);
	if (s->path)
		(void)unlink(s->path);
	free(s->path);
	(void)sd_event_unref(s->event);
	free(s);
	return NULL;
}
