/* SPDX-License-Identifier: Apache-2.0
 * Turns a series of polls into clocks: since when no progress, no completed task, no active task.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/history.h"

/* A driver's clock that moves by more against ours, from one poll to the next, was set. */
#define CLOCK_STEP ((int64_t)(5 * USEC_PER_SEC))

void app_poll_clear(struct app_poll *p)
{
	stage_list_clear(&p->stages);
	job_list_clear(&p->jobs);
	executor_list_clear(&p->executors);
	*p = (struct app_poll){0};
}

int app_history_new(
	const char *cluster, const struct app_info *info, usec_t now, struct app_history **ret)
{
	_cleanup_(app_history_freep) struct app_history *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->owner.map_index = -1;
	a->first_seen = now;
	a->verdict_start = now;
	r = str_replace(&a->cluster, cluster);
	if (r >= 0)
		r = app_info_copy(info, &a->info);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(a);
	return 0;
}

static void stage_clear(struct stage_history *h)
{
	free(h->last.name);
	task_tracks_clear(&h->tasks);
}

struct app_history *app_history_free(struct app_history *a)
{
	if (!a)
		return NULL;
	for (size_t i = 0; i < a->n_stages; i++)
		stage_clear(&a->stages[i]);
	free(a->stages);
	inquiry_clear(&a->inquiry);
	free(a->cluster);
	app_info_clear(&a->info);
	owner_clear(&a->owner);
	strlist_clear(&a->properties);
	free(a);
	return NULL;
}

struct stage_history *app_history_stage(struct app_history *a, int64_t stage_id, int64_t attempt_id)
{
	for (size_t i = 0; i < a->n_stages; i++)
		if (a->stages[i].last.stage_id == stage_id &&
			a->stages[i].last.attempt_id == attempt_id)
			return &a->stages[i];
	return NULL;
}

static bool counters_zero(const struct stage_obs *s)
{
	for (size_t i = 0; i < PROGRESS_MAX; i++)
		if (s->counters[i] > 0)
			return false;
	return true;
}

usec_t app_history_local(struct app_history *a, usec_t driver_time, usec_t driver_now, usec_t now)
{
	usec_t local;
	int64_t at;

	if (driver_time == 0)
		return now;
	if (driver_now > 0) {
		local = usec_sub(now, usec_sub(driver_now, driver_time));
		return local > a->gap_end ? local : a->gap_end;
	}
	at = (int64_t)now - (int64_t)driver_time;
	if (!a->offset_known || at < a->offset) {
		a->offset = at;
		a->offset_known = true;
	}
	at = (int64_t)driver_time + a->offset;
	local = at > 0 && (usec_t)at < now ? (usec_t)at : now;
	return local > a->gap_end ? local : a->gap_end;
}

/* The launch may start the stall clock only while nothing has moved or failed yet: afterwards the
 * moment of the last progress, before our first look, is not known. */
static void stage_begin(struct app_history *a, struct stage_history *h, const struct stage_obs *s,
	const struct app_poll *poll)
{
	usec_t launched = app_history_local(a, s->first_launched, poll->driver_now, poll->now);
	bool untouched = counters_zero(s) && s->n_failed == 0;
	usec_t submitted = poll->now;

	if (s->first_launched == 0)
		submitted = app_history_local(a, s->submitted, poll->driver_now, poll->now);

	*h = (struct stage_history){
		.first_seen = poll->now,
		.launched = launched,
		.stall_start = untouched ? launched : poll->now,
		.completed = untouched ? launched : poll->now,
		.inactive_start = submitted,
		.failed_base = s->n_failed,
		.verdict_start = poll->now,
	};
}

static void stage_note_progress(struct stage_history *h, const struct stage_obs *s, usec_t now)
{
	for (size_t i = 0; i < PROGRESS_MAX; i++)
		if (s->counters[i] > h->last.counters[i]) {
			h->stall_start = now;
			h->inactive_start = now;
			break;
		}
	if (s->counters[PROGRESS_COMPLETED_INDICES] >
		h->last.counters[PROGRESS_COMPLETED_INDICES]) {
		h->completed = now;
		h->failed_base = s->n_failed;
		h->failed_since = 0;
		h->failed_rises = 0;
	}
}

/* numFailedTasks can fall where Spark corrects itself: the base falls with it. */
static void stage_note_failures(struct stage_history *h, const struct stage_obs *s, usec_t now)
{
	if (s->n_failed > h->last.n_failed && s->n_failed > h->failed_base) {
		if (h->failed_rises++ == 0)
			h->failed_first = now;
		h->failed_last = now;
	}
	if (s->n_failed < h->failed_base)
		h->failed_base = s->n_failed;
	h->failed_since = s->n_failed - h->failed_base;
}

static void stage_note_active(
	struct stage_history *h, const struct stage_obs *s, const struct app_poll *poll)
{
	bool first_launch = h->last.first_launched == 0 && h->last.n_active <= 0;

	if (s->n_active > 0 && h->last.n_active <= 0) {
		/* What runs now was launched since the last poll. */
		h->stall_start = poll->now;
		h->active_start = poll->now;
		if (first_launch)
			h->completed = h->launched = poll->now;
	}
	if (s->n_active <= 0 && h->last.n_active > 0)
		h->inactive_start = poll->now;
}

