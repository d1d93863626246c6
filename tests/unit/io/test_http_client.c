/* SPDX-License-Identifier: Apache-2.0
 * The client against real sockets: good servers, bad ones and none. */
#include "io/http_client.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <zlib.h>

#include "../row.h"
#include "io/clock.h"
#include "io/http_server.h"
#include "io/service.h"
#include "peer.h"

#define LARGE_BODY ((size_t)200000)
#define SOON (300 * USEC_PER_MSEC)
#define LONG (GUARD_SECONDS * USEC_PER_SEC)

static usec_t slept;

/* In front of the C library's: the clock that goes on while the machine sleeps, and the others. */
int clock_gettime(clockid_t id, struct timespec *ts)
{
	if (syscall(SYS_clock_gettime, id, ts) < 0)
		return -1;
	if (id == CLOCK_BOOTTIME)
		ts->tv_sec += (time_t)(slept / USEC_PER_SEC);
	return 0;
}

/* What came back. */
struct got {
	unsigned n;
	int error;
	int status;
	char text[512];
	char type[64];
	char *body;
	size_t len;
	usec_t date;
	bool kept;
	usec_t retry_after;
	usec_t took;
};

struct fixture {
	sd_event *event;
	struct http_client *client;
	struct transport *transport;
	struct peer peer;
	struct got got;
};

static void got_clear(struct got *g)
{
	free(g->body);
	*g = (struct got){0};
}

static void on_done(void *userdata, const struct transport_answer *a)
{
	struct got *g = userdata;
	unsigned n = g->n + 1;

	got_clear(g);
	g->n = n;
	g->error = a->error;
	g->status = a->status;
	g->date = a->date;
	g->retry_after = a->retry_after;
	g->took = a->took;
	g->kept = a->kept;
	g->len = a->len;
	assert_true(a->received > 0);
	(void)snprintf(g->text, sizeof(g->text), "%s", a->error_text ? a->error_text : "");
	(void)snprintf(g->type, sizeof(g->type), "%s", a->content_type ? a->content_type : "-");
	if (a->error != 0) {
		assert_non_null(a->error_text);
		assert_true(a->error_text[0] != '\0');
		return;
	}
	assert_int_equal(strlen(a->body), a->len);
	g->body = strdup(a->body);
	assert_non_null(g->body);
}

static void set_up(struct fixture *f, peer_script script, size_t max_parallel)
{
	*f = (struct fixture){0};
	if (script)
		peer_start(&f->peer, script);
	assert_return_code(sd_event_new(&f->event), 0);
	assert_int_equal(
		http_client_new(f->event, "stagewatchd/test", max_parallel, &f->client), 0);
	f->transport = http_client_transport(f->client);
}

static void tear_down(struct fixture *f)
{
	assert_null(http_client_free(f->client));
	assert_null(sd_event_unref(f->event));
	got_clear(&f->got);
	if (f->peer.pid > 0)
		peer_stop(&f->peer);
}

static char *url_of(unsigned port, const char *path)
{
	char *url = NULL;

	assert_int_equal(str_printf(&url, "http://127.0.0.1:%u%s", port, path), 0);
	return url;
}

static struct transport_request *send_ask(
	struct fixture *f, const struct transport_ask *ask, struct got *g)
{
	struct transport_request *r = NULL;
	unsigned before = g->n;

	assert_int_equal(transport_send(f->transport, ask, on_done, g, &r), 0);
	assert_non_null(r);
	assert_int_equal(g->n, before);
	return r;
}

static struct transport_request *send_get(
	struct fixture *f, const char *path, usec_t timeout, struct got *g)
{
	_cleanup_free_ char *url = url_of(f->peer.port, path);
	const struct endpoint endpoint = {.timeout = timeout};
	const struct transport_ask ask = {.method = "GET", .url = url, .endpoint = &endpoint};

	return send_ask(f, &ask, g);
}

/* Who asks. */
#define AS(...)                                                                                    \
	.endpoint = &(const struct endpoint)                                                       \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define TEXT(s) ((char[]){s})

/* Sends and waits for the answer, which is in f->got. */
static void exchange(struct fixture *f, struct transport_ask ask)
{
	_cleanup_free_ char *url = url_of(f->peer.port, "/x");
	struct endpoint endpoint = *transport_endpoint(&ask);

	if (!endpoint.timeout)
		endpoint.timeout = LONG;
	ask.endpoint = &endpoint;
	if (!ask.url)
		ask.url = url;
	if (!ask.method)
		ask.method = "GET";
	got_clear(&f->got);
	(void)send_ask(f, &ask, &f->got);
	run_until(f->event, &f->got.n, 1);
}

/* What the one exchange with a peer of this script comes to. */
static void expect_error(peer_script script, usec_t timeout, int error)
{
	struct fixture f;

	set_up(&f, script, 0);
	exchange(&f, (struct transport_ask){AS(.timeout = timeout), .max_body = 1024 * 1024});
	if (f.got.error != error)
		print_error("%s\n", f.got.text);
	assert_int_equal(f.got.error, error);
	assert_int_equal(f.got.status, 0);
	tear_down(&f);
}

/* The scripts. */

static bool say_ok(int fd, const char *request, unsigned nth)
{
	(void)request;
	(void)nth;
	peer_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	return true;
}

static bool say_nothing(int fd, const char *request, unsigned nth)
{
	(void)fd;
	(void)request;
	(void)nth;
	(void)pause();
	return false;
}

static bool hang_up(int fd, const char *request, unsigned nth)
{
	(void)fd;
	(void)request;
	(void)nth;
	return false;
}

