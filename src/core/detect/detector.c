/* SPDX-License-Identifier: Apache-2.0
 * Holds the histories of all apps, runs the checks over them and tells what changed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

struct detector {
	struct detector_sink sink;
	const struct rule_list *rules;
	const struct rule *fallback;
	struct rule undecided; /* borrows of the fallback, and has this name */
	char undecided_name[sizeof(UNDECIDED)];
	usec_t poll_interval;
	struct app_history **apps;
	size_t n_apps;
};

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
		app_history_free(d->apps[i]);
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

struct app_history *detector_find(
	const struct detector *d, const char *cluster, const char *app_id, usec_t started)
{
	for (size_t i = 0; i < d->n_apps; i++) {
		struct app_history *a = d->apps[i];

		if (a->info.started == started && str_equal(a->info.id, app_id) &&
			str_equal(a->cluster, cluster))
			return a;
	}
	return NULL;
}

int detector_app(struct detector *d, const char *cluster, const struct app_info *info, usec_t now,
	struct app_history **ret)
{
	struct app_history **apps;
	struct app_history *a = detector_find(d, cluster, info->id, info->started);
	int r;

	if (a) {
		*ret = a;
		return 0;
	}
	apps = reallocarray(d->apps, d->n_apps + 1, sizeof(struct app_history *));
	if (!apps)
		return -ENOMEM;
	d->apps = apps;
	r = app_history_new(cluster, info, now, &a);
	if (r < 0)
		return r;
	d->apps[d->n_apps++] = a;
	*ret = a;
	return 0;
}

const struct rule *detector_rule(const struct detector *d, const struct app_history *a)
{
	const struct rule *r = rule_match(
		d->rules, d->fallback, a->cluster, &a->info, a->owner_asked ? &a->owner : NULL);

	return r ? r : &d->undecided;
}

static void judge_stage(
	struct detector *d, struct app_history *a, struct stage_history *h, usec_t now)
{
	const struct rule *rule = detector_rule(d, a);
	struct verdict_detail e = {
		.verdict = VERDICT_PROGRESSING,
		.since = h->stall_start,
		.lasting = usec_sub(now, h->stall_start),
		.reason = "last progress",
	};
	struct detector_event event = {
		.app = a, .stage = h, .rule = rule, .old = h->verdict, .now = now};

	findings_of(a, h, rule, now, &h->findings);
	for (size_t i = 0; i < ELEMENTSOF(stage_checks); i++)
		if (stage_checks[i]->holds(h, rule, now, &e))
			break;
	e.n_complete = h->last.n_complete;
	e.n_active = h->last.n_active;
	e.n_tasks = h->last.n_tasks;
	h->detail = e;
	event.detail = &h->detail;
	event.verdict = e.verdict;
	if (e.verdict != h->verdict) {
		h->verdict = e.verdict;
		h->verdict_start = now;
		d->sink.changed(d->sink.userdata, &event);
	}
	if (verdict_is_trouble(e.verdict))
		d->sink.judged(d->sink.userdata, &event);
}

static void judge_app(struct detector *d, struct app_history *a, usec_t now)
{
	const struct rule *rule = detector_rule(d, a);
	struct verdict_detail e = {
		.verdict = VERDICT_PROGRESSING, .since = now, .reason = "answers"};
	struct detector_event event = {.app = a, .rule = rule, .old = a->verdict, .now = now};

	for (size_t i = 0; i < ELEMENTSOF(app_checks); i++)
		if (app_checks[i]->holds(a, rule, now, &e))
			break;
	a->detail = e;
	event.detail = &a->detail;
	event.verdict = e.verdict;
	if (e.verdict != a->verdict) {
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
		.rule = detector_rule(d, a),
		.old = h ? h->verdict : a->verdict,
		.verdict = VERDICT_PROGRESSING,
		.detail = &e,
		.now = now,
		.gone = true};

	if (event.old != VERDICT_PROGRESSING)
		d->sink.changed(d->sink.userdata, &event);
}

int detector_observe(struct detector *d, struct app_history *a, struct app_poll *poll)
{
	usec_t now = poll->now;
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
	for (size_t i = 0; i < a->n_stages; i++)
		if (a->stages[i].seen)
			judge_stage(d, a, &a->stages[i], now);
	judge_app(d, a, now);
	return 0;
}

void detector_no_answer(struct detector *d, struct app_history *a, usec_t now)
{
	if (a->no_answer_start == 0)
		a->no_answer_start = now;
	judge_app(d, a, now);
}

void detector_waits(struct detector *d, struct app_history *a, const char *what, usec_t now)
{
	a->no_answer_start = 0;
	app_history_note_waits(a, what, now);
	judge_app(d, a, now);
}

void detector_app_gone(struct detector *d, struct app_history *a, usec_t now)
{
	for (size_t i = 0; i < a->n_stages; i++)
		tell_gone(d, a, &a->stages[i], now);
	tell_gone(d, a, NULL, now);
	if (d->sink.ended)
		d->sink.ended(d->sink.userdata, a, now);
	for (size_t i = 0; i < d->n_apps; i++)
		if (d->apps[i] == a) {
			d->apps[i] = d->apps[--d->n_apps];
			break;
		}
	app_history_free(a);
}

size_t detector_n_apps(const struct detector *d)
{
	return d->n_apps;
}

struct app_history *detector_app_at(const struct detector *d, size_t i)
{
	return d->apps[i];
}
