/* SPDX-License-Identifier: Apache-2.0
 * CPU time of an executor's processes: rates per process over a window, and what comes and goes.
 *
 * Rates are per process, because the sum over a tree falls when a worker ends. A process that came
 * and went between two looks shows as the reaped time of its parent. Where that is unknown, a
 * process that vanished without having been seen idle counts as work. Between the limits of idle
 * and busy, CPU says nothing. */
#include "core/detect/cpu.h"

#include <stdlib.h>
#include <string.h>

/* CPU seconds a second. A tree or JVM with nothing to do still beats its heart and collects its
 * garbage; a Python worker with nothing to do does nothing. */
#define JVM_IDLE_MAX 0.02
#define JVM_BUSY_MIN 0.05
#define WORKER_IDLE_MAX 0.0015
#define WORKER_BUSY_MIN 0.003
/* Between two looks, where a clock tick more or less is much; and of what is left of sums. */
#define LEFT_IDLE_MAX 0.004
#define CHURN_MIN 0.01
#define TREE_IDLE_MAX 0.01
#define TREE_BUSY_MIN 0.035
/* A driver schedules, and answers who watches it. */
#define DRIVER_IDLE_MAX 0.05
#define DRIVER_BUSY_MIN 0.1
#define DRIVER_TREE_BUSY_MIN 0.07

static void sample_clear(struct cpu_sample *s)
{
	free(s->items);
	*s = (struct cpu_sample){0};
}

void cpu_series_clear(struct cpu_series *s)
{
	for (size_t i = 0; i < s->n; i++)
		sample_clear(&s->samples[i]);
	s->n = 0;
}

void cpu_series_shift(struct cpu_series *s, usec_t by)
{
	for (size_t i = 0; i < s->n; i++)
		s->samples[i].taken += by;
}

static usec_t total_of(const struct process_tree *t)
{
	usec_t sum = 0;

	for (size_t i = 0; i < t->n; i++)
		sum += t->items[i].cpu + t->items[i].reaped;
	return t->n > 0 ? sum : t->cpu;
}

void cpu_series_add(struct cpu_series *s, struct process_tree *t, usec_t taken)
{
	if (s->n > 0 && s->samples[s->n - 1].pid != t->pid)
		cpu_series_clear(s);
	if (s->n > 0 && taken <= s->samples[s->n - 1].taken)
		return;
	if (s->n == CPU_SAMPLES) {
		sample_clear(&s->samples[0]);
		memmove(&s->samples[0], &s->samples[1], (CPU_SAMPLES - 1) * sizeof(*s->samples));
		s->n--;
	}
	s->samples[s->n++] = (struct cpu_sample){
		.taken = taken,
		.pid = t->pid,
		.total = total_of(t),
		.items = TAKE_PTR(t->items),
		.n = t->n,
	};
	t->n = 0;
}

static const struct process_obs *find(const struct cpu_sample *s, int64_t pid)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].pid == pid)
			return &s->items[i];
	return NULL;
}

static enum cpu_state state_of(double rate, double idle_max, double busy_min)
{
	if (rate <= idle_max)
		return CPU_IDLE;
	return rate >= busy_min ? CPU_BUSY : CPU_UNKNOWN;
}

static double seconds(usec_t t)
{
	return (double)t / USEC_PER_SEC;
}

/* A process of sample i that the next one lacks: did it leave without having worked? Where its
 * parent tells the time of its dead children, that is known from the sums; else only of one that
 * was seen twice, doing nothing in between. */
static bool left_idle(const struct cpu_series *s, size_t i, const struct process_obs *p)
{
	const struct process_obs *before = i > 0 ? find(&s->samples[i - 1], p->pid) : NULL;
	double took = i > 0 ? seconds(s->samples[i].taken - s->samples[i - 1].taken) : 0;

	return before && took > 0 && seconds(usec_sub(p->cpu, before->cpu)) / took <= LEFT_IDLE_MAX;
}

static bool left_working(const struct cpu_series *s, size_t first)
{
	for (size_t i = first; i + 1 < s->n; i++)
		for (size_t k = 0; k < s->samples[i].n; k++) {
			const struct process_obs *p = &s->samples[i].items[k];

			if (!find(&s->samples[i + 1], p->pid) && !left_idle(s, i, p))
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

static void use_jvm(const struct cpu_series *s, double rate, struct cpu_use *u)
{
	u->jvm = s->driver ? state_of(rate, DRIVER_IDLE_MAX, DRIVER_BUSY_MIN)
			   : state_of(rate, JVM_IDLE_MAX, JVM_BUSY_MIN);
	u->unsure = rate > JVM_IDLE_MAX;
	u->stopped = rate <= 0;
}

/* Fills what needs the list of processes. */
static void use_processes(const struct cpu_series *s, size_t first, struct cpu_use *u)
{
	const struct cpu_sample *a = &s->samples[first];
	const struct cpu_sample *b = &s->samples[s->n - 1];
	double span = seconds(b->taken - a->taken);
	usec_t own = 0;
	double churn;

	u->per_process = true;
	for (size_t i = 0; i < b->n; i++) {
		const struct process_obs *p = &b->items[i];
		const struct process_obs *old = find(a, p->pid);
		usec_t used = usec_sub(p->cpu, old ? old->cpu : 0);
		double rate = seconds(used) / span;

		own += used;
		if (p->pid == b->pid)
			use_jvm(s, rate, u);
		else if (rate >= WORKER_BUSY_MIN)
			u->n_busy++;
		else if (rate > WORKER_IDLE_MAX)
			u->n_unclear++;
		else
			u->n_idle++;
	}
	/* What the sums have beyond the living was used by those that came and went. */
	churn = seconds(usec_sub(usec_sub(b->total, a->total), own)) / span;
	u->churn = churn >= CHURN_MIN;
	if (!u->churn && !knows_reaped(b))
		u->churn = left_working(s, first);
	u->rate = seconds(own) / span + churn;
	if (u->jvm == CPU_BUSY || u->n_busy > 0 || u->churn)
		u->tree = CPU_BUSY;
	else if (u->jvm == CPU_IDLE && u->n_unclear == 0)
		u->tree = CPU_IDLE;
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
	u->stopped = rises == 0 && !fell && s->samples[first].pid > 0;
}

void cpu_series_use(
	const struct cpu_series *s, usec_t now, usec_t since, usec_t span, struct cpu_use *ret)
{
	const struct cpu_sample *last = s->n > 0 ? &s->samples[s->n - 1] : NULL;
	size_t first = s->n;

	*ret = (struct cpu_use){0};
	span = usec_clamp(span, CPU_WINDOW_MIN, CPU_WINDOW_MAX);
	if (!last || usec_sub(now, last->taken) > span)
		return;
	while (first > 0 && s->samples[first - 1].taken >= since &&
		last->taken - s->samples[first - 1].taken <= span)
		first--;
	if (first == s->n)
		return;
	/* The grid of looks may miss the span by a little: one look more. */
	if (first > 0 && last->taken - s->samples[first].taken < CPU_WINDOW_MIN &&
		s->samples[first - 1].taken >= since)
		first--;
	if (last->taken - s->samples[first].taken < CPU_WINDOW_MIN)
		return;
	ret->window = last->taken - s->samples[first].taken;
	if (last->n > 0 && s->samples[first].n > 0)
		use_processes(s, first, ret);
	else
		use_sums(s, first, ret);
}
