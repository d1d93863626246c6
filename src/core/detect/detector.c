/* SPDX-License-Identifier: Apache-2.0
 * Holds the histories of all apps, runs the checks over them and tells what changed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/digest.h"
#include "base/sorted.h"
#include "core/detect/check.h"
#include "core/detect/detector.h"
#include "core/detect/evidence.h"

/* In order: the first check that holds gives the verdict. Doubt about the counts comes before all
 * that is concluded from them. */
static const struct stage_check *const stage_checks[] = {
	&check_phantom,
	&check_crash_loop,
	&check_starved,
	&check_no_progress,
};

static const struct app_check *const app_checks[] = {
	&check_unobservable,
	&check_not_started,
	&check_idle,
};

/* What an app's rule is called until it is known which one it is. */
#define UNDECIDED "not known yet"
/* Why one that its rule leaves alone has no verdict. */
#define IGNORED "ignored by " APP_WISH_PREFIX "ignore, "

/* The start and a hash of the id are here, too: nearly all that a search has to look at, also where
 * many apps began at once. */
struct app_row {
	usec_t started;
	uint64_t id;
	struct app_history *app;
};

struct detector {
	struct detector_sink sink;
	const struct rule_list *rules;
	const struct rule *fallback;
	struct rule undecided; /* borrows of the fallback, and has this name */
	char undecided_name[sizeof(UNDECIDED)];
	usec_t poll_interval;
	size_t max_apps; /* 0: no limit */
	bool once;
	uint64_t n_left_out;
	size_t n_still;       /* apps that stand still, or have a stage that does */
	size_t n_hung;        /* stages */
	struct app_row *apps; /* sorted: who began first comes first, then by the hash */
	size_t n_apps;
};

struct app_key {
	usec_t started;
	uint64_t id;
	const char *app_id;
	const char *cluster;
};

static struct app_key key_of(const char *cluster, const char *app_id, usec_t started)
{
	return (struct app_key){started, digest_of(app_id, strlen(app_id)).low, app_id, cluster};
}

static int compare_apps(const void *key, const void *item)
{
	const struct app_key *k = key;
	const struct app_row *row = item;
	int order = (k->started > row->started) - (k->started < row->started);

	if (order == 0)
		order = (k->id > row->id) - (k->id < row->id);
	if (order == 0)
		order = strcmp(k->app_id, row->app->info.id);
	return order != 0 ? order : strcmp(k->cluster, row->app->cluster);
}

/* The first that is not before it. */
static size_t place_of(const struct detector *d, const struct app_key *k)
{
	return sorted_place(k, d->apps, d->n_apps, sizeof(*d->apps), compare_apps);
}

static struct app_history *app_at(const struct detector *d, size_t at, const struct app_key *k)
{
	return at < d->n_apps && compare_apps(k, &d->apps[at]) == 0 ? d->apps[at].app : NULL;
}

static void remove_at(struct detector *d, size_t at)
{
	d->n_apps--;
	memmove(&d->apps[at], &d->apps[at + 1], (d->n_apps - at) * sizeof(*d->apps));
}

int detector_new(const struct detector_sink *sink, struct detector **ret)
{
	struct detector *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->sink = *sink;
	*ret = d;
	return 0;
}

struct detector *detector_free(struct detector *d)
{
	if (!d)
		return NULL;
	for (size_t i = 0; i < d->n_apps; i++)
		app_history_free(d->apps[i].app);
	free(d->apps);
	free(d);
	return NULL;
}

void detector_configure(struct detector *d, const struct rule_list *rules,
	const struct rule *fallback, usec_t poll_interval)
{
	d->rules = rules;
	d->fallback = fallback;
	/* Its limits hold as long as it is not known which do, and it does nothing. */
	d->undecided = *fallback;
	memcpy(d->undecided_name, UNDECIDED, sizeof(UNDECIDED));
	d->undecided.name = d->undecided_name;
	d->poll_interval = poll_interval;
}

