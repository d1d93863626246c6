/* SPDX-License-Identifier: Apache-2.0
 * One cluster's round: which drivers there are, and when each is asked. */
#include "watch/poller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/digest.h"
#include "base/log.h"
#include "io/http_url.h"
#include "watch/answers.h"
#include "watch/watched_driver.h"

/* Drivers that let us wait for the time limit are asked at most so many at a time, in turn: their
 * requests must not take the places of those that answer. As each ends the next one is asked, so a
 * network that is back shows all of them at once. */
#define MAX_SILENT 8
/* The part of an interval over which the turns are spread; the rest is for the last answers. */
#define SPREAD_NUM 4
#define SPREAD_DEN 5
/* An interval has at most so many moments at which turns are taken: a wake-up costs more than the
 * request that it is for. */
#define MOST_MOMENTS 10
/* At each of these moments so many polls begin at once, and the next ones a little later, when most
 * of these are answered: what they took up is used again while the processor's cache has it. */
#define BATCH 32
#define BATCH_GAP (4 * USEC_PER_MSEC)
/* One that failed so often in a row is asked less often, at last once in so many intervals, and at
 * least once a minute. */
#define PATIENT_AFTER 3
#define MOST_INTERVALS 6
#define MOST_PATIENCE USEC_PER_MINUTE

TAILQ_HEAD(driver_line, driver);

struct poller {
	struct poller_context context;
	struct source *source;
	struct driver **drivers; /* sorted, as driver_place() has them */
	struct driver **turns;   /* the same, in the order in which they are asked */
	bool turns_sorted;
	size_t n_drivers;
	bool listing;
	bool up;
	unsigned tick;
	unsigned n_done;
	usec_t tick_began; /* 0: no tick is under way */
	usec_t watched;    /* something of it last happened; 0: nothing yet */
	usec_t advanced;
	size_t n_polling;          /* polls begun in this tick that have not ended */
	size_t n_silent;           /* polls under way of drivers that gave no answer last time */
	size_t n_failing;          /* when this tick began */
	size_t turn;               /* drivers that had their turn in this tick */
	size_t n_late;             /* of them: the poll before was still in our own line */
	bool behind;               /* it was so in the last tick */
	struct driver_line silent; /* whose turn it was while MAX_SILENT were under way */
	sd_event_source *timer;    /* of the next turn; NULL: all have it at once */
};

static int on_turn(sd_event_source *source, usec_t now, void *userdata);

