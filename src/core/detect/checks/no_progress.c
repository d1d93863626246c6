/* SPDX-License-Identifier: Apache-2.0
 * Tasks run and nothing moves: suspect, then hung; they work but do not end: slow. */
#include "core/detect/check.h"
#include "core/detect/decision.h"

/* Polls after which a driver that says nothing of its jobs is believed all the same. */
#define UNASKED_MAX 3

/* Active tasks that no executor knows of, or a stage of which no running job is known, are a matter
 * of doubt, not of proof: that of a phantom. Threads of the tasks are there whatever a list says.
 */
static bool counts_hold(const struct stage_history *h)
{
	const struct findings *f = h->findings;

	if (h->overcount_start > 0)
		return false;
	return h->job_running || h->unasked_polls >= UNASKED_MAX ||
	       (h->jobless_polls == 0 && f->has_threads && f->n_absent == 0);
}

static void fill(const struct findings *f, struct verdict_detail *e)
{
	e->missing = (f->has_tasks ? 0 : EVIDENCE_TASKS) | (f->has_threads ? 0 : EVIDENCE_THREADS) |
		     (f->has_cpu ? 0 : EVIDENCE_CPU) | (f->events_dropped ? EVIDENCE_EVENTS : 0);
	e->n_running = f->n_running;
	e->n_stalled = f->n_stalled;
	e->n_same = f->n_idle + f->n_still;
	e->n_working = f->n_working + f->n_may_work;
	e->n_frozen = f->n_frozen;
	e->n_dumps = f->n_dumps;
	e->cpu_rate = f->cpu_rate;
	e->cpu_window = f->cpu_window;
	e->cpu_container = f->cpu_container;
	e->n_never_ran = f->n_never_ran;
	e->n_ticked = f->n_ticked;
	e->n_ran = f->n_ran;
	e->hint = f->hint;
}

/* Half way to hung_after: not a verdict yet, but evidence is gathered. */
static bool half_way(const struct stage_history *h, const struct rule *rule, usec_t stalled,
	struct verdict_detail *e)
{
	if (stalled < rule->hung_after / 2)
		return false;
	e->verdict = VERDICT_SUSPECT;
	e->since = h->stall_start;
	e->lasting = stalled;
	e->threshold = rule->hung_after;
	e->limit = "hung_after";
	e->reason = "without progress";
	fill(h->findings, e);
	return true;
}

static bool is_slow(const struct stage_history *h, const struct rule *rule, usec_t now,
	struct verdict_detail *e)
{
	usec_t on_tasks =
		usec_sub(now, h->completed > h->active_start ? h->completed : h->active_start);

	if (on_tasks < rule->hung_after)
		return false;
	e->verdict = VERDICT_SLOW;
	e->since = h->stall_start;
	e->lasting = on_tasks;
	e->threshold = rule->hung_after;
	e->limit = "hung_after";
	e->reason = "counters move, no task completed";
	fill(h->findings, e);
	return true;
}

/* What was proven is not undone by a burst of CPU that says nothing, or a dump that is late: only
 * by something that moves or works. */
static bool stays_hung(const struct stage_history *h, const struct rule *rule, usec_t stalled)
{
	const struct findings *f = h->findings;

	return h->verdict == VERDICT_HUNG && stalled >= rule->hung_after &&
	       f->n_working + f->n_may_work == 0 && f->n_absent == 0 &&
	       f->n_stalled == f->n_running && !f->events_dropped;
}

/* Flat for hung_after: the stage as a whole, or some of its tasks. */
static bool judge_stalled(const struct stage_history *h, const struct rule *rule, usec_t stalled,
	struct verdict_detail *e)
{
	const struct findings *f = h->findings;
	struct decision d;

	if (stalled < rule->hung_after && f->n_stalled == 0)
		return false;
	decide(f, rule, stalled, &d);
	if (d.verdict == VERDICT_PROGRESSING)
		return false;
	e->verdict = d.verdict;
	if (d.verdict == VERDICT_SUSPECT && stays_hung(h, rule, stalled))
		e->verdict = VERDICT_HUNG;
	if (e->verdict == VERDICT_HUNG && !counts_hold(h))
		e->verdict = VERDICT_SUSPECT;
	/* It may be that the evidence is to be had. */
	if (e->verdict == VERDICT_HUNG && h->verdict != VERDICT_HUNG && f->gathering)
		e->verdict = VERDICT_SUSPECT;
	e->lasting = f->has_tasks && f->longest > stalled ? f->longest : stalled;
	e->since = h->stall_start;
	e->threshold = d.limit > 0 ? d.limit : rule->hung_after;
	e->limit = d.limit > 0 ? d.limit_name : "hung_after";
	e->reason = d.reason;
	fill(f, e);
	return true;
}

static bool no_progress_holds(const struct stage_history *h, const struct rule *rule, usec_t now,
	struct verdict_detail *e)
{
	usec_t stalled = usec_sub(now, h->stall_start);

	/* A receiver never ends, and need not receive anything. */
	if (h->last.n_active <= 0 || h->last.receiver)
		return false;
	return judge_stalled(h, rule, stalled, e) || half_way(h, rule, stalled, e) ||
	       is_slow(h, rule, now, e);
}

const struct stage_check check_no_progress = {.name = "no_progress", .holds = no_progress_holds};
