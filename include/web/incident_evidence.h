/* SPDX-License-Identifier: Apache-2.0
 * The whole story of an incident: step by step, and what was seen of tasks, executors and driver,
 * side by side. */
#pragma once

#include "web/incident_view.h"
#include "web/page.h"

void incident_story(struct page *p, const struct incident *i);
/* As far as the app is still there. */
void incident_evidence(struct page *p, const struct incident_view *i);
/* Where the answers of its driver are kept, and Spark's properties that matter. */
void incident_kept(struct page *p, const struct incident *i);
