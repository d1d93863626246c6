/* SPDX-License-Identifier: Apache-2.0
 * What an app asks of its rule, by its own properties spark.stagewatch.*: whoever runs a job sets
 * them beside its other properties. They are a stranger's text: each counts only where the rule's
 * owner_may names it, and within the rule's bounds. Whatever does not count has its reason. */
#pragma once

#include <stdbool.h>

#include "core/facts/rule.h"

#define APP_WISH_PREFIX "spark.stagewatch."

struct app_wish {
	const char *property; /* "spark.stagewatch.hung_after=30min"; NULL: nothing is asked */
	bool holds;
	char why[160]; /* why it does not; "" where it does */
};

struct app_wishes {
	struct app_wish items[WISH_MAX];
	struct rule rule; /* with what holds; its texts are those of the rule it is made of */
};

/* Whether a property ("key=value") is of this kind. */
bool app_wish_is(const char *property);
/* Whether any of the properties ("key=value") is of this kind. */
bool app_wishes_any(const struct strlist *properties);

/* The rule that holds for an app with these properties. rules: for the receivers there are. What is
 * borrowed: texts of the properties and of the rule. Returns &ret->rule. */
const struct rule *app_wishes_apply(const struct strlist *properties, const struct rule *rule,
	const struct rule_list *rules, struct app_wishes *ret);

/* Whether a receiver is one of those that the app names. */
bool app_wishes_tell(const struct rule *rule, const char *receiver);
