/* SPDX-License-Identifier: Apache-2.0
 * What one executor's processes did over a window: by the scheduler's counts (cpu_work.c), or by
 * rates of CPU seconds where there are none.
 *
 * Rates are per process, because the sum over a tree falls when a worker ends. A process that came
 * and went between two looks shows as the reaped time of its parent. Where that is unknown, a
 * process that vanished without having been seen idle counts as work. Between the limits of idle
 * and busy, CPU says nothing. */
#include "core/detect/cpu.h"

#include <stdlib.h>
#include <string.h>

#include "core/detect/cpu_work.h"

/* CPU seconds a second, where nothing finer is known. A tree or JVM with nothing to do still beats
 * its heart and collects its garbage. */
#define JVM_IDLE_MAX 0.02
#define JVM_BUSY_MIN 0.05
/* Between two looks, where a clock tick more or less is much; and of what is left of sums. */
#define LEFT_IDLE_MAX 0.004
#define CHURN_MIN 0.01
#define TREE_IDLE_MAX 0.01
#define TREE_BUSY_MIN 0.035
/* A driver schedules, and answers who watches it. */
#define DRIVER_IDLE_MAX 0.05
#define DRIVER_BUSY_MIN 0.1
#define DRIVER_TREE_BUSY_MIN 0.07
/* Of a span, which must have been watched to say that nothing ran in it. */
#define NEEDED_PARTS 3
#define OF_PARTS 4

static void sample_clear(struct cpu_sample *s)
{
	free(s->items);
	free(s->threads);
	*s = (struct cpu_sample){0};
}

void cpu_series_clear(struct cpu_series *s)
{
	for (size_t i = 0; i < s->n; i++)
		sample_clear(&s->samples[i]);
	s->n = 0;
}

static usec_t total_of(const struct process_tree *t)
{
	usec_t sum = 0;

	for (size_t i = 0; i < t->n; i++)
		sum += t->items[i].cpu + t->items[i].reaped;
	return t->n > 0 ? sum : t->cpu;
}

static double seconds(usec_t t)
{
	return (double)t / USEC_PER_SEC;
}

/* The one whose neighbours are close together for its age goes: the newest stay dense, and the
 * oldest reach back. */
static void thin_out(struct cpu_series *s)
{
	usec_t last = s->samples[s->n - 1].taken;
	size_t drop = 1;
	double least = 0;

	for (size_t i = 1; i + 1 < s->n; i++) {
		double gap = seconds(s->samples[i + 1].taken - s->samples[i - 1].taken);
		double share = gap / seconds(last - s->samples[i - 1].taken);

		if (i == 1 || share < least) {
			least = share;
			drop = i;
		}
	}
	sample_clear(&s->samples[drop]);
	memmove(&s->samples[drop], &s->samples[drop + 1], (s->n - drop - 1) * sizeof(*s->samples));
	s->n--;
}

void cpu_series_add(struct cpu_series *s, struct process_tree *t, usec_t taken)
{
	struct cpu_sample *sample;

	if (s->n > 0 && s->samples[s->n - 1].pid != t->pid)
		cpu_series_clear(s);
	if (s->n > 0 && taken <= s->samples[s->n - 1].taken)
		return;
	if (s->n == CPU_SAMPLES)
		thin_out(s);
	sample = &s->samples[s->n++];
	*sample = (struct cpu_sample){
		.taken = taken,
		.pid = t->pid,
		.total = total_of(t),
		.items = TAKE_PTR(t->items),
		.n = t->n,
		.tasks = t->tasks,
		.n_tasks = t->n_tasks,
		.knows_threads = t->knows_threads,
		.threads = TAKE_PTR(t->threads),
		.n_threads = t->n_threads,
	};
	t->n = t->n_threads = 0;
	cpu_work_prepare(sample, s->driver);
}

static enum cpu_state state_of(double rate, double idle_max, double busy_min)
{
	if (rate <= idle_max)
		return CPU_IDLE;
	return rate >= busy_min ? CPU_BUSY : CPU_UNKNOWN;
}

/* A process of sample i that the next one lacks: did it leave without having worked? Where its
 * parent tells the time of its dead children, that is known from the sums; else only of one that
 * was seen twice, doing nothing in between. */
static bool left_idle(const struct cpu_series *s, size_t i, const struct process_obs *p)
{
	const struct process_obs *before =
		i > 0 ? cpu_sample_find(&s->samples[i - 1], p->pid) : NULL;
	double took = i > 0 ? seconds(s->samples[i].taken - s->samples[i - 1].taken) : 0;

	return before && took > 0 && seconds(usec_sub(p->cpu, before->cpu)) / took <= LEFT_IDLE_MAX;
}

static bool left_working(const struct cpu_series *s, size_t first)
{
	for (size_t i = first; i + 1 < s->n; i++)
		for (size_t k = 0; k < s->samples[i].n; k++) {
			const struct process_obs *p = &s->samples[i].items[k];

			if (!cpu_sample_find(&s->samples[i + 1], p->pid) && !left_idle(s, i, p))
				return true;
		}
	return false;
}

