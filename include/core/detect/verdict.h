/* SPDX-License-Identifier: Apache-2.0
 * What the detector says of a stage or an app, and the numbers that led to it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "base/time.h"
#include "core/facts/cause.h"
#include "core/facts/severity.h"

/* The ledger keeps which ones an incident reached as bits: a new one comes last. */
enum verdict {
	VERDICT_PROGRESSING,
	VERDICT_SUSPECT,
	VERDICT_HUNG,
	VERDICT_SLOW,
	VERDICT_STARVED,
	VERDICT_CRASH_LOOP,
	VERDICT_PHANTOM,
	VERDICT_IDLE,
	VERDICT_UNOBSERVABLE,
	VERDICT_NOT_STARTED,
	VERDICT_MAX
};

/* Of what a verdict is said. */
enum verdict_subject {
	OF_STAGE = 1,
	OF_APP = 2,
	OF_BOTH = OF_STAGE | OF_APP
};

/* All that others do with a verdict because of which one it is: metrics, notices, the log and the
 * storm breaker read it here. */
struct verdict_def {
	enum verdict verdict;
	const char *name;
	enum verdict_subject of;
	bool trouble;           /* a person should know: opens an incident, is told, is counted */
	bool stands_still;      /* counts for the storm breaker */
	enum severity severity; /* of telling it */
	int log_level;          /* of syslog(3), where it begins */
};

const struct verdict_def *verdict_def(enum verdict v);

const char *verdict_name(enum verdict v);
/* -EINVAL for a word that is none. */
int verdict_from_name(const char *name, enum verdict *ret);
/* Whether it is said of an app alone. */
bool verdict_of_app(enum verdict v);
bool verdict_is_trouble(enum verdict v);

/* Kinds of evidence beyond the counters. One that was not to be had is part of the verdict. */
#define EVIDENCE_TASKS 1U   /* counters per task */
#define EVIDENCE_THREADS 2U /* thread dumps */
#define EVIDENCE_CPU 4U     /* CPU seconds of the executors' processes */
#define EVIDENCE_EVENTS 8U  /* events that the driver's listener lost: counts may be wrong */

/* Their words, in the order of the bits. */
extern const char *const evidence_kinds[];
extern const size_t n_evidence_kinds;

struct verdict_detail {
	enum verdict verdict;
	usec_t since;       /* when progress was last seen (or the condition began), local clock */
	usec_t lasting;     /* how long the condition has held */
	usec_t threshold;   /* the limit it was held against */
	const char *limit;  /* the configuration key of that limit; static */
	unsigned missing;   /* EVIDENCE_*: asked of nobody, or not answered */
	int64_t n_complete; /* of the stage, as last seen */
	int64_t n_active;
	int64_t n_tasks;
	int64_t n_failed;   /* failures since a task last completed */
	const char *reason; /* one clause, static */

	/* Of the stage's running tasks, where they were asked for (not EVIDENCE_TASKS in missing):
	 * how many there are, and how many of them were without progress for hung_after. */
	size_t n_running;
	size_t n_stalled;
	size_t n_same;    /* of the stalled: the same frames in two dumps or more */
	size_t n_working; /* of the stalled: frames or CPU show work */
	size_t n_frozen;  /* of the stalled: their executor gives no dump, or does nothing at all */
	unsigned n_dumps; /* of the task that was looked at most often */
	double cpu_rate;  /* CPU seconds a second of the executors of these tasks, the busiest */
	usec_t cpu_window;
	bool cpu_container; /* sums of containers: they can show work, and prove no hang */
	size_t n_never_ran; /* of the Python workers and task threads there, by the scheduler */
	size_t n_ticked;    /* only woke up, or only helper threads ran */
	size_t n_ran;       /* worked */
	struct cause_hint hint;
};

/* One sentence for a log: "(0 + 6) / 6 without progress for 12min 4s (hung_after_unproven=12min),
 * ...". */
void verdict_describe(const struct verdict_detail *e, struct strbuf *out);
