/* SPDX-License-Identifier: Apache-2.0
 * Options of a request, and what is taken in of its answer. */
#include "io/http_exchange.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/secret.h"
#include "base/strbuf.h"
#include "io/clock.h"
#include "io/expiry.h"
#include "io/http_url.h"

#define DEFAULT_MAX_BODY ((size_t)8 * 1024 * 1024)
#define DEFAULT_TIMEOUT (10 * USEC_PER_SEC)
#define CONNECT_TIMEOUT (5 * USEC_PER_SEC)
/* What one call reads at most: the answer of a driver with a few stages at once. */
#define READ_SIZE (32L * 1024)
/* The room for a body is kept for the next one up to this size. */
#define KEPT_BODY ((size_t)64 * 1024)
/* No caller means more; sums of it stay far from overflow. */
#define MAX_MAX_BODY ((size_t)1024 * 1024 * 1024)

/* What every request has in common. */
static const struct {
	CURLoption option;
	long value;
} fixed_options[] = {
	{CURLOPT_NOSIGNAL, 1}, {CURLOPT_NETRC, CURL_NETRC_IGNORED}, {CURLOPT_FOLLOWLOCATION, 0},
	{CURLOPT_UNRESTRICTED_AUTH, 0}, {CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
	{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1}, {CURLOPT_HTTP09_ALLOWED, 0},
	{CURLOPT_CERTINFO, 1}, /* read at a handshake, not for each request */
	{CURLOPT_TCP_KEEPALIVE, 1}, {CURLOPT_BUFFERSIZE, READ_SIZE},
	/* Do not wait for the resolver's thread when a request ends before it. */
	{CURLOPT_QUICK_EXIT, 1},
#if LIBCURL_VERSION_NUM >= 0x075700
	{CURLOPT_CA_CACHE_TIMEOUT, 0}, /* a ca_file that changes is read at the next handshake */
#endif
};

/* Seconds after which a connection is not used for a further request where it was made with a
 * client certificate: a server may look at that with each request, and the file may have a newer
 * one. */
#define CERTIFICATE_LASTS 300L

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
	{CURLE_ABORTED_BY_CALLBACK, -ECANCELED},
};

int http_exchange_check(const struct transport_ask *ask)
{
	static const char *const methods[] = {"GET", "POST", "PATCH", "PUT", "DELETE"};
	const char *authorization = transport_endpoint(ask)->authorization;
	const struct strlist *secret = &transport_endpoint(ask)->headers;
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
	if (authorization && strpbrk(authorization, "\r\n"))
		return -EINVAL;
	for (size_t i = 0; i < secret->n; i++)
		if (http_url_header_fault(secret->items[i]))
			return -EINVAL;
	return http_url_check(ask->url);
}

/* What is left of max_body. */
static size_t room(const struct http_exchange *x)
{
	size_t taken = x->len + x->n_trailers;

	return taken < x->max_body ? x->max_body - taken : 0;
}

/* One line at a time; those of a "100 Continue", and those after a body, too. libcurl bounds the
 * sum of the others. */
static size_t on_header(char *data, size_t size, size_t n, void *userdata)
{
	struct http_exchange *x = userdata;

	n *= size;
	if (n >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		x->headers_done = false;
	} else if (x->headers_done) {
		if (n > room(x)) {
			x->body_error = -EMSGSIZE;
			return 0;
		}
		x->n_trailers += n;
	} else if (n > 0 && (data[0] == '\r' || data[0] == '\n')) {
		x->headers_done = true;
	}
	return n;
}

/* realloc() would leave a copy of a secret behind. */
static bool grow(struct http_exchange *x, size_t size)
{
	char *body = x->secret ? malloc(size) : realloc(x->body, size);

	if (!body)
		return false;
	if (x->secret) {
		if (x->len > 0)
			memcpy(body, x->body, x->len);
		secret_wipe(x->body, x->size);
		free(x->body);
	}
	x->body = body;
	x->size = size;
	return true;
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
	struct http_exchange *x = userdata;

	n *= size;
	if (n > room(x)) {
		x->body_error = -EMSGSIZE;
		return CURL_WRITEFUNC_ERROR;
	}
	if (x->len + n + 1 > x->size && !grow(x, (x->len + n + 1) * 2)) {
		x->body_error = -EPROTO;
		return CURL_WRITEFUNC_ERROR;
	}
	memcpy(x->body + x->len, data, n);
	x->len += n;
	x->body[x->len] = '\0';
	return n;
}

