/* SPDX-License-Identifier: Apache-2.0
 * What will be done about an incident, and why not more, in one sentence. */
#pragma once

#include "core/act/incident.h"
#include "core/act/remedy.h"

/* What the sentence depends on beside the incident. Texts are borrowed; NULL: none. */
struct outlook {
	bool dry;           /* the mode that holds for its rule is observe */
	const char *paused; /* objections of the moment */
	const char *window;
	const struct remedy *remedy; /* of the action in progress; NULL: not known */
	usec_t now;                  /* the clock of its deadline */
	usec_t wall;                 /* the same moment, since 1970 */
};

int outlook_text(const struct incident *i, const struct outlook *o, char **ret);
