/* SPDX-License-Identifier: Apache-2.0
 * Turns the answers of one driver, and that there are none, into what the detector is told. */
#include "watch/watched_driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/detect/evidence.h"

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
	free(d->last_id);
	free(d);
	return NULL;
}

static void count_error(const struct driver *d, const char *reason)
{
	stats_cluster_error(d->context->stats, d->source->name, reason);
}

struct app_history *driver_history(const struct driver *d)
{
	return d->last_id ? detector_find(
				    d->context->detector, d->source->name, d->last_id, d->started)
			  : NULL;
}

/* A line where the reason is another than at the last poll, not one per poll. */
static void complain(struct driver *d, const char *reason, const char *text)
{
	struct log_about about = {.cluster = d->source->name, .app_id = d->last_id, .url = d->url};

	count_error(d, reason);
	if (d->complaint != reason)
		log_event(LOG_WARNING, &about,
			"%s: driver %s is not usable: %s (%s); each poll asks again", about.cluster,
			d->url ? d->url : "without an address", text ? text : reason, reason);
	d->complaint = reason;
}

static void calm(struct driver *d)
{
	struct log_about about = {.cluster = d->source->name, .app_id = d->last_id, .url = d->url};

	if (d->complaint)
		log_event(LOG_NOTICE, &about, "%s: driver %s is usable again", about.cluster,
			d->url ? d->url : "without an address");
	d->complaint = NULL;
}

void driver_forget(struct driver *d)
{
	struct app_history *a = driver_history(d);

	if (a)
		detector_app_gone(d->context->detector, a, clock_now(d->context->clock));
	free(d->last_id);
	d->last_id = NULL;
	d->started = 0;
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
		r = detector_app(d->context->detector, d->source->name, &info,
			clock_now(d->context->clock), ret);
	app_info_clear(&info);
	return r;
}

void driver_no_answer(struct driver *d, const char *reason, const char *text)
{
	struct app_history *a = driver_history(d);

	if (!a && d->app_id && placeholder(d, &a) < 0)
		return;
	complain(d, reason, text);
	if (a)
		detector_no_answer(d->context->detector, a, clock_now(d->context->clock));
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
	return evidence_collector_look(
		d->context->evidence_collector, a, &driver, d->source->ops->nodemanagers);
}

/* What does not change with the stages: who owns the app, how it is set, what memory it has. */
static int take_app(struct app_history *a, struct driver_answer *answer)
{
	int r = 0;

	if (answer->has_owner)
		r = app_history_take_environment(a, &answer->owner, &answer->properties);
	if (r >= 0 && answer->memory_asked)
		r = app_history_take_memory(a, &answer->memory);
	return r;
}

int driver_take(struct driver *d, struct driver_answer *answer, const struct stage_key *tasks_of,
	struct app_history **ret)
{
	struct detector *detector = d->context->detector;
	struct app_history *a;
	int r;

	r = identify(d, answer);
	if (r < 0)
		return r;
	a = driver_history(d);
	if (!a) {
		r = detector_app(detector, d->source->name, &answer->info, answer->poll.now, &a);
		if (r < 0)
			return r;
		log_debug("%s: %s at %s", a->cluster, a->info.id, d->url);
	}
	r = take_app(a, answer);
	if (r < 0)
		return r;
	calm(d);
	d->ask_who = false;
	if (answer->reason) /* a side question failed; the stages are good */
		count_error(d, answer->reason);
	if (answer->side_fault && answer->has_owner && !owner_known(&a->owner))
		log_warning("%s: %s: %s; its owner stays unknown, so no action can be taken on it",
			a->cluster, a->info.id, answer->side_fault);
	if (answer->has_tasks && tasks_of) {
		struct stage_history *h =
			app_history_stage(a, tasks_of->stage_id, tasks_of->attempt_id);

		r = h ? evidence_take_tasks(
				a, h, &answer->tasks, answer->poll.driver_now, answer->tasks_taken)
		      : 0;
		if (r < 0)
			return r;
	}
	r = detector_observe(detector, a, &answer->poll);
	if (r >= 0)
		r = collect_evidence(d, a);
	if (r < 0)
		return r;
	*ret = a;
	return 0;
}

void driver_unanswered(struct driver *d, const struct driver_answer *answer)
{
	bool bare = !d->app_id;

	if (bare && answer->state == DRIVER_REFUSED) {
		driver_forget(d);
		d->complaint = NULL;
		return;
	}
	/* A port with something else on it is nobody's driver. */
	if (bare && answer->state == DRIVER_OTHER && !d->last_id) {
		count_error(d, answer->reason);
		log_debug("%s: %s", d->url, answer->text ? answer->text : answer->reason);
		return;
	}
	if (str_equal(answer->reason, "changed"))
		d->ask_who = true;
	driver_no_answer(d, answer->reason, answer->text);
}

int driver_ask(struct driver *d, const struct stage_key *tasks_of, driver_done_fn done,
	void *userdata, struct driver_poll **ret)
{
	const struct app_history *a = driver_history(d);
	struct endpoint endpoint = endpoint_of(d);
	struct driver_ask ask = {
		.transport = d->context->transport,
		.endpoint = &endpoint,
		.app_id = d->app_id,
		.app_started = a && !d->ask_who && !d->restarts ? d->started : 0,
		.needs = a ? app_history_needs(a) : NEED_MEMORY,
		.tasks_of = tasks_of,
		.want_owner = !a || !a->owner_asked,
	};

	return driver_poll_start(&ask, done, userdata, ret);
}
