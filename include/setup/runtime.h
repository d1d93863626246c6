/* SPDX-License-Identifier: Apache-2.0
 * The objects that a configuration makes: sources, Airflows and receivers of messages. Counted,
 * since an action that is under way ends with the configuration with which it began, whatever is
 * reloaded meanwhile. */
#pragma once

#include "core/act/incident.h"
#include "core/facts/app_wish.h"
#include "io/transport.h"
#include "setup/settings.h"

struct runtime {
	unsigned n_refs;
	struct settings *settings;
	struct source **sources;
	struct airflow **airflows;
	struct notify **notifies;
};

/* Reads the secrets and makes the objects. Takes settings over, also on failure. Faults (a secret
 * that cannot be read) go to errors, -EBADMSG then. */
int runtime_new(struct settings *settings, struct transport *transport, sd_event *event,
	struct runtime **ret, struct strlist *errors);

struct runtime *runtime_ref(struct runtime *w);
/* NULL is allowed; returns NULL. */
struct runtime *runtime_unref(struct runtime *w);

DEFINE_CLEANUP(struct runtime *, runtime_unref)

struct source *runtime_source(const struct runtime *w, const char *name);
/* The one that the rule names, or the only one there is; NULL when there is none. */
struct airflow *runtime_airflow(const struct runtime *w, const struct rule *rule);
/* The globs on DAGs of the rules that would act through an Airflow. -ENOMEM. */
int runtime_dags(const struct runtime *w, const struct airflow *airflow, struct strlist *ret);
/* The rule that holds for an incident's app, with what its properties may change of it (*ret: room
 * for that); NULL: the rule is no more. */
const struct rule *runtime_rule_of(
	const struct runtime *w, const struct incident *i, struct app_wishes *ret);
/* NULL: there is none of that name. */
const struct rule *runtime_rule(const struct runtime *w, const char *name);
/* NULL when there is none of that name. */
struct notify *runtime_notify(const struct runtime *w, const char *name);
