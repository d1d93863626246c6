/* SPDX-License-Identifier: Apache-2.0
 * Sentences about an incident. */
#include "web/incident_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "setup/runtime.h"
#include "store/run_store.h"
#include "web/links.h"
#include "web/progress_chart.h"

/* What the daemon has changed of late may be why. */
#define LATELY (24 * USEC_PER_HOUR)

static void add_done(struct page *p, const struct incident *i)
{
	const struct incident_response *r = &i->response;
	struct html_writer *h = &p->html;

	if (r->under_way)
		html_textf(h, " Done: a %s has begun.", rule_action_name(i->action));
	else if (r->outcome != OUTCOME_OPEN)
		html_textf(h, " Done: %s%s%s.", remedy_outcome_name(r->outcome), r->why ? ": " : "",
			r->why ? r->why : "");
	else if (r->decided_dry)
		html_text(h, " Done: nothing but a dry run.");
	else
		html_text(h, " Done: nothing.");
}

static void add_next(struct page *p, const struct incident_view *i)
{
	_cleanup_free_ char *next = NULL;

	if (outlook_text(i->incident, &i->outlook, &next) < 0) {
		p->html.out.failed = true;
		return;
	}
	html_textf(&p->html, " Next: %s. ", next);
}

void incident_sentence(struct page *p, const struct incident_view *i)
{
	struct html_writer *h = &p->html;
	const struct incident *incident = i->incident;
	usec_t since = incident_view_since(p->view, i);

	html_open(h, "p");
	html_open(h, "span");
	html_attribute(h, "class", "verdict");
	html_text(h, verdict_name(incident->verdict));
	html_close(h);
	html_text(h, " since ");
	page_time(p, since);
	html_text(h, ", ");
	page_duration(p, usec_sub(incident->ended > 0 ? incident->ended : p->view->wall, since));
	html_text(h, ".");
	if (incident->ended == 0) {
		add_done(p, incident);
		add_next(p, i);
	} else {
		html_textf(h, " It ended as %s%s%s, at ",
			remedy_outcome_name(incident->response.outcome),
			incident->response.why ? ": " : "",
			incident->response.why ? incident->response.why : "");
		page_time(p, incident->ended);
		html_text(h, ". ");
	}
	html_open(h, "span");
	html_attribute(h, "class", "you");
	html_textf(h, "You: %s.", outlook_duty(incident, &i->outlook));
	html_close(h);
	html_close(h);
}

/* "The app runs for 2h 3min; usually 14min (the middle of 5 runs)." */
static void add_usual(struct page *p, const struct incident_view *i)
{
	struct html_writer *h = &p->html;
	size_t n = 0;
	usec_t usual =
		run_store_usual(p->view->runs, i->incident->cluster, i->incident->app_name, &n);

	if (i->incident->app_started == 0)
		return;
	html_text(h, "The app runs for ");
	page_duration(p, usec_sub(i->incident->ended > 0 ? i->incident->ended : p->view->wall,
				 i->incident->app_started));
	if (usual > 0) {
		html_text(h, ", usually ");
		page_duration(p, usual);
		html_textf(h, " (the middle of its last %zu runs).", n);
	} else {
		html_textf(h, "; what is usual is not known (%zu finished runs of its name).", n);
	}
}

void incident_progress(struct page *p, const struct incident_view *i)
{
	struct html_writer *h = &p->html;

	progress_bar(p, i);
	html_open(h, "figure");
	progress_chart(p, i);
	html_open(h, "figcaption");
	add_usual(p, i);
	html_close(h);
	html_close(h);
}

static void add_limit(struct html_writer *h, const struct verdict_detail *e)
{
	char lasting[32];
	char limit[32];

	html_open(h, "li");
	html_textf(
		h, "%s for %s", e->reason, format_duration(lasting, sizeof(lasting), e->lasting));
	if (e->limit)
		html_textf(h, " (%s=%s)", e->limit,
			format_duration(limit, sizeof(limit), e->threshold));
	if (e->n_failed > 0)
		html_textf(h, ", and %" PRId64 " tasks failed meanwhile", e->n_failed);
	html_close(h);
}

static void add_tasks(struct html_writer *h, const struct verdict_detail *e)
{
	if (e->missing & EVIDENCE_TASKS || e->n_running == 0)
		return;
	html_open(h, "li");
	html_textf(h, "%zu of %zu running tasks stand still", e->n_stalled, e->n_running);
	if (e->n_working > 0)
		html_textf(h, ", %zu of them are at work", e->n_working);
	if (e->n_frozen > 0)
		html_textf(h, ", %zu are on executors that seem frozen", e->n_frozen);
	if (e->n_dumps > 1)
		html_textf(h, "; %s in %u thread dumps",
			e->n_working > 0 ? "looked at" : "the same frames", e->n_dumps);
	html_close(h);
}