static bool say_slowly(int fd, const char *request, unsigned nth)
{
	(void)request;
	(void)nth;
	peer_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
	for (;;) {
		peer_say(fd, "x");
		(void)usleep(20000);
	}
	return false;
}

static bool say_less(int fd, const char *request, unsigned nth)
{
	(void)request;
	(void)nth;
	peer_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
	return false;
}

static bool cut_chunks(int fd, const char *request, unsigned nth)
{
	(void)request;
	(void)nth;
	peer_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n");
	return false;
}

static bool cut_headers(int fd, const char *request, unsigned nth)
{
	(void)request;
	(void)nth;
	peer_say(fd, "HTTP/1.1 200 OK\r\nContent-Le");
	return false;
}

static bool say_garbage(int fd, const char *request, unsigned nth)
{
	(void)request;
	(void)nth;
	peer_say(fd, "\x16\x03\x01 this is\r\nno HTTP\r\n\r\n at all");
	return false;
}

static bool announce_much(int fd, const char *request, unsigned nth)
{
	(void)request;
	(void)nth;
	peer_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n");
	(void)pause();
	return false;
}

static bool send_much(int fd, const char *request, unsigned nth)
{
	static char chunk[65536];

	(void)request;
	(void)nth;
	memset(chunk, 'x', sizeof(chunk));
	peer_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (size_t sent = 0; sent < (size_t)100 * 1024 * 1024; sent += sizeof(chunk)) {
		peer_say(fd, "10000\r\n");
		peer_write(fd, chunk, sizeof(chunk));
		peer_say(fd, "\r\n");
	}
	peer_say(fd, "0\r\n\r\n");
	return false;
}

/* Header lines that come after the body. */
static bool send_trailers(int fd, const char *request, unsigned nth)
{
	static char line[2048];

	(void)request;
	(void)nth;
	(void)snprintf(line, sizeof(line), "X-More: %02000d\r\n", 0);
	peer_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n");
	for (size_t sent = 0; sent < (size_t)100 * 1024 * 1024; sent += strlen(line))
		peer_say(fd, line);
	peer_say(fd, "\r\n");
	return false;
}

static bool send_some_trailers(int fd, const char *request, unsigned nth)
{
	(void)request;
	(void)nth;
	peer_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n"
		     "X-One: 1\r\nX-Two: 2\r\n\r\n");
	return true;
}

/* 32 MiB of zeros in some 32 KiB. */
static bool send_bomb(int fd, const char *request, unsigned nth)
{
	static unsigned char in[1024 * 1024];
	static unsigned char out[128 * 1024];
	z_stream z = {.next_out = out, .avail_out = sizeof(out)};
	char head[128];

	(void)request;
	(void)nth;
	if (deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	for (int i = 0; i < 32; i++) {
		z.next_in = in;
		z.avail_in = sizeof(in);
		(void)deflate(&z, i == 31 ? Z_FINISH : Z_NO_FLUSH);
	}
	(void)snprintf(head, sizeof(head),
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %lu\r\n\r\n",
		z.total_out);
	peer_say(fd, head);
	peer_write(fd, out, z.total_out);
	(void)deflateEnd(&z);
	return false;
}

static bool say_broken_gzip(int fd, const char *request, unsigned nth)
{
	(void)request;
	(void)nth;
	peer_say(fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n"
		     "not gzip at!");
	return false;
}

static bool say_headers(int fd, const char *request, unsigned nth)
{
	(void)request;
	if (nth == 0)
		peer_say(fd, "HTTP/1.1 404 Not Found\r\nDate: Mon, 23 Nov 2026 03:17:05 GMT\r\n"
			     "Content-Type: Application/JSON; charset=UTF-8\r\n"
			     "Retry-After: Mon, 23 Nov 2026 03:19:05 GMT\r\n"
			     "Content-Length: 0\r\n\r\n");
	else
		peer_say(fd, "HTTP/1.1 200 OK\r\nDate: yesterday\r\nContent-Length: 0\r\n"
			     "Retry-After: 7\r\n\r\n");
	return true;
}

/* Answers late, so that those sent together are there together. */
static bool say_late(int fd, const char *request, unsigned nth)
{
	(void)usleep(100000);
	return say_ok(fd, request, nth);
}

/* Victims get no answer. */
static bool say_to_others(int fd, const char *request, unsigned nth)
{
	return strncmp(request, "GET /victim", 11) == 0 ? say_nothing(fd, request, nth)
							: say_late(fd, request, nth);
}

/* The first request is answered, the second breaks the kept connection. */
static bool break_second(int fd, const char *request, unsigned nth)
{
	return nth == 0 ? say_ok(fd, request, nth) : false;
}

/* The answers. */

static int serve_large(
	void *userdata, const struct http_server_request *request, struct http_server_reply *reply)
{
	unsigned *n = userdata;

	assert_string_equal(request->path, "/some path");
	(*n)++;
	reply->status = 200;
	reply->content_type = "text/plain; charset=utf-8";
	reply->len = LARGE_BODY;
	reply->body = malloc(LARGE_BODY);
	assert_non_null(reply->body);
	memset(reply->body, 'a', LARGE_BODY);
	return 0;
}

static void test_good(void **state)
{
	struct http_server *server = NULL;
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *url = NULL;
	unsigned served = 0;
	unsigned port = 0;
	struct fixture f;

	(void)state;
	set_up(&f, NULL, 0);
	assert_int_equal(http_server_new(f.event, serve_large, &served, &server), 0);
	assert_int_equal(http_server_listen(server, "127.0.0.1:0", &port, &err), 0);
	url = url_of(port, "/some%20path?query=1");
	exchange(&f, (struct transport_ask){.url = url});
	assert_int_equal(f.got.error, 0);
	assert_int_equal(f.got.status, 200);
	assert_string_equal(f.got.type, "text/plain");
	assert_int_equal(f.got.len, LARGE_BODY);
	assert_true(f.got.date > 1700000000 * USEC_PER_SEC);
	assert_int_equal(served, 1);
	/* The whole of it may be as long as the bound. */
	exchange(&f, (struct transport_ask){.url = url, .max_body = LARGE_BODY});
	assert_int_equal(f.got.error, 0);
	exchange(&f, (struct transport_ask){.url = url, .max_body = LARGE_BODY - 1});
	assert_int_equal(f.got.error, -EMSGSIZE);
	assert_string_equal(f.got.text, "the body is over 199999 bytes");
	http_server_free(server);
	tear_down(&f);
}

static void test_headers(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, say_headers, 0);
	exchange(&f, (struct transport_ask){0});
	assert_int_equal(f.got.error, 0);
	assert_int_equal(f.got.status, 404);
	assert_string_equal(f.got.type, "application/json");
	assert_string_equal(f.got.body, "");
	assert_int_equal(f.got.date, 1795403825 * USEC_PER_SEC);
	assert_int_equal(f.got.retry_after, 2 * USEC_PER_MINUTE);
	exchange(&f, (struct transport_ask){0});
	assert_int_equal(f.got.status, 200);
	assert_string_equal(f.got.type, "-");
	assert_int_equal(f.got.date, 0);
	assert_int_equal(f.got.retry_after, 7 * USEC_PER_SEC);
	tear_down(&f);
}

