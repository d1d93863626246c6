/* SPDX-License-Identifier: Apache-2.0
 * Objections to acting, in the order in which a person would want to hear them. */
#include "core/act/policy.h"

#include <stdio.h>

static bool is_other_app(const struct app_history *other, const struct owner *owner,
	const char *cluster, const char *app_id)
{
	return owner_known(&other->owner) && owner_same_task(&other->owner, owner) &&
	       !(str_equal(other->cluster, cluster) && str_equal(other->info.id, app_id));
}

const struct app_history *policy_other_app(const struct detector *d, const struct owner *owner,
	const char *cluster, const char *app_id)
{
	for (size_t i = 0; i < detector_n_apps(d); i++)
		if (is_other_app(detector_app_at(d, i), owner, cluster, app_id))
			return detector_app_at(d, i);
	return NULL;
}

/* Two live apps of one task instance: one of them may be the new try, or a helper of the first.
 * Where any of them is well, failing the task would kill what is well. */
static bool has_healthy_sibling(const struct policy_question *q)
{
	for (size_t i = 0; i < detector_n_apps(q->detector); i++) {
		const struct app_history *other = detector_app_at(q->detector, i);
		bool hung = false;

		if (!is_other_app(other, &q->app->owner, q->app->cluster, q->app->info.id))
			continue;
		for (size_t k = 0; k < other->n_stages; k++)
			hung = hung || (other->no_answer_start == 0 &&
					       other->stages[k].verdict == VERDICT_HUNG);
		if (!hung)
			return true;
	}
	return false;
}

/* A word per reason, and what would change it. */
static const struct {
	const char *name;
	const char *key;
} reasons[] = {
	[POLICY_STOPPED] = {"stopped", NULL},
	[POLICY_PAUSED] = {"paused", "stagewatchctl resume"},
	[POLICY_MAINTENANCE] = {"maintenance", "from and to, in its [maintenance]"},
	[POLICY_LEADER] = {"leader", NULL},
	[POLICY_OWNER] = {"owner", "spark.airflow.* among the properties of the app"},
	[POLICY_SHARED] = {"shared", "end_shared, in its [rule]"},
	[POLICY_BUSY] = {"busy", NULL},
	[POLICY_EVIDENCE] = {"evidence", NULL},
	[POLICY_SETTLE] = {"settle", "settle, in [limits]"},
	[POLICY_HEALTH] = {"health", NULL},
	[POLICY_STORM] = {"storm", "stagewatchctl resume"},
	[POLICY_TRY] = {"try", NULL},
	[POLICY_MAX_RETRIES] = {"max_retries", "max_retries, in its [rule]"},
	[POLICY_COOLDOWN] = {"cooldown", "cooldown, in its [rule]"},
	[POLICY_ACTIONS_PER_HOUR] = {"actions_per_hour",
		"actions_per_hour, in [limits] or in its [rule]"},
	[POLICY_LEDGER] = {"ledger", "state_dir, in [daemon]"},
	[POLICY_LOOK] = {"look", NULL},
};
_Static_assert(ELEMENTSOF(reasons) == POLICY_REASON_MAX, "a row per reason");

const char *policy_reason_name(enum policy_reason r)
{
	return reasons[r].name;
}

const char *policy_reason_key(enum policy_reason r)
{
	return reasons[r].key;
}

static void object(struct policy_answer *a, enum policy_reason reason, const char *objection)
{
	a->reason = reason;
	a->objection = objection;
}

/* The same, with a detail from elsewhere. */
static void object_to(
	struct policy_answer *a, enum policy_reason reason, const char *what, const char *detail)
{
	(void)snprintf(a->text, sizeof(a->text), "%s: %s", what, detail);
	object(a, reason, a->text);
}

/* The same for what happened less than a limit ago; key names the limit. */
static void object_since(struct policy_answer *a, enum policy_reason reason, const char *what,
	const char *key, usec_t limit)
{
	char text[32];

	(void)snprintf(a->text, sizeof(a->text), "%s than %s=%s ago", what, key,
		format_duration(text, sizeof(text), limit));
	object(a, reason, a->text);
}

/* A person has said that nothing is to be begun. */
static void ask_people(const struct policy_question *q, struct policy_answer *a)
{
	if (q->stopped)
		object(a, POLICY_STOPPED, q->stopped);
	else if (q->paused)
		object(a, POLICY_PAUSED, q->paused);
	else if (q->window)
		object(a, POLICY_MAINTENANCE, q->window);
}

static void ask_leader(const struct policy_question *q, struct policy_answer *a)
{
	if (q->not_leader)
		object(a, POLICY_LEADER, q->not_leader);
}

/* Ids that were found by a label or by an id of OpenLineage are not enough for every rule. */
static void object_via(const struct policy_question *q, struct policy_answer *a)
{
	(void)snprintf(a->text, sizeof(a->text),
		"its owner in Airflow was found by %s, and owner_via = %s in its rule",
		q->app->owner.via == OWNER_VIA_LABELS ? "its pod's labels"
						      : "OpenLineage's parentRunId",
		rule_owner_via_name((enum rule_owner_via)q->rule->owner_via));
	object(a, POLICY_OWNER, a->text);
}

