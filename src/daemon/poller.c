/* SPDX-License-Identifier: Apache-2.0
 * One cluster's round: list, poll each driver, tell the detector what was seen or not seen. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/poller.h"
#include "source/driver_poll.h"

/* Drivers that let us wait for the time limit are asked at most so many at a time, in turn: their
 * requests must not take the places of those that answer. */
#define MAX_SILENT 8

/* A driver under watch: at a URL of the configuration, or an app that its cluster lists. */
struct driver {
	struct poller *poller;
	char *url;    /* NULL: listed, its address is not known */
	char *app_id; /* NULL: whoever answers */
	char *name;
	char *user;
	bool configured;
	bool listed;    /* in the list at hand */
	usec_t started; /* of the app that answered last */
	bool silent;    /* no answer within the time limit when it was last asked */
	bool ask_who;   /* another app may be there by now */
	char *last_id;  /* its id */
	struct driver_poll *poll;
	bool counts_silent;    /* its poll is one of those that may keep us waiting */
	unsigned tick;         /* in which the poll was begun */
	const char *complaint; /* the reason last logged; static */
};

struct poller {
	struct poller_context context;
	struct source *source;
	struct driver **drivers;
	size_t n_drivers;
	bool listing;
	bool up;
	const char *complaint;
	unsigned tick;
	unsigned n_done;
	usec_t tick_began; /* 0: no tick is under way */
	usec_t advanced;
	size_t n_polling; /* polls begun in this tick that have not ended */
	size_t n_silent;  /* polls under way of drivers that gave no answer last time */
	size_t next;      /* the driver with which the next tick begins */
	struct poller_look *looks;
};

struct poller_look {
	struct poller *poller;
	struct poller_look *next;
	struct driver_poll *poll;
	struct driver *driver;
	char *app_id;
	usec_t started;
	struct stage_key key;
	poller_looked_fn fn;
	void *userdata;
};

int poller_new(const struct poller_context *context, struct source *source, struct poller **ret)
{
	struct poller *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->context = *context;
	p->source = source;
	p->advanced = context->now(context->userdata);
	*ret = p;
	return 0;
}

static usec_t now(const struct poller *p)
{
	return p->context.now(p->context.userdata);
}

static void driver_free(struct driver *d)
{
	driver_poll_cancel(d->poll);
	free(d->url);
	free(d->app_id);
	free(d->name);
	free(d->user);
	free(d->last_id);
	free(d);
}

struct poller *poller_free(struct poller *p)
{
	if (!p)
		return NULL;
	p->source->ops->cancel_list(p->source);
	while (p->looks)
		poller_look_cancel(p->looks);
	for (size_t i = 0; i < p->n_drivers; i++)
		driver_free(p->drivers[i]);
	free(p->drivers);
	free(p);
	return NULL;
}

void poller_inherit(struct poller *p, struct poller *from)
{
	for (size_t i = 0; i < from->n_drivers; i++) {
		struct driver *d = from->drivers[i];

		d->poll = driver_poll_cancel(d->poll);
		d->counts_silent = false;
		d->poller = p;
	}
	p->drivers = TAKE_PTR(from->drivers);
	p->n_drivers = from->n_drivers;
	from->n_drivers = 0;
	from->n_polling = 0;
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

size_t poller_n_silent(const struct poller *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_drivers; i++)
		n += p->drivers[i]->complaint != NULL;
	return n;
}

static struct app_history *driver_history(const struct driver *d)
{
	return d->last_id ? detector_find(d->poller->context.detector, poller_cluster(d->poller),
				    d->last_id, d->started)
			  : NULL;
}

static struct driver *find_by_app(const struct poller *p, const struct app_history *a)
{
	for (size_t i = 0; i < p->n_drivers; i++)
		if (driver_history(p->drivers[i]) == a)
			return p->drivers[i];
	return NULL;
}

const char *poller_url_of(const struct poller *p, const struct app_history *a)
{
	const struct driver *d = find_by_app(p, a);

	return d ? d->url : NULL;
}

