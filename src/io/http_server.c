/* SPDX-License-Identifier: Apache-2.0
 * Small answers over HTTP, by libmicrohttpd's epoll descriptor on an sd-event loop. */
#include "io/http_server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
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
#include "io/http_head.h"
#include "io/http_tls.h"
#include "io/http_visit.h"
#include "io/tcp_listen.h"

/* At its limit libmicrohttpd lets nobody in. Ours comes before, and lets the newest in. */
#define LIBRARY_MAX_CONNECTIONS (2 * HTTP_CONNECTIONS_MAX)
/* Silence on a connection. */
#define IDLE_SECONDS 15U
#define CONNECTION_MEMORY ((size_t)32 * 1024)
/* Until it is looked for a descriptor again. */
#define DESCRIPTOR_PAUSE (100 * USEC_PER_MSEC)

/* What goes with a connection. */
struct attachment {
	struct http_connection *connection;
	struct http_tls *tls; /* NULL: without */
};

/* A request on its way in. */
struct exchange {
	struct http_visit *visit;
	bool begun; /* its head was looked at */
	bool post;
	int status; /* its target's refusal; 0: it has none */
	size_t target_len;
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
	int fd;
	bool again; /* libmicrohttpd has more to do than it asks for */
};

struct http_server {
	sd_event *event;
	http_server_fn fn;
	void *userdata;
	char *path;  /* of its Unix socket; NULL: TCP */
	bool remote; /* others than this host reach it */
	struct http_visits *visits;
	struct http_tls *tls; /* NULL: without */
	const struct http_header *headers;
	size_t n_headers;
	LIST_HEAD(, listener) listeners;
	struct http_connections *connections;
};

static const struct {
	const char *name;
	const char *value;
} common_headers[] = {
	{"X-Content-Type-Options", "nosniff"},
	{"Cache-Control", "no-store"},
	{"Vary", "Accept, Accept-Encoding"},
	/* What follows a request is never read as another: whoever is before us may have taken it
	 * for something else. */
	{"Connection", "close"},
	/* Pages load what this server has, and nothing else; nothing within a page is run. */
	{"Content-Security-Policy",
		"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
	/* With "no-referrer" a browser does not say of our own forms either where they are from. */
	{"Referrer-Policy", "same-origin"},
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

/* What goes with a status. */
static const struct {
	int status;
	const char *name;
	const char *value;
} status_headers[] = {
	{MHD_HTTP_UNAUTHORIZED, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
		"Basic realm=\"stagewatchd\", charset=\"UTF-8\""},
	{MHD_HTTP_SERVICE_UNAVAILABLE, MHD_HTTP_HEADER_RETRY_AFTER, "5"},
	{MHD_HTTP_TOO_MANY_REQUESTS, MHD_HTTP_HEADER_RETRY_AFTER, "1"},
};

/* One that it has already comes twice: a browser obeys the stricter of two policies. */
static bool add_more_headers(const struct http_server *s, const struct http_server_reply *reply,
	struct MHD_Response *response)
{
	if (reply->status == MHD_HTTP_METHOD_NOT_ALLOWED &&
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
			reply->allow ? reply->allow : "GET, HEAD") != MHD_YES)
		return false;
	for (size_t i = 0; i < ELEMENTSOF(status_headers); i++)
		if (status_headers[i].status == reply->status &&
			MHD_add_response_header(response, status_headers[i].name,
				status_headers[i].value) != MHD_YES)
			return false;
	for (size_t i = 0; i < s->n_headers; i++)
		if (MHD_add_response_header(response, s->headers[i].name, s->headers[i].value) !=
			MHD_YES)
			return false;
	return true;
}

/* Takes the reply's body over. */
static enum MHD_Result answer(const struct http_server *s, struct MHD_Connection *connection,
	struct http_server_reply *reply, const char *encoding)
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
	if (ok)
		ok = add_more_headers(s, reply, response);
	if (ok)
		result = MHD_queue_response(connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static const struct attachment *attachment_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static struct http_connection *connection_of(struct MHD_Connection *connection)
{
	const struct attachment *a = attachment_of(connection);

	return a ? a->connection : NULL;
}

static enum MHD_Result reply_status(
	const struct http_server *s, struct MHD_Connection *connection, int status)
{
	struct http_server_reply reply = {.status = status};

	return answer(s, connection, &reply, NULL);
}

/* What of the head keeps the request from being one; HTTP_REFUSAL_MAX: nothing. */
struct objection {
	enum http_refusal why;
	int status;
};

static enum MHD_Result refuse(
	struct http_server *s, struct MHD_Connection *connection, const struct objection *o)
{
	http_connections_count(s->connections, o->why);
	http_connection_complete(connection_of(connection));
	return reply_status(s, connection, o->status);
}

/* Who is at the other end of a Unix socket. */
static int read_peer(struct MHD_Connection *connection, struct local_peer *ret)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? local_peer_read(info->connect_fd, ret) : -ENOTSOCK;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* "": it is not known. */
static const char *read_address(
	struct MHD_Connection *connection, char ret[static INET6_ADDRSTRLEN])
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	if (info && info->client_addr)
		(void)getnameinfo(info->client_addr,
			info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
								 : sizeof(struct sockaddr_in),
			ret, INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST);
	return ret;
}

static enum MHD_Result ask_handler(struct http_server *s, struct MHD_Connection *connection,
	const char *path, const struct exchange *x, const struct http_caller *caller)
{
	char address[INET6_ADDRSTRLEN] = "";
	struct local_peer peer;
	const struct http_server_request request = {
		.path = path,
		.accept = header(connection, MHD_HTTP_HEADER_ACCEPT),
		.origin = header(connection, MHD_HTTP_HEADER_ORIGIN),
		.referer = header(connection, MHD_HTTP_HEADER_REFERER),
		.fetch_site = header(connection, "Sec-Fetch-Site"),
		.host = header(connection, MHD_HTTP_HEADER_HOST),
		.address = s->path ? NULL : read_address(connection, address),
		.local = !s->path && !s->remote,
		.app = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "app"),
		.sort = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "sort"),
		.find = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "find"),
		.body = x->post ? x->body : NULL,
		.peer = s->path ? &peer : NULL,
		.caller = caller,
	};
	struct http_server_reply reply = {0};
	const char *encoding = NULL;

	if ((s->path && read_peer(connection, &peer) < 0) ||
		s->fn(s->userdata, &request, &reply) < 0) {
		free(reply.body);
		return reply_status(s, connection, MHD_HTTP_INTERNAL_SERVER_ERROR);
	}
	assert(reply.status >= 200 && reply.status <= 599);
	if (reply.body &&
		gzip_offered(MHD_lookup_connection_value(
			connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING)) &&
		gzip_replace(&reply.body, &reply.len))
		encoding = "gzip";
	return answer(s, connection, &reply, encoding);
}

