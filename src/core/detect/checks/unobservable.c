/* SPDX-License-Identifier: Apache-2.0
 * The driver does not answer, or not as a driver does. What it does is unknown, and unknown is
 * never hung. */
#include <stdio.h>

#include "core/detect/check.h"

static bool unobservable_holds(
	const struct app_history *a, const struct rule *rule, usec_t now, struct verdict_detail *e)
{
	usec_t start = a->no_answer_start > 0 ? a->no_answer_start : a->missing_start;
	const char *why = a->no_answer_start > 0 ? a->no_answer : a->missing;
	usec_t lasting = usec_sub(now, start);

	if (start == 0 || lasting < rule->unobservable_after)
		return false;
	e->verdict = VERDICT_UNOBSERVABLE;
	e->since = a->observed > 0 ? a->observed : a->first_seen;
	e->lasting = lasting;
	e->threshold = rule->unobservable_after;
	e->limit = "unobservable_after";
	e->reason = "no usable answer from the driver";
	(void)snprintf(e->hint.because, sizeof(e->hint.because), "%s", why ? why : "");
	if (a->no_answer_start == 0) {
		e->since = start;
		e->reason = "what it takes to judge it is not known";
	}
	return true;
}

const struct app_check check_unobservable = {.name = "unobservable", .holds = unobservable_holds};