static void count_error(struct poller *p, const char *reason)
{
	struct cluster_stats *s = stats_cluster(p->context.stats, poller_cluster(p));

	if (s && reason)
		stats_count_reason(s->errors, driver_reasons, n_driver_reasons, reason);
}

/* A line where the reason is another than at the last poll, not one per poll. */
static void complain(struct driver *d, const char *reason, const char *text)
{
	struct log_about about = {
		.cluster = poller_cluster(d->poller), .app_id = d->last_id, .url = d->url};

	count_error(d->poller, reason);
	if (d->complaint != reason)
		log_event(LOG_WARNING, &about, "%s: %s is not usable: %s (%s)", about.cluster,
			d->url ? d->url : "a driver without address", text ? text : reason, reason);
	d->complaint = reason;
}

static void calm(struct driver *d)
{
	struct log_about about = {
		.cluster = poller_cluster(d->poller), .app_id = d->last_id, .url = d->url};

	if (d->complaint)
		log_event(LOG_NOTICE, &about, "%s: %s is usable again", about.cluster,
			d->url ? d->url : "the driver");
	d->complaint = NULL;
}

/* The app that was here is no more: another one answers, nobody does, or its cluster dropped it. */
static void driver_forget(struct driver *d)
{
	struct app_history *a = driver_history(d);

	if (a)
		detector_app_gone(d->poller->context.detector, a, now(d->poller));
	free(d->last_id);
	d->last_id = NULL;
	d->started = 0;
}

/* The history of an app that the cluster lists and that was never seen to answer. */
static int driver_placeholder(struct driver *d, struct app_history **ret)
{
	struct app_info info = {0};
	int r;

	r = str_replace(&info.id, d->app_id);
	if (r >= 0)
		r = str_replace(&info.name, d->name ? d->name : "");
	if (r >= 0)
		r = str_replace(&info.user, d->user ? d->user : "");
	if (r >= 0)
		r = str_replace(&d->last_id, d->app_id);
	if (r >= 0)
		r = detector_app(d->poller->context.detector, poller_cluster(d->poller), &info,
			now(d->poller), ret);
	app_info_clear(&info);
	return r;
}

static void driver_no_answer(struct driver *d, const char *reason, const char *text)
{
	struct app_history *a = driver_history(d);

	if (!a && d->app_id && driver_placeholder(d, &a) < 0)
		return;
	complain(d, reason, text);
	if (a)
		detector_no_answer(d->poller->context.detector, a, now(d->poller));
}

static int driver_identify(struct driver *d, const struct driver_answer *answer)
{
	int r;

	if (!answer->info.id)
		return 0; /* not asked: it is the one we know */
	if (d->last_id &&
		(d->started != answer->info.started || !str_equal(d->last_id, answer->info.id)))
		driver_forget(d);
	r = str_replace(&d->last_id, answer->info.id);
	if (r >= 0)
		d->started = answer->info.started;
	return r;
}

/* What the counters leave open is asked now; the answers count at the next poll. */
static int driver_inquire(struct driver *d, struct app_history *a)
{
	const struct source *source = d->poller->source;
	struct inquirer_subject subject = {.url = d->url, .timeout = source->params->timeout};

	if (!d->poller->context.inquirer)
		return 0;
	if (d->configured) {
		subject.username = source->params->username;
		subject.password = source->password;
		subject.ca_file = source->params->ca_file;
	}
	return inquirer_look(d->poller->context.inquirer, a, &subject);
}