/* A TLS session of libmicrohttpd. */
static gnutls_session_t session_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info ? info->tls_session : NULL;
}

/* The name in the client's certificate, if there is one, and somebody verified it. */
static int read_certificate(struct MHD_Connection *connection, char **ret)
{
	const struct attachment *a = attachment_of(connection);
	gnutls_session_t session = session_of(connection);

	return a && a->tls && session ? http_tls_client(a->tls, session, ret) : 0;
}

/* What the gate turns away. */
static enum MHD_Result turn_away(
	struct http_server *s, struct MHD_Connection *connection, int status)
{
	static const char sorry[] = "You need a user and a password.\n";
	struct http_server_reply reply = {
		.status = status, .content_type = "text/plain; charset=utf-8"};

	http_connections_count(
		s->connections, status == MHD_HTTP_UNAUTHORIZED        ? HTTP_REFUSAL_UNKNOWN
				: status == MHD_HTTP_TOO_MANY_REQUESTS ? HTTP_REFUSAL_RATE
								       : HTTP_REFUSAL_BUSY);
	if (status == MHD_HTTP_UNAUTHORIZED)
		reply.body = strdup(sorry);
	reply.len = reply.body ? strlen(sorry) : 0;
	return answer(s, connection, &reply, NULL);
}

/* libmicrohttpd does not look at a connection that waits: it would keep its place. */
static void on_end(void *userdata)
{
	http_visit_give_up(userdata);
}

/* The whole request is there: who asks, and may they? */
static enum MHD_Result let_in(struct http_server *s, struct MHD_Connection *connection,
	const char *path, struct exchange *x)
{
	_cleanup_free_ char *certificate = NULL;
	const struct http_caller *caller = NULL;
	struct http_gate_ask ask = {.path = path};
	int status;

	if (http_connection_has_ended(connection_of(connection)))
		return MHD_NO;
	if (s->path)
		return ask_handler(s, connection, path, x, NULL);
	if (!x->visit && read_certificate(connection, &certificate) < 0)
		return MHD_NO;
	ask.certificate = certificate;
	ask.origin = http_connection_origin(connection_of(connection));
	ask.authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
	status = http_visits_pass(s->visits, &x->visit, connection, &ask, &caller);
	if (status == 1) {
		http_connection_on_end(connection_of(connection), on_end, x->visit);
		return MHD_YES;
	}
	return status > 0 ? turn_away(s, connection, status)
			  : ask_handler(s, connection, path, x, caller);
}