static bool knows_reaped(const struct cpu_sample *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].reaped > 0)
			return true;
	return false;
}

/* By rates: all that the JVM did, whoever for. */
static void use_jvm_rate(const struct cpu_series *s, double rate, struct cpu_use *u)
{
	u->jvm = s->driver ? state_of(rate, DRIVER_IDLE_MAX, DRIVER_BUSY_MIN)
			   : state_of(rate, JVM_IDLE_MAX, JVM_BUSY_MIN);
	u->unsure = rate > JVM_IDLE_MAX;
}

/* A task thread that never ran waits; but a pool of the JVM may work for it. */
static void use_jvm_threads(
	const struct cpu_series *s, size_t first, uint64_t tick, double rate, struct cpu_use *u)
{
	const struct cpu_sample *a = &s->samples[first];
	const struct cpu_sample *b = &s->samples[s->n - 1];
	enum cpu_work work = cpu_work_of_tasks(s, first, tick);
	double tasks = 0;

	if (b->tasks.run_ns > a->tasks.run_ns)
		tasks = (double)(b->tasks.run_ns - a->tasks.run_ns) / 1e9 / seconds(u->window);
	rate = rate > tasks ? rate - tasks : 0;
	u->rest = s->driver ? state_of(rate, DRIVER_IDLE_MAX, DRIVER_BUSY_MIN)
			    : state_of(rate, JVM_IDLE_MAX, JVM_BUSY_MIN);
	if (work == CPU_WORKED)
		u->jvm = CPU_BUSY;
	else if (work == CPU_NEVER_RAN && u->rest != CPU_BUSY)
		u->jvm = CPU_IDLE;
}

static void use_jvm(const struct cpu_series *s, size_t first, uint64_t tick, struct cpu_use *u)
{
	const struct cpu_sample *a = &s->samples[first];
	const struct cpu_sample *b = &s->samples[s->n - 1];
	const struct process_obs *jvm = cpu_sample_find(b, b->pid);
	const struct process_obs *before = cpu_sample_find(a, b->pid);
	double rate;

	if (!jvm)
		return;
	rate = seconds(usec_sub(jvm->cpu, before ? before->cpu : 0)) / seconds(u->window);
	u->stopped = rate <= 0;
	u->jvm_rate = rate;
	if (a->tasks.known && b->tasks.known)
		use_jvm_threads(s, first, tick, rate, u);
	else
		use_jvm_rate(s, rate, u);
}

/* What the sums have beyond the living was used by those that came and went. */
static void use_churn(const struct cpu_series *s, size_t first, struct cpu_use *u)
{
	const struct cpu_sample *a = &s->samples[first];
	const struct cpu_sample *b = &s->samples[s->n - 1];
	double span = seconds(u->window);
	usec_t own = 0;
	double churn;

	for (size_t i = 0; i < b->n; i++) {
		const struct process_obs *old = cpu_sample_find(a, b->items[i].pid);

		own += usec_sub(b->items[i].cpu, old ? old->cpu : 0);
	}
	churn = seconds(usec_sub(usec_sub(b->total, a->total), own)) / span;
	u->churn = churn >= CHURN_MIN;
	if (!u->churn && !knows_reaped(b))
		u->churn = left_working(s, first);
	u->rate = seconds(own) / span + churn;
}

/* Not watched long enough to say that nothing ran. */
static void withhold_idle(struct cpu_use *u)
{
	u->workers[CPU_UNSEEN] += u->workers[CPU_NEVER_RAN];
	u->threads[CPU_UNSEEN] += u->threads[CPU_NEVER_RAN];
	u->workers[CPU_NEVER_RAN] = u->threads[CPU_NEVER_RAN] = 0;
	if (u->jvm == CPU_IDLE)
		u->jvm = CPU_UNKNOWN;
}

static void note_last_work(
	const struct cpu_series *s, size_t first, uint64_t tick, struct cpu_use *u)
{
	size_t i = cpu_work_last(s, first, tick, 0, true);

	if (i > first)
		u->worked_at = s->samples[i].taken;
	/* By a rate it is not known when. */
	if (u->churn || (u->jvm == CPU_BUSY && !s->samples[s->n - 1].tasks.known))
		u->worked_at = s->samples[s->n - 1].taken;
}

/* Fills what needs the list of processes. */
static void use_processes(const struct cpu_series *s, size_t first, bool enough, struct cpu_use *u)
{
	uint64_t tick = cpu_work_tick(s, first);

	u->per_process = true;
	cpu_work_use(s, first, tick, u);
	use_jvm(s, first, tick, u);
	use_churn(s, first, u);
	if (!enough)
		withhold_idle(u);
	u->n_busy = u->workers[CPU_WORKED];
	u->n_idle = u->workers[CPU_NEVER_RAN];
	u->n_unclear = u->workers[CPU_UNSEEN] + u->workers[CPU_TICKS] + u->workers[CPU_DOUBT];
	if (u->jvm == CPU_BUSY || u->n_busy > 0 || u->churn)
		u->tree = CPU_BUSY;
	else if (u->jvm == CPU_IDLE && u->n_unclear == 0)
		u->tree = CPU_IDLE;
	note_last_work(s, first, tick, u);
}

