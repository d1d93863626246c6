/* SPDX-License-Identifier: Apache-2.0
 * From the scheduler's counts at two looks to what each worker and thread did between them. */
#include "core/detect/cpu_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* A chain of parents that is longer is no chain. */
#define DEPTH_MAX 64
/* What one wake-up costs, ns: waits of Python and of a JVM cost at most 1.5 times what the daemon's
 * does, an HTTP call 5 times and more. */
#define TICK_MAX 150000
#define TICK_LEAST 60000
#define TICK_MOST 250000
#define TICKS_PER_DAEMON 2.5
/* Wake-ups of the daemon that make a yardstick. */
#define DAEMON_WAITS_MIN 4
/* Of a core: whoever uses so much works, in however small pieces. */
#define SHARE_MIN 0.01

/* Two looks. */
struct between {
	const struct cpu_sample *a;
	const struct cpu_sample *b;
	double span; /* seconds */
	uint64_t tick;
};

static int by_pid(const void *a, const void *b)
{
	const struct process_obs *x = a;
	const struct process_obs *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static int by_tid(const void *a, const void *b)
{
	const struct sched_thread *x = a;
	const struct sched_thread *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

struct process_obs *cpu_sample_find(const struct cpu_sample *s, int64_t pid)
{
	struct process_obs key = {.pid = pid};

	return s->n ? bsearch(&key, s->items, s->n, sizeof(key), by_pid) : NULL;
}

static const struct sched_thread *find_thread(const struct cpu_sample *s, int64_t tid)
{
	struct sched_thread key = {.tid = tid};

	return s->n_threads ? bsearch(&key, s->threads, s->n_threads, sizeof(key), by_tid) : NULL;
}

static struct process_obs *parent_of(const struct cpu_sample *s, const struct process_obs *p)
{
	return p->ppid > 0 && p->pid != s->pid ? cpu_sample_find(s, p->ppid) : NULL;
}

/* Workers are forks of the daemon, and so have its name. */
static void mark_parents(struct cpu_sample *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct process_obs *parent = parent_of(s, &s->items[i]);

		if (parent && parent->pid != s->pid && strcmp(parent->name, s->items[i].name) == 0)
			parent->daemon = true;
	}
}

/* The daemon of a process is the topmost one above it or itself, its worker the one below that. */
static int64_t worker_of(const struct cpu_sample *s, const struct process_obs *p, bool driver)
{
	const struct process_obs *below = NULL;
	int64_t worker = 0;
	bool found = false;

	for (unsigned depth = 0; p && depth < DEPTH_MAX; depth++) {
		if (p->pid == s->pid)
			return found || driver ? worker : below ? below->pid : 0;
		if (p->daemon) {
			worker = below ? below->pid : 0;
			found = true;
		}
		below = p;
		p = parent_of(s, p);
	}
	return 0; /* its parents are not known */
}

/* Nobody tells parents: the first of the name that most have is the daemon, since its workers came
 * later; below a driver the program of the user came before it. */
static void guess_workers(struct cpu_sample *s, bool driver)
{
	size_t left = driver ? 2 : 1;
	size_t last = s->n;

	while (last > 0 && s->items[last - 1].pid == s->pid)
		last--;
	for (size_t i = 0; i < s->n; i++) {
		struct process_obs *p = &s->items[i];
		bool forked =
			left > 0 && i + 1 < last && strcmp(p->name, s->items[last - 1].name) == 0;

		p->worker = p->pid;
		if (p->pid == s->pid || forked)
			p->worker = 0;
		left -= p->pid != s->pid && forked;
	}
}

/* What the daemon was started through, a shell say, is no worker. */
static void unmark_wrappers(const struct cpu_sample *s, const struct process_obs *daemon)
{
	struct process_obs *p = parent_of(s, daemon);

	for (unsigned depth = 0; p && depth < DEPTH_MAX; depth++, p = parent_of(s, p))
		p->worker = 0;
}

void cpu_work_prepare(struct cpu_sample *s, bool driver)
{
	bool parents = false;

	if (s->n > 0)
		qsort(s->items, s->n, sizeof(*s->items), by_pid);
	if (s->n_threads > 0)
		qsort(s->threads, s->n_threads, sizeof(*s->threads), by_tid);
	for (size_t i = 0; i < s->n; i++)
		parents = parents || (s->items[i].ppid > 0 && s->items[i].pid != s->pid);
	if (!parents) {
		guess_workers(s, driver);
		return;
	}
	mark_parents(s);
	for (size_t i = 0; i < s->n; i++)
		s->items[i].worker = worker_of(s, &s->items[i], driver);
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].daemon && s->items[i].worker == 0)
			unmark_wrappers(s, &s->items[i]);
}

