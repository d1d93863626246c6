/* SPDX-License-Identifier: Apache-2.0
 * Draws with attributes of SVG alone: nothing here is a style. */
#include "web/progress_chart.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/strbuf.h"

#define BAR_WIDTH 14

#define WIDTH 336.0
#define TOP 6.0
#define BOTTOM 60.0
#define HEIGHT 76.0
#define SHOWN USEC_PER_HOUR
/* A stage that has just begun fills a part of it. */
#define SHOWN_MIN (10 * USEC_PER_MINUTE)

/* As ConsoleProgressBar.scala draws it. */
void progress_bar(struct page *p, const struct incident_view *i)
{
	const struct verdict_detail *e = &i->incident->numbers;
	int64_t done = i->stage ? i->stage->last.n_complete : e->n_complete;
	int64_t active = i->stage ? i->stage->last.n_active : e->n_active;
	int64_t tasks = i->stage ? i->stage->last.n_tasks : e->n_tasks;
	char bar[BAR_WIDTH + 1];

	if (i->incident->stage_id < 0 || tasks <= 0)
		return;
	for (int k = 0; k < BAR_WIDTH; k++) {
		int64_t at =
			done > 0 ? (int64_t)((double)BAR_WIDTH * (double)done / (double)tasks) : 0;

		bar[k] = (char)(k < at ? '=' : k == at ? '>' : ' ');
	}
	bar[BAR_WIDTH] = '\0';
	html_open(&p->html, "p");
	html_attribute(&p->html, "class", "bar");
	html_open(&p->html, "code");
	html_textf(&p->html, "[Stage %" PRId64 ":%s(%" PRId64 " + %" PRId64 ") / %" PRId64 "]",
		i->incident->stage_id, bar, done, active, tasks);
	html_close(&p->html);
	html_close(&p->html);
}

struct chart {
	struct html_writer *html;
	usec_t from;
	usec_t to;
	usec_t limit; /* when the standstill reaches its limit; 0: it has none */
};

static double x_of(const struct chart *c, usec_t t)
{
	usec_t at = usec_clamp(t, c->from, c->to);

	return WIDTH * (double)(at - c->from) / (double)(c->to - c->from);
}

static double y_of(const struct stage_history *h, uint64_t done)
{
	double share = h->last.n_tasks > 0 ? (double)done / (double)h->last.n_tasks : 0;

	return BOTTOM - (BOTTOM - TOP) * (share > 1 ? 1 : share);
}

static void add_line(struct chart *c, const char *class, const double at[4])
{
	static const char *const names[] = {"x1", "y1", "x2", "y2"};

	html_open(c->html, "line");
	html_attribute(c->html, "class", class);
	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		html_attributef(c->html, names[i], "%.1f", at[i]);
	html_close(c->html);
}

static void add_label(struct chart *c, double x, double y, const char *anchor, const char *text)
{
	html_open(c->html, "text");
	html_attributef(c->html, "x", "%.1f", x);
	html_attributef(c->html, "y", "%.1f", y);
	html_attribute(c->html, "text-anchor", anchor);
	html_text(c->html, text);
	html_close(c->html);
}

/* Before it was first seen it rose from nothing: a straight line, drawn as a guess. */
static void add_guess(struct chart *c, const struct stage_history *h)
{
	usec_t begun = h->launched > 0 ? h->launched : h->first_seen;
	uint64_t first = h->rise.points[0].done;
	usec_t seen = rise_time(&h->rise, 0);

	if (first > 0 && begun < seen && seen > c->from && seen == h->first_seen)
		add_line(c, "guessed",
			(const double[4]){x_of(c, begun), begun < c->from ? y_of(h, first) : BOTTOM,
				x_of(c, seen), y_of(h, first)});
}

static void add_point(
	struct strbuf *b, const struct chart *c, const struct stage_history *h, usec_t at, size_t i)
{
	strbuf_addf(b, "%.1f,%.1f ", x_of(c, at), y_of(h, h->rise.points[i].done));
}

