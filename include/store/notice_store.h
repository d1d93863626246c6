/* SPDX-License-Identifier: Apache-2.0
 * Messages in the ledger: one row each, so that what was told, and what is still to be delivered,
 * outlives a restart. */
#pragma once

#include "core/notify/outbox.h"
#include "io/ledger.h"

/* Writes what is unsaved, in one transaction, durable on 0; else as ledger_run(). */
int notice_store_save(struct ledger *l, struct outbox *o);

struct notice_store_restoring {
	struct outbox *outbox;
	usec_t now; /* local clock */
	usec_t wall;
	usec_t orphan_until;
};
/* Reads what is undelivered or was told of incidents that are open, the newest of it, into an empty
 * outbox. What cannot be understood is passed over. */
int notice_store_load(struct ledger *l, const struct notice_store_restoring *restoring);

/* Deletes what is done and was put before that time (since 1970). */
int notice_store_prune(struct ledger *l, usec_t keep_from);