static void test_refused(void **state)
{
	struct fixture f;
	_cleanup_free_ char *url = NULL;
	_cleanup_free_ char *by_name = NULL;
	_cleanup_close_ int fd = -1;
	unsigned port;

	(void)state;
	fd = bind_free(&port);
	url = url_of(port, "/");
	set_up(&f, NULL, 0);
	exchange(&f, (struct transport_ask){.url = url});
	assert_int_equal(f.got.error, -ECONNREFUSED);
	/* Maybe two addresses, both refused. */
	assert_int_equal(str_printf(&by_name, "http://localhost:%u/", port), 0);
	exchange(&f, (struct transport_ask){.url = by_name});
	assert_int_equal(f.got.error, -ECONNREFUSED);
	tear_down(&f);
}

static void test_bad_servers(void **state)
{
	(void)state;
	expect_error(say_nothing, SOON, -ETIMEDOUT);
	expect_error(say_slowly, SOON, -ETIMEDOUT);
	expect_error(hang_up, LONG, -ECONNRESET);
	expect_error(say_less, LONG, -ECONNRESET);
	expect_error(cut_chunks, LONG, -ECONNRESET);
	expect_error(cut_headers, LONG, -ECONNRESET);
	expect_error(say_garbage, LONG, -EPROTO);
	expect_error(say_broken_gzip, LONG, -EPROTO);
	expect_error(announce_much, LONG, -EMSGSIZE);
	expect_error(send_much, LONG, -EMSGSIZE);
	expect_error(send_bomb, LONG, -EMSGSIZE);
	expect_error(send_trailers, LONG, -EMSGSIZE);
}

static void test_trailers(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, send_some_trailers, 0);
	/* The second one finds the room that the first one had. */
	for (int i = 0; i < 2; i++) {
		exchange(&f, (struct transport_ask){.max_body = 30});
		assert_int_equal(f.got.error, 0);
		assert_string_equal(f.got.body, "body");
	}
	exchange(&f, (struct transport_ask){.max_body = 20});
	assert_int_equal(f.got.error, -EMSGSIZE);
	tear_down(&f);
}

static int lowest_free_fd(void)
{
	_cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_return_code(fd, errno);
	return fd;
}

/* That is no silence of the other side's, whether it is asked by address or by name. */
static void test_no_files(void **state)
{
	static const char *const urls[] = {"http://127.0.0.1:9/", "http://localhost:9/",
		"http://a-name-that-is-nowhere.invalid:9/"};
	struct fixture f;
	struct rlimit limit;
	rlim_t old;

	(void)state;
	set_up(&f, say_ok, 0);
	exchange(&f, (struct transport_ask){0});
	assert_int_equal(f.got.error, 0);
	assert_return_code(getrlimit(RLIMIT_NOFILE, &limit), errno);
	old = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)lowest_free_fd();
	assert_return_code(setrlimit(RLIMIT_NOFILE, &limit), errno);
	each_row(i, urls)
	{
		exchange(&f, (struct transport_ask){.url = urls[i]});
		assert_int_equal(f.got.error, -EMFILE);
		assert_non_null(strstr(f.got.text, "no file descriptor left"));
	}
	limit.rlim_cur = old;
	assert_return_code(setrlimit(RLIMIT_NOFILE, &limit), errno);
	exchange(&f, (struct transport_ask){0});
	assert_int_equal(f.got.error, 0);
	tear_down(&f);
}

static void test_tls(void **state)
{
	struct fixture f;
	_cleanup_free_ char *url = NULL;

	(void)state;
	set_up(&f, say_garbage, 0);
	assert_int_equal(str_printf(&url, "https://127.0.0.1:%u/", f.peer.port), 0);
	exchange(&f, (struct transport_ask){.url = url, AS(.ca_file = TEXT("/nonexistent"))});
	assert_int_equal(f.got.error, -EPROTO);
	tear_down(&f);
}

