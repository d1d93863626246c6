/* SPDX-License-Identifier: Apache-2.0
 * The ledger: a SQLite database in the state directory (WAL, synchronous=FULL), for what must
 * outlive a crash. What returned 0 is on the disk.
 *
 * A damaged one (no database, no tables of ours, failed checks, empty) is kept beside it under
 * another name, and a new one is made. Of what was in it only the caller's memory is left.
 *
 * A ledger in trouble (no directory, disk full, failed fsync, made by a newer version, its
 * file gone) stays an object: calls return an error, ledger_trouble() says why, and
 * ledger_recover() tries again. Whoever acts on the strength of the ledger stops then; nobody else
 * needs to. SQL and its meaning belong to the callers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define LEDGER_FILE "ledger.db"
#define LEDGER_MAX_COLUMNS 48

enum ledger_type {
	LEDGER_NULL,
	LEDGER_INT,
	LEDGER_TEXT
};

struct ledger_value {
	enum ledger_type type;
	int64_t i;
	const char *s; /* borrowed for the call */
};

#define LEDGER_I(x) ((struct ledger_value){.type = LEDGER_INT, .i = (int64_t)(x)})
/* NULL is stored as NULL. */
#define LEDGER_S(x) (ledger_text(x))

static inline struct ledger_value ledger_text(const char *s)
{
	return (struct ledger_value){.type = s ? LEDGER_TEXT : LEDGER_NULL, .s = s};
}

struct ledger;

/* The tables: step n leads from version n to n + 1. A step that was released is never changed. The
 * first one makes the table meta (key, value), which ledger_recover() writes to see that it can. */
struct ledger_schema {
	const char *const *steps; /* SQL */
	size_t n_steps;
	/* A statement for a new one in place of a damaged one, whose name is ?1, or NULL where that
	 * is not known; NULL: none. */
	const char *lost;
};

/* Takes the lock of the directory and opens the database, which is made or migrated where it has
 * to be. dir is copied, schema has to outlive the ledger. Trouble is no error; 1 says that it is
 * this: another daemon holds the lock. -ENOMEM. */
int ledger_open(const char *dir, const struct ledger_schema *schema, struct ledger **ret);
/* Opens a database that is there, to read only, beside the daemon that may hold its lock. Nothing
 * is made, migrated or checked for damage; one whose tables are of another version is in trouble.
 * -ENOENT: there is none. -ENOMEM. */
int ledger_open_to_read(const char *dir, const struct ledger_schema *schema, struct ledger **ret);
/* NULL is allowed; returns NULL. */
struct ledger *ledger_free(struct ledger *l);

DEFINE_CLEANUP(struct ledger *, ledger_free)

/* NULL is not usable. */
bool ledger_usable(const struct ledger *l);
/* One clause on what is wrong; NULL: nothing is. */
const char *ledger_trouble(const struct ledger *l);

/* Opens anew what is in trouble, and writes once to see that it can; looks whether the file is
 * still the one that was opened. Returns whether the ledger is usable. To be called now and then.
 */
bool ledger_recover(struct ledger *l);

/* Where the last damaged one is kept that a new one was made for; NULL: there was none. */
const char *ledger_kept(const struct ledger *l);

/* Counts the times that the database was opened: where it has changed, what was written before may
 * be lost, and what is in memory is to be written again. */
unsigned ledger_generation(const struct ledger *l);

/* Runs one statement, with ?1, ?2 ... bound to args; outside of a transaction it is durable on
 * return. -EIO: the ledger is in trouble now. -EINVAL: the statement is wrong, or violates a
 * constraint; the ledger is as it was. Inside of a transaction the caller rolls back. */
int ledger_run(struct ledger *l, const char *sql, const struct ledger_value *args, size_t n_args);

/* row: one value per column, valid during the call; a negative answer ends the query and is
 * returned. At most LEDGER_MAX_COLUMNS columns. */
typedef int (*ledger_row_fn)(void *userdata, const struct ledger_value *row, size_t n);

int ledger_query(struct ledger *l, const char *sql, const struct ledger_value *args, size_t n_args,
	ledger_row_fn fn, void *userdata);

/* One transaction: durable when ledger_commit() returns 0, else gone. They do not nest (-EINVAL).
 */
int ledger_begin(struct ledger *l);
int ledger_commit(struct ledger *l);
void ledger_rollback(struct ledger *l);
