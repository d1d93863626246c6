/* SPDX-License-Identifier: Apache-2.0
 * The table of the kinds of kill, and what they share. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "action/kill_kinds.h"
#include "base/strbuf.h"
#include "wire/page.h"

static int (*const kinds[])(struct kill_app *k) = {
	[KILL_NONE] = NULL,
	[KILL_STANDALONE] = kill_standalone_begin,
	[KILL_YARN] = kill_yarn_begin,
	[KILL_JOB] = kill_spark_begin,
	[KILL_STAGE] = kill_spark_begin,
	[KILL_PROCESS] = kill_process_begin,
};
_Static_assert(ELEMENTSOF(kinds) == KILL_KIND_MAX, "a function per kind");

struct kill_app *kill_app_cancel(struct kill_app *k)
{
	if (!k)
		return NULL;
	transport_cancel(k->transport, k->request);
	process_kill_cancel(k->process);
	strlist_clear(&k->urls);
	kill_form_clear(&k->form);
	free(k->app_id);
	free(k->username);
	if (k->password)
		explicit_bzero(k->password, strlen(k->password));
	free(k->password);
	free(k->ca_file);
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
		.username = k->username,
		.password = k->password,
		.ca_file = k->ca_file,
		.timeout = k->timeout,
		.max_body = KILL_MAX_BODY,
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

static int copy_point(struct kill_app *k, const struct kill_point *point)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < point->n_urls; i++)
		r = strlist_add(&k->urls, point->urls[i]);
	k->at = point->first;
	k->kind = point->kind;
	k->pid = point->pid;
	k->pid_started = point->pid_started;
	if (r >= 0)
		r = str_replace(&k->username, point->username);
	if (r >= 0)
		r = str_replace(&k->password, point->password);
	if (r >= 0)
		r = str_replace(&k->ca_file, point->ca_file);
	return r;
}

int kill_app_start(
	const struct kill_app_ask *rq, kill_app_done_fn done, void *userdata, struct kill_app **ret)
{
	struct kill_app *k;
	int r;

	if (!kinds[rq->point->kind])
		return -EOPNOTSUPP;
	if (rq->point->kind != KILL_PROCESS && rq->point->n_urls == 0)
		return -EINVAL;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->transport = rq->transport;
	k->event = rq->event;
	k->stage_id = rq->stage_id;
	k->timeout = rq->timeout;
	k->begin = kinds[rq->point->kind];
	k->done = done;
	k->userdata = userdata;
	r = copy_point(k, rq->point);
	if (r >= 0)
		r = str_replace(&k->app_id, rq->app_id);
	if (r >= 0)
		r = k->begin(k);
	if (r < 0) {
		kill_app_cancel(k);
		return r;
	}
	*ret = k;
	return 0;
}
