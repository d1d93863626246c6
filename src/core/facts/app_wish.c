/* SPDX-License-Identifier: Apache-2.0
 * Reads what an app asks for, holds it against its rule, and makes the rule that holds for it. */
#include "core/facts/app_wish.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

#define OBSERVE "observe"

static void refuse(struct app_wish *w, const char *fmt, ...) _printf_(2, 3);

static void refuse(struct app_wish *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
}

bool app_wish_is(const char *property)
{
	return strncmp(property, APP_WISH_PREFIX, strlen(APP_WISH_PREFIX)) == 0;
}

bool app_wishes_any(const struct strlist *properties)
{
	for (size_t i = 0; i < properties->n; i++)
		if (app_wish_is(properties->items[i]))
			return true;
	return false;
}

static enum wish_key key_of(const char *property)
{
	const char *key = property + strlen(APP_WISH_PREFIX);
	size_t n = strcspn(key, "=");

	for (int k = 0; k < WISH_OTHER; k++) {
		const char *name = rule_wish_name((enum wish_key)k);

		if (strlen(name) == n && memcmp(name, key, n) == 0)
			return (enum wish_key)k;
	}
	return WISH_OTHER;
}

/* As hung_after= of a rule is read, but within the bounds for owners. The limit without proof keeps
 * its proportion to it. */
static void ask_hung_after(
	const char *value, const struct rule_list *rules, struct app_wish *w, struct rule *rule)
{
	double part = (double)rule->hung_after_unproven / (double)rule->hung_after;
	char low[32];
	char high[32];
	usec_t asked;

	(void)rules;
	if (parse_duration(value, &asked) < 0) {
		refuse(w, "not a duration such as 90s or 10min");
		return;
	}
	if (asked < rule->owner_hung_after_min || asked > rule->owner_hung_after_max) {
		refuse(w, "not from %s to %s (owner_hung_after_min, owner_hung_after_max)",
			format_duration(low, sizeof(low), rule->owner_hung_after_min),
			format_duration(high, sizeof(high), rule->owner_hung_after_max));
		return;
	}
	rule->hung_after_unproven = (usec_t)((double)asked * part);
	if (rule->hung_after_unproven < asked)
		rule->hung_after_unproven = asked;
	rule->hung_after = asked;
}

/* Never more than the rule does. To be observed is less than anything that is done. */
static void ask_action(
	const char *value, const struct rule_list *rules, struct app_wish *w, struct rule *rule)
{
	enum rule_action asked = RULE_ACTION_NONE;

	(void)rules;
	if (str_equal(value, OBSERVE)) {
		rule->mode = RULE_MODE_OBSERVE;
		return;
	}
	if (rule_action_from_name(value, &asked) < 0)
		refuse(w, "not one of none, notify, kill, retry, " OBSERVE);
	else if ((int)asked > rule->action)
		refuse(w, "more than action=%s of the rule",
			rule_action_name((enum rule_action)rule->action));
	else
		rule->action = (int)asked;
}

/* The next name of a list, and its length; NULL: no more. */
static const char *next_name(const char **list, size_t *ret_len)
{
	const char *name = *list + strspn(*list, ", \t");

	*ret_len = strcspn(name, ", \t");
	*list = name + *ret_len;
	return *ret_len > 0 ? name : NULL;
}

static const char *find_receiver(const struct rule_list *rules, const char *name, size_t n)
{
	for (size_t i = 0; i < rules->receivers.n; i++)
		if (strlen(rules->receivers.items[i]) == n &&
			memcmp(rules->receivers.items[i], name, n) == 0)
			return rules->receivers.items[i];
	return NULL;
}

static void ask_notify(
	const char *value, const struct rule_list *rules, struct app_wish *w, struct rule *rule)
{
	const char *list = value;
	const char *name;
	size_t n;

	while ((name = next_name(&list, &n))) {
		const char *receiver = find_receiver(rules, name, n);

		if (!receiver)
			refuse(w, "there is no [notify %.*s]", (int)(n < 64 ? n : 64), name);
		else if (!rule_glob_matches(rule->owner_notify, receiver))
			refuse(w, "owner_notify does not match %.64s", receiver);
		if (w->why[0] != '\0')
			return;
	}
	rule->told = value;
}

static void ask_ignore(
	const char *value, const struct rule_list *rules, struct app_wish *w, struct rule *rule)
{
	(void)rules;
	if (parse_bool(value, &rule->ignored) < 0)
		refuse(w, "neither yes nor no");
}

static void (*const asks[WISH_OTHER])(
	const char *value, const struct rule_list *rules, struct app_wish *w, struct rule *rule) = {
	[WISH_HUNG_AFTER] = ask_hung_after,
	[WISH_ACTION] = ask_action,
	[WISH_NOTIFY] = ask_notify,
	[WISH_IGNORE] = ask_ignore,
};

static void consider(
	enum wish_key k, const struct rule_list *rules, struct app_wish *w, struct rule *rule)
{
	if (k == WISH_OTHER)
		refuse(w, "no such key");
	else if (!(rule->may & (1U << k)))
		refuse(w, "owner_may of the rule does not name %s", rule_wish_name(k));
	else
		asks[k](strchr(w->property, '=') + 1, rules, w, rule);
	w->holds = w->why[0] == '\0';
}

const struct rule *app_wishes_apply(const struct strlist *properties, const struct rule *rule,
	const struct rule_list *rules, struct app_wishes *ret)
{
	*ret = (struct app_wishes){.rule = *rule};
	for (size_t i = 0; i < properties->n; i++) {
		const char *p = properties->items[i];
		enum wish_key k;

		if (!app_wish_is(p) || !strchr(p, '='))
			continue;
		k = key_of(p);
		/* The first, as everywhere: Spark names each key once. */
		if (ret->items[k].property)
			continue;
		ret->items[k].property = p;
		consider(k, rules, &ret->items[k], &ret->rule);
	}
	return &ret->rule;
}

bool app_wishes_tell(const struct rule *rule, const char *receiver)
{
	const char *list = rule->told ? rule->told : "";
	const char *name;
	size_t n;

	while ((name = next_name(&list, &n)))
		if (strlen(receiver) == n && memcmp(receiver, name, n) == 0)
			return true;
	return false;
}
