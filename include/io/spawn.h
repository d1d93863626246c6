/* SPDX-License-Identifier: Apache-2.0
 * Programs that the administrator names: run without a shell, with a given environment, input from
 * memory, output bounded, for a limited time, and never waited for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "base/time.h"

struct spawn; /* one under way */

struct spawn_ask {
	const char *const *argv; /* NULL-terminated; argv[0] is an absolute path */
	const char *const *env;  /* all of it, NULL-terminated */
	const char *input;       /* its standard input */
	size_t input_len;
	usec_t timeout;    /* then SIGTERM to its process group, SPAWN_GRACE later SIGKILL */
	size_t max_output; /* bytes kept of standard output and error; the rest is read and dropped
			    */
};

#define SPAWN_GRACE (5 * USEC_PER_SEC)

struct spawn_end {
	int status;         /* its exit status; -1: ended by a signal */
	int signal;         /* that signal; 0: none */
	bool timed_out;     /* it was told to end */
	const char *output; /* printable, lines joined; may be "" */
	bool cut;           /* there was more */
};

typedef void (*spawn_done_fn)(void *userdata, const struct spawn_end *end);

/* Starts it in a process group of its own, with signals as a program expects them and no other open
 * file than its three. When it ends, whatever is left of its group is killed. ask is copied as far
 * as needed. Exactly one callback, from the event loop, unless cancelled. -errno where it could
 * not be started (-ENOENT, -EACCES, -ENOEXEC, -EAGAIN ...). */
int spawn_start(sd_event *event, const struct spawn_ask *ask, spawn_done_fn done, void *userdata,
	struct spawn **ret);

/* Kills it and its group at once; no callback comes after this. Not of one whose callback runs.
 * NULL is allowed; returns NULL. */
struct spawn *spawn_cancel(struct spawn *s);
