/* SPDX-License-Identifier: Apache-2.0
 * What the running tasks of a stage show, taken together: task by task where frames tell, executor
 * by executor where only CPU does.
 *
 * A task is stalled when its own counters stood still for hung_after. It works when its frames
 * changed, or when CPU was used that only it can have used, within hung_after. So work counts like
 * progress, and a task that computes for an hour and then hangs is found hung_after later. Silence
 * counts from the last sign of life, be it that of the task or one that may have been.
 *
 * Left out are: a speculative attempt or its original while the other of the two works; a receiver
 * of Spark Streaming, which waits by design; tasks that wait at a barrier for others which have not
 * come.
 *
 * Whose sign of life it is: core/detect/attribution. Frames override this: if the tasks whose
 * frames change can explain all the CPU of a JVM, the others are seen to do nothing.
 *
 * A dump that has an executor's threads but not the task's says that the task does not run there:
 * frames seen before count no more. The driver may hold it: it may take in its result.
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

#include "core/detect/attribution.h"
#include "core/detect/evidence_wants.h"
#include "core/detect/history.h"
#include "core/facts/rule.h"

/* Of an executor's time in garbage collection, from which on it does little else. */
#define GC_SHARE_MIN 0.5
/* CPU seconds a second that a JVM uses beside its tasks' threads: collection, compilation. */
#define THREAD_EXTRA 0.5
/* Dumps that lack a task's thread, after which the task counts as gone. */
#define ABSENT_MIN 2
/* CPU seconds a second of a driver's JVM that has something to do, also on a host with too few
 * CPUs: it may hold what no thread of an executor was seen to hold. One that only schedules, and
 * answers who watches it, uses up to 0.14. */
#define DRIVER_WORKS_MIN 0.25

struct look {
	struct app_history *app;
	struct stage_history *stage;
	const struct rule *rule;
	usec_t now;
	struct findings *f;
	double driver_rate;               /* CPU seconds a second of its JVM; negative: not known */
	const struct cause_hint *results; /* where the driver takes in results; NULL: not known */
	size_t n_at_barrier; /* tasks that wait for others of the stage, which have not come */
	const char *awaited; /* the executor of the first of those; NULL: none */
	unsigned n_by_cause[CAUSE_MAX];
};

static bool is_stalled(const struct look *k, const struct task_track *t)
{
	return task_is_stalled(t, k->rule, k->now);
}

static bool works(const struct look *k, const struct task_track *t)
{
	return task_works(t, k->rule, k->now);
}

/* For people. A task that runs in Python is told by its worker, not by the thread that waits for
 * that. Returns whether something is known of each. */
static bool note_counts(struct findings *f, const struct task_group *g)
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

