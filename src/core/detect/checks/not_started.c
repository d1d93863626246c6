/* SPDX-License-Identifier: Apache-2.0
 * Submitted, and nothing of it was ever started: no node has room for its driver, its image cannot
 * be pulled, its queue is full. */
#include <stdio.h>

#include "core/detect/check.h"

/* A stage without a task is starved by itself. While its cluster manager says nothing, it may have
 * been started. */
static bool not_started_holds(
	const struct app_history *a, const struct rule *rule, usec_t now, struct verdict_detail *e)
{
	usec_t waiting = usec_sub(a->waits_seen, a->waits_start);

	(void)now;
	if (a->waits_start == 0 || a->n_stages > 0 || waiting < rule->starved_after)
		return false;
	e->verdict = VERDICT_NOT_STARTED;
	e->since = a->waits_start;
	e->lasting = waiting;
	e->threshold = rule->starved_after;
	e->limit = "starved_after";
	e->reason = "submitted, and nothing of it was started";
	(void)snprintf(e->hint.because, sizeof(e->hint.because), "%s", a->waits ? a->waits : "");
	return true;
}

const struct app_check check_not_started = {.name = "not_started", .holds = not_started_holds};
