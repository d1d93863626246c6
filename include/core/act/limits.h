/* SPDX-License-Identifier: Apache-2.0
 * What bounds acting, whatever the rules say: the keys of [limits], and what was done of late.
 * The log of actions is read back from the ledger; what lies before the boot has a negative time.
 * Pure: all times are the local clock that the caller passes in. */
#pragma once

#include <stdbool.h>

#include "base/param.h"
#include "core/act/action_target.h"
#include "core/facts/model.h"
#include "core/facts/rule.h"

/* The storm breaker counts so many apps, at most. */
#define BREAKER_MAX_APPS 256

struct limit_params {
	uint64_t actions_per_hour;
	uint64_t storm_threshold; /* apps that hang within storm_window; 0: no such limit */
	uint64_t storm_share;     /* per cent of all apps that stand still; 0: no such limit */
	usec_t storm_window;
	int storm_reset; /* enum storm_reset */
	usec_t settle;
};

enum storm_reset {
	STORM_RESET_AUTO,   /* closes when the storm has been over for storm_window */
	STORM_RESET_MANUAL, /* a person closes it */
	STORM_RESET_MAX
};

extern const struct param_def limit_params[];
extern const size_t n_limit_params;

/* An action that was begun: a request that changes something was to be sent. */
struct past_action {
	int64_t at; /* negative: before the boot */
	enum rule_action action;
	struct action_target target;
	struct owner owner; /* with the try that was ended */
};

/* Oldest first. */
struct action_log {
	struct past_action *items;
	size_t n;
};

/* Copies a. -ENOMEM. */
int action_log_add(struct action_log *l, const struct past_action *a);
/* Takes back the newest one on that task instance and try: it changed nothing. */
void action_log_drop(struct action_log *l, const struct owner *o);
/* Forgets those that were before that time. */
void action_log_prune(struct action_log *l, int64_t before);
void action_log_clear(struct action_log *l);

/* Retries of a task instance, whatever the try. */
uint64_t action_log_retries(const struct action_log *l, const struct owner *o);
/* Whether that very try was acted upon. */
bool action_log_has_try(const struct action_log *l, const struct owner *o);
/* Actions within the hour before now, by that rule; NULL: by any. */
uint64_t action_log_last_hour(const struct action_log *l, const char *rule, usec_t now);
/* Whether the task (whatever the run and the index), or an app of that name in that cluster, was
 * acted upon before; *ret: when last. */
bool action_log_last(const struct action_log *l, const struct owner *o, const char *cluster,
	const char *app_name, int64_t *ret);
