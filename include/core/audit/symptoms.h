/* SPDX-License-Identifier: Apache-2.0
 * What an app that runs shows of the causes of hangs before it hangs: results that fill the driver,
 * executors that collect garbage, fetches that wait, tasks that are mostly unpacked. Numbers are
 * added up from answers that are asked anyway. */
#pragma once

#include "core/audit/audit.h"

/* What an app has shown since it was first seen. */
struct app_signs {
	struct stage_cost cost;  /* of all its stages */
	uint64_t disk_spilled;   /* bytes */
	char collect[100];       /* the stage with the largest result: "toPandas at etl.py:7" */
	uint64_t collect_size;   /* bytes that it has sent to the driver */
	uint64_t collect_in_all; /* and that it will have sent, if its other tasks are like these */
	int64_t attempt;         /* the highest of a stage; the first one is 0 */
	int64_t attempt_stage;
	size_t lost_memory;       /* executors that ended for want of memory */
	size_t lost_silent;       /* that were given up because their heartbeat was late */
	char memory_because[120]; /* Spark's words on one of them */
	char silent_because[120];
};

/* A stage at one more poll. before: as it was seen last, NULL: never. */
void app_signs_take_stage(
	struct app_signs *s, const struct stage_obs *before, const struct stage_obs *now);
/* /allexecutors; it lists those that are gone, too. m: with what they add. */
void app_signs_take_executors(
	struct app_signs *s, const struct executor_memory_list *l, const struct app_memory *m);
