/* SPDX-License-Identifier: Apache-2.0
 * Takes in the answers beyond the counters of a stage. taken: when the answer was given, on the
 * local clock; the same answer twice is not two observations. */
#pragma once

#include "core/detect/history.h"

/* All return -ENOMEM, and then may have taken in a part.
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
/* A batch that has ended since the last look is work, with or without a job of its own. */
void evidence_take_batches(struct app_history *a, const struct batches_obs *batches, usec_t taken);
void evidence_take_dropped(struct app_history *a, uint64_t n, usec_t taken);
/* An executor gave no dump, although the driver answers. */
int evidence_no_threads(struct app_history *a, const char *executor_id, usec_t now);
