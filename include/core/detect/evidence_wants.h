/* SPDX-License-Identifier: Apache-2.0
 * What to ask beyond the counters of a stage when these leave doubt, and when: only on suspicion,
 * apart in time, bounded. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/param.h"
#include "base/time.h"

struct app_history;
struct rule;

/* Keys of [evidence]. */
struct evidence_params {
	usec_t dump_spacing;
	usec_t dump_timeout;
	uint64_t max_dumps;
	uint64_t bundle_max_size;
	usec_t bundle_max_age;
	uint64_t bundles_max_size;
	uint64_t bundles_keep_free;
};

extern const struct param_def evidence_params[];
extern const size_t n_evidence_params;

enum evidence_kind {
	WANT_TASKS,     /* of a stage */
	WANT_THREADS,   /* of an executor */
	WANT_PROCESSES, /* of all executors of the app, and of the driver where that may matter */
	WANT_DRIVER_THREADS, /* of the driver */
	WANT_QUERY,          /* the newest of the app */
	WANT_BATCHES,        /* of a streaming context */
	WANT_DROPPED,        /* how many events the driver's listener lost */
	WANT_MAX
};

const char *evidence_kind_name(enum evidence_kind k);

struct evidence_want {
	enum evidence_kind kind;
	int64_t stage_id;
	int64_t attempt_id;
	size_t length;           /* of a task list: more than are running */
	bool with_driver;        /* processes: its JVM's, too */
	const char *executor_id; /* borrowed from the evidence, until it takes something in */
};

/* At most so many tasks of a stage are looked at: the ones that were launched first. */
#define EVIDENCE_MAX_TASKS 2000

/* What is to be asked now, at most max; returns how many. What is returned counts as asked. */
size_t evidence_wants(struct app_history *a, const struct rule *rule,
	const struct evidence_params *params, usec_t now, struct evidence_want *ret, size_t max);
