/* SPDX-License-Identifier: Apache-2.0
 * What the running tasks of a stage show, taken together: task by task where frames tell, executor
 * by executor where only CPU does.
 *
 * A task is stalled when its own counters stood still for hung_after. It works when its frames
 * changed, or when CPU was used that only it can have used, within hung_after. So work counts like
 * progress, and a task that computes for an hour and then hangs is found hung_after later.
 *
 * Speculative execution: Spark kills the other attempt when one of a pair finishes. So while either
 * attempt of a task moves or is young, the other is ignored.
 *
 * CPU time is known per executor, not per task, so it has to be attributed:
 * - Executor idle: all its stalled tasks are idle.
 * - Executor busy, only stalled tasks on it: they count as working. For Python, at most one task
 *   per busy worker process.
 * - Executor busy, other tasks on it too: the CPU is credited to the others first. Exception: all
 *   stalled tasks wait for Python and every worker is busy.
 * - Thread dumps override this: if the tasks whose frames change can explain all the CPU, the
 *   remaining tasks count as still, and become hung after hung_after_unproven.
 * CPU that cannot be attributed is ignored.
 *
 * A JVM that uses no CPU at all and gave no dump of late is frozen. In local mode the driver is the
 * executor and uses CPU for itself: above what an executor would use, frames must be equal, too.
 *
 * Frames are compared without addresses and generated names, with line numbers. In Spark 3.x the
 * thread that feeds a Python worker counts with its task only if it can serve no other stage.
 * Tasks on an executor that is gone, or of an old list, prove nothing: they may have ended. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/detect/evidence_wants.h"
#include "core/detect/findings.h"
#include "core/detect/history.h"
#include "core/facts/rule.h"

/* Of an executor's time in garbage collection, from which on it does little else. */
#define GC_SHARE_MIN 0.5
/* CPU seconds a second that a JVM uses beside its tasks' threads: collection, compilation. */
#define THREAD_EXTRA 0.5
/* Dumps that never came, after which an executor counts as frozen. */
#define SILENT_MIN 1
/* Dumps that lack a task's thread, after which the task counts as gone. */
#define ABSENT_MIN 2

/* The stalled tasks of one stage on one executor. */
struct group {
	struct executor_track *executor; /* NULL: not known */
	size_t n;
	size_t n_running; /* also the ones that are not stalled */
	size_t n_running_python;
	size_t n_python; /* wait for a Python worker, by their frames */
	bool moves;      /* one of its tasks works, or moves: it explains CPU of the JVM */
	usec_t since;    /* all were stalled from here on */
	struct cpu_use cpu;
	size_t n_cpu_busy; /* so many of the stalled compute; which, is not known */
	size_t n_cpu_idle; /* so many do not */
	usec_t worked_at;  /* by when each of them had worked, where all do */
	bool frozen;       /* the executor gives no dump, or its JVM does nothing at all */
};

struct look {
	struct app_history *app;
	struct stage_history *stage;
	const struct rule *rule;
	usec_t now;
	struct findings *f;
	unsigned n_by_cause[CAUSE_MAX];
};

static bool is_stalled(const struct look *k, const struct task_track *t)
{
	return usec_sub(k->now, t->stall_start) >= k->rule->hung_after;
}

static bool works(const struct look *k, const struct task_track *t)
{
	return t->worked > 0 && usec_sub(k->now, t->worked) < k->rule->hung_after;
}

