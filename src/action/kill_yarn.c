/* SPDX-License-Identifier: Apache-2.0
 * At a ResourceManager: PUT the state KILLED. It answers 202 while it works on it, 200 where the
 * app is over, and the state in its body says little, since it may be one that just passes. */
#include <errno.h>
#include <string.h>

#include "action/kill_kinds.h"
#include "base/strbuf.h"
#include "wire/yarn.h"

static enum remedy_reply reply_of(int status)
{
	switch (status) {
	case 200:
	case 202:
		return REPLY_DONE;
	case 404:
		return REPLY_GONE;
	case 400:
	case 401:
	case 403:
		return REPLY_REFUSED;
	default:
		/* 3xx: a standby, whose redirect is not followed; 5xx */
		return REPLY_UNCERTAIN;
	}
}

static void on_answer(void *userdata, const struct transport_answer *a)
{
	struct kill_app *k = userdata;
	_cleanup_free_ char *said = NULL;
	_cleanup_free_ char *text = NULL;
	enum remedy_reply reply = a->error < 0 ? REPLY_UNCERTAIN : reply_of(a->status);
	/* "Can not find any active RM" comes with 200. */
	bool json = str_equal(a->content_type, "application/json");

	k->request = NULL;
	if (reply == REPLY_DONE && json) {
		kill_finish(k, REPLY_DONE, NULL);
		return;
	}
	if (reply == REPLY_DONE)
		reply = REPLY_UNCERTAIN;
	if (a->error == 0 && yarn_error_text(a->body, a->len, &said) >= 0)
		(void)str_printf(&text, "the ResourceManager answered with status %d%s%s",
			a->status, *said ? ": " : "", said);
	if (reply == REPLY_UNCERTAIN)
		kill_try_next(k, reply, text ? text : a->error_text);
	else
		kill_finish(k, reply, text);
}

int kill_yarn_begin(struct kill_app *k)
{
	_cleanup_free_ char *path = NULL;
	struct kill_request rq = {.method = "PUT",
		.content_type = "application/json",
		.body = "{\"state\":\"KILLED\"}"};
	int r;

	r = yarn_app_path(k->app_id, "/state", &path);
	if (r < 0)
		return r;
	rq.path = path;
	return kill_send(k, &rq, on_answer);
}
