/* SPDX-License-Identifier: Apache-2.0
 * Turns the answers of one driver, and that there are none, into what the detector is told. */
#include "watch/watched_driver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sorted.h"
#include "core/detect/evidence.h"
#include "watch/answers.h"

int driver_new(const struct poller_context *context, const struct source *source,
	const struct target *t, struct driver **ret)
{
	struct driver *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->context = context;
	d->source = source;
	d->configured = t->configured;
	r = str_replace(&d->app_id, t->app_id);
	if (r >= 0)
		r = str_replace(&d->name, t->name);
	if (r >= 0)
		r = str_replace(&d->user, t->user);
	/* It is known by it. Of one that is listed, what was said under its id is over now. */
	if (r >= 0 && !t->app_id)
		r = str_replace(&d->url, t->url);
	if (r < 0) {
		driver_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

struct driver *driver_free(struct driver *d)
{
	if (!d)
		return NULL;
	driver_poll_cancel(d->poll);
	free(d->url);
	free(d->app_id);
	free(d->name);
	free(d->user);
	free(d->uid);
	free(d->about);
	free(d->last_id);
	free(d);
	return NULL;
}

struct driver_key {
	const char *app_id;
	const char *url;
};

/* Apps by their ids, then bare drivers by their URLs. */
static int compare_drivers(const void *key, const void *item)
{
	const struct driver_key *k = key;
	const struct driver *d = *(struct driver *const *)item;

	if (!k->app_id || !d->app_id)
		return k->app_id || d->app_id ? (d->app_id ? 1 : -1) : strcmp(k->url, d->url);
	return strcmp(k->app_id, d->app_id);
}

size_t driver_place(struct driver *const *drivers, size_t n, const char *app_id, const char *url)
{
	const struct driver_key k = {app_id, url};

	return sorted_place(&k, drivers, n, sizeof(struct driver *), compare_drivers);
}

struct driver *driver_find(
	struct driver *const *drivers, size_t n, const char *app_id, const char *url)
{
	const struct driver_key k = {app_id, url};
	size_t at = driver_place(drivers, n, app_id, url);

	return at < n && compare_drivers(&k, &drivers[at]) == 0 ? drivers[at] : NULL;
}

struct app_history *driver_history(const struct driver *d)
{
	return d->last_id ? detector_find(
				    d->context->detector, d->source->name, d->last_id, d->started)
			  : NULL;
}

/* Whom the log and the status name. */
static const char *name_of(const struct driver *d)
{
	return d->url ? d->url : d->app_id;
}

static struct fault_list *faults_of(const struct driver *d)
{
	struct health_cluster *s = health_cluster(d->context->health, d->source->name);

	return s ? &s->faults : NULL;
}

/* what: of which question; NULL: of all. */
static void forget_faults(const struct driver *d, const char *what)
{
	struct fault_list *l = faults_of(d);

	if (l)
		faults_forget(l, name_of(d), what);
}

/* Where its cluster manager says more of it, that explains why it does not answer. */
static void explain(const struct driver *d, struct fault *f)
{
	const char *hint = d->source->ops->hint ? d->source->ops->hint(d->source, f) : NULL;
	_cleanup_free_ char *text = NULL;

	if (!f->reason || !d->about)
		return;
	if (str_printf(&text, "%s; %s%s%s", f->text, d->about, hint ? ": " : "",
		    hint ? hint : "") >= 0)
		fault_set(f, f->reason, "%s", text);
}

static void note(const struct driver *d, const struct asked *asked)
{
	const struct answers_about about = {
		.cluster = d->source->name,
		.app_id = d->last_id ? d->last_id : d->app_id,
		.required = d->source->ops->names_drivers && !d->may_lack,
		.wall = clock_wall(d->context->clock),
	};

	struct asked explained = *asked;

	explain(d, &explained.fault);
	answers_note(d->context->stats, d->context->health, &about, &explained);
}

static void note_all(const struct driver *d, const struct driver_answer *answer)
{
	for (size_t i = 0; i < answer->n_asked; i++)
		note(d, &answer->asked[i]);
}

int driver_move(struct driver *d, const char *url)
{
	forget_faults(d, NULL);
	return str_replace(&d->url, url);
}

bool driver_target_state(const struct driver *d, enum target_state *ret)
{
	const struct fault_list *l = faults_of(d);

	*ret = l ? faults_state(l, name_of(d)) : TARGET_OK;
	return *ret != TARGET_OK || d->last_id || !d->may_lack;
}

void driver_forget(struct driver *d)
{
	struct app_history *a = driver_history(d);

	if (a)
		detector_app_gone(d->context->detector, a, clock_now(d->context->clock));
	free(d->last_id);
	d->last_id = NULL;
	d->started = 0;
	forget_faults(d, NULL);
}

/* The history of an app that the cluster lists and that was never seen to answer. */
static int placeholder(struct driver *d, struct app_history **ret)
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
		d->started = 0;
	if (r >= 0)
		r = detector_app(d->context->detector, d->source->name, &info,
			clock_now(d->context->clock), ret);
	app_info_clear(&info);
	return r;
}

static void no_answer(struct driver *d, const struct fault *fault)
{
	struct app_history *a = driver_history(d);
	struct fault why = *fault;

	if (!a && d->app_id && placeholder(d, &a) < 0)
		return;
	d->lost = true;
	if (!a)
		return;
	explain(d, &why);
	app_history_note_no_answer(a, why.text);
	detector_no_answer(d->context->detector, a, clock_now(d->context->clock));
}

void driver_not_asked(struct driver *d, const struct fault *fault)
{
	const struct asked asked = {.url = name_of(d), .what = "", .fault = *fault};

	note(d, &asked);
	no_answer(d, fault);
}

/* It ran, and is said to wait: a ResourceManager that has started anew says so of all apps until
 * their masters tell it of them. Only an attempt that waits on is the next one. */
static bool may_run_on(const struct driver *d, const struct app_history *a, usec_t now)
{
	usec_t most = detector_rule(d->context->detector, a)->unobservable_after;

	return d->started > 0 && (a->waits_start == 0 || usec_sub(now, a->waits_start) < most);
}

void driver_waiting(struct driver *d)
{
	usec_t now = clock_now(d->context->clock);
	struct app_history *a = driver_history(d);
	usec_t since = a && a->waits_start > 0 ? a->waits_start : now;
	struct fault fault = {0};

	d->heard = true;
	if (a && may_run_on(d, a, now)) {
		app_history_note_waits(a, d->about, now);
		fault_set(&fault, "starting", "is not asked: %s", d->about ? d->about : "it waits");
		no_answer(d, &fault);
		return;
	}
	/* What ran before, in an earlier attempt, is over. */
	if (d->started > 0)
		driver_forget(d);
	a = driver_history(d);
	d->lost = false;
	if (!a && placeholder(d, &a) < 0)
		return;
	forget_faults(d, NULL);
	if (a->waits_start == 0)
		app_history_note_waits(a, d->about, since);
	detector_waits(d->context->detector, a, d->about, now);
}

void driver_not_listed(struct driver *d)
{
	struct fault fault = {0};

	fault_set(&fault, "unreachable",
		"is not asked: its cluster manager does not say where it is");
	no_answer(d, &fault);
}

static int identify(struct driver *d, const struct driver_answer *answer)
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

/* All borrowed. */
static struct endpoint endpoint_of(const struct driver *d)
{
	struct endpoint e = *source_endpoint(d->source, d->configured);

	e.url = d->url;
	return e;
}

/* What the counters leave open is asked now; the answers count at the next poll. */
static int collect_evidence(struct driver *d, struct app_history *a)
{
	struct endpoint driver = endpoint_of(d);

	if (!d->context->evidence_collector)
		return 0;
	return evidence_collector_look(d->context->evidence_collector, a, &driver, d->source);
}

/* What does not change with the stages: who owns the app, how it is set, what memory it has. */
static int take_app(struct app_history *a, struct driver_answer *answer)
{
	int r = 0;

	if (answer->has_owner)
		r = app_history_take_environment(a, &answer->owner, &answer->properties);
	if (r >= 0 && answer->has_owner)
		r = owner_hint_add(&a->hint, &answer->hint);
	if (r >= 0 && answer->memory_asked)
		r = app_history_take_memory(a, &answer->memory);
	return r;
}

int driver_take_owner(struct driver *d, const struct target *t)
{
	struct app_history *a;
	int r;

	if (!t->uid || !str_equal(d->uid, t->uid)) {
		d->uid_since = clock_now(d->context->clock);
		return str_replace(&d->uid, t->uid);
	}
	a = driver_history(d);
	if (!a || !a->owner_asked || a->observed <= d->uid_since || owner_known(&a->owner))
		return 0;
	r = owner_hint_add(&a->hint, &t->hint);
	return r < 0 || !owner_known(&t->owner) ? r : app_history_take_owner(a, &t->owner);
}

/* Without these an app is not judged as it should be, or by the wrong rule. */
static void note_missing(struct app_history *a, const struct driver_answer *answer)
{
	static const char *const facts[] = {"/stages", "/environment", "/jobs", "/executors"};
	char what[240];

	for (size_t i = 0; i < ELEMENTSOF(facts); i++) {
		const struct asked *asked = driver_answer_fault(answer, facts[i]);

		/* A stage in a row of no use is not judged at all; of the others enough is known.
		 */
		if (!asked || (i > 0 && str_equal(asked->fault.reason, "bad_row")))
			continue;
		(void)snprintf(what, sizeof(what), "%s %s", asked->what, asked->fault.text);
		app_history_note_missing(a, what, answer->poll.now);
		return;
	}
	app_history_note_missing(a, NULL, answer->poll.now);
}

/* What its properties ask of the rule, and does not hold: once each. */
static void tell_wishes(struct driver *d, struct app_history *a)
{
	const struct rule *rule = a->wishes ? detector_rule(d->context->detector, a) : NULL;

	for (int k = 0; rule && k < WISH_MAX; k++) {
		const struct app_wish *w = &a->wishes->items[k];

		if (!w->property || w->holds || (a->wishes_told & (1U << k)))
			continue;
		a->wishes_told |= 1U << k;
		log_warning("%s: %s: %s is ignored: %s (rule %s)", a->cluster, a->info.id,
			w->property, w->why, rule->name);
	}
}

static int take_tasks(
	struct app_history *a, struct driver_answer *answer, const struct stage_key *of)
{
	struct stage_history *h = app_history_stage(a, of->stage_id, of->attempt_id);

	if (!answer->has_tasks || !h)
		return 0;
	return evidence_take_tasks(
		a, h, &answer->tasks, answer->poll.driver_now, answer->tasks_taken);
}

int driver_take(struct driver *d, struct driver_answer *answer, const struct stage_key *tasks_of,
	struct app_history **ret)
{
	struct detector *detector = d->context->detector;
	struct app_history *a;
	int r;

	*ret = NULL;
	r = identify(d, answer);
	if (r < 0)
		return r;
	note_all(d, answer);
	forget_faults(d, "");
	d->ask_who = d->lost = false;
	d->kept = answer->kept;
	a = driver_history(d);
	/* It gave its place to another app since it was asked: the next poll asks who it is. */
	if (!a && !answer->info.id)
		return 0;
	if (!a) {
		r = detector_app(detector, d->source->name, &answer->info, answer->poll.now, &a);
		if (r == -ENOSPC)
			return 0; /* the detector counts it */
		if (r < 0)
			return r;
		log_debug("%s: %s at %s", a->cluster, a->info.id, d->url);
	}
	r = str_equal(a->url, d->url) ? 0 : str_replace(&a->url, d->url);
	if (r >= 0)
		r = take_app(a, answer);
	if (r < 0)
		return r;
	note_missing(a, answer);
	/* Without a list it is not known. */
	if (d->listed)
		app_history_note_waits(a, d->waits ? d->about : NULL, answer->poll.now);
	r = tasks_of ? take_tasks(a, answer, tasks_of) : 0;
	if (r >= 0)
		r = detector_observe(detector, a, &answer->poll);
	if (r >= 0)
		tell_wishes(d, a);
	if (r >= 0)
		r = collect_evidence(d, a);
	if (r < 0)
		return r;
	*ret = a;
	return 0;
}

void driver_unanswered(struct driver *d, const struct driver_answer *answer)
{
	/* Nothing but its URL says that there is a driver. */
	bool bare = d->source->ops->names_drivers;

	if (answer->state == DRIVER_OF_OTHER_SHARD) {
		driver_forget(d);
		d->lost = d->ask_who = false;
		note_all(d, answer);
		return;
	}
	if (bare && answer->state == DRIVER_REFUSED) {
		bool ended = d->last_id;

		d->lost = false;
		/* An app that has ended is nobody's fault. What is told of one that was never there
		 * is told once. */
		if (ended)
			driver_forget(d);
		else if (!d->may_lack)
			note_all(d, answer);
		return;
	}
	note_all(d, answer);
	/* A port with something else on it is nobody's driver, unless it was to be one. */
	if (bare && answer->state == DRIVER_OTHER && !d->last_id && d->may_lack)
		return;
	d->ask_who = d->ask_who || answer->moved;
	no_answer(d, answer->fault);
}

int driver_ask(struct driver *d, const struct stage_key *tasks_of, driver_done_fn done,
	void *userdata, struct driver_poll **ret)
{
	const struct app_history *a = driver_history(d);
	struct endpoint endpoint = endpoint_of(d);
	/* Whoever comes to listen there may be another driver. The connection of the poll before
	 * is still that of the one we know. Behind a proxy it proves nothing: another app answers
	 * 404 there, the next attempt of the same app does not. */
	bool verify = !d->app_id || d->restarts;
	bool proven = d->kept && !(d->restarts && d->proxied);
	bool known = a && d->started > 0 && !d->ask_who && (!verify || proven);
	struct driver_ask ask = {
		.transport = d->context->transport,
		.spares = d->context->spares,
		.endpoint = &endpoint,
		.app_id = d->app_id,
		.last_id = known ? d->last_id : NULL,
		.verify = verify,
		.needs = a ? a->needs : NEED_MEMORY,
		.tasks_of = tasks_of,
		.want_owner = !a || !a->owner_asked,
		.shard = d->context->shard,
	};

	if (known)
		ask.known_stages = a->stages_digest;
	return driver_poll_start(&ask, done, userdata, ret);
}
