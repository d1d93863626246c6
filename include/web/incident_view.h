/* SPDX-License-Identifier: Apache-2.0
 * An incident with all that is known of it at the moment: what the detector sees, the rule that
 * holds, and what is to come. */
#pragma once

#include "core/act/outlook.h"
#include "web/view.h"

/* All borrowed. */
struct incident_view {
	const struct incident *incident;
	const struct app_history *app;     /* NULL: it is not there any more */
	const struct stage_history *stage; /* NULL: neither is the stage, or it is about the app */
	const struct rule *rule;           /* that holds for its app; NULL: it is no more */
	struct app_wishes wishes;          /* what its app asks of it */
	struct outlook outlook;
};

void incident_view_of(
	const struct web_view *v, const struct incident *i, struct incident_view *ret);

/* Since when it lasts: no progress, or the trouble of the app; since 1970. */
usec_t incident_view_since(const struct web_view *v, const struct incident_view *i);

/* "Stage 103 of etl hangs". The caller frees it. -ENOMEM. */
int incident_view_title(const struct incident *i, char **ret);

/* The open ones, the gravest first, of one severity the newest first. The caller frees *ret.
 * -ENOMEM. */
int incident_view_open(const struct web_view *v, const struct incident ***ret, size_t *ret_n);

/* How far an incident is from being the only one. */
struct neighbours {
	size_t n_open;           /* other incidents that are open */
	size_t n_cluster;        /* of them, on the same cluster */
	size_t n_host;           /* with stalled tasks on one of its hosts */
	const char *host;        /* such a one; NULL: none */
	size_t n_app;            /* of the same app */
	const char *executor;    /* of its app, on which another of its stages stalls, too */
	size_t n_apps_cluster;   /* apps of the cluster in all */
	size_t n_apps_unhealthy; /* of which so many stand still */
};

void incident_view_neighbours(
	const struct web_view *v, const struct incident_view *i, struct neighbours *ret);
