/* SPDX-License-Identifier: Apache-2.0
 * The driver does not answer, or not as a driver does. What it does is unknown, and unknown is
 * never hung. */
#include "core/detect/check.h"

static bool unobservable_holds(
	const struct app_history *a, const struct rule *rule, usec_t now, struct verdict_detail *e)
{
	usec_t silent = usec_sub(now, a->no_answer_start);

	if (a->no_answer_start == 0 || silent < rule->unobservable_after)
		return false;
	e->verdict = VERDICT_UNOBSERVABLE;
	e->since = a->observed > 0 ? a->observed : a->first_seen;
	e->lasting = silent;
	e->threshold = rule->unobservable_after;
	e->limit = "unobservable_after";
	e->reason = "no usable answer from the driver";
	return true;
}

const struct app_check check_unobservable = {.name = "unobservable", .holds = unobservable_holds};
