/* SPDX-License-Identifier: Apache-2.0
 * The server against raw sockets. */
#include "io/http_server.h"

#include <gnutls/x509.h>
#include <microhttpd.h>
#include <sys/resource.h>
#include <zlib.h>

#include "io/http_tls.h"
#include "io/tcp_listen.h"
#include "net.h"

#define LARGE ((size_t)20000)
#define MANY 80

struct fixture {
	sd_event *event;
	struct http_server *server;
	unsigned port;
	unsigned calls;
	char path[128];
	char accept[128];
};

static int handle(
	void *userdata, const struct http_server_request *request, struct http_server_reply *reply)
{
	struct fixture *f = userdata;

	f->calls++;
	(void)snprintf(f->path, sizeof(f->path), "%s", request->path);
	(void)snprintf(f->accept, sizeof(f->accept), "%s", request->accept ? request->accept : "-");
	if (strcmp(request->path, "/fail") == 0) {
		reply->body = strdup("half a text");
		return -EIO;
	}
	reply->status = strcmp(request->path, "/nothing") == 0 ? 404 : 200;
	reply->content_type = "text/plain";
	if (strcmp(request->path, "/nothing") == 0)
		return 0;
	reply->len = strcmp(request->path, "/large") == 0 ? LARGE : 5;
	reply->body = malloc(reply->len);
	assert_non_null(reply->body);
	memset(reply->body, 'z', reply->len);
	return 0;
}

static void set_up(struct fixture *f)
{
	_cleanup_free_ char *err = NULL;

	*f = (struct fixture){0};
	assert_return_code(sd_event_new(&f->event), 0);
	assert_int_equal(http_server_new(f->event, handle, f, &f->server), 0);
	assert_int_equal(http_server_listen(f->server, "127.0.0.1:0", &f->port, &err), 0);
	assert_null(err);
	assert_true(f->port > 0);
}

static void tear_down(struct fixture *f)
{
	assert_null(http_server_free(f->server));
	assert_null(sd_event_unref(f->event));
}

/* The whole conversation of one connection. */
static void converse(struct fixture *f, const char *text, struct strbuf *ret)
{
	_cleanup_close_ int fd = connect_to(f->port);

	strbuf_clear(ret);
	send_text(fd, text);
	read_to_end(f->event, fd, ret);
	assert_false(ret->failed);
	if (!ret->text)
		strbuf_add(ret, "");
}

/* A GET with more headers; the connection is closed after it. */
static void get(struct fixture *f, const char *path, const char *headers, struct strbuf *ret)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(
		str_printf(&text, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n", path,
			headers),
		0);
	converse(f, text, ret);
}

