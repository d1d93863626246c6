/* SPDX-License-Identifier: Apache-2.0
 * Objections to acting, in the order in which a person would want to hear them. */
#include <errno.h>
#include <stdlib.h>

#include "core/policy.h"

/* Two live apps of one task instance: one of them may be the new try, or a helper of the first.
 * Where any of them is well, failing the task would kill what is well. */
static bool has_healthy_sibling(const struct policy_question *q)
{
	for (size_t i = 0; i < detector_n_apps(q->detector); i++) {
		const struct app_history *other = detector_app_at(q->detector, i);
		bool hung = false;

		if (other == q->app || !owner_known(&other->owner) ||
			!owner_same_task(&other->owner, &q->app->owner))
			continue;
		for (size_t k = 0; k < other->n_stages; k++)
			hung = hung || (other->no_answer_start == 0 &&
					       other->stages[k].verdict == VERDICT_HUNG);
		if (!hung)
			return true;
	}
	return false;
}

static uint64_t retries_of(const struct budgets *b, const struct owner *o)
{
	for (size_t i = 0; i < b->n; i++)
		if (owner_same_task(&b->items[i].owner, o))
			return b->items[i].retries;
	return 0;
}

const char *policy_objection(const struct policy_question *q)
{
	const struct owner *o = &q->app->owner;

	if (!q->has_airflow)
		return "no [airflow] is configured for it";
	if (!owner_known(o))
		return "its owner in Airflow is not known (no spark.airflow.* properties)";
	if (o->try_number <= 0)
		return "the app does not say which try of its task started it";
	if (q->app->no_answer_start > 0)
		return "its driver does not answer at present";
	if (q->app_busy)
		return "an action on this app or its task instance is under way";
	if (has_healthy_sibling(q))
		return "the task instance has another live app that is not hung";
	if (q->rule->action == RULE_ACTION_RETRY &&
		retries_of(q->budgets, o) >= q->rule->max_retries)
		return "max_retries of its task instance are used up";
	if (!q->airflow_known)
		return "Airflow has not answered yet";
	/* Its clear takes no map index, so failed siblings would be cleared as well. */
	if (q->rule->action == RULE_ACTION_RETRY && q->airflow_2 && o->map_index >= 0)
		return "Airflow 2 cannot clear one index of a mapped task";
	return NULL;
}

int budgets_count_retry(struct budgets *b, const struct owner *o)
{
	struct task_budget *items;
	int r;

	for (size_t i = 0; i < b->n; i++)
		if (owner_same_task(&b->items[i].owner, o)) {
			b->items[i].retries++;
			return 0;
		}
	items = reallocarray(b->items, b->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	b->items = items;
	items[b->n] = (struct task_budget){.retries = 1};
	r = owner_copy(o, &items[b->n].owner);
	if (r < 0)
		return r;
	b->n++;
	return 0;
}

void budgets_clear(struct budgets *b)
{
	for (size_t i = 0; i < b->n; i++)
		owner_clear(&b->items[i].owner);
	free(b->items);
	*b = (struct budgets){0};
}
