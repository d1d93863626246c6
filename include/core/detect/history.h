/* SPDX-License-Identifier: Apache-2.0
 * What was seen of a stage and of an app over time. All times are the local clock that the caller
 * passes in (CLOCK_BOOTTIME live, virtual in a replay or a scenario), 0 where a thing was never
 * seen. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "core/audit/audit.h"
#include "core/audit/symptoms.h"
#include "core/detect/findings.h"
#include "core/detect/rise.h"
#include "core/detect/tracks.h"
#include "core/detect/verdict.h"
#include "core/facts/app_memory.h"
#include "core/facts/app_wish.h"
#include "core/facts/model.h"
#include "core/facts/owner_hint.h"

/* One good poll of an app. */
struct app_poll {
	usec_t now;        /* local clock, when the answer was complete */
	usec_t driver_now; /* the driver's clock at that moment, since 1970; 0 when not known */
	usec_t taken;      /* the answer was given: not now where a recording repeats it; 0: now */
	struct stage_list stages;
	/* Of the answer that listed the stages. same_stages: it is the digest of the answer before,
	 * as the history has it; the stages are those, and the list is empty. */
	struct digest stages_digest;
	bool same_stages;
	bool has_jobs; /* asked and answered */
	usec_t jobs_taken;
	struct job_list jobs;
	bool has_executors;
	usec_t executors_taken;
	struct executor_list executors;
	int64_t active_tasks; /* of all executors; app_history_observe() counts them */
};

void app_poll_clear(struct app_poll *p);

struct stage_history {
	struct stage_obs last; /* owned; the first: stages are sorted by it */
	usec_t first_seen;
	usec_t first_taken;     /* the answer that listed it first was given */
	usec_t stall_start;     /* later of the last progress and the launch; holds while A > 0 */
	usec_t launched;        /* the first task was, as far as is known */
	usec_t active_start;    /* A last rose from 0 while we watched; 0: never */
	struct rise rise;       /* of completed tasks, since it was first seen */
	usec_t completed;       /* a task last completed, or the first was launched */
	usec_t inactive_start;  /* A became 0, or the stage was submitted; holds while A = 0 */
	int64_t failed_base;    /* numFailedTasks when a task last completed */
	int64_t failed_since;   /* failures since then */
	unsigned failed_rises;  /* polls that showed some of them */
	usec_t failed_first;    /* the first of these */
	usec_t failed_last;     /* the last of these */
	usec_t failed_spread;   /* the least that lay between the first and the last */
	usec_t overcount_start; /* A above the sum of the executors' active tasks; 0: it is not */
	usec_t overcount_last;  /* and was so again */
	bool job_running;       /* when jobs were last asked about, a running one had the stage */
	unsigned unasked_polls; /* polls in a row that were to ask about jobs and got no answer */
	unsigned jobless_polls; /* polls in a row in which no running job had the stage */
	enum verdict verdict;
	usec_t verdict_start;
	struct verdict_detail *detail; /* of the verdict, at the last poll; NULL: it progresses */
	bool seen;                     /* in the poll at hand */
	bool barrier;                  /* its tasks were seen to be those of a barrier stage */
	usec_t may_work;               /* something worked that may have been its; 0: never seen */
	struct task_tracks tasks;      /* what was asked of them, on suspicion */
	bool knows_tasks;              /* one by one, at the last poll */
	const struct findings *findings; /* while it is judged: what all of it shows */
};

/* Whatever else is to be asked of a driver at its next poll. */
#define NEED_JOBS 1U
#define NEED_EXECUTORS 2U
#define NEED_MEMORY 4U

