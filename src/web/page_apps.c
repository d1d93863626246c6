/* SPDX-License-Identifier: Apache-2.0
 * All apps with their stages in trouble, sorted and filtered here: the page is the same without a
 * script. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "web/links.h"
#include "web/page.h"
#include "web/pages.h"

#define APPS_SHOWN ((size_t)1000)
/* Of one app, the worst. */
#define STAGES_SHOWN 3

struct row {
	const struct app_history *app;
	const struct stage_history *worst; /* NULL: it has no stage */
	enum verdict verdict;              /* the gravest of the app and its stages */
	usec_t stalled;
};

/* What counts most for people. */
static int rank(enum verdict v)
{
	const struct verdict_def *d = verdict_def(v);

	return d->trouble ? 1 + (int)d->severity : 0;
}

static usec_t stalled_of(const struct app_history *a, const struct stage_history *h)
{
	return h->last.n_active > 0 ? usec_sub(a->observed, h->stall_start) : 0;
}

static struct row row_of(const struct app_history *a)
{
	struct row r = {.app = a, .verdict = a->verdict};

	for (size_t k = 0; k < a->n_stages; k++) {
		const struct stage_history *h = &a->stages[k];
		usec_t stalled = stalled_of(a, h);

		if (!r.worst || rank(h->verdict) > rank(r.worst->verdict) ||
			(rank(h->verdict) == rank(r.worst->verdict) && stalled > r.stalled)) {
			r.worst = h;
			r.stalled = stalled;
		}
	}
	if (r.worst && rank(r.worst->verdict) > rank(r.verdict))
		r.verdict = r.worst->verdict;
	return r;
}

static int by_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int by_name(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;
	int order = by_text(x->app->info.name, y->app->info.name);

	return order != 0 ? order : by_text(x->app->info.id, y->app->info.id);
}

static int by_app(const void *a, const void *b)
{
	return by_text(
		((const struct row *)a)->app->info.id, ((const struct row *)b)->app->info.id);
}

static int by_cluster(const void *a, const void *b)
{
	int order = by_text(
		((const struct row *)a)->app->cluster, ((const struct row *)b)->app->cluster);

	return order != 0 ? order : by_app(a, b);
}

