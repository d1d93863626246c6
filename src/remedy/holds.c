/* SPDX-License-Identifier: Apache-2.0
 * The pause and the maintenance windows in force. */
#include "remedy/holds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "io/service.h"
#include "setup/messages.h"
#include "store/pause_store.h"

/* A wall clock that was set since the pause was written is written again. */
#define CLOCK_STEP USEC_PER_MINUTE

struct holds {
	struct holds_context context;
	const struct maintenance_list *windows;
	char **open; /* names of the windows that were open at the last tick */
	size_t n_open;
	struct pause pause;
	char *text; /* its objection */
	char *boot;
	bool loaded;         /* what the ledger held is known */
	bool saved;          /* the ledger has what is here */
	unsigned generation; /* of the ledger, when it was written */
	usec_t saved_end;    /* by the wall clock of then */
};

static const struct log_about about_pause = {.message_id = MESSAGE_PAUSE};

/* NULL: there is none. */
static const struct pause *pause_now(const struct holds *h)
{
	return pause_active(&h->pause, clock_now(h->context.clock)) ? &h->pause : NULL;
}

const char *holds_paused(const struct holds *h)
{
	if (!h->loaded && ledger_usable(h->context.ledger))
		return "the pause in the ledger was not read yet";
	/* Without memory for the words, it still holds. */
	return pause_now(h) ? h->text ? h->text : "paused" : NULL;
}

void holds_status(const struct holds *h, struct status_pause *ret)
{
	const struct pause *p = pause_now(h);

	*ret = (struct status_pause){.durable = h->saved};
	if (!p)
		return;
	ret->reason = p->reason;
	ret->who = p->who;
	ret->since = p->since;
	ret->until = pause_end(p, clock_now(h->context.clock), clock_wall(h->context.clock));
}

static void tell_incidents(const struct holds *h, const char *text)
{
	const struct incident_list *l = h->context.incidents;

	for (size_t i = 0; i < l->n; i++)
		if (l->items[i]->ended == 0)
			incident_tell(l->items[i], clock_wall(h->context.clock), "%s", text);
}

/* What the ledger should have, it has not. */
static void save(struct holds *h)
{
	struct ledger *l = h->context.ledger;
	struct pause_record rec = {0};
	const struct pause *p = pause_now(h);
	int r = 0;

	h->saved = false;
	if (!ledger_usable(l))
		return;
	if (p)
		r = pause_save(p, clock_now(h->context.clock), clock_wall(h->context.clock),
			h->boot, &rec);
	if (r >= 0)
		r = pause_store_save(l, p ? &rec : NULL);
	if (r < 0)
		log_error(
			"Failed to write the pause to the ledger: %s; it holds, and the next tick "
			"tries again",
			strerror(-r));
	h->saved = r >= 0;
	h->saved_end = rec.until_wall;
	h->generation = ledger_generation(l);
	pause_record_clear(&rec);
}

static void set_text(struct holds *h)
{
	free(h->text);
	h->text = NULL;
	(void)pause_text(&h->pause, &h->text);
}

/* What memory and the ledger hold may both be in force: the one that ends last is, and an equal one
 * of the ledger's. */
static int take(struct holds *h, const struct pause_record *rec)
{
	usec_t now = clock_now(h->context.clock);
	const struct pause *mine = pause_now(h);
	struct pause p = {0};
	int r = pause_restore(rec, now, clock_wall(h->context.clock), h->boot, &p);

	if (r <= 0)
		return r;
	if (mine && p.until > 0 && (mine->until == 0 || mine->until > p.until)) {
		pause_clear(&p);
		return 0;
	}
	pause_clear(&h->pause);
	h->pause = p;
	set_text(h);
	return 1;
}

static void load(struct holds *h)
{
	struct ledger *l = h->context.ledger;
	struct pause_record rec = {0};
	int r;

	if (!ledger_usable(l))
		return;
	r = pause_store_load(l, &rec);
	if (r > 0)
		r = take(h, &rec);
	pause_record_clear(&rec);
	if (r < 0) {
		log_error("Failed to read the pause from the ledger: %s; the next tick tries again",
			strerror(-r));
		return;
	}
	h->loaded = true;
	if (r > 0)
		log_event(LOG_WARNING, &about_pause, "Still %s; no new action begins",
			holds_paused(h));
	save(h);
}

int holds_new(const struct holds_context *context, struct holds **ret)
{
	struct holds *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->context = *context;
	if (service_boot_id(&h->boot) < 0)
		log_debug(
			"The kernel gives no boot id; after a restart the wall clock ends a pause");
	load(h);
	*ret = h;
	return 0;
}

static void forget_open(struct holds *h)
{
	for (size_t i = 0; i < h->n_open; i++)
		free(h->open[i]);
	free(h->open);
	h->open = NULL;
	h->n_open = 0;
}