void detector_limit(struct detector *d, size_t max_apps)
{
	d->max_apps = max_apps;
}

void detector_look_once(struct detector *d)
{
	d->once = true;
}

uint64_t detector_n_left_out(const struct detector *d)
{
	return d->n_left_out;
}

struct app_history *detector_find(
	const struct detector *d, const char *cluster, const char *app_id, usec_t started)
{
	const struct app_key k = key_of(cluster, app_id, started);

	return app_at(d, place_of(d, &k), &k);
}

/* What a verdict was, and is: the sums are kept, so that nobody has to look at all apps. */
static void count_verdict(
	struct detector *d, struct app_history *a, enum verdict old, enum verdict verdict)
{
	bool stood = a->n_still > 0;

	a->n_still += verdict_def(verdict)->stands_still;
	a->n_still -= verdict_def(old)->stands_still;
	d->n_still += a->n_still > 0;
	d->n_still -= stood;
	d->n_hung += verdict == VERDICT_HUNG;
	d->n_hung -= old == VERDICT_HUNG;
}

static bool is_healthy(const struct app_history *a)
{
	bool healthy = !verdict_is_trouble(a->verdict);

	for (size_t i = 0; i < a->n_stages && healthy; i++)
		healthy = !verdict_is_trouble(a->stages[i].verdict);
	return healthy;
}

/* Where there is no place, the healthy app that began first gives up its own, if it began before
 * the new one: else the two would drive out each other for ever. */
static int make_place(struct detector *d, usec_t started)
{
	if (d->max_apps == 0 || d->n_apps < d->max_apps)
		return 0;
	d->n_left_out++;
	for (size_t i = 0; i < d->n_apps && d->apps[i].started < started; i++)
		if (is_healthy(d->apps[i].app)) {
			app_history_free(d->apps[i].app);
			remove_at(d, i);
			return 0;
		}
	return -ENOSPC;
}

static int add_app(struct detector *d, struct app_history *a)
{
	const struct app_key k = key_of(a->cluster, a->info.id, a->info.started);
	struct app_row *apps = array_room(d->apps, d->n_apps, sizeof(*apps));
	size_t at;

	if (!apps)
		return -ENOMEM;
	d->apps = apps;
	at = place_of(d, &k);
	memmove(&apps[at + 1], &apps[at], (d->n_apps - at) * sizeof(*apps));
	apps[at] = (struct app_row){a->info.started, k.id, a};
	d->n_apps++;
	return 0;
}

int detector_app(struct detector *d, const char *cluster, const struct app_info *info, usec_t now,
	struct app_history **ret)
{
	struct app_history *a = detector_find(d, cluster, info->id, info->started);
	int r;

	if (a) {
		*ret = a;
		return 0;
	}
	r = make_place(d, info->started);
	if (r >= 0)
		r = app_history_new(cluster, info, now, &a);
	if (r >= 0)
		r = add_app(d, a);
	if (r < 0) {
		app_history_free(a);
		return r;
	}
	a->once = d->once;
	*ret = a;
	return 0;
}

const struct rule *detector_rule(const struct detector *d, const struct app_history *a)
{
	const struct rule *r = rule_match(
		d->rules, d->fallback, a->cluster, &a->info, a->owner_asked ? &a->owner : NULL);

	if (!r)
		return &d->undecided;
	return a->wishes ? app_wishes_apply(&a->properties, r, d->rules, a->wishes) : r;
}

static struct verdict_detail progress_of_stage(
	const struct stage_history *h, const struct rule *rule, usec_t now)
{
	return (struct verdict_detail){
		.verdict = VERDICT_PROGRESSING,
		.since = h->stall_start,
		.lasting = usec_sub(now, h->stall_start),
		.reason = rule->ignored ? IGNORED "last progress" : "last progress",
		.n_complete = h->last.n_complete,
		.n_active = h->last.n_active,
		.n_tasks = h->last.n_tasks,
	};
}