static int add_header(struct http_exchange *x, const char *line)
{
	struct curl_slist *l = curl_slist_append(x->headers, line);

	if (!l)
		return -ENOMEM;
	x->headers = l;
	return 0;
}

static int add_authorization(struct http_exchange *x, const char *value)
{
	char *line = NULL;
	int err;

	if (!value)
		return 0;
	err = str_printf(&line, "Authorization: %s", value);
	if (err >= 0)
		err = add_header(x, line);
	secret_free(line);
	return err;
}

static int set_headers(
	struct http_exchange *x, const struct transport_ask *ask, const struct endpoint *e)
{
	bool has_type = false;
	int err = 0;

	for (size_t i = 0; err >= 0 && ask->headers && ask->headers[i]; i++) {
		has_type = has_type || strncasecmp(ask->headers[i], "Content-Type:", 13) == 0;
		err = add_header(x, ask->headers[i]);
	}
	for (size_t i = 0; err >= 0 && i < e->headers.n; i++)
		err = add_header(x, e->headers.items[i]);
	if (err >= 0)
		err = add_authorization(x, e->authorization);
	/* Without a value libcurl leaves its own header out. */
	if (err >= 0)
		err = add_header(x, "Expect:");
	if (err >= 0 && !has_type)
		err = add_header(x, "Content-Type:");
	if (err >= 0 && curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers) != CURLE_OK)
		err = -ENOMEM;
	return err;
}

/* The copy of the body is ours, since libcurl does not wipe its own. */
static int set_body(struct http_exchange *x, const struct transport_ask *ask)
{
	CURL *easy = x->easy;
	int r;

	if (str_equal(ask->method, "GET"))
		return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK ? 0 : -ENOMEM;
	r = str_replace(&x->sent, ask->body ? ask->body : "");
	if (r < 0)
		return r;
	/* When a kept connection turns out to be broken, libcurl sends once more by itself, also
	 * what the other side may have done already. Not on a new connection. */
	if (curl_easy_setopt(easy, CURLOPT_POST, 1L) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, ask->method) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(x->sent)) !=
			CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, x->sent) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

