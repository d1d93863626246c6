/* SPDX-License-Identifier: Apache-2.0
 * The runs of apps that have ended, kept small in the ledger: of each name the last RUNS_KEPT,
 * RUNS_KEPT_ALL in all, none older than RUNS_MAX_AGE. */
#pragma once

#include "core/detect/app_run.h"
#include "io/ledger.h"

#define RUNS_KEPT 20
#define RUNS_KEPT_ALL 10000
#define RUNS_MAX_AGE ((usec_t)90 * 24 * USEC_PER_HOUR)
#define RUNS_SHOWN 2000 /* in one report */

struct run_store;

/* Borrows ledger, which may be NULL: then runs wait in memory, and are dropped when there are too
 * many. */
int run_store_new(struct ledger *ledger, struct run_store **ret);
/* Writes what still waits. NULL is allowed; returns NULL. */
struct run_store *run_store_free(struct run_store *s);

DEFINE_CLEANUP(struct run_store *, run_store_free)

/* An app has ended; it is written with the next tick. wall: since 1970. Without memory it is not
 * kept. */
void run_store_add(struct run_store *s, const struct app_history *a, usec_t wall);

/* Writes what has come since the last tick, in one transaction, and drops what is too old or too
 * much. */
void run_store_tick(struct run_store *s, usec_t wall);

/* Runs of apps of that name, or of all (NULL, ""), the RUNS_SHOWN that ended last. -ENOTCONN: the
 * ledger is not usable. The target must be zeroed. */
int run_store_list(struct run_store *s, const char *app_name, struct app_run_list *ret);

/* How long the last runs of an app took, the middle of RUNS_COMPARED at most; *ret_n: of how many.
 * 0 where too few are known, or the ledger is not usable. */
usec_t run_store_usual(
	struct run_store *s, const char *cluster, const char *app_name, size_t *ret_n);
