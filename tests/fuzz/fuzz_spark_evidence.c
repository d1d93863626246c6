/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as answers about tasks, threads, executors and processes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "decode.h"

#include "wire/processes.h"
#include "wire/spark_evidence.h"
#include "wire/spark_memory.h"
#include "wire/spark_properties.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is kept of processes is read again, and means the same. */
static void keep(const struct process_list *l)
{
	_cleanup_(process_list_clear) struct process_list again = {0};
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *same = NULL;

	must(processes_json(l, &text) >= 0);
	must(TRY(processes_decode(text, strlen(text), &again, &err)) >= 0);
	must(processes_json(&again, &same) >= 0);
	if (strcmp(text, same) != 0) {
		(void)fprintf(stderr, "%s\n---\n%s\n", text, same);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	_cleanup_(task_list_clear) struct task_list tasks = {0};
	_cleanup_(thread_list_clear) struct thread_list threads = {0};
	_cleanup_(thread_list_clear) struct thread_list driver = {0};
	_cleanup_(executor_list_clear) struct executor_list executors = {0};
	_cleanup_(process_list_clear) struct process_list processes = {0};
	_cleanup_(strlist_clear) struct strlist properties = {0};
	_cleanup_(executor_memory_list_clear) struct executor_memory_list memory = {0};
	_cleanup_(query_obs_clear) struct query_obs query = {0};
	struct batches_obs batches;
	uint64_t dropped = 0;
	double cpu = 0;

	(void)TRY(spark_decode_tasks(body, size, &tasks, &err));
	(void)TRY(spark_decode_threads(body, size, THREADS_OF_TASKS, &threads, &err));
	(void)TRY(spark_decode_threads(body, size, THREADS_OF_DRIVER, &driver, &err));
	(void)TRY(spark_decode_executor_list(body, size, &executors, &err));
	(void)TRY(spark_decode_newest_query(body, size, &query, &err));
	(void)TRY(spark_decode_dropped_events(body, size, &dropped, &err));
	(void)TRY(spark_decode_batches(body, size, &batches, &err));
	if (TRY(processes_decode(body, size, &processes, &err)) >= 0)
		keep(&processes);
	(void)TRY(nodemanager_decode_cpu(body, size, "container_1", &cpu, &err));
	(void)TRY(spark_decode_properties(body, size, &properties, &err));
	(void)TRY(spark_decode_memory(body, size, &memory, &err));
	return 0;
}
