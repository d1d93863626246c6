/* SPDX-License-Identifier: Apache-2.0
 * Turns a series of polls into clocks: since when no progress, no completed task, no active task.
 *
 * - Progress is a rise against the previous poll, not against the highest value ever: work that is
 *   done again after a loss is work.
 * - The stall clock starts anew when active tasks come back after there were none.
 * - A gap of more than three poll intervals between two good polls is subtracted from every clock.
 *   If polls have been slower of late, up to six intervals, three times that is a gap. So a driver
 *   that did not answer for an hour is not hung when it comes back. After a gap, hung waits until a
 *   window of CPU time is full again.
 * - An answer counts once, at the time it was given: a recording may repeat one.
 * - If all counters are still zero, the stall clock starts at the launch of the first task. That is
 *   the driver's clock, converted with the Date header of its answer: two hosts' clocks may differ.
 * - Jobs and executors speak against a stage only from a moment after it was first listed.
 * - More active tasks than the executors have count only while the stage's own counts stand still:
 *   tasks that end and begin are counted at different moments. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/sorted.h"
#include "core/detect/history.h"

/* In poll intervals: polls that are slower still are gaps each. */
#define SLOWEST 6
/* Memory is asked about at each of so many polls: it changes slowly, and the answer is long. At
 * first a little sooner: some apps are short. */
#define MEMORY_POLLS 6
#define MEMORY_POLLS_FIRST 2
#define MEMORY_POLLS_LAST 36
#define MEMORY_PARTS 8

/* While no stage is active, executors are asked at each of so many polls. */
#define IDLE_POLLS 3

/* Bytes of what is noted of an app for people. */
#define MAX_NOTE 239

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
	a->owner.map_index = a->hint.map_index = -1;
	a->total_tasks = -1;
	a->first_seen = now;
	a->verdict_start = now;
	r = str_replace(&a->cluster, cluster);
	if (r >= 0)
		r = app_info_copy(info, &a->info);
	if (r < 0)
		return r;
	a->needs = app_history_needs(a);
	*ret = TAKE_PTR(a);
	return 0;
}

static void stage_clear(struct stage_history *h)
{
	free(h->last.name);
	free(h->detail);
	task_tracks_clear(&h->tasks);
}

struct app_history *app_history_free(struct app_history *a)
{
	if (!a)
		return NULL;
	for (size_t i = 0; i < a->n_stages; i++)
		stage_clear(&a->stages[i]);
	free(a->stages);
	free(a->detail);
	free(a->missing);
	free(a->no_answer);
	free(a->waits);
	evidence_clear(&a->evidence);
	free(a->cluster);
	free(a->url);
	app_info_clear(&a->info);
	owner_clear(&a->owner);
	owner_hint_clear(&a->hint);
	free(a->wishes);
	strlist_clear(&a->properties);
	task_settings_clear(&a->task);
	audit_report_clear(&a->audit);
	free(a);
	return NULL;
}

/* By their ids, then by attempts. */
static int compare_stages(const struct stage_obs *a, const struct stage_obs *b)
{
	if (a->stage_id != b->stage_id)
		return a->stage_id < b->stage_id ? -1 : 1;
	return (a->attempt_id > b->attempt_id) - (a->attempt_id < b->attempt_id);
}

static int by_stage(const void *a, const void *b)
{
	return compare_stages(a, b);
}

/* struct stage_history begins with what was last seen of it. */
static struct stage_history *find_stage(
	const struct app_history *a, size_t n, const struct stage_obs *key)
{
	size_t at = sorted_place(key, a->stages, n, sizeof(*a->stages), by_stage);

	return at < n && compare_stages(key, &a->stages[at].last) == 0 ? &a->stages[at] : NULL;
}

struct stage_history *app_history_stage(struct app_history *a, int64_t stage_id, int64_t attempt_id)
{
	const struct stage_obs key = {.stage_id = stage_id, .attempt_id = attempt_id};

	return find_stage(a, a->n_stages, &key);
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
		.first_taken = poll->taken,
		.launched = launched,
		.stall_start = untouched ? launched : poll->now,
		.completed = untouched ? launched : poll->now,
		.inactive_start = submitted,
		.failed_base = s->n_failed,
		.verdict_start = poll->now,
	};
	rise_note(&h->rise, poll->now, s->n_complete);
}

