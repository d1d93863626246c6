/* SPDX-License-Identifier: Apache-2.0
 * What a page says of one incident, part by part. Each writes nothing where there is nothing to
 * say. */
#pragma once

#include "web/incident_view.h"
#include "web/page.h"

/* What hangs, since when, what was done, what happens next, and what a person must do. */
void incident_sentence(struct page *p, const struct incident_view *i);
/* How far it has come, and what is usual. */
void incident_progress(struct page *p, const struct incident_view *i);
/* What proves it, where it hangs, and what was not to be had. */
void incident_proof(struct page *p, const struct incident_view *i);
/* Whose it is, and where to look. */
void incident_owner(struct page *p, const struct incident_view *i);
void incident_commands(struct page *p, const struct incident_view *i);
/* Why nothing was done, and the key that would change it. */
void incident_why(struct page *p, const struct incident_view *i);
/* Whether it is only this one, and what has changed of late. */
void incident_neighbours(struct page *p, const struct incident_view *i);