static void note_cpu(struct look *k, const struct task_group *g)
{
	bool counted = note_counts(k->f, g);

	if (g->cpu.window == 0 || (g->cpu.tree == CPU_UNKNOWN && !g->cpu.stopped && !counted))
		return;
	k->f->has_cpu = true;
	k->f->cpu_container = k->f->cpu_container || g->cpu.container;
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

static bool driver_takes_results(const struct look *k)
{
	return k->results && k->results->because[0] != '\0';
}

static bool driver_is_busy(const struct look *k)
{
	return driver_takes_results(k) || k->driver_rate >= DRIVER_WORKS_MIN;
}

/* No dump shows where the task is, and the driver has something to do: the task may have ended, and
 * the driver reads what came of it. */
static bool driver_may_hold(const struct look *k, const struct task_track *t)
{
	return t->n_same == 0 && driver_is_busy(k) && !str_equal(t->executor_id, "driver");
}

/* No executor runs the task: who holds it. */
static void hint_of_driver(const struct look *k, const struct task_track *t, struct cause_hint *ret)
{
	char uses[64] = "";

	if (k->driver_rate >= DRIVER_WORKS_MIN)
		(void)snprintf(uses, sizeof(uses), "the driver uses %.2f CPU seconds a second",
			k->driver_rate);
	if (driver_takes_results(k)) {
		ret->cause = k->results->cause;
		(void)snprintf(ret->because, sizeof(ret->because), "%.160s%s%s",
			k->results->because, uses[0] ? "; " : "", uses);
		return;
	}
	(void)snprintf(ret->because, sizeof(ret->because),
		"executor %.40s %s thread of task %" PRId64 "%s%s", t->executor_id,
		t->n_absent > 0 ? "has no" : "does not show the", t->task_id, uses[0] ? "; " : "",
		uses);
	if (k->app->evidence.dropped > 0 && uses[0] == '\0')
		(void)snprintf(ret->because + strlen(ret->because),
			sizeof(ret->because) - strlen(ret->because),
			"; the driver's listener lost %" PRIu64 " events",
			k->app->evidence.dropped);
}

/* Where the JVM waits for Python, the line of Python is what a person wants to know. */
static void add_place(const struct executor_track *x, struct cause_hint *h)
{
	bool waits = h->cause == CAUSE_PYTHON_WORKER || h->because[0] == '\0';

	if (!x || x->place.n == 0 || !waits)
		return;
	h->cause = CAUSE_PYTHON_WORKER;
	if (x->place.n_known > 1)
		(void)snprintf(h->because, sizeof(h->because),
			CAUSE_PYTHON_PLACE "%s, %u of %u idle workers", x->place.text, x->place.n,
			x->place.n_known);
	else
		(void)snprintf(
			h->because, sizeof(h->because), CAUSE_PYTHON_PLACE "%s", x->place.text);
}

static void hint_of(const struct look *k, const struct task_track *t, const struct task_group *g,
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
	} else if (t->n_absent >= ABSENT_MIN || driver_may_hold(k, t)) {
		hint_of_driver(k, t, ret);
	} else if (t->gc_share >= GC_SHARE_MIN) {
		ret->cause = CAUSE_MEMORY_PRESSURE;
		(void)snprintf(ret->because, sizeof(ret->because),
			"executor %.40s spends %.0f %% of its time in garbage collection",
			t->executor_id, 100 * (t->gc_share > 1 ? 1 : t->gc_share));
	} else {
		*ret = t->hint;
		add_place(x, ret);
	}
	str_sanitize(ret->because); /* what was cut within a character */
}

/* It need not end: its twin will, or it is a receiver. */
static bool is_excused(const struct task_track *t)
{
	return t->twin_works || (t->receiver && t->n_same > 0);
}

/* Tasks of the stage on this executor that wait for others at a barrier. A Python task's thread
 * does not show it, one of Spark's that serves its worker does. */
static size_t waiting_on(const struct look *k, const char *executor_id)
{
	const struct executor_track *x = evidence_executor(&k->app->evidence, executor_id);
	size_t served = x ? x->n_at_barrier : 0;
	size_t n_python = 0;
	size_t n = 0;

	for (size_t i = 0; i < k->stage->tasks.n; i++) {
		const struct task_track *t = &k->stage->tasks.items[i];

		if (!str_equal(t->executor_id, executor_id) || t->n_same == 0 ||
			!is_stalled(k, t) || works(k, t))
			continue;
		n += t->at_barrier;
		n_python += t->python && !t->at_barrier;
	}
	return n + (served < n_python ? served : n_python);
}

/* What waits does nothing: the others are the ones that do. */
static void leave_out(struct tally *t, size_t n)
{
	t->idle = t->idle > n ? t->idle - n : 0;
}

/* Since when nothing was seen that may have been the task's work. */
static usec_t silent_since(const struct task_track *t)
{
	usec_t at = t->stall_start;

	if (t->worked > at)
		at = t->worked;
	return t->may_have > at ? t->may_have : at;
}

