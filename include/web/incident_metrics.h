/* SPDX-License-Identifier: Apache-2.0
 * Open incidents as series, so that each hang can be an alert of its own. */
#pragma once

#include "web/metrics.h"
#include "web/view.h"

/* So many incidents have a series of their own at most; the rest are counted by cluster and
 * verdict, as the incident "more". Critical ones come first, then older ones. */
#define INCIDENTS_SHOWN 100

/* Longer names of apps, DAGs and tasks are cut to so many bytes. */
#define INCIDENT_MAX_LABEL 120

void incident_metrics_add(const struct web_view *v, struct metrics_writer *w);
