/* SPDX-License-Identifier: Apache-2.0
 * Orders over the control socket: who asks is the kernel's word, whether they may is the
 * configuration's. */
#include "web/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "setup/messages.h"
#include "wire/control.h"
#include "wire/status.h"

/* Whoever may not could fill the journal otherwise. */
#define SAY_REFUSALS (10 * USEC_PER_SEC)

struct control {
	struct control_context context;
	usec_t refused;             /* when a refusal was last logged, local clock */
	unsigned n_unsaid;          /* and how many were not since */
	struct http_server *server; /* NULL: it could not listen */
	struct holds *holds;
};

struct order {
	struct control *control;
	const struct http_server_request *request;
	const char *who;
	struct http_server_reply *reply;
};

static int reply_text(struct http_server_reply *reply, int status, const char *text)
{
	int r;

	reply->status = status;
	reply->content_type = "text/plain; charset=utf-8";
	r = str_printf(&reply->body, "%s\n", text);
	if (r >= 0)
		reply->len = strlen(reply->body);
	return r;
}

/* The reply has its body, or r says why not. */
static int reply_json(int r, struct http_server_reply *reply)
{
	if (r < 0)
		return r;
	reply->status = 200;
	reply->content_type = "application/json";
	reply->len = strlen(reply->body);
	return 0;
}

static int reply_pause(const struct order *o)
{
	struct status_pause s;

	holds_status(o->control->holds, &s);
	return reply_json(status_pause_json(&s, &o->reply->body), o->reply);
}

static int order_pause(const struct order *o)
{
	_cleanup_free_ char *err = NULL;
	struct control_pause asked = {0};
	int r;

	r = control_pause_decode(o->request->body, strlen(o->request->body), &asked, &err);
	if (r >= 0) {
		struct pause_ask ask = {
			.reason = asked.reason, .who = o->who, .length = asked.length};

		r = holds_pause(o->control->holds, &ask, &err);
	}
	control_pause_clear(&asked);
	if (r == -ENOMEM)
		return r;
	return r < 0 ? reply_text(o->reply, 400, err ? err : "not understood") : reply_pause(o);
}

static int order_resume(const struct order *o)
{
	const struct control_context *c = &o->control->context;
	bool paused = holds_resume(o->control->holds, o->who);
	bool open = c->close_breaker(c->userdata, o->who);

	if (!paused && !open)
		return reply_text(o->reply, 409, "there is no pause, and the breaker is closed");
	return reply_pause(o);
}

static const struct {
	const char *path;
	int (*carry_out)(const struct order *o);
} orders[] = {
	{"/api/v1/pause", order_pause},
	{"/api/v1/resume", order_resume},
};

static void log_refusal(struct control *c, const char *path, const char *who)
{
	static const struct log_about about = {.message_id = MESSAGE_PAUSE};
	usec_t now = clock_now(c->context.holds.clock);
	char others[64] = "";

	if (c->refused > 0 && usec_sub(now, c->refused) < SAY_REFUSALS) {
		c->n_unsaid++;
		return;
	}
	if (c->n_unsaid > 0)
		(void)snprintf(
			others, sizeof(others), "; %u more were refused before", c->n_unsaid);
	log_event(LOG_WARNING, &about,
		"Refused %s to %s, who is not in control_users or control_group%s", path, who,
		others);
	c->refused = now;
	c->n_unsaid = 0;
}

static int refuse(struct control *c, const struct http_server_request *request, const char *who,
	struct http_server_reply *reply)
{
	_cleanup_free_ char *text = NULL;
	int r;

	log_refusal(c, request->path, who);
	r = str_printf(&text,
		"you are %s: only root, the daemon's own user, and the control_users and "
		"control_group of its configuration may do that",
		who);
	return r < 0 ? r : reply_text(reply, 403, text);
}

static int control_answer(
	void *userdata, const struct http_server_request *request, struct http_server_reply *reply)
{
	struct control *c = userdata;
	_cleanup_free_ char *who = NULL;
	struct order o = {.control = c, .request = request, .reply = reply};
	bool may = false;
	int r;

	if (!request->body)
		return c->context.read(c->context.userdata, request, reply);
	for (size_t i = 0; i < ELEMENTSOF(orders); i++) {
		if (!str_equal(orders[i].path, request->path))
			continue;
		r = operators_know(
			c->context.operators(c->context.userdata), request->peer, &may, &who);
		if (r < 0)
			return r;
		o.who = who;
		return may ? orders[i].carry_out(&o) : refuse(c, request, who, reply);
	}
	return reply_text(reply, 404, "no such order");
}

int control_new(const struct control_context *context, struct control **ret)
{
	struct control *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->context = *context;
	r = holds_new(&context->holds, &c->holds);
	if (r < 0)
		control_free(c);
	else
		*ret = c;
	return r;
}

void control_listen(struct control *c, const char *path)
{
	_cleanup_free_ char *err = NULL;
	int r;

	r = http_server_new_local(c->context.event, path, control_answer, c, &c->server, &err);
	if (r < 0)
		log_error("Failed to listen on control_socket=%s: %s; running without it", path,
			err ? err : strerror(-r));
}

struct control *control_free(struct control *c)
{
	if (!c)
		return NULL;
	http_server_free(c->server);
	holds_free(c->holds);
	free(c);
	return NULL;
}

struct holds *control_holds(const struct control *c)
{
	return c ? c->holds : NULL;
}
