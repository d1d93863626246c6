/* SPDX-License-Identifier: Apache-2.0
 * GET the master's page, then /app/kill/ with what its form holds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "action/kill_app.h"
#include "base/strbuf.h"
#include "wire/master.h"

#define MAX_BODY ((size_t)16 * 1024 * 1024)

struct kill_app {
	struct transport *transport;
	struct transport_request *request;
	char *url;
	char *app_id;
	char *username;
	char *password;
	char *ca_file;
	usec_t timeout;
	bool sent;
	kill_app_done_fn done;
	void *userdata;
};

struct kill_app *kill_app_cancel(struct kill_app *k)
{
	if (!k)
		return NULL;
	transport_cancel(k->transport, k->request);
	free(k->url);
	free(k->app_id);
	free(k->username);
	if (k->password)
		explicit_bzero(k->password, strlen(k->password));
	free(k->password);
	free(k->ca_file);
	free(k);
	return NULL;
}

static void finish(struct kill_app *k, enum remedy_reply reply, const char *text)
{
	k->done(k->userdata, reply, text);
	kill_app_cancel(k);
}

static void on_answer(void *userdata, const struct transport_answer *a);

static int ask(struct kill_app *k, const char *method, const char *path, const char *body)
{
	static const char *const form[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
	_cleanup_free_ char *url = NULL;
	struct transport_ask rq = {
		.method = method,
		.headers = body ? form : NULL,
		.body = body,
		.username = k->username,
		.password = k->password,
		.ca_file = k->ca_file,
		.timeout = k->timeout,
		.max_body = MAX_BODY,
	};
	int r;

	r = str_printf(&url, "%s%s", k->url, path);
	if (r < 0)
		return r;
	rq.url = url;
	return transport_send(k->transport, &rq, on_answer, k, &k->request);
}

static int send_kill(struct kill_app *k, const struct master_page *page)
{
	_cleanup_free_ char *form = NULL;
	_cleanup_free_ char *query = NULL;
	int r;

	r = master_kill_form(k->app_id, page->csrf_token, &form);
	if (r < 0)
		return r;
	k->sent = true;
	if (!page->kill_by_get)
		return ask(k, "POST", "/app/kill/", form);
	r = str_printf(&query, "/app/kill/?%s", form);
	if (r < 0)
		return r;
	return ask(k, "GET", query, NULL);
}

static void on_page(struct kill_app *k, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;
	struct master_page page = {0};
	int r;

	if (a->error < 0 || a->status != 200) {
		finish(k, REPLY_UNCERTAIN, "the master's page is not to be had");
		return;
	}
	r = master_decode_page(a->body, a->len, &page, &err);
	if (r >= 0)
		r = send_kill(k, &page);
	master_page_clear(&page);
	if (r < 0)
		finish(k, REPLY_UNCERTAIN, err ? err : strerror(-r));
}

static void on_answer(void *userdata, const struct transport_answer *a)
{
	struct kill_app *k = userdata;

	k->request = NULL;
	if (!k->sent)
		on_page(k, a);
	else if (a->error < 0)
		finish(k, REPLY_UNCERTAIN, a->error_text);
	else if (a->status == 302 || a->status == 303 || a->status == 200)
		finish(k, REPLY_DONE, NULL);
	else
		finish(k, a->status >= 500 ? REPLY_UNCERTAIN : REPLY_REFUSED,
			"the master refused the kill");
}

int kill_app_start(
	const struct kill_app_ask *rq, kill_app_done_fn done, void *userdata, struct kill_app **ret)
{
	struct kill_app *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->transport = rq->transport;
	k->timeout = rq->timeout;
	k->done = done;
	k->userdata = userdata;
	r = str_replace(&k->url, rq->url);
	if (r >= 0)
		r = str_replace(&k->app_id, rq->app_id);
	if (r >= 0)
		r = str_replace(&k->username, rq->username);
	if (r >= 0)
		r = str_replace(&k->password, rq->password);
	if (r >= 0)
		r = str_replace(&k->ca_file, rq->ca_file);
	if (r >= 0)
		r = ask(k, "GET", "/", NULL);
	if (r < 0) {
		kill_app_cancel(k);
		return r;
	}
	*ret = k;
	return 0;
}