/* The port where a redirect points; set before the peer's process is made. */
static unsigned redirect_port;

static bool redirect(int fd, const char *request, unsigned nth)
{
	char text[256];

	(void)request;
	(void)nth;
	(void)snprintf(text, sizeof(text),
		"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/\r\n"
		"Content-Length: 0\r\n\r\n",
		redirect_port);
	peer_say(fd, text);
	return true;
}

static void test_redirect(void **state)
{
	struct peer target = {0};
	struct fixture f;

	(void)state;
	peer_start(&target, say_ok);
	redirect_port = target.port;
	set_up(&f, redirect, 0);
	exchange(&f, (struct transport_ask){AS(.username = TEXT("u"), .password = TEXT("p"))});
	assert_int_equal(f.got.error, 0);
	assert_int_equal(f.got.status, 302);
	assert_int_equal(target.seen->accepted, 0);
	tear_down(&f);
	peer_stop(&target);
}

static void test_reuse(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, say_ok, 0);
	for (unsigned i = 1; i <= 5; i++) {
		exchange(&f, (struct transport_ask){0});
		assert_int_equal(f.got.error, 0);
		assert_string_equal(f.got.body, "ok");
		assert_int_equal(f.peer.seen->requests, i);
		assert_int_equal(f.got.kept, i > 1);
	}
	assert_int_equal(f.peer.seen->accepted, 1);
	tear_down(&f);
}

static void test_authentication(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, say_ok, 0);
	exchange(&f,
		(struct transport_ask){AS(.username = TEXT("user"), .password = TEXT("secret"))});
	assert_non_null(strstr(f.peer.seen->last, "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"));
	/* On the same connection, by the same handle. */
	exchange(&f, (struct transport_ask){0});
	assert_null(strstr(f.peer.seen->last, "Authorization"));
	exchange(&f, (struct transport_ask){AS(.username = TEXT("user"), .password = TEXT(""))});
	assert_non_null(strstr(f.peer.seen->last, "Authorization: Basic dXNlcjo=\r\n"));
	exchange(&f, (struct transport_ask){AS(.authorization = TEXT("Bearer abc"))});
	assert_non_null(strstr(f.peer.seen->last, "Authorization: Bearer abc\r\n"));
	/* Without a password: Hadoop's simple authentication. */
	exchange(&f, (struct transport_ask){AS(.username = TEXT("o'me&x=1"))});
	assert_null(strstr(f.peer.seen->last, "Authorization"));
	assert_non_null(strstr(f.peer.seen->last, "?user.name=o%27me%26x%3D1 HTTP/1.1\r\n"));
	assert_int_equal(f.peer.seen->accepted, 1);
	tear_down(&f);
}

static void test_environment(void **state)
{
	static const char netrc[] = "machine 127.0.0.1 login n password n\ndefault login d "
				    "password d\n";
	char *dir = make_dir();
	char *file = write_file(dir, ".netrc", netrc, strlen(netrc));
	_cleanup_free_ char *home = NULL;
	struct fixture f;

	(void)state;
	assert_int_equal(str_replace(&home, getenv("HOME")), 0);
	assert_int_equal(setenv("HOME", dir, 1), 0);
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
	assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
	set_up(&f, say_ok, 0);
	exchange(&f, (struct transport_ask){0});
	assert_int_equal(f.got.error, 0);
	assert_null(strstr(f.peer.seen->last, "Authorization"));
	assert_non_null(strstr(f.peer.seen->last, "User-Agent: stagewatchd/test\r\n"));
	assert_non_null(strstr(f.peer.seen->last, "Accept-Encoding: "));
	tear_down(&f);
	assert_int_equal(unsetenv("http_proxy"), 0);
	assert_int_equal(unsetenv("ALL_PROXY"), 0);
	assert_int_equal(home ? setenv("HOME", home, 1) : unsetenv("HOME"), 0);
	remove_file(file);
	remove_dir(dir);
}

static void test_methods(void **state)
{
	static const char *const methods[] = {"POST", "PATCH", "PUT", "DELETE"};
	static const char *const headers[] = {"Content-Type: application/json", "X-A: b", NULL};
	struct fixture f;

	(void)state;
	set_up(&f, say_ok, 0);
	for (size_t i = 0; i < ELEMENTSOF(methods); i++) {
		exchange(
			&f, (struct transport_ask){
				    .method = methods[i], .headers = headers, .body = "{\"a\":1}"});
		assert_int_equal(f.got.status, 200);
		assert_memory_equal(f.peer.seen->last, methods[i], strlen(methods[i]));
		assert_non_null(strstr(f.peer.seen->last, "\r\nX-A: b\r\n"));
		assert_non_null(strstr(f.peer.seen->last, "\r\nContent-Length: 7\r\n"));
		assert_non_null(
			strstr(f.peer.seen->last, "\r\nContent-Type: application/json\r\n"));
		assert_non_null(strstr(f.peer.seen->last, "\r\n\r\n{\"a\":1}"));
	}
	exchange(&f, (struct transport_ask){.method = "POST"});
	assert_non_null(strstr(f.peer.seen->last, "\r\nContent-Length: 0\r\n"));
	assert_null(strstr(f.peer.seen->last, "Content-Type"));
	exchange(&f, (struct transport_ask){0});
	assert_memory_equal(f.peer.seen->last, "GET /x HTTP/1.1\r\n", 17);
	assert_null(strstr(f.peer.seen->last, "Content-Length"));
	tear_down(&f);
}

