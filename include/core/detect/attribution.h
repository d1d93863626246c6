/* SPDX-License-Identifier: Apache-2.0
 * Whose sign of life it is. Processes and threads carry no task's name, so they are attributed by
 * counting, over one and the same window: each task that showed progress accounts for one living
 * worker (or thread), and what lives beyond those is a sign of life of the tasks that did not. */
#pragma once

#include "core/detect/history.h"
#include "core/facts/rule.h"

/* Dumps that never came, after which an executor counts as frozen. */
#define SILENT_MIN 1

enum task_kind {
	KIND_UNKNOWN, /* no dump told, or they differ */
	KIND_PYTHON,  /* they wait for their Python workers: what the JVM does is not theirs */
	KIND_JVM
};

/* Of a number of stalled tasks. alive, may and idle are different tasks; of what is left nothing is
 * known. */
struct tally {
	size_t alive; /* so many work, whichever */
	size_t may;   /* so many more may: something lives that nobody else accounts for */
	size_t idle;  /* so many do nothing at all */
};

/* The stalled tasks of one stage on one executor. */
struct task_group {
	struct executor_track *executor; /* NULL: not known */
	enum task_kind kind;
	size_t n;         /* stalled, and not known to work */
	size_t n_running; /* of the stage, on this executor */
	size_t n_running_python;
	size_t n_seen;   /* of the stalled: their thread was in the last dump */
	size_t n_moving; /* other tasks on this executor, of any stage, that showed progress */
	size_t n_others; /* other tasks that did not, or of which nothing is known */
	usec_t since;    /* all of them were stalled from here on */
	struct cpu_use cpu;
	struct tally tally;
	usec_t worked;   /* by when each of them had worked, where all did; 0: not all did */
	usec_t may_have; /* the last work that may have been theirs; 0: none was seen */
	bool stale;      /* that the JVM lives was not seen of late */
	bool frozen;     /* the executor gives no dump, or its JVM does nothing at all */
};

bool task_is_stalled(const struct task_track *t, const struct rule *rule, usec_t now);
/* Seen at work within hung_after. */
bool task_works(const struct task_track *t, const struct rule *rule, usec_t now);

/* What n stalled tasks did, by what the workers (or threads) of an executor did: n_moving other
 * tasks must have lived, and n_others may have. */
struct tally attribution_count(
	const size_t works[CPU_WORK_MAX], size_t n, size_t n_moving, size_t n_others);

/* What the stalled tasks of one executor did. */
struct attribution_question {
	const struct app_history *app;
	const struct stage_history *stage;
	const char *executor_id;
	const struct rule *rule;
	usec_t now;
};

/* Of all of them, whatever was seen of their work before. */
void attribution_of(const struct attribution_question *q, struct task_group *ret);

/* g: what attribution_of() gave. Those that were seen to work meanwhile are counted among the
 * moving ones. */
void attribution_of_others(const struct attribution_question *q, struct task_group *g);

/* The processes of one executor, as of now. since: not before. */
void attribution_use_cpu(
	const struct app_history *a, const struct rule *rule, usec_t now, struct task_group *g);
