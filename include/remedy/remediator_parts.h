/* SPDX-License-Identifier: Apache-2.0
 * Inside of remedy/remediator: remediator_jobs.c has the list of jobs, remediator_resume.c takes up
 * what was before a restart, remediator.c begins and ends jobs. */
#pragma once

#include "remedy/job.h"
#include "remedy/remediator.h"

/* Of an open breaker in the ledger. */
#define REMEDIATOR_BREAKER_KEY "breaker"

struct remediator {
	struct remediator_context context;
	struct job_context job_context;
	struct action_log log;
	struct breaker breaker;
	bool breaker_unsaved; /* the ledger does not know yet how it stands */
	usec_t started;       /* local clock */
	bool taken_up;        /* what the ledger knows of the time before */
	struct job *jobs;
	struct job *unsaved; /* over, but the ledger does not know yet */
};

static inline usec_t remediator_now(const struct remediator *m)
{
	return clock_now(m->context.clock);
}

static inline usec_t remediator_wall(const struct remediator *m)
{
	return clock_wall(m->context.clock);
}

static inline struct runtime *remediator_runtime(const struct remediator *m)
{
	return m->context.runtime(m->context.userdata);
}

/* remediator_jobs.c */

/* A job of the incident, in the runtime in force, not filled in yet. NULL: no memory. */
struct job *remediator_add_job(struct remediator *m, struct incident *i);
/* Frees it; nothing is undone. */
void remediator_drop_job(struct remediator *m, struct job *j);

/* The budgets, as the ledger knows them from now on. at: local clock, negative before the boot. */
void remediator_log_action(struct remediator *m, const struct action_record *a, int64_t at);
/* For the metrics. */
void remediator_count_action(
	struct remediator *m, const struct job *j, enum action_outcome outcome);
/* It sent nothing, or nothing that took: as if it had never been. */
void remediator_unlog_action(struct remediator *m, struct job *j);
/* Of one that is over: frees it, or keeps it until the ledger knows how it ended. */
void remediator_put_away(struct remediator *m, struct job *j);
/* Writes what was put away, as far as the ledger takes it. */
void remediator_save_put_away(struct remediator *m);

/* remediator_resume.c */

/* Reads, once, what was done before a restart, and goes on with what it interrupted; all of it or,
 * while the ledger cannot be read, nothing. */
void remediator_take_up(struct remediator *m);
/* Writes what the budgets need of earlier actions into a ledger that lacks it. */
void remediator_keep_past(struct remediator *m);
