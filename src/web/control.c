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
	const char *body; /* JSON */
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

	r = control_pause_decode(o->body, strlen(o->body), &asked, &err);
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

/* The name that the order is about. 0: the reply says why not, or that there is none; < 0. */
static int read_name(const struct order *o, const char *field, char **ret)
{
	_cleanup_free_ char *err = NULL;
	int r;

	r = control_name_decode(o->body, strlen(o->body), field, ret, &err);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return reply_text(o->reply, 400, err ? err : "not understood") < 0 ? -ENOMEM : 0;
	return 1;
}

/* The incident that the order is about; likewise. */
static int read_incident(const struct order *o, struct incident **ret)
{
	_cleanup_free_ char *id = NULL;
	int r;

	r = read_name(o, "incident", &id);
	if (r <= 0)
		return r;
	*ret = incident_by_id(o->control->context.holds.incidents, id);
	if (*ret)
		return 1;
	r = reply_text(o->reply, 404, "no such incident (any more)");
	return r < 0 ? r : 0;
}

static int reply_incident(const struct order *o, const struct incident *i)
{
	return reply_json(status_incident_json(i, NULL, &o->reply->body), o->reply);
}

/* What holds from now on, the log and the incident's story tell. */
static int set_mark(
	const struct order *o, struct incident *i, enum incident_mark mark, const char *words)
{
	const struct control_context *c = &o->control->context;
	const struct log_about about = {.message_id = MESSAGE_PAUSE,
		.cluster = i->cluster,
		.app_id = i->app_id,
		.incident = i->id};
	int r;

	r = incident_mark(i, mark, o->who, clock_wall(c->holds.clock));
	if (r > 0)
		c->said(c->userdata, i);
	if (r > 0)
		log_event(LOG_NOTICE, &about, "Incident %s: %s said that %s", i->id, o->who, words);
	return r;
}

static int order_ack(const struct order *o)
{
	struct incident *i;
	int r;

	r = read_incident(o, &i);
	if (r <= 0)
		return r;
	if (i->ended > 0)
		return reply_text(o->reply, 409, "the incident has ended");
	r = set_mark(o, i, INCIDENT_ACKED, "somebody looks after it");
	return r < 0 ? r : reply_incident(o, i);
}

static int refuse_to_stop(const struct order *o)
{
	return reply_text(o->reply, 409,
		"its action has sent a request, which cannot be taken back: it goes on");
}

static int order_ignore(const struct order *o)
{
	const struct control_context *c = &o->control->context;
	struct incident *i;
	int r;

	r = read_incident(o, &i);
	if (r <= 0)
		return r;
	if (c->stop(c->userdata, i) == -EBUSY)
		return refuse_to_stop(o);
	r = set_mark(o, i, INCIDENT_IGNORED,
		"it is no hang: nothing is done about it, nobody is told, its evidence is kept");
	if (r > 0)
		c->ignored(c->userdata, i);
	return r < 0 ? r : reply_incident(o, i);
}

static int order_abort(const struct order *o)
{
	const struct control_context *c = &o->control->context;
	struct incident *i;
	int r;

	r = read_incident(o, &i);
	if (r <= 0)
		return r;
	if (i->ended > 0)
		return reply_text(o->reply, 409, "the incident has ended");
	if (c->stop(c->userdata, i) == -EBUSY)
		return refuse_to_stop(o);
	r = set_mark(o, i, INCIDENT_ABORTED, "no action on it is to begin");
	return r < 0 ? r : reply_incident(o, i);
}

static int order_action(const struct order *o, enum rule_action action)
{
	const struct control_context *c = &o->control->context;
	_cleanup_free_ char *app = NULL;
	_cleanup_free_ char *err = NULL;
	int r;

	r = read_name(o, "app", &app);
	if (r <= 0)
		return r;
	r = c->begin(c->userdata, app, action, o->who, &err);
	if (r == -ENOENT)
		return reply_text(o->reply, 404,
			"no stage of such an app is hung; only such an app is ended");
	if (r == -EBUSY)
		return reply_text(o->reply, 409, err ? err : "something is in the way");
	if (r < 0)
		return r;
	log_notice("%s of %s begins, ordered by %s", rule_action_name(action), app, o->who);
	return reply_json(control_name_encode("begun", app, &o->reply->body), o->reply);
}

static int order_kill(const struct order *o)
{
	return order_action(o, RULE_ACTION_KILL);
}

static int order_retry(const struct order *o)
{
	return order_action(o, RULE_ACTION_RETRY);
}

static int order_test_notify(const struct order *o)
{
	const struct control_context *c = &o->control->context;
	_cleanup_free_ char *name = NULL;
	int r;

	r = read_name(o, "notify", &name);
	if (r <= 0)
		return r;
	r = c->test_notify(c->userdata, name, o->who);
	if (r == -ENOENT)
		return reply_text(o->reply, 404, "there is no [notify] section of that name");
	if (r == -EBUSY)
		return reply_text(o->reply, 409, "another test is under way");
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return reply_text(o->reply, 500, strerror(-r));
	log_info("Sending a test to notify %s, asked for by %s", name, o->who);
	r = str_replace(&o->reply->body, "{\"test\":\"sending\"}\n");
	return reply_json(r, o->reply);
}

static const struct order_kind {
	const char *path;
	int (*carry_out)(const struct order *o);
} orders[] = {
	{"/api/v1/pause", order_pause},
	{"/api/v1/resume", order_resume},
	{"/api/v1/ack", order_ack},
	{"/api/v1/ignore", order_ignore},
	{"/api/v1/abort", order_abort},
	{"/api/v1/kill", order_kill},
	{"/api/v1/retry", order_retry},
	{"/api/v1/test-notify", order_test_notify},
};

void control_log_refusal(struct control *c, const char *path, const char *who, const char *why)
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
	log_event(LOG_WARNING, &about, "Refused %s to %s%s%s", path, who, why, others);
	c->refused = now;
	c->n_unsaid = 0;
}

static int refuse(struct control *c, const struct http_server_request *request, const char *who,
	struct http_server_reply *reply)
{
	_cleanup_free_ char *text = NULL;
	int r;

	control_log_refusal(
		c, request->path, who, ", who is not in control_users or control_group");
	r = str_printf(&text,
		"you are %s: only root, the daemon's own user, and the control_users and "
		"control_group of its configuration may do that",
		who);
	return r < 0 ? r : reply_text(reply, 403, text);
}

/* NULL: there is no such order. */
static const struct order_kind *find_order(const char *path)
{
	for (size_t i = 0; i < ELEMENTSOF(orders); i++)
		if (str_equal(orders[i].path, path))
			return &orders[i];
	return NULL;
}

int control_order(struct control *c, const char *path, const char *body, const char *who,
	struct http_server_reply *reply)
{
	const struct order o = {.control = c, .body = body, .who = who, .reply = reply};
	const struct order_kind *kind = find_order(path);

	return kind ? kind->carry_out(&o) : reply_text(reply, 404, "no such order");
}

static int control_answer(
	void *userdata, const struct http_server_request *request, struct http_server_reply *reply)
{
	struct control *c = userdata;
	_cleanup_free_ char *who = NULL;
	bool may = false;
	int r;

	if (!request->body)
		return c->context.read(c->context.userdata, request, reply);
	r = operators_know(c->context.operators(c->context.userdata), request->peer, &may, &who);
	if (r < 0)
		return r;
	if (!may && find_order(request->path))
		return refuse(c, request, who, reply);
	return control_order(c, request->path, request->body, who, reply);
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

const struct http_server *control_server(const struct control *c)
{
	return c ? c->server : NULL;
}