static void test_large_post(void **state)
{
	_cleanup_free_ char *body = calloc(1, 2 * 1024 * 1024 + 1);
	struct fixture f;

	(void)state;
	assert_non_null(body);
	memset(body, 'b', 2 * 1024 * 1024);
	set_up(&f, say_ok, 0);
	/* The peer reads as much as it has room for and answers; that may or may not reach us. */
	exchange(&f, (struct transport_ask){.method = "POST", .body = body});
	assert_non_null(strstr(f.peer.seen->last, "\r\nContent-Length: 2097152\r\n"));
	assert_null(strcasestr(f.peer.seen->last, "\r\nExpect"));
	tear_down(&f);
}

static void test_sent_once(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, break_second, 0);
	exchange(&f, (struct transport_ask){0});
	assert_int_equal(f.got.error, 0);
	exchange(&f, (struct transport_ask){.method = "POST", .body = "{}"});
	assert_int_equal(f.got.error, -ECONNRESET);
	assert_int_equal(f.peer.seen->requests, 2);
	tear_down(&f);
}

struct gate {
	bool open;
	unsigned n_asked;
	const struct peer_seen *seen;
};

static bool on_gate(void *userdata)
{
	struct gate *g = userdata;

	g->n_asked++;
	assert_int_equal(g->seen->requests, 0); /* nothing was sent yet */
	return g->open;
}

/* Asked for each request, with whatever handle, and for no other one. */
static void test_guard(void **state)
{
	struct fixture f;
	struct gate gate = {0};
	struct guard guard = {.open = on_gate, .userdata = &gate};

	(void)state;
	set_up(&f, say_ok, 1);
	gate.seen = f.peer.seen;
	for (size_t i = 0; i < 2; i++) {
		exchange(&f, (struct transport_ask){.method = i ? "GET" : "POST", .guard = &guard});
		assert_int_equal(f.got.error, -ECANCELED);
		assert_string_equal(f.got.text, "not sent: it may no longer be");
	}
	assert_int_equal(gate.n_asked, 2);
	assert_int_equal(f.peer.seen->requests, 0);
	gate.open = true;
	exchange(&f, (struct transport_ask){.method = "POST", .guard = &guard});
	assert_int_equal(f.got.status, 200);
	assert_int_equal(gate.n_asked, 3);
	exchange(&f, (struct transport_ask){.method = "POST"});
	exchange(&f, (struct transport_ask){0});
	assert_int_equal(f.got.status, 200);
	assert_int_equal(gate.n_asked, 3);
	assert_int_equal(f.peer.seen->requests, 3);
	tear_down(&f);
}

static int told[2] = {-1, -1};

static bool say_when_told(int fd, const char *request, unsigned nth)
{
	char byte;

	if (read(told[0], &byte, 1) != 1)
		_exit(1);
	return say_ok(fd, request, nth);
}

/* The answer was on its way when the machine fell asleep: it says what was then. */
static void test_sleep_before_the_answer(void **state)
{
	struct fixture f;
	usec_t end;

	(void)state;
	assert_return_code(pipe(told), errno);
	set_up(&f, say_when_told, 1);
	for (unsigned i = 0; i < 2; i++) {
		(void)send_get(&f, "/", LONG, &f.got);
		end = clock_monotonic() + LONG;
		while (f.peer.seen->requests == i && clock_monotonic() < end)
			assert_return_code(sd_event_run(f.event, 10 * USEC_PER_MSEC), 0);
		if (i == 0)
			slept += USEC_PER_HOUR;
		assert_int_equal(write(told[1], "x", 1), 1);
		run_until(f.event, &f.got.n, i + 1);
		assert_int_equal(f.got.error, i == 0 ? -ETIMEDOUT : 0);
	}
	tear_down(&f);
	assert_return_code(close(told[0]), errno);
	assert_return_code(close(told[1]), errno);
}

static bool fall_asleep(void *userdata)
{
	(void)userdata;
	slept += USEC_PER_HOUR;
	return true;
}

/* It is not sent by what was known an hour before. */
static void test_sleep_before_the_request(void **state)
{
	const struct guard guard = {.open = fall_asleep};
	struct fixture f;

	(void)state;
	set_up(&f, say_ok, 1);
	exchange(&f, (struct transport_ask){.method = "POST", .guard = &guard});
	assert_int_equal(f.got.error, -ETIMEDOUT);
	assert_string_equal(f.got.text, "this host or process stood still meanwhile");
	assert_int_equal(f.peer.seen->requests, 0);
	exchange(&f, (struct transport_ask){.method = "POST"});
	assert_int_equal(f.got.status, 200);
	tear_down(&f);
}