/* Only the sums are known. Where they fall, processes have ended: what the others rose by is the
 * least that was used. A NodeManager tells rates, which may be rounded: nothing is not stopped. */
static void use_sums(const struct cpu_series *s, size_t first, struct cpu_use *u)
{
	usec_t rises = 0;
	bool fell = false;

	for (size_t i = first; i + 1 < s->n; i++) {
		rises += usec_sub(s->samples[i + 1].total, s->samples[i].total);
		fell = fell || s->samples[i + 1].total < s->samples[i].total;
	}
	u->rate = seconds(rises) / seconds(u->window);
	u->tree =
		state_of(u->rate, TREE_IDLE_MAX, s->driver ? DRIVER_TREE_BUSY_MIN : TREE_BUSY_MIN);
	if (fell && u->tree == CPU_IDLE)
		u->tree = CPU_UNKNOWN;
	if (u->tree == CPU_BUSY)
		u->worked_at = s->samples[s->n - 1].taken;
	u->container = s->samples[s->n - 1].pid == 0;
	u->stopped = rises == 0 && !fell && !u->container;
}

usec_t cpu_window_needed(usec_t span)
{
	usec_t needed = span / OF_PARTS * NEEDED_PARTS;

	return needed > CPU_WINDOW_MIN ? needed : CPU_WINDOW_MIN;
}

/* The first sample of the window; s->n: there is none. */
static size_t begin_window(const struct cpu_series *s, usec_t since, usec_t span)
{
	const struct cpu_sample *last = &s->samples[s->n - 1];
	usec_t needed = last->n > 0 ? cpu_window_needed(span) : CPU_WINDOW_MIN;
	size_t first = s->n - 1;
	usec_t wider;

	while (first > 0 && s->samples[first - 1].taken >= since &&
		last->taken - s->samples[first - 1].taken <= span)
		first--;
	/* The grid of looks misses the span by a little: one look more. */
	if (first > 0 && s->samples[first - 1].taken >= since) {
		wider = last->taken - s->samples[first - 1].taken;
		if (wider <= span + span / 8 || last->taken - s->samples[first].taken < needed)
			first--;
	}
	return last->taken - s->samples[first].taken < CPU_WINDOW_MIN ? s->n : first;
}

void cpu_series_use(
	const struct cpu_series *s, usec_t now, usec_t since, usec_t span, struct cpu_use *ret)
{
	const struct cpu_sample *last = s->n > 0 ? &s->samples[s->n - 1] : NULL;
	size_t first;

	*ret = (struct cpu_use){0};
	span = span > CPU_WINDOW_MIN ? span : CPU_WINDOW_MIN;
	if (!last || usec_sub(now, last->taken) > (span < CPU_AGE_MAX ? span : CPU_AGE_MAX))
		return;
	/* Collecting garbage takes half a second now and then: much over a minute, not in each part
	 * of one. */
	if (last->n == 0)
		span = usec_clamp(span / 2, CPU_WINDOW_MIN, CPU_AGE_MAX);
	first = begin_window(s, since, span);
	if (first == s->n)
		return;
	ret->first = first;
	ret->window = last->taken - s->samples[first].taken;
	if (last->n > 0 && s->samples[first].n > 0)
		use_processes(s, first, ret->window >= cpu_window_needed(span), ret);
	else
		use_sums(s, first, ret);
}

usec_t cpu_series_worked(const struct cpu_series *s, const struct cpu_use *u, size_t n)
{
	size_t i;

	if (u->window == 0 || !u->per_process)
		return 0;
	i = cpu_work_last(s, u->first, cpu_work_tick(s, u->first), n, false);
	return i > u->first ? s->samples[i].taken : 0;
}

double cpu_series_least(const struct cpu_series *s, usec_t since, usec_t span)
{
	double least = -1;

	for (size_t a = 0; a < s->n; a++) {
		size_t b = a;
		double rate;

		if (s->samples[a].taken < since ||
			s->samples[s->n - 1].taken - s->samples[a].taken > span)
			continue;
		while (b < s->n && s->samples[b].taken - s->samples[a].taken < CPU_WINDOW_MIN)
			b++;
		if (b == s->n)
			break;
		/* A sum that falls hides what was used. */
		if (s->samples[b].total < s->samples[a].total)
			continue;
		rate = seconds(s->samples[b].total - s->samples[a].total) /
		       seconds(s->samples[b].taken - s->samples[a].taken);
		least = least < 0 || rate < least ? rate : least;
	}
	return least;
}
