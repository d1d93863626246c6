/* SPDX-License-Identifier: Apache-2.0
 * Damaged ledgers, kept for people. */
#pragma once

#include "base/time.h"

/* More than these are not kept: a disk that damages each new one is not filled with them. */
#define LEDGER_ASIDE_MAX 8

/* Gives a damaged database another name, PATH.damaged-TIME, and so its -wal file. PATH.lost holds
 * that name, and stands beside it until ledger_aside_done(), for a crash in between. wall: since
 * 1970. *ret: the new name, allocated. -EMFILE: LEDGER_ASIDE_MAX of them are there; -ENOENT: there
 * is no database; -EEXIST; -ENOMEM; as open(2), write(2) and rename(2). */
int ledger_aside(const char *path, usec_t wall, char **ret);

/* Goes on where a crash came between. 1: that was begun and not done, so a database that is missing
 * is lost, and one that is there is to be looked at: the damaged one, the new one, or one that a
 * person has put there. *ret: where the damaged one is kept, allocated, if it was moved
 * and nothing has its place yet; else NULL. 0: nothing was begun. -ENOMEM; as open(2), read(2) and
 * rename(2). */
int ledger_aside_resume(const char *path, char **ret);

/* The new database is on the disk. */
void ledger_aside_done(const char *path);
