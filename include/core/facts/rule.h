/* SPDX-License-Identifier: Apache-2.0
 * A [rule NAME] of the configuration: which apps, which limits, which action. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/param.h"
#include "core/facts/kill.h"
#include "core/facts/model.h"

/* A limit above a year is a slip. */
#define RULE_LIMIT_MAX ((usec_t)366 * 24 * USEC_PER_HOUR)

enum rule_action {
	RULE_ACTION_NONE, /* no rule matched */
	RULE_ACTION_NOTIFY,
	RULE_ACTION_KILL,
	RULE_ACTION_RETRY,
	RULE_ACTION_MAX
};

enum rule_mode {
	RULE_MODE_INHERIT, /* [daemon] mode holds */
	RULE_MODE_OBSERVE,
	RULE_MODE_ACT,
	RULE_MODE_MAX
};

/* How a task instance gets its next try. */
enum retry_via {
	RETRY_VIA_AUTO,  /* restart where it can be, Airflow's own retry where one is left, clear */
	RETRY_VIA_CLEAR, /* fail the task instance, see the app end, clear */
	RETRY_VIA_AIRFLOW, /* end the app alone; Airflow's own retry does the rest */
	RETRY_VIA_RESTART, /* clear the task instance while it runs */
	RETRY_VIA_MAX
};

/* Which ways of knowing the owner suffice for an action: see enum owner_via. */
enum rule_owner_via {
	RULE_OWNER_STATED, /* its ids are stated: properties, annotations */
	RULE_OWNER_LABELS, /* also by labels */
	RULE_OWNER_OPENLINEAGE,
	RULE_OWNER_ALL,
	RULE_OWNER_MAX
};

/* Whether a task instance may be failed on which tasks wait that run when it fails. */
enum on_failure_tasks {
	ON_FAILURE_TASKS_REFUSE,
	ON_FAILURE_TASKS_RUN,
	ON_FAILURE_TASKS_MAX
};

/* What the properties of an app may change of its rule, where owner_may names it. */
enum wish_key {
	WISH_HUNG_AFTER,
	WISH_ACTION,
	WISH_NOTIFY,
	WISH_IGNORE,
	WISH_OTHER, /* no such key: it is told, and never holds */
	WISH_MAX
};

struct rule {
	char *name;
	/* Globs; NULL: any. All that are set must match. */
	char *app;
	char *user;
	char *cluster;
	char *dag;
	char *task;
	usec_t hung_after;
	usec_t hung_after_unproven; /* 0 in the configuration: 3 x hung_after */
	usec_t starved_after;
	usec_t idle_after;
	usec_t unobservable_after;
	int action; /* enum rule_action */
	int mode;   /* enum rule_mode */
	char *airflow;
	int owner_via;        /* enum rule_owner_via */
	int retry_via;        /* enum retry_via */
	int on_failure_tasks; /* enum on_failure_tasks */
	bool end_shared;      /* also a server or shell that many use */
	uint64_t max_retries;
	uint64_t actions_per_hour; /* 0: only [limits] actions_per_hour holds */
	usec_t cooldown;
	int kill_via; /* enum kill_via */
	usec_t end_timeout;
	usec_t retry_timeout;
	usec_t max_runtime; /* 0: none */
	char *owner_may;    /* words of enum wish_key; NULL: nothing */
	usec_t owner_hung_after_min;
	usec_t owner_hung_after_max;
	char *owner_notify; /* glob on the receivers that may be named */

	unsigned may; /* a bit per enum wish_key, by owner_may */
	/* Of the rule of one app alone, by its properties (core/facts/app_wish). */
	bool ignored;     /* it is not judged */
	const char *told; /* receivers that are told as well, whatever their globs; borrowed */
};

struct rule_list {
	struct rule *items;
	size_t n;
	struct strlist receivers; /* the NAME of each [notify NAME] */
};

extern const struct param_def rule_params[];
extern const size_t n_rule_params;

/* The word of owner_via=. */
const char *rule_owner_via_name(enum rule_owner_via v);
/* Whether an owner that is known in this way may be acted upon. */
bool rule_trusts_owner(const struct rule *r, enum owner_via via);

/* The word of a key in owner_may=; NULL of WISH_OTHER. */
const char *rule_wish_name(enum wish_key k);

const char *rule_action_name(enum rule_action a);
/* -EINVAL for a word that is none. */
int rule_action_from_name(const char *name, enum rule_action *ret);

/* Fills what depends on other values, and checks what only shows across keys. -EINVAL with *reterr,
 * which begins with the key at fault: a rule that matches nothing (no glob at all),
 * hung_after_unproven below hung_after, a word of owner_may that is none, bounds of hung_after for
 * the owner that leave nothing. */
int rule_finish(struct rule *rule, char **reterr);

/* The first rule that matches. A rule with dag= or task= needs a known owner. owner NULL: whether
 * there is one is not known yet, and NULL is returned where that decides. Where none matches, the
 * built-in rule, named "", with the default limits and RULE_ACTION_NONE: fallback, which the
 * caller made with rule_fallback(). */
const struct rule *rule_match(const struct rule_list *rules, const struct rule *fallback,
	const char *cluster, const struct app_info *app, const struct owner *owner);

/* A glob that is not set (NULL) matches anything, one that is set no text that is not there. */
bool rule_glob_matches(const char *glob, const char *text);

int rule_fallback(struct rule *ret);
void rule_clear(struct rule *rule);
void rule_list_clear(struct rule_list *l);
