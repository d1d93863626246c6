/* SPDX-License-Identifier: Apache-2.0
 * How far a stage has come: Spark's own bar as text, and the last hour as a line, with the limit
 * that its standstill is held against. */
#pragma once

#include "web/incident_view.h"
#include "web/page.h"

/* "[Stage 103:==>         (2 + 6) / 12]". */
void progress_bar(struct page *p, const struct incident_view *i);
/* Nothing where the stage is not there any more. */
void progress_chart(struct page *p, const struct incident_view *i);