/* The wake-ups of the daemon while it did nothing else: the cheapest between two looks. */
uint64_t cpu_work_tick(const struct cpu_series *s, size_t first)
{
	uint64_t least = 0;

	for (size_t i = first; i + 1 < s->n; i++)
		for (size_t k = 0; k < s->samples[i + 1].n; k++) {
			const struct process_obs *p = &s->samples[i + 1].items[k];
			const struct process_obs *old =
				p->daemon && p->worker == 0
					? cpu_sample_find(&s->samples[i], p->pid)
					: NULL;
			uint64_t waits;
			uint64_t cost;

			if (!old || !p->main.timed || !old->main.timed ||
				p->main.waits < old->main.waits + DAEMON_WAITS_MIN ||
				p->main.run_ns <= old->main.run_ns)
				continue;
			waits = p->main.waits - old->main.waits;
			cost = (p->main.run_ns - old->main.run_ns) / waits;
			least = least == 0 || cost < least ? cost : least;
		}
	if (least == 0)
		return TICK_MAX;
	least = (uint64_t)((double)least * TICKS_PER_DAEMON);
	return least < TICK_LEAST ? TICK_LEAST : least > TICK_MOST ? TICK_MOST : least;
}

static uint64_t rise(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

static enum cpu_work more(enum cpu_work a, enum cpu_work b)
{
	return a > b ? a : b;
}

static enum cpu_work work_of(const struct between *w, uint64_t run_ns, uint64_t waits)
{
	if ((double)run_ns >= SHARE_MIN * w->span * 1e9)
		return CPU_WORKED;
	return run_ns / (waits > 0 ? waits : 1) > w->tick ? CPU_WORKED : CPU_TICKS;
}

/* A slice that has begun counts time already, and one that is not over is not counted again. */
static bool same(const struct sched_count *a, const struct sched_count *b)
{
	return a->slices == b->slices && a->run_ns == b->run_ns;
}

static enum cpu_work count_work(
	const struct between *w, const struct sched_count *a, const struct sched_count *b)
{
	if (same(a, b))
		return CPU_NEVER_RAN;
	if (!b->timed)
		return CPU_DOUBT;
	return work_of(w, rise(a->run_ns, b->run_ns), rise(a->waits, b->waits));
}

/* By hundredths of a second alone. */
static enum cpu_work coarse_work(const struct between *w, usec_t used)
{
	if (used == 0)
		return w->span * USEC_PER_SEC >= CPU_COARSE_MIN ? CPU_NEVER_RAN : CPU_UNSEEN;
	return (double)used / USEC_PER_SEC >= CPU_WORKER_BUSY_MIN * w->span ? CPU_WORKED
									    : CPU_DOUBT;
}

/* The main thread runs the task's code. Where its time is not known, that of all threads is the
 * most that it can have had. */
static enum cpu_work main_work(
	const struct between *w, const struct process_obs *old, const struct process_obs *p)
{
	if (p->main.slices == old->main.slices && (!p->main.timed || same(&old->main, &p->main)))
		return CPU_NEVER_RAN;
	if (p->main.timed)
		return count_work(w, &old->main, &p->main);
	if (!p->all.timed)
		return more(CPU_DOUBT, coarse_work(w, usec_sub(p->cpu, old->cpu)));
	return work_of(
		w, rise(old->all.run_ns, p->all.run_ns), rise(old->main.waits, p->main.waits));
}

/* old: the same process before; one that began since then counts from zero. */
static enum cpu_work process_work(
	const struct between *w, const struct process_obs *old, const struct process_obs *p)
{
	static const struct process_obs none = {.n_threads = -1};
	enum cpu_work work;

	if (!old || old->main.slices > p->main.slices)
		old = &none;
	if (usec_sub(p->reaped, old->reaped) > 0)
		return CPU_WORKED; /* children of its own did */
	if (!p->all.known || (old != &none && !old->all.known))
		return coarse_work(w, usec_sub(p->cpu, old->cpu));
	if (!p->main.known)
		return p->n_threads == old->n_threads && same(&old->all, &p->all)
			       ? CPU_NEVER_RAN
			       : more(CPU_TICKS, count_work(w, &old->all, &p->all));
	work = main_work(w, old, p);
	if (work != CPU_NEVER_RAN)
		return work;
	return p->n_threads == old->n_threads && same(&old->all, &p->all) ? CPU_NEVER_RAN
									  : CPU_TICKS;
}

static enum cpu_work thread_work(const struct between *w, const struct sched_thread *t)
{
	const struct sched_thread *old = find_thread(w->a, t->tid);

	/* Idle ones of the pool are called otherwise: it took up a task since. */
	return old ? count_work(w, &old->count, &t->count) : CPU_WORKED;
}

static struct between between(const struct cpu_series *s, size_t a, size_t b, uint64_t tick)
{
	return (struct between){
		.a = &s->samples[a],
		.b = &s->samples[b],
		.span = (double)usec_sub(s->samples[b].taken, s->samples[a].taken) / USEC_PER_SEC,
		.tick = tick,
	};
}

static void note(enum cpu_work *works, const struct cpu_sample *b, int64_t worker, enum cpu_work w)
{
	const struct process_obs *p = worker > 0 ? cpu_sample_find(b, worker) : NULL;

	if (p && p->worker == worker)
		works[p - b->items] = more(works[p - b->items], w);
}

/* Each worker with all that is below it; works has room for each process of b. */
static void workers_work(const struct between *w, enum cpu_work *works)
{
	for (size_t i = 0; i < w->b->n; i++) {
		const struct process_obs *p = &w->b->items[i];

		if (p->worker > 0)
			note(works, w->b, p->worker,
				process_work(w, cpu_sample_find(w->a, p->pid), p));
	}
	/* Who has ended ran to do so. */
	for (size_t i = 0; i < w->a->n; i++) {
		const struct process_obs *p = &w->a->items[i];

		if (p->worker > 0 && !cpu_sample_find(w->b, p->pid))
			note(works, w->b, p->worker, CPU_TICKS);
	}
}

void cpu_work_use(const struct cpu_series *s, size_t first, uint64_t tick, struct cpu_use *u)
{
	struct between w = between(s, first, s->n - 1, tick);
	enum cpu_work *works = calloc(w.b->n + 1, sizeof(*works));

	u->with_daemon = true;
	u->counted = w.b->tasks.known && w.a->tasks.known;
	u->knows_threads = w.b->knows_threads && w.a->knows_threads;
	if (works)
		workers_work(&w, works);
	for (size_t i = 0; i < w.b->n; i++) {
		const struct process_obs *p = &w.b->items[i];

		u->counted = u->counted && (p->pid == w.b->pid || p->all.known);
		if (p->worker == p->pid)
			u->workers[works ? works[i] : CPU_UNSEEN]++;
		else if (p->worker == 0 && p->pid != w.b->pid)
			u->with_daemon = false;
	}
	free(works);
	for (size_t i = 0; i < w.b->n_threads && u->knows_threads; i++) {
		const struct sched_thread *t = &w.b->threads[i];

		(t->feeds ? u->feeders : u->threads)[thread_work(&w, t)]++;
	}
}

/* Threads that have left take what they had with them: only where as many are there, or more, does
 * a rise say something. */
static enum cpu_work tasks_between(const struct between *w)
{
	enum cpu_work work = CPU_NEVER_RAN;

	if (w->a->knows_threads && w->b->knows_threads) {
		for (size_t i = 0; i < w->b->n_threads; i++)
			work = more(work, thread_work(w, &w->b->threads[i]));
		return work;
	}
	if (!w->a->tasks.known || !w->b->tasks.known)
		return CPU_DOUBT;
	if (w->b->n_tasks > w->a->n_tasks)
		return CPU_WORKED;
	if (w->b->n_tasks < w->a->n_tasks && w->b->tasks.run_ns <= w->a->tasks.run_ns)
		return CPU_NEVER_RAN;
	return count_work(w, &w->a->tasks, &w->b->tasks);
}

enum cpu_work cpu_work_of_tasks(const struct cpu_series *s, size_t first, uint64_t tick)
{
	enum cpu_work work = CPU_NEVER_RAN;

	for (size_t i = first; i + 1 < s->n; i++) {
		struct between w = between(s, i, i + 1, tick);

		work = more(work, tasks_between(&w));
	}
	return work;
}

static bool jvm_worked(const struct between *w)
{
	return w->b->tasks.known && w->a->tasks.known && tasks_between(w) == CPU_WORKED;
}

/* Which workers of the newest sample worked between two others, beside those marked already.
 * Returns how many. */
static size_t mark_worked(const struct between *w, const struct cpu_sample *newest, bool *marked)
{
	size_t n = 0;

	for (size_t i = 0; i < w->b->n; i++) {
		const struct process_obs *p = &w->b->items[i];
		const struct process_obs *worker =
			p->worker > 0 ? cpu_sample_find(newest, p->worker) : NULL;

		if (!worker || worker->worker != p->worker || marked[worker - newest->items] ||
			process_work(w, cpu_sample_find(w->a, p->pid), p) != CPU_WORKED)
			continue;
		marked[worker - newest->items] = true;
		n++;
	}
	return n;
}

size_t cpu_work_last(const struct cpu_series *s, size_t first, uint64_t tick, size_t n, bool jvm)
{
	const struct cpu_sample *newest = &s->samples[s->n - 1];
	_cleanup_free_ bool *marked = calloc(newest->n + 1, sizeof(*marked));
	size_t found = 0;

	for (size_t i = s->n - 1; i > first && marked; i--) {
		struct between w = between(s, i - 1, i, tick);

		found += mark_worked(&w, newest, marked);
		if (found > n || (jvm && jvm_worked(&w)))
			return i;
	}
	return first;
}
