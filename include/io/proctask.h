/* SPDX-License-Identifier: Apache-2.0
 * The threads of a process, and what the scheduler counts of them, out of /proc/PID/task. Readable
 * without privileges unless /proc is mounted with hidepid. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/sched.h"

/* Threads of one process that are looked at; of one with more, nothing is told. */
#define PROCTASK_MAX 4096

struct proctask {
	size_t n_threads;
	struct sched_count main; /* the thread whose tid is the pid */
	struct sched_count all;  /* added up over the threads that live; waits are slices here */
};

/* A process that runs a task in its main thread, such as a Python worker. -ESRCH where it is gone,
 * -E2BIG over PROCTASK_MAX, other -errno where /proc does not tell. */
int proctask_count(pid_t pid, struct proctask *ret);

/* The threads of an executor's JVM that work for tasks, by their names (proc_pid_comm(5), cut at 15
 * characters): "Executor task launch worker ..." and Spark 3.x's "stdout writer for ...". *ret is
 * the caller's, NULL where there are none. Errors as above, and -ENOMEM. */
int proctask_of_jvm(pid_t pid, struct sched_thread **ret, size_t *ret_n);
