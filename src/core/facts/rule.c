/* SPDX-License-Identifier: Apache-2.0
 * Rules: their keys, their cross-checks, and which one holds for an app. */
#include <errno.h>
#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#include "core/facts/rule.h"

static const char *const actions[] = {
	[RULE_ACTION_NONE] = "none",
	[RULE_ACTION_NOTIFY] = "notify",
	[RULE_ACTION_KILL] = "kill",
	[RULE_ACTION_RETRY] = "retry",
	NULL,
};
_Static_assert(ELEMENTSOF(actions) == RULE_ACTION_MAX + 1, "a name per action");

static const char *const modes[] = {
	[RULE_MODE_INHERIT] = "inherit",
	[RULE_MODE_OBSERVE] = "observe",
	[RULE_MODE_ACT] = "act",
	NULL,
};

static const char *const vias[] = {
	[RETRY_VIA_AUTO] = "auto",
	[RETRY_VIA_CLEAR] = "clear",
	[RETRY_VIA_AIRFLOW] = "airflow",
	[RETRY_VIA_RESTART] = "restart",
	NULL,
};
_Static_assert(ELEMENTSOF(vias) == RETRY_VIA_MAX + 1, "a name per way");

static const char *const owner_vias[] = {
	[RULE_OWNER_STATED] = "stated",
	[RULE_OWNER_LABELS] = "labels",
	[RULE_OWNER_OPENLINEAGE] = "openlineage",
	[RULE_OWNER_ALL] = "all",
	NULL,
};
_Static_assert(ELEMENTSOF(owner_vias) == RULE_OWNER_MAX + 1, "a name per way");

static const char *const on_failure_words[] = {
	[ON_FAILURE_TASKS_REFUSE] = "refuse",
	[ON_FAILURE_TASKS_RUN] = "run",
	NULL,
};
_Static_assert(ELEMENTSOF(on_failure_words) == ON_FAILURE_TASKS_MAX + 1, "a name each");

static const char *const wish_words[WISH_MAX] = {
	[WISH_HUNG_AFTER] = "hung_after",
	[WISH_ACTION] = "action",
	[WISH_NOTIFY] = "notify",
	[WISH_IGNORE] = "ignore",
};

/* A limit below a second would call a poll's jitter a hang. */
#define LIMIT_MIN USEC_PER_SEC

#define GLOB(field, text)                                                                          \
	{                                                                                          \
		.name = #field, .type = PARAM_STRING, .offset = offsetof(struct rule, field),      \
		.help = text                                                                       \
	}
#define LIMIT(field, value, text)                                                                  \
	{                                                                                          \
		.name = #field, .type = PARAM_DURATION, .offset = offsetof(struct rule, field),    \
		.fallback = value, .min = LIMIT_MIN, .max = RULE_LIMIT_MAX, .help = text           \
	}

