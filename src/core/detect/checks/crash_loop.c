/* SPDX-License-Identifier: Apache-2.0
 * Tasks fail and are tried again, and none completes. */
#include "core/detect/check.h"

/* Spark gives a task four tries (spark.task.maxFailures). One lost executor fails all its tasks at
 * once and is no loop: the rises must be at least two. */
#define FAILURES_MIN 4
#define RISES_MIN 2
/* Of hung_after: a driver that was away, or lost some executors, tells of it in a few polls. */
#define SPREAD 4

static bool crash_loop_holds(const struct stage_history *h, const struct rule *rule, usec_t now,
	struct verdict_detail *e)
{
	usec_t fruitless = usec_sub(now, h->completed);

	if (h->failed_since < FAILURES_MIN || h->failed_rises < RISES_MIN ||
		fruitless < rule->hung_after)
		return false;
	if (h->failed_spread < rule->hung_after / SPREAD)
		return false;
	/* They have ceased to fail: whatever it is now, it is not a loop any more. */
	if (usec_sub(now, h->failed_last) >= rule->hung_after)
		return false;
	e->verdict = VERDICT_CRASH_LOOP;
	e->since = h->completed;
	e->lasting = fruitless;
	e->threshold = rule->hung_after;
	e->limit = "hung_after";
	e->n_failed = h->failed_since;
	e->reason = "no task completed";
	return true;
}

const struct stage_check check_crash_loop = {.name = "crash_loop", .holds = crash_loop_holds};
