/* SPDX-License-Identifier: Apache-2.0
 * No stage and no job: the driver works by itself (toPandas, a model's fit), hangs, or never exits.
 */
#include "core/detect/check.h"

/* Of its usual interval: a streaming query that has begun no batch for so long is worth a word. */
#define USUAL_GAPS 10

/* Between two batches a streaming query waits by design. Where its interval is not known, there is
 * nothing to hold it against. */
static bool waits_for_batch(const struct app_history *a, usec_t idle)
{
	usec_t usual = a->activity_gaps[0] > a->activity_gaps[1] ? a->activity_gaps[0]
								 : a->activity_gaps[1];

	if (!a->evidence.streams)
		return false;
	return a->activity_gaps[1] == 0 || idle < USUAL_GAPS * usual;
}

static bool idle_holds(
	const struct app_history *a, const struct rule *rule, usec_t now, struct verdict_detail *e)
{
	usec_t idle = usec_sub(now, a->idle_start);

	if (a->idle_start == 0 || a->no_answer_start > 0 || idle < rule->idle_after)
		return false;
	/* A server waits for queries by design. */
	if (app_is_shared(&a->info, &a->properties) || waits_for_batch(a, idle))
		return false;
	e->verdict = VERDICT_IDLE;
	e->since = a->idle_start;
	e->lasting = idle;
	e->threshold = rule->idle_after;
	e->limit = "idle_after";
	e->reason =
		a->evidence.streams ? "streaming, and no batch began" : "no active stage or job";
	if (a->evidence.driver_taken >= a->idle_start)
		e->hint = a->evidence.driver;
	if (a->evidence.query_taken >= a->idle_start)
		cause_add_query(&e->hint, &a->evidence.query);
	return true;
}

const struct app_check check_idle = {.name = "idle", .holds = idle_holds};