static void assert_status(const struct strbuf *b, int status)
{
	char line[32];

	(void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	if (strncmp(b->text, line, strlen(line)) != 0)
		fail_msg("wanted %d: %s", status, b->text);
}

static void assert_has(const struct strbuf *b, const char *header)
{
	if (!strcasestr(b->text, header))
		fail_msg("%s is not in: %s", header, b->text);
}

static size_t body_at(const struct strbuf *b)
{
	const char *end = strstr(b->text, "\r\n\r\n");

	assert_non_null(end);
	return (size_t)(end - b->text) + 4;
}

static void test_get(void **state)
{
	struct strbuf b = {0};
	struct fixture f;

	(void)state;
	set_up(&f);
	get(&f, "/a%20b?c=d", "Accept: text/html;q=0.9\r\n", &b);
	assert_status(&b, 200);
	assert_string_equal(f.path, "/a b");
	assert_string_equal(f.accept, "text/html;q=0.9");
	assert_has(&b, "\r\nContent-Type: text/plain\r\n");
	assert_has(&b, "\r\nContent-Length: 5\r\n");
	assert_has(&b, "\r\nX-Content-Type-Options: nosniff\r\n");
	assert_has(&b, "\r\nCache-Control: no-store\r\n");
	assert_has(&b, "\r\nVary: Accept, Accept-Encoding\r\n");
	assert_has(&b, "\r\nContent-Security-Policy: default-src 'none'; ");
	assert_has(&b, "\r\nReferrer-Policy: same-origin\r\n");
	assert_string_equal(b.text + body_at(&b), "zzzzz");
	get(&f, "/nothing", "", &b);
	assert_status(&b, 404);
	assert_string_equal(f.accept, "-");
	assert_has(&b, "\r\nContent-Length: 0\r\n");
	assert_int_equal(f.calls, 2);
	strbuf_clear(&b);
	tear_down(&f);
}

static void test_handler_fails(void **state)
{
	struct strbuf b = {0};
	struct fixture f;

	(void)state;
	set_up(&f);
	get(&f, "/fail", "", &b);
	assert_status(&b, 500);
	assert_has(&b, "\r\nX-Content-Type-Options: nosniff\r\n");
	assert_string_equal(b.text + body_at(&b), "");
	strbuf_clear(&b);
	tear_down(&f);
}

static void test_head(void **state)
{
	struct strbuf b = {0};
	struct fixture f;

	(void)state;
	set_up(&f);
	converse(&f, "HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", &b);
	assert_status(&b, 200);
	assert_has(&b, "\r\nContent-Length: 5\r\n");
	assert_string_equal(b.text + body_at(&b), "");
	assert_int_equal(f.calls, 1);
	strbuf_clear(&b);
	tear_down(&f);
}

static void test_other_methods(void **state)
{
	static const char *const requests[] = {
		"PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n",
		"DELETE /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
		"OPTIONS /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
		"get /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	};
	struct strbuf b = {0};
	struct fixture f;

	(void)state;
	set_up(&f);
	for (size_t i = 0; i < ELEMENTSOF(requests); i++) {
		converse(&f, requests[i], &b);
		assert_status(&b, 405);
		assert_has(&b, "\r\nAllow: GET, HEAD\r\n");
	}
	assert_int_equal(f.calls, 0);
	strbuf_clear(&b);
	tear_down(&f);
}

static void test_bodies(void **state)
{
	struct strbuf b = {0};
	struct fixture f;

	(void)state;
	set_up(&f);
	get(&f, "/x", "Content-Length: 99999999\r\n", &b);
	assert_status(&b, 413);
	get(&f, "/x", "Transfer-Encoding: chunked\r\n", &b);
	assert_status(&b, 413);
	assert_int_equal(f.calls, 0);
	get(&f, "/x", "Content-Length: 0\r\n", &b);
	assert_status(&b, 200);
	strbuf_clear(&b);
	tear_down(&f);
}

static void test_bad_requests(void **state)
{
	_cleanup_free_ char *long_header = malloc(100001);
	struct strbuf b = {0};
	struct fixture f;

	(void)state;
	set_up(&f);
	converse(&f, "\x16\x03\x01\x02 no HTTP\r\n\r\n", &b);
	get(&f, "/x", "no colon here\r\n", &b);
	assert_non_null(long_header);
	memset(long_header, 'a', 100000);
	memcpy(long_header, "X: ", 3);
	memcpy(long_header + 99998, "\r\n", 3);
	get(&f, "/x", long_header, &b);
	assert_null(strstr(b.text, "200 OK"));
	f.calls = 0;
	/* It lives. */
	get(&f, "/x", "", &b);
	assert_status(&b, 200);
	assert_int_equal(f.calls, 1);
	strbuf_clear(&b);
	tear_down(&f);
}

static void assert_unzips(const struct strbuf *b, size_t n)
{
	_cleanup_free_ unsigned char *out = calloc(1, n + 1);
	size_t at = body_at(b);
	z_stream z = {.avail_in = (unsigned)(b->len - at), .avail_out = (unsigned)n + 1};

	assert_non_null(out);
	z.next_in = (unsigned char *)b->text + at;
	z.next_out = out;
	assert_int_equal(inflateInit2(&z, 31), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, n);
	assert_int_equal(inflateEnd(&z), Z_OK);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(out[i], 'z');
}

static void test_gzip(void **state)
{
	static const char *const yes[] = {"gzip", "GZip", "deflate, gzip", "gzip;q=0.5",
		"br;q=1.0, gzip; q=0.001, *;q=0", "*", "identity;q=0, *;q=0.1"};
	static const char *const no[] = {"identity", "", "gzip;q=0", "gzip;q=0.000", "*;q=0",
		"gzip;q=0, *", "gzipped", "deflate;q=1", "gzip;x=1"};
	char header[128];
	struct strbuf b = {0};
	struct fixture f;

	(void)state;
	set_up(&f);
	for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
		(void)snprintf(header, sizeof(header), "Accept-Encoding: %s\r\n", yes[i]);
		get(&f, "/large", header, &b);
		assert_status(&b, 200);
		assert_has(&b, "\r\nContent-Encoding: gzip\r\n");
		assert_has(&b, "\r\nVary: Accept, Accept-Encoding\r\n");
		assert_unzips(&b, LARGE);
	}
	for (size_t i = 0; i < ELEMENTSOF(no); i++) {
		(void)snprintf(header, sizeof(header), "Accept-Encoding: %s\r\n", no[i]);
		get(&f, "/large", header, &b);
		if (strcasestr(b.text, "\r\nContent-Encoding"))
			fail_msg("%s", no[i]);
		assert_int_equal(b.len - body_at(&b), LARGE);
	}
	/* Not worth it. */
	get(&f, "/small", "Accept-Encoding: gzip\r\n", &b);
	assert_null(strcasestr(b.text, "\r\nContent-Encoding"));
	strbuf_clear(&b);
	tear_down(&f);
}

static void test_old_http(void **state)
{
	struct strbuf b = {0};
	struct fixture f;

	(void)state;
	set_up(&f);
	converse(&f, "GET /x HTTP/1.0\r\n\r\n", &b);
	assert_non_null(strstr(b.text, " 200 OK\r\n"));
	assert_string_equal(b.text + body_at(&b), "zzzzz");
	strbuf_clear(&b);
	tear_down(&f);
}

/* A request a connection: what follows is never taken for another. */
static void test_one_request(void **state)
{
	_cleanup_close_ int fd = -1;
	struct strbuf b = {0};
	struct fixture f;

	(void)state;
	set_up(&f);
	fd = connect_to(f.port);
	send_text(fd, "GET /1 HTTP/1.1\r\nHo");
	for (int i = 0; i < 20; i++)
		assert_true(sd_event_run(f.event, USEC_PER_MSEC) >= 0);
	assert_int_equal(f.calls, 0);
	send_text(fd, "st: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
	read_to_end(f.event, fd, &b);
	assert_status(&b, 200);
	assert_has(&b, "\r\nConnection: close\r\n");
	assert_null(strstr(b.text + 1, "HTTP/1.1"));
	assert_int_equal(f.calls, 1);
	assert_string_equal(f.path, "/1");
	strbuf_clear(&b);
	tear_down(&f);
}

/* What can be read in two ways, each before a request that one of them would see: refused, and the
 * other is not answered. */
static void test_two_ways(void **state)
{
	static const char *const heads[] = {
		"GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 36\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 0\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: +0\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: \r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: h\r\nX Y: z\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: h\r\n: z\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: h\r\nnothing\r\n\r\n",
		"GET /x HTTP/1.1\r\n Host: h\r\nX: z\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: h\r\nX: y\r\n z\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: h\r\nX: y\r\n\tContent-Length: 36\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
		"GET /x HTTP/1.1\nHost: h\n\n",
		"GET /x HTTP/1.1\r\nHost: h\r\nX: y\nY: z\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: h\r\nX: y\rY: z\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: h\r\nX: \x01\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
		"GET /x HTTP/1.1\r\nX: z\r\n\r\n",
		"GET http://h/x HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
		"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET * HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /x\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /a%00b HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /a?b=%00 HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /x HTTP/1.1x\r\nHost: h\r\n\r\n",
		"GET /x\r\nHost: h\r\n\r\n",
	};
	const uint64_t *refusals;
	struct strbuf b = {0};
	struct fixture f;

	(void)state;
	set_up(&f);
	for (size_t i = 0; i < ELEMENTSOF(heads); i++) {
		_cleanup_free_ char *text = NULL;

		assert_int_equal(
			str_printf(&text, "%sGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", heads[i]), 0);
		converse(&f, text, &b);
		if (strncmp(b.text, "HTTP/1.1 400 ", 13) != 0 || f.calls > 0)
			fail_msg("%s: %s", heads[i], b.text);
	}
	refusals = http_server_refusals(f.server);
	/* The rest the library refuses by itself; libmicrohttpd 1.0 does so of more. */
	assert_true(refusals[HTTP_REFUSAL_MALFORMED] >
		    (MHD_VERSION < 0x01000000 ? ELEMENTSOF(heads) / 2 : 0));
	assert_true(refusals[HTTP_REFUSAL_MALFORMED] <= ELEMENTSOF(heads));
	assert_int_equal(refusals[HTTP_REFUSAL_METHOD], 0);
	get(&f, "/a%2Fb", "", &b);
	assert_status(&b, 404);
	assert_int_equal(f.calls, 0);
	get(&f, "/a?b=c%2Fd", "X:\r\n", &b);
	assert_status(&b, 400);
	get(&f, "/a?b=c%2Fd", "X: y, \t\x80z\r\n", &b);
	assert_status(&b, 200);
	strbuf_clear(&b);
	tear_down(&f);
}

/* Not answered at all, or with another version. */
static void test_no_requests(void **state)
{
	static const char *const texts[] = {
		"GET  /x  HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET\t/x\tHTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /x y HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /x HTTP/2.0\r\nHost: h\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"\x16\x03\x01\x02\x01\x01\r\n\r\n",
	};
	struct strbuf b = {0};
	struct fixture f;

	(void)state;
	set_up(&f);
	for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
		converse(&f, texts[i], &b);
		if (strstr(b.text, " 200 ") || f.calls > 0)
			fail_msg("%s: %s", texts[i], b.text);
	}
	strbuf_clear(&b);
	tear_down(&f);
}

/* More connections than one address has: those who hold one without a word keep nobody out. */
static void test_many(void **state)
{
	int fds[MANY];
	struct strbuf b = {0};
	struct fixture f;

	(void)state;
	set_up(&f);
	for (size_t i = 0; i < MANY; i++)
		fds[i] = connect_to(f.port);
	get(&f, "/x", "", &b);
	assert_status(&b, 200);
	assert_true(http_server_refusals(f.server)[HTTP_REFUSAL_CROWDED] >=
		    MANY - HTTP_CONNECTIONS_OF_ORIGIN);
	for (size_t i = 0; i < MANY; i++)
		(void)close(fds[i]);
	strbuf_clear(&b);
	tear_down(&f);
}

static void test_free_with_connections(void **state)
{
	_cleanup_close_ int silent = -1;
	_cleanup_close_ int half = -1;
	struct strbuf b = {0};
	struct fixture f;

	(void)state;
	set_up(&f);
	silent = connect_to(f.port);
	half = connect_to(f.port);
	send_text(half, "GET /x HT");
	for (int i = 0; i < 20; i++)
		assert_true(sd_event_run(f.event, USEC_PER_MSEC) >= 0);
	f.server = http_server_free(f.server);
	assert_null(http_server_free(NULL));
	read_to_end(f.event, silent, &b);
	read_to_end(f.event, half, &b);
	strbuf_clear(&b);
	tear_down(&f);
}

static void test_addresses(void **state)
{
	static const char *const bad[] = {"", "14040", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
		"127.0.0.1:65536", "localhost:1", "256.0.0.1:1", "[::1:1", "::1:1", "[]:1",
		"[127.0.0.1]:1", "127.0.0.1:-1", "[", "[:1"};
	static const char *const good[] = {":0", "127.0.0.1:0"};
	struct fixture f = {0};

	(void)state;
	assert_return_code(sd_event_new(&f.event), 0);
	assert_int_equal(http_server_new(f.event, handle, &f, &f.server), 0);
	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		_cleanup_free_ char *err = NULL;

		if (http_server_listen(f.server, bad[i], &f.port, &err) != -EINVAL)
			fail_msg("%s", bad[i]);
		assert_non_null(err);
		assert_non_null(strstr(err, ": not an address such as "));
	}
	for (size_t i = 0; i < ELEMENTSOF(good); i++) {
		_cleanup_free_ char *err = NULL;
		struct strbuf b = {0};

		assert_int_equal(http_server_listen(f.server, good[i], &f.port, &err), 0);
		get(&f, "/x", "", &b);
		assert_status(&b, 200);
		strbuf_clear(&b);
	}
	/* It has listened at both of them since. */
	assert_int_equal(f.calls, ELEMENTSOF(good));
	tear_down(&f);
}

