/* SPDX-License-Identifier: Apache-2.0
 * Claims in notes: written by one, read by all. */
#include "core/act/claim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"

#define HEAD "stagewatchd, try %" PRId64 ", "

int claim_head(int64_t try_number, const char *claim, char **ret)
{
	return str_printf(ret, HEAD "%s", try_number, claim);
}

/* A person may have written around it, or put two together. */
enum claim_seen claim_look(const char *note, int64_t try_number, const char *claim)
{
	enum claim_seen seen = CLAIM_NONE;
	size_t len = strlen(claim);
	char head[64];

	(void)snprintf(head, sizeof(head), HEAD, try_number);
	for (const char *at = note ? strstr(note, head) : NULL; at; at = strstr(at, head)) {
		at += strlen(head);
		if (strncmp(at, claim, len) != 0 || at[len] != ':')
			return CLAIM_ANOTHERS;
		seen = CLAIM_OURS;
	}
	return seen;
}
