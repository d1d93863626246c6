/* SPDX-License-Identifier: Apache-2.0
 * Tables of what was seen. */
#include "web/incident_evidence.h"

#include <inttypes.h>
#include <stdio.h>

#include "web/cpu_chart.h"

#define TASKS_SHOWN ((size_t)50)
#define EXECUTORS_SHOWN ((size_t)20)

void incident_story(struct page *p, const struct incident *i)
{
	struct html_writer *h = &p->html;

	html_element(h, "h2", NULL, "What happened");
	html_open(h, "ol");
	html_attribute(h, "class", "story");
	for (size_t k = 0; k < i->n_steps; k++) {
		html_open(h, "li");
		page_moment(p, i->steps[k].at);
		html_textf(h, " %s", i->steps[k].text);
		html_close(h);
	}
	html_close(h);
}

static void add_since(struct page *p, const char *head, usec_t since)
{
	page_cell(p, head, "number");
	if (since > 0)
		page_duration(p, usec_sub(p->view->now, since));
	else
		html_text(&p->html, "never seen");
	html_close(&p->html);
}

static void add_task(struct page *p, const struct task_track *t, const struct app_history *a)
{
	const struct executor_track *x = evidence_executor(&a->evidence, t->executor_id);
	struct html_writer *h = &p->html;

	html_open(h, "tr");
	page_cell(p, NULL, NULL);
	html_textf(h, "TID %" PRId64, t->task_id);
	if (t->speculative)
		html_text(h, " (speculative)");
	html_close(h);
	page_cell(p, "Executor", NULL);
	html_textf(h, "%s%s%s", t->executor_id ? t->executor_id : "", x && x->host ? " on " : "",
		x && x->host ? x->host : "");
	html_close(h);
	add_since(p, "No progress for", t->stall_start);
	add_since(p, "Worked last before", t->worked);
	page_cell(p, "Dumps alike", "number");
	html_textf(h, "%u of %u", t->n_same, t->n_dumps);
	html_close(h);
	page_cell(p, "Where", NULL);
	html_element(h, "code", NULL, t->hint.because[0] ? t->hint.because : "not seen");
	html_close(h);
	html_close(h);
}

static void add_tasks(struct page *p, const struct incident_view *i)
{
	static const char *const heads[] = {"Task", "Executor", "No progress for",
		"Worked last before", "Dumps alike", "Where", NULL};
	const struct task_tracks *t = i->stage ? &i->stage->tasks : NULL;
	size_t n = t ? t->n : 0;
	size_t shown = n < TASKS_SHOWN ? n : TASKS_SHOWN;
	size_t depth = p->html.depth;

	if (n == 0)
		return;
	html_element(&p->html, "h2", NULL, "Running tasks");
	page_table(p, "Running tasks", heads);
	for (size_t k = 0; k < shown; k++)
		add_task(p, &t->items[k], i->app);
	html_close_to(&p->html, depth);
	page_more(p, n + t->n_left_out, shown, "tasks");
}

static void add_executor(struct page *p, const struct executor_track *x)
{
	struct html_writer *h = &p->html;

	html_open(h, "tr");
	page_cell_text(p, NULL, NULL, x->id);
	page_cell_text(p, "Host", NULL, x->host ? x->host : "not known");
	page_cell(p, "Active tasks", "number");
	html_textf(h, "%" PRId64, x->active_tasks);
	html_close(h);
	page_cell(p, "Threads", NULL);
	if (x->silent_since > 0)
		html_textf(h, "%u dumps did not come", x->n_silent);
	else if (x->dump_taken > 0)
		html_textf(h, "%zu run Python tasks, %zu others", x->n_python, x->n_jvm);
	else
		html_text(h, "not seen");
	html_close(h);
	page_cell(p, "CPU", NULL);
	if (x->cpu.n > 1)
		cpu_chart(p, &x->cpu);
	else
		html_text(h, "not to be had");
	html_close(h);
	html_close(h);
}

static void add_executors(struct page *p, const struct evidence *e)
{
	static const char *const heads[] = {
		"Executor", "Host", "Active tasks", "Threads", "CPU", NULL};
	size_t shown = e->n_executors < EXECUTORS_SHOWN ? e->n_executors : EXECUTORS_SHOWN;
	size_t depth = p->html.depth;

	if (shown == 0)
		return;
	html_element(&p->html, "h2", NULL, "Executors");
	page_table(p, "Executors", heads);
	for (size_t k = 0; k < shown; k++)
		add_executor(p, &e->executors[k]);
	html_close_to(&p->html, depth);
	page_more(p, e->n_executors, shown, "executors");
}

static void add_driver(struct page *p, const struct evidence *e)
{
	struct html_writer *h = &p->html;
	const char *stands = e->driver ? e->driver->stands.because : "";

	if (*stands == '\0' && e->dropped == 0)
		return;
	html_element(h, "h2", NULL, "Driver");
	html_open(h, "p");
	if (*stands != '\0') {
		html_text(h, "It stands at ");
		html_element(h, "code", NULL, stands);
		html_text(h, ". ");
	}
	if (e->dropped > 0)
		html_textf(h, "Its listener lost %" PRIu64 " events: counts may be wrong.",
			e->dropped);
	html_close(h);
}

void incident_evidence(struct page *p, const struct incident_view *i)
{
	if (!i->app)
		return;
	add_tasks(p, i);
	add_executors(p, &i->app->evidence);
	add_driver(p, &i->app->evidence);
}

void incident_kept(struct page *p, const struct incident *i)
{
	const char *dir = p->view->runtime->settings->daemon.state_dir;
	struct html_writer *h = &p->html;

	html_element(h, "h2", NULL, "Kept");
	html_open(h, "p");
	if (i->kept) {
		html_text(h, "The requests to its driver and the answers are in ");
		html_open(h, "code");
		html_textf(h, "%s/incidents/%s.jsonl", dir ? dir : "", i->id);
		html_close(h);
		html_text(h, "; stagewatchd --replay plays them.");
	} else {
		html_text(h, "The answers of its driver are not kept.");
	}
	html_close(h);
	if (i->properties.n == 0)
		return;
	html_open(h, "details");
	html_element(h, "summary", NULL, "Spark's properties that matter to a hang");
	html_open(h, "ul");
	for (size_t k = 0; k < i->properties.n; k++)
		html_element(h, "li", NULL, i->properties.items[k]);
	html_close(h);
	html_close(h);
}
