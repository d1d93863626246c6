/* SPDX-License-Identifier: Apache-2.0
 * Takes in answers about tasks, executors, threads and processes, each at the time it was taken. */
#include "core/detect/evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A number of active tasks counts so long for who else uses an executor: while a window may hold
 * their CPU, and until the next answer. */
#define MOST_ACTIVE_TIME (CPU_AGE_MAX + USEC_PER_MINUTE)
/* A write that waits is so near the top: below it are the JDK's ways to wait for a socket. */
#define WRITE_FRAMES 5

static int by_task_id(const void *a, const void *b)
{
	const struct task_obs *x = a;
	const struct task_obs *y = b;

	return (x->task_id > y->task_id) - (x->task_id < y->task_id);
}

static struct task_track *task_find(const struct task_tracks *t, int64_t task_id)
{
	size_t low = 0;
	size_t high = t->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->items[middle].task_id < task_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->n && t->items[low].task_id == task_id ? &t->items[low] : NULL;
}

static bool rose(const struct task_obs *o, const struct task_track *t)
{
	for (size_t i = 0; i < PROGRESS_MAX; i++)
		if (o->counters[i] > t->counters[i])
			return true;
	return false;
}

static bool all_zero(const struct task_obs *o)
{
	for (size_t i = 0; i < PROGRESS_MAX; i++)
		if (o->counters[i] > 0)
			return false;
	return true;
}

/* A task that has read or written something may have done so just now, before the first look. */
static void track_begin(
	struct task_track *t, const struct task_obs *o, usec_t launched, usec_t taken)
{
	t->task_id = o->task_id;
	t->index = o->index;
	t->speculative = o->speculative;
	t->launched = launched;
	t->stall_start = all_zero(o) ? launched : taken;
}

static void track_note(struct task_track *t, const struct task_obs *o, usec_t taken)
{
	if (t->has_metrics && o->has_metrics && taken > t->gc_taken && o->gc >= t->gc)
		t->gc_share = (double)(o->gc - t->gc) / (double)(taken - t->gc_taken);
	memcpy(t->counters, o->counters, sizeof(t->counters));
	t->has_metrics = o->has_metrics;
	t->gc = o->gc;
	t->gc_taken = taken;
}

int evidence_take_tasks(struct app_history *a, struct stage_history *h, struct task_list *tasks,
	usec_t driver_now, usec_t taken)
{
	struct task_tracks next = {
		.n_left_out = tasks->left_out.n, .asked = h->tasks.asked, .taken = taken};

	if (taken <= h->tasks.taken)
		return 0;
	qsort(tasks->items, tasks->n, sizeof(*tasks->items), by_task_id);
	next.items = calloc(tasks->n + 1, sizeof(*next.items));
	if (!next.items)
		return -ENOMEM;
	for (size_t i = 0; i < tasks->n; i++) {
		struct task_obs *o = &tasks->items[i];
		struct task_track *old = task_find(&h->tasks, o->task_id);
		struct task_track *t = &next.items[next.n];

		if (next.n > 0 && next.items[next.n - 1].task_id == o->task_id)
			continue; /* told twice */
		if (old) {
			*t = *old;
			old->executor_id = NULL;
			if (rose(o, t))
				t->stall_start = taken;
		} else {
			usec_t at = app_history_local(a, o->launched, driver_now, taken);

			track_begin(t, o, at > h->launched ? at : h->launched, taken);
		}
		free(t->executor_id);
		t->executor_id = TAKE_PTR(o->executor_id);
		track_note(t, o, taken);
		next.n++;
	}
	task_tracks_clear(&h->tasks);
	h->tasks = next;
	return 0;
}

static void note_gc(struct executor_track *x, const struct executor_obs *o, usec_t taken)
{
	if (x->gc_taken > 0 && taken > x->gc_taken && o->gc >= x->gc)
		x->gc_share = (double)(o->gc - x->gc) / (double)(taken - x->gc_taken);
	x->gc = o->gc;
	x->gc_taken = taken;
}

/* Of many marks every other one goes: they reach back as far as anybody asks. */
static void note_total(struct executor_track *x, int64_t total, usec_t taken)
{
	if (x->n_marks > 0 && x->marks[x->n_marks - 1].total > total)
		x->n_marks = 0; /* another executor of that name, or an old answer */
	if (x->n_marks == TASK_MARKS) {
		for (size_t i = 0; i < TASK_MARKS / 2; i++)
			x->marks[i] = x->marks[2 * i];
		x->n_marks = TASK_MARKS / 2;
	}
	x->marks[x->n_marks++] = (struct task_mark){.taken = taken, .total = total};
}

