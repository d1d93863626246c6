/* SPDX-License-Identifier: Apache-2.0
 * The detector: polls go in, changes of verdict come out. It knows no clock, no network and no log:
 * the same polls at the same times give the same verdicts, live, in a replay and in a scenario. */
#pragma once

#include "core/detect/history.h"
#include "core/facts/rule.h"

struct detector;

/* A verdict on a stage (stage != NULL) or an app that is new, or was confirmed by a poll.
 * Everything is borrowed and valid during the call. */
struct detector_event {
	struct app_history *app;
	struct stage_history *stage;
	const struct rule *rule;
	enum verdict old;
	enum verdict verdict;
	const struct verdict_detail *detail;
	usec_t now;
	bool gone; /* the stage or app has ended, or is no longer listed; verdict is progressing */
};

/* changed: the verdict differs from the one before (or the thing is gone and its verdict was
 * trouble). judged: after each good poll, for each stage in trouble: time to act, if it is to be
 * acted on. */
struct detector_sink {
	void (*changed)(void *userdata, const struct detector_event *event);
	void (*judged)(void *userdata, const struct detector_event *event);
	void *userdata;
	/* The app has ended; a is valid during the call. NULL: nobody wants to know. */
	void (*ended)(void *userdata, const struct app_history *a, usec_t now);
	/* The app has begun to run for longer than max_runtime of its rule. NULL: nobody wants to
	 * know. */
	void (*overran)(void *userdata, const struct app_history *a, const struct rule *rule);
};

int detector_new(const struct detector_sink *sink, struct detector **ret);
struct detector *detector_free(struct detector *d);

DEFINE_CLEANUP(struct detector *, detector_free)

/* Rules hold from the next poll on; the list is borrowed until it is replaced, fallback also. */
void detector_configure(struct detector *d, const struct rule_list *rules,
	const struct rule *fallback, usec_t poll_interval);

/* So many apps are known at once, at most; 0: no limit. */
void detector_limit(struct detector *d, size_t max_apps);

/* There is but one look at each app: its verdict is by what that shows, and waits for nothing. */
void detector_look_once(struct detector *d);
/* How often there was no place: a healthy app was forgotten, or the new one was not taken. */
uint64_t detector_n_left_out(const struct detector *d);

/* The app with this cluster, id and start time; made where it is not known yet. Beyond the limit
 * the healthy app that began first is forgotten. -ENOSPC: none began before the new one. */
int detector_app(struct detector *d, const char *cluster, const struct app_info *info, usec_t now,
	struct app_history **ret);

/* NULL when unknown. */
struct app_history *detector_find(
	const struct detector *d, const char *cluster, const char *app_id, usec_t started);

/* Takes in a good poll; poll is emptied. An answer that was taken in before changes nothing. */
int detector_observe(struct detector *d, struct app_history *a, struct app_poll *poll);

/* The driver gave no usable answer, although it should: a timeout, garbage, a redirect. */
void detector_no_answer(struct detector *d, struct app_history *a, usec_t now);

/* Its cluster lists the app, and nothing of it runs yet: what says what it waits for. */
void detector_waits(struct detector *d, struct app_history *a, const char *what, usec_t now);

/* The app has ended, or its cluster no longer lists it. a is freed. */
void detector_app_gone(struct detector *d, struct app_history *a, usec_t now);

/* The rule that holds for an app: the first that matches, with what the app's properties may change
 * of it. It, and what a->wishes says, holds until the next call for this app, or other rules come.
 */
const struct rule *detector_rule(const struct detector *d, const struct app_history *a);

/* What is said of a verdict: as of the last poll. */
void detector_stage_detail(const struct detector *d, const struct app_history *a,
	const struct stage_history *h, struct verdict_detail *ret);
void detector_app_detail(
	const struct detector *d, const struct app_history *a, struct verdict_detail *ret);

size_t detector_n_apps(const struct detector *d);
/* Of these: how many stand still, by their own verdict or that of a stage. */
size_t detector_n_still(const struct detector *d);
/* Stages that are hung. */
size_t detector_n_hung(const struct detector *d);
/* In the order in which they began. */
struct app_history *detector_app_at(const struct detector *d, size_t i);
