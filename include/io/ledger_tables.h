/* SPDX-License-Identifier: Apache-2.0
 * The tables of a ledger: made, led to the newest version, and compared with what they should be.
 */
#pragma once

#include <sqlite3.h>

#include "io/ledger.h"

/* The version that the file says; -1: SQLite has a word on that. */
int ledger_tables_version(sqlite3 *db);

/* Leads the tables to the newest version; *ret_version is the one that was reached. -EPROTO: they
 * are newer than that, and are left as they are. -EBADMSG: they are not those of the version that
 * the file says. -EIO: SQLite's word. -ENOMEM. */
int ledger_tables_migrate(sqlite3 *db, const struct ledger_schema *schema, int *ret_version);

/* Runs the schema's statement for a new one in place of a damaged one. kept: the name of that,
 * NULL where it is not known. -EIO: SQLite's word. */
int ledger_tables_lost(sqlite3 *db, const struct ledger_schema *schema, const char *kept);