static void test_bad_asks(void **state)
{
	static const char *const urls[] = {"", "127.0.0.1:1/x", "/x", "http:///x",
		"ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/",
		"http://u@127.0.0.1/", "http://u:p@127.0.0.1/", "http://127.0.0.1:99999/",
		"http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y", "http://",
		/* A port makes most of them plain. */
		"http://127.0.0.1:4040/a b", "http://127.0.0.1:4040/\r\nX: y",
		"http://127.0.0.1:4040/\x7f", "http://:4040/", "http://u@127.0.0.1:4040/",
		"http://u:1@127.0.0.1:4040/", "http://127.0.0.1:4040x/", "ftp://127.0.0.1:4040/"};
	static const char *const methods[] = {"get", "delete", "HEAD", "", "GET /\r\n"};
	static const char *const headers[] = {"no colon", ": x", "A: b\r\nC: d", "A: b\n"};
	struct transport_request *r = NULL;
	struct fixture f;

	(void)state;
	set_up(&f, NULL, 0);
	for (size_t i = 0; i < ELEMENTSOF(urls); i++) {
		const struct transport_ask ask = {.method = "GET", .url = urls[i]};

		if (transport_send(f.transport, &ask, on_done, &f.got, &r) != -EINVAL)
			fail_msg("%s", urls[i]);
	}
	for (size_t i = 0; i < ELEMENTSOF(methods); i++) {
		const struct transport_ask ask = {.method = methods[i], .url = "http://h/"};

		if (transport_send(f.transport, &ask, on_done, &f.got, &r) != -EINVAL)
			fail_msg("%s", methods[i]);
	}
	for (size_t i = 0; i < ELEMENTSOF(headers); i++) {
		const char *const lines[] = {"Good: x", headers[i], NULL};
		const struct transport_ask ask = {
			.method = "GET", .url = "http://h/", .headers = lines};

		if (transport_send(f.transport, &ask, on_done, &f.got, &r) != -EINVAL)
			fail_msg("%s", headers[i]);
	}
	{
		const struct transport_ask ask = {.method = "GET",
			.url = "http://h/",
			AS(.authorization = TEXT("Bearer x\r\nA: b"))};

		assert_int_equal(transport_send(f.transport, &ask, on_done, &f.got, &r), -EINVAL);
	}
	assert_null(r);
	assert_int_equal(f.got.n, 0);
	tear_down(&f);
}

static void test_cancel(void **state)
{
	struct transport_request *r;
	struct got other = {0};
	struct fixture f;

	(void)state;
	set_up(&f, say_to_others, 1);
	/* Before it went, and one in line behind it. */
	transport_cancel(f.transport, send_get(&f, "/a", LONG, &f.got));
	transport_cancel(f.transport, NULL);
	r = send_get(&f, "/victim", LONG, &f.got);
	(void)send_get(&f, "/c", LONG, &other);
	while (atomic_load(&f.peer.seen->requests) == 0)
		assert_true(sd_event_run(f.event, 10 * USEC_PER_MSEC) >= 0);
	/* Now it is on the wire. */
	transport_cancel(f.transport, r);
	run_until(f.event, &other.n, 1);
	assert_int_equal(other.error, 0);
	assert_int_equal(f.got.n, 0);
	assert_memory_equal(f.peer.seen->last, "GET /c", 6);
	assert_int_equal(f.peer.seen->requests, 2);
	got_clear(&other);
	tear_down(&f);
}

/* One whose callback cancels itself and another, and sends a new one. */
struct busy {
	struct fixture *f;
	struct transport_request *self;
	struct transport_request *victims[3];
	struct got got;
};

static void on_busy(void *userdata, const struct transport_answer *a)
{
	struct busy *b = userdata;

	assert_int_equal(a->error, 0);
	for (size_t i = 0; i < ELEMENTSOF(b->victims); i++)
		transport_cancel(b->f->transport, b->victims[i]);
	transport_cancel(b->f->transport, b->self);
	/* Still ours until we return. */
	assert_string_equal(a->body, "ok");
	(void)send_get(b->f, "/next", LONG, &b->got);
}

static void test_cancel_in_callback(void **state)
{
	_cleanup_free_ char *url = NULL;
	struct busy b = {0};
	struct fixture f;
	struct transport_ask ask = {.method = "GET", AS(.timeout = LONG)};

	(void)state;
	set_up(&f, say_to_others, 3);
	url = url_of(f.peer.port, "/busy");
	ask.url = url;
	b.f = &f;
	assert_int_equal(transport_send(f.transport, &ask, on_busy, &b, &b.self), 0);
	/* Two are on the wire with it, one is in line. */
	for (size_t i = 0; i < ELEMENTSOF(b.victims); i++)
		b.victims[i] = send_get(&f, "/victim", LONG, &f.got);
	run_until(f.event, &b.got.n, 1);
	assert_int_equal(b.got.error, 0);
	assert_int_equal(f.got.n, 0);
	got_clear(&b.got);
	tear_down(&f);
}

static void test_parallel(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, say_late, 2);
	for (unsigned i = 0; i < 8; i++)
		(void)send_get(&f, "/p", LONG, &f.got);
	run_until(f.event, &f.got.n, 8);
	assert_int_equal(f.got.error, 0);
	assert_int_equal(f.peer.seen->requests, 8);
	assert_true(f.peer.seen->most <= 2);
	assert_true(f.peer.seen->accepted <= 2);
	tear_down(&f);
}

/* A cluster whose drivers all hang, and asked first: the others are answered all the same, also the
 * one that belongs to none. */
static void test_clusters_share(void **state)
{
	struct got hung = {0};
	struct fixture f;

	(void)state;
	set_up(&f, say_to_others, 4);
	for (unsigned i = 0; i < 20; i++) {
		_cleanup_free_ char *url = url_of(f.peer.port, "/victim");
		const struct transport_ask ask = {
			.method = "GET", .url = url, AS(.timeout = LONG, .cluster = TEXT("hung"))};

		(void)send_ask(&f, &ask, &hung);
	}
	for (unsigned i = 0; i < 10; i++) {
		_cleanup_free_ char *url = url_of(f.peer.port, "/calm");
		const struct transport_ask ask = {.method = "GET",
			.url = url,
			AS(.timeout = LONG, .cluster = i < 5 ? TEXT("calm") : NULL)};

		(void)send_ask(&f, &ask, &f.got);
	}
	run_until(f.event, &f.got.n, 10);
	assert_int_equal(f.got.error, 0);
	assert_int_equal(hung.n, 0);
	assert_true(f.peer.seen->most <= 4);
	tear_down(&f);
}

