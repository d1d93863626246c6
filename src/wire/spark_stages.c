/* SPDX-License-Identifier: Apache-2.0
 * Decodes a Spark driver's list of stages, the answer that comes with every poll. */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/strbuf.h"
#include "wire/json_rows.h"
#include "wire/spark_fields.h"
#include "wire/spark_rest.h"

#define MAX_TEXT 200

enum field {
	STATUS,
	STAGE_ID,
	ATTEMPT_ID,
	NAME,
	DESCRIPTION,
	NUM_TASKS,
	NUM_ACTIVE_TASKS,
	NUM_COMPLETE_TASKS,
	NUM_FAILED_TASKS,
	SUBMISSION_TIME,
	FIRST_TASK_LAUNCHED_TIME,
	NUM_COMPLETED_INDICES,
	EXECUTOR_RUN_TIME,
	EXECUTOR_DESERIALIZE_TIME,
	SHUFFLE_FETCH_WAIT_TIME,
	RESULT_SIZE,
	INPUT_BYTES,
	INPUT_RECORDS,
	OUTPUT_BYTES,
	OUTPUT_RECORDS,
	SHUFFLE_READ_BYTES,
	SHUFFLE_READ_RECORDS,
	SHUFFLE_REMOTE_BLOCKS,
	SHUFFLE_LOCAL_BLOCKS,
	SHUFFLE_WRITE_BYTES,
	SHUFFLE_WRITE_RECORDS,
	MEMORY_BYTES_SPILLED,
	DISK_BYTES_SPILLED,
	N_FIELDS
};

static const char *const names[] = {
	[STATUS] = "status",
	[STAGE_ID] = "stageId",
	[ATTEMPT_ID] = "attemptId",
	[NAME] = "name",
	[DESCRIPTION] = "description",
	[NUM_TASKS] = "numTasks",
	[NUM_ACTIVE_TASKS] = "numActiveTasks",
	[NUM_COMPLETE_TASKS] = "numCompleteTasks",
	[NUM_FAILED_TASKS] = "numFailedTasks",
	[SUBMISSION_TIME] = "submissionTime",
	[FIRST_TASK_LAUNCHED_TIME] = "firstTaskLaunchedTime",
	[NUM_COMPLETED_INDICES] = "numCompletedIndices",
	[EXECUTOR_RUN_TIME] = "executorRunTime",
	[EXECUTOR_DESERIALIZE_TIME] = "executorDeserializeTime",
	[SHUFFLE_FETCH_WAIT_TIME] = "shuffleFetchWaitTime",
	[RESULT_SIZE] = "resultSize",
	[INPUT_BYTES] = "inputBytes",
	[INPUT_RECORDS] = "inputRecords",
	[OUTPUT_BYTES] = "outputBytes",
	[OUTPUT_RECORDS] = "outputRecords",
	[SHUFFLE_READ_BYTES] = "shuffleReadBytes",
	[SHUFFLE_READ_RECORDS] = "shuffleReadRecords",
	[SHUFFLE_REMOTE_BLOCKS] = "shuffleRemoteBlocksFetched",
	[SHUFFLE_LOCAL_BLOCKS] = "shuffleLocalBlocksFetched",
	[SHUFFLE_WRITE_BYTES] = "shuffleWriteBytes",
	[SHUFFLE_WRITE_RECORDS] = "shuffleWriteRecords",
	[MEMORY_BYTES_SPILLED] = "memoryBytesSpilled",
	[DISK_BYTES_SPILLED] = "diskBytesSpilled",
};
_Static_assert(ELEMENTSOF(names) == N_FIELDS && N_FIELDS <= JSON_MAX_WANTED, "a name per field");

static const struct json_wanted wanted = {names, N_FIELDS, SPARK_MAX_STAGES};

/* Sums of bytes and records; what Spark lacks stays 0. */
static int decode_counters(const struct json_rows *rows, struct stage_obs *stage, char **reterr)
{
	static const struct {
		enum progress_counter counter;
		enum field field;
	} counters[] = {
		{PROGRESS_INPUT_BYTES, INPUT_BYTES},
		{PROGRESS_INPUT_RECORDS, INPUT_RECORDS},
		{PROGRESS_OUTPUT_BYTES, OUTPUT_BYTES},
		{PROGRESS_OUTPUT_RECORDS, OUTPUT_RECORDS},
		{PROGRESS_SHUFFLE_READ_BYTES, SHUFFLE_READ_BYTES},
		{PROGRESS_SHUFFLE_READ_RECORDS, SHUFFLE_READ_RECORDS},
		{PROGRESS_SHUFFLE_BLOCKS, SHUFFLE_REMOTE_BLOCKS},
		{PROGRESS_SHUFFLE_BLOCKS, SHUFFLE_LOCAL_BLOCKS},
		{PROGRESS_SHUFFLE_WRITE_BYTES, SHUFFLE_WRITE_BYTES},
		{PROGRESS_SHUFFLE_WRITE_RECORDS, SHUFFLE_WRITE_RECORDS},
		{PROGRESS_MEMORY_SPILLED, MEMORY_BYTES_SPILLED},
		{PROGRESS_DISK_SPILLED, DISK_BYTES_SPILLED},
	};
	int r = 0;

	for (size_t i = 0; i < ELEMENTSOF(counters) && r >= 0; i++)
		r = spark_rows_add(
			rows, counters[i].field, &stage->counters[counters[i].counter], reterr);
	return r;
}

