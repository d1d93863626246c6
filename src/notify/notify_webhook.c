/* SPDX-License-Identifier: Apache-2.0
 * A POST: of the message itself, of a template, or of an alert. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/strbuf.h"
#include "io/hmac.h"
#include "notify/notify_type.h"

#define MAX_HEADERS 20
#define MAX_ANSWER ((size_t)64 * 1024)
#define MAX_QUOTED 200
#define ALERTS_PATH "/api/v2/alerts"

/* http or https, a host, no user name, no fragment. NULL, or what is wrong. */
static const char *url_fault(const char *url)
{
	size_t scheme = strncmp(url, "http://", 7) == 0    ? 7
			: strncmp(url, "https://", 8) == 0 ? 8
							   : 0;
	size_t host = strcspn(url + scheme, "/?#");

	if (scheme == 0 || host == 0)
		return "begins with http:// or https:// and a host";
	if (memchr(url + scheme, '@', host))
		return "holds a user name: use username and password_file";
	if (strpbrk(url, "# \t"))
		return "holds a blank or a fragment";
	return NULL;
}

static const char *header_fault(const char *line)
{
	static const char *const ours[] = {"Content-Type", "Content-Length", "Host",
		"X-Stagewatch-Signature", "X-Stagewatch-Delivery"};
	size_t n = strcspn(line, ":");

	if (n == 0 || line[n] != ':' || strcspn(line, " \t\"(),/;<=>?@[\\]{}") < n)
		return "not of the form Name: value";
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
	if (p->format != NOTIFY_JSON)
		return notify_refuse("template", "not with format=alertmanager", ret_key, reterr);
	r = notify_join(&p->template, &text);
	if (r >= 0)
		r = notice_check_template(text, &err);
	return r == -EINVAL ? notify_refuse("template", err, ret_key, reterr) : r;
}

static int webhook_check(const struct notify_params *p, const char **ret_key, char **reterr)
{
	const char *fault = p->url ? url_fault(p->url) : NULL;

	if (!p->url && !p->url_file)
		return notify_refuse(NULL, "url is missing", ret_key, reterr);
	if (fault)
		return notify_refuse("url", fault, ret_key, reterr);
	if (p->format == NOTIFY_ALERTMANAGER && p->url && strpbrk(p->url, "?"))
		return notify_refuse("url", "an Alertmanager's holds no query", ret_key, reterr);
	if (!p->username != !p->password_file)
		return notify_refuse(p->username ? "username" : "password_file",
			"username and password_file come together", ret_key, reterr);
	if (p->header.n > MAX_HEADERS)
		return notify_refuse("header", "more than 20 of them", ret_key, reterr);
	for (size_t i = 0; i < p->header.n && !fault; i++)
		fault = header_fault(p->header.items[i]);
	if (fault)
		return notify_refuse("header", fault, ret_key, reterr);
	return check_template(p, ret_key, reterr);
}

static const char *webhook_object(const struct notify *n)
{
	if (n->secrets.url && url_fault(n->secrets.url))
		return "what url_file holds is no URL";
	return NULL;
}

static const char *reason_of(const struct transport_answer *a)
{
	if (a->error == -ETIMEDOUT)
		return "timeout";
	if (a->error < 0)
		return "unreachable";
	if (a->status == 401 || a->status == 403)
		return "denied";
	if (a->status >= 500 || a->status == 429)
		return "server_error";
	return a->status >= 300 && a->status < 400 ? "redirect" : "refused";
}

static void on_answer(void *userdata, const struct transport_answer *a)
{
	struct notify_call *c = userdata;
	const struct notify *n = c->notify;
	_cleanup_free_ char *words = NULL;
	_cleanup_free_ char *text = NULL;
	struct notify_result result = {0};

	c->request = NULL;
	if (a->error == 0 && a->status >= 200 && a->status < 300) {
		notify_call_end(c, &result);
		return;
	}
	result.reason = reason_of(a);
	result.retry_after = a->retry_after;
	/* A secret URL may come back in pieces, which nobody would know. */
	if (a->error < 0 && n->secrets.url)
		(void)str_printf(&text, "no answer: %s", strerror(-a->error));
	else if (a->error < 0)
		(void)str_printf(&text, "%s: %s", n->params->url, a->error_text);
	else if (!n->secrets.url && str_printable(a->body, MAX_QUOTED, &words) >= 0)
		(void)str_printf(&text, "answered %d%s%s", a->status, *words ? ": " : "", words);
	else
		(void)str_printf(&text, "answered %d", a->status);
	result.text = text;
	notify_call_end(c, &result);
}

static int make_body(const struct notify *n, const struct notify_message *message, char **ret)
{
	if (n->params->format == NOTIFY_ALERTMANAGER)
		return notice_alert(message->text, &message->span, ret);
	if (n->template)
		return notice_render(message->text, n->template, ret);
	return str_replace(ret, message->text);
}

static int make_url(const struct notify *n, char **ret)
{
	const char *url = n->secrets.url ? n->secrets.url : n->params->url;
	size_t len = strlen(url);

	if (n->params->format != NOTIFY_ALERTMANAGER)
		return str_replace(ret, url);
	while (len > 0 && url[len - 1] == '/')
		len--;
	return str_printf(ret, "%.*s" ALERTS_PATH, (int)len, url);
}

/* The lines of one request; the caller clears them. */
static int make_headers(const struct notify *n, const struct notify_message *message,
	const char *body, struct strlist *ret)
{
	const struct notify_params *p = n->params;
	_cleanup_free_ char *line = NULL;
	char hex[HMAC_HEX_SIZE];
	int r;

	r = strlist_add(ret, "Content-Type: application/json");
	if (r >= 0)
		r = str_printf(&line, "X-Stagewatch-Delivery: %s", message->delivery);
	if (r >= 0)
		r = strlist_add(ret, line);
	for (size_t i = 0; r >= 0 && i < p->header.n; i++)
		r = strlist_add(ret, p->header.items[i]);
	if (r >= 0 && n->secrets.secret) {
		_cleanup_free_ char *signature = NULL;

		r = hmac_sha256(n->secrets.secret, body, strlen(body), hex);
		if (r >= 0)
			r = str_printf(&signature, "X-Stagewatch-Signature: sha256=%s", hex);
		if (r >= 0)
			r = strlist_add(ret, signature);
	}
	return r;
}

static int webhook_send(struct notify_call *c, const struct notify_message *message)
{
	const struct notify *n = c->notify;
	/* Borrowed. An Authorization of one's own goes before username and password. */
	const struct endpoint endpoint = {
		.username = n->secrets.authorization ? NULL : n->params->username,
		.password = n->secrets.authorization ? NULL : n->secrets.password,
		.authorization = n->secrets.authorization,
		.ca_file = n->params->ca_file,
		.timeout = n->params->timeout,
	};
	const char *headers[MAX_HEADERS + 4] = {0};
	struct strlist lines = {0};
	_cleanup_free_ char *body = NULL;
	_cleanup_free_ char *url = NULL;
	struct transport_ask ask = {
		.method = "POST",
		.headers = headers,
		.endpoint = &endpoint,
		.max_body = MAX_ANSWER,
	};
	int r;

	r = make_body(n, message, &body);
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
	strlist_clear(&lines);
	return r;
}

static const char *const keys[] = {"url", "url_file", "format", "template", "header",
	"authorization_file", "username", "password_file", "secret_file", "ca_file", "resend",
	NULL};

const struct notify_ops notify_webhook = {
	.name = "webhook",
	.keys = keys,
	.check = webhook_check,
	.object = webhook_object,
	.send = webhook_send,
};
