/* SPDX-License-Identifier: Apache-2.0
 * What the kinds of kill share: how a request goes out, and how a kill ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "action/kill_kinds.h"
#include "base/strbuf.h"
#include "wire/page.h"

struct kill_app *kill_app_cancel(struct kill_app *k)
{
	if (!k)
		return NULL;
	transport_cancel(k->transport, k->request);
	process_kill_cancel(k->process);
	sd_event_source_disable_unref(k->timer);
	kube_driver_clear(&k->driver);
	strlist_clear(&k->urls);
	kill_form_clear(&k->form);
	free(k->app_id);
	endpoint_clear(&k->endpoint);
	free(k);
	return NULL;
}

void kill_finish(struct kill_app *k, enum remedy_reply reply, const char *text)
{
	k->done(k->userdata, reply, text);
	kill_app_cancel(k);
}

void kill_try_next(struct kill_app *k, enum remedy_reply reply, const char *text)
{
	k->at = (k->at + 1) % k->urls.n;
	if (++k->tried >= k->urls.n || k->begin(k) < 0)
		kill_finish(k, reply, text);
}

int kill_send(struct kill_app *k, const struct kill_request *rq, transport_done_fn done)
{
	_cleanup_free_ char *url = NULL;
	_cleanup_free_ char *type = NULL;
	const char *headers[] = {NULL, NULL};
	struct transport_ask ask = {
		.method = rq->method,
		.headers = headers,
		.body = rq->body,
		.endpoint = &k->endpoint,
		.max_body = KILL_MAX_BODY,
		.guard = k->guard,
	};
	int r;

	r = str_printf(&url, "%s%s", k->urls.items[k->at], rq->path);
	if (r >= 0 && rq->body)
		r = str_printf(&type, "Content-Type: %s", rq->content_type);
	if (r < 0)
		return r;
	ask.url = url;
	headers[0] = type;
	return transport_send(k->transport, &ask, done, k, &k->request);
}

int kill_send_form(struct kill_app *k, const struct kill_form *form, const char *path,
	const char *id, transport_done_fn done)
{
	_cleanup_free_ char *query = NULL;
	_cleanup_free_ char *whole = NULL;
	struct kill_request rq = {.method = "POST",
		.path = path,
		.content_type = "application/x-www-form-urlencoded"};
	int r;

	r = page_kill_query(id, form->csrf_token, &query);
	if (r >= 0)
		r = str_printf(&whole, "%s?%s", path, query);
	if (r < 0)
		return r;
	if (form->by_get)
		rq = (struct kill_request){.method = "GET", .path = whole};
	else
		rq.body = query;
	return kill_send(k, &rq, done);
}