/* The Content-Length counts encoded bytes, of which an incompressible body has a few more. */
static int set_bounds(struct http_exchange *x)
{
	curl_off_t n = (curl_off_t)(x->max_body + x->max_body / 1024 + 1024);

	if (curl_easy_setopt(x->easy, CURLOPT_MAXFILESIZE_LARGE, n) != CURLE_OK ||
		curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, on_header) != CURLE_OK ||
		curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

static int set_url(CURL *easy, const struct transport_ask *ask, const struct endpoint *e)
{
	_cleanup_free_ char *url = NULL;

	if (e->username && !e->password) {
		int r = http_url_add_user(ask->url, e->username, &url);

		if (r < 0)
			return r;
	}
	return curl_easy_setopt(easy, CURLOPT_URL, url ? url : ask->url) == CURLE_OK ? 0 : -ENOMEM;
}

static int set_options(struct http_exchange *x, const char *user_agent,
	const struct transport_ask *ask, const struct endpoint *e)
{
	const struct {
		CURLoption option;
		const void *value;
	} pointers[] = {
		{CURLOPT_USERAGENT, user_agent},
		/* None, and no exceptions, whatever the environment says. */
		{CURLOPT_PROXY, e->proxy ? e->proxy : ""},
		{CURLOPT_NOPROXY, e->no_proxy ? e->no_proxy : ""},
		{CURLOPT_PROTOCOLS_STR, "http,https"},
		{CURLOPT_REDIR_PROTOCOLS_STR, "http,https"},
		{CURLOPT_ACCEPT_ENCODING, ""}, /* all that libcurl decodes */
		{CURLOPT_USERNAME, e->password ? e->username : NULL},
		{CURLOPT_PASSWORD, e->username ? e->password : NULL},
		{CURLOPT_CAINFO, e->ca_file},
		{CURLOPT_SSLCERT, e->client_cert_file},
		{CURLOPT_SSLKEY, e->client_key_file ? e->client_key_file : e->client_cert_file},
		{CURLOPT_UNIX_SOCKET_PATH, ask->socket},
		{CURLOPT_ERRORBUFFER, x->error},
		{CURLOPT_HEADERDATA, x},
		{CURLOPT_WRITEDATA, x},
	};

	for (size_t i = 0; i < ELEMENTSOF(fixed_options); i++)
		if (curl_easy_setopt(x->easy, fixed_options[i].option, fixed_options[i].value) !=
			CURLE_OK)
			return -ENOMEM;
	for (size_t i = 0; i < ELEMENTSOF(pointers); i++)
		if (pointers[i].value && curl_easy_setopt(x->easy, pointers[i].option,
						 pointers[i].value) != CURLE_OK)
			return -ENOMEM;
	if (e->username && e->password &&
		curl_easy_setopt(x->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) != CURLE_OK)
		return -ENOMEM;
	/* Instead of the system's: libcurl may have been built to look there, too. */
	if (e->ca_file && curl_easy_setopt(x->easy, CURLOPT_CAPATH, NULL) != CURLE_OK)
		return -ENOMEM;
	/* A session that is resumed would be one of the certificate of before. */
	if (e->client_cert_file &&
		(curl_easy_setopt(x->easy, CURLOPT_MAXLIFETIME_CONN, CERTIFICATE_LASTS) !=
				CURLE_OK ||
			curl_easy_setopt(x->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L) != CURLE_OK))
		return -ENOMEM;
	return 0;
}

/* libcurl's clock stands while the machine sleeps. What was said before says nothing of the time
 * after, and what was to be done is to be decided again. */
static bool is_too_late(const struct http_exchange *x)
{
	return clock_boottime() > x->too_late;
}

static int on_connected(void *userdata, char *to, char *from, int to_port, int from_port)
{
	const struct http_exchange *x = userdata;

	(void)to;
	(void)from;
	(void)to_port;
	(void)from_port;
	return guard_open(x->guard) && !is_too_late(x) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* Of what changes something, and of what somebody guards. */
static int set_guard(struct http_exchange *x, const struct transport_ask *ask)
{
	x->guard = ask->guard;
	if (!ask->guard && str_equal(ask->method, "GET"))
		return 0;
	if (curl_easy_setopt(x->easy, CURLOPT_PREREQFUNCTION, on_connected) != CURLE_OK ||
		curl_easy_setopt(x->easy, CURLOPT_PREREQDATA, x) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

static long to_ms(usec_t t)
{
	unsigned long long ms = clock_library_ms(t);

	return (long)(ms < INT_MAX ? ms : INT_MAX);
}

static usec_t timeout_of(const struct endpoint *e)
{
	return e->timeout ? e->timeout : DEFAULT_TIMEOUT;
}

static int set_times(CURL *easy, const struct endpoint *e)
{
	usec_t timeout = timeout_of(e);
	usec_t connect = timeout < CONNECT_TIMEOUT ? timeout : CONNECT_TIMEOUT;

	if (curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, to_ms(timeout)) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, to_ms(connect)) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

static size_t count(const char *const *headers)
{
	size_t n = 0;

	while (headers && headers[n])
		n++;
	return n;
}

static size_t bound_of(const struct transport_ask *ask)
{
	size_t max = ask->max_body ? ask->max_body : transport_endpoint(ask)->max_body;

	if (max == 0)
		max = DEFAULT_MAX_BODY;

	return max < MAX_MAX_BODY ? max : MAX_MAX_BODY;
}

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->timeout == b->timeout && str_equal(a->username, b->username) &&
	       str_equal(a->password, b->password) &&
	       str_equal(a->authorization, b->authorization) && str_equal(a->ca_file, b->ca_file) &&
	       str_equal(a->proxy, b->proxy) && str_equal(a->no_proxy, b->no_proxy) &&
	       str_equal(a->client_cert_file, b->client_cert_file) &&
	       str_equal(a->client_key_file, b->client_key_file) &&
	       strlist_equal(&a->headers, &b->headers);
}

/* Whether all options but the URL are what they were. */
static bool is_like_last(const struct http_exchange *x, const struct transport_ask *ask)
{
	const struct curl_slist *l = x->headers;

	if (!x->reusable || !str_equal(ask->method, "GET") || ask->socket || ask->guard ||
		x->n_headers != count(ask->headers) || x->max_body != bound_of(ask) ||
		!same_endpoint(&x->endpoint, transport_endpoint(ask)))
		return false;
	for (size_t i = 0; i < x->n_headers; i++, l = l->next)
		if (!str_equal(l->data, ask->headers[i]))
			return false;
	return true;
}

static void forget_headers(struct http_exchange *x)
{
	for (struct curl_slist *l = x->headers; l; l = l->next)
		secret_wipe(l->data, strlen(l->data));
	curl_slist_free_all(x->headers);
	x->headers = NULL;
}

static int set_all(struct http_exchange *x, const char *user_agent, const struct transport_ask *ask)
{
	const struct endpoint *e = transport_endpoint(ask);
	int err;

	curl_easy_reset(x->easy);
	x->reusable = false;
	x->sent = secret_free(x->sent);
	forget_headers(x);
	endpoint_clear(&x->endpoint);
	x->n_headers = count(ask->headers);
	x->max_body = bound_of(ask);
	err = set_options(x, user_agent, ask, e);
	if (err >= 0)
		err = set_times(x->easy, e);
	if (err >= 0)
		err = set_headers(x, ask, e);
	if (err >= 0)
		err = set_body(x, ask);
	if (err >= 0)
		err = set_bounds(x);
	if (err >= 0)
		err = set_guard(x, ask);
	if (err >= 0)
		err = endpoint_copy(&x->endpoint, e);
	x->reusable = err >= 0 && str_equal(ask->method, "GET") && !ask->socket && !ask->guard;
	return err;
}

int http_exchange_begin(
	struct http_exchange *x, const char *user_agent, const struct transport_ask *ask)
{
	usec_t timeout = timeout_of(transport_endpoint(ask));
	int err = 0;

	x->too_late = clock_boottime() + 2 * clock_of_library_ms(clock_library_ms(timeout));
	x->len = 0;
	x->body_error = 0;
	x->secret = ask->secret;
	x->headers_done = false;
	x->n_trailers = 0;
	x->error[0] = '\0';
	if (!is_like_last(x, ask))
		err = set_all(x, user_agent, ask);
	return err < 0 ? err : set_url(x->easy, ask, transport_endpoint(ask));
}

/* Sockets, names and certificates take files, and libcurl does not say why it got none. */
static bool lacks_files(CURLcode code)
{
	_cleanup_close_ int fd = -1;

	if (code != CURLE_COULDNT_CONNECT && code != CURLE_COULDNT_RESOLVE_HOST &&
		code != CURLE_SSL_CACERT_BADFILE)
		return false;
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd < 0 && (errno == EMFILE || errno == ENFILE);
}

static int code_to_error(const struct http_exchange *x, CURLcode code)
{
	long os_error = 0;

	if (x->body_error < 0)
		return x->body_error;
	if (code == CURLE_COULDNT_CONNECT) {
		(void)curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &os_error);
		if (os_error == ECONNREFUSED)
			return -ECONNREFUSED;
	}
	if (lacks_files(code))
		return -EMFILE;
	for (size_t i = 0; i < ELEMENTSOF(code_errors); i++)
		if (code_errors[i].code == code)
			return code_errors[i].error;
	return -EPROTO;
}

static const char *error_text(struct http_exchange *x, CURLcode code, int error)
{
	if (error == -EMFILE)
		return "this process has no file descriptor left (LimitNOFILE=)";
	if (error == -ECANCELED)
		return "not sent: it may no longer be";
	if (x->body_error == -EMSGSIZE || code == CURLE_FILESIZE_EXCEEDED)
		(void)snprintf(
			x->error, sizeof(x->error), "the body is over %zu bytes", x->max_body);
	else if (x->body_error < 0)
		return "out of memory";
	/* libcurl quotes the other side here and there. */
	str_sanitize(x->error);
	return x->error[0] != '\0' ? x->error : curl_easy_strerror(code);
}

/* "Text/HTML; charset=x" as "text/html". NULL where there is none, or one that is too long. */
static const char *media_type(struct http_exchange *x)
{
	const char *header = NULL;
	size_t n;

	if (curl_easy_getinfo(x->easy, CURLINFO_CONTENT_TYPE, &header) != CURLE_OK || !header)
		return NULL;
	header += strspn(header, " \t");
	n = strcspn(header, "; \t");
	if (n == 0 || n >= sizeof(x->type))
		return NULL;
	for (size_t i = 0; i < n; i++)
		x->type[i] = (char)tolower((unsigned char)header[i]);
	x->type[n] = '\0';
	return x->type;
}

static usec_t date_of(CURL *easy)
{
	struct curl_header *header = NULL;
	usec_t date = 0;

	if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return 0;
	return parse_http_date(header->value, &date) < 0 ? 0 : date;
}

/* Seconds, or a date: of the server's clock where it tells that, else of ours. */
static usec_t retry_after_of(CURL *easy, usec_t date, usec_t wall)
{
	struct curl_header *header = NULL;
	usec_t then = 0;
	uint64_t seconds = 0;

	if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return 0;
	if (parse_u64(header->value, &seconds) >= 0)
		return seconds < USEC_INFINITY / USEC_PER_SEC ? seconds * USEC_PER_SEC
							      : USEC_INFINITY;
	if (parse_http_date(header->value, &then) < 0)
		return 0;
	return usec_sub(then, date > 0 ? date : wall);
}

static void answer_error(struct transport_answer *ret, int error, const char *text)
{
	*ret = (struct transport_answer){.error = error, .error_text = text, .body = ""};
}

void http_exchange_finish(struct http_exchange *x, CURLcode code, struct transport_answer *ret)
{
	long status = 0;
	long connects = 1;

	if (is_too_late(x)) {
		answer_error(ret, -ETIMEDOUT, "this host or process stood still meanwhile");
		return;
	}
	if (code != CURLE_OK) {
		int error = code_to_error(x, code);

		answer_error(ret, error, error_text(x, code, error));
		return;
	}
	if (!x->headers_done) {
		/* libcurl takes that for an answer without a body. */
		answer_error(ret, -ECONNRESET, "the answer ends within its headers");
		return;
	}
	(void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &connects);
	*ret = (struct transport_answer){
		.status = (int)status,
		.content_type = media_type(x),
		.body = x->len > 0 ? x->body : "",
		.len = x->len,
		.date = date_of(x->easy),
		.wall = clock_realtime(),
		.kept = connects == 0,
	};
	ret->retry_after = retry_after_of(x->easy, ret->date, ret->wall);
}

usec_t http_exchange_expires(const struct http_exchange *x)
{
	static const char field[] = "Expire date:";
	struct curl_certinfo *chain = NULL;
	usec_t first = 0;

	if (curl_easy_getinfo(x->easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || !chain)
		return 0;
	for (int i = 0; i < chain->num_of_certs; i++)
		for (const struct curl_slist *l = chain->certinfo[i]; l; l = l->next) {
			usec_t end = 0;

			if (strncmp(l->data, field, strlen(field)) == 0)
				end = expiry_of_text(l->data + strlen(field));
			if (end > 0 && (first == 0 || end < first))
				first = end;
		}
	return first;
}

void http_exchange_rest(struct http_exchange *x)
{
	/* What was sent with it may hold a secret. */
	if (!x->reusable) {
		if (x->easy)
			curl_easy_reset(x->easy);
		x->sent = secret_free(x->sent);
	}
	if (x->secret)
		secret_wipe(x->body, x->size);
	if (x->size <= KEPT_BODY)
		return;
	free(x->body);
	x->body = NULL;
	x->size = 0;
}

void http_exchange_clear(struct http_exchange *x)
{
	curl_easy_cleanup(x->easy);
	forget_headers(x);
	endpoint_clear(&x->endpoint);
	secret_free(x->sent);
	if (x->secret)
		secret_wipe(x->body, x->size);
	free(x->body);
	*x = (struct http_exchange){0};
}
