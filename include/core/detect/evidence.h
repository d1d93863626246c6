/* SPDX-License-Identifier: Apache-2.0
 * What is asked beyond the counters of a stage when these leave doubt, and what came of it: for
 * each running task, for each executor. Times are the local clock, of the moment at which the
 * evidence was taken; the same answer twice is not two observations. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/param.h"
#include "core/detect/cpu.h"
#include "core/facts/cause.h"
#include "core/facts/observation.h"

struct app_history;
struct stage_history;
struct rule;

/* Keys of [evidence]. */
struct evidence_params {
	usec_t dump_spacing;
	usec_t dump_timeout;
	uint64_t max_dumps;
	uint64_t bundle_max_size;
	usec_t bundle_max_age;
	uint64_t bundles_max_size;
};

extern const struct param_def evidence_params[];
extern const size_t n_evidence_params;

/* A running task over time. */
struct task_track {
	int64_t task_id;
	int64_t index; /* -1: not known */
	bool speculative;
	bool twin_works; /* a copy of it is at work: it need not end */
	char *executor_id;
	usec_t launched;    /* local */
	usec_t stall_start; /* later of the last progress and the launch */
	usec_t worked;      /* frames changed or CPU was used by it alone; 0: never seen */
	uint64_t counters[PROGRESS_MAX];
	bool has_metrics;
	usec_t gc; /* of its JVM while it ran */
	usec_t gc_taken;
	double gc_share; /* of the time between the last two answers */
	/* Its thread. */
	bool python;         /* waits for a Python worker: its frames say little */
	uint64_t frames;     /* a hash of them */
	usec_t frames_moved; /* they changed, last; 0: never seen */
	usec_t frames_since; /* the first dump that showed these frames; 0: none yet */
	usec_t dumped;       /* the last one */
	unsigned n_dumps;
	unsigned n_same;   /* dumps in a row with these frames, the first included */
	unsigned n_absent; /* dumps in a row that had no such thread, and had others */
	struct cause_hint hint;
};

/* The running tasks of a stage, by TID. */
struct task_tracks {
	struct task_track *items;
	size_t n;
	usec_t asked;
	usec_t taken; /* 0: never answered */
};

struct executor_track {
	char *id;
	char *host;
	char *log_url;
	bool listed; /* active, when executors were last asked about */
	int64_t active_tasks;
	int64_t most_active; /* of late, of all its stages */
	usec_t most_active_at;
	usec_t gc; /* of its JVM, and the share of the time between the last two answers */
	usec_t gc_taken;
	double gc_share;
	struct cpu_series cpu;
	usec_t worked; /* CPU was used, last; 0: never seen */
	usec_t chosen; /* the round in which its threads were last thought of */
	bool dump_due; /* in that round */
	usec_t dump_asked;
	usec_t dump_taken;
	usec_t silent_since; /* the first dump in a row that never came; 0: the last one did */
	unsigned n_silent;
};

struct evidence {
	struct executor_track *executors;
	size_t n_executors;
	usec_t executors_taken;
	usec_t processes_asked;
	usec_t dropped_asked;
	usec_t dropped_taken;
	uint64_t dropped; /* events that the driver's listener lost, as last told */
	usec_t driver_asked;
	usec_t driver_taken;
	struct cause_hint driver; /* what the driver does while no stage is active */
	usec_t query_asked;
	usec_t query_taken;
	struct query_obs query; /* the newest; only of interest while no stage is active */
	usec_t forgotten;       /* all of it was, last; 0: never */
};

/* NULL when unknown. */
struct executor_track *evidence_executor(const struct evidence *q, const char *id);

enum evidence_kind {
	WANT_TASKS,          /* of a stage */
	WANT_THREADS,        /* of an executor */
	WANT_PROCESSES,      /* of all executors of the app */
	WANT_DRIVER_THREADS, /* of the driver */
	WANT_QUERY,          /* the newest of the app */
	WANT_DROPPED,        /* how many events the driver's listener lost */
	WANT_MAX
};

const char *evidence_kind_name(enum evidence_kind k);

struct evidence_want {
	enum evidence_kind kind;
	int64_t stage_id;
	int64_t attempt_id;
	size_t length;           /* of a task list: more than are running */
	const char *executor_id; /* borrowed from the evidence, until it takes something in */
};

/* At most so many tasks of a stage are looked at: the ones that were launched first. */
#define EVIDENCE_MAX_TASKS 2000

/* What is to be asked now, at most max; returns how many. What is returned counts as asked. */
size_t evidence_wants(struct app_history *a, const struct rule *rule,
	const struct evidence_params *params, usec_t now, struct evidence_want *ret, size_t max);

/* Answers. taken: when the answer was given. All return -ENOMEM, and then may have taken in a part.
 * The lists are taken over as far as needed; the caller clears them. */
int evidence_take_tasks(struct app_history *a, struct stage_history *h, struct task_list *tasks,
	usec_t driver_now, usec_t taken);
int evidence_take_executors(
	struct app_history *a, const struct executor_list *executors, usec_t taken);
int evidence_take_threads(struct app_history *a, const char *executor_id,
	const struct thread_list *threads, usec_t taken);
int evidence_take_processes(struct app_history *a, struct process_list *processes, usec_t taken);
void evidence_take_driver_threads(
	struct app_history *a, const struct thread_list *threads, usec_t taken);
/* Taken over. */
void evidence_take_query(struct app_history *a, struct query_obs *query, usec_t taken);
void evidence_take_dropped(struct app_history *a, uint64_t n, usec_t taken);
/* An executor gave no dump, although the driver answers. */
int evidence_no_threads(struct app_history *a, const char *executor_id, usec_t now);

/* What the running tasks of a stage show, taken together. */
struct findings {
	bool has_tasks; /* the tasks are known one by one; if not, they are counted by executor, as
			   far as CPU tells */
	bool gathering; /* what was known was forgotten a moment ago */
	bool cut;       /* not all of them */
	bool old;       /* as of half of hung_after ago: some may have ended since */
	size_t n_running;
	size_t n_stalled; /* without progress for hung_after */
	/* Of the stalled; their sum is n_stalled. */
	size_t n_working; /* within hung_after, frames changed or CPU was used */
	size_t n_idle;    /* no CPU, and no change of frames */
	size_t n_still;   /* the same frames, CPU unknown */
	size_t n_frozen;  /* their executor gives no dump, or its JVM uses no CPU at all */
	size_t n_absent;  /* their executor has no such thread */
	size_t n_unknown; /* nothing is known */
	size_t n_seen;    /* their thread was seen in a dump, whatever it showed */
	usec_t shortest;  /* time without progress, over the stalled that do not work */
	usec_t longest;
	bool has_threads;
	bool has_cpu;
	bool events_dropped; /* the driver's listener lost events: counts may be wrong for good */
	unsigned n_dumps;
	double cpu_rate;
	usec_t cpu_window;
	struct cause_hint hint;
};

/* Also notes on the tasks what they were seen to work. */
void findings_of(struct app_history *a, struct stage_history *h, const struct rule *rule,
	usec_t now, struct findings *ret);

/* Nobody watched for a while: what was seen before says nothing any more. */
void evidence_forget(struct evidence *q, usec_t now);
void evidence_clear(struct evidence *q);
void task_tracks_shift(struct task_tracks *t, usec_t by);
void task_tracks_clear(struct task_tracks *t);