/* Each socket is served, the first no less than the last, and one that was opened elsewhere. */
static void test_several_addresses(void **state)
{
	_cleanup_free_ char *err = NULL;
	struct strbuf b = {0};
	unsigned ports[3];
	struct fixture f;
	int fd;

	(void)state;
	set_up(&f);
	ports[0] = f.port;
	assert_int_equal(http_server_listen(f.server, "[::1]:0", &ports[1], &err), 0);
	assert_int_equal(tcp_listen("127.0.0.1:0", &fd), 0);
	ports[2] = tcp_port(fd);
	assert_int_equal(http_server_take(f.server, fd), 0);
	for (size_t i = 0; i < ELEMENTSOF(ports); i += 2) {
		f.port = ports[i];
		get(&f, "/x", "", &b);
		assert_status(&b, 200);
	}
	assert_int_equal(f.calls, 2);
	assert_int_not_equal(ports[0], ports[2]);
	assert_true(ports[1] > 0);
	strbuf_clear(&b);
	tear_down(&f);
}

static char *pem(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	gnutls_datum_t d = {0};
	char *text;

	assert_int_equal(crt ? gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &d)
			     : gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &d),
		0);
	text = strndup((const char *)d.data, d.size);
	gnutls_free(d.data);
	assert_non_null(text);
	return text;
}

