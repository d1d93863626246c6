/* SPDX-License-Identifier: Apache-2.0
 * What keeps anything new from being begun, whatever the rules say: a pause, and maintenance
 * windows. */
#pragma once

#include "core/act/incident.h"
#include "core/act/maintenance.h"
#include "core/act/pause.h"
#include "core/detect/history.h"
#include "io/clock.h"
#include "io/ledger.h"
#include "wire/status.h"

struct holds;

struct holds_context {
	struct incident_list *incidents; /* their stories tell of a pause */
	struct ledger *ledger;           /* where a pause is kept; NULL: nowhere */
	const struct clock *clock;       /* borrowed */
	/* A pause or a window has begun: what has sent nothing yet is to be given up. */
	void (*begun)(void *userdata);
	void *userdata;
};

/* Takes up the pause that the ledger holds. */
int holds_new(const struct holds_context *context, struct holds **ret);
/* NULL is allowed; returns NULL. */
struct holds *holds_free(struct holds *h);

/* The windows in force; borrowed until the next call. */
void holds_configure(struct holds *h, const struct maintenance_list *windows);

/* Objections; NULL: none. Valid until the next call of anything here. */
const char *holds_paused(const struct holds *h);
const char *holds_window(const struct holds *h, const struct app_history *a);
const char *holds_window_of(const struct holds *h, const struct incident *i);

/* -EINVAL with *reterr as pause_set(). A pause that could not be written to the ledger holds, too,
 * and is written as soon as can be. */
int holds_pause(struct holds *h, const struct pause_ask *ask, char **reterr);
/* Whether there was a pause. */
bool holds_resume(struct holds *h, const char *who);

/* Borrows; valid as above. */
void holds_status(const struct holds *h, struct status_pause *ret);
/* Whether the host's clock is within the window. */
bool holds_open(const struct holds *h, const struct maintenance *m);

/* The ledger is another one than was read, and nobody knows what it held before: reads its pause,
 * and keeps one of memory that ends later. Until that succeeds holds_paused() objects. */
void holds_reload(struct holds *h);

/* At each tick: ends a pause whose time is over, tells of windows that begin and end, and writes
 * what the ledger has not got yet. */
void holds_tick(struct holds *h);