static int later_first(usec_t a, usec_t b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int by_start(const void *a, const void *b)
{
	int order = later_first(((const struct row *)a)->app->info.started,
		((const struct row *)b)->app->info.started);

	return order != 0 ? order : by_app(a, b);
}

static int by_stall(const void *a, const void *b)
{
	int order = later_first(((const struct row *)a)->stalled, ((const struct row *)b)->stalled);

	return order != 0 ? order : by_app(a, b);
}

static int by_verdict(const void *a, const void *b)
{
	int order = rank(((const struct row *)b)->verdict) - rank(((const struct row *)a)->verdict);

	return order != 0 ? order : by_stall(a, b);
}

/* The columns, and how each sorts. */
static const struct {
	const char *head;
	const char *sort; /* NULL: it does not */
	int (*compare)(const void *a, const void *b);
	bool descends;
} columns[] = {
	{"Name", "name", by_name, false},
	{"Verdict", "verdict", by_verdict, true},
	{"No progress for", "stalled", by_stall, true},
	{"Stages", NULL, NULL, false},
	{"App", "app", by_app, false},
	{"Cluster", "cluster", by_cluster, false},
	{"Owner", NULL, NULL, false},
	{"Started", "started", by_start, true},
};
#define DEFAULT_COLUMN 1

static size_t column_of(const char *sort)
{
	for (size_t i = 0; sort && i < ELEMENTSOF(columns); i++)
		if (columns[i].sort && str_equal(columns[i].sort, sort))
			return i;
	return DEFAULT_COLUMN;
}

static bool has(const char *text, const char *find)
{
	return text && strcasestr(text, find);
}

static bool is_found(const struct row *r, const char *find)
{
	const struct app_history *a = r->app;

	return !find || !*find || has(a->info.name, find) || has(a->info.id, find) ||
	       has(a->cluster, find) || has(a->info.user, find) || has(a->owner.dag_id, find) ||
	       has(a->owner.task_id, find) || has(verdict_name(r->verdict), find);
}

static size_t collect(const struct detector *d, const char *find, struct row *rows)
{
	size_t n = 0;

	for (size_t i = 0; i < detector_n_apps(d); i++) {
		rows[n] = row_of(detector_app_at(d, i));
		n += is_found(&rows[n], find);
	}
	return n;
}

static void add_heads(struct page *p, size_t sorted, const char *find)
{
	struct html_writer *h = &p->html;
	struct strbuf query = {0};

	strbuf_add_segment(&query, find ? find : "");
	html_open(h, "thead");
	html_open(h, "tr");
	for (size_t i = 0; i < ELEMENTSOF(columns); i++) {
		html_open(h, "th");
		html_attribute(h, "scope", "col");
		if (i == sorted)
			html_attribute(
				h, "aria-sort", columns[i].descends ? "descending" : "ascending");
		if (columns[i].sort) {
			html_open(h, "a");
			html_attributef(h, "href", "apps?sort=%s&find=%s", columns[i].sort,
				query.text ? query.text : "");
			html_text(h, columns[i].head);
			html_close(h);
		} else {
			html_text(h, columns[i].head);
		}
		html_close(h);
	}
	html_close(h);
	html_close(h);
	h->out.failed = h->out.failed || query.failed;
	strbuf_clear(&query);
}

static void add_stage(struct page *p, const struct app_history *a, const struct stage_history *s)
{
	const struct incident *i = incident_find(p->view->incidents, a, s);
	struct html_writer *h = &p->html;
	char text[96];

	(void)snprintf(text, sizeof(text), "%" PRId64 ": (%" PRId64 " + %" PRId64 ") / %" PRId64,
		s->last.stage_id, s->last.n_complete, s->last.n_active, s->last.n_tasks);
	html_open(h, "li");
	if (i)
		page_incident_link(p, i->id, text);
	else
		html_text(h, text);
	if (s->verdict != VERDICT_PROGRESSING)
		html_textf(h, " %s", verdict_name(s->verdict));
	html_close(h);
}

/* The worst first, then the others in their order. */
static void add_stages(struct page *p, const struct row *r)
{
	struct html_writer *h = &p->html;
	size_t shown = 0;

	page_cell(p, "Stages", NULL);
	if (r->worst) {
		html_open(h, "ul");
		html_attribute(h, "class", "plain");
		add_stage(p, r->app, r->worst);
		shown++;
		for (size_t k = 0; k < r->app->n_stages && shown < STAGES_SHOWN; k++)
			if (&r->app->stages[k] != r->worst && ++shown)
				add_stage(p, r->app, &r->app->stages[k]);
		if (r->app->n_stages > shown) {
			html_open(h, "li");
			html_textf(h, "and %zu more", r->app->n_stages - shown);
			html_close(h);
		}
		html_close(h);
	}
	html_close(h);
}

static void add_name(struct page *p, const struct app_history *a)
{
	struct html_writer *h = &p->html;

	html_open(h, "th");
	html_attribute(h, "scope", "row");
	html_link(
		h, a->url ? a->url : "", a->info.name && *a->info.name ? a->info.name : a->info.id);
	if (a->audit.n > 0) {
		html_text(h, " ");
		html_open(h, "a");
		html_attribute(h, "class", "quiet");
		page_href(p, "audit?app=", a->info.id);
		html_textf(h, "%zu findings", a->audit.n);
		html_close(h);
	}
	if (a->wishes) {
		(void)detector_rule(p->view->detector, a);
		page_asks(p, a->wishes);
	}
	html_close(h);
}

static void add_verdict(struct page *p, const struct row *r)
{
	const struct incident *i = incident_find(p->view->incidents, r->app, NULL);

	page_cell(p, "Verdict", "verdict");
	if (i)
		page_incident_link(p, i->id, verdict_name(r->verdict));
	else if (r->app->no_answer_start > 0)
		html_text(&p->html, "no answer");
	else if (r->app->wishes && detector_rule(p->view->detector, r->app)->ignored)
		html_text(&p->html, "ignored");
	else
		html_text(&p->html, verdict_name(r->verdict));
	html_close(&p->html);
}

static void add_overrun(struct page *p, const struct app_history *a)
{
	struct html_writer *h = &p->html;

	html_open(h, "span");
	html_attribute(h, "class", "warning");
	html_text(h, " runs for ");
	page_duration(p, a->ran);
	html_text(h, ", max_runtime = ");
	page_duration(p, detector_rule(p->view->detector, a)->max_runtime);
	html_close(h);
}

static void add_row(struct page *p, const struct row *r)
{
	const struct app_history *a = r->app;
	struct html_writer *h = &p->html;

	html_open(h, "tr");
	html_attribute(h, "class",
		rank(r->verdict) > 0 ? severity_names[verdict_def(r->verdict)->severity] : NULL);
	add_name(p, a);
	add_verdict(p, r);
	page_cell(p, "No progress for", "number");
	if (r->stalled > 0)
		page_duration(p, r->stalled);
	html_close(h);
	add_stages(p, r);
	page_cell_text(p, "App", NULL, a->info.id);
	page_cell_text(p, "Cluster", NULL, a->cluster);
	page_cell(p, "Owner", NULL);
	if (owner_known(&a->owner))
		html_textf(h, "%s / %s", a->owner.dag_id, a->owner.task_id);
	html_close(h);
	page_cell(p, "Started", NULL);
	if (a->info.started > 0)
		page_time(p, a->info.started);
	if (a->overran)
		add_overrun(p, a);
	html_close(h);
	html_close(h);
}

int page_apps(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	size_t all = detector_n_apps(v->detector);
	_cleanup_free_ struct row *rows = calloc(all + 1, sizeof(*rows));
	size_t sorted = column_of(request->sort);
	struct page p = {.view = v, .root = ""};
	size_t depth;
	size_t shown;
	size_t n;

	if (!rows)
		return -ENOMEM;
	n = collect(v->detector, request->find, rows);
	qsort(rows, n, sizeof(*rows), columns[sorted].compare);
	shown = n < APPS_SHOWN ? n : APPS_SHOWN;
	page_begin(&p, "apps", "Apps and stages");
	page_filter(&p, "apps", request->find, columns[sorted].sort);
	html_open(&p.html, "p");
	html_textf(&p.html, "%zu of %zu apps.", n, all);
	html_close(&p.html);
	depth = p.html.depth;
	html_open(&p.html, "table");
	html_attribute(&p.html, "class", "rows");
	html_attribute(&p.html, "aria-label", "Apps");
	add_heads(&p, sorted, request->find);
	html_open(&p.html, "tbody");
	for (size_t i = 0; i < shown; i++)
		add_row(&p, &rows[i]);
	html_close_to(&p.html, depth);
	page_more(&p, n, shown, "apps");
	return page_end(&p, 200, reply);
}