const struct param_def rule_params[] = {
	GLOB(app, "glob on the app's name"),
	GLOB(user, "glob on the user who runs the app"),
	GLOB(cluster, "glob on the NAME of [spark NAME]"),
	GLOB(dag, "glob on the owner's dag_id; an unknown owner matches none"),
	GLOB(task, "glob on the owner's task_id; an unknown owner matches none"),
	LIMIT(hung_after, "10min", "no progress for so long, and the evidence agrees: hung"),
	LIMIT(hung_after_unproven, NULL,
		"the same where there is no evidence but the counters; default 3 x hung_after"),
	LIMIT(starved_after, "10min", "tasks left and none active for so long: starved"),
	LIMIT(idle_after, "30min", "no active stage or job for so long: idle"),
	LIMIT(unobservable_after, "5min", "the driver does not answer for so long: unobservable"),
	{.name = "action",
		.type = PARAM_ENUM,
		.offset = offsetof(struct rule, action),
		.fallback = "notify",
		.choices = actions,
		.help = "what is done when a stage is hung: none, notify, kill or retry"},
	{.name = "mode",
		.type = PARAM_ENUM,
		.offset = offsetof(struct rule, mode),
		.fallback = "inherit",
		.choices = modes,
		.help = "observe or act for this rule alone; inherit: as [daemon] mode says"},
	{.name = "airflow",
		.type = PARAM_STRING,
		.offset = offsetof(struct rule, airflow),
		.help = "the NAME of the [airflow NAME] that owns these apps; needed where there "
			"are "
			"several"},
	{.name = "owner_via",
		.type = PARAM_ENUM,
		.offset = offsetof(struct rule, owner_via),
		.fallback = "stated",
		.choices = owner_vias,
		.help = "what an owner must be known by for an action. stated: Spark's properties "
			"or "
			"the pod's annotations hold its ids; labels: also by the pod's labels; "
			"openlineage: also by OpenLineage's parentRunId; all: by any of them"},
	{.name = "retry_via",
		.type = PARAM_ENUM,
		.offset = offsetof(struct rule, retry_via),
		.fallback = "auto",
		.choices = vias,
		.help = "restart: clear the task instance while it runs (Airflow 3.1.8 and later); "
			"airflow: end the app alone, where Airflow has a retry of its own left; "
			"clear: fail the task instance, see the app end, clear it; auto: the first "
			"of these that can be"},
	{.name = "on_failure_tasks",
		.type = PARAM_ENUM,
		.offset = offsetof(struct rule, on_failure_tasks),
		.fallback = "refuse",
		.choices = on_failure_words,
		.help = "where a task instance could only be retried by failing it first, and "
			"tasks "
			"downstream run when it fails (teardowns, all_done, one_failed ...): "
			"refuse "
			"to, or let them run"},
	{.name = "end_shared",
		.type = PARAM_BOOL,
		.offset = offsetof(struct rule, end_shared),
		.fallback = "no",
		.help = "end a Thrift or Spark Connect server, or a shell, as well: with it go "
			"all queries that run there"},
	{.name = "max_retries",
		.type = PARAM_U64,
		.offset = offsetof(struct rule, max_retries),
		.fallback = "2",
		.max = 100,
		.help = "retries of one task instance by stagewatchd, over its whole life"},
	{.name = "actions_per_hour",
		.type = PARAM_U64,
		.offset = offsetof(struct rule, actions_per_hour),
		.fallback = "0",
		.max = 10000,
		.help = "actions by this rule within an hour, at most; 0: only that of [limits] "
			"holds"},
	{.name = "cooldown",
		.type = PARAM_DURATION,
		.offset = offsetof(struct rule, cooldown),
		.fallback = "10min",
		.max = RULE_LIMIT_MAX,
		.help = "no second action on the same task or on an app of the same name for so "
			"long"},
	{.name = "kill_via",
		.type = PARAM_ENUM,
		.offset = offsetof(struct rule, kill_via),
		.fallback = "cluster",
		.choices = kill_via_names,
		.help = "how an app is ended that does not end with its task: at its cluster "
			"manager, by Spark's kill of its job or stage, or as a process of this "
			"host"},
	LIMIT(end_timeout, "2min",
		"how long a killed app may take to end, before and after the kill at "
		"its cluster manager"),
	LIMIT(retry_timeout, "5min", "how long a cleared task instance may take to run again"),
	{.name = "max_runtime",
		.type = PARAM_DURATION,
		.offset = offsetof(struct rule, max_runtime),
		.fallback = "0s",
		.max = RULE_LIMIT_MAX,
		.help = "an app that runs for longer is told of once, by the event max_runtime, "
			"and nothing is done; 0: no limit"},
	{.name = "owner_may",
		.type = PARAM_STRING,
		.offset = offsetof(struct rule, owner_may),
		.help = "what an app may change by its own properties spark.stagewatch.*: "
			"hung_after, "
			"action, notify, ignore; not set: nothing"},
	LIMIT(owner_hung_after_min, "10min", "the shortest hung_after that an app may ask for"),
	LIMIT(owner_hung_after_max, "24h", "the longest"),
	GLOB(owner_notify, "glob on the receivers that an app may name; not set: any"),
};
const size_t n_rule_params = ELEMENTSOF(rule_params);

const char *rule_owner_via_name(enum rule_owner_via v)
{
	return owner_vias[v];
}