static void add_work(struct html_writer *h, const struct verdict_detail *e)
{
	char window[32];
	size_t n = e->n_never_ran + e->n_ticked + e->n_ran;

	if (e->cpu_window == 0 && n == 0)
		return;
	html_open(h, "li");
	if (e->cpu_window > 0)
		html_textf(h, "its executors used at most %.3f CPU seconds a second over %s%s",
			e->cpu_rate, format_duration(window, sizeof(window), e->cpu_window),
			e->cpu_container ? ", by the sums of their containers: these can show "
					   "that they work, not that they hang"
					 : "");
	if (n > 0)
		html_textf(h, "%sof %zu workers and task threads %zu never ran, %zu only woke up",
			e->cpu_window > 0 ? "; " : "", n, e->n_never_ran, e->n_ticked);
	html_close(h);
}

static bool names_python(const struct cause_hint *hint)
{
	return strncmp(hint->because, CAUSE_PYTHON_PLACE, strlen(CAUSE_PYTHON_PLACE)) == 0;
}

/* What it takes to see the line of Python. */
static void add_python(struct page *p, const struct cause_hint *hint)
{
	const struct python_stacks *s = p->view->python_stacks;
	struct html_writer *h = &p->html;

	if (hint->cause != CAUSE_PYTHON_WORKER || names_python(hint))
		return;
	html_open(h, "p");
	html_attribute(h, "class", "quiet");
	html_text(h, "The line of Python is not known. py-spy tells it, on each executor's host: ");
	html_element(h, "code", NULL, "[probe] python_stacks = yes");
	html_text(h, ", and the rights in python-stacks.conf.");
	if (python_stacks_trouble(s))
		html_textf(h, " Here, py-spy failed: %s.", python_stacks_trouble(s));
	else if (python_stacks_on(s))
		html_text(h, " Here it is on: a worker is looked at once it has used no CPU for "
			     "half a minute.");
	html_text(h, " Without it, on Spark 4.1 or later, ");
	html_element(h, "code", NULL, "spark.python.worker.tracebackDumpIntervalSeconds");
	html_text(h, " writes it to the executor's log.");
	html_close(h);
}

static void add_place(struct html_writer *h, const struct cause_hint *hint)
{
	if (hint->because[0] == '\0')
		return;
	html_open(h, "p");
	html_text(h, names_python(hint) ? "Its Python worker is " : "It stands at ");
	html_element(h, "code", NULL, hint->because);
	if (hint->cause != CAUSE_UNKNOWN)
		html_textf(h, " (probable cause: %s)", cause_name(hint->cause));
	html_close(h);
}

static void add_missing(struct html_writer *h, const struct verdict_detail *e)
{
	static const char *const words[] = {"counters of each task", "two thread dumps",
		"CPU seconds of the executors", "events that Spark dropped"};
	const char *glue = "Not to be had: ";

	if (e->missing == 0)
		return;
	html_open(h, "p");
	html_attribute(h, "class", "quiet");
	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (e->missing & (1U << i)) {
			html_textf(h, "%s%s", glue, words[i]);
			glue = ", ";
		}
	html_text(h, ".");
	html_close(h);
}

/* Of an incident from before a restart only the sentence is kept. */
void incident_proof(struct page *p, const struct incident_view *i)
{
	struct html_writer *h = &p->html;
	const struct verdict_detail *e = &i->incident->numbers;

	html_open(h, "ul");
	if (e->reason) {
		add_limit(h, e);
		add_tasks(h, e);
		add_work(h, e);
	} else {
		html_element(h, "li", NULL, i->incident->evidence);
	}
	html_close(h);
	add_place(h, &i->incident->hint);
	if (i->incident->ended == 0)
		add_python(p, &i->incident->hint);
	if (i->app && i->app->no_answer_start > 0 && i->app->no_answer)
		html_element(h, "p", "quiet", i->app->no_answer);
	if (i->app && i->app->missing)
		html_element(h, "p", "quiet", i->app->missing);
	if (e->reason)
		add_missing(h, e);
}

static void add_link(struct page *p, int r, const char *url, const char *text)
{
	if (r < 0)
		p->html.out.failed = true;
	if (r < 0 || !url)
		return;
	html_text(&p->html, " ");
	html_link(&p->html, url, text);
}

static void add_task_links(struct page *p, const struct incident_view *i)
{
	struct airflow *a = i->rule ? runtime_airflow(p->view->runtime, i->rule) : NULL;
	enum airflow_api api = a ? airflow_speaks(a) : AIRFLOW_API_UNKNOWN;
	const char *url = a ? airflow_url(a) : NULL;
	_cleanup_free_ char *task_log = NULL;
	_cleanup_free_ char *grid = NULL;
	int r = links_task_log(url, api, &i->incident->owner, &task_log);

	add_link(p, r, task_log, "task log");
	r = links_grid(url, api, &i->incident->owner, &grid);
	add_link(p, r, grid, "grid");
}

static void add_task(struct page *p, const struct incident_view *i)
{
	const struct owner *o = &i->incident->owner;
	struct html_writer *h = &p->html;

	page_dd(p, "Owner");
	if (!owner_known(o)) {
		html_text(h, i->app && !i->app->owner_asked
				     ? "not known yet"
				     : "no task of Airflow (no spark.airflow.* properties)");
		return;
	}
	html_textf(h, "%s / %s, run %s", o->dag_id, o->task_id, o->run_id);
	if (o->map_index >= 0)
		html_textf(h, ", index %" PRId64, o->map_index);
	if (o->try_number > 0)
		html_textf(h, ", try %" PRId64, o->try_number);
	add_task_links(p, i);
}

