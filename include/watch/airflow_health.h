/* SPDX-License-Identifier: Apache-2.0
 * Watches over the Airflows of a world: their health, and once, what may be done there; and whether
 * the apps of the sources may be killed. So a missing right is known before it is needed. */
#pragma once

#include "setup/runtime.h"
#include "setup/stats.h"

struct access;

/* stats must outlive it. */
int access_new(struct stats *stats, struct access **ret);
/* NULL is allowed; returns NULL. */
struct access *access_free(struct access *w);

DEFINE_CLEANUP(struct access *, access_free)

/* What is under way is given up. To be called before its world goes. */
void access_leave(struct access *w);
/* Watches over this world from now on, and tests all of it anew. Borrowed until access_leave(). */
int access_enter(struct access *w, struct world *world);

/* Asks for what is due. */
void access_tick(struct access *w);

/* Whether a rule would have this Airflow change anything. */
bool access_acts(const struct world *world, const struct airflow *airflow);