struct app_history {
	char *cluster;
	struct app_info info; /* owned */
	char *url;            /* where its driver answered last; NULL: nowhere yet */
	struct owner owner;
	struct owner_hint hint; /* at an owner, where none is stated */
	bool owner_asked;       /* and answered: an owner that is not known is none of Airflow's */
	usec_t missing_start; /* since when what it takes to judge it could not be had; 0: all is */
	char *missing;        /* what: "/environment answered 403"; NULL: nothing */
	struct strlist properties; /* "key=value", of Spark's that matter to a hang */
	/* What these ask of its rule; NULL: nothing. Its contents are detector_rule()'s: they hold
	 * right after that was asked. */
	struct app_wishes *wishes;
	unsigned wishes_told; /* a bit per enum wish_key of which it was told that it is ignored */
	bool task_known;
	struct task_settings task; /* of the owner's */
	usec_t task_asked;         /* 0: never */
	struct audit_report audit; /* what these, and the memory, give reason to say */
	struct app_memory memory;
	struct app_signs signs;
	unsigned polls;        /* good ones */
	unsigned memory_asked; /* at which of them /allexecutors was asked last; 0: at the first */
	struct stage_history *stages; /* sorted by id, then by attempt */
	size_t n_stages;
	usec_t first_seen;
	usec_t ran;                  /* from its start to the last good poll */
	bool overran;                /* max_runtime of its rule, then */
	bool once;                   /* it is looked at but once: detector_look_once() */
	unsigned needs;              /* app_history_needs(), as of the last good poll */
	usec_t observed;             /* last good poll */
	usec_t spacing[2];           /* what lay between the last good polls, latest first */
	struct digest stages_digest; /* of the answer that the stages' last are from; of nothing:
					they say less than it did */
	usec_t taken; /* the answers of the last good poll were given: stages, jobs, executors */
	usec_t jobs_taken;
	usec_t executors_taken;
	usec_t gap_end;      /* nobody watched before, for a while; what began then, began here */
	int64_t total_tasks; /* that executors were ever given; -1: not known */
	usec_t activity;     /* when the last one began, or was seen to have begun; 0: never */
	usec_t activity_gaps[2]; /* what lay between the last three, latest first; 0: not known */
	usec_t idle_start; /* no active stage and no running job since; 0: there is one, or unknown
			    */
	usec_t no_answer_start; /* first poll without an answer since the last good one; 0: it
				   answers */
	char *no_answer;        /* why the last one had none; NULL: not told */
	usec_t waits_start;     /* since when it waits to be started; 0: it does not */
	usec_t waits_seen;      /* when its cluster manager last said so */
	char *waits;            /* for what: "pod n/p: Pending, Unschedulable"; NULL: nothing */
	enum verdict verdict;   /* of an app */
	size_t n_still;         /* verdicts, its own and those of stages, that stand still */
	usec_t verdict_start;
	struct verdict_detail *detail; /* as of a stage */
	struct evidence evidence;      /* what was asked beyond the counters */
	/* The least that our clock was ahead of what the driver had just said of its own; with it a
	 * moment of the driver's is one of ours, not too early, and late by what an answer takes.
	 */
	bool offset_known;
	int64_t offset;
	int64_t date_offset; /* of our clock to the one that the driver's answers show; 0: none */
};

struct app_history *app_history_free(struct app_history *a);

DEFINE_CLEANUP(struct app_history *, app_history_free)

int app_history_new(
	const char *cluster, const struct app_info *info, usec_t now, struct app_history **ret);

/* Takes in a poll (its stages are taken over, not copied). poll_interval is what lies between two
 * polls when all goes well: where much more has passed, also more than of late, nobody watched, and
 * what nobody watched proves nothing, so all clocks are set forward by the excess. Stages that are
 * gone have seen = false afterwards; the caller drops them with app_history_drop_unseen(). 0: the
 * same answer as before, which is no second observation, or the same stages as in an answer that is
 * not the last one by now: nothing is taken in. 1: taken in. -ENOMEM: some stages may not be. What
 * is left in poll of executors is new; evidence takes it in. */
int app_history_observe(struct app_history *a, struct app_poll *poll, usec_t poll_interval);

void app_history_drop_unseen(struct app_history *a);

/* It has a stage of a receiver (DStreams), which runs as long as the app does. */
bool app_history_receives(const struct app_history *a);

/* What is to be asked at the next poll, which takes it from a->needs. NEED_*: jobs while no stage
 * is active that ends by design, and then now and then executors, which tell what ran between two
 * polls; jobs and executors while any stage is suspect or worse; memory at every sixth poll, in the
 * beginning at every second one. */
unsigned app_history_needs(const struct app_history *a);

/* What a driver says of its app. Each audits the app anew; -ENOMEM: the audit is that of before.
 * /environment: owner and properties are taken over. */
int app_history_take_environment(
	struct app_history *a, struct owner *owner, struct strlist *properties);
/* What is said elsewhere of the owner, where /environment names none: it is copied. */
int app_history_take_owner(struct app_history *a, const struct owner *owner);
/* /allexecutors; l may be empty where it was asked and gave no answer: what the stages have shown
 * meanwhile still counts. */
int app_history_take_memory(struct app_history *a, const struct executor_memory_list *l);

/* Which of the answers that it takes to judge the app could not be had at this poll; NULL: all
 * could.
 */
void app_history_note_missing(struct app_history *a, const char *what, usec_t now);

/* Nobody watched for so long: what lasts without an answer of the driver did not last meanwhile.
 * What its answers tell is held against the gap between them. */
void app_history_unwatched(struct app_history *a, usec_t by);

/* What the app waits for to be started, as its cluster manager says; NULL: it does not wait. */
void app_history_note_waits(struct app_history *a, const char *what, usec_t now);

/* Why the poll at hand has no answer; the detector is told by detector_no_answer(). */
void app_history_note_no_answer(struct app_history *a, const char *why);

/* What Airflow says of the owner's task; its text is taken over. Audits it anew. */
int app_history_take_task(struct app_history *a, struct task_settings *t);

struct stage_history *app_history_stage(
	struct app_history *a, int64_t stage_id, int64_t attempt_id);

/* A moment on the driver's clock as one on ours. driver_now: what the driver's clock showed with
 * the answer; where that is not known (0), as far as earlier answers tell. now where the moment is
 * not known, or lies ahead. */
usec_t app_history_local(struct app_history *a, usec_t driver_time, usec_t driver_now, usec_t now);
