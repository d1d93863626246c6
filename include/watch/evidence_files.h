/* SPDX-License-Identifier: Apache-2.0
 * Keeps the evidence of open incidents in files of the state directory: what the driver answered
 * from the first suspicion on, as a recording that --replay takes, with the incident's story
 * between. */
#pragma once

#include "core/act/incident.h"
#include "core/detect/evidence.h"
#include "watch/recorder.h"

struct bundles;

/* Borrows recorder. */
int bundles_new(struct recorder *recorder, struct bundles **ret);
/* Closes what is open. NULL is allowed; returns NULL. */
struct bundles *bundles_free(struct bundles *b);

/* Where the files are, and how much they may be; borrowed until the next call. Deletes what is too
 * old or too much. */
void bundles_configure(
	struct bundles *b, const char *state_dir, const struct inquiry_params *params, usec_t wall);

/* After a change of an incident: opens its file where it is new, adds its story, closes it where it
 * has ended. base: the URL of its driver; NULL: not known, then nothing is kept. now: the local
 * clock; wall: since 1970. Failures are logged once, and cost only the file. */
void bundles_follow(
	struct bundles *b, struct incident *i, const char *base, usec_t now, usec_t wall);

/* Ends the files of incidents that have ended otherwise, such as by an action. */
void bundles_sweep(struct bundles *b, const struct incident_list *l, usec_t now);
