/* SPDX-License-Identifier: Apache-2.0
 * What is made of a form. */
#include "web/orders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "web/page.h"
#include "wire/control.h"
#include "wire/form.h"

static const char path_of_orders[] = "/orders/";

static const struct order_row {
	const char *name;
	const char *path;  /* at the control socket */
	const char *field; /* what names its object; NULL: it has none */
	const char *title;
	const char *next;
} rows[] = {
	{"pause", "/api/v1/pause", NULL, "Paused",
		"No new action begins, and one that has sent nothing yet is given up. One that has "
		"sent a request runs to its end. Watching and messages go on."},
	{"resume", "/api/v1/resume", NULL, "Resumed",
		"The pause is over and the storm breaker closed. Hung stages are considered at the "
		"next poll."},
	{"ack", "/api/v1/ack", "incident", "You look after it",
		"The incident says so, and who did first. Nothing else changes: an action of its "
		"rule still begins."},
	{"ignore", "/api/v1/ignore", "incident", "It is no hang",
		"Nothing is done about it, nobody is told of it any more, and its evidence is "
		"kept. "
		"It counts as a false alarm."},
	{"abort", "/api/v1/abort", "incident", "No action begins",
		"No action on this incident begins, and one that had sent nothing is given up."},
	{"kill", "/api/v1/kill", "app", "Begun",
		"The daemon looks once more whether the stage hangs, then has Airflow fail the "
		"task, "
		"and ends the app. The incident tells how it goes."},
	{"retry", "/api/v1/retry", "app", "Begun",
		"The daemon looks once more whether the stage hangs, then ends the app and has "
		"Airflow run its task again. The incident tells how it goes."},
};

static const struct order_row *find_row(const char *path)
{
	size_t n = strlen(path_of_orders);

	for (size_t i = 0; strncmp(path, path_of_orders, n) == 0 && i < ELEMENTSOF(rows); i++)
		if (str_equal(rows[i].name, path + n))
			return &rows[i];
	return NULL;
}

bool orders_has(const char *path)
{
	return find_row(path) != NULL;
}

/* One page says all: what became of it, what happens next, and the way back. */
struct outcome {
	int status;
	const char *title;
	const char *text;
	const char *next;     /* may be NULL */
	const char *incident; /* likewise */
};

static int say(const struct web_view *v, const struct outcome *o, struct http_server_reply *reply)
{
	struct page p = {.view = v, .root = "../", .stays = true};
	struct html_writer *h = &p.html;

	page_begin(&p, "orders/", o->title);
	html_element(h, "p", o->status == 200 ? "good" : "bad", o->text);
	if (o->next) {
		html_open(h, "p");
		html_textf(h, "Next: %s", o->next);
		html_close(h);
	}
	html_open(h, "p");
	if (o->incident) {
		page_incident_link(&p, o->incident, "Back to the incident");
		html_text(h, ", or ");
	}
	html_open(h, "a");
	html_attribute(h, "href", "../");
	html_text(h, "to what is open now");
	html_close(h);
	html_close(h);
	return page_end(&p, o->status, reply);
}

static int refuse(
	const struct web_view *v, int status, const char *text, struct http_server_reply *reply)
{
	const struct outcome o = {.status = status, .title = "Nothing was done", .text = text};

	return say(v, &o, reply);
}

/* A field that has to be there. 0: the reply says what is wrong. */
static int read_field(const struct web_view *v, const char *body, const char *name, char **ret,
	struct http_server_reply *reply)
{
	_cleanup_free_ char *text = NULL;
	int r = form_field_decode(body, name, ret);

	if (r > 0 || r == -ENOMEM)
		return r;
	r = str_printf(&text, "The form %s \"%s\".",
		r == 0 ? "has no field" : "holds what is no text in", name);
	if (r >= 0)
		r = refuse(v, 400, text, reply);
	return r < 0 ? r : 0;
}

static int encode_pause(
	const struct web_view *v, const char *body, char **ret, struct http_server_reply *reply)
{
	_cleanup_free_ char *seconds = NULL;
	_cleanup_free_ char *reason = NULL;
	struct control_pause p = {0};
	uint64_t n;
	int r;

	r = read_field(v, body, "reason", &reason, reply);
	if (r > 0)
		r = read_field(v, body, "seconds", &seconds, reply);
	if (r <= 0)
		return r;
	if (parse_u64(seconds, &n) < 0 || n > UINT32_MAX)
		return refuse(v, 400, "\"seconds\" is no number of seconds.", reply);
	p.reason = reason;
	p.length = n * USEC_PER_SEC;
	r = control_pause_encode(&p, ret);
	return r < 0 ? r : 1;
}

