/* SPDX-License-Identifier: Apache-2.0
 * Inside of remedy/remediator: remediator.c begins and ends jobs, remediator_resume.c takes up what
 * was before a restart. */
#pragma once

#include "remedy/job.h"
#include "remedy/remediator.h"

/* Of an open breaker in the ledger. */
#define REMEDIATOR_BREAKER_KEY "breaker"

struct remediator {
	struct remediator_context context;
	struct action_log log;
	struct breaker breaker;
	bool breaker_unsaved; /* the ledger does not know yet how it stands */
	usec_t started;       /* local clock */
	bool taken_up;        /* what the ledger knows of the time before */
	struct job *jobs;
	struct job *unsaved; /* over, but the ledger does not know yet */
};

/* A job of the incident, in the runtime in force, not filled in yet. NULL: no memory. */
struct job *remediator_add_job(struct remediator *m, struct incident *i);
/* Frees it; nothing is undone. */
void remediator_drop_job(struct remediator *m, struct job *j);

/* The budgets, as the ledger knows them from now on. at: local clock, negative before the boot. */
void remediator_log_action(struct remediator *m, const struct action_record *a, int64_t at);
/* For the metrics. */
void remediator_count_action(
	struct remediator *m, const struct job *j, enum action_outcome outcome);

/* Reads, once, what was done before a restart, and goes on with what it interrupted; all of it or,
 * while the ledger cannot be read, nothing. */
void remediator_take_up(struct remediator *m);
/* Writes what the budgets need of earlier actions into a ledger that lacks it. */
void remediator_keep_past(struct remediator *m);
