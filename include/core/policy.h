/* SPDX-License-Identifier: Apache-2.0
 * Whether a hung stage is to be acted on now. The one place that decides; budgets and limits belong
 * here. */
#pragma once

#include <stdbool.h>

#include "core/detector.h"
#include "core/remedy.h"

/* What was done to a task instance since the daemon started. */
struct task_budget {
	struct owner owner; /* whatever the try */
	uint64_t retries;
};

struct budgets {
	struct task_budget *items;
	size_t n;
};

struct policy_question {
	const struct rule *rule;
	const struct app_history *app;
	const struct detector *detector; /* the other apps */
	const struct budgets *budgets;
	bool has_airflow;   /* one is configured for the rule */
	bool airflow_known; /* it has answered, so that its API is known */
	bool airflow_2;     /* it speaks /api/v1 */
	bool app_busy;      /* an action on this app or its task instance is under way */
};

/* NULL: act. Else why not: one clause, static. */
const char *policy_objection(const struct policy_question *q);

int budgets_count_retry(struct budgets *b, const struct owner *o);
void budgets_clear(struct budgets *b);
