/* SPDX-License-Identifier: Apache-2.0
 * Ends a process of this host: SIGTERM, and SIGKILL to one that is still there after a while. By a
 * pidfd, so that no other process that got its number meanwhile is hit. */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/time.h"
#include "io/guard.h"

/* How long a process has after SIGTERM (a JVM runs its hooks), and after SIGKILL. */
#define PROCESS_KILL_TERM_TIME (10 * USEC_PER_SEC)
#define PROCESS_KILL_KILL_TIME (5 * USEC_PER_SEC)

struct process_kill;

/* error: 0, it is gone; -ETIME, it lives on in spite of SIGKILL (in the kernel); -ECANCELED, it got
 * SIGTERM, and the guard was closed when SIGKILL was due. */
typedef void (*process_kill_fn)(void *userdata, int error);

struct process_victim {
	pid_t pid;
	uint64_t
		started; /* as procfs_starttime() has it; pid with another one is another process */
	const struct guard *guard; /* borrowed; NULL: not asked */
};

/* Calls back exactly once, from the event loop, unless it is cancelled or fails. -ESRCH: it is gone
 * already, nothing was sent. -EPERM: without the right. -ECANCELED: the guard is closed. */
int process_kill_start(sd_event *event, const struct process_victim *v, process_kill_fn fn,
	void *userdata, struct process_kill **ret);
/* What was sent cannot be taken back; no callback comes after this. NULL is allowed; returns NULL.
 */
struct process_kill *process_kill_cancel(struct process_kill *k);
