/* SPDX-License-Identifier: Apache-2.0
 * The pause in the ledger: one row, or none. */
#pragma once

#include "core/act/pause.h"
#include "io/ledger.h"

/* NULL: there is no pause. Durable on 0; else as ledger_run(). */
int pause_store_save(struct ledger *l, const struct pause_record *r);
/* 1: there is one, the caller's to clear; 0: there is none; else as ledger_query(). */
int pause_store_load(struct ledger *l, struct pause_record *ret);
