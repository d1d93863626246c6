/* SPDX-License-Identifier: Apache-2.0
 * The objects that a configuration makes: sources, Airflows and receivers of messages. Counted,
 * since an action that is under way ends with the configuration with which it began, whatever is
 * reloaded meanwhile. */
#pragma once

#include "io/transport.h"
#include "setup/settings.h"

struct world {
	unsigned n_refs;
	struct settings *settings;
	struct source **sources;
	struct airflow **airflows;
	struct notify **notifies;
};

/* Reads the secrets and makes the objects. Takes settings over, also on failure. Faults (a secret
 * that cannot be read) go to errors, -EBADMSG then. */
int world_new(struct settings *settings, struct transport *transport, sd_event *event,
	struct world **ret, struct strlist *errors);

struct world *world_ref(struct world *w);
/* NULL is allowed; returns NULL. */
struct world *world_unref(struct world *w);

DEFINE_CLEANUP(struct world *, world_unref)

struct source *world_source(const struct world *w, const char *name);
/* The one that the rule names, or the only one there is; NULL when there is none. */
struct airflow *world_airflow(const struct world *w, const struct rule *rule);
/* NULL: there is none of that name. */
const struct rule *world_rule(const struct world *w, const char *name);
/* NULL when there is none of that name. */
struct notify *world_notify(const struct world *w, const char *name);
