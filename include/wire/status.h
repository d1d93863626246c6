/* SPDX-License-Identifier: Apache-2.0
 * What /api/v1/stages and /api/v1/incidents answer: the detector's and the incidents' state as
 * JSON. Times are ISO 8601 in UTC, durations seconds. */
#pragma once

#include "core/incident.h"

/* now: the detector's clock, wall: since 1970, of the same moment. */
int status_stages_json(const struct detector *d, usec_t now, usec_t wall, char **ret);
/* The newest first. */
int status_incidents_json(const struct incident_list *l, char **ret);

/* One, with its story and the properties of its app: what /api/v1/incidents/ID answers. */
int status_incident_json(const struct incident *i, char **ret);

struct status_cluster {
	const char *name;
	bool up;
	usec_t last_poll; /* since 1970; 0: never */
	size_t n_apps;
};

struct status_airflow {
	const char *name;
	bool up;
};

struct status_summary {
	const char *version;
	const char *mode;
	usec_t wall;
	usec_t started;
	bool ready;
	bool healthy;
	bool reload_ok;
	usec_t reloaded;
	size_t n_pending_actions;
	const struct status_cluster *clusters;
	size_t n_clusters;
	const struct status_airflow *airflows;
	size_t n_airflows;
};

/* What /api/v1/status answers. */
int status_summary_json(const struct status_summary *s, char **ret);

/* One line of a replay: a change of a verdict. origin: the clock when the recording began. */
int status_event_json(const struct detector_event *ev, usec_t origin, char **ret);