/* libmicrohttpd's first word of a request: its target, before anything is made of it. What is
 * returned becomes the request's context. */
static void *on_target(void *userdata, const char *target, struct MHD_Connection *connection)
{
	struct exchange *x = calloc(1, sizeof(*x));

	(void)userdata;
	(void)connection;
	if (!x)
		return NULL;
	x->target_len = strlen(target);
	x->status = http_head_look_at_target(target);
	return x;
}

static struct objection look_at_head(struct MHD_Connection *connection, const struct exchange *x,
	const char *method, const char *version)
{
	if (!http_head_is_plain(connection, method, x->target_len, version))
		return (struct objection){HTTP_REFUSAL_MALFORMED, MHD_HTTP_BAD_REQUEST};
	if (x->status > 0)
		return (struct objection){HTTP_REFUSAL_MALFORMED, x->status};
	if (!x->post && strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
		strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return (struct objection){HTTP_REFUSAL_METHOD, MHD_HTTP_METHOD_NOT_ALLOWED};
	if (is_too_large(connection, x->post ? HTTP_SERVER_MAX_BODY : 0))
		return (struct objection){HTTP_REFUSAL_TOO_LARGE, MHD_HTTP_CONTENT_TOO_LARGE};
	return (struct objection){.why = HTTP_REFUSAL_MAX};
}

/* The headers are there. */
static enum MHD_Result begin_exchange(struct http_server *s, struct MHD_Connection *connection,
	struct exchange *x, const char *method, const char *version)
{
	struct objection o;

	x->begun = true;
	x->post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
	o = look_at_head(connection, x, method, version);
	return o.why == HTTP_REFUSAL_MAX ? MHD_YES : refuse(s, connection, &o);
}

/* libmicrohttpd calls when the headers are there, for each part of the body, and again at the end
 * of the request.
 * NOLINTNEXTLINE(readability-function-size): the signature is its own. */
static enum MHD_Result on_request(void *userdata, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *upload_data,
	size_t *upload_data_size, void **context)
{
	struct exchange *x = *context;

	if (!x)
		return MHD_NO; /* no memory */
	if (!x->begun)
		return begin_exchange(userdata, connection, x, method, version);
	if (*upload_data_size == 0) {
		http_connection_complete(connection_of(connection));
		return let_in(userdata, connection, url, x);
	}
	if (!x->post || *upload_data_size > HTTP_SERVER_MAX_BODY - x->len)
		return MHD_NO;
	memcpy(x->body + x->len, upload_data, *upload_data_size);
	x->len += *upload_data_size;
	*upload_data_size = 0;
	return MHD_YES;
}

/* The request is over. Of one whose head never came to us libmicrohttpd has refused it by itself,
 * unless time was over. */
static void on_completed(void *userdata, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code)
{
	struct http_server *s = userdata;
	struct exchange *x = *context;

	http_connection_on_end(connection_of(connection), NULL, NULL);
	if (code == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED)
		http_connections_count(s->connections, HTTP_REFUSAL_SLOW);
	else if (x && !x->begun && code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		http_connections_count(s->connections, HTTP_REFUSAL_MALFORMED);
	if (x)
		http_visit_free(x->visit);
	free(x);
	*context = NULL;
}

/* Before the handshake. A session that did not get all of it has no certificate, and ends. */
static int begin_tls(struct http_server *s, struct attachment *a, struct MHD_Connection *connection)
{
	gnutls_session_t session = session_of(connection);

	if (!session || !a)
		return -EIO;
	a->tls = http_tls_ref(s->tls);
	return http_tls_attach(a->tls, session);
}

static void drop_attachment(struct attachment *a)
{
	if (!a)
		return;
	http_connection_remove(a->connection);
	http_tls_unref(a->tls);
	free(a);
}

/* Of MHD_NO libmicrohttpd closes the socket. */
static enum MHD_Result on_accept(void *userdata, const struct sockaddr *from, socklen_t len)
{
	struct http_server *s = userdata;

	(void)len;
	return !s->tls || http_connections_admit(s->connections, from) ? MHD_YES : MHD_NO;
}

static void on_connection(void *userdata, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	struct listener *l = userdata;
	struct attachment *a;
	const union MHD_ConnectionInfo *info;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		drop_attachment(*context);
		*context = NULL;
		l->again = true;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (!info)
		return;
	*context = a = calloc(1, sizeof(*a));
	if (a)
		a->connection = http_connections_add(l->server->connections, info->connect_fd);
	if (l->server->tls && begin_tls(l->server, a, connection) < 0)
		(void)shutdown(info->connect_fd, SHUT_RDWR);
}

/* For whoever waits to be let in libmicrohttpd would be called at once, again and again. */
static bool pauses_without_descriptor(struct listener *l)
{
	_cleanup_close_ int fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		return false;
	(void)sd_event_source_set_enabled(l->io, SD_EVENT_OFF);
	(void)timer_in(l->timer, DESCRIPTOR_PAUSE);
	return true;
}

/* Lets libmicrohttpd work and sets the timer to when it wants to be called next. */
static void run(struct listener *l)
{
	MHD_UNSIGNED_LONG_LONG ms = 0;

	l->again = false;
	(void)MHD_run(l->mhd);
	if (pauses_without_descriptor(l))
		return;
	if (l->again) {
		/* At the limit of connections libmicrohttpd does not watch for more; that one has
		 * ended, or goes on, it sees at its next run, for which it does not ask. */
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
	struct listener *l = userdata;

	(void)source;
	(void)now;
	(void)sd_event_source_set_enabled(l->io, SD_EVENT_ON);
	run(l);
	return 0;
}

static int start_mhd(struct listener *l)
{
	const bool tls = l->server->tls != NULL;
	struct MHD_OptionItem options[] = {
		{tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, 0,
			http_tls_no_certificate()},
		{MHD_OPTION_END, 0, NULL},
	};
	int fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	l->mhd = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (tls ? MHD_USE_TLS : 0), 0, on_accept,
		l->server, on_request, l->server, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, LIBRARY_MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
		IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, on_target, l->server,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, l->server, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, l, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
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

/* Closes its connections, of which none waits. */
static void stop_mhd(struct listener *l)
{
	l->io = sd_event_source_disable_unref(l->io);
	l->timer = sd_event_source_disable_unref(l->timer);
	if (l->mhd)
		MHD_stop_daemon(l->mhd);
	l->mhd = NULL;
}

static int start(struct listener *l)
{
	int r = start_mhd(l);

	return r < 0 ? r : make_sources(l);
}

static void drop_listener(struct listener *l)
{
	LIST_REMOVE(l, link);
	stop_mhd(l);
	(void)close(l->fd);
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
	l->fd = fd;
	s->remote = s->remote || !tcp_is_local(fd);
	LIST_INSERT_HEAD(&s->listeners, l, link);
	r = start(l);
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

static void on_resumed(void *userdata)
{
	struct http_server *s = userdata;
	struct listener *l;

	LIST_FOREACH(l, &s->listeners, link)
	{
		l->again = true;
		if (l->timer)
			(void)timer_in_library_ms(l->timer, 0);
	}
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
	r = http_visits_new(on_resumed, s, &s->visits);
	if (r >= 0)
		r = http_connections_new(event, &clock_kernel, &s->connections);
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

const uint64_t *http_server_refusals(const struct http_server *s)
{
	return http_connections_refusals(s->connections);
}

void http_server_set_gate(struct http_server *s, const struct http_gate *gate)
{
	http_visits_set_gate(s->visits, gate);
}

void http_server_set_headers(struct http_server *s, const struct http_header *headers, size_t n)
{
	s->headers = headers;
	s->n_headers = n;
}

int http_server_set_tls(struct http_server *s, struct http_tls *tls)
{
	bool other = !tls != !s->tls;
	struct http_tls *old = s->tls;
	struct listener *l;
	int r = 0;

	s->tls = tls ? http_tls_ref(tls) : NULL;
	if (other) {
		http_visits_abandon(s->visits);
		LIST_FOREACH(l, &s->listeners, link)
		stop_mhd(l);
	}
	http_tls_unref(old);
	LIST_FOREACH(l, &s->listeners, link)
	{
		int k = l->mhd ? 0 : start(l);

		if (k < 0)
			stop_mhd(l);
		r = r < 0 ? r : k;
	}
	return r;
}

struct http_server *http_server_free(struct http_server *s)
{
	if (!s)
		return NULL;
	if (s->visits)
		http_visits_abandon(s->visits);
	while (!LIST_EMPTY(&s->listeners))
		drop_listener(LIST_FIRST(&s->listeners));
	http_visits_free(s->visits);
	http_tls_unref(s->tls);
	(void)http_connections_free(s->connections);
	if (s->path)
		(void)unlink(s->path);
	free(s->path);
	(void)sd_event_unref(s->event);
	free(s);
	return NULL;
}