static struct http_tls *make_tls(void)
{
	_cleanup_free_ char *cert = NULL;
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *text = NULL;
	struct http_tls *tls = NULL;
	const struct strlist none = {0};
	struct http_tls_params p = {.priority = "NORMAL", .allowed_sans = &none};
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;

	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	assert_int_equal(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
				 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		0);
	assert_int_equal(gnutls_x509_crt_set_version(crt, 3), 0);
	assert_int_equal(gnutls_x509_crt_set_serial(crt, "\1", 1), 0);
	assert_int_equal(gnutls_x509_crt_set_activation_time(crt, 0), 0);
	assert_int_equal(gnutls_x509_crt_set_expiration_time(crt, 4000000000), 0);
	assert_int_equal(gnutls_x509_crt_set_key(crt, key), 0);
	assert_int_equal(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), 0);
	p.cert = cert = pem(crt, NULL);
	p.key = text = pem(NULL, key);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	if (http_tls_new(&p, &tls, &err) < 0)
		fail_msg("%s", err ? err : "no TLS");
	return tls;
}

/* With no descriptor left. */
static int set_tls_without_descriptors(struct http_server *s, struct http_tls *tls)
{
	struct rlimit was;
	struct rlimit none;
	int r;

	assert_return_code(getrlimit(RLIMIT_NOFILE, &was), errno);
	none = was;
	none.rlim_cur = 3;
	assert_return_code(setrlimit(RLIMIT_NOFILE, &none), errno);
	r = http_server_set_tls(s, tls);
	assert_return_code(setrlimit(RLIMIT_NOFILE, &was), errno);
	return r;
}

