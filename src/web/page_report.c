/* SPDX-License-Identifier: Apache-2.0
 * Finished runs against the ones before them. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/detect/app_run.h"
#include "store/run_store.h"
#include "web/page.h"
#include "web/pages.h"

#define RUNS_IN_PAGE ((size_t)500)
#define MIB ((uint64_t)1024 * 1024)

static void add_memory(struct page *p, const char *head, uint64_t peak, uint64_t usual)
{
	struct html_writer *h = &p->html;

	page_cell(p, head, "number");
	if (peak > 0)
		html_textf(h, "%" PRIu64 " MiB", peak / MIB);
	if (peak > 0 && usual > 0)
		html_textf(h, " (usually %" PRIu64 ")", usual / MIB);
	html_close(h);
}

static void add_marks(struct page *p, unsigned marks)
{
	page_cell(p, "Worse", marks != 0 ? "bad" : NULL);
	for (size_t k = 0; k < n_run_marks; k++)
		if (marks & (1U << k))
			html_textf(&p->html, "%s ", run_marks[k]);
	html_close(&p->html);
}

static void add_run(struct page *p, const struct app_run_list *l, size_t i, bool one_name)
{
	const struct app_run *r = &l->items[i];
	struct html_writer *h = &p->html;
	struct app_run_comparison c;

	app_run_compare(l, i, &c);
	html_open(h, "tr");
	page_cell(p, NULL, NULL);
	html_open(h, "a");
	page_href(p, "report?app=", r->app_name);
	html_text(h, r->app_name && *r->app_name ? r->app_name : r->app_id);
	html_close(h);
	if (one_name)
		html_textf(h, " %s", r->app_id);
	html_close(h);
	page_cell_text(p, "Cluster", NULL, r->cluster);
	page_cell(p, "Ended", NULL);
	page_time(p, r->ended);
	html_close(h);
	page_cell(p, "Took", "number");
	page_duration(p, app_run_duration(r));
	if (c.n >= RUNS_NEEDED && c.duration > 0) {
		html_text(h, " (usually ");
		page_duration(p, c.duration);
		html_text(h, ")");
	}
	html_close(h);
	add_memory(p, "Executor", memory_use_peak(&r->executor), c.executor_memory);
	add_memory(p, "Driver", memory_use_peak(&r->driver), c.driver_memory);
	add_marks(p, c.n >= RUNS_NEEDED ? c.marks : 0);
	html_close(h);
}

/* Of all names the last run each; of one name all. */
static bool is_wanted(const struct app_run_list *l, size_t i, const struct http_server_request *r)
{
	if (r->app && *r->app)
		return true;
	if (i > 0 && app_run_same_name(&l->items[i - 1], &l->items[i]))
		return false;
	return !r->find || !*r->find || strcasestr(l->items[i].app_name, r->find) ||
	       strcasestr(l->items[i].cluster, r->find);
}

static void add_runs(
	struct page *p, const struct app_run_list *l, const struct http_server_request *request)
{
	static const char *const heads[] = {
		"App", "Cluster", "Ended", "Took", "Executor", "Driver", "Worse", NULL};
	size_t depth = p->html.depth;
	size_t n = 0;

	page_table(p, "Finished runs", heads);
	for (size_t i = 0; i < l->n; i++)
		if (is_wanted(l, i, request) && n++ < RUNS_IN_PAGE)
			add_run(p, l, i, request->app && *request->app);
	html_close_to(&p->html, depth);
	page_more(p, n, n < RUNS_IN_PAGE ? n : RUNS_IN_PAGE, "names");
	if (n == 0)
		html_element(&p->html, "p", NULL, "No finished run.");
}

int page_report(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	_cleanup_(app_run_list_clear) struct app_run_list l = {0};
	struct page p = {.view = v, .root = ""};
	int r = run_store_list(v->runs, request->app, &l);

	if (r == -ENOMEM)
		return r;
	page_begin(&p, "report", "Finished runs");
	page_filter(&p, "report", request->find, NULL);
	if (r < 0)
		html_element(&p.html, "p", "bad", "The ledger is not usable.");
	else
		add_runs(&p, &l, request);
	return page_end(&p, 200, reply);
}
