/* SPDX-License-Identifier: Apache-2.0
 * Head, list of pages and foot. */
#include "web/page.h"

#include <string.h>

static const struct {
	const char *path;
	const char *title;
} pages[] = {
	{"", "Now"},
	{"incidents", "Incidents"},
	{"apps", "Apps"},
	{"audit", "Audit"},
	{"report", "Runs"},
	{"runbook/", "Runbook"},
};

/* What programs read. */
static const char *const others[] = {"metrics", "api/v1/status", "api/v1/stages",
	"api/v1/incidents", "api/v1/observed", "api/v1/audit", "api/v1/report", "-/healthy",
	"-/ready"};

static void add_head(struct page *p, const char *title)
{
	struct html_writer *h = &p->html;

	html_open(h, "head");
	html_open(h, "meta");
	html_attribute(h, "charset", "utf-8");
	html_close(h);
	html_open(h, "meta");
	html_attribute(h, "name", "viewport");
	html_attribute(h, "content", "width=device-width, initial-scale=1");
	html_close(h);
	html_open(h, "title");
	html_textf(h, "%s - stagewatchd", title);
	html_close(h);
	html_open(h, "link");
	html_attribute(h, "rel", "stylesheet");
	html_attributef(h, "href", "%sstyle.css", p->root);
	html_close(h);
	html_open(h, "link");
	html_attribute(h, "rel", "icon");
	html_attributef(h, "href", "%sicon.svg", p->root);
	html_close(h);
	html_open(h, "script");
	html_attributef(h, "src", "%sscript.js", p->root);
	html_attribute(h, "defer", "");
	html_close(h);
	html_close(h);
}

static void add_navigation(struct page *p, const char *here)
{
	struct html_writer *h = &p->html;

	html_open(h, "a");
	html_attribute(h, "class", "skip");
	html_attribute(h, "href", "#main");
	html_text(h, "Skip to the content");
	html_close(h);
	html_open(h, "header");
	html_open(h, "nav");
	html_attribute(h, "aria-label", "Pages");
	for (size_t i = 0; i < ELEMENTSOF(pages); i++) {
		html_open(h, "a");
		html_attributef(h, "href", "%s%s", *p->root || *pages[i].path ? p->root : "./",
			pages[i].path);
		if (strcmp(pages[i].path, here) == 0)
			html_attribute(h, "aria-current", "page");
		html_text(h, pages[i].title);
		html_close(h);
	}
	html_close(h);
	html_open(h, "p");
	html_attribute(h, "id", "stale");
	html_attribute(h, "role", "alert");
	html_attribute(h, "hidden", "");
	html_close(h);
	html_close(h);
}

void page_begin(struct page *p, const char *here, const char *title)
{
	struct html_writer *h = &p->html;

	html_doctype(h);
	html_open(h, "html");
	html_attribute(h, "lang", "en");
	add_head(p, title);
	html_open(h, "body");
	add_navigation(p, here);
	html_open(h, "main");
	html_attribute(h, "id", "main");
	html_attribute(h, "class", p->stays ? "stays" : NULL);
	html_attribute(h, "tabindex", "-1");
	html_element(h, "h1", NULL, title);
}

static void add_foot(struct page *p)
{
	struct html_writer *h = &p->html;

	html_open(h, "footer");
	html_open(h, "nav");
	html_attribute(h, "aria-label", "For programs");
	for (size_t i = 0; i < ELEMENTSOF(others); i++) {
		html_open(h, "a");
		html_attributef(h, "href", "%s%s", p->root, others[i]);
		html_textf(h, "/%s", others[i]);
		html_close(h);
	}
	html_close(h);
	html_close(h);
}

int page_end(struct page *p, int status, struct http_server_reply *reply)
{
	struct html_writer *h = &p->html;
	char text[32];
	int r;

	html_open(h, "p");
	html_attribute(h, "class", "quiet");
	html_text(h, "As of ");
	html_open(h, "time");
	html_attribute(h, "class", "now");
	html_text(h, format_timestamp(text, sizeof(text), p->view->wall));
	html_close(h);
	html_textf(h, ", stagewatchd %s. All times are UTC.", STAGEWATCHD_VERSION);
	html_close(h);
	html_close(h);
	add_foot(p);
	r = html_finish(h, &reply->body);
	if (r < 0)
		return r;
	reply->len = strlen(reply->body);
	reply->status = status;
	reply->content_type = "text/html; charset=utf-8";
	return 0;
}

void page_href(struct page *p, const char *path, const char *id)
{
	const char *web = p->view->runtime->settings->web.external_url;
	size_t n = web ? strlen(web) : 0;
	struct strbuf segment = {0};

	while (n > 0 && web[n - 1] == '/')
		n--;
	if (id)
		strbuf_add_segment(&segment, id);
	html_attributef(&p->html, "href", "%.*s%s%s%s", (int)n, n > 0 ? web : "",
		n > 0 ? "/" : p->root, path, segment.text ? segment.text : "");
	p->html.out.failed = p->html.out.failed || segment.failed;
	strbuf_clear(&segment);
}