/* An answer into the detector. *ret is the app, NULL when it was lost for want of memory. */
static int driver_take(struct driver *d, struct driver_answer *answer,
	const struct stage_key *tasks_of, struct app_history **ret)
{
	struct detector *detector = d->poller->context.detector;
	struct app_history *a;
	int r;

	r = driver_identify(d, answer);
	if (r < 0)
		return r;
	a = driver_history(d);
	if (!a) {
		r = detector_app(
			detector, poller_cluster(d->poller), &answer->info, answer->poll.now, &a);
		if (r < 0)
			return r;
		log_debug("%s: %s at %s", a->cluster, a->info.id, d->url);
	}
	if (answer->has_owner) {
		owner_clear(&a->owner);
		a->owner = answer->owner;
		answer->owner = (struct owner){.map_index = -1};
		strlist_clear(&a->properties);
		a->properties = TAKE_STRUCT(answer->properties);
		a->owner_asked = true;
	}
	calm(d);
	d->ask_who = false;
	if (answer->reason) /* a side question failed; the stages are good */
		count_error(d->poller, answer->reason);
	if (answer->side_fault && answer->has_owner && !owner_known(&a->owner))
		log_warning("%s: %s: %s, its owner stays unknown", a->cluster, a->info.id,
			answer->side_fault);
	if (answer->has_tasks && tasks_of) {
		struct stage_history *h =
			app_history_stage(a, tasks_of->stage_id, tasks_of->attempt_id);

		r = h ? inquiry_take_tasks(
				a, h, &answer->tasks, answer->poll.driver_now, answer->tasks_taken)
		      : 0;
		if (r < 0)
			return r;
	}
	r = detector_observe(detector, a, &answer->poll);
	if (r >= 0)
		r = driver_inquire(d, a);
	if (r < 0)
		return r;
	*ret = a;
	return 0;
}

static void driver_unanswered(struct driver *d, const struct driver_answer *answer)
{
	bool bare = !d->app_id;

	if (bare && answer->state == DRIVER_REFUSED) {
		driver_forget(d);
		d->complaint = NULL;
		return;
	}
	/* A port with something else on it is nobody's driver. */
	if (bare && answer->state == DRIVER_OTHER && !d->last_id) {
		count_error(d->poller, answer->reason);
		log_debug("%s: %s", d->url, answer->text ? answer->text : answer->reason);
		return;
	}
	if (str_equal(answer->reason, "changed"))
		d->ask_who = true;
	driver_no_answer(d, answer->reason, answer->text);
}

static void tick_end(struct poller *p)
{
	struct cluster_stats *s = stats_cluster(p->context.stats, poller_cluster(p));

	if (s)
		metrics_observe(&s->durations, (double)(now(p) - p->tick_began) / USEC_PER_SEC);
	p->tick_began = 0;
	p->n_done++;
	if (p->context.idle)
		p->context.idle(p->context.userdata, p);
}