bool rule_trusts_owner(const struct rule *r, enum owner_via via)
{
	switch (via) {
	case OWNER_VIA_LABELS:
		return r->owner_via == RULE_OWNER_LABELS || r->owner_via == RULE_OWNER_ALL;
	case OWNER_VIA_OPENLINEAGE:
		return r->owner_via == RULE_OWNER_OPENLINEAGE || r->owner_via == RULE_OWNER_ALL;
	case OWNER_VIA_PROPERTIES:
	case OWNER_VIA_ANNOTATIONS:
	case OWNER_VIA_UNKNOWN:
	case OWNER_VIA_MAX:
		break;
	}
	return true;
}

const char *rule_wish_name(enum wish_key k)
{
	return wish_words[k];
}

const char *rule_action_name(enum rule_action a)
{
	return actions[a];
}

int rule_action_from_name(const char *name, enum rule_action *ret)
{
	for (int a = 0; a < RULE_ACTION_MAX; a++)
		if (str_equal(actions[a], name)) {
			*ret = (enum rule_action)a;
			return 0;
		}
	return -EINVAL;
}

static int refuse(const char *why, char **reterr)
{
	int r = str_printf(reterr, "%s", why);

	return r < 0 ? r : -EINVAL;
}

static int wish_of_word(const char *word, size_t n)
{
	for (int k = 0; k < WISH_OTHER; k++)
		if (strlen(wish_words[k]) == n && memcmp(wish_words[k], word, n) == 0)
			return k;
	return WISH_OTHER;
}

static int finish_owner(struct rule *rule, char **reterr)
{
	rule->may = 0;
	for (const char *p = rule->owner_may ? rule->owner_may : ""; *p;) {
		size_t n;

		p += strspn(p, ", \t");
		n = strcspn(p, ", \t");
		if (n == 0)
			break;
		if (wish_of_word(p, n) == WISH_OTHER)
			return refuse("owner_may: its words are hung_after, action, notify and "
				      "ignore",
				reterr);
		rule->may |= 1U << wish_of_word(p, n);
		p += n;
	}
	if (rule->owner_hung_after_max < rule->owner_hung_after_min)
		return refuse("owner_hung_after_max is below owner_hung_after_min", reterr);
	return 0;
}

int rule_finish(struct rule *rule, char **reterr)
{
	if (!rule->app && !rule->user && !rule->cluster && !rule->dag && !rule->task)
		return refuse("matches nothing: give at least one of app, user, cluster, dag, task "
			      "(app = * for all)",
			reterr);
	if (rule->hung_after_unproven == 0)
		rule->hung_after_unproven = 3 * rule->hung_after;
	if (rule->hung_after_unproven < rule->hung_after)
		return refuse("hung_after_unproven is below hung_after", reterr);
	return finish_owner(rule, reterr);
}

/* FNM_NOESCAPE is not set: a backslash takes a special character literally. */
bool rule_glob_matches(const char *glob, const char *text)
{
	return !glob || (text && fnmatch(glob, text, 0) == 0);
}

const struct rule *rule_match(const struct rule_list *rules, const struct rule *fallback,
	const char *cluster, const struct app_info *app, const struct owner *owner)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->items[i];

		if (!rule_glob_matches(r->app, app->name) ||
			!rule_glob_matches(r->user, app->user) ||
			!rule_glob_matches(r->cluster, cluster))
			continue;
		if (!owner && (r->dag || r->task))
			return NULL;
		if (!owner || (rule_glob_matches(r->dag, owner->dag_id) &&
				      rule_glob_matches(r->task, owner->task_id)))
			return r;
	}
	return fallback;
}

int rule_fallback(struct rule *ret)
{
	struct rule rule = {0};
	int r;

	r = param_defaults(rule_params, n_rule_params, &rule);
	if (r >= 0)
		r = str_replace(&rule.name, "none");
	if (r < 0) {
		rule_clear(&rule);
		return r;
	}
	rule.action = RULE_ACTION_NONE;
	rule.hung_after_unproven = 3 * rule.hung_after;
	*ret = rule;
	return 0;
}

void rule_clear(struct rule *rule)
{
	param_clear(rule_params, n_rule_params, rule);
	free(rule->name);
	rule->name = NULL;
}

void rule_list_clear(struct rule_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		rule_clear(&l->items[i]);
	free(l->items);
	strlist_clear(&l->receivers);
	*l = (struct rule_list){0};
}
