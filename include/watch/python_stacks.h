/* SPDX-License-Identifier: Apache-2.0
 * Where the idle Python workers of this host's executors stand, by py-spy. It reads a worker's
 * memory and does not stop it (--nonblocking); and only that of a worker that has used no CPU for
 * half a minute while its app was looked at, seldom, two at a time, for ten seconds at most. What
 * it says is there at a later look. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "core/facts/observation.h"
#include "io/clock.h"

struct python_stacks;

/* Off until it is configured. clock is borrowed. */
int python_stacks_new(sd_event *event, const struct clock *clock, struct python_stacks **ret);
/* Kills what is under way. NULL is allowed; returns NULL. */
struct python_stacks *python_stacks_free(struct python_stacks *s);

DEFINE_CLEANUP(struct python_stacks *, python_stacks_free)

/* program: py-spy, an absolute path; copied. NULL: off. -ENOMEM: off. */
int python_stacks_configure(struct python_stacks *s, const char *program);

/* Executors of this host, as they are now, of an app under suspicion: begins to look at workers
 * that are due, and adds what is known to the places of each executor. -ENOMEM. */
int python_stacks_look(struct python_stacks *s, struct process_list *l);

/* Whether it is on. */
bool python_stacks_on(const struct python_stacks *s);
/* Why py-spy told nothing when it was last run; NULL: it did tell, or never ran. */
const char *python_stacks_trouble(const struct python_stacks *s);
