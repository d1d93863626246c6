/* SPDX-License-Identifier: Apache-2.0
 * A [maintenance NAME] of the configuration: hours of the week in which nothing new is begun on the
 * apps that match. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/param.h"
#include "core/facts/model.h"

/* A moment as the host's own clock on the wall shows it. */
struct local_time {
	unsigned weekday; /* 0: Sunday */
	unsigned minute;  /* of the day */
};

struct maintenance {
	char *name;
	/* As configured. */
	char *days;
	char *from;
	char *to;
	/* Globs; NULL: any. All that are set must match. */
	char *app;
	char *dag;
	char *cluster;
	char *reason;
	/* Of maintenance_finish(). */
	unsigned weekdays; /* a bit per day on which it begins, bit 0: Sunday */
	unsigned begins;   /* minute of the day */
	unsigned ends;     /* likewise; at or before begins: of the next day */
	char *text;        /* the objection */
};

struct maintenance_list {
	struct maintenance *items;
	size_t n;
};

extern const struct param_def maintenance_params[];
extern const size_t n_maintenance_params;

/* Reads the days and times. -EINVAL with *reterr, and the key that is wrong in *ret_key (static);
 * -ENOMEM. */
int maintenance_finish(struct maintenance *m, const char **ret_key, char **reterr);

/* Whether it is within the window, whatever the app. A window over midnight belongs to the day on
 * which it begins. Where clocks are set forward over its begin, it begins with the first minute
 * after; where they are set back, the hour that comes twice counts twice. */
bool maintenance_holds(const struct maintenance *m, const struct local_time *t);

/* The first window that holds for the app; NULL: none. dag= matches no app whose owner is not
 * known. */
const struct maintenance *maintenance_match(const struct maintenance_list *l,
	const struct local_time *t, const char *cluster, const struct app_info *app,
	const struct owner *owner);

void maintenance_clear(struct maintenance *m);
void maintenance_list_clear(struct maintenance_list *l);
