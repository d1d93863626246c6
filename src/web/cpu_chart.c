/* SPDX-License-Identifier: Apache-2.0
 * CPU seconds a second between one look and the next. */
#include "web/cpu_chart.h"

#define WIDTH 160.0
#define TOP 4.0
#define BOTTOM 26.0
#define HEIGHT 30.0
/* What fills the picture, at least: an idle executor is to look idle. */
#define SCALE_MIN 0.1

/* Between look k - 1 and look k. */
static double rate_at(const struct cpu_series *s, size_t k)
{
	const struct cpu_sample *a = &s->samples[k - 1];
	const struct cpu_sample *b = &s->samples[k];
	usec_t took = usec_sub(b->taken, a->taken);

	return took > 0 ? (double)usec_sub(b->total, a->total) / (double)took : 0;
}

static double highest(const struct cpu_series *s)
{
	double most = 0;

	for (size_t k = 1; k < s->n; k++)
		if (rate_at(s, k) > most)
			most = rate_at(s, k);
	return most;
}

static void add_points(struct strbuf *b, const struct cpu_series *s)
{
	usec_t from = s->samples[0].taken;
	usec_t span = usec_max(usec_sub(s->samples[s->n - 1].taken, from), 1);
	double most = highest(s) > SCALE_MIN ? highest(s) : SCALE_MIN;

	for (size_t k = 1; k < s->n; k++) {
		double y = BOTTOM - (BOTTOM - TOP) * rate_at(s, k) / most;

		for (size_t end = k - 1; end <= k; end++)
			strbuf_addf(b, "%.1f,%.1f ",
				WIDTH * (double)usec_sub(s->samples[end].taken, from) /
					(double)span,
				y);
	}
}

void cpu_chart(struct page *p, const struct cpu_series *s)
{
	struct html_writer *h = &p->html;
	struct strbuf points = {0};
	char span[32];

	if (s->n < 2)
		return;
	add_points(&points, s);
	html_open(h, "svg");
	html_attribute(h, "class", "small");
	html_attributef(h, "viewBox", "0 0 %.0f %.0f", WIDTH, HEIGHT);
	html_attribute(h, "role", "img");
	html_attributef(h, "aria-label",
		"CPU seconds a second in %zu looks over %s: at most %.3f, at last %.3f", s->n,
		format_duration(span, sizeof(span),
			usec_sub(s->samples[s->n - 1].taken, s->samples[0].taken)),
		highest(s), rate_at(s, s->n - 1));
	html_open(h, "polyline");
	html_attribute(h, "class", "done");
	html_attribute(h, "points", points.text);
	html_close(h);
	html_close(h);
	h->out.failed = h->out.failed || points.failed;
	strbuf_clear(&points);
}