/* With dynamic allocation executors come and go for as long as the app lives. */
static void drop_gone(struct app_history *a)
{
	struct evidence *q = &a->evidence;

	for (size_t i = 0; i < q->n_executors; i++)
		q->executors[i].has_task = false;
	for (size_t i = 0; i < a->n_stages; i++)
		for (size_t k = 0; k < a->stages[i].tasks.n; k++) {
			const char *id = a->stages[i].tasks.items[k].executor_id;
			struct executor_track *x = evidence_executor(q, id);

			if (x)
				x->has_task = true;
		}
	evidence_drop_executors(q);
}

int evidence_take_executors(
	struct app_history *a, const struct executor_list *executors, usec_t taken)
{
	struct evidence *q = &a->evidence;

	/* One that is not told of may be in a row that could not be used. */
	for (size_t i = 0; i < q->n_executors && executors->left_out.n == 0; i++)
		q->executors[i].listed = false;
	for (size_t i = 0; i < executors->n; i++) {
		const struct executor_obs *o = &executors->items[i];
		struct executor_track *x;
		int r;

		r = evidence_executor_get(q, o->id, &x);
		if (r >= 0)
			r = str_replace(&x->host, o->host);
		if (r >= 0)
			r = str_replace(&x->log_url, o->log_url);
		if (r < 0)
			return r;
		x->listed = true;
		note_gc(x, o, taken);
		note_total(x, o->total_tasks, taken);
		x->active_tasks = o->active_tasks;
		if (o->active_tasks >= x->most_active ||
			usec_sub(taken, x->most_active_at) > MOST_ACTIVE_TIME) {
			x->most_active = o->active_tasks;
			x->most_active_at = taken;
		}
	}
	q->executors_taken = taken;
	drop_gone(a);
	return 0;
}

/* FNV-1a, over the text of the frames. */
static uint64_t hash_frames(const struct thread_obs *t)
{
	uint64_t h = 14695981039346656037ULL;

	for (size_t i = 0; i < t->n_frames; i++) {
		for (const char *p = t->frames[i]; *p; p++)
			h = (h ^ (unsigned char)*p) * 1099511628211ULL;
		h = (h ^ '\n') * 1099511628211ULL;
	}
	return h;
}

/* Computes what a Python worker reads, or waits for it; not one that waits until the worker has
 * taken what there is. */
static bool feeds(const struct thread_obs *t)
{
	if (strncmp(t->name, "stdout writer for ", 18) != 0 || t->n_frames == 0)
		return false;
	for (size_t i = 0; i < t->n_frames && i < WRITE_FRAMES; i++)
		if (strstr(t->frames[i], "rite"))
			return false;
	return true;
}

/* In Spark 3.x what a Python task reads is computed by a thread of its own, whose name does not say
 * which task's. One that waits for Python to take what it has says nothing new. */
static uint64_t hash_writers(const struct thread_list *dump)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < dump->n; i++) {
		const struct thread_obs *t = &dump->items[i];

		if (feeds(t))
			sum += hash_frames(t);
	}
	return sum;
}

/* A pool's thread keeps the name of its last task for a while in some versions. */
static bool is_running(const struct thread_obs *t)
{
	for (size_t i = 0; i < t->n_frames; i++)
		if (strstr(t->frames[i], "ThreadPoolExecutor.getTask"))
			return false;
	return true;
}

static const struct thread_obs *thread_of(const struct thread_list *dump, int64_t task_id)
{
	for (size_t i = 0; i < dump->n; i++)
		if (dump->items[i].task_id == task_id && is_running(&dump->items[i]))
			return &dump->items[i];
	return NULL;
}

static void track_dump(struct task_track *t, const struct thread_obs *thread,
	const struct thread_list *dump, uint64_t writers, usec_t taken)
{
	uint64_t frames;

	t->python = cause_is_python(thread);
	t->waits_python = cause_waits_for_python(thread);
	t->at_barrier = cause_waits_for_peers(thread);
	t->receiver = cause_is_receiver(thread);
	frames = hash_frames(thread) + (t->python ? writers : 0);
	t->n_absent = 0;
	t->n_dumps++;
	if (t->n_same > 0 && frames == t->frames) {
		t->n_same++;
	} else {
		if (t->n_same > 0)
			t->worked = t->frames_moved = taken;
		t->n_same = 1;
		t->frames = frames;
		t->frames_since = taken;
	}
	t->dumped = taken;
	cause_of_task(thread, dump, &t->hint);
}

/* What it was seen to do before, it does no longer. */
static void track_absent(struct task_track *t)
{
	t->n_absent++;
	t->n_same = 0;
	t->at_barrier = t->waits_python = false;
}

static bool names_tasks(const struct thread_list *dump)
{
	for (size_t i = 0; i < dump->n; i++)
		if (dump->items[i].task_id >= 0)
			return true;
	return false;
}

