/* SPDX-License-Identifier: Apache-2.0
 * What bounds acting, whatever the rules say: the keys of [limits], what was done of late, and the
 * storm breaker. Pure: all times are the local clock that the caller passes in. */
#pragma once

#include <stdbool.h>

#include "core/detect/detector.h"

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
	char *incident; /* its id */
	char *rule;
	char *cluster;
	char *app_id;
	char *app_name;
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

/* Many apps that hang at once are an outage of something else: killing them one by one helps
 * nobody. */
#define BREAKER_MAX_APPS 256

struct breaker_app {
	usec_t at; /* reached hung */
	char *cluster;
	char *app_id;
};

struct breaker {
	struct breaker_app apps[BREAKER_MAX_APPS]; /* ring */
	size_t next;
	bool open;
	usec_t stormy; /* when the condition last held */
	char why[128]; /* with the numbers, of the moment it opened */
};

/* An app reached hung. Without memory it is not counted. */
void breaker_count(struct breaker *b, const struct app_history *a, usec_t now);

/* To be called once per tick, and before each decision: opens where the condition holds, closes
 * where storm_reset allows it. Returns whether it opened or closed. */
bool breaker_update(
	struct breaker *b, const struct limit_params *p, const struct detector *d, usec_t now);

/* After a restart in the middle of a storm. */
void breaker_reopen(struct breaker *b, const char *why, usec_t now);

/* By hand: also forgets the apps that were counted, so that it does not open again at once. */
void breaker_close(struct breaker *b);
void breaker_clear(struct breaker *b);
