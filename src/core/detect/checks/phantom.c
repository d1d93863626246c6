/* SPDX-License-Identifier: Apache-2.0
 * A stage that only seems active: the listener lost events, so its counts are not the truth. */
#include "core/detect/check.h"

/* The lists of stages and of jobs are two answers: a job may end between them once, not twice. */
#define JOBLESS_POLLS 2

static bool phantom_holds(const struct stage_history *h, const struct rule *rule, usec_t now,
	struct verdict_detail *e)
{
	usec_t over = h->overcount_start > 0 ? h->overcount_last - h->overcount_start : 0;

	if (h->last.n_active < 0) {
		e->reason = "a negative number of active tasks";
	} else if (h->jobless_polls >= JOBLESS_POLLS) {
		e->reason = "listed as active, its job does not run,";
	} else if (h->overcount_start > 0 && over >= rule->hung_after / 2) {
		e->reason = "more active tasks than all executors have";
		e->threshold = rule->hung_after / 2;
	} else {
		return false;
	}
	e->verdict = VERDICT_PHANTOM;
	e->since = h->stall_start;
	e->lasting = over > 0 ? over : usec_sub(now, h->stall_start);
	return true;
}

const struct stage_check check_phantom = {.name = "phantom", .holds = phantom_holds};