/* anew: what was seen of work before counts for nothing. */
static void gather(const struct look *k, const char *executor_id, bool anew, struct group *g)
{
	*g = (struct group){.executor = evidence_executor(&k->app->evidence, executor_id)};
	for (size_t i = 0; i < k->stage->tasks.n; i++) {
		const struct task_track *t = &k->stage->tasks.items[i];

		if (!str_equal(t->executor_id, executor_id))
			continue;
		g->n_running++;
		g->n_running_python += t->python;
		if (!is_stalled(k, t) || (!anew && works(k, t))) {
			g->moves = true;
			continue;
		}
		g->n++;
		g->n_python += t->python;
		if (t->stall_start > g->since)
			g->since = t->stall_start;
	}
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void use_cpu(const struct look *k, struct group *g)
{
	struct executor_track *x = g->executor;
	/* It was asked for after the poll before this one. */
	usec_t asked =
		usec_sub(k->now, k->app->spacing[0] < k->rule->hung_after ? k->app->spacing[0]
									  : k->rule->hung_after);

	cpu_series_use(&x->cpu, asked, g->since, k->rule->hung_after, &g->cpu);
	if (g->cpu.worked_at > x->worked)
		x->worked = g->cpu.worked_at;
	/* A dump that came shows that it lives, however little it does. */
	g->frozen = x->n_silent >= SILENT_MIN ||
		    (g->cpu.stopped && usec_sub(k->now, x->dump_taken) > g->cpu.window);
}

/* Each of these tasks waits for a Python worker, and none is left that does not compute: but for
 * the daemon that forks them. */
static bool no_worker_waits(const struct group *g)
{
	return g->n_python == g->n && g->cpu.n_busy >= g->n && g->cpu.n_unclear == 0 &&
	       g->cpu.n_idle <= (g->cpu.with_daemon ? 1 : 0);
}

/* How much of an executor's CPU can be, and must be, that of these tasks. Whatever else runs there
 * is given the benefit: tasks of other stages, and tasks of this one that move. */
static void attribute(const struct look *k, struct group *g)
{
	const struct executor_track *x = g->executor;
	size_t others;

	if (!x)
		return;
	use_cpu(k, g);
	others = x->most_active > (int64_t)g->n ? (size_t)x->most_active - g->n : 0;
	if (g->n_running - g->n > others)
		others = g->n_running - g->n;
	g->worked_at = g->cpu.worked_at;
	if (g->cpu.tree == CPU_IDLE) {
		g->n_cpu_idle = g->n;
	} else if (others > 0 || g->moves) {
		bool workers = g->cpu.per_process && !g->cpu.churn;

		/* Each Python task has a worker of its own, whatever the JVM does for the others.
		 */
		if (workers && g->cpu.n_busy > others)
			g->n_cpu_busy = smaller(g->cpu.n_busy - others, g->n);
		if (workers && no_worker_waits(g))
			g->n_cpu_busy = g->n;
		/* When the last of those that this takes had worked. */
		if (g->n_cpu_busy == g->n && g->cpu.n_busy > 0)
			g->worked_at = cpu_series_worked(&x->cpu, &g->cpu, g->cpu.n_busy - 1);
	} else if (g->cpu.tree == CPU_BUSY) {
		bool shared = !g->cpu.per_process || g->cpu.jvm == CPU_BUSY || g->cpu.churn;

		g->n_cpu_busy = shared ? g->n : smaller(g->cpu.n_busy, g->n);
		if (!shared && g->cpu.n_busy >= g->n)
			g->worked_at = cpu_series_worked(&x->cpu, &g->cpu, g->n - 1);
		/* One process is unclear: whose it is, is too. */
		if (!shared && g->cpu.jvm == CPU_IDLE && g->cpu.n_unclear == 0)
			g->n_cpu_idle = g->n - g->n_cpu_busy;
	}
}

/* For people. A task that runs in Python is told by its worker, not by the thread that waits for
 * that. Returns whether something is known of each. */
static bool note_counts(struct findings *f, const struct group *g)
{
	const struct cpu_use *u = &g->cpu;
	size_t threads = g->n_running > 0 && g->n_running_python == g->n_running ? 0 : 1;

	if (!u->counted)
		return false;
	f->n_never_ran += u->workers[CPU_NEVER_RAN] + threads * u->threads[CPU_NEVER_RAN];
	f->n_ticked += u->workers[CPU_TICKS] + threads * u->threads[CPU_TICKS];
	f->n_ran += u->workers[CPU_WORKED] + threads * u->threads[CPU_WORKED];
	return u->workers[CPU_UNSEEN] + u->threads[CPU_UNSEEN] == 0;
}

static void note_cpu(struct look *k, const struct group *g)
{
	bool counted = note_counts(k->f, g);

	if (g->cpu.window == 0 || (g->cpu.tree == CPU_UNKNOWN && !g->cpu.stopped && !counted))
		return;
	k->f->has_cpu = true;
	if (g->cpu.rate >= k->f->cpu_rate) {
		k->f->cpu_rate = g->cpu.rate;
		k->f->cpu_window = g->cpu.window;
	}
}

static void note_time(struct findings *f, usec_t stalled)
{
	if (f->shortest == 0 || stalled < f->shortest)
		f->shortest = stalled;
	if (stalled > f->longest)
		f->longest = stalled;
}

/* The cause of most tasks; the words are those of the first that has it. */
static void note_hint(struct look *k, const struct cause_hint *hint)
{
	unsigned n = ++k->n_by_cause[hint->cause];

	if (k->f->hint.because[0] == '\0' || n > k->n_by_cause[k->f->hint.cause])
		k->f->hint = *hint;
}

/* When executors were last asked about, it was not among them. */
static bool is_lost(const struct look *k, const struct executor_track *x)
{
	return k->app->evidence.executors_taken > 0 && (!x || !x->listed);
}

static void hint_of(const struct look *k, const struct task_track *t, const struct group *g,
	struct cause_hint *ret)
{
	const struct executor_track *x = g->executor;
	const struct executor_track *driver = evidence_executor(&k->app->evidence, "driver");

	*ret = (struct cause_hint){0};
	if (driver && driver != x && driver->gc_share >= GC_SHARE_MIN) {
		ret->cause = CAUSE_DRIVER_GC;
		(void)snprintf(ret->because, sizeof(ret->because),
			"the driver spends %.0f %% of its time in garbage collection",
			100 * (driver->gc_share > 1 ? 1 : driver->gc_share));
	} else if (is_lost(k, x)) {
		ret->cause = CAUSE_EXECUTOR_LOST;
		(void)snprintf(ret->because, sizeof(ret->because),
			"executor %.40s is not among the active ones", t->executor_id);
	} else if (x && x->n_silent >= SILENT_MIN) {
		ret->cause = CAUSE_EXECUTOR_FROZEN;
		(void)snprintf(ret->because, sizeof(ret->because),
			"executor %.40s gave no thread dump, %u times", t->executor_id,
			x->n_silent);
	} else if (g->frozen) {
		ret->cause = CAUSE_EXECUTOR_FROZEN;
		(void)snprintf(ret->because, sizeof(ret->because),
			"the JVM of executor %.40s used no CPU at all", t->executor_id);
	} else if (t->gc_share >= GC_SHARE_MIN) {
		ret->cause = CAUSE_MEMORY_PRESSURE;
		(void)snprintf(ret->because, sizeof(ret->because),
			"executor %.40s spends %.0f %% of its time in garbage collection",
			t->executor_id, 100 * (t->gc_share > 1 ? 1 : t->gc_share));
	} else {
		*ret = t->hint;
	}
	str_sanitize(ret->because); /* what was cut within a character */
}

/* One stalled task that is not known to work by itself. */
static void note_stalled(struct look *k, struct group *g, struct task_track *t)
{
	struct findings *f = k->f;
	bool lost = is_lost(k, g->executor); /* its tasks are about to be tried elsewhere */
	bool dumped = t->n_same >= 2 && t->dumped > t->frames_since;

	if (t->n_absent >= ABSENT_MIN) {
		f->n_absent++;
	} else if (g->n_cpu_busy > 0) {
		g->n_cpu_busy--;
		f->n_working++;
		return;
	} else if (!lost && g->frozen) {
		f->n_frozen++;
	} else if (!lost && g->n_cpu_idle > 0 && (dumped || !g->cpu.unsure)) {
		g->n_cpu_idle--;
		f->n_idle++;
	} else if (!lost && dumped) {
		f->n_still++;
	} else {
		f->n_unknown++;
	}
	note_time(f, usec_sub(k->now, t->stall_start));
}

static void note_threads(struct findings *f, const struct task_track *t)
{
	f->n_seen += t->n_same > 0;
	f->has_threads = f->has_threads || t->n_dumps >= 2;
	if (t->n_dumps > f->n_dumps)
		f->n_dumps = t->n_dumps;
}

/* Dumps tell who of these tasks computes: the frames of some change, the others' stand still and
 * are not Python's, and the CPU is no more than those that change can use, each by one thread. */
static bool frames_tell(const struct look *k, const struct group *g)
{
	size_t n_moved = 0;

	for (size_t i = 0; i < k->stage->tasks.n; i++) {
		const struct task_track *t = &k->stage->tasks.items[i];

		if (!str_equal(t->executor_id, g->executor->id) || !is_stalled(k, t))
			continue;
		if (t->frames_moved > 0 && usec_sub(k->now, t->frames_moved) < k->rule->hung_after)
			n_moved++;
		else if (t->python || t->n_same < 2)
			return false;
	}
	return n_moved > 0 && g->cpu.rate < (double)n_moved + THREAD_EXTRA;
}

/* The whole executor computes for these tasks: that is work, of each. */
static void note_work(const struct look *k, const struct group *g)
{
	if (g->n_cpu_busy < g->n || g->n == 0 || frames_tell(k, g))
		return;
	for (size_t i = 0; i < k->stage->tasks.n; i++) {
		struct task_track *t = &k->stage->tasks.items[i];

		if (str_equal(t->executor_id, g->executor->id) && is_stalled(k, t))
			t->worked = g->worked_at > t->worked ? g->worked_at : t->worked;
	}
}

static void find_on_executor(struct look *k, const char *executor_id)
{
	struct group g;

	gather(k, executor_id, true, &g);
	attribute(k, &g);
	note_work(k, &g);
	gather(k, executor_id, false, &g);
	attribute(k, &g);
	note_cpu(k, &g);
	for (size_t i = 0; i < k->stage->tasks.n; i++) {
		struct task_track *t = &k->stage->tasks.items[i];
		struct cause_hint hint;

		if (!str_equal(t->executor_id, executor_id))
			continue;
		if (!is_stalled(k, t) || t->twin_works)
			continue;
		k->f->n_stalled++;
		note_threads(k->f, t);
		hint_of(k, t, &g, &hint);
		note_hint(k, &hint);
		if (works(k, t))
			k->f->n_working++;
		else
			note_stalled(k, &g, t);
	}
}

/* Is this the first task of its executor? Each executor is looked at once. */
static bool is_first(const struct task_tracks *t, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (str_equal(t->items[k].executor_id, t->items[i].executor_id))
			return false;
	return true;
}

static bool any_stalled(const struct look *k)
{
	for (size_t i = 0; i < k->stage->tasks.n; i++)
		if (is_stalled(k, &k->stage->tasks.items[i]) &&
			!k->stage->tasks.items[i].twin_works)
			return true;
	return false;
}

/* Tasks are looked at now and then, their sums at each poll: where those stood still since, no task
 * moved later, whatever the last two looks at it differ by. */
static void backdate(struct stage_history *h)
{
	for (size_t i = 0; i < h->tasks.n; i++) {
		struct task_track *t = &h->tasks.items[i];

		if (h->stall_start >= t->stall_start)
			continue;
		t->stall_start = h->stall_start > t->launched ? h->stall_start : t->launched;
	}
}

static bool at_work(const struct look *k, const struct task_track *t)
{
	return !is_stalled(k, t) || works(k, t);
}

/* Spark ends a task when its speculative copy ends, and the other way round: while one of them is
 * at work, the other holds up nothing. Returns how many such there are. */
static size_t note_copies(const struct look *k)
{
	struct task_tracks *t = &k->stage->tasks;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		t->items[i].twin_works = false;
	for (size_t i = 0; i < t->n; i++) {
		struct task_track *copy = &t->items[i];
		bool busy = at_work(k, copy);

		if (!copy->speculative || copy->index < 0)
			continue;
		for (size_t j = 0; j < t->n; j++) {
			struct task_track *original = &t->items[j];

			if (original->index != copy->index || at_work(k, original) == busy)
				continue;
			(busy ? original : copy)->twin_works = true;
		}
	}
	for (size_t i = 0; i < t->n; i++)
		n += t->items[i].twin_works;
	return n;
}

static bool all_stalled(const struct look *k)
{
	for (size_t i = 0; i < k->stage->tasks.n; i++)
		if (!is_stalled(k, &k->stage->tasks.items[i]))
			return false;
	return true;
}

/* The tasks are not known one by one: what their executors show, where no others run there. */
static void find_by_executor(struct look *k)
{
	const struct evidence *q = &k->app->evidence;
	int64_t sum = 0;

	if (usec_sub(k->now, k->stage->stall_start) < k->rule->hung_after)
		return;
	for (size_t i = 0; i < q->n_executors; i++)
		sum += q->executors[i].listed ? q->executors[i].most_active : 0;
	for (size_t i = 0; i < q->n_executors && sum <= k->stage->last.n_active; i++) {
		struct executor_track *x = &q->executors[i];
		struct group g = {.executor = x, .since = k->stage->stall_start};

		if (!x->listed || x->most_active <= 0)
			continue;
		g.n = (size_t)x->most_active;
		use_cpu(k, &g);
		note_cpu(k, &g);
		k->f->n_stalled += g.n;
		if (x->worked > 0 && usec_sub(k->now, x->worked) < k->rule->hung_after)
			k->f->n_working += g.n;
		else if (g.frozen)
			k->f->n_frozen += g.n;
		else if (g.cpu.tree == CPU_IDLE && !g.cpu.unsure)
			k->f->n_idle += g.n;
		else
			k->f->n_unknown += g.n;
	}
	k->f->n_running = k->f->n_stalled;
}

/* After a gap, evidence is to be had again when a window of CPU time is full. */
static bool gathers(const struct look *k)
{
	usec_t span = cpu_window_needed(k->rule->hung_after);
	usec_t forgotten = k->app->evidence.forgotten;

	return forgotten > 0 && usec_sub(k->now, forgotten) < span;
}

void findings_of(struct app_history *a, struct stage_history *h, const struct rule *rule,
	usec_t now, struct findings *ret)
{
	struct look k = {.app = a, .stage = h, .rule = rule, .now = now, .f = ret};
	/* An answer holds until the next is due, and a little longer. */
	usec_t fresh = rule->hung_after / 2 + USEC_PER_MINUTE;

	*ret = (struct findings){
		.events_dropped = a->evidence.dropped > 0, .gathering = gathers(&k)};
	if (h->tasks.taken == 0 || usec_sub(now, h->tasks.taken) > fresh || h->tasks.n == 0) {
		find_by_executor(&k);
		return;
	}
	ret->has_tasks = true;
	ret->cut = h->tasks.n >= EVIDENCE_MAX_TASKS;
	ret->old = usec_sub(now, h->tasks.taken) > rule->hung_after / 2;
	backdate(h);
	ret->n_running = h->tasks.n + h->tasks.n_left_out - note_copies(&k);
	if (!any_stalled(&k))
		return;
	/* All stood still, and yet the stage has moved since: whoever it was, this is out of date.
	 */
	if (h->stall_start > h->tasks.taken && all_stalled(&k)) {
		*ret = (struct findings){
			.events_dropped = ret->events_dropped, .gathering = ret->gathering};
		return;
	}
	for (size_t i = 0; i < h->tasks.n; i++)
		if (is_first(&h->tasks, i))
			find_on_executor(&k, h->tasks.items[i].executor_id);
}