/* One stalled task that is not known to work by itself. */
static void note_stalled(struct look *k, struct task_group *g, struct task_track *t)
{
	struct findings *f = k->f;
	bool lost = is_lost(k, g->executor); /* its tasks are about to be tried elsewhere */
	bool dumped = t->n_same >= 2 && t->dumped > t->frames_since;

	if (g->tally.alive > 0) {
		g->tally.alive--;
		f->n_working++;
		return;
	}
	if (g->tally.may > 0) {
		g->tally.may--;
		f->n_may_work++;
		return;
	}
	if (t->n_absent >= ABSENT_MIN) {
		f->n_absent++;
	} else if (driver_may_hold(k, t)) {
		f->n_may_work++;
		return;
	} else if (!lost && g->frozen) {
		f->n_frozen++;
	} else if (!lost && g->tally.idle > 0 && t->n_absent == 0 && (dumped || !g->cpu.unsure)) {
		g->tally.idle--;
		f->n_idle++;
	} else if (!lost && dumped) {
		f->n_still++;
	} else {
		f->n_unknown++;
	}
	note_time(f, usec_sub(k->now, silent_since(t)));
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
static bool frames_tell(const struct look *k, const struct task_group *g)
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

/* The whole executor computes for these tasks: that is work, of each. What some of them may have
 * done is kept, too, unless the others were seen to do nothing. */
static void note_work(const struct look *k, const struct task_group *g)
{
	bool some_idle = g->tally.alive + g->tally.may + g->tally.idle == g->n && g->tally.idle > 0;

	for (size_t i = 0; i < k->stage->tasks.n; i++) {
		struct task_track *t = &k->stage->tasks.items[i];

		if (!str_equal(t->executor_id, g->executor->id) || !is_stalled(k, t))
			continue;
		if (g->worked > t->worked)
			t->worked = g->worked;
		if (!some_idle && g->may_have > t->may_have)
			t->may_have = g->may_have;
	}
}

/* Frames tell which of them works: of the others, it is seen that they do not. */
static void use_frames(struct task_group *g)
{
	g->tally = (struct tally){.idle = g->n};
	g->worked = g->may_have = 0;
}

static void find_on_executor(struct look *k, const char *executor_id)
{
	size_t n_waiting = k->n_at_barrier > 0 ? waiting_on(k, executor_id) : 0;
	struct task_group g;
	struct attribution_question q = {.app = k->app,
		.stage = k->stage,
		.executor_id = executor_id,
		.rule = k->rule,
		.now = k->now};
	bool tell;

	attribution_of(&q, &g);
	note_cpu(k, &g);
	tell = g.executor && g.cpu.jvm == CPU_BUSY && !g.cpu.knows_threads && frames_tell(k, &g);
	if (g.executor && !tell)
		note_work(k, &g);
	attribution_of_others(&q, &g);
	if (tell)
		use_frames(&g);
	leave_out(&g.tally, n_waiting);
	for (size_t i = 0; i < k->stage->tasks.n; i++) {
		struct task_track *t = &k->stage->tasks.items[i];
		struct cause_hint hint;

		if (!str_equal(t->executor_id, executor_id) || !is_stalled(k, t) || is_excused(t))
			continue;
		if (n_waiting > 0 && !works(k, t)) {
			n_waiting--;
			continue;
		}
		k->f->n_stalled++;
		if (!k->awaited)
			k->awaited = executor_id;
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
			!is_excused(&k->stage->tasks.items[i]))
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
 * at work, the other holds up nothing. Returns how many tasks count for nothing. */
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
		n += is_excused(&t->items[i]);
	return n;
}

static bool all_stalled(const struct look *k)
{
	for (size_t i = 0; i < k->stage->tasks.n; i++)
		if (!is_stalled(k, &k->stage->tasks.items[i]))
			return false;
	return true;
}

/* What the processes of all executors did, where the tasks are not known one by one. */
struct crowd {
	size_t works[CPU_WORK_MAX];
	size_t n_trees;   /* of which something is known */
	size_t n_unknown; /* executors with tasks of which nothing is known */
	size_t n_frozen;
	size_t n_computing; /* trees that compute, for whatever task */
	size_t n_idle;      /* trees that do nothing at all */
	size_t n_python;    /* of these, with workers */
};

static void add_tree(struct look *k, struct executor_track *x, struct crowd *c)
{
	struct task_group g = {.executor = x, .since = k->stage->stall_start};
	size_t workers = 0;

	attribution_use_cpu(k->app, k->rule, k->now, &g);
	note_cpu(k, &g);
	for (size_t i = 0; i < CPU_WORK_MAX; i++)
		workers += i == CPU_NEVER_RAN ? g.cpu.workers[i] : 0;
	if (g.frozen) {
		c->n_frozen++;
		return;
	}
	if (g.cpu.window == 0) {
		c->n_unknown++;
		return;
	}
	c->n_trees++;
	for (size_t i = 0; i < CPU_WORK_MAX; i++)
		c->works[i] += g.cpu.workers[i];
	c->n_computing += g.cpu.tree == CPU_BUSY;
	/* That a JVM as a whole does little proves nothing of its tasks. */
	if (!g.stale && g.cpu.tree == CPU_IDLE && !g.cpu.unsure && g.cpu.per_process &&
		(workers > 0 || g.cpu.knows_threads)) {
		c->n_idle++;
		c->works[CPU_NEVER_RAN] += workers > 0 ? 0 : g.cpu.threads[CPU_NEVER_RAN];
	}
}

/* Tasks of other stages that moved of late: each accounts for one that lives. */
static size_t moving_elsewhere(const struct look *k, size_t *ret_others)
{
	size_t moving = 0;

	*ret_others = 0;
	for (size_t i = 0; i < k->app->n_stages; i++) {
		const struct stage_history *h = &k->app->stages[i];
		size_t n = h->last.n_active > 0 ? (size_t)h->last.n_active : 0;

		if (h == k->stage)
			continue;
		if (usec_sub(k->now, h->stall_start) < k->rule->hung_after)
			moving += n;
		else
			*ret_others += n;
	}
	return moving;
}

/* The tasks are not known one by one. Executors name themselves in the list of processes; whether
 * these are all of them, only the list of executors tells. */
static void find_by_executor(struct look *k)
{
	const struct evidence *q = &k->app->evidence;
	size_t n = (size_t)k->stage->last.n_active;
	struct findings *f = k->f;
	struct crowd c = {0};
	struct tally t;
	size_t others;
	size_t moving;

	if (k->stage->last.n_active <= 0 ||
		usec_sub(k->now, k->stage->stall_start) < k->rule->hung_after)
		return;
	for (size_t i = 0; i < q->n_executors; i++) {
		struct executor_track *x = &q->executors[i];
		bool runs = x->listed ? x->most_active > 0 : q->executors_taken == 0;

		if (runs && (x->listed || x->cpu.n > 0) &&
			(!str_equal(x->id, "driver") || x->active_tasks > 0))
			add_tree(k, x, &c);
	}
	if (c.n_trees + c.n_frozen == 0)
		return;
	moving = moving_elsewhere(k, &others);
	t = attribution_count(c.works, n, moving, others);
	if (moving + others == 0 && c.n_computing > 0 && c.n_computing == c.n_trees)
		t = (struct tally){.alive = n};
	else if (c.n_computing > 0 && moving == 0 && t.alive + t.may == 0)
		t = (struct tally){.may = n};
	if (c.n_unknown > 0 || q->executors_taken == 0 || c.n_idle < c.n_trees)
		t.idle = 0;
	f->n_running = f->n_stalled = n;
	f->n_working = t.alive;
	f->n_may_work = t.may;
	f->n_idle = c.n_frozen > 0 || driver_is_busy(k) ? 0 : t.idle;
	if (driver_is_busy(k)) /* no dump shows where they are */
		f->n_may_work = n - f->n_working;
	n -= f->n_working + f->n_may_work + f->n_idle;
	if (c.n_frozen > 0 && c.n_trees + c.n_unknown == 0)
		f->n_frozen = n;
	else
		f->n_unknown = n;
	if (f->n_working + f->n_may_work > 0)
		k->stage->may_work = k->now;
	note_time(f, usec_sub(k->now, k->stage->may_work > k->stage->stall_start
					      ? k->stage->may_work
					      : k->stage->stall_start));
}

/* What is asked at first sight is answered by then, where somebody answers. */
#define FIRST_ANSWER USEC_PER_MINUTE

static bool has_cpu_seconds(const struct evidence *e)
{
	for (size_t i = 0; i < e->n_executors; i++)
		if (e->executors[i].active_tasks > 0 && e->executors[i].cpu.n > 0)
			return true;
	return false;
}

/* After a gap, and where a stage is seen first long after its launch, evidence is to be had when a
 * window of CPU time is full. */
static bool gathers(const struct look *k)
{
	usec_t span = cpu_window_needed(k->rule->hung_after);
	usec_t since = k->app->evidence.forgotten;

	if (since > 0 && usec_sub(k->now, since) < span)
		return true;
	if (k->app->once)
		return false;
	if (!has_cpu_seconds(&k->app->evidence))
		span = FIRST_ANSWER;
	if (span > k->rule->hung_after)
		span = k->rule->hung_after;
	return usec_sub(k->now, k->stage->first_seen) < span;
}

/* CPU seconds a second of the driver's JVM; where only a container's sum is known, of all. */
static double driver_rate(const struct look *k)
{
	const struct executor_track *x = evidence_executor(&k->app->evidence, "driver");
	struct cpu_use cpu;

	if (!x || x->active_tasks > 0) /* in local mode that is the executor */
		return -1;
	cpu_series_use(&x->cpu, k->now, 0, k->rule->hung_after, &cpu);
	if (cpu.window == 0)
		return -1;
	return cpu.per_process ? cpu.jvm_rate : cpu.rate;
}

/* A Python task that waits for the others in a library (an allreduce) shows no frame of Spark's.
 * That it is one of a barrier stage shows where all Python tasks of an executor have the thread for
 * it. */
static bool is_barrier(const struct look *k)
{
	const struct task_tracks *t = &k->stage->tasks;

	for (size_t i = 0; i < t->n; i++) {
		const struct executor_track *x =
			evidence_executor(&k->app->evidence, t->items[i].executor_id);

		if (t->items[i].at_barrier)
			return true;
		if (t->items[i].python && t->items[i].n_same > 0 && x && x->n_python > 0 &&
			x->n_barrier >= x->n_python)
			return true;
	}
	return false;
}

/* Who waits for others at a barrier is not what the stage waits for: those are that have not come.
 * Where all wait, they do so for something else. */
static void note_barrier(struct look *k)
{
	const struct task_tracks *t = &k->stage->tasks;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (is_first(t, i))
			n += waiting_on(k, t->items[i].executor_id);
	if (n == 0 || n >= k->f->n_running)
		return;
	k->n_at_barrier = k->f->n_at_barrier = n;
	k->f->n_running -= n;
}

/* For people: who waits, and where the one is that they wait for. */
static void tell_barrier(const struct look *k)
{
	char known[sizeof(k->f->hint.because)];

	if (k->n_at_barrier == 0 || !k->awaited)
		return;
	memcpy(known, k->f->hint.because, sizeof(known));
	(void)snprintf(k->f->hint.because, sizeof(k->f->hint.because),
		"%zu wait at a barrier for %zu, of executor %.40s%s%.110s", k->n_at_barrier,
		k->f->n_running, k->awaited, known[0] ? "; " : "", known);
	str_sanitize(k->f->hint.because);
}

void findings_of(struct app_history *a, struct stage_history *h, const struct rule *rule,
	usec_t now, struct findings *ret)
{
	struct look k = {.app = a, .stage = h, .rule = rule, .now = now, .f = ret};
	/* An answer holds until the next is due, and a little longer. */
	usec_t fresh = rule->hung_after / 2 + USEC_PER_MINUTE;

	*ret = (struct findings){.barrier = h->barrier,
		.events_dropped = a->evidence.dropped > 0,
		.gathering = gathers(&k)};
	k.driver_rate = driver_rate(&k);
	if (a->evidence.driver && usec_sub(now, a->evidence.driver->taken) <= fresh)
		k.results = &a->evidence.driver->results;
	ret->takes_results = driver_takes_results(&k);
	ret->driver_works = !k.results && driver_is_busy(&k);
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
	h->barrier = h->barrier || is_barrier(&k);
	ret->barrier = h->barrier;
	note_barrier(&k);
	for (size_t i = 0; i < h->tasks.n; i++)
		if (is_first(&h->tasks, i))
			find_on_executor(&k, h->tasks.items[i].executor_id);
	tell_barrier(&k);
}