static struct verdict_detail progress_of_app(const struct rule *rule, usec_t now)
{
	return (struct verdict_detail){.verdict = VERDICT_PROGRESSING,
		.since = now,
		.reason = rule->ignored ? IGNORED "answers" : "answers"};
}

/* Most progress, and what is said of that can be said at any time. Without memory the verdict
 * stands without its numbers. */
static void keep_detail(struct verdict_detail **to, const struct verdict_detail *e)
{
	if (e->verdict == VERDICT_PROGRESSING) {
		free(*to);
		*to = NULL;
		return;
	}
	if (!*to)
		*to = malloc(sizeof(**to));
	if (*to)
		**to = *e;
}

/* Where nothing is kept: it progresses, or there was no memory. */
static void complete_detail(enum verdict verdict, struct verdict_detail *e)
{
	e->verdict = verdict;
	if (verdict != VERDICT_PROGRESSING)
		e->reason = "as it was last judged";
}

void detector_stage_detail(const struct detector *d, const struct app_history *a,
	const struct stage_history *h, struct verdict_detail *ret)
{
	if (h->detail) {
		*ret = *h->detail;
		return;
	}
	*ret = progress_of_stage(h, detector_rule(d, a), a->observed);
	complete_detail(h->verdict, ret);
}

void detector_app_detail(
	const struct detector *d, const struct app_history *a, struct verdict_detail *ret)
{
	if (a->detail) {
		*ret = *a->detail;
		return;
	}
	*ret = progress_of_app(detector_rule(d, a), a->observed);
	if (a->observed == 0)
		ret->reason = NULL;
	complete_detail(a->verdict, ret);
}

static void judge_stage(struct detector *d, struct app_history *a, struct stage_history *h,
	const struct rule *rule, usec_t now)
{
	struct findings findings;
	struct verdict_detail e = progress_of_stage(h, rule, now);
	struct detector_event event = {
		.app = a, .stage = h, .rule = rule, .old = h->verdict, .now = now};

	findings_of(a, h, rule, now, &findings);
	h->knows_tasks = findings.has_tasks;
	h->findings = &findings;
	for (size_t i = 0; i < ELEMENTSOF(stage_checks) && !rule->ignored; i++)
		if (stage_checks[i]->holds(h, rule, now, &e))
			break;
	h->findings = NULL;
	keep_detail(&h->detail, &e);
	event.detail = &e;
	event.verdict = e.verdict;
	if (e.verdict != h->verdict) {
		count_verdict(d, a, h->verdict, e.verdict);
		h->verdict = e.verdict;
		h->verdict_start = now;
		d->sink.changed(d->sink.userdata, &event);
	}
	if (verdict_is_trouble(e.verdict))
		d->sink.judged(d->sink.userdata, &event);
}

static void judge_app(
	struct detector *d, struct app_history *a, const struct rule *rule, usec_t now)
{
	struct verdict_detail e = progress_of_app(rule, now);
	struct detector_event event = {.app = a, .rule = rule, .old = a->verdict, .now = now};

	for (size_t i = 0; i < ELEMENTSOF(app_checks) && !rule->ignored; i++)
		if (app_checks[i]->holds(a, rule, now, &e))
			break;
	keep_detail(&a->detail, &e);
	event.detail = &e;
	event.verdict = e.verdict;
	if (e.verdict != a->verdict) {
		count_verdict(d, a, a->verdict, e.verdict);
		a->verdict = e.verdict;
		a->verdict_start = now;
		d->sink.changed(d->sink.userdata, &event);
	}
}

static void tell_gone(
	struct detector *d, struct app_history *a, struct stage_history *h, usec_t now)
{
	struct verdict_detail e = {.verdict = VERDICT_PROGRESSING, .since = now, .reason = "gone"};
	struct detector_event event = {.app = a,
		.stage = h,
		.old = h ? h->verdict : a->verdict,
		.verdict = VERDICT_PROGRESSING,
		.detail = &e,
		.now = now,
		.gone = true};

