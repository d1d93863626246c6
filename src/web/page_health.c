/* SPDX-License-Identifier: Apache-2.0
 * Clusters, Airflows, messages, mode, pause. */
#include "web/page_health.h"

#include <stdlib.h>

#include "notifier/notifier.h"
#include "store/store.h"
#include "web/order_forms.h"

#define MAX_SHOWN ((size_t)20)

bool health_sees_all(const struct web_view *v)
{
	if (!v->ready || !v->healthy)
		return false;
	for (size_t i = 0; i < v->health->n_clusters; i++)
		if (v->health->clusters[i].present && !v->health->clusters[i].up)
			return false;
	return true;
}

/* A row of the table of those that are asked. */
struct partner {
	const char *kind;
	const char *name;
	bool up;
	usec_t answered;
	const char *about;
	const struct last_error *error;
};

static void add_partner(struct page *p, const struct partner *a)
{
	struct html_writer *h = &p->html;

	html_open(h, "tr");
	page_cell(p, NULL, NULL);
	html_textf(h, "%s %s", a->kind, a->name);
	html_close(h);
	page_cell_text(p, "State", a->up ? "good" : "bad", a->up ? "answers" : "not all answers");
	page_cell(p, "Last good answer", NULL);
	page_ago(p, a->answered);
	html_close(h);
	page_cell(p, "Last error", NULL);
	if (a->error->at > 0) {
		page_time(p, a->error->at);
		html_textf(h, " %s", a->error->text);
	} else {
		html_text(h, "none");
	}
	html_close(h);
	page_cell_text(p, "More", NULL, a->about);
	html_close(h);
}

static void add_cluster(struct page *p, const struct health_cluster *c)
{
	char text[96];
	const struct partner a = {"cluster", c->name, c->up, c->last_poll, text, &c->error};

	(void)snprintf(text, sizeof(text), "%zu answer, %zu silent, %zu unusable",
		c->targets[TARGET_OK], c->targets[TARGET_SILENT], c->targets[TARGET_UNUSABLE]);
	add_partner(p, &a);
}

static void add_airflow(struct page *p, const struct health_airflow *f)
{
	const struct partner a = {"Airflow", f->name, f->up, f->answered,
		f->version ? f->version : "version not known", &f->error};

	add_partner(p, &a);
}

static void add_partners(struct page *p)
{
	static const char *const heads[] = {
		"Who is asked", "State", "Last good answer", "Last error", "More", NULL};
	const struct health *health = p->view->health;
	size_t depth = p->html.depth;
	size_t shown = 0;
	size_t n = 0;

	page_table(p, "Clusters and Airflows", heads);
	for (size_t i = 0; i < health->n_clusters; i++)
		if (health->clusters[i].present && n++ < MAX_SHOWN && ++shown)
			add_cluster(p, &health->clusters[i]);
	for (size_t i = 0; i < health->n_airflows; i++)
		if (health->airflows[i].present && n++ < MAX_SHOWN && ++shown)
			add_airflow(p, &health->airflows[i]);
	html_close_to(&p->html, depth);
	page_more(p, n, shown, "of these, in /api/v1/status");
}

static void add_mode(struct page *p)
{
	_cleanup_free_ char *text = NULL;

	if (settings_mode_text(p->view->runtime->settings, &text) < 0)
		p->html.out.failed = true;
	page_dd_text(p, "Mode", text);
}

static void add_pause(struct page *p)
{
	struct status_pause pause = {0};

	holds_status(p->view->holds, &pause);
	page_dd(p, "Paused");
	if (!pause.reason) {
		html_text(&p->html, "no");
		return;
	}
	html_textf(&p->html, "by %s: %s, since ", pause.who ? pause.who : "somebody", pause.reason);
	page_time(p, pause.since);
	if (pause.until == 0) {
		html_text(&p->html, ", until somebody resumes");
		return;
	}
	html_text(&p->html, ", until ");
	page_time(p, pause.until);
}

static void add_receiver(struct page *p, const struct health_notify *n, size_t pending)
{
	html_open(&p->html, "li");
	html_textf(&p->html, "%s: %zu not delivered", n->name, pending);
	if (n->complaint)
		html_textf(&p->html, ", the last attempt failed: %s", n->complaint);
	html_close(&p->html);
}

static void add_notices(struct page *p)
{
	const struct web_view *v = p->view;
	struct html_writer *h = &p->html;
	size_t n = 0;

	page_dd(p, "Messages");
	html_open(h, "ul");
	for (size_t i = 0; i < v->health->n_notifies; i++) {
		const struct health_notify *row = &v->health->notifies[i];
		size_t pending = row->present ? notifier_n_pending(v->notifier, row->name) : 0;

		if (row->present && (pending > 0 || row->complaint) && n++ < MAX_SHOWN)
			add_receiver(p, row, pending);
	}
	if (n == 0)
		html_element(h, "li", NULL,
			v->runtime->settings->n_notifies > 0 ? "all are delivered"
							     : "no [notify] is configured");
	html_close(h);
	if (notifier_oldest(v->notifier) > 0) {
		html_text(h, "The oldest waits for ");
		page_duration(p, notifier_oldest(v->notifier));
		html_text(h, ".");
	}
}

static void add_configuration(struct page *p)
{
	const struct web_view *v = p->view;

	page_dd(p, "Configuration");
	if (v->reload_ok) {
		html_text(&p->html, "in force since ");
		page_ago(p, v->reloaded);
	} else {
		html_textf(&p->html, "the last reload failed: %s",
			v->reload_fault ? v->reload_fault : "no memory");
	}
	if (v->needs_restart)
		html_textf(&p->html, "; takes a restart: %s", v->needs_restart);
}

static void add_actions(struct page *p)
{
	const struct web_view *v = p->view;
	const struct breaker *b = remediator_breaker(v->remediator);

	page_dd(p, "Actions");
	html_textf(&p->html, "%zu in progress, %zu in the last hour",
		remediator_n_pending(v->remediator), remediator_n_last_hour(v->remediator));
	page_dd_text(p, "Storm breaker", b->open ? b->why : "closed");
}

void health_section(struct page *p)
{
	struct html_writer *h = &p->html;
	const char *trouble = store_trouble(p->view->store);
	size_t depth = h->depth;

	html_element(h, "h2", NULL, "stagewatchd itself");
	if (!p->view->healthy)
		html_element(h, "p", "bad", "Polling does not advance.");
	if (!p->view->ready)
		html_element(h, "p", "bad", "Not every cluster was polled yet.");
	add_partners(p);
	html_open(h, "dl");
	add_mode(p);
	add_pause(p);
	add_actions(p);
	add_notices(p);
	add_configuration(p);
	page_dd_text(p, "Ledger", trouble ? trouble : "is written");
	if (store_kept(p->view->store))
		page_dd_text(p, "Damaged ledger, kept as", store_kept(p->view->store));
	page_dd(p, "Runs since");
	page_ago(p, p->view->started);
	html_close_to(h, depth);
	orders_of_all(p);
}