void page_incident_link(struct page *p, const char *id, const char *text)
{
	html_open(&p->html, "a");
	page_href(p, "incidents/", id);
	html_text(&p->html, text);
	html_close(&p->html);
}

usec_t page_wall(const struct page *p, usec_t local)
{
	return usec_sub(p->view->wall, usec_sub(p->view->now, local));
}

void page_time(struct page *p, usec_t wall)
{
	char text[32];
	bool today = usec_sub(p->view->wall, wall) < 12 * USEC_PER_HOUR;

	if (wall == 0) {
		html_text(&p->html, "never");
		return;
	}
	html_open(&p->html, "time");
	html_attribute(&p->html, "datetime", format_timestamp(text, sizeof(text), wall));
	/* 2026-11-23T01:19:07Z */
	if (today)
		html_textf(&p->html, "%.5s", text + 11);
	else
		html_textf(&p->html, "%.10s %.5s", text, text + 11);
	html_close(&p->html);
}

void page_moment(struct page *p, usec_t wall)
{
	char text[32];

	html_open(&p->html, "time");
	html_attribute(&p->html, "datetime", format_timestamp(text, sizeof(text), wall));
	html_textf(&p->html, "%.10s %.8s", text, text + 11);
	html_close(&p->html);
}

void page_duration(struct page *p, usec_t t)
{
	char text[32];

	html_text(&p->html, format_duration(text, sizeof(text), t));
}

void page_ago(struct page *p, usec_t wall)
{
	page_time(p, wall);
	if (wall == 0)
		return;
	html_text(&p->html, " (");
	page_duration(p, usec_sub(p->view->wall, wall));
	html_text(&p->html, " ago)");
}

void page_dd(struct page *p, const char *term)
{
	struct html_writer *h = &p->html;

	if (h->depth > 0 && strcmp(h->open[h->depth - 1], "dd") == 0)
		html_close(h);
	html_element(h, "dt", NULL, term);
	html_open(h, "dd");
}

void page_dd_text(struct page *p, const char *term, const char *text)
{
	page_dd(p, term);
	html_text(&p->html, text);
}

void page_asks(struct page *p, const struct app_wishes *wishes)
{
	struct html_writer *h = &p->html;

	html_open(h, "ul");
	html_attribute(h, "class", "plain quiet");
	for (int k = 0; k < WISH_MAX; k++) {
		const struct app_wish *w = &wishes->items[k];

		if (!w->property)
			continue;
		html_open(h, "li");
		html_text(h, w->property);
		if (!w->holds)
			html_textf(h, " is ignored: %s", w->why);
		html_close(h);
	}
	html_close(h);
}

void page_table(struct page *p, const char *label, const char *const *heads)
{
	struct html_writer *h = &p->html;

	html_open(h, "table");
	html_attribute(h, "class", "rows");
	html_attribute(h, "aria-label", label);
	html_open(h, "thead");
	html_open(h, "tr");
	for (; *heads; heads++) {
		html_open(h, "th");
		html_attribute(h, "scope", "col");
		html_text(h, *heads);
		html_close(h);
	}
	html_close(h);
	html_close(h);
	html_open(h, "tbody");
}

void page_cell(struct page *p, const char *head, const char *class)
{
	html_open(&p->html, "td");
	html_attribute(&p->html, "data-head", head);
	html_attribute(&p->html, "class", class);
}

void page_cell_text(struct page *p, const char *head, const char *class, const char *text)
{
	page_cell(p, head, class);
	html_text(&p->html, text);
	html_close(&p->html);
}

void page_hidden(struct page *p, const char *name, const char *value)
{
	struct html_writer *h = &p->html;

	html_open(h, "input");
	html_attribute(h, "type", "hidden");
	html_attribute(h, "name", name);
	html_attribute(h, "value", value);
	html_close(h);
}

void page_label(struct page *p, const char *id, const char *text)
{
	html_open(&p->html, "label");
	html_attribute(&p->html, "for", id);
	html_text(&p->html, text);
	html_close(&p->html);
}

void page_filter(struct page *p, const char *path, const char *find, const char *sort)
{
	struct html_writer *h = &p->html;

	html_open(h, "form");
	html_attribute(h, "role", "search");
	html_attribute(h, "action", path);
	page_label(p, "find", "Show only");
	html_open(h, "input");
	html_attribute(h, "id", "find");
	html_attribute(h, "name", "find");
	html_attribute(h, "type", "search");
	html_attribute(h, "value", find && *find ? find : NULL);
	html_close(h);
	if (sort)
		page_hidden(p, "sort", sort);
	html_element(h, "button", NULL, "Show");
	html_close(h);
}

void page_more(struct page *p, size_t n, size_t shown, const char *what)
{
	if (n <= shown)
		return;
	html_open(&p->html, "p");
	html_textf(&p->html, "and %zu more %s", n - shown, what);
	html_close(&p->html);
}
