/* SPDX-License-Identifier: Apache-2.0
 * Tasks are left and none is active: no resources, or barrier slots that never come together. */
#include <inttypes.h>
#include <stdio.h>

#include "core/detect/check.h"

static bool starved_holds(const struct stage_history *h, const struct rule *rule, usec_t now,
	struct verdict_detail *e)
{
	usec_t waiting = usec_sub(now, h->inactive_start);

	if (h->last.n_active != 0 || h->last.n_complete >= h->last.n_tasks ||
		waiting < rule->starved_after)
		return false;
	e->verdict = VERDICT_STARVED;
	e->since = h->inactive_start;
	e->lasting = waiting;
	e->threshold = rule->starved_after;
	e->limit = "starved_after";
	e->reason = "no task is active";
	e->hint = (struct cause_hint){.cause = CAUSE_NO_RESOURCES};
	(void)snprintf(e->hint.because, sizeof(e->hint.because),
		"%" PRId64 " tasks wait for a slot", h->last.n_tasks - h->last.n_complete);
	return true;
}

const struct stage_check check_starved = {.name = "starved", .holds = starved_holds};
