/* SPDX-License-Identifier: Apache-2.0
 * The driver's process, on this host. */
#include <errno.h>
#include <string.h>

#include "action/kill_kinds.h"

static void on_ended(void *userdata, int error)
{
	struct kill_app *k = userdata;

	k->process = NULL;
	if (error == 0)
		kill_finish(k, REPLY_DONE, NULL);
	else
		kill_finish(k, REPLY_UNCERTAIN,
			error == -ECANCELED ? "its driver got SIGTERM, and no SIGKILL any longer"
					    : "the driver's process lives on after SIGKILL");
}

int kill_process_begin(struct kill_app *k)
{
	const struct process_victim v = {
		.pid = k->pid, .started = k->pid_started, .guard = k->guard};

	return process_kill_start(k->event, &v, on_ended, k, &k->process);
}
