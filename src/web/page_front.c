/* SPDX-License-Identifier: Apache-2.0
 * The page that a person opens at night: what is open, the gravest first. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "web/incident_parts.h"
#include "web/order_forms.h"
#include "web/page_health.h"
#include "web/pages.h"

/* With all that is known; the others are counted. */
#define INCIDENTS_SHOWN ((size_t)20)

static void add_incident(struct page *p, const struct incident *i)
{
	_cleanup_free_ char *title = NULL;
	struct html_writer *h = &p->html;
	struct incident_view view;

	incident_view_of(p->view, i, &view);
	if (incident_view_title(i, &title) < 0)
		h->out.failed = true;
	html_open(h, "article");
	html_attributef(
		h, "class", "incident %s", severity_names[verdict_def(i->verdict)->severity]);
	html_open(h, "h2");
	page_incident_link(p, i->id, title);
	html_close(h);
	incident_sentence(p, &view);
	incident_progress(p, &view);
	incident_proof(p, &view);
	incident_owner(p, &view);
	orders_of_incident(p, &view);
	html_open(h, "details");
	html_element(h, "summary", NULL, "Commands to copy");
	incident_commands(p, &view);
	html_close(h);
	incident_why(p, &view);
	incident_neighbours(p, &view);
	html_close(h);
}

/* Unknown is not well. */
static void add_verdict_on_all(struct page *p)
{
	struct html_writer *h = &p->html;
	size_t n = detector_n_apps(p->view->detector);

	html_open(h, "p");
	if (health_sees_all(p->view)) {
		html_attribute(h, "class", "good");
		html_textf(h, "Nothing hangs. %zu apps are watched. You: nothing.", n);
	} else {
		html_attribute(h, "class", "bad");
		html_textf(h,
			"No hang is known, but not everything is seen: %zu apps are watched. You: "
			"look below at what does not answer.",
			n);
	}
	html_close(h);
}

int page_front(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	struct page p = {.view = v, .root = ""};
	_cleanup_free_ const struct incident **open = NULL;
	char title[64];
	size_t shown;
	size_t n;

	(void)request;
	if (incident_view_open(v, &open, &n) < 0)
		return -ENOMEM;
	if (n == 0)
		(void)snprintf(title, sizeof(title), "No incident is open");
	else
		(void)snprintf(
			title, sizeof(title), "%zu incident%s open", n, n == 1 ? " is" : "s are");
	shown = n < INCIDENTS_SHOWN ? n : INCIDENTS_SHOWN;
	page_begin(&p, "", title);
	for (size_t i = 0; i < shown; i++)
		add_incident(&p, open[i]);
	page_more(&p, n, shown, "open incidents");
	if (n == 0)
		add_verdict_on_all(&p);
	health_section(&p);
	return page_end(&p, 200, reply);
}
