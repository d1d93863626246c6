/* SPDX-License-Identifier: Apache-2.0
 * The checks, one per way a stage or an app goes wrong: each looks at a history, a rule and the
 * time, and says a verdict or none. Pure: the same input gives the same answer. A new check is one
 * file in src/core/checks, one row in a table of detector.c, its scenarios, and its entry in the
 * man page. */
#pragma once

#include "core/detect/history.h"
#include "core/facts/rule.h"

struct stage_check {
	const char *name;
	/* Fills *e (verdict, since, lasting, threshold, limit, reason, missing) and returns true
	 * where the check holds; else leaves *e alone. */
	bool (*holds)(const struct stage_history *h, const struct rule *rule, usec_t now,
		struct verdict_detail *e);
};

struct app_check {
	const char *name;
	bool (*holds)(const struct app_history *a, const struct rule *rule, usec_t now,
		struct verdict_detail *e);
};

extern const struct stage_check check_phantom;
extern const struct stage_check check_crash_loop;
extern const struct stage_check check_starved;
extern const struct stage_check check_no_progress;
extern const struct app_check check_unobservable;
extern const struct app_check check_not_started;
extern const struct app_check check_idle;
