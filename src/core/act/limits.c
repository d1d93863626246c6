/* SPDX-License-Identifier: Apache-2.0
 * The keys of [limits] and the log of actions. */
#include "core/act/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static const char *const resets[] = {
	[STORM_RESET_AUTO] = "auto",
	[STORM_RESET_MANUAL] = "manual",
	NULL,
};
_Static_assert(ELEMENTSOF(resets) == STORM_RESET_MAX + 1, "a name per way");

const struct param_def limit_params[] = {
	{.name = "actions_per_hour",
		.type = PARAM_U64,
		.offset = offsetof(struct limit_params, actions_per_hour),
		.fallback = "6",
		.min = 1,
		.max = 10000,
		.help = "actions within an hour, by all rules together, at most"},
	{.name = "storm_threshold",
		.type = PARAM_U64,
		.offset = offsetof(struct limit_params, storm_threshold),
		.fallback = "5",
		.max = BREAKER_MAX_APPS,
		.help = "so many apps hung within storm_window are an outage of something else: "
			"the "
			"breaker opens, and nothing is begun; 0: no such limit"},
	{.name = "storm_share",
		.type = PARAM_U64,
		.offset = offsetof(struct limit_params, storm_share),
		.fallback = "50",
		.max = 100,
		.help = "the same where so many per cent of all apps, three at least, are suspect "
			"or "
			"hung; 0: no such limit"},
	{.name = "storm_window",
		.type = PARAM_DURATION,
		.offset = offsetof(struct limit_params, storm_window),
		.fallback = "15min",
		.min = USEC_PER_SEC,
		.max = 24 * USEC_PER_HOUR,
		.help = "see storm_threshold; the breaker closes by itself when the storm was over "
			"for so long"},
	{.name = "storm_reset",
		.type = PARAM_ENUM,
		.offset = offsetof(struct limit_params, storm_reset),
		.choices = resets,
		.fallback = "auto",
		.help = "manual: the breaker stays open until stagewatchctl resume"},
	{.name = "settle",
		.type = PARAM_DURATION,
		.offset = offsetof(struct limit_params, settle),
		.fallback = "5min",
		.max = 24 * USEC_PER_HOUR,
		.help = "nothing is begun for so long after a start, and after a gap in polling"},
};
const size_t n_limit_params = ELEMENTSOF(limit_params);

static void past_action_clear(struct past_action *a)
{
	action_target_clear(&a->target);
	owner_clear(&a->owner);
}

int action_log_add(struct action_log *l, const struct past_action *a)
{
	struct past_action *items = array_room(l->items, l->n, sizeof(*items));
	struct past_action copy = {.at = a->at, .action = a->action};
	int r;

	if (!items)
		return -ENOMEM;
	l->items = items;
	r = action_target_copy(&a->target, &copy.target);
	if (r >= 0)
		r = owner_copy(&a->owner, &copy.owner);
	if (r < 0) {
		past_action_clear(&copy);
		return r;
	}
	items[l->n++] = copy;
	return 0;
}

void action_log_drop(struct action_log *l, const struct owner *o)
{
	for (size_t i = l->n; i-- > 0;) {
		struct past_action *a = &l->items[i];

		if (!owner_same_task(&a->owner, o) || a->owner.try_number != o->try_number)
			continue;
		past_action_clear(a);
		memmove(a, a + 1, (l->n - i - 1) * sizeof(*a));
		l->n--;
		return;
	}
}

void action_log_prune(struct action_log *l, int64_t before)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].at < before)
			past_action_clear(&l->items[i]);
		else
			l->items[kept++] = l->items[i];
	l->n = kept;
}

void action_log_clear(struct action_log *l)
{
	for (size_t i = 0; i < l->n; i++)
		past_action_clear(&l->items[i]);
	free(l->items);
	*l = (struct action_log){0};
}

uint64_t action_log_retries(const struct action_log *l, const struct owner *o)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->items[i].action == RULE_ACTION_RETRY &&
		     owner_same_task(&l->items[i].owner, o);
	return n;
}

bool action_log_has_try(const struct action_log *l, const struct owner *o)
{
	for (size_t i = 0; i < l->n; i++)
		if (owner_same_task(&l->items[i].owner, o) &&
			l->items[i].owner.try_number == o->try_number)
			return true;
	return false;
}

uint64_t action_log_last_hour(const struct action_log *l, const char *rule, usec_t now)
{
	int64_t since = (int64_t)now - (int64_t)USEC_PER_HOUR;
	uint64_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->items[i].at > since && (!rule || str_equal(rule, l->items[i].target.rule));
	return n;
}

bool action_log_last(const struct action_log *l, const struct owner *o, const char *cluster,
	const char *app_name, int64_t *ret)
{
	int64_t last = 0;
	bool found = false;

	for (size_t i = 0; i < l->n; i++) {
		const struct past_action *a = &l->items[i];
		bool same_task = str_equal(a->owner.dag_id, o->dag_id) &&
				 str_equal(a->owner.task_id, o->task_id);
		bool same_app = app_name && str_equal(a->target.app_name, app_name) &&
				str_equal(a->target.cluster, cluster);

		if (!(same_task || same_app) || (found && a->at <= last))
			continue;
		last = a->at;
		found = true;
	}
	if (found)
		*ret = last;
	return found;
}