static void stage_take_dump(struct stage_history *h, const struct executor_track *x,
	const struct thread_list *dump, usec_t taken)
{
	/* Whose a writer is can be told only where all tasks are of this stage. */
	size_t ours = 0;
	uint64_t writers;

	for (size_t i = 0; i < h->tasks.n; i++)
		ours += str_equal(h->tasks.items[i].executor_id, x->id);
	writers = x->most_active <= (int64_t)ours ? hash_writers(dump) : 0;
	for (size_t i = 0; i < h->tasks.n; i++) {
		struct task_track *t = &h->tasks.items[i];
		const struct thread_obs *thread;

		if (!str_equal(t->executor_id, x->id))
			continue;
		thread = thread_of(dump, t->task_id);
		if (thread)
			track_dump(t, thread, dump, writers, taken);
		else if ((names_tasks(dump) || dump->of_executor) && dump->left_out.n == 0)
			track_absent(t);
	}
}

static void note_kinds(struct executor_track *x, const struct thread_list *dump)
{
	x->n_python = x->n_jvm = x->n_at_barrier = x->n_barrier = 0;
	x->feeding = false;
	for (size_t i = 0; i < dump->n; i++) {
		const struct thread_obs *t = &dump->items[i];

		x->feeding = x->feeding || feeds(t);
		if (t->task_id < 0) {
			x->n_at_barrier += cause_waits_for_peers(t);
			x->n_barrier += cause_is_of_barrier(t);
		} else if (is_running(t) && cause_is_python(t)) {
			x->n_python++;
		} else if (is_running(t)) {
			x->n_jvm++;
		}
	}
}

int evidence_take_threads(struct app_history *a, const char *executor_id,
	const struct thread_list *threads, usec_t taken)
{
	struct executor_track *x;
	int r;

	r = evidence_executor_get(&a->evidence, executor_id, &x);
	if (r < 0)
		return r;
	if (taken <= x->dump_taken || taken <= x->silent_since)
		return 0;
	x->dump_taken = taken;
	x->silent_since = 0;
	x->n_silent = 0;
	note_kinds(x, threads);
	for (size_t i = 0; i < a->n_stages; i++)
		stage_take_dump(&a->stages[i], x, threads, taken);
	return 0;
}

int evidence_no_threads(struct app_history *a, const char *executor_id, usec_t now)
{
	struct executor_track *x;
	int r;

	r = evidence_executor_get(&a->evidence, executor_id, &x);
	if (r < 0)
		return r;
	if (now <= x->dump_taken)
		return 0;
	if (x->n_silent++ == 0)
		x->silent_since = now;
	return 0;
}

static size_t count_same(const struct strlist *l, const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += str_equal(l->items[i], text);
	return n;
}

static void take_places(struct python_place *p, const struct strlist *places)
{
	*p = (struct python_place){.n_known = (uint8_t)places->n};
	for (size_t i = 0; i < places->n && i < PYTHON_PLACES_MAX; i++) {
		size_t n = count_same(places, places->items[i]);

		if (n <= p->n)
			continue;
		p->n = (uint8_t)n;
		(void)snprintf(p->text, sizeof(p->text), "%s", places->items[i]);
	}
}

int evidence_take_processes(struct app_history *a, struct process_list *processes, usec_t taken)
{
	for (size_t i = 0; i < processes->n; i++) {
		struct executor_track *x;
		int r;

		r = evidence_executor_get(&a->evidence, processes->items[i].executor_id, &x);
		if (r < 0)
			return r;
		take_places(&x->place, &processes->items[i].places);
		cpu_series_add(
			&x->cpu, &processes->items[i], usec_sub(taken, processes->items[i].age));
	}
	return 0;
}

void evidence_take_driver_threads(
	struct app_history *a, const struct thread_list *threads, usec_t taken)
{
	struct driver_stand *look = a->evidence.driver;

	if (!look)
		look = a->evidence.driver = calloc(1, sizeof(*look));
	if (!look)
		return; /* it is asked for again */
	look->taken = taken;
	cause_of_driver(threads, &look->stands);
	(void)cause_takes_results(threads, &look->results);
	a->evidence.streams = a->evidence.streams || cause_streams(threads);
}

void evidence_take_query(struct app_history *a, struct query_obs *query, usec_t taken)
{
	query_obs_clear(&a->evidence.query);
	a->evidence.streams = a->evidence.streams || query->streams;
	a->evidence.query = TAKE_STRUCT(*query);
	a->evidence.query_taken = taken;
}

void evidence_take_batches(struct app_history *a, const struct batches_obs *batches, usec_t taken)
{
	struct evidence *q = &a->evidence;

	if (a->idle_start > 0 &&
		(q->batches_taken == 0 || batches->completed != q->batches.completed))
		a->idle_start = taken;
	q->batches = *batches;
	q->batches_taken = taken;
}

void evidence_take_dropped(struct app_history *a, uint64_t n, usec_t taken)
{
	a->evidence.dropped = n;
	a->evidence.dropped_taken = taken;
}
