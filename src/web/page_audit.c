/* SPDX-License-Identifier: Apache-2.0
 * What the audit finds, app by app. */
#include <string.h>

#include "web/page.h"
#include "web/pages.h"

#define APPS_SHOWN ((size_t)100)

static void add_finding(struct page *p, const struct audit_finding *f)
{
	struct html_writer *h = &p->html;

	html_open(h, "tr");
	html_attribute(h, "class", audit_severity_name(f->check->severity));
	page_cell_text(p, NULL, NULL, f->check->name);
	page_cell_text(p, "Severity", "verdict", audit_severity_name(f->check->severity));
	page_cell(p, "Found", NULL);
	html_element(h, "code", NULL, f->found);
	html_close(h);
	page_cell_text(p, "Rule", NULL, f->check->rule);
	page_cell_text(p, "Why", NULL, f->check->why);
	page_cell(p, "Fix", NULL);
	html_element(h, "code", NULL, f->fix);
	html_close(h);
	html_close(h);
}

static void add_app(struct page *p, const struct app_history *a)
{
	static const char *const heads[] = {
		"Finding", "Severity", "Found", "Rule", "Why", "Fix", NULL};
	struct html_writer *h = &p->html;
	size_t depth = h->depth;

	html_open(h, "h2");
	html_textf(h, "%s, %s on %s", a->info.name ? a->info.name : "", a->info.id, a->cluster);
	html_close(h);
	if (a->audit.n == 0 && a->properties.n == 0)
		html_element(
			h, "p", NULL, "Its properties are not known yet: nothing can be said.");
	else if (a->audit.n == 0)
		html_element(h, "p", "good", "No finding.");
	if (a->audit.n == 0)
		return;
	page_table(p, "Findings", heads);
	for (size_t i = 0; i < a->audit.n; i++)
		add_finding(p, &a->audit.items[i]);
	html_close_to(h, depth);
}

static bool has(const char *text, const char *find)
{
	return text && strcasestr(text, find);
}

/* Of all apps those with a finding; of the one that is asked for, also that there is none. */
static bool is_wanted(const struct app_history *a, const struct http_server_request *r)
{
	if (r->app && *r->app)
		return str_equal(a->info.id, r->app);
	if (a->audit.n == 0)
		return false;
	return !r->find || has(a->info.name, r->find) || has(a->info.id, r->find) ||
	       has(a->cluster, r->find);
}

int page_audit(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	struct page p = {.view = v, .root = ""};
	size_t n = 0;

	page_begin(&p, "audit", "Audit");
	page_filter(&p, "audit", request->find, NULL);
	for (size_t i = 0; i < detector_n_apps(v->detector); i++) {
		const struct app_history *a = detector_app_at(v->detector, i);

		if (is_wanted(a, request) && n++ < APPS_SHOWN)
			add_app(&p, a);
	}
	if (n == 0)
		html_element(&p.html, "p", NULL, "No app with a finding.");
	page_more(&p, n, n < APPS_SHOWN ? n : APPS_SHOWN, "apps with findings");
	return page_end(&p, 200, reply);
}