int poller_new(const struct poller_context *context, struct source *source, struct poller **ret)
{
	_cleanup_(poller_freep) struct poller *p = calloc(1, sizeof(*p));
	int r = 0;

	if (!p)
		return -ENOMEM;
	p->context = *context;
	p->source = source;
	p->advanced = clock_now(context->clock);
	TAILQ_INIT(&p->silent);
	if (context->event)
		r = timer_new(context->event, on_turn, p, &p->timer);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

struct poller *poller_free(struct poller *p)
{
	if (!p)
		return NULL;
	p->source->ops->cancel_list(p->source);
	(void)sd_event_source_disable_unref(p->timer);
	for (size_t i = 0; i < p->n_drivers; i++) {
		driver_look_end_all(
			p->drivers[i], LOOK_UNKNOWN, "its cluster is no longer configured");
		driver_free(p->drivers[i]);
	}
	free(p->drivers);
	free(p->turns);
	free(p);
	return NULL;
}

/* Whose app is not known yet is asked for it. */
static bool is_ours(const struct poller *p, const char *app_id)
{
	return !app_id || shard_has(&p->context.shard, app_id);
}

void poller_inherit(struct poller *p, struct poller *from)
{
	for (size_t i = 0; i < from->n_drivers; i++) {
		struct driver *d = from->drivers[i];

		d->poll = driver_poll_cancel(d->poll);
		d->counts_silent = d->in_line = false;
		d->tick = 0;
		d->poller = p;
		d->context = &p->context;
		d->source = p->source;
		d->not_before = 0;
		/* A listed one is dropped with the next list. */
		if (!d->app_id && d->last_id && !is_ours(p, d->last_id))
			driver_forget(d);
	}
	p->drivers = TAKE_PTR(from->drivers);
	p->turns = TAKE_PTR(from->turns);
	p->n_drivers = from->n_drivers;
	from->n_drivers = 0;
	from->n_polling = 0;
	TAILQ_INIT(&from->silent);
	/* Whoever is told may look again. */
	for (size_t i = 0; i < p->n_drivers; i++)
		driver_look_end_all(
			p->drivers[i], LOOK_UNKNOWN, "the configuration was loaded anew");
}

const char *poller_cluster(const struct poller *p)
{
	return p->source->name;
}

usec_t poller_advanced(const struct poller *p)
{
	return p->advanced;
}

bool poller_up(const struct poller *p)
{
	return p->up;
}

unsigned poller_n_done(const struct poller *p)
{
	return p->n_done;
}

bool poller_saw_all(const struct poller *p)
{
	for (size_t i = 0; i < p->n_drivers; i++)
		if (p->drivers[i]->lost || !p->drivers[i]->heard)
			return false;
	/* The first list after a start may be that of a master which has just started, too. */
	return p->up && p->n_done >= 2;
}

static struct driver *find(const struct poller *p, const char *app_id, const char *url)
{
	return driver_find(p->drivers, p->n_drivers, app_id, url);
}

static struct driver *find_by_app(const struct poller *p, const struct app_history *a)
{
	struct driver *d = find(p, a->info.id, NULL);

	/* Of two apps of one id, one is known by its URL alone. */
	if ((!d || driver_history(d) != a) && a->url)
		d = find(p, NULL, a->url);
	return d && driver_history(d) == a ? d : NULL;
}

const char *poller_url_of(const struct poller *p, const struct app_history *a)
{
	const struct driver *d = find_by_app(p, a);

	return d ? d->url : NULL;
}

static void count_targets(const struct poller *p, struct health_cluster *s)
{
	enum target_state state;
	enum target_state list = TARGET_OK;

	memset(s->targets, 0, sizeof(s->targets));
	for (size_t i = 0; i < p->n_drivers; i++)
		if (driver_target_state(p->drivers[i], &state))
			s->targets[state]++;
	for (size_t i = 0; i < p->source->urls.n && !p->source->ops->names_drivers; i++) {
		state = faults_state(&s->faults, p->source->urls.items[i]);
		list = state > list ? state : list;
	}
	if (!p->source->ops->names_drivers)
		s->targets[list]++;
}

/* Whether all that the configuration names has been heard of at all. */
static bool heard_all(const struct poller *p)
{
	for (size_t i = 0; i < p->n_drivers && p->source->ops->names_drivers; i++)
		if (!p->drivers[i]->heard)
			return false;
	return true;
}

/* Only what waits in our own line is our own doing: one that is slow to answer delays itself. */
static void note_late(struct poller *p, struct cluster_stats *counters)
{
	char interval[32];

	if (counters)
		counters->overruns += p->n_late > 0;
	if (p->n_late > 0 && !p->behind)
		log_warning("%s: %zu of %zu drivers could not be polled within poll_interval (%s): "
			    "their polls before are still in line; verdicts come later until "
			    "poll_interval or max_parallel_requests is raised",
			poller_cluster(p), p->n_late, p->n_drivers,
			format_duration(interval, sizeof(interval), p->context.interval));
	else if (p->n_late == 0 && p->behind)
		log_notice("%s: all %zu drivers are polled within poll_interval again",
			poller_cluster(p), p->n_drivers);
	p->behind = p->n_late > 0;
	p->n_late = 0;
}

static void tick_end(struct poller *p)
{
	struct cluster_stats *counters = stats_cluster(p->context.stats, poller_cluster(p));
	struct health_cluster *s = health_cluster(p->context.health, poller_cluster(p));

	if (counters)
		histogram_observe(&counters->durations,
			(double)(clock_now(p->context.clock) - p->tick_began) / USEC_PER_SEC);
	note_late(p, counters);
	if (s) {
		/* Who waits for his turn, or for his answer, was not asked. */
		for (size_t i = 0; i < p->n_drivers; i++)
			if ((p->drivers[i]->lost || p->drivers[i]->failures > 0) &&
				p->drivers[i]->url)
				faults_keep(&s->faults, p->drivers[i]->url);
		faults_age(&s->faults);
		count_targets(p, s);
		s->up = p->up && heard_all(p) && !faults_blind(&s->faults);
	}
	p->tick_began = 0;
	p->n_done++;
	if (p->context.idle)
		p->context.idle(p->context.userdata, p);
}

static void tick_over(struct poller *p)
{
	if (p->tick_began > 0 && !p->listing && p->n_polling == 0 && p->turn >= p->n_drivers)
		tick_end(p);
}

static void poll_ended(struct driver *d)
{
	d->poll = NULL;
	d->poller->n_silent -= d->counts_silent;
	d->counts_silent = false;
	if (d->tick == d->poller->tick)
		d->poller->n_polling--;
}

/* One that makes us wait, or sends more than is read, is asked in turn with its like. */
static bool costs_much(const struct fault *f)
{
	return str_equal(f->reason, "timeout") || str_equal(f->reason, "too_large");
}

/* Of 0 to 1023: not all that failed together are asked together again. */
static usec_t jitter_of(const struct driver *d)
{
	return (digest_of(d->url, strlen(d->url)).low + d->failures) % 1024;
}

/* So many intervals, and a minute at most. */
static usec_t spell(const struct poller *p, const struct driver *d, unsigned n)
{
	usec_t wait = (n < MOST_INTERVALS ? n : MOST_INTERVALS) * p->context.interval;

	wait = wait < MOST_PATIENCE ? wait : MOST_PATIENCE;
	return wait * 3 / 4 + wait / 4 * jitter_of(d) / 1024;
}

/* How long one that fails alone is left alone. One whose app is known is asked at each turn: what
 * is decided about the app takes fresh evidence. Where most fail it is the network, or the cluster:
 * everything is to be seen again within two intervals of its end. */
static usec_t patience(const struct poller *p, const struct driver *d)
{
	usec_t interval = p->context.interval;
	unsigned n = 2;

	if (d->failures < PATIENT_AFTER || d->last_id)
		return 0;
	for (unsigned i = PATIENT_AFTER; i < d->failures && n < MOST_INTERVALS; i++)
		n *= 2;
	if (2 * p->n_failing > p->n_drivers)
		return interval + interval / 2;
	return spell(p, d, n);
}

/* Of what is another daemon's, only whether it still is one is asked, now and then. */
static usec_t rest(const struct poller *p, const struct driver *d, enum driver_state state)
{
	if (state == DRIVER_OF_OTHER_SHARD)
		return spell(p, d, MOST_INTERVALS);
	/* Those who let us wait have their own line. */
	return d->silent ? 0 : patience(p, d);
}

static void note_outcome(struct driver *d, const struct driver_answer *answer)
{
	struct poller *p = d->poller;
	bool of_use = answer->state == DRIVER_ANSWERED || answer->state == DRIVER_OF_OTHER_SHARD;

	d->heard = true;
	d->silent = answer->fault && costs_much(answer->fault);
	d->failures = of_use ? 0 : d->failures + 1;
	d->not_before = clock_now(p->context.clock) + rest(p, d, answer->state);
}

static void ask(struct driver *d);

/* A tick, or an answer. Where none has come for a while, the machine slept, or the process stood
 * still: no driver was silent meanwhile that could have answered. */
static void note_watched(struct poller *p)
{
	usec_t now = clock_now(p->context.clock);
	usec_t gap = usec_sub(now, p->watched);
	usec_t usual = p->context.interval;

	for (size_t i = 0; p->watched > 0 && usual > 0 && gap > 3 * usual && i < p->n_drivers;
		i++) {
		struct app_history *a = driver_history(p->drivers[i]);

		if (a)
			app_history_unwatched(a, gap - usual);
	}
	p->watched = now;
}

static void on_driver(void *userdata, struct driver_answer *answer)
{
	struct driver *d = userdata;
	struct poller *p = d->poller;
	struct app_history *a = NULL;
	bool was_silent = d->counts_silent;

	note_watched(p);
	poll_ended(d);
	note_outcome(d, answer);
	if (answer->state != DRIVER_ANSWERED)
		driver_unanswered(d, answer);
	else if (driver_take(d, answer, NULL, &a) < 0)
		log_error("Out of memory while taking in an answer of %s; this poll of it is lost",
			d->url);
	if (was_silent && !TAILQ_EMPTY(&p->silent))
		ask(TAILQ_FIRST(&p->silent));
	tick_over(p);
}

static void leave_line(struct driver *d)
{
	if (d->in_line)
		TAILQ_REMOVE(&d->poller->silent, d, link);
	d->in_line = false;
}

static void ask(struct driver *d)
{
	struct poller *p = d->poller;
	struct fault fault = {0};
	int r;

	leave_line(d);
	r = driver_ask(d, NULL, on_driver, d, &d->poll);
	if (r < 0) {
		fault_set(&fault, "protocol", "could not be asked: %s", strerror(-r));
		driver_not_asked(d, &fault);
		return;
	}
	d->tick = p->tick;
	d->counts_silent = d->silent;
	p->n_silent += d->silent;
	p->n_polling++;
}

/* It is the driver's turn. */
static void start(struct driver *d)
{
	struct poller *p = d->poller;
	struct fault fault = {0};

	if (d->missed)
		return;
	if (d->no_driver) {
		if (p->up)
			driver_waiting(d);
		else
			driver_not_listed(d);
		return;
	}
	if (d->poll) {
		p->n_late += driver_poll_waits(d->poll);
		return; /* still waiting for the answer to an earlier one */
	}
	if (!d->url) {
		fault_set(&fault, "unreachable",
			"is at an address that its cluster manager does not tell");
		driver_not_asked(d, &fault);
		return;
	}
	if (clock_now(p->context.clock) < d->not_before)
		return;
	if (!d->silent || p->n_silent < MAX_SILENT) {
		ask(d);
	} else if (!d->in_line) {
		TAILQ_INSERT_TAIL(&p->silent, d, link);
		d->in_line = true;
	}
}

static int add(struct poller *p, const struct target *t, struct driver **ret)
{
	struct driver **drivers;
	struct driver **turns;
	size_t at;
	int r;

	drivers = array_room(p->drivers, p->n_drivers, sizeof(struct driver *));
	if (!drivers)
		return -ENOMEM;
	p->drivers = drivers;
	turns = array_room(p->turns, p->n_drivers, sizeof(struct driver *));
	if (!turns)
		return -ENOMEM;
	p->turns = turns;
	r = driver_new(&p->context, p->source, t, ret);
	if (r < 0)
		return r;
	(*ret)->poller = p;
	at = driver_place(drivers, p->n_drivers, t->app_id, t->url);
	memmove(&drivers[at + 1], &drivers[at], (p->n_drivers - at) * sizeof(struct driver *));
	drivers[at] = *ret;
	p->n_drivers++;
	p->turns_sorted = false;
	return 0;
}

static int take_target(struct poller *p, const struct target *t)
{
	struct driver *d = find(p, t->app_id, t->url);
	int r = 0;

	if (!d)
		r = add(p, t, &d);
	if (r >= 0 && t->url && !str_equal(d->url, t->url)) {
		r = driver_move(d, t->url);
		p->turns_sorted = false;
	}
	if (r >= 0 && !str_equal(d->about, t->about))
		r = str_replace(&d->about, t->about);
	if (r >= 0)
		r = driver_take_owner(d, t);
	if (r < 0)
		return r;
	d->waits = t->waits;
	d->no_driver = t->waits && !t->url;
	d->configured = t->configured;
	d->restarts = t->restarts;
	d->proxied = t->proxied;
	d->may_lack = t->may_lack;
	d->listed = true;
	return 0;
}

static void drop_driver(struct poller *p, size_t at)
{
	struct driver *d = p->drivers[at];

	if (d->poll) {
		driver_poll_cancel(d->poll);
		poll_ended(d);
	}
	leave_line(d);
	/* Whoever is told may ask for the others, and for this one. */
	driver_look_end_all(d, LOOK_MOVED, "its cluster no longer lists the app");
	driver_forget(d);
	p->n_drivers--;
	p->turns_sorted = false;
	memmove(&p->drivers[at], &p->drivers[at + 1],
		(p->n_drivers - at) * sizeof(struct driver *));
	driver_free(d);
}

/* Where one list may be of a cluster manager that has just started, it takes two. */
static bool is_gone(const struct poller *p, struct driver *d)
{
	bool missed = d->missed;

	d->missed = !d->listed;
	return d->missed && (missed || !p->source->ops->lists_late);
}

static void drop_unlisted(struct poller *p)
{
	for (size_t i = p->n_drivers; i-- > 0;)
		if (is_gone(p, p->drivers[i]))
			drop_driver(p, i);
}

/* Polling advances with each list, also one that was not to be had. A driver that hangs does not
 * hold it up. */
static void note_list(struct poller *p)
{
	struct health_cluster *s = health_cluster(p->context.health, poller_cluster(p));

	p->advanced = clock_now(p->context.clock);
	if (s && !p->up)
		s->up = false;
	if (s && p->up)
		s->last_poll = clock_wall(p->context.clock);
}

/* Of several masters one that answers is enough. */
static void note_list_answers(struct poller *p, const struct target_list *list)
{
	const struct answers_about about = {.cluster = poller_cluster(p),
		.required = true,
		.wall = clock_wall(p->context.clock)};
	struct health_cluster *s = health_cluster(p->context.health, about.cluster);

	for (size_t i = 0; i < list->n_asked; i++)
		answers_note(p->context.stats, p->context.health, &about, &list->asked[i]);
	if (!s || list->r < 0 || list->n_asked == 0 || p->source->ops->lists_each_url)
		return;
	for (size_t i = 0; i < p->source->urls.n; i++)
		faults_forget(
			&s->faults, p->source->urls.items[i], i == p->source->current ? "" : NULL);
}

static void take_list(struct poller *p, const struct target_list *list)
{
	int r = 0;

	for (size_t i = 0; i < p->n_drivers; i++)
		p->drivers[i]->listed = list->partial && is_ours(p, p->drivers[i]->app_id);
	for (size_t i = 0; r >= 0 && i < list->n; i++)
		if (is_ours(p, list->items[i].app_id))
			r = take_target(p, &list->items[i]);
	if (r >= 0)
		drop_unlisted(p);
}

/* When the turn of that number comes: the turns of a tick are spread over the interval. */
static usec_t turn_at(const struct poller *p, size_t turn)
{
	usec_t spread = p->timer ? p->context.interval / SPREAD_DEN * SPREAD_NUM : 0;

	return p->tick_began + (p->n_drivers ? spread / p->n_drivers * turn : 0);
}

static bool is_due(const struct poller *p, usec_t now)
{
	return p->turn < p->n_drivers && (!p->timer || turn_at(p, p->turn) <= now);
}

/* Towards the end of the interval whoever is left is asked at once. */
static size_t batch(const struct poller *p, usec_t now)
{
	usec_t late = p->tick_began + p->context.interval / 10 * 9;

	return p->timer && now < late ? BATCH : SIZE_MAX;
}

/* Those whose turn has come. */
static void take_turns(struct poller *p)
{
	usec_t now = clock_now(p->context.clock);
	size_t most = batch(p, now);
	usec_t next;

	p->n_polling++; /* the tick is not over before all are begun */
	for (size_t n = 0; n < most && is_due(p, now); n++) {
		struct driver *d = p->turns[p->turn++];

		if (d->tick != p->tick)
			start(d);
	}
	p->n_polling--;
	next = is_due(p, now)
		       ? now + BATCH_GAP
		       : usec_max(turn_at(p, p->turn), now + p->context.interval / MOST_MOMENTS);
	if (p->turn < p->n_drivers && timer_at(p->timer, next) < 0)
		log_error("%s: cannot set a timer; the rest of this tick's polls is left out",
			poller_cluster(p));
	tick_over(p);
}

static int on_turn(sd_event_source *source, usec_t now, void *userdata)
{
	(void)source;
	(void)now;
	take_turns(userdata);
	return 0;
}

static int compare_turns(const void *x, const void *y)
{
	const struct driver *a = *(struct driver *const *)x;
	const struct driver *b = *(struct driver *const *)y;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	return a->url && b->url ? strcmp(a->url, b->url) : !a->url - !b->url;
}

/* Those whose connections are kept together are asked together: libcurl looks at all of them when
 * one is used, but once a second only. */
static void sort_turns(struct poller *p)
{
	for (size_t i = 0; i < p->n_drivers; i++) {
		struct driver *d = p->drivers[i];

		d->place = d->url ? http_url_place(d->url) : 0;
		p->turns[i] = d;
	}
	qsort(p->turns, p->n_drivers, sizeof(struct driver *), compare_turns);
	p->turns_sorted = true;
}

/* Whoever was never heard of is asked at once, the others in their turn. */
static void start_all(struct poller *p)
{
	if (!p->turns_sorted && p->n_drivers > 0)
		sort_turns(p);
	p->turn = 0;
	p->n_failing = 0;
	p->n_polling++;
	for (size_t i = 0; i < p->n_drivers; i++) {
		struct driver *d = p->drivers[i];

		p->n_failing += d->failures > 0;
		if (!d->heard && d->url && !d->no_driver)
			start(d);
	}
	p->n_polling--;
	take_turns(p);
}

static void on_list(void *userdata, const struct target_list *list)
{
	struct poller *p = userdata;

	p->listing = false;
	p->up = list->r >= 0;
	note_list(p);
	note_list_answers(p, list);
	if (p->up)
		take_list(p, list);
	/* Without a list, who was known before is still asked. */
	for (size_t i = 0; i < p->n_drivers && !p->up; i++)
		p->drivers[i]->listed = false;
	start_all(p);
}

void poller_tick(struct poller *p)
{
	int r;

	note_watched(p);
	if (p->listing)
		return;
	/* What an earlier tick still waits for is counted there, not here. */
	if (p->tick_began > 0)
		tick_end(p);
	p->tick++;
	p->n_polling = 0;
	p->turn = 0;
	p->tick_began = clock_now(p->context.clock);
	p->listing = true;
	r = p->source->ops->list(p->source, on_list, p);
	if (r < 0) {
		struct asked asked = {.url = p->source->urls.items[p->source->current], .what = ""};
		struct target_list list = {.r = r, .asked = &asked, .n_asked = 1};

		fault_set(&asked.fault, "protocol", "could not be asked: %s", strerror(-r));
		on_list(p, &list);
	}
}

int poller_look(struct poller *p, const struct app_history *a, const struct stage_key *key,
	driver_looked_fn fn, void *userdata, struct driver_look **ret)
{
	struct driver *d = find_by_app(p, a);

	if (!d || !d->url)
		return -ENOENT;
	return driver_look_start(d, a, key, fn, userdata, ret);
}
