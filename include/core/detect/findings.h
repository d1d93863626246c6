/* SPDX-License-Identifier: Apache-2.0
 * What the running tasks of a stage show, taken together. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"
#include "core/facts/cause.h"

struct app_history;
struct stage_history;
struct rule;

struct findings {
	bool has_tasks; /* the tasks are known one by one; if not, they are counted by executor, as
			   far as CPU tells */
	bool gathering; /* what was known was forgotten a moment ago */
	bool cut;       /* not all of them */
	bool old;       /* as of half of hung_after ago: some may have ended since */
	size_t n_running;
	size_t n_stalled; /* without progress for hung_after */
	/* Of the stalled; their sum is n_stalled. */
	size_t n_working;  /* within hung_after, frames changed or CPU was used */
	size_t n_may_work; /* something lives that may be theirs, and is nobody else's */
	size_t n_idle;     /* no CPU, and no change of frames */
	size_t n_still;    /* the same frames, CPU unknown */
	size_t n_frozen;   /* their executor gives no dump, or its JVM uses no CPU at all */
	size_t n_absent;   /* their executor has no such thread */
	size_t n_unknown;  /* nothing is known */
	size_t n_seen;     /* their thread was seen in a dump, whatever it showed */
	bool barrier; /* the stage's tasks wait for each other by design, whatever frames show */
	size_t n_at_barrier; /* beside the stalled: they wait for these, and count for nothing */
	usec_t shortest; /* silence: without progress and any work that may have been theirs, over
			    the stalled that do not work */
	usec_t longest;
	bool has_threads;
	bool has_cpu;
	bool takes_results;  /* the driver takes in results of tasks that have ended */
	bool driver_works;   /* its threads are not known, and its JVM uses CPU */
	bool events_dropped; /* the driver's listener lost events: counts may be wrong for good */
	unsigned n_dumps;
	double cpu_rate;
	usec_t cpu_window;
	bool cpu_container; /* of some only the sum of their container is known */
	/* Of the Python workers and the JVM's task threads on the executors of the stalled tasks,
	 * as far as the scheduler's counts of them are known. */
	size_t n_never_ran;
	size_t n_ticked; /* only woke up, or only helper threads ran */
	size_t n_ran;    /* worked */
	struct cause_hint hint;
};

/* Also notes on the tasks what they were seen to work. */
void findings_of(struct app_history *a, struct stage_history *h, const struct rule *rule,
	usec_t now, struct findings *ret);
