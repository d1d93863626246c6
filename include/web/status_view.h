/* SPDX-License-Identifier: Apache-2.0
 * The state of the daemon for the status pages: gathered here, put into words by wire/status. */
#pragma once

#include "web/view.h"

/* What /api/v1/status answers. */
int state_summary_json(const struct web_view *v, char **ret);
/* The storm that is on. -ENOENT: none is, or it has another id. */
int state_storm_json(const struct web_view *v, const char *id, char **ret);
/* The whole story of an incident, with what will be done about it. */
int state_incident_json(const struct web_view *v, const struct incident *i, char **ret);
/* What became of hangs that were only observed: what /api/v1/observed answers. */
int state_observed_json(const struct web_view *v, char **ret);
