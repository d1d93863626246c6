/* SPDX-License-Identifier: Apache-2.0
 * Whether a hung stage is to be acted on now. The one place that decides; all limits meet here. */
#pragma once

#include <stdbool.h>

#include "core/act/breaker.h"
#include "core/act/limits.h"

struct policy_question {
	usec_t now;
	const struct rule *rule;
	const struct app_history *app;
	const struct detector *detector; /* the other apps */
	const struct limit_params *limits;
	const struct action_log *log;
	const struct breaker *breaker;
	usec_t poll_interval;
	usec_t started;         /* the daemon, on the local clock */
	bool has_airflow;       /* one is configured for the rule */
	bool airflow_known;     /* it has answered, so that its API is known */
	const char *not_leader; /* why this replica does not act; NULL: it leads, or is alone */
	const char *stopped;    /* a person has said so of this incident; NULL: nobody has */
	const char *paused;     /* a person has said that nothing is to be begun; NULL: no */
	const char *window;     /* a maintenance window says so; NULL: none */
	bool airflow_up;        /* and says that its scheduler is healthy */
	bool cluster_up;        /* the last list of apps was to be had */
	bool app_busy;          /* an action on this app or its task instance is under way */
	const char *ledger;     /* what is wrong with the ledger; NULL: nothing, or observe mode */
};

/* What an objection rests on; counted by its word. */
enum policy_reason {
	POLICY_STOPPED, /* of this incident, by a person */
	POLICY_PAUSED,
	POLICY_MAINTENANCE,
	POLICY_LEADER,   /* another replica leads, or none is known to */
	POLICY_OWNER,    /* not known, or not its alone */
	POLICY_SHARED,   /* a server that many use */
	POLICY_BUSY,     /* another action is under way */
	POLICY_EVIDENCE, /* old, or none at present */
	POLICY_SETTLE,
	POLICY_HEALTH, /* of the cluster manager, or Airflow */
	POLICY_STORM,
	POLICY_TRY, /* acted upon already */
	POLICY_MAX_RETRIES,
	POLICY_COOLDOWN,
	POLICY_ACTIONS_PER_HOUR,
	POLICY_LEDGER,
	POLICY_LOOK, /* begun, and given up at the fresh looks before anything was sent */
	POLICY_REASON_MAX
};

const char *policy_reason_name(enum policy_reason r);
/* The key or the command that would change that it stands in the way; static, NULL: there is none.
 */
const char *policy_reason_key(enum policy_reason r);

struct policy_answer {
	const char *objection; /* NULL: act. Else why not: one clause, static, of the question, or
				  in text */
	enum policy_reason reason;
	bool other_app; /* what is in the way is another app of the task instance */
	char text[256];
};

void policy_ask(const struct policy_question *q, struct policy_answer *ret);

/* The same again of an action that was begun, before its first request: what can have changed
 * meanwhile. Budgets have counted it already, and app_busy is to be false. */
void policy_ask_again(const struct policy_question *q, struct policy_answer *ret);

/* Another app of the same task instance that is there, hung or not; NULL: none. A task instance is
 * not to be cleared beside it. */
const struct app_history *policy_other_app(const struct detector *d, const struct owner *owner,
	const char *cluster, const char *app_id);