static void tick_over(struct poller *p)
{
	if (p->tick_began > 0 && !p->listing && p->n_polling == 0)
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

static void on_driver(void *userdata, struct driver_answer *answer)
{
	struct driver *d = userdata;
	struct poller *p = d->poller;
	struct app_history *a = NULL;

	poll_ended(d);
	d->silent = str_equal(answer->reason, "timeout");
	if (answer->state != DRIVER_ANSWERED)
		driver_unanswered(d, answer);
	else if (driver_take(d, answer, NULL, &a) < 0)
		log_error("Failed to take in an answer of %s: out of memory, ignoring", d->url);
	tick_over(p);
}

/* tasks_of: a stage whose running tasks are asked for as well; NULL: none. */
static int driver_ask(struct driver *d, const struct stage_key *tasks_of, driver_done_fn done,
	void *userdata, struct driver_poll **ret)
{
	const struct poller *p = d->poller;
	const struct app_history *a = driver_history(d);
	struct driver_ask ask = {
		.transport = p->context.transport,
		.url = d->url,
		.app_id = d->app_id,
		.app_started = a && !d->ask_who ? d->started : 0,
		.needs = a ? app_history_needs(a) : 0,
		.tasks_of = tasks_of,
		.want_owner = !a || !a->owner_asked,
		.timeout = p->source->params->timeout,
	};

	/* An address from a page was chosen by an app: it gets no credential. */
	if (d->configured) {
		ask.username = p->source->params->username;
		ask.password = p->source->password;
		ask.ca_file = p->source->params->ca_file;
	}
	return driver_poll_start(&ask, done, userdata, ret);
}

static void driver_start(struct driver *d)
{
	int r;

	if (d->poll)
		return; /* still waiting for the answer to an earlier one */
	if (d->silent && d->poller->n_silent >= MAX_SILENT)
		return; /* its turn comes */
	if (!d->url) {
		driver_no_answer(d, "unreachable", "its master does not say where its driver is");
		return;
	}
	r = driver_ask(d, NULL, on_driver, d, &d->poll);
	if (r < 0) {
		driver_no_answer(d, "protocol", strerror(-r));
		return;
	}
	d->tick = d->poller->tick;
	d->counts_silent = d->silent;
	d->poller->n_silent += d->silent;
	d->poller->n_polling++;
}

static struct driver *driver_of(struct poller *p, const struct target *t)
{
	for (size_t i = 0; i < p->n_drivers; i++) {
		struct driver *d = p->drivers[i];

		if (t->app_id ? str_equal(d->app_id, t->app_id)
			      : !d->app_id && str_equal(d->url, t->url))
			return d;
	}
	return NULL;
}

static int driver_add(struct poller *p, const struct target *t, struct driver **ret)
{
	struct driver **drivers;
	struct driver *d;
	int r;

	drivers = reallocarray(p->drivers, p->n_drivers + 1, sizeof(struct driver *));
	if (!drivers)
		return -ENOMEM;
	p->drivers = drivers;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->poller = p;
	d->configured = t->configured;
	r = str_replace(&d->app_id, t->app_id);
	if (r >= 0)
		r = str_replace(&d->name, t->name);
	if (r >= 0)
		r = str_replace(&d->user, t->user);
	if (r < 0) {
		driver_free(d);
		return r;
	}
	*ret = drivers[p->n_drivers++] = d;
	return 0;
}

static int take_target(struct poller *p, const struct target *t)
{
	struct driver *d = driver_of(p, t);
	int r = 0;

	if (!d)
		r = driver_add(p, t, &d);
	if (r >= 0 && t->url && !str_equal(d->url, t->url))
		r = str_replace(&d->url, t->url);
	if (r >= 0)
		d->configured = t->configured;
	if (r >= 0)
		d->listed = true;
	return r;
}

/* Looks that are under way belong to a driver; one that goes takes them along, and they say so. */
static void end_looks(struct poller *p, const struct driver *d)
{
	for (struct poller_look *l = p->looks, *next; l; l = next) {
		next = l->next;
		if (l->driver == d) {
			poller_looked_fn fn = l->fn;
			void *userdata = l->userdata;

			poller_look_cancel(l);
			fn(userdata, LOOK_MOVED, "its cluster no longer lists the app");
			next = p->looks; /* the callback may have begun or ended others */
		}
	}
}

static void drop_unlisted(struct poller *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n_drivers; i++) {
		struct driver *d = p->drivers[i];

		if (d->listed) {
			p->drivers[kept++] = d;
			continue;
		}
		if (d->poll) {
			driver_poll_cancel(d->poll);
			poll_ended(d);
		}
		end_looks(p, d);
		driver_forget(d);
		driver_free(d);
	}
	p->n_drivers = kept;
}

/* Polling advances with each list, also one that was not to be had. A driver that hangs does not
 * hold it up. */
static void note_list(struct poller *p)
{
	struct cluster_stats *s = stats_cluster(p->context.stats, poller_cluster(p));

	p->advanced = now(p);
	if (s)
		s->up = p->up;
	if (s && p->up)
		s->last_poll = p->context.wall(p->context.userdata);
}