static bool job_has_stage(const struct job_list *jobs, int64_t stage_id)
{
	for (size_t i = 0; i < jobs->n_stage_ids; i++)
		if (jobs->stage_ids[i] == stage_id)
			return true;
	return false;
}

static int64_t active_tasks(const struct executor_list *l)
{
	int64_t sum = 0;

	for (size_t i = 0; i < l->n; i++)
		sum += l->items[i].active_tasks;
	return sum;
}

static void stage_note_phantom(struct stage_history *h, const struct app_poll *poll)
{
	if (poll->has_jobs) {
		h->vouched = job_has_stage(&poll->jobs, h->last.stage_id);
		h->jobless_polls = h->vouched ? 0 : h->jobless_polls + 1;
		h->unasked_polls = 0;
	} else if (verdict_is_trouble(h->verdict)) {
		h->unasked_polls++;
	}
	if (poll->has_executors) {
		bool over = h->last.n_active > active_tasks(&poll->executors);

		if (!over)
			h->overcount_start = 0;
		else if (h->overcount_start == 0)
			h->overcount_start = poll->now;
	}
}

static void shift(usec_t *t, usec_t by)
{
	if (*t > 0)
		*t += by;
}

/* Nobody watched for a while: no clock runs over that time. */
static void app_history_skip(struct app_history *a, usec_t by)
{
	shift(&a->idle_start, by);
	for (size_t i = 0; i < a->n_stages; i++) {
		struct stage_history *h = &a->stages[i];

		shift(&h->stall_start, by);
		shift(&h->completed, by);
		shift(&h->launched, by);
		shift(&h->active_start, by);
		shift(&h->inactive_start, by);
		shift(&h->failed_first, by);
		shift(&h->failed_last, by);
		shift(&h->overcount_start, by);
		task_tracks_shift(&h->tasks, by);
	}
	inquiry_forget(&a->inquiry);
}

static int app_history_add(struct app_history *a, struct stage_history **ret)
{
	struct stage_history *items;

	items = reallocarray(a->stages, a->n_stages + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	a->stages = items;
	items[a->n_stages] = (struct stage_history){0};
	*ret = &items[a->n_stages++];
	return 0;
}

static int app_history_observe_stage(
	struct app_history *a, struct stage_obs *s, const struct app_poll *poll)
{
	struct stage_history *h = app_history_stage(a, s->stage_id, s->attempt_id);
	int r;

	if (!h) {
		r = app_history_add(a, &h);
		if (r < 0)
			return r;
		stage_begin(a, h, s, poll);
	} else {
		stage_note_progress(h, s, poll->now);
		stage_note_failures(h, s, poll->now);
		stage_note_active(h, s, poll);
		free(h->last.name);
	}
	h->last = *s;
	s->name = NULL;
	h->seen = true;
	stage_note_phantom(h, poll);
	return 0;
}

/* A driver's clock that was set says nothing any more of what began before. Its answers show it to
 * the second. */
static void note_clock(struct app_history *a, const struct app_poll *poll)
{
	int64_t offset = (int64_t)poll->now - (int64_t)poll->driver_now;
	int64_t step = offset - a->date_offset;

	if (poll->driver_now == 0)
		return;
	if (a->date_offset != 0 && (step > CLOCK_STEP || step < -CLOCK_STEP))
		a->gap_end = poll->now;
	a->date_offset = offset;
}

int app_history_observe(struct app_history *a, struct app_poll *poll, usec_t poll_interval)
{
	usec_t gap = usec_sub(poll->now, a->observed);
	bool busy;

	if (a->observed > 0 && gap > 3 * poll_interval) {
		app_history_skip(a, gap - poll_interval);
		a->gap_end = poll->now - poll_interval;
	}
	note_clock(a, poll);
	a->observed = poll->now;
	a->no_answer_start = 0;

	for (size_t i = 0; i < a->n_stages; i++)
		a->stages[i].seen = false;
	for (size_t i = 0; i < poll->stages.n; i++) {
		int r = app_history_observe_stage(a, &poll->stages.items[i], poll);

		if (r < 0)
			return r;
	}

	if (poll->has_executors) {
		int r = inquiry_take_executors(a, &poll->executors, poll->now);

		if (r < 0)
			return r;
	}
	busy = poll->stages.n > 0 || !poll->has_jobs || poll->jobs.n_running > 0;
	if (busy)
		a->idle_start = 0;
	else if (a->idle_start == 0)
		a->idle_start = poll->now;
	return 0;
}

void app_history_drop_unseen(struct app_history *a)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->n_stages; i++) {
		if (!a->stages[i].seen) {
			stage_clear(&a->stages[i]);
			continue;
		}
		if (kept != i)
			a->stages[kept] = a->stages[i];
		kept++;
	}
	a->n_stages = kept;
}

unsigned app_history_needs(const struct app_history *a)
{
	unsigned needs = a->n_stages == 0 ? NEED_JOBS : 0;

	for (size_t i = 0; i < a->n_stages; i++)
		if (verdict_is_trouble(a->stages[i].verdict))
			needs |= NEED_JOBS | NEED_EXECUTORS;
	return needs;
}
