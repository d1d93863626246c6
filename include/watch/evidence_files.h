/* SPDX-License-Identifier: Apache-2.0
 * Keeps the evidence of open incidents in files of the state directory: what the driver answered
 * from the first suspicion on, as a recording that --replay takes, with the incident's story
 * between. */
#pragma once

#include "core/act/incident.h"
#include "core/detect/evidence_wants.h"
#include "watch/recorder.h"

struct evidence_files;

/* Borrows recorder. */
int evidence_files_new(struct recorder *recorder, struct evidence_files **ret);
/* Closes what is open. NULL is allowed; returns NULL. */
struct evidence_files *evidence_files_free(struct evidence_files *b);

/* Where the files are, and how much they may be; borrowed until the next call. Deletes what is too
 * old or too much. */
void evidence_files_configure(struct evidence_files *b, const char *state_dir,
	const struct evidence_params *params, usec_t wall);

/* After a change of an incident: opens its file where it is new, adds its story, closes it where it
 * has ended. base: the URL of its driver; NULL: not known, then nothing is kept. a: its app, of
 * which a new file tells what was asked earlier. now: the local clock; wall: since 1970. Failures
 * are logged once, and cost only the file. */
void evidence_files_follow(struct evidence_files *b, struct incident *i, const char *base,
	const struct app_history *a, usec_t now, usec_t wall);

/* The evidence of an incident stays until a person deletes it. A failure is logged. */
void evidence_files_keep(struct evidence_files *b, const struct incident *i);

/* Ends the files of incidents that have ended otherwise, such as by an action; and all of them
 * where the ledger's file system runs full. */
void evidence_files_sweep(
	struct evidence_files *b, const struct incident_list *l, usec_t now, usec_t wall);
