/* SPDX-License-Identifier: Apache-2.0
 * Goes through clusters, History Servers and the ledger, and collects how long things took. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "daemon/suggest_parts.h"
#include "store/run_store.h"
#include "store/schema.h"

struct command {
	struct suggest suggest;
	struct session session;
	struct suggest_history *histories;
	size_t n_histories;
};

static int add_runs(struct suggest *s, const struct app_run_list *runs)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < runs->n; i++) {
		const struct app_run *run = &runs->items[i];
		struct suggestion *to =
			suggest_of_rule(s, suggest_rule_of_run(s->rules, s->fallback, run));

		if (!to)
			continue;
		r = suggest_add_run(to, run->app_id, run->app_name, app_run_duration(run));
		n++;
	}
	return r < 0 ? r : suggest_tell(s, "ledger", n, "finished run", "");
}

/* The daemon may be writing it. Where there is none, that is no fault. */
static int look_at_ledger(struct suggest *s, const char *dir)
{
	_cleanup_(ledger_freep) struct ledger *ledger = NULL;
	_cleanup_(run_store_freep) struct run_store *store = NULL;
	_cleanup_(app_run_list_clear) struct app_run_list runs = {0};
	int r;

	r = ledger_open_to_read(dir, &store_schema, &ledger);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = run_store_new(ledger, &store);
	if (r >= 0)
		r = run_store_list(store, NULL, &runs);
	if (r < 0 && r != -ENOMEM)
		return suggest_note(&s->asker, "ledger %s",
			ledger_trouble(ledger) ? ledger_trouble(ledger) : strerror(-r));
	return r < 0 ? r : add_runs(s, &runs);
}

static int look_at_all(struct command *c)
{
	const struct runtime *runtime = c->session.runtime;
	size_t n = runtime->settings->n_sources;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = suggest_look_at_cluster(&c->suggest, runtime->sources[i], 2 * i);
	for (size_t i = 0; r >= 0 && i < c->n_histories; i++)
		r = suggest_look_at_history(&c->suggest, &c->histories[i], 2 * n + i);
	if (r >= 0)
		r = look_at_ledger(&c->suggest, runtime->settings->daemon.state_dir);
	return r < 0 ? r : suggest_ask_for_tasks(&c->suggest);
}

static int make_histories(struct command *c, const struct strlist *histories)
{
	int r = 0;

	c->histories = calloc(histories->n + 1, sizeof(*c->histories));
	if (!c->histories)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < histories->n; i++, c->n_histories++)
		r = suggest_history_make(c->session.runtime, histories->items[i], &c->histories[i]);
	return r;
}

static int make_endpoints(struct command *c)
{
	const struct runtime *runtime = c->session.runtime;
	size_t n = runtime->settings->n_sources;
	const struct endpoint **to = calloc(2 * n + c->n_histories + 1, sizeof(struct endpoint *));

	if (!to)
		return -ENOMEM;
	c->suggest.endpoints = to;
	for (size_t i = 0; i < n; i++) {
		*to++ = source_endpoint(runtime->sources[i], false);
		*to++ = source_endpoint(runtime->sources[i], true);
	}
	for (size_t i = 0; i < c->n_histories; i++)
		*to++ = &c->histories[i].endpoint;
	return 0;
}

static int prepare(struct command *c, struct settings *settings, const struct strlist *histories)
{
	struct suggest *s = &c->suggest;
	int r;

	/* No Airflow is asked, and nobody is told. */
	settings_drop_airflows(settings);
	settings_drop_notifies(settings);
	r = session_open(&c->session, settings);
	if (r >= 0)
		r = make_histories(c, histories);
	if (r >= 0)
		r = make_endpoints(c);
	if (r < 0)
		return r;
	s->asker.event = c->session.event;
	s->asker.transport = session_transport(&c->session);
	s->asker.progress = isatty(STDERR_FILENO) == 1;
	s->rules = &settings->rules;
	s->fallback = &settings->fallback;
	s->poll_interval = settings->daemon.poll_interval;
	s->items = calloc(settings->rules.n + 1, sizeof(*s->items));
	if (!s->items)
		return -ENOMEM;
	s->n_items = settings->rules.n + 1;
	for (size_t i = 0; i < s->n_items; i++)
		s->items[i].rule = i < settings->rules.n ? &settings->rules.items[i] : s->fallback;
	return 0;
}

static void command_clear(struct command *c)
{
	for (size_t i = 0; i < c->suggest.n_items; i++)
		suggestion_clear(&c->suggest.items[i]);
	free(c->suggest.items);
	free(c->suggest.endpoints);
	strlist_clear(&c->suggest.asker.faults);
	strlist_clear(&c->suggest.looked_at);
	strlist_clear(&c->suggest.seen);
	for (size_t i = 0; i < c->n_histories; i++)
		endpoint_clear(&c->histories[i].endpoint);
	free(c->histories);
	session_close(&c->session);
}

int suggest_run(struct settings *settings, const struct strlist *histories, FILE *out)
{
	struct command c = {0};
	int r;

	r = prepare(&c, settings, histories);
	if (r >= 0)
		r = look_at_all(&c);
	if (r >= 0)
		r = suggest_print(&c.suggest, out);
	command_clear(&c);
	return r;
}
