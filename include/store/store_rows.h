/* SPDX-License-Identifier: Apache-2.0
 * Incidents, their steps and actions as rows of the ledger, and back. For store.c. */
#pragma once

#include "store/store.h"

/* Inside of a transaction of the caller's. */
int rows_put_incident(struct ledger *l, const struct incident *i);
int rows_put_step(struct ledger *l, const struct incident *i, size_t k);
/* update: also where it is there already. */
int rows_put_action(struct ledger *l, const struct action_record *a, bool update);

/* All that are open, and the last n_ended that are not, oldest first. fn takes the incident over.
 */
typedef int (*rows_incident_fn)(void *userdata, struct incident *i);
int rows_each_incident(struct ledger *l, size_t n_ended, rows_incident_fn fn, void *userdata);
int rows_each_action(struct ledger *l, store_action_fn fn, void *userdata);

/* Deletes what ended before. */
int rows_prune(struct ledger *l, usec_t before);