struct holds *holds_free(struct holds *h)
{
	if (!h)
		return NULL;
	forget_open(h);
	pause_clear(&h->pause);
	free(h->text);
	free(h->boot);
	free(h);
	return NULL;
}

void holds_configure(struct holds *h, const struct maintenance_list *windows)
{
	h->windows = windows;
}

static struct local_time local_now(const struct holds *h)
{
	struct local_time t;

	clock_local(clock_wall(h->context.clock), &t.weekday, &t.minute);
	return t;
}

bool holds_open(const struct holds *h, const struct maintenance *m)
{
	struct local_time t = local_now(h);

	return maintenance_holds(m, &t);
}

static const char *find_window(const struct holds *h, const char *cluster,
	const struct app_info *app, const struct owner *owner)
{
	const struct maintenance *m;
	struct local_time t;

	if (!h->windows || h->windows->n == 0)
		return NULL;
	t = local_now(h);
	m = maintenance_match(h->windows, &t, cluster, app, owner);
	return m ? m->text : NULL;
}

const char *holds_window(const struct holds *h, const struct app_history *a)
{
	return find_window(h, a->cluster, &a->info, &a->owner);
}

const char *holds_window_of(const struct holds *h, const struct incident *i)
{
	struct app_info app = {.name = i->app_name};

	return find_window(h, i->cluster, &app, &i->owner);
}

int holds_pause(struct holds *h, const struct pause_ask *ask, char **reterr)
{
	char until[64] = "until somebody resumes";
	char when[32];
	int r;

	r = pause_set(
		&h->pause, ask, clock_now(h->context.clock), clock_wall(h->context.clock), reterr);
	if (r < 0)
		return r;
	set_text(h);
	h->loaded = true; /* whatever the ledger held, this replaces it */
	save(h);
	if (ask->length > 0)
		(void)snprintf(until, sizeof(until), "until %s",
			format_timestamp(
				when, sizeof(when), clock_wall(h->context.clock) + ask->length));
	log_event(LOG_WARNING, &about_pause, "No new action begins %s: %s%s", until,
		holds_paused(h),
		h->saved ? "" : " (the ledger cannot be written: a restart would end the pause)");
	tell_incidents(h, holds_paused(h));
	h->context.begun(h->context.userdata);
	return 0;
}

static void end_pause(struct holds *h, const char *text)
{
	pause_clear(&h->pause);
	h->loaded = true;
	save(h);
	log_event(LOG_WARNING, &about_pause, "%s; actions may begin again", text);
	tell_incidents(h, text);
}

bool holds_resume(struct holds *h, const char *who)
{
	_cleanup_free_ char *text = NULL;

	if (!pause_now(h))
		return false;
	(void)str_printf(&text, "the pause was ended by %s", who);
	end_pause(h, text ? text : "the pause was ended");
	return true;
}

static bool was_open(const struct holds *h, const char *name)
{
	for (size_t i = 0; i < h->n_open; i++)
		if (str_equal(h->open[i], name))
			return true;
	return false;
}

/* Says which windows have begun or ended since the last tick. */
static void follow_windows(struct holds *h)
{
	size_t n = h->windows ? h->windows->n : 0;
	char **open = calloc(n + 1, sizeof(char *));
	size_t n_open = 0;
	bool begun = false;

	for (size_t i = 0; open && i < n; i++) {
		const struct maintenance *m = &h->windows->items[i];
		bool is = holds_open(h, m);
		bool was = was_open(h, m->name);

		if (is != was)
			log_event(LOG_NOTICE, &about_pause, "The maintenance window %s %s", m->name,
				is ? "begins: no new action begins on its apps"
				   : "is over: actions may begin again");
		begun = begun || (is && !was);
		if (is && str_replace(&open[n_open], m->name) >= 0)
			n_open++;
	}
	if (!open)
		return;
	forget_open(h);
	h->open = open;
	h->n_open = n_open;
	if (begun)
		h->context.begun(h->context.userdata);
}

void holds_reload(struct holds *h)
{
	h->loaded = false;
	load(h);
}

static bool clock_was_set(const struct holds *h)
{
	usec_t end =
		pause_end(&h->pause, clock_now(h->context.clock), clock_wall(h->context.clock));

	return usec_sub(end, h->saved_end) > CLOCK_STEP || usec_sub(h->saved_end, end) > CLOCK_STEP;
}

void holds_tick(struct holds *h)
{
	const struct ledger *l = h->context.ledger;

	if (h->pause.reason && !pause_now(h))
		end_pause(h, "the pause is over: its time has come");
	if (!h->loaded)
		load(h);
	else if (ledger_usable(l) &&
		 (!h->saved || ledger_generation(l) != h->generation || clock_was_set(h)))
		save(h);
	follow_windows(h);
}
