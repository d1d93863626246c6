/* SPDX-License-Identifier: Apache-2.0
 * A POST: of the message itself, of a template, or of what format= makes of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "base/strbuf.h"
#include "io/hmac.h"
#include "io/http_url.h"
#include "notify/notify_type.h"

#define MAX_HEADERS 20
#define MAX_ANSWER ((size_t)64 * 1024)
#define MAX_QUOTED 200

static const char *header_fault(const char *line)
{
	static const char *const ours[] = {"X-Stagewatch-Signature", "X-Stagewatch-Delivery"};
	const char *fault = http_url_header_fault(line);
	size_t n = strcspn(line, ":");

	if (fault)
		return fault;
	if (n == 13 && strncasecmp(line, "Authorization", n) == 0)
		return "a secret: use authorization_file";
	for (size_t i = 0; i < ELEMENTSOF(ours); i++)
		if (strlen(ours[i]) == n && strncasecmp(line, ours[i], n) == 0)
			return "set by this program";
	return NULL;
}

static int check_template(const struct notify_params *p, const char **ret_key, char **reterr)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *err = NULL;
	int r;

	if (p->template.n == 0)
		return 0;
	if (!webhook_format_of(p)->template)
		return notify_refuse("template", "with format=json only", ret_key, reterr);
	r = notify_join(&p->template, "\n", &text);
	if (r >= 0)
		r = notice_check_template(text, &err);
	return r == -EINVAL ? notify_refuse("template", err, ret_key, reterr) : r;
}

static const char *url_of(const struct notify_params *p)
{
	const struct webhook_format *f = webhook_format_of(p);

	return !p->url && f->url ? f->url(p) : p->url;
}

static int check_endpoint(const struct notify_params *p, const char **ret_key, char **reterr)
{
	const char *key = NULL;
	const char *fault = endpoint_params_fault(&p->endpoint, &key);

	if (fault)
		return notify_refuse(key, fault, ret_key, reterr);
	if (p->authorization_file && (p->endpoint.bearer_token_file || p->endpoint.token_url))
		return notify_refuse(p->endpoint.token_url ? "token_url" : "bearer_token_file",
			"not beside authorization_file", ret_key, reterr);
	return 0;
}

static int check_secrets(const struct notify_params *p, const char **ret_key, char **reterr)
{
	if (webhook_format_of(p)->takes_secret && !p->secret_file)
		return notify_refuse(
			NULL, "secret_file is missing: PagerDuty's routing key", ret_key, reterr);
	if (webhook_sends_secret(p) && !p->secret_file)
		return notify_refuse(NULL, "secret_file is missing: {{secret}} is what it holds",
			ret_key, reterr);
	if (!p->endpoint.username != !p->endpoint.password_file)
		return notify_refuse(p->endpoint.username ? "username" : "password_file",
			"username and password_file come together", ret_key, reterr);
	if (p->channel && !webhook_format_of(p)->channel)
		return notify_refuse("channel", "with format=slack only", ret_key, reterr);
	if (p->channel && !p->authorization_file && !p->endpoint.bearer_token_file)
		return notify_refuse("channel",
			"needs bearer_token_file, or authorization_file with Bearer TOKEN", ret_key,
			reterr);
	return 0;
}

static int check_headers(const struct notify_params *p, const char **ret_key, char **reterr)
{
	const char *fault = p->header.n > MAX_HEADERS ? "more than 20 of them" : NULL;

	for (size_t i = 0; i < p->header.n && !fault; i++)
		fault = header_fault(p->header.items[i]);
	return fault ? notify_refuse("header", fault, ret_key, reterr) : 0;
}

static int check_url(const struct notify_params *p, const char **ret_key, char **reterr)
{
	const char *fault = p->url ? http_url_fault(p->url) : NULL;

	if (!url_of(p) && !p->url_file)
		return notify_refuse(NULL, "url is missing", ret_key, reterr);
	if (fault)
		return notify_refuse("url", fault, ret_key, reterr);
	if (webhook_format_of(p)->path && p->url && strpbrk(p->url, "?"))
		return notify_refuse("url", "an Alertmanager's holds no query", ret_key, reterr);
	return 0;
}

static int webhook_check(const struct notify_params *p, const char **ret_key, char **reterr)
{
	static int (*const checks[])(
		const struct notify_params *p, const char **ret_key, char **reterr) = {
		check_url, check_secrets, check_headers, check_template, check_endpoint};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(checks); i++)
		r = checks[i](p, ret_key, reterr);
	return r;
}

static const char *webhook_object(const struct notify *n)
{
	if (n->secrets.url && http_url_fault(n->secrets.url))
		return "what url_file holds is no URL";
	if (n->secrets.secret && webhook_sends_secret(n->params) &&
		strpbrk(n->secrets.secret, "\r\n"))
		return "what secret_file holds has several lines";
	return NULL;
}

static const char *reason_of(const struct transport_answer *a)
{
	if (a->error == -ETIMEDOUT)
		return "timeout";
	if (a->error == -EKEYREJECTED)
		return "denied";
	if (a->error < 0)
		return "unreachable";
	if (a->status == 401 || a->status == 403)
		return "denied";
	if (a->status >= 500 || a->status == 429)
		return "server_error";
	return a->status >= 300 && a->status < 400 ? "redirect" : "refused";
}

/* Why there was no useful answer, in words without secrets. */
static int say_why(const struct notify *n, const struct transport_answer *a, char **ret)
{
	_cleanup_free_ char *words = NULL;

	/* A secret URL may come back in pieces, which nobody would know. */
	if (a->error < 0 && n->secrets.url && a->error != -EKEYREJECTED)
		return str_printf(ret, "no answer: %s", strerror(-a->error));
	if (a->error < 0)
		return str_printf(ret, "%s%s%s", n->secrets.url ? "" : url_of(n->params),
			n->secrets.url ? "" : ": ", a->error_text);
	if (!n->secrets.url && str_printable(a->body, MAX_QUOTED, &words) >= 0)
		return str_printf(ret, "answered %d%s%s", a->status, *words ? ": " : "", words);
	return str_printf(ret, "answered %d", a->status);
}

