/* SPDX-License-Identifier: Apache-2.0
 * What executors' processes and threads have used, as JSON: what [probe] answers, and
 * "host/processes" of a recording: [{"executor", "pid", "cpu_seconds", "processes": [PROCESS]}],
 * with "python" (the lines at which idle Python workers stand) where they were looked at, "app" in
 * a probe's answer, "pod" (the uid of its pod) where it is in one, and "age_seconds"
 * where cpu_seconds was read so long before. pid 0: the sum of a container. PROCESS: "pid",
 * "cpu_seconds", "name", and optional "ppid", "reaped_seconds", "python_daemon" (its command line
 * is that of pyspark.daemon, whose workers are forks of it) and what the scheduler counts:
 * "threads" (how many), of them all "run_ns" (nanoseconds on a CPU) and "slices" (times one was
 * given a CPU), of the main thread alone "main_run_ns", "main_slices" and "main_waits" (times it
 * gave the CPU up by itself). The executor's JVM has "task_threads" instead: "threads", "run_ns",
 * "slices", "waits" of all threads that run tasks, and in "each" the same of each, with its "tid";
 * "feeding" has the threads that compute what Python workers read (Spark 3.x). "switches"
 * ([voluntary, involuntary]) stands for "waits" in some recordings. Older recordings lack the
 * counts, the oldest "processes". */
#pragma once

#include <stddef.h>

#include "core/facts/observation.h"

#define PROCESSES_MAX_TREES 5000
#define PROCESSES_MAX 100000 /* of all trees, and their threads */

/* -EBADMSG with *reterr naming the field, -E2BIG over the bounds, -ENOMEM. Target zeroed, untouched
 * on failure. */
int processes_decode(const char *body, size_t len, struct process_list *ret, char **reterr);

int processes_json(const struct process_list *l, char **ret);

/* NM/jmx?qry=Hadoop:service=NodeManager,name=ContainerResource_CONTAINER of a NodeManager 3.x: how
 * many CPU seconds a second the container used of late, from PCpuUsagePercentAvgPercents (100 is
 * one core). 1 and *ret; 0 where the NodeManager does not measure (no such bean, or one without
 * values: its container-metrics.period-ms is unset); -EBADMSG with *reterr. */
int nodemanager_decode_cpu(
	const char *body, size_t len, const char *container, double *ret, char **reterr);

/* The NodeManager's address and the container out of a log link of Spark on YARN,
 * "http://nm:8042/node/containerlogs/container_1_2_01_000002/user/stderr?start=-4096":
 * "http://nm:8042" and "container_1_2_01_000002". 0; -EINVAL for any other text. The caller frees
 * both. */
int nodemanager_parse_link(const char *log_url, char **ret_url, char **ret_container);
