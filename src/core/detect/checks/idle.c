/* SPDX-License-Identifier: Apache-2.0
 * No stage and no job: the driver works by itself (toPandas, a model's fit), hangs, or never exits.
 */
#include "core/detect/check.h"

/* Of its usual interval: a streaming query that has begun no batch for so long is worth a word. */
#define USUAL_GAPS 10

/* What lies between two batches as a rule. 0: not known. */
static usec_t usual_gap(const struct app_history *a)
{
	if (app_history_receives(a))
		return a->evidence.batches.interval;
	if (a->activity_gaps[1] == 0)
		return 0;
	return a->activity_gaps[0] > a->activity_gaps[1] ? a->activity_gaps[0]
							 : a->activity_gaps[1];
}

static bool streams(const struct app_history *a)
{
	return a->evidence.streams || app_history_receives(a);
}

/* Between two batches a stream waits by design. Where its interval is not known, there is nothing
 * to hold it against. */
static bool waits_for_batch(const struct app_history *a, usec_t idle)
{
	usec_t usual = usual_gap(a);

	return streams(a) && (usual == 0 || idle < USUAL_GAPS * usual);
}

/* Batches of a streaming context have no job where no data came: for how long none has ended is
 * known as of the last look at their number. */
static usec_t idle_time(const struct app_history *a, usec_t now)
{
	return usec_sub(app_history_receives(a) ? a->evidence.batches_taken : now, a->idle_start);
}

static bool idle_holds(
	const struct app_history *a, const struct rule *rule, usec_t now, struct verdict_detail *e)
{
	usec_t idle;

	if (a->idle_start == 0 || a->no_answer_start > 0)
		return false;
	idle = idle_time(a, now);
	if (idle < rule->idle_after)
		return false;
	/* A server waits for queries by design. */
	if (app_is_shared(&a->info, &a->properties) || waits_for_batch(a, idle))
		return false;
	e->verdict = VERDICT_IDLE;
	e->since = a->idle_start;
	e->lasting = idle;
	e->threshold = rule->idle_after;
	e->limit = "idle_after";
	e->reason = !streams(a)               ? "no active stage or job"
		    : app_history_receives(a) ? "streaming, and no batch ended"
					      : "streaming, and no batch began";
	if (a->evidence.driver && a->evidence.driver->taken >= a->idle_start)
		e->hint = a->evidence.driver->stands;
	if (a->evidence.query_taken >= a->idle_start)
		cause_add_query(&e->hint, &a->evidence.query);
	return true;
}

const struct app_check check_idle = {.name = "idle", .holds = idle_holds};
