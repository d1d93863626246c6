/* SPDX-License-Identifier: Apache-2.0
 * What became of hangs that would have been acted upon, had the mode not been observe: by rule.
 * Those that moved again by themselves would have been ended without need. */
#pragma once

#include "core/act/incident.h"

struct observed_rule {
	char *rule;
	uint64_t n;          /* would have been acted upon */
	uint64_t n_ended;    /* the stage or app was gone, without having moved */
	uint64_t n_standing; /* still stand */
	usec_t *moved_after; /* how long each stood that moved again; one per such hang */
	size_t n_moved;
	usec_t first; /* when the first of them became hung, since 1970 */
};

struct observed {
	struct observed_rule *rules; /* in the order in which they were first seen */
	size_t n;
};

struct observed_hang {
	const char *rule;
	enum remedy_outcome outcome;
	usec_t hung;  /* since 1970 */
	usec_t ended; /* likewise; 0: it still stands */
};

/* Adds one. -ENOMEM. */
int observed_add(struct observed *o, const struct observed_hang *h);
/* Adds those of the list that would have been acted upon. -ENOMEM. */
int observed_add_incidents(struct observed *o, const struct incident_list *l);
/* How long those stood that moved again: the middle one, and the longest; 0 where none did. Sorts.
 */
usec_t observed_median(struct observed_rule *r);
usec_t observed_longest(struct observed_rule *r);
void observed_clear(struct observed *o);
