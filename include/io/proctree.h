/* SPDX-License-Identifier: Apache-2.0
 * The processes of this host's Spark executors, the CPU time that each has used, and what the
 * scheduler counts of the threads that tasks run in, out of /proc. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/sched.h"
#include "base/time.h"
#include "io/pod_cgroup.h"

struct proctree_process {
	pid_t pid;
	pid_t ppid;
	usec_t cpu;    /* user and system, since it began */
	usec_t reaped; /* of its children that have ended and were waited for */
	char name[16];
	bool daemon; /* its command line is pyspark.daemon's: it or a fork of it, a worker */
	/* Of its threads; of a JVM nothing here. */
	size_t n_threads;
	struct sched_count main;
	struct sched_count all;
};

/* A JVM and all below it. */
struct proctree {
	char *app_id;
	char *executor_id;
	pid_t pid;
	usec_t cpu;             /* of all together */
	char pod[POD_UID_SIZE]; /* the uid of its pod; "": in none */
	struct proctree_process *items;
	size_t n;
	/* The JVM's threads that work for tasks; known: they could be listed. */
	bool knows_threads;
	struct sched_thread *threads;
	size_t n_threads;
};

struct proctree_list {
	struct proctree *items;
	size_t n;
};

/* All executors on this host, by their command lines: a java process with
 * "...CoarseGrainedExecutorBackend", "--executor-id ID" and "--app-id APP". A process that ends
 * while this looks is left out. -EACCES where /proc hides processes: half a tree would look idle.
 * -errno where /proc cannot be read at all, -ENOMEM. *ret zeroed. */
int proctree_executors(struct proctree_list *ret);

/* The tree below one process, such as a driver in local mode, where the driver runs the tasks: ids
 * as given (copied). -ESRCH where it is gone, -EACCES as above. */
int proctree_of(pid_t pid, const char *app_id, const char *executor_id, struct proctree_list *ret);

/* The same of the process alone, without what is below it: cheaper than a look at all of them. */
int proctree_jvm(pid_t pid, const char *app_id, const char *executor_id, struct proctree_list *ret);

void proctree_list_clear(struct proctree_list *l);