/* The body that the control socket would get; 0: the reply says what is wrong. */
static int encode(const struct web_view *v, const struct order_row *row, const char *body,
	char **ret, struct http_server_reply *reply)
{
	_cleanup_free_ char *name = NULL;
	int r;

	if (str_equal(row->name, "pause"))
		return encode_pause(v, body, ret, reply);
	if (!row->field) {
		r = str_replace(ret, "{}");
		return r < 0 ? r : 1;
	}
	r = read_field(v, body, row->field, &name, reply);
	if (r > 0)
		r = control_name_encode(row->field, name, ret);
	return r < 0 ? r : *ret ? 1 : 0;
}

/* Why this one may not; NULL: they may. Filled in for the log as well. */
static const char *objection(
	const struct web_view *v, const struct http_server_request *request, const char *token)
{
	const struct http_caller *caller = request->caller;
	const char *fault;

	if (!caller || !caller->name)
		return "orders are taken from users only whom the web server knows: set [web] "
		       "config_file (basic_auth_users, or client certificates) and [web] operators";
	if (caller->role != HTTP_ROLE_OPERATE)
		return "this user may read only: [web] operators names those who may give orders";
	fault = order_guard_origin_fault(request, v->runtime->settings->web.external_url);
	return fault ? fault : order_guard_token_fault(v->order_guard, caller->name, token, v->now);
}

static int who_is(const struct http_server_request *request, char **ret)
{
	const struct http_caller *caller = request->caller;
	const char *address = request->address ? request->address : "unknown address";

	if (!caller || !caller->name)
		return str_printf(ret, "somebody (%s)", address);
	return str_printf(ret, "user %s (%s)", caller->name, address);
}

static int forbid(const struct web_view *v, struct control *control,
	const struct http_server_request *request, const char *why, struct http_server_reply *reply)
{
	_cleanup_free_ char *because = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *who = NULL;
	int r;

	r = who_is(request, &who);
	if (r >= 0)
		r = str_printf(&because, ": %s", why);
	if (r >= 0)
		r = str_printf(&text, "Refused: %s.", why);
	if (r < 0)
		return r;
	control_log_refusal(control, request->path, who, because);
	return refuse(v, 403, text, reply);
}

/* Says in a page what the control socket would have said. */
static int tell(const struct web_view *v, const struct order_row *row, const char *incident,
	struct http_server_reply *from, struct http_server_reply *reply)
{
	_cleanup_free_ char *text = NULL;
	struct outcome o = {.status = from->status,
		.title = row->title,
		.text = "It is done.",
		.next = row->next,
		.incident = incident};
	int r = 0;

	if (from->status != 200) {
		from->body[strcspn(from->body, "\n")] = '\0';
		r = str_printf(&text, "Refused: %s.", from->body);
		o.title = "Nothing was done";
		o.text = text;
		o.next = NULL;
	}
	return r < 0 ? r : say(v, &o, reply);
}

static int carry_out(const struct web_view *v, struct control *control,
	const struct http_server_request *request, const struct order_row *row,
	struct http_server_reply *reply)
{
	_cleanup_free_ char *incident = NULL;
	_cleanup_free_ char *body = NULL;
	_cleanup_free_ char *who = NULL;
	struct http_server_reply said = {0};
	int r;

	r = encode(v, row, request->body, &body, reply);
	if (r <= 0)
		return r;
	r = who_is(request, &who);
	if (r >= 0)
		r = control_order(control, row->path, body, who, &said);
	if (r >= 0 && form_field_decode(request->body, "incident", &incident) == -ENOMEM)
		r = -ENOMEM;
	if (r >= 0)
		r = tell(v, row, said.status == 404 ? NULL : incident, &said, reply);
	free(said.body);
	return r;
}

int orders_answer(const struct web_view *v, struct control *control,
	const struct http_server_request *request, struct http_server_reply *reply)
{
	const struct order_row *row = find_row(request->path);
	_cleanup_free_ char *token = NULL;
	const char *why;

	if (form_field_decode(request->body, "token", &token) == -ENOMEM)
		return -ENOMEM;
	why = objection(v, request, token);
	if (why)
		return forbid(v, control, request, why, reply);
	return carry_out(v, control, request, row, reply);
}