/* Those that could not begin anew do so at the next call, whether or not it changes anything. */
static void test_begins_anew(void **state)
{
	_cleanup_free_ char *err = NULL;
	struct http_tls *tls = make_tls();
	struct strbuf b = {0};
	unsigned ports[2];
	struct fixture f;

	(void)state;
	set_up(&f);
	ports[0] = f.port;
	assert_int_equal(http_server_listen(f.server, "127.0.0.1:0", &ports[1], &err), 0);
	assert_int_equal(set_tls_without_descriptors(f.server, tls), -EMFILE);
	assert_int_equal(http_server_set_tls(f.server, tls), 0);
	assert_int_equal(set_tls_without_descriptors(f.server, NULL), -EMFILE);
	assert_int_equal(set_tls_without_descriptors(f.server, NULL), -EMFILE);
	assert_int_equal(http_server_set_tls(f.server, NULL), 0);
	for (size_t i = 0; i < ELEMENTSOF(ports); i++) {
		f.port = ports[i];
		get(&f, "/x", "", &b);
		assert_status(&b, 200);
	}
	strbuf_clear(&b);
	tear_down(&f);
	http_tls_unref(tls);
}

/* So many descriptors from now on, as there are. */
static struct rlimit take_descriptors(void)
{
	struct rlimit old;
	struct rlimit now;
	int next = dup(STDERR_FILENO);

