/* SPDX-License-Identifier: Apache-2.0
 * The buttons: forms that work without a script. What ends an app is behind a second step. */
#include <stdlib.h>

#include "web/order_forms.h"

static bool may_order(const struct page *p)
{
	const struct http_caller *caller = p->view->caller;

	return caller && caller->name && caller->role == HTTP_ROLE_OPERATE && p->view->order_guard;
}

static void begin_form(struct page *p, const char *order)
{
	const struct web_view *v = p->view;
	char token[ORDER_TOKEN_SIZE] = "";

	if (order_guard_token(v->order_guard, v->caller->name, v->now, token) < 0)
		p->html.out.failed = true;
	html_open(&p->html, "form");
	html_attribute(&p->html, "method", "post");
	html_attributef(&p->html, "action", "%sorders/%s", p->root, order);
	page_hidden(p, "token", token);
}

static void add_button(struct page *p, const char *text, const char *about)
{
	html_open(&p->html, "button");
	html_text(&p->html, text);
	if (about) {
		html_open(&p->html, "span");
		html_attribute(&p->html, "class", "unseen");
		html_textf(&p->html, " %s", about);
		html_close(&p->html);
	}
	html_close(&p->html);
}

/* A button, and whose it is for those who only hear it. */
static void add_form(struct page *p, const char *order, const char *button, const char *id)
{
	begin_form(p, order);
	page_hidden(p, "incident", id);
	add_button(p, button, id);
	html_close(&p->html);
}

/* Of this incident: another cluster may have an app of the same id. */
static void add_ending(struct page *p, const char *order, const char *button, const char *then,
	const struct incident *i)
{
	struct html_writer *h = &p->html;

	html_open(h, "details");
	html_open(h, "summary");
	html_text(h, button);
	html_text(h, " ...");
	html_close(h);
	begin_form(p, order);
	page_hidden(p, "app", i->id);
	page_hidden(p, "incident", i->id);
	html_open(h, "p");
	html_textf(h,
		"This ends %s of %s%s. The daemon looks once more whether it hangs, and all limits "
		"hold.",
		i->app_id, i->cluster, then);
	html_close(h);
	add_button(p, button, i->app_id);
	html_close(h);
	html_close(h);
}

void orders_of_incident(struct page *p, const struct incident_view *i)
{
	const struct incident *incident = i->incident;
	struct html_writer *h = &p->html;

	if (!may_order(p) || incident->ended > 0)
		return;
	html_open(h, "div");
	html_attribute(h, "class", "orders");
	if (!incident->marks[INCIDENT_ACKED])
		add_form(p, "ack", "I look after it", incident->id);
	if (!incident->marks[INCIDENT_IGNORED]) {
		add_form(p, "ignore", "It is no hang", incident->id);
		if (!incident->marks[INCIDENT_ABORTED])
			add_form(p, "abort", "Begin no action", incident->id);
	}
	if (incident->verdict == VERDICT_HUNG && i->app) {
		add_ending(p, "retry", "End it and run its task again",
			", and Airflow runs its task again", incident);
		add_ending(p, "kill", "End it", "; its task in Airflow fails", incident);
	}
	html_close(h);
}

static void add_reason(struct page *p)
{
	struct html_writer *h = &p->html;

	page_label(p, "reason", "Why");
	html_open(h, "input");
	html_attribute(h, "id", "reason");
	html_attribute(h, "name", "reason");
	html_attribute(h, "required", "");
	html_attribute(h, "maxlength", "200");
	html_close(h);
}

static void add_length(struct page *p)
{
	static const struct {
		const char *seconds;
		const char *words;
	} lengths[] = {{"1800", "for 30 minutes"}, {"7200", "for 2 hours"},
		{"28800", "for 8 hours"}, {"0", "until somebody resumes"}};
	struct html_writer *h = &p->html;

	page_label(p, "seconds", "How long");
	html_open(h, "select");
	html_attribute(h, "id", "seconds");
	html_attribute(h, "name", "seconds");
	for (size_t i = 0; i < ELEMENTSOF(lengths); i++) {
		html_open(h, "option");
		html_attribute(h, "value", lengths[i].seconds);
		html_text(h, lengths[i].words);
		html_close(h);
	}
	html_close(h);
}

void orders_of_all(struct page *p)
{
	struct status_pause pause = {0};

	if (!may_order(p))
		return;
	holds_status(p->view->holds, &pause);
	html_open(&p->html, "div");
	html_attribute(&p->html, "class", "orders");
	if (pause.reason || remediator_breaker(p->view->remediator)->open) {
		begin_form(p, "resume");
		add_button(p, "Resume", NULL);
		html_close(&p->html);
	}
	if (!pause.reason) {
		begin_form(p, "pause");
		add_reason(p);
		add_length(p);
		add_button(p, "Pause", NULL);
		html_close(&p->html);
	}
	html_close(&p->html);
}
