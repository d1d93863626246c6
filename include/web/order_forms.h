/* SPDX-License-Identifier: Apache-2.0
 * The buttons of the pages: nothing where the one who asks may not give orders. */
#pragma once

#include "web/incident_view.h"
#include "web/page.h"

/* About an incident, and about all. */
void orders_of_incident(struct page *p, const struct incident_view *i);
void orders_of_all(struct page *p);