	assert_return_code(next, errno);
	assert_return_code(getrlimit(RLIMIT_NOFILE, &old), errno);
	now = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = old.rlim_max};
	assert_return_code(close(next), errno);
	assert_return_code(setrlimit(RLIMIT_NOFILE, &now), errno);
	return old;
}

/* Somebody waits who cannot be let in: the loop turns now and then, not all the time. */
static void test_no_descriptor(void **state)
{
	static const char text[] = "GET / HTTP/1.0\r\n\r\n";
	struct strbuf b = {0};
	struct rlimit old;
	struct fixture f;
	unsigned n = 0;
	usec_t end;
	int fd;

	(void)state;
	set_up(&f);
	fd = connect_to(f.port);
	send_text(fd, text);
	old = take_descriptors();
	end = clock_boottime() + USEC_PER_SEC;
	while (clock_boottime() < end || n < 2)
		n += sd_event_run(f.event, USEC_PER_SEC / 10) > 0;
	assert_return_code(setrlimit(RLIMIT_NOFILE, &old), errno);
	assert_int_equal(f.calls, 0);
	assert_true(n < 30);
	read_to_end(f.event, fd, &b);
	assert_status(&b, 200);
	strbuf_clear(&b);
	(void)close(fd);
	tear_down(&f);
}

static void test_port_taken(void **state)
{
	_cleanup_free_ char *at = NULL;
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *wanted = NULL;
	struct fixture f;
	unsigned port = 0;

	(void)state;
	set_up(&f);
	assert_int_equal(str_printf(&at, "127.0.0.1:%u", f.port), 0);
	assert_int_equal(http_server_listen(f.server, at, &port, &err), -EADDRINUSE);
	assert_int_equal(port, 0);
	assert_int_equal(str_printf(&wanted, "%s: Address already in use", at), 0);
	assert_string_equal(err, wanted);
	/* A server that follows gets the port, although connections of the old one linger. */
	f.server = http_server_free(f.server);
	free(err);
	err = NULL;
	assert_int_equal(http_server_new(f.event, handle, &f, &f.server), 0);
	assert_int_equal(http_server_listen(f.server, at, &port, &err), 0);
	assert_int_equal(port, f.port);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_handler_fails),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_other_methods),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_old_http),
		cmocka_unit_test(test_one_request),
		cmocka_unit_test(test_two_ways),
		cmocka_unit_test(test_no_requests),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_free_with_connections),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_several_addresses),
		cmocka_unit_test(test_begins_anew),
		cmocka_unit_test(test_no_descriptor),
		cmocka_unit_test(test_port_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
