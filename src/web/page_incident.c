/* SPDX-License-Identifier: Apache-2.0
 * One incident, all of it; the storm that is on; and the list of incidents. */
#include <errno.h>

#include "notifier/notifier.h"
#include "web/incident_evidence.h"
#include "web/incident_parts.h"
#include "web/order_forms.h"
#include "web/pages.h"

#define INCIDENTS_SHOWN ((size_t)200)

static void add_permalink(struct page *p, const char *id)
{
	struct html_writer *h = &p->html;

	html_open(h, "p");
	html_attribute(h, "class", "quiet");
	html_text(h, "Incident ");
	page_incident_link(p, id, id);
	html_text(h, ", also ");
	html_open(h, "a");
	page_href(p, "api/v1/incidents/", id);
	html_text(h, "as JSON");
	html_close(h);
	html_close(h);
}

static int incident_page(
	const struct web_view *v, const struct incident *i, struct http_server_reply *reply)
{
	struct page p = {.view = v, .root = "../"};
	_cleanup_free_ char *title = NULL;
	struct incident_view view;

	if (incident_view_title(i, &title) < 0)
		return -ENOMEM;
	incident_view_of(v, i, &view);
	page_begin(&p, "incidents/", title);
	html_open(&p.html, "div");
	html_attributef(
		&p.html, "class", "incident %s", severity_names[verdict_def(i->verdict)->severity]);
	incident_sentence(&p, &view);
	incident_progress(&p, &view);
	incident_proof(&p, &view);
	incident_owner(&p, &view);
	orders_of_incident(&p, &view);
	incident_commands(&p, &view);
	incident_why(&p, &view);
	incident_neighbours(&p, &view);
	html_close(&p.html);
	add_permalink(&p, i->id);
	incident_story(&p, i);
	incident_evidence(&p, &view);
	incident_kept(&p, i);
	return page_end(&p, 200, reply);
}

static int storm_page(const struct web_view *v, const char *id, struct http_server_reply *reply)
{
	struct page p = {.view = v, .root = "../"};
	const struct breaker *b = remediator_breaker(v->remediator);

	page_begin(&p, "incidents/", "The storm breaker is open");
	html_open(&p.html, "p");
	html_textf(&p.html, "%s. Since ", b->why);
	page_ago(&p, notifier_storm_opened(v->notifier));
	html_text(&p.html, ". No action begins. You: look what the apps have in common, then run "
			   "stagewatchctl resume.");
	html_close(&p.html);
	orders_of_all(&p);
	add_permalink(&p, id);
	return page_end(&p, 200, reply);
}

static int missing_page(const struct web_view *v, struct http_server_reply *reply)
{
	struct page p = {.view = v, .root = "../"};

	page_begin(&p, "incidents/", "No such incident");
	html_element(&p.html, "p", NULL,
		"It is not known, or not any more: ended ones are forgotten in time.");
	return page_end(&p, 404, reply);
}

int page_incident(const struct web_view *v, const char *id, struct http_server_reply *reply)
{
	const struct incident *i = incident_by_id(v->incidents, id);

	if (i)
		return incident_page(v, i, reply);
	if (remediator_breaker(v->remediator)->open && *id &&
		str_equal(id, notifier_storm_id(v->notifier)))
		return storm_page(v, id, reply);
	return missing_page(v, reply);
}

static void add_row(struct page *p, const struct incident *i)
{
	_cleanup_free_ char *title = NULL;
	struct html_writer *h = &p->html;

	if (incident_view_title(i, &title) < 0)
		h->out.failed = true;
	html_open(h, "tr");
	html_attribute(h, "class", severity_names[verdict_def(i->verdict)->severity]);
	page_cell(p, NULL, NULL);
	page_incident_link(p, i->id, title);
	html_close(h);
	page_cell_text(p, "Verdict", "verdict", verdict_name(i->verdict));
	page_cell_text(p, "Cluster", NULL, i->cluster);
	page_cell(p, "Owner", NULL);
	if (owner_known(&i->owner))
		html_textf(h, "%s / %s", i->owner.dag_id, i->owner.task_id);
	html_close(h);
	page_cell(p, "Opened", NULL);
	page_time(p, i->opened);
	html_close(h);
	page_cell(p, "Ended", NULL);
	if (i->ended > 0) {
		page_time(p, i->ended);
		html_textf(h, " %s", remedy_outcome_name(i->response.outcome));
	} else {
		html_text(h, i->response.under_way ? "an action is in progress" : "it is open");
	}
	html_close(h);
	html_close(h);
}

int page_incidents(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	static const char *const heads[] = {
		"Incident", "Verdict", "Cluster", "Owner", "Opened", "Ended", NULL};
	const struct incident_list *l = v->incidents;
	struct page p = {.view = v, .root = ""};
	size_t shown = l->n < INCIDENTS_SHOWN ? l->n : INCIDENTS_SHOWN;
	size_t depth;

	(void)request;
	page_begin(&p, "incidents", "Incidents");
	depth = p.html.depth;
	page_table(&p, "Incidents, the newest first", heads);
	for (size_t k = 0; k < shown; k++)
		add_row(&p, l->items[l->n - 1 - k]);
	html_close_to(&p.html, depth);
	page_more(&p, l->n, shown, "incidents, in /api/v1/incidents");
	return page_end(&p, 200, reply);
}
