/* SPDX-License-Identifier: Apache-2.0
 * What comes of each question that a cluster is asked: counted by reason, kept while it stands, and
 * told once when it begins and once when it ends. */
#pragma once

#include "setup/health.h"
#include "setup/stats.h"
#include "source/answer.h"

struct answers_about {
	const char *cluster;
	const char *app_id; /* NULL: no app in particular */
	bool required;      /* the configuration names it: that it is silent blinds, too */
	bool evidence; /* asked on suspicion: that it is silent says something of an executor */
	usec_t wall;   /* since 1970 */
};

void answers_note(struct stats *stats, struct health *health, const struct answers_about *about,
	const struct asked *asked);