static void stage_note_progress(struct stage_history *h, const struct stage_obs *s, usec_t now)
{
	for (size_t i = 0; i < PROGRESS_MAX; i++)
		if (s->counters[i] > h->last.counters[i]) {
			h->stall_start = now;
			h->inactive_start = now;
			break;
		}
	if (s->n_complete != h->last.n_complete)
		rise_note(&h->rise, now, s->n_complete);
	if (s->counters[PROGRESS_COMPLETED_INDICES] >
		h->last.counters[PROGRESS_COMPLETED_INDICES]) {
		h->completed = now;
		h->failed_base = s->n_failed;
		h->failed_since = 0;
		h->failed_rises = 0;
		h->failed_spread = 0;
	}
}

/* numFailedTasks can fall where Spark corrects itself: the base falls with it. */
static void stage_note_failures(
	struct stage_history *h, const struct stage_obs *s, usec_t now, usec_t since_last_poll)
{
	if (s->n_failed > h->last.n_failed && s->n_failed > h->failed_base) {
		if (h->failed_rises++ == 0)
			h->failed_first = now;
		h->failed_last = now;
		h->failed_spread = usec_sub(usec_sub(now, since_last_poll), h->failed_first);
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

static int by_id(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

static bool job_has_stage(const struct job_list *jobs, int64_t stage_id)
{
	return jobs->n_stage_ids > 0 && bsearch(&stage_id, jobs->stage_ids, jobs->n_stage_ids,
						sizeof(*jobs->stage_ids), by_id);
}

static int64_t active_tasks(const struct executor_list *l)
{
	int64_t sum = 0;

	for (size_t i = 0; i < l->n; i++)
		sum += l->items[i].active_tasks;
	return sum;
}

/* Jobs are asked about running ones: none at all while the executors run tasks, or do not say, is
 * two answers of one driver that cannot both be true. Which one is not is not known. */
static bool jobs_contradict(const struct stage_history *h, const struct app_poll *poll)
{
	return poll->jobs.n_running == 0 && h->last.n_active > 0 &&
	       (!poll->has_executors || poll->active_tasks > 0);
}

/* Whether the jobs say something of the stage: for it whenever they name it, against it only where
 * they are known to be all there are. */
static bool jobs_tell(const struct stage_history *h, const struct app_poll *poll)
{
	if (job_has_stage(&poll->jobs, h->last.stage_id))
		return true;
	return poll->jobs.left_out.n == 0 && poll->jobs_taken >= h->first_taken &&
	       !jobs_contradict(h, poll);
}

/* Jobs and executors speak against a stage only as of a moment after it was listed: it is listed
 * again, so it was active at that moment, or seemed to be. */
static void stage_note_phantom(struct stage_history *h, const struct app_poll *poll, bool stands)
{
	if (poll->has_jobs && jobs_tell(h, poll)) {
		h->job_running = job_has_stage(&poll->jobs, h->last.stage_id);
		h->jobless_polls = h->job_running ? 0 : h->jobless_polls + 1;
		h->unasked_polls = 0;
	} else if (verdict_is_trouble(h->verdict) && !poll->has_jobs) {
		h->unasked_polls++;
	}
	if (poll->has_executors && poll->executors.left_out.n == 0 &&
		poll->executors_taken >= h->first_taken) {
		bool over = stands && h->last.n_active > poll->active_tasks;

		if (!over)
			h->overcount_start = 0;
		else if (h->overcount_start == 0)
			h->overcount_start = poll->now;
		h->overcount_last = poll->now;
	}
}

static void shift(usec_t *t, usec_t by)
{
	if (*t > 0)
		*t += by;
}

/* Nobody watched for a while: no clock runs over that time. */
static void app_history_skip(struct app_history *a, usec_t by, usec_t now)
{
	shift(&a->idle_start, by);
	shift(&a->activity, by);
	shift(&a->missing_start, by);
	shift(&a->waits_start, by);
	for (size_t i = 0; i < a->n_stages; i++) {
		struct stage_history *h = &a->stages[i];

		shift(&h->first_seen, by);
		shift(&h->stall_start, by);
		shift(&h->completed, by);
		shift(&h->launched, by);
		shift(&h->active_start, by);
		shift(&h->inactive_start, by);
		shift(&h->failed_first, by);
		shift(&h->failed_last, by);
		shift(&h->overcount_start, by);
		shift(&h->overcount_last, by);
		shift(&h->may_work, by);
		task_tracks_shift(&h->tasks, by);
	}
	evidence_forget(&a->evidence, now);
}

/* While tasks begin and end, two answers count different moments. */
static bool counts_stand(const struct stage_obs *a, const struct stage_obs *b)
{
	return a->n_active == b->n_active && a->n_complete == b->n_complete &&
	       a->n_failed == b->n_failed;
}

/* h: NULL where it was not listed before; then it is the next one of all. */
static void observe_stage(struct app_history *a, struct stage_history *h, struct stage_obs *s,
	const struct app_poll *poll)
{
	bool stands = h && counts_stand(&h->last, s);

	if (!h) {
		h = &a->stages[a->n_stages++];
		app_signs_take_stage(&a->signs, NULL, s);
		stage_begin(a, h, s, poll);
	} else {
		app_signs_take_stage(&a->signs, &h->last, s);
		stage_note_progress(h, s, poll->now);
		stage_note_failures(h, s, poll->now, a->spacing[0]);
		stage_note_active(h, s, poll);
		free(h->last.name);
	}
	h->last = *s;
	s->name = NULL;
	h->seen = true;
	stage_note_phantom(h, poll, stands);
}

static int make_room(struct app_history *a, const struct stage_list *l)
{
	struct stage_history *stages;
	size_t n = a->n_stages;

	for (size_t i = 0; i < l->n; i++)
		n += !find_stage(a, a->n_stages, &l->items[i]);
	if (n == a->n_stages)
		return 0;
	stages = reallocarray(a->stages, n, sizeof(*stages));
	if (!stages)
		return -ENOMEM;
	a->stages = stages;
	return 0;
}

/* Both lists are sorted. */
static int observe_listed(struct app_history *a, struct app_poll *poll)
{
	struct stage_list *l = &poll->stages;
	size_t known = a->n_stages;
	int r;

	if (l->n > 1)
		qsort(l->items, l->n, sizeof(*l->items), by_stage);
	r = make_room(a, l);
	if (r < 0)
		return r;
	for (size_t i = 0; i < l->n; i++) {
		struct stage_history *h = find_stage(a, known, &l->items[i]);

		/* One that is told of twice. */
		if (!h && a->n_stages > known &&
			compare_stages(&l->items[i], &a->stages[a->n_stages - 1].last) == 0)
			h = &a->stages[a->n_stages - 1];
		observe_stage(a, h, &l->items[i], poll);
	}
	if (a->n_stages > known && known > 0)
		qsort(a->stages, a->n_stages, sizeof(*a->stages), by_stage);
	return 0;
}

/* An answer is known by its digest if the history has all that it said: no row was left out, and no
 * stage was listed twice. */
static int app_history_observe_stages(struct app_history *a, struct app_poll *poll)
{
	const struct stage_list *l = &poll->stages;
	size_t n_seen = 0;
	int r;

	a->stages_digest = (struct digest){0};
	for (size_t i = 0; i < a->n_stages; i++)
		a->stages[i].seen = false;
	r = observe_listed(a, poll);
	if (r < 0)
		return r;
	for (size_t i = 0; i < a->n_stages; i++)
		n_seen += a->stages[i].seen;
	if (n_seen > 0 && n_seen == l->n && l->left_out.n == 0)
		a->stages_digest = poll->stages_digest;
	return 0;
}

/* The stages of the answer before, once more: against that one, nothing of theirs has moved. */
static void app_history_observe_same(struct app_history *a, const struct app_poll *poll)
{
	for (size_t i = 0; i < a->n_stages; i++)
		if (a->stages[i].seen)
			stage_note_phantom(&a->stages[i], poll, true);
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

/* The same answer twice is not two observations. */
static bool note_taken(struct app_history *a, struct app_poll *poll)
{
	if (poll->taken == 0)
		poll->taken = poll->now;
	if (poll->taken <= a->taken)
		return false;
	a->taken = poll->taken;
	if (poll->jobs_taken == 0)
		poll->jobs_taken = poll->now;
	if (poll->executors_taken == 0)
		poll->executors_taken = poll->now;
	poll->has_jobs = poll->has_jobs && poll->jobs_taken > a->jobs_taken;
	if (poll->has_jobs)
		a->jobs_taken = poll->jobs_taken;
	poll->has_executors = poll->has_executors && poll->executors_taken > a->executors_taken;
	if (poll->has_executors)
		a->executors_taken = poll->executors_taken;
	return true;
}

/* Polls can be slower than they are wanted, or answered now and then: what has lain between the
 * last ones, or the first two, is no gap, within bounds. */
static usec_t usual_spacing(const struct app_history *a, usec_t gap, usec_t poll_interval)
{
	usec_t most = a->spacing[0] > a->spacing[1] ? a->spacing[0] : a->spacing[1];

	if (most == 0)
		most = gap;
	if (most > SLOWEST * poll_interval)
		most = SLOWEST * poll_interval;
	return most > poll_interval ? most : poll_interval;
}

static void note_gap(struct app_history *a, const struct app_poll *poll, usec_t poll_interval)
{
	usec_t gap = usec_sub(poll->now, a->observed);
	usec_t usual = usual_spacing(a, gap, poll_interval);

	if (a->observed == 0)
		return;
	if (gap > 3 * usual) {
		app_history_skip(a, gap - usual, poll->now);
		a->gap_end = poll->now - usual;
	}
	a->spacing[1] = a->spacing[0];
	a->spacing[0] = gap;
}

/* What began and ended between two polls: executors were given tasks since they last told. */
static bool ran_meanwhile(struct app_history *a, const struct app_poll *poll)
{
	int64_t before = a->total_tasks;
	int64_t sum = 0;

	if (!poll->has_executors || poll->executors.left_out.n > 0)
		return false;
	for (size_t i = 0; i < poll->executors.n; i++)
		sum += poll->executors.items[i].total_tasks;
	a->total_tasks = sum;
	return before >= 0 && sum > before;
}

/* An app that was idle has begun something. */
static void note_activity(struct app_history *a, usec_t now)
{
	if (a->activity > 0) {
		a->activity_gaps[1] = a->activity_gaps[0];
		a->activity_gaps[0] = now - a->activity;
	}
	a->activity = now;
}

/* Some stage is active that ends by design. */
static bool has_work(const struct app_history *a)
{
	for (size_t i = 0; i < a->n_stages; i++)
		if (a->stages[i].seen && !a->stages[i].last.receiver)
			return true;
	return false;
}

bool app_history_receives(const struct app_history *a)
{
	for (size_t i = 0; i < a->n_stages; i++)
		if (a->stages[i].last.receiver)
			return true;
	return false;
}

static bool job_works(const struct job_list *jobs)
{
	return jobs->n_running + jobs->left_out.n > jobs->n_receivers;
}

/* No word of the jobs is no sign of one: a poll without any answer does not end idleness, either.
 */
static void note_idle(struct app_history *a, const struct app_poll *poll, bool jobs_answered)
{
	bool active = has_work(a) || poll->stages.left_out.n > 0 ||
		      (jobs_answered && job_works(&poll->jobs));
	bool ran = ran_meanwhile(a, poll);
	bool was_idle = a->idle_start > 0 || a->activity == 0;

	if ((active || ran) && was_idle)
		note_activity(a, poll->now);
	if (active)
		a->idle_start = 0;
	else if ((a->idle_start == 0 && poll->has_jobs) || (a->idle_start > 0 && ran))
		a->idle_start = poll->now;
}

int app_history_observe(struct app_history *a, struct app_poll *poll, usec_t poll_interval)
{
	bool answered = poll->has_jobs;
	int r = 0;

	if (poll->same_stages && !digest_same(&poll->stages_digest, &a->stages_digest))
		return 0;
	if (!note_taken(a, poll))
		return 0;
	note_gap(a, poll, poll_interval);
	note_clock(a, poll);
	a->observed = poll->now;
	a->polls++;
	a->no_answer_start = 0;
	if (poll->jobs.n_stage_ids > 1)
		qsort(poll->jobs.stage_ids, poll->jobs.n_stage_ids, sizeof(*poll->jobs.stage_ids),
			by_id);
	poll->active_tasks = active_tasks(&poll->executors);
	if (poll->same_stages)
		app_history_observe_same(a, poll);
	else
		r = app_history_observe_stages(a, poll);
	if (r < 0)
		return r;
	note_idle(a, poll, answered);
	return 1;
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

/* Often at first and in trouble, later at each eighth of the app's life: its peaks rise ever more
 * seldom. A little later by the app's id: many that were first seen together are not asked together
 * for ever. */
static bool memory_due(const struct app_history *a, bool trouble)
{
	uint64_t spacing = a->polls / MEMORY_PARTS;

	if (a->polls < MEMORY_POLLS)
		return a->polls - a->memory_asked >= MEMORY_POLLS_FIRST;
	if (trouble || spacing < MEMORY_POLLS)
		spacing = MEMORY_POLLS;
	if (spacing > MEMORY_POLLS_LAST)
		spacing = MEMORY_POLLS_LAST;
	spacing += digest_of(a->info.id, strlen(a->info.id)).low % spacing / 2;
	return a->polls - a->memory_asked >= spacing;
}

unsigned app_history_needs(const struct app_history *a)
{
	bool works = has_work(a);
	bool trouble = false;
	unsigned needs = works ? 0 : NEED_JOBS;

	if (!works && (a->idle_start == 0 || a->polls % IDLE_POLLS == 0))
		needs |= NEED_EXECUTORS;
	for (size_t i = 0; i < a->n_stages; i++)
		if (verdict_is_trouble(a->stages[i].verdict)) {
			trouble = true;
			needs |= NEED_JOBS | NEED_EXECUTORS;
		} else if (a->stages[i].verdict == VERDICT_SLOW)
			needs |= NEED_EXECUTORS; /* whose CPU it is hangs on who else runs there */
	if (memory_due(a, trouble))
		needs |= NEED_MEMORY;
	return needs;
}

static int audit(struct app_history *a)
{
	struct audit_subject s = {
		.version = spark_version(a->info.spark_version),
		.properties = &a->properties,
		.memory = &a->memory,
		.signs = &a->signs,
		.task = a->task_known ? &a->task : NULL,
	};

	return audit_run(&s, &a->audit);
}

/* Cut where it is long. Without memory it is not told. */
static void note_text(char **text, const char *what)
{
	if (what && *text && str_equal(*text, what))
		return;
	free(*text);
	*text = what && *what ? strndup(what, MAX_NOTE) : NULL;
	if (*text)
		str_sanitize(*text); /* what was cut within a character */
}

/* What is the matter, and since when; NULL: nothing is. */
static void note_since(usec_t *start, char **text, const char *what, usec_t now)
{
	if (!what)
		*start = 0;
	else if (*start == 0)
		*start = now;
	note_text(text, what);
}

void app_history_note_missing(struct app_history *a, const char *what, usec_t now)
{
	note_since(&a->missing_start, &a->missing, what, now);
}

void app_history_note_waits(struct app_history *a, const char *what, usec_t now)
{
	note_since(&a->waits_start, &a->waits, what, now);
	a->waits_seen = now;
}

void app_history_unwatched(struct app_history *a, usec_t by)
{
	shift(&a->no_answer_start, by);
	if (a->observed == 0)
		shift(&a->waits_start, by);
}

void app_history_note_no_answer(struct app_history *a, const char *why)
{
	note_text(&a->no_answer, why);
}

int app_history_take_task(struct app_history *a, struct task_settings *t)
{
	task_settings_clear(&a->task);
	a->task = TAKE_STRUCT(*t);
	a->task_known = true;
	return audit(a);
}

/* Room for what they ask of the rule. */
static int take_wishes(struct app_history *a)
{
	bool any = app_wishes_any(&a->properties);

	a->wishes_told = 0;
	if (any && !a->wishes)
		a->wishes = calloc(1, sizeof(*a->wishes));
	else if (!any) {
		free(a->wishes);
		a->wishes = NULL;
	}
	return any && !a->wishes ? -ENOMEM : 0;
}

int app_history_take_environment(
	struct app_history *a, struct owner *owner, struct strlist *properties)
{
	int r;

	owner_clear(&a->owner);
	a->owner = *owner;
	*owner = (struct owner){.map_index = -1};
	strlist_clear(&a->properties);
	a->properties = TAKE_STRUCT(*properties);
	a->owner_asked = true;
	r = take_wishes(a);
	return r < 0 ? r : audit(a);
}

int app_history_take_owner(struct app_history *a, const struct owner *owner)
{
	int r = owner_copy(owner, &a->owner);

	return r < 0 ? r : audit(a);
}

int app_history_take_memory(struct app_history *a, const struct executor_memory_list *l)
{
	struct spark_value fraction;

	a->memory_asked = a->polls;
	if (l->n == 0)
		return audit(a);
	if (spark_conf_get(&a->properties, spark_version(a->info.spark_version),
		    "spark.memory.fraction", &fraction) <= 0)
		fraction.n = 0;
	app_memory_take(&a->memory, l, fraction.n);
	app_signs_take_executors(&a->signs, l, &a->memory);
	return audit(a);
}
