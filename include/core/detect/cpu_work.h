/* SPDX-License-Identifier: Apache-2.0
 * From the scheduler's counts at two looks to what each worker and thread did between them. */
#pragma once

#include "core/detect/cpu.h"

/* CPU seconds a second. A Python worker with nothing to do does nothing. */
#define CPU_WORKER_BUSY_MIN 0.003
/* Hundredths of a second that stand still so long are no CPU call a second. */
#define CPU_COARSE_MIN USEC_PER_MINUTE

/* Sorts a sample's processes and threads, and tells of each process whose worker it is, or is part
 * of (process_obs.worker): the children of pyspark.daemon, whatever program wraps that; without a
 * daemon, the children of the JVM. driver: what is below a driver's JVM beside the daemon is no
 * worker. */
void cpu_work_prepare(struct cpu_sample *s, bool driver);

/* What one wake-up of a wait with a timeout costs at most, in ns: by the daemon of the same host,
 * which wakes up once a second, over the samples from first on. */
uint64_t cpu_work_tick(const struct cpu_series *s, size_t first);

/* Fills workers, threads, knows_threads, counted, with_daemon of u from samples first and last. */
void cpu_work_use(const struct cpu_series *s, size_t first, uint64_t tick, struct cpu_use *u);

/* All threads of the JVM that run tasks, from first on: for where only their sum is known. */
enum cpu_work cpu_work_of_tasks(const struct cpu_series *s, size_t first, uint64_t tick);

/* The last sample after first by which, since the one before, a worker had worked, leaving out the
 * n whose last work is the newest; with jvm also a thread that runs a task. first itself: none. */
size_t cpu_work_last(const struct cpu_series *s, size_t first, uint64_t tick, size_t n, bool jvm);

/* By pid; NULL where there is none. */
struct process_obs *cpu_sample_find(const struct cpu_sample *s, int64_t pid);