	if (event.old == VERDICT_PROGRESSING)
		return;
	count_verdict(d, a, event.old, VERDICT_PROGRESSING);
	event.rule = detector_rule(d, a);
	d->sink.changed(d->sink.userdata, &event);
}

/* By the driver's own clock; from the first look on where that, or the start, is not known. */
static usec_t runtime_of(const struct app_history *a, usec_t driver_now, usec_t now)
{
	if (a->info.started == 0 || driver_now == 0)
		return usec_sub(now, a->first_seen);
	return usec_sub(driver_now, a->info.started);
}

static void judge_runtime(struct detector *d, struct app_history *a, const struct rule *rule)
{
	bool overran = !rule->ignored && rule->max_runtime > 0 && a->ran > rule->max_runtime;
	bool news = overran && !a->overran;

	a->overran = overran;
	if (news && d->sink.overran)
		d->sink.overran(d->sink.userdata, a, rule);
}

static int observe(struct detector *d, struct app_history *a, struct app_poll *poll)
{
	const struct rule *rule;
	usec_t now = poll->now;
	usec_t driver_now = poll->driver_now;
	/* One that is not told of may be in a row that could not be used: nothing is known of it.
	 */
	bool all_told = poll->stages.left_out.n == 0;
	int r;

	r = app_history_observe(a, poll, d->poll_interval);
	if (r > 0 && poll->has_executors) {
		int error = evidence_take_executors(a, &poll->executors, now);

		r = error < 0 ? error : r;
	}
	app_poll_clear(poll);
	if (r <= 0)
		return r;
	for (size_t i = 0; i < a->n_stages && all_told; i++)
		if (!a->stages[i].seen)
			tell_gone(d, a, &a->stages[i], now);
	if (all_told)
		app_history_drop_unseen(a);
	rule = detector_rule(d, a);
	for (size_t i = 0; i < a->n_stages; i++)
		if (a->stages[i].seen)
			judge_stage(d, a, &a->stages[i], rule, now);
	judge_app(d, a, rule, now);
	a->ran = runtime_of(a, driver_now, now);
	judge_runtime(d, a, rule);
	return 0;
}

int detector_observe(struct detector *d, struct app_history *a, struct app_poll *poll)
{
	int r = observe(d, a, poll);

	/* Now, while all of it is at hand, and not at the app's next turn. */
	a->needs = app_history_needs(a);
	return r;
}

void detector_no_answer(struct detector *d, struct app_history *a, usec_t now)
{
	if (a->no_answer_start == 0)
		a->no_answer_start = now;
	judge_app(d, a, detector_rule(d, a), now);
}

void detector_waits(struct detector *d, struct app_history *a, const char *what, usec_t now)
{
	a->no_answer_start = 0;
	app_history_note_waits(a, what, now);
	judge_app(d, a, detector_rule(d, a), now);
}

void detector_app_gone(struct detector *d, struct app_history *a, usec_t now)
{
	const struct app_key k = key_of(a->cluster, a->info.id, a->info.started);

	for (size_t i = 0; i < a->n_stages; i++)
		tell_gone(d, a, &a->stages[i], now);
	tell_gone(d, a, NULL, now);
	if (d->sink.ended)
		d->sink.ended(d->sink.userdata, a, now);
	remove_at(d, place_of(d, &k));
	app_history_free(a);
}

size_t detector_n_apps(const struct detector *d)
{
	return d->n_apps;
}

size_t detector_n_still(const struct detector *d)
{
	return d->n_still;
}

size_t detector_n_hung(const struct detector *d)
{
	return d->n_hung;
}

struct app_history *detector_app_at(const struct detector *d, size_t i)
{
	return d->apps[i].app;
}