/* It must be known whose the app is, and that it is his alone. */
static void ask_owner(const struct policy_question *q, struct policy_answer *a)
{
	const struct owner *o = &q->app->owner;

	if (!q->has_airflow)
		object(a, POLICY_OWNER, "no [airflow] is configured for it");
	else if (!owner_known(o))
		object(a, POLICY_OWNER,
			"its owner in Airflow is not known (no spark.airflow.* properties, and no "
			"other sign)");
	else if (!rule_trusts_owner(q->rule, o->via))
		object_via(q, a);
	else if (o->try_number <= 0)
		object(a, POLICY_OWNER, "the app does not say which try of its task started it");
	else if (app_is_shared(&q->app->info, &q->app->properties) && !q->rule->end_shared)
		object(a, POLICY_SHARED,
			"it is a server or shell that many may use (end_shared = no in its rule)");
	else if (q->app_busy)
		object(a, POLICY_BUSY, "an action on this app or its task instance is in progress");
	else if (has_healthy_sibling(q))
		object(a, POLICY_OWNER, "the task instance has another live app that is not hung");
}

/* Nothing is done on what is old, or was not watched long enough. */
static void ask_evidence(const struct policy_question *q, struct policy_answer *a)
{
	usec_t since = q->app->gap_end > q->started ? q->app->gap_end : q->started;

	if (q->app->no_answer_start > 0)
		object(a, POLICY_EVIDENCE, "its driver does not answer");
	else if (usec_sub(q->now, q->app->observed) > 2 * q->poll_interval)
		object(a, POLICY_EVIDENCE, "the evidence is older than two polls");
	else if (usec_sub(q->now, since) < q->limits->settle)
		object_since(a, POLICY_SETTLE, "settling: the start, or a gap in polling, was less",
			"settle", q->limits->settle);
}

/* Who is to confirm it must be well. */
static void ask_health(const struct policy_question *q, struct policy_answer *a)
{
	if (!q->cluster_up)
		object(a, POLICY_HEALTH, "its cluster manager does not answer");
	else if (!q->airflow_known)
		object(a, POLICY_HEALTH, "Airflow has not answered yet");
	else if (!q->airflow_up)
		object(a, POLICY_HEALTH, "Airflow's scheduler is not healthy");
}

static void ask_storm(const struct policy_question *q, struct policy_answer *a)
{
	if (q->breaker->open)
		object_to(a, POLICY_STORM, "the storm breaker is open", q->breaker->why);
}

static void ask_ledger(const struct policy_question *q, struct policy_answer *a)
{
	if (q->ledger)
		object_to(a, POLICY_LEDGER, "the ledger cannot be written", q->ledger);
}

/* How often. */
static void ask_budgets(const struct policy_question *q, struct policy_answer *a)
{
	const struct owner *o = &q->app->owner;
	const struct rule *rule = q->rule;
	int64_t last = 0;
	bool before = action_log_last(q->log, o, q->app->cluster, q->app->info.name, &last);

	if (action_log_has_try(q->log, o))
		object(a, POLICY_TRY, "this try of the task instance was acted upon already");
	else if (rule->action == RULE_ACTION_RETRY &&
		 action_log_retries(q->log, o) >= rule->max_retries)
		object(a, POLICY_MAX_RETRIES, "max_retries of its task instance are used up");
	else if (before && (int64_t)q->now - last < (int64_t)rule->cooldown)
		object_since(a, POLICY_COOLDOWN,
			"its task, or an app of its name, was acted upon less", "cooldown",
			rule->cooldown);
	else if (action_log_last_hour(q->log, NULL, q->now) >= q->limits->actions_per_hour)
		object(a, POLICY_ACTIONS_PER_HOUR, "actions_per_hour of [limits] are used up");
	else if (rule->actions_per_hour > 0 &&
		 action_log_last_hour(q->log, rule->name, q->now) >= rule->actions_per_hour)
		object(a, POLICY_ACTIONS_PER_HOUR, "actions_per_hour of its rule are used up");
}

/* Those that ask what can change while the fresh looks are under way come first. */
static void (*const asks[])(const struct policy_question *q, struct policy_answer *a) = {ask_people,
	ask_leader, ask_owner, ask_evidence, ask_health, ask_storm, ask_budgets, ask_ledger};
#define N_AGAIN 6

static void ask_first(size_t n, const struct policy_question *q, struct policy_answer *ret)
{
	*ret = (struct policy_answer){0};
	for (size_t i = 0; i < n && !ret->objection; i++)
		asks[i](q, ret);
}

void policy_ask(const struct policy_question *q, struct policy_answer *ret)
{
	ask_first(ELEMENTSOF(asks), q, ret);
}

void policy_ask_again(const struct policy_question *q, struct policy_answer *ret)
{
	ask_first(N_AGAIN, q, ret);
}