/* Spark before 3.0 lacks them. */
static int decode_cost(const struct json_rows *rows, struct stage_cost *cost, char **reterr)
{
	int r;

	r = spark_rows_add_msec(rows, EXECUTOR_RUN_TIME, &cost->run, reterr);
	if (r >= 0)
		r = spark_rows_add_msec(
			rows, EXECUTOR_DESERIALIZE_TIME, &cost->deserialize, reterr);
	if (r >= 0)
		r = spark_rows_add_msec(rows, SHUFFLE_FETCH_WAIT_TIME, &cost->fetch_wait, reterr);
	if (r >= 0)
		r = spark_rows_add(rows, RESULT_SIZE, &cost->result_size, reterr);
	return r;
}

static int decode_counts(const struct json_rows *rows, struct stage_obs *stage, char **reterr)
{
	int64_t completed;
	int r;

	r = spark_rows_count(rows, NUM_TASKS, JSON_REQUIRED, &stage->n_tasks, reterr);
	if (r >= 0)
		r = spark_rows_count(
			rows, NUM_ACTIVE_TASKS, JSON_REQUIRED, &stage->n_active, reterr);
	if (r >= 0)
		r = spark_rows_count(
			rows, NUM_COMPLETE_TASKS, JSON_REQUIRED, &stage->n_complete, reterr);
	if (r >= 0)
		r = spark_rows_count(
			rows, NUM_FAILED_TASKS, JSON_REQUIRED, &stage->n_failed, reterr);
	if (r >= 0)
		r = spark_rows_time(rows, SUBMISSION_TIME, &stage->submitted, reterr);
	if (r >= 0)
		r = spark_rows_time(rows, FIRST_TASK_LAUNCHED_TIME, &stage->first_launched, reterr);
	if (r < 0)
		return r;
	completed = stage->n_complete;
	r = spark_rows_count(rows, NUM_COMPLETED_INDICES, JSON_OPTIONAL, &completed, reterr);
	if (r >= 0 && completed > 0)
		stage->counters[PROGRESS_COMPLETED_INDICES] = (uint64_t)completed;
	return r;
}

/* 0: it is not active; 1: taken. What is wrong first, in this order, is what is said of the row. */
static int decode_stage(const struct json_rows *rows, struct stage_obs *stage, char **reterr)
{
	int r;

	r = spark_rows_is(rows, STATUS, "ACTIVE", reterr);
	if (r <= 0)
		return r;
	r = spark_rows_id(rows, STAGE_ID, &stage->stage_id, reterr);
	if (r >= 0)
		r = spark_rows_id(rows, ATTEMPT_ID, &stage->attempt_id, reterr);
	if (r >= 0)
		r = json_rows_label(rows, NAME, MAX_TEXT, &stage->name);
	if (r >= 0)
		r = spark_rows_receiver(rows, DESCRIPTION, &stage->receiver, reterr);
	if (r >= 0)
		r = decode_counts(rows, stage, reterr);
	if (r >= 0)
		r = decode_cost(rows, &stage->cost, reterr);
	if (r >= 0)
		r = decode_counters(rows, stage, reterr);
	return r < 0 ? r : 1;
}

/* Takes the stage over. */
static int add_stage(struct stage_list *l, const struct stage_obs *stage)
{
	struct stage_obs *items = array_room(l->items, l->n, sizeof(*items));

	if (!items)
		return -ENOMEM;
	l->items = items;
	items[l->n++] = *stage;
	return 0;
}

int spark_decode_stages(const char *body, size_t len, struct stage_list *ret, char **reterr)
{
	_cleanup_(stage_list_clear) struct stage_list list = {0};
	struct json_rows rows;
	int r;

	r = json_rows_begin(&rows, &wanted, body, len, reterr);
	while (r >= 0) {
		struct stage_obs stage = {0};

		r = json_rows_next(&rows, reterr);
		if (r <= 0)
			break;
		r = decode_stage(&rows, &stage, reterr);
		if (r > 0)
			r = add_stage(&list, &stage);
		if (r >= 0)
			continue;
		free(stage.name);
		r = json_leave_out(&list.left_out, rows.n_rows, r, reterr);
	}
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(list);
	return 0;
}