static void on_list(void *userdata, const struct target_list *list)
{
	struct poller *p = userdata;
	struct log_about about = {.cluster = poller_cluster(p)};
	int r = list->r;

	p->listing = false;
	p->up = r >= 0;
	note_list(p);
	if (r < 0) {
		count_error(p, list->reason);
		if (p->complaint != list->reason)
			log_event(LOG_WARNING, &about, "%s: no list of apps from %s: %s",
				about.cluster, p->source->urls.items[0], list->text);
		p->complaint = list->reason;
	} else {
		if (p->complaint)
			log_event(LOG_NOTICE, &about, "%s: lists its apps again", about.cluster);
		p->complaint = NULL;
		for (size_t i = 0; i < p->n_drivers; i++)
			p->drivers[i]->listed = false;
		for (size_t i = 0; r >= 0 && i < list->n; i++)
			r = take_target(p, &list->items[i]);
		if (r >= 0)
			drop_unlisted(p);
	}
	/* Without a list, who was known before is still asked. */
	p->n_polling++; /* the tick is not over before all are begun */
	for (size_t i = 0; i < p->n_drivers; i++)
		driver_start(p->drivers[(p->next + i) % p->n_drivers]);
	p->next = p->n_drivers ? (p->next + MAX_SILENT) % p->n_drivers : 0;
	p->n_polling--;
	tick_over(p);
}

void poller_tick(struct poller *p)
{
	int r;

	if (p->listing)
		return;
	/* What an earlier tick still waits for is counted there, not here. */
	if (p->tick_began > 0)
		tick_end(p);
	p->tick++;
	p->n_polling = 0;
	p->tick_began = now(p);
	p->listing = true;
	r = p->source->ops->list(p->source, on_list, p);
	if (r < 0) {
		struct target_list list = {.r = r, .reason = "protocol", .text = strerror(-r)};

		on_list(p, &list);
	}
}

struct poller_look *poller_look_cancel(struct poller_look *look)
{
	if (!look)
		return NULL;
	for (struct poller_look **l = &look->poller->looks; *l; l = &(*l)->next)
		if (*l == look) {
			*l = look->next;
			break;
		}
	driver_poll_cancel(look->poll);
	free(look->app_id);
	free(look);
	return NULL;
}

static void on_look(void *userdata, struct driver_answer *answer)
{
	struct poller_look *l = userdata;
	struct app_history *a = NULL;
	const struct stage_history *h;
	enum remedy_look look = LOOK_UNKNOWN;
	const char *text = answer->text;
	bool jobs = answer->poll.has_jobs && answer->poll.has_executors;

	l->poll = NULL;
	if (answer->state != DRIVER_ANSWERED) {
		driver_unanswered(l->driver, answer);
	} else if (driver_take(l->driver, answer, &l->key, &a) >= 0) {
		bool same = a->info.started == l->started && str_equal(a->info.id, l->app_id);

		h = same ? app_history_stage(a, l->key.stage_id, l->key.attempt_id) : NULL;
		/* What nobody asked its job, executors and tasks about may be a phantom, or move.
		 */
		if (!h || h->verdict != VERDICT_HUNG)
			look = LOOK_MOVED;
		else if (jobs && (answer->has_tasks || !h->findings.has_tasks))
			look = LOOK_HUNG;
		else
			text = "its jobs, executors and tasks could not be looked at";
	}
	l->fn(l->userdata, look, text);
	poller_look_cancel(l);
}

int poller_look(struct poller *p, const struct app_history *a, const struct stage_key *key,
	poller_looked_fn fn, void *userdata, struct poller_look **ret)
{
	struct driver *d = find_by_app(p, a);
	struct poller_look *l;
	int r;

	if (!d || !d->url)
		return -ENOENT;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->poller = p;
	l->driver = d;
	l->started = a->info.started;
	l->key = *key;
	l->fn = fn;
	l->userdata = userdata;
	l->next = p->looks;
	p->looks = l;
	r = str_replace(&l->app_id, a->info.id);
	if (r >= 0)
		r = driver_ask(d, key, on_look, l, &l->poll);
	if (r < 0) {
		poller_look_cancel(l);
		return r;
	}
	*ret = l;
	return 0;
}