/* What lasts takes no place of others, nor does it wait for one of theirs. Of it, too, only so much
 * is on the wire. */
static void test_lasting(void **state)
{
	struct transport_request *lasts[70];
	struct got hung = {0};
	struct got late = {0};
	struct fixture f;
	size_t n_waiting = 0;

	(void)state;
	set_up(&f, say_to_others, 1);
	for (size_t i = 0; i < ELEMENTSOF(lasts); i++) {
		_cleanup_free_ char *url = url_of(f.peer.port, "/victim");
		const struct transport_ask ask = {.method = "GET",
			.url = url,
			.places = PLACES_LASTING,
			AS(.timeout = LONG, .cluster = i % 2 ? TEXT("a") : TEXT("b"))};

		lasts[i] = send_ask(&f, &ask, &hung);
	}
	for (unsigned i = 0; i < 3; i++)
		(void)send_get(&f, "/calm", LONG, &f.got);
	run_until(f.event, &f.got.n, 3);
	assert_int_equal(f.got.error, 0);
	assert_int_equal(hung.n, 0);
	for (size_t i = 0; i < ELEMENTSOF(lasts); i++)
		n_waiting += transport_waits(f.transport, lasts[i]);
	assert_int_equal(n_waiting, ELEMENTSOF(lasts) - 64);
	for (size_t i = 0; i < ELEMENTSOF(lasts); i++)
		transport_cancel(f.transport, lasts[i]);
	/* The other way round. */
	(void)send_get(&f, "/victim", LONG, &hung);
	for (unsigned i = 0; i < 2; i++) {
		_cleanup_free_ char *url = url_of(f.peer.port, "/calm");
		const struct transport_ask ask = {
			.method = "GET", .url = url, .places = PLACES_LASTING, AS(.timeout = LONG)};

		(void)send_ask(&f, &ask, &late);
	}
	run_until(f.event, &late.n, 2);
	assert_int_equal(late.error, 0);
	assert_int_equal(hung.n, 0);
	got_clear(&late);
	tear_down(&f);
}

/* Whoever renews a lease waits for nobody, whatever hangs; there is one such request at a time. */
static void test_lease(void **state)
{
	static const enum transport_places others[] = {PLACES_SHARED, PLACES_LASTING};
	struct got hung = {0};
	struct got second = {0};
	struct fixture f;
	struct transport_ask ask = {.method = "GET", .places = PLACES_LEASE, AS(.timeout = LONG)};
	_cleanup_free_ char *victim = NULL;
	_cleanup_free_ char *calm = NULL;
	struct transport_request *waits;

	(void)state;
	set_up(&f, say_to_others, 1);
	victim = url_of(f.peer.port, "/victim");
	calm = url_of(f.peer.port, "/calm");
	for (size_t i = 0; i < 2 * 70; i++) {
		const struct transport_ask other = {.method = "GET",
			.url = victim,
			.places = others[i % 2],
			AS(.timeout = LONG)};

		(void)send_ask(&f, &other, &hung);
	}
	ask.url = calm;
	(void)send_ask(&f, &ask, &f.got);
	run_until(f.event, &f.got.n, 1);
	assert_int_equal(f.got.error, 0);
	ask.url = victim;
	(void)send_ask(&f, &ask, &hung);
	ask.url = calm;
	waits = send_ask(&f, &ask, &second);
	for (int i = 0; i < 10; i++)
		assert_true(sd_event_run(f.event, 10 * USEC_PER_MSEC) >= 0);
	assert_true(transport_waits(f.transport, waits));
	assert_int_equal(hung.n, 0);
	tear_down(&f);
}

/* The time limit is the other side's: it runs on the wire, and not in line. */
static void test_line_is_no_silence(void **state)
{
	struct got first = {0};
	struct fixture f;

	(void)state;
	set_up(&f, say_nothing, 1);
	(void)send_get(&f, "/first", 3 * SOON, &first);
	(void)send_get(&f, "/second", SOON, &f.got);
	run_until(f.event, &first.n, 1);
	assert_int_equal(f.got.n, 0);
	assert_int_equal(f.peer.seen->requests, 1);
	run_until(f.event, &f.got.n, 1);
	assert_int_equal(first.error, -ETIMEDOUT);
	assert_true(first.took >= 3 * SOON);
	assert_int_equal(f.got.error, -ETIMEDOUT);
	assert_true(f.got.took >= SOON);
	assert_int_equal(f.peer.seen->requests, 2);
	got_clear(&first);
	tear_down(&f);
}

static void test_urgent(void **state)
{
	struct got last = {0};
	struct fixture f;
	_cleanup_free_ char *url = NULL;
	struct transport_ask ask = {.method = "GET", .urgent = true, AS(.timeout = LONG)};

	(void)state;
	set_up(&f, say_ok, 1);
	(void)send_get(&f, "/a", LONG, &last);
	(void)send_get(&f, "/b", LONG, &last);
	url = url_of(f.peer.port, "/now");
	ask.url = url;
	(void)send_ask(&f, &ask, &f.got);
	run_until(f.event, &f.got.n, 1);
	assert_int_equal(last.n, 0);
	run_until(f.event, &last.n, 2);
	assert_memory_equal(f.peer.seen->last, "GET /b", 6);
	got_clear(&last);
	tear_down(&f);
}

