/* SPDX-License-Identifier: Apache-2.0
 * The storm breaker. Many apps that hang at once are an outage of something else: killing them one
 * by one helps nobody. Pure: all times are the local clock that the caller passes in. */
#pragma once

#include "core/act/breaker.h"
#include "core/act/limits.h"
#include "core/detect/detector.h"

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
