/* SPDX-License-Identifier: Apache-2.0
 * How those stand whom the configuration names: what decisions read, apart from the counters of
 * setup/stats.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"
#include "core/facts/permissions.h"
#include "setup/faults.h"
#include "setup/settings.h"

/* What went wrong last, for people; it stays when all is well again. */
struct last_error {
	usec_t at;      /* since 1970; 0: nothing ever did */
	char text[400]; /* printable */
};

struct health_cluster {
	char *name;   /* owned; it keeps its health over a reload */
	bool present; /* in the configuration in force */
	bool up;      /* all that is configured answered in the last round, and was understood */
	usec_t last_poll;                 /* since 1970; 0: never */
	struct fault_list faults;         /* what stands in the way of that */
	size_t targets[TARGET_STATE_MAX]; /* how many are in which state */
	enum permission kill;             /* of its apps at its cluster manager */
	struct last_error error;
};

struct health_airflow {
	char *name;
	bool present;
	bool up;
	char *version; /* owned; NULL until it has said it */
	enum permission access[AIRFLOW_RIGHT_MAX];
	usec_t answered; /* it was healthy last, since 1970; 0: never */
	struct last_error error;
};

struct health_notify {
	char *name;
	bool present;
	const char *complaint; /* why the last attempt failed, static; NULL: it did not */
};

struct health {
	struct health_cluster *clusters;
	size_t n_clusters;
	struct health_airflow *airflows;
	size_t n_airflows;
	struct health_notify *notifies;
	size_t n_notifies;
};

/* The row of that name, made where it is missing; NULL without memory. A pointer holds until the
 * next row is made. */
struct health_cluster *health_cluster(struct health *h, const char *name);
struct health_airflow *health_airflow(struct health *h, const char *name);
struct health_notify *health_notify(struct health *h, const char *name);

void last_error_set(struct last_error *e, usec_t wall, const char *fmt, ...) _printf_(3, 4);

/* Rows for all that is configured, and no other is present. -ENOMEM. */
int health_prepare(struct health *h, const struct settings *s);

void health_clear(struct health *h);