/* From point to point, level where nothing came for longer, and from the last one on. */
static void add_progress(struct chart *c, const struct stage_history *h)
{
	const struct rise *r = &h->rise;
	struct strbuf b = {0};
	size_t first = 0;

	if (r->n == 0)
		return;
	add_guess(c, h);
	while (first + 1 < r->n && rise_time(r, first + 1) <= c->from)
		first++;
	for (size_t i = first; i < r->n; i++) {
		if (i > first && rise_time(r, i) - rise_time(r, i - 1) > RISE_SLOT)
			add_point(&b, c, h, rise_time(r, i) - RISE_SLOT, i - 1);
		add_point(&b, c, h, rise_time(r, i), i);
	}
	add_point(&b, c, h, c->to, r->n - 1);
	html_open(c->html, "polyline");
	html_attribute(c->html, "class", "done");
	html_attribute(c->html, "points", b.failed ? "" : b.text);
	html_close(c->html);
	strbuf_clear(&b);
}

static void add_limit(struct chart *c)
{
	double x = x_of(c, c->limit);

	if (c->limit == 0 || c->limit < c->from || c->limit > c->to)
		return;
	add_line(c, "limit", (const double[4]){x, TOP - 4, x, BOTTOM});
	add_label(c, x > WIDTH / 2 ? x - 3 : x + 3, TOP + 6, x > WIDTH / 2 ? "end" : "start",
		"limit");
}

static void describe(struct page *p, const struct incident_view *i, const struct chart *c)
{
	const struct stage_obs *s = &i->stage->last;
	char from[32];
	char still[32];
	char limit[32];

	html_attributef(c->html, "aria-label",
		"Tasks completed since %.5s: %" PRId64 " of %" PRId64
		". No progress for %s, the limit is %s.",
		format_timestamp(from, sizeof(from), page_wall(p, c->from)) + 11, s->n_complete,
		s->n_tasks,
		format_duration(
			still, sizeof(still), usec_sub(p->view->now, i->stage->stall_start)),
		format_duration(limit, sizeof(limit), i->incident->numbers.threshold));
}

/* The moment at which the picture begins, and its end. */
static struct chart chart_of(struct page *p, const struct incident_view *i)
{
	const struct stage_history *h = i->stage;
	const struct verdict_detail *e = &i->incident->numbers;
	usec_t begun = h->launched > 0 ? h->launched : h->first_seen;
	usec_t shown = usec_clamp(usec_sub(p->view->now, begun), SHOWN_MIN, SHOWN);

	/* A limit that is still ahead is shown, too, where it is near. */
	usec_t limit = e->since > 0 && e->threshold > 0 ? e->since + e->threshold : 0;
	usec_t to = limit > p->view->now && limit < p->view->now + shown / 2 ? limit + shown / 20
									     : p->view->now;

	return (struct chart){.html = &p->html,
		.from = usec_sub(p->view->now, shown),
		.to = usec_max(to, SHOWN_MIN),
		.limit = limit};
}

void progress_chart(struct page *p, const struct incident_view *i)
{
	struct html_writer *h = &p->html;
	struct chart c;
	char text[32];

	if (!i->stage || i->stage->last.n_tasks <= 0)
		return;
	c = chart_of(p, i);
	html_open(h, "svg");
	html_attributef(h, "viewBox", "0 0 %.0f %.0f", WIDTH, HEIGHT);
	html_attribute(h, "role", "img");
	describe(p, i, &c);
	add_progress(&c, i->stage);
	add_limit(&c);
	add_label(&c, 2, HEIGHT - 4, "start",
		format_timestamp(text, sizeof(text), page_wall(p, c.from)) + 11);
	add_label(&c, WIDTH - 2, HEIGHT - 4, "end", "now");
	html_close(h);
}
