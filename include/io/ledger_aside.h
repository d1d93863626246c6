/* SPDX-License-Identifier: Apache-2.0
 * Damaged ledgers, kept for people. */
#pragma once

#include "base/time.h"

/* More than these are not kept: a disk that damages each new one is not filled with them. */
#define LEDGER_ASIDE_MAX 8

/* Gives a damaged database another name, PATH.damaged-TIME, and so its -wal file; PATH.lost stands
 * beside it until ledger_aside_done(), for a crash in between. wall: since 1970. *ret: the new
 * name, allocated, or NULL where it was moved before. -EMFILE: LEDGER_ASIDE_MAX of them are there;
 * -EEXIST; -ENOMEM; as open(2) and rename(2). */
int ledger_aside(const char *path, usec_t wall, char **ret);

/* Whether that was begun and not done: 1 or 0. -ENOMEM; as access(2). */
int ledger_aside_begun(const char *path);

/* The new database is on the disk. */
void ledger_aside_done(const char *path);
