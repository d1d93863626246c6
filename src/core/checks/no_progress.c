/* SPDX-License-Identifier: Apache-2.0
 * Tasks run and nothing moves: suspect, then hung; things move but no task ends: slow. */
#include "core/check.h"

/* Counters alone are no proof: a Python task that computes and one that sleeps show the same over
 * REST. Until per-task counters, thread dumps and CPU seconds are gathered, all three are missing,
 * and hung waits for hung_after_unproven. */
#define EVIDENCE_ALL (EVIDENCE_TASKS | EVIDENCE_THREADS | EVIDENCE_CPU)

/* Polls after which a driver that says nothing of its jobs is believed all the same. */
#define UNASKED_MAX 3

/* Active tasks that no executor knows of, or a stage of which no running job is known, are a matter
 * of doubt, not of proof: that of a phantom. */
static bool counts_hold(const struct stage_history *h)
{
	return h->overcount_start == 0 && (h->vouched || h->unasked_polls >= UNASKED_MAX);
}

static bool no_progress_holds(
	const struct stage_history *h, const struct rule *rule, usec_t now, struct evidence *e)
{
	usec_t stalled = usec_sub(now, h->stall_start);
	usec_t on_tasks =
		usec_sub(now, h->completed > h->active_start ? h->completed : h->active_start);

	if (h->last.n_active <= 0)
		return false;
	if (stalled >= rule->hung_after / 2) {
		bool hung = stalled >= rule->hung_after_unproven && counts_hold(h);

		e->verdict = hung ? VERDICT_HUNG : VERDICT_SUSPECT;
		e->since = h->stall_start;
		e->lasting = stalled;
		e->threshold =
			stalled >= rule->hung_after ? rule->hung_after_unproven : rule->hung_after;
		e->limit = stalled >= rule->hung_after ? "hung_after_unproven" : "hung_after";
		e->missing = EVIDENCE_ALL;
		e->reason = "without progress";
		return true;
	}
	if (on_tasks >= rule->hung_after) {
		e->verdict = VERDICT_SLOW;
		e->since = h->stall_start;
		e->lasting = on_tasks;
		e->threshold = rule->hung_after;
		e->limit = "hung_after";
		e->missing = EVIDENCE_ALL;
		e->reason = "counters move, no task completed";
		return true;
	}
	return false;
}

const struct stage_check check_no_progress = {.name = "no_progress", .holds = no_progress_holds};
