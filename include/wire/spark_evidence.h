/* SPDX-License-Identifier: Apache-2.0
 * Answers of a Spark driver that are asked only on suspicion: running tasks, thread dumps,
 * executors one by one. The same rules as in wire/spark_rest.h: absent fields are tolerated where
 * Spark may leave them out, a wrong type is -EBADMSG with *reterr naming the field, more entries
 * than the bound are -E2BIG, targets must be zeroed and are untouched on failure. */
#pragma once

#include <stddef.h>

#include "core/facts/observation.h"

#define SPARK_MAX_TASKS 20000
#define SPARK_MAX_QUERIES 20000
#define SPARK_MAX_EXECUTORS 20000
#define SPARK_MAX_THREADS 50000
#define SPARK_MAX_FRAMES 100 /* of a thread; deeper ones are cut */

/* .../stages/ID/ATTEMPT/taskList?status=running; entries of another status are left out. */
int spark_decode_tasks(const char *body, size_t len, struct task_list *ret, char **reterr);

/* Which threads of a dump are kept. */
enum thread_filter {
	/* Task threads, the threads that feed their Python workers ("stdout writer for ..."), those
	 * through which Python workers of a barrier stage wait for each other
	 * ("accept-connections"), and whatever thread one of these is blocked by. */
	THREADS_OF_TASKS,
	/* Of a driver: "main", py4j's ("Thread-N"), "task-result-getter-N", "broadcast-exchange-N",
	 * "dag-scheduler-event-loop", "spark-listener-group-appStatus", those that streams wait in,
	 * and whatever thread one of these is blocked by. */
	THREADS_OF_DRIVER,
};

/* .../executors/ID/threads, of Spark 2.4 to 4.3. */
int spark_decode_threads(const char *body, size_t len, enum thread_filter filter,
	struct thread_list *ret, char **reterr);

/* The TID in the name of a task's thread: "Executor task launch worker for task 424.0 in stage
 * 753.0 (TID 106778)" (3.1 and later) or "Executor task launch worker for task 106778" (before);
 * -1 for any other name. */
int64_t spark_thread_task(const char *name);

/* A frame as a dump shows it, without its noise: "app//", "java.base@17.0.21.1/", a trailing new
 * line, " => holding Monitor(...)", "\n\t-  locked ...", "@1f2e3d", "$$Lambda$782/0x0000..." ->
 * "$$Lambda". Line numbers stay: they tell one place from another. The caller frees *ret; -ENOMEM.
 */
int spark_frame_normalize(const char *frame, char **ret);

/* .../executors; inactive ones are left out. */
int spark_decode_executor_list(
	const char *body, size_t len, struct executor_list *ret, char **reterr);

/* /streaming/statistics: an app without a streaming context has none (404). */
int spark_decode_batches(const char *body, size_t len, struct batches_obs *ret, char **reterr);

/* /metrics/json/ of a driver: numDroppedEvents of the appStatus queue. *ret is left alone and 0 is
 * returned where the answer holds no such counter, 1 where it does. */
int spark_decode_dropped_events(const char *body, size_t len, uint64_t *ret, char **reterr);

/* .../sql?details=false: the newest query that is not a part of another one. *ret is left alone and
 * 0 is returned where there was none, 1 where there was. */
int spark_decode_newest_query(const char *body, size_t len, struct query_obs *ret, char **reterr);