/* A handle that is used again sends what the next request says, and nothing of the last. */
static void test_handle_is_used_again(void **state)
{
	static const char *const headers[] = {"X-One: 1", NULL};
	struct fixture f;

	(void)state;
	set_up(&f, say_ok, 1);
	exchange(&f, (struct transport_ask){
			     .headers = headers, AS(.username = TEXT("u"), .password = TEXT("p"))});
	assert_non_null(strstr(f.peer.seen->last, "\r\nX-One: 1\r\n"));
	assert_non_null(strstr(f.peer.seen->last, "\r\nAuthorization: Basic "));
	exchange(&f, (struct transport_ask){0});
	assert_null(strstr(f.peer.seen->last, "X-One"));
	assert_null(strstr(f.peer.seen->last, "Authorization"));
	exchange(&f, (struct transport_ask){AS(.authorization = TEXT("Bearer t"))});
	assert_non_null(strstr(f.peer.seen->last, "\r\nAuthorization: Bearer t\r\n"));
	exchange(&f, (struct transport_ask){.method = "POST", .body = "{}"});
	assert_null(strstr(f.peer.seen->last, "Authorization"));
	exchange(&f, (struct transport_ask){.max_body = 1});
	assert_int_equal(f.got.error, -EMSGSIZE);
	exchange(&f, (struct transport_ask){0});
	assert_int_equal(f.got.error, 0);
	assert_string_equal(f.got.body, "ok");
	tear_down(&f);
}

static void test_free_under_way(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, say_nothing, 2);
	for (unsigned i = 0; i < 4; i++)
		(void)send_get(&f, "/x", LONG, &f.got);
	while (atomic_load(&f.peer.seen->requests) < 2)
		assert_true(sd_event_run(f.event, 10 * USEC_PER_MSEC) >= 0);
	f.client = http_client_free(f.client);
	assert_null(http_client_free(NULL));
	assert_int_equal(f.got.n, 0);
	tear_down(&f);
}

/* In namespaces of its own: a network without routes, whose only name server, on 127.0.0.1, never
 * answers. Exits with 77 where that is not allowed. */

static bool up_loopback(void)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	return fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &ifr) == 0;
}

static bool cover(const char *dir, const char *name, const char *over, const char *text)
{
	_cleanup_free_ char *file = write_file(dir, name, text, strlen(text));
	_cleanup_free_ char *target = realpath(over, NULL);

	return target && mount(file, target, NULL, MS_BIND, NULL) == 0;
}

static void enter_namespaces(const char *dir)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || !up_loopback() ||
		!cover(dir, "resolv.conf", "/etc/resolv.conf",
			"nameserver 127.0.0.1\noptions timeout:30 attempts:5\n") ||
		!cover(dir, "nsswitch.conf", "/etc/nsswitch.conf", "hosts: files dns\n"))
		_exit(77);
}

static int on_dns(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	unsigned *n = userdata;
	char buf[512];

	(void)s;
	(void)revents;
	if (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		*n = 1;
	return 0;
}

static void resolve_in_vain(void)
{
	const struct transport_ask ask = {
		.method = "GET", .url = "http://host.test/", AS(.timeout = LONG)};
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(53)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	time_t start = seconds_now();
	unsigned asked = 0;
	struct fixture f;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_return_code(bind(fd, (struct sockaddr *)&a, sizeof(a)), errno);
	set_up(&f, NULL, 0);
	/* The time limit ends it without waiting for the resolver, of 150 s. */
	exchange(&f, (struct transport_ask){.url = "http://slow.test/", AS(.timeout = SOON)});
	assert_int_equal(f.got.error, -ETIMEDOUT);
	while (is_readable(fd))
		(void)recv(fd, (char[512]){0}, 512, MSG_DONTWAIT);
	assert_return_code(sd_event_add_io(f.event, NULL, fd, EPOLLIN, on_dns, &asked), 0);
	got_clear(&f.got);
	(void)send_ask(&f, &ask, &f.got);
	run_until(f.event, &asked, 1);
	tear_down(&f);
	assert_int_equal(f.got.n, 0);
	assert_true(seconds_now() - start < 30);
	(void)close(fd);
}

static void ask_nowhere(void)
{
	struct fixture f;

	set_up(&f, NULL, 0);
	exchange(&f, (struct transport_ask){.url = "http://192.0.2.1/"});
	assert_int_equal(f.got.error, -EHOSTUNREACH);
	/* Nobody is at the name server's port: refused at once. */
	exchange(&f, (struct transport_ask){.url = "http://nobody.test/"});
	assert_int_equal(f.got.error, -EHOSTUNREACH);
	tear_down(&f);
}

static void test_names(void **state)
{
	char *dir = make_dir();
	char *file = NULL;
	int status = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		enter_namespaces(dir);
		ask_nowhere();
		resolve_in_vain();
		/* Not _exit(): the resolver's threads are still there, which valgrind minds. */
		(void)execl("/bin/true", "true", NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(str_printf(&file, "%s/resolv.conf", dir), 0);
	(void)unlink(file);
	free(file);
	assert_int_equal(str_printf(&file, "%s/nsswitch.conf", dir), 0);
	(void)unlink(file);
	free(file);
	remove_dir(dir);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bad_servers),
		cmocka_unit_test(test_trailers),
		cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_authentication),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_large_post),
		cmocka_unit_test(test_sent_once),
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_sleep_before_the_answer),
		cmocka_unit_test(test_sleep_before_the_request),
		cmocka_unit_test(test_bad_asks),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_in_callback),
		cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_clusters_share),
		cmocka_unit_test(test_lasting),
		cmocka_unit_test(test_lease),
		cmocka_unit_test(test_line_is_no_silence),
		cmocka_unit_test(test_urgent),
		cmocka_unit_test(test_handle_is_used_again),
		cmocka_unit_test(test_free_under_way),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
