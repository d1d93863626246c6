/* SPDX-License-Identifier: Apache-2.0
 * Watches over the Airflows of a runtime: their health, and once, what may be done there; and
 * whether the apps of the sources may be killed. So a missing right is known before it is needed.
 */
#pragma once

#include "setup/health.h"
#include "setup/runtime.h"
#include "setup/stats.h"

struct airflow_health;

/* Both must outlive it. */
int airflow_health_new(struct health *health, struct stats *stats, struct airflow_health **ret);
/* NULL is allowed; returns NULL. */
struct airflow_health *airflow_health_free(struct airflow_health *w);

DEFINE_CLEANUP(struct airflow_health *, airflow_health_free)

/* What is under way is given up. To be called before its runtime goes. */
void airflow_health_deactivate(struct airflow_health *w);
/* Watches over this runtime from now on, and tests all of it anew. Borrowed until
 * airflow_health_deactivate(). */
int airflow_health_activate(struct airflow_health *w, struct runtime *runtime);

/* Asks for what is due. */
void airflow_health_tick(struct airflow_health *w);

/* Whether a rule would have this Airflow change anything. */
bool airflow_health_acts(const struct runtime *runtime, const struct airflow *airflow);