void incident_owner(struct page *p, const struct incident_view *i)
{
	const struct incident *incident = i->incident;
	struct html_writer *h = &p->html;
	size_t depth = h->depth;
	_cleanup_free_ char *link = NULL;
	int r;

	html_open(h, "dl");
	add_task(p, i);
	page_dd(p, "App");
	html_textf(h, "%s on %s", incident->app_id, incident->cluster);
	r = links_stage(
		i->app ? i->app->url : NULL, incident->stage_id, incident->attempt_id, &link);
	add_link(
		p, r, link, incident->stage_id >= 0 ? "Spark's page of the stage" : "Spark's page");
	if (i->stage && i->stage->last.name)
		page_dd_text(p, "Stage", i->stage->last.name);
	if (i->app && i->app->waits)
		page_dd_text(p, "Waits for", i->app->waits);
	page_dd(p, "Rule");
	html_textf(h, "%s, action %s", *incident->rule ? incident->rule : "none matches",
		i->rule ? rule_action_name((enum rule_action)i->rule->action) : "none");
	if (i->rule && app_wishes_any(&incident->properties)) {
		page_dd(p, "Its app asks");
		page_asks(p, &i->wishes);
	}
	html_close_to(h, depth);
}

/* By the type of the cluster; "": of all. */
static const struct {
	const char *type;
	const char *before;
	const char *after;
} commands[] = {
	{"yarn", "yarn logs -applicationId ", ""},
	{"yarn", "yarn application -kill ", ""},
	{"kubernetes", "kubectl get pods -A -l spark-app-selector=", " -o wide"},
	{"kubernetes", "kubectl delete pod -A -l spark-role=driver,spark-app-selector=", ""},
};

static void add_command(struct page *p, const char *before, const char *arg, const char *after)
{
	_cleanup_free_ char *text = NULL;

	if (links_command(before, arg, after, &text) < 0) {
		p->html.out.failed = true;
		return;
	}
	html_element(&p->html, "pre", NULL, text);
}

void incident_commands(struct page *p, const struct incident_view *i)
{
	const struct source *source = runtime_source(p->view->runtime, i->incident->cluster);
	const char *type = source ? source->ops->name : "";

	add_command(p, "stagewatchctl explain ", i->incident->id, "");
	for (size_t k = 0; k < ELEMENTSOF(commands); k++)
		if (str_equal(commands[k].type, type))
			add_command(p, commands[k].before, i->incident->app_id, commands[k].after);
}

void incident_why(struct page *p, const struct incident_view *i)
{
	_cleanup_free_ char *why = NULL;
	const char *key = outlook_key(i->incident, &i->outlook);
	struct html_writer *h = &p->html;

	if (outlook_why(i->incident, &i->outlook, &why) < 0)
		h->out.failed = true;
	if (!why)
		return;
	html_open(h, "p");
	html_textf(h, "Nothing is done because %s.", why);
	if (key) {
		html_text(h, " What would change that: ");
		html_element(h, "code", NULL, key);
		html_text(h, ".");
	}
	html_close(h);
}

static void add_others(struct page *p, const struct incident *i, const struct neighbours *n)
{
	struct html_writer *h = &p->html;

	if (n->n_open == 0) {
		html_text(h, "It is the only open incident.");
	} else {
		html_textf(h, "%zu other incident%s open, %zu of them on %s", n->n_open,
			n->n_open == 1 ? " is" : "s are", n->n_cluster, i->cluster);
		if (n->n_app > 0)
			html_textf(h, ", %zu of the same app", n->n_app);
		if (n->executor)
			html_textf(h, ", also on its executor %s", n->executor);
		if (n->host)
			html_textf(h, ", %zu on the same host %s", n->n_host, n->host);
		html_text(h, ".");
	}
	if (n->n_apps_cluster > 0)
		html_textf(h, " %zu of the %zu apps of the cluster stand still.",
			n->n_apps_unhealthy, n->n_apps_cluster);
}

static void add_change(struct page *p, const char *what, usec_t at)
{
	if (at == 0 || usec_sub(p->view->wall, at) > LATELY)
		return;
	html_textf(&p->html, " %s at ", what);
	page_time(p, at);
	html_text(&p->html, ".");
}

void incident_neighbours(struct page *p, const struct incident_view *i)
{
	const struct breaker *b = remediator_breaker(p->view->remediator);
	struct html_writer *h = &p->html;
	struct neighbours n;

	incident_view_neighbours(p->view, i, &n);
	html_open(h, "p");
	add_others(p, i->incident, &n);
	if (b->open)
		html_textf(h, " The storm breaker is open: %s.", b->why);
	if (p->view->reloaded > p->view->started)
		add_change(p, "The configuration was reloaded", p->view->reloaded);
	add_change(p, "stagewatchd was started", p->view->started);
	if (i->app && i->app->info.spark_version)
		html_textf(h, " Spark %s.", i->app->info.spark_version);
	html_close(h);
}
