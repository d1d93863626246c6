/* SPDX-License-Identifier: Apache-2.0
 * Where several replicas watch, one claims a try of a task instance before it does anything to it:
 * by a note in Airflow, which all of them read. Only its own ledger knows how far it came, so no
 * other replica goes on with what it began. Airflow keeps a note when a task instance is cleared,
 * so it names the try. */
#pragma once

#include <stdint.h>

/* How the note begins: "stagewatchd, try 2, CLAIM". The caller frees it. -ENOMEM. */
int claim_head(int64_t try_number, const char *claim, char **ret);

enum claim_seen {
	CLAIM_NONE,
	CLAIM_OURS,
	CLAIM_ANOTHERS
};

/* What a note says of that try; NULL: there is no note. */
enum claim_seen claim_look(const char *note, int64_t try_number, const char *claim);
