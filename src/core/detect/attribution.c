/* SPDX-License-Identifier: Apache-2.0
 * Counts living workers and threads against the tasks that account for them. */
#include "core/detect/attribution.h"

#include "base/strbuf.h"

/* CPU seconds a second that the JVM of an executor uses while nothing runs in it. A Python worker
 * that calls an API now and then uses less than this varies by. */
#define JVM_ALONE_MAX 0.004
/* A JVM that lives beats its heart in much less. */
#define FROZEN_WINDOW (30 * USEC_PER_SEC)

bool task_is_stalled(const struct task_track *t, const struct rule *rule, usec_t now)
{
	return usec_sub(now, t->stall_start) >= rule->hung_after;
}

bool task_works(const struct task_track *t, const struct rule *rule, usec_t now)
{
	return t->worked > 0 && usec_sub(now, t->worked) < rule->hung_after;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t less(size_t a, size_t b)
{
	return a > b ? a - b : 0;
}

struct tally attribution_count(
	const size_t works[CPU_WORK_MAX], size_t n, size_t n_moving, size_t n_others)
{
	size_t alive = works[CPU_WORKED];
	size_t waits = works[CPU_NEVER_RAN];
	size_t unclear = works[CPU_DOUBT] + works[CPU_TICKS] + works[CPU_UNSEEN];
	struct tally t = {0};
	/* Who moved has lived, be that doubtful or not. */
	size_t free = less(alive, less(n_moving, works[CPU_DOUBT]));
	/* Each task has a worker: where too few do nothing, the others' live. */
	size_t crowded = less(n, waits + unclear);
	size_t can;

	t.alive = smaller(n, smaller(alive, larger(less(alive, n_moving + n_others), crowded)));
	can = larger(t.alive, smaller(n, free));
	t.may = can - t.alive;
	if (can == 0 && unclear == 0)
		t.idle = waits >= n ? n : 0;
	else
		t.idle = smaller(n - can, less(waits, n_others));
	return t;
}

/* The tasks of a stage run the same code: those that no dump showed are like the others. */
static enum task_kind kind_of(size_t n_waiting, size_t n_python, size_t n_jvm)
{
	if (n_waiting > 0 && n_waiting == n_python && n_jvm == 0)
		return KIND_PYTHON;
	return n_jvm > 0 && n_python == 0 ? KIND_JVM : KIND_UNKNOWN;
}

/* all: also those that were seen to work. */
static void gather(const struct attribution_question *q, bool all, struct task_group *g)
{
	const struct stage_history *h = q->stage;
	size_t n_waiting = 0;
	size_t n_python = 0;
	size_t n_jvm = 0;

	for (size_t i = 0; i < h->tasks.n; i++) {
		const struct task_track *t = &h->tasks.items[i];

		if (!str_equal(t->executor_id, q->executor_id))
			continue;
		g->n_running++;
		g->n_running_python += t->python;
		if (!task_is_stalled(t, q->rule, q->now) ||
			(!all && task_works(t, q->rule, q->now))) {
			g->n_moving++;
			continue;
		}
		g->n++;
		g->n_seen += t->n_same > 0;
		n_waiting += t->n_same > 0 && t->waits_python;
		n_python += t->n_same > 0 && t->python;
		n_jvm += t->n_same > 0 && !t->python;
		if (t->stall_start > g->since)
			g->since = t->stall_start;
	}
	g->kind = kind_of(n_waiting, n_python, n_jvm);
}

/* Tasks of another stage on this executor that showed progress within hung_after. */
static size_t moving_of(
	const struct stage_history *h, const char *executor_id, const struct rule *rule, usec_t now)
{
	size_t n = 0;

	if (h->last.n_active <= 0)
		return 0;
	if (h->tasks.taken == 0) {
		/* Of a young stage, all have begun just now. */
		if (usec_sub(now, h->launched) < rule->hung_after)
			return (size_t)h->last.n_active;
		return usec_sub(now, h->stall_start) < rule->hung_after;
	}
	for (size_t i = 0; i < h->tasks.n; i++)
		n += str_equal(h->tasks.items[i].executor_id, executor_id) &&
		     !task_is_stalled(&h->tasks.items[i], rule, now);
	return n;
}

/* Of another stage, those that its list of tasks shows stalled. */
static size_t stalled_of(
	const struct stage_history *h, const char *executor_id, const struct rule *rule, usec_t now)
{
	size_t n = 0;

	for (size_t i = 0; i < h->tasks.n && h->last.n_active > 0; i++)
		n += str_equal(h->tasks.items[i].executor_id, executor_id) &&
		     task_is_stalled(&h->tasks.items[i], rule, now);
	return n;
}

/* Tasks that are none of this stage's. */
static size_t others_on(
	const struct app_history *a, const struct stage_history *h, const struct task_group *g)
{
	size_t n = 0;

	if (a->evidence.executors_taken > 0)
		return g->executor->most_active > 0
			       ? less((size_t)g->executor->most_active, g->n_running)
			       : 0;
	for (size_t i = 0; i < a->n_stages; i++)
		if (&a->stages[i] != h && a->stages[i].last.n_active > 0)
			n += (size_t)a->stages[i].last.n_active;
	return n;
}

static void note_others(const struct app_history *a, const struct stage_history *h,
	const struct rule *rule, usec_t now, struct task_group *g)
{
	const struct executor_track *x = g->executor;
	usec_t from = usec_sub(now, rule->hung_after);
	size_t n = others_on(a, h, g);
	size_t moving = (size_t)executor_track_begun(x, from > g->since ? from : g->since);
	size_t stalled = 0;

	for (size_t i = 0; i < a->n_stages; i++)
		if (&a->stages[i] != h) {
			moving += moving_of(&a->stages[i], x->id, rule, now);
			stalled += stalled_of(&a->stages[i], x->id, rule, now);
		}
	moving = smaller(moving, less(n, stalled));
	g->n_others = n - moving;
	g->n_moving += moving;
}

void attribution_use_cpu(
	const struct app_history *a, const struct rule *rule, usec_t now, struct task_group *g)
{
	struct executor_track *x = g->executor;
	struct cpu_use recent;
	/* It was asked for after the poll before this one. */
	usec_t spacing = a->spacing[0] < rule->hung_after ? a->spacing[0] : rule->hung_after;

	cpu_series_use(&x->cpu, usec_sub(now, spacing), g->since, rule->hung_after, &g->cpu);
	if (g->cpu.worked_at > x->worked)
		x->worked = g->cpu.worked_at;
	/* A dump that came shows that it lives, however little it does. */
	cpu_series_use(&x->cpu, usec_sub(now, spacing), g->since, FROZEN_WINDOW, &recent);
	g->frozen = x->n_silent >= SILENT_MIN ||
		    (recent.stopped && usec_sub(now, x->dump_taken) > recent.window);
	g->stale = recent.window == 0;
}

/* What the JVM as a whole does, where its threads are not known: whoever else runs there is given
 * the benefit. */
static struct tally count_jvm(const struct task_group *g, enum cpu_state state)
{
	if (state == CPU_IDLE)
		return (struct tally){.idle = g->n};
	if (state != CPU_BUSY || g->n_moving > 0)
		return (struct tally){0};
	if (g->n_others > 0)
		return (struct tally){.may = g->n};
	return (struct tally){.alive = g->n};
}

static struct tally count_threads(const struct task_group *g)
{
	struct tally t;

	if (!g->cpu.knows_threads)
		return count_jvm(g, g->cpu.jvm);
	t = attribution_count(g->cpu.threads, g->n, g->n_moving, g->n_others);
	/* A pool of the JVM may work for them. */
	if (t.alive + t.may == 0 && g->cpu.rest == CPU_BUSY) {
		t.idle = 0;
		if (g->n_moving == 0)
			t.may = g->n;
	}
	return t;
}

static size_t n_workers(const struct task_group *g)
{
	size_t n = 0;

	for (size_t i = 0; i < CPU_WORK_MAX; i++)
		n += g->cpu.workers[i];
	return n;
}

/* Tasks that are not Python's have no worker. */
static struct tally count_workers(const struct task_group *g)
{
	size_t works[CPU_WORK_MAX];
	size_t own_jvm = g->kind == KIND_JVM ? g->n_seen : 0;
	size_t jvm = less(g->executor->n_jvm, own_jvm);
	size_t moving = less(g->n_moving, jvm);

	for (size_t i = 0; i < CPU_WORK_MAX; i++)
		works[i] = g->cpu.workers[i];
	if (g->cpu.with_daemon && works[CPU_NEVER_RAN] > 0)
		works[CPU_NEVER_RAN]--;
	return attribution_count(
		works, g->n, moving, less(g->n_others, less(jvm, g->n_moving - moving)));
}

/* Some of them live, and some may, as either of two kinds of evidence says; none does anything
 * where both say so. */
static struct tally either(struct tally a, struct tally b, size_t n)
{
	size_t can = larger(a.alive + a.may, b.alive + b.may);
	struct tally t = {.alive = larger(a.alive, b.alive)};

	t.may = can - t.alive;
	t.idle = smaller(smaller(a.idle, b.idle), n - can);
	return t;
}

/* A task of the JVM may wait for a program that it started. Others have one where they are of the
 * same stage and move, or are Python's, whose worker is none of those that never ran. */
static struct tally count_programs(const struct task_group *g)
{
	size_t python = less(g->executor->n_python, g->cpu.workers[CPU_NEVER_RAN]);
	size_t others = python + less(g->n_running, g->n);
	size_t alive = less(g->cpu.workers[CPU_WORKED], others);
	size_t unclear = g->cpu.workers[CPU_TICKS] + g->cpu.workers[CPU_DOUBT] +
			 g->cpu.workers[CPU_UNSEEN] + g->cpu.workers[CPU_WORKED];

	if (alive > 0)
		return (struct tally){.may = smaller(alive, g->n)};
	return (struct tally){.idle = unclear > others ? 0 : g->n};
}

/* A worker and the thread of its task wait while a feeder computes what it is to have next. One
 * that never ran is blocked: its worker takes nothing. */
static struct tally count_feeders(const struct task_group *g, struct tally t)
{
	size_t n = 0;
	size_t at_work = smaller(g->n, less(g->cpu.feeders[CPU_WORKED], g->n_moving));

	for (size_t i = 0; i < CPU_WORK_MAX; i++)
		n += i == CPU_NEVER_RAN ? 0 : g->cpu.feeders[i];
	if (at_work > t.alive + t.may)
		t.may = at_work - t.alive;
	t.idle = smaller(t.idle, less(g->n, larger(n, t.alive + t.may)));
	return t;
}

static bool sum_is_quiet(const struct task_group *g, const struct rule *rule)
{
	double least = cpu_series_least(&g->executor->cpu, g->since, rule->hung_after);

	return least >= 0 && least <= JVM_ALONE_MAX;
}

static struct tally tally_of(const struct task_group *g, const struct rule *rule)
{
	struct tally threads;
	struct tally workers;

	/* Only the sum of all is known. A container's says nothing of what does little: who calls
	 * a service once a second uses less than it varies by. */
	if (!g->cpu.per_process) {
		threads = count_jvm(g, g->cpu.tree);
		if (g->cpu.container || g->n_seen < g->n || !sum_is_quiet(g, rule))
			threads.idle = 0;
		return threads;
	}
	/* Processes that came and went did something, for whomever. */
	if (g->cpu.churn && g->n_moving == 0)
		return count_jvm(g, CPU_BUSY);
	if (g->kind == KIND_PYTHON && !g->executor->feeding)
		return count_feeders(g, count_workers(g));
	threads = count_threads(g);
	if (g->kind == KIND_JVM)
		return either(threads, count_programs(g), g->n);
	workers = count_workers(g);
	if (n_workers(g) == 0)
		workers.idle = g->cpu.knows_threads || g->n_seen == g->n ? g->n : 0;
	return count_feeders(g, either(threads, workers, g->n));
}

static usec_t worked_at(const struct task_group *g, size_t leave_out)
{
	usec_t at = 0;

	if (g->cpu.per_process && g->cpu.workers[CPU_WORKED] > leave_out)
		at = cpu_series_worked(&g->executor->cpu, &g->cpu, leave_out);
	return at > 0 ? at : g->cpu.worked_at;
}

/* Which tasks' work it was is not known: all had worked by the time the last of the workers had,
 * and some may have until the newest that the moving ones do not account for. */
static void note_work(struct task_group *g)
{
	size_t alive = g->cpu.workers[CPU_WORKED];
	size_t theirs = g->tally.alive + g->tally.may;

	if (theirs == 0)
		return;
	if (g->tally.alive == g->n)
		g->worked = worked_at(g, alive > 0 ? alive - 1 : 0);
	g->may_have = worked_at(g, less(alive, theirs));
}

/* What is known of its processes is in g. */
static void count(const struct attribution_question *q, struct task_group *g)
{
	note_others(q->app, q->stage, q->rule, q->now, g);
	if (g->cpu.window > 0)
		g->tally = tally_of(g, q->rule);
	if (g->stale)
		g->tally.idle = 0;
	note_work(g);
}

void attribution_of(const struct attribution_question *q, struct task_group *ret)
{
	struct task_group g = {.executor = evidence_executor(&q->app->evidence, q->executor_id)};

	gather(q, true, &g);
	if (g.executor && g.n > 0) {
		attribution_use_cpu(q->app, q->rule, q->now, &g);
		count(q, &g);
	}
	*ret = g;
}

void attribution_of_others(const struct attribution_question *q, struct task_group *g)
{
	struct task_group others = {.executor = g->executor};

	gather(q, false, &others);
	if (others.n == g->n)
		return;
	if (others.executor && others.n > 0) {
		if (others.since == g->since) {
			others.cpu = g->cpu;
			others.stale = g->stale;
			others.frozen = g->frozen;
		} else {
			attribution_use_cpu(q->app, q->rule, q->now, &others);
		}
		count(q, &others);
	}
	*g = others;
}