/* Slack's API says 200, whatever it thinks of it. */
static void on_slack_answer(struct notify_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *thread = NULL;
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *text = NULL;
	struct notify_result result = {0};
	int r = notice_slack_decode_answer(a->body, a->len, &thread, &err);

	if (r < 0) {
		result.reason = r == -ENOMEM ? "internal" : "refused";
		(void)str_printf(&text, "Slack refused: %s", err ? err : "out of memory");
		result.text = text;
	}
	result.thread = thread;
	notify_call_end(c, &result);
}

static void on_answer(void *userdata, const struct transport_answer *a)
{
	struct notify_call *c = userdata;
	_cleanup_free_ char *text = NULL;
	struct notify_result result = {0};
	bool done = a->error == 0 && a->status >= 200 && a->status < 300;

	c->request = NULL;
	if (done && c->notify->params->channel) {
		on_slack_answer(c, a);
		return;
	}
	if (!done) {
		result.reason = reason_of(a);
		result.retry_after = a->retry_after;
		(void)say_why(c->notify, a, &text);
		result.text = text;
	}
	notify_call_end(c, &result);
}

static int make_url(const struct notify *n, char **ret)
{
	const char *url = n->secrets.url ? n->secrets.url : url_of(n->params);
	const char *path = webhook_format_of(n->params)->path;
	size_t len = strlen(url);

	while (path && len > 0 && url[len - 1] == '/')
		len--;
	return str_printf(ret, "%.*s%s", (int)len, url, path ? path : "");
}

static int add_own_header(const struct notify *n, const char *text, struct strlist *lines)
{
	char *line = NULL;
	int r;

	if (!n->secrets.secret)
		return strlist_add(lines, text);
	r = notice_fill_secret(text, n->secrets.secret, &line);
	if (r >= 0)
		r = strlist_add(lines, line);
	secret_free(line);
	return r;
}

static int add_signature(const struct notify *n, const char *body, struct strlist *lines)
{
	_cleanup_free_ char *line = NULL;
	char hex[HMAC_HEX_SIZE];
	int r;

	if (!n->secrets.secret || webhook_sends_secret(n->params))
		return 0;
	r = hmac_sha256(n->secrets.secret, body, strlen(body), hex);
	if (r >= 0)
		r = str_printf(&line, "X-Stagewatch-Signature: sha256=%s", hex);
	return r < 0 ? r : strlist_add(lines, line);
}

/* They may hold a secret. */
static void clear_headers(struct strlist *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		secret_wipe(lines->items[i], strlen(lines->items[i]));
	strlist_clear(lines);
}

/* The lines of one request; the caller clears them. */
static int make_headers(const struct notify *n, const struct notify_message *message,
	const char *body, struct strlist *ret)
{
	const struct notify_params *p = n->params;
	_cleanup_free_ char *line = NULL;
	int r;

	/* Slack's API warns where the charset is not said. */
	r = strlist_add(ret, p->channel ? "Content-Type: application/json; charset=utf-8"
					: "Content-Type: application/json");
	if (r >= 0)
		r = str_printf(&line, "X-Stagewatch-Delivery: %s", message->delivery);
	if (r >= 0)
		r = strlist_add(ret, line);
	for (size_t i = 0; r >= 0 && i < p->header.n; i++)
		r = add_own_header(n, p->header.items[i], ret);
	return r < 0 ? r : add_signature(n, body, ret);
}

static int webhook_send(struct notify_call *c, const struct notify_message *message)
{
	const struct notify *n = c->notify;
	const char *headers[MAX_HEADERS + 4] = {0};
	struct strlist lines = {0};
	char *body = NULL;
	char *url = NULL;
	struct transport_ask ask = {
		.method = "POST",
		.headers = headers,
		.endpoint = &n->endpoint,
		.max_body = MAX_ANSWER,
	};
	int r;

	r = webhook_format_of(n->params)->body(n, message, &body);
	if (r >= 0)
		r = make_url(n, &url);
	if (r >= 0)
		r = make_headers(n, message, body, &lines);
	for (size_t i = 0; r >= 0 && i < lines.n; i++)
		headers[i] = lines.items[i];
	ask.url = url;
	ask.body = body;
	if (r >= 0)
		r = transport_send(n->context.transport, &ask, on_answer, c, &c->request);
	clear_headers(&lines);
	secret_free(body);
	secret_free(url);
	return r;
}

static const char *const keys[] = {"url", "url_file", "format", "channel", "template", "header",
	"authorization_file", "secret_file", "resend", NULL};

const struct notify_ops notify_webhook = {
	.name = "webhook",
	.asks = true,
	.keys = keys,
	.check = webhook_check,
	.object = webhook_object,
	.send = webhook_send,
};
