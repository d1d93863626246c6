/* SPDX-License-Identifier: Apache-2.0
 * Where else to look: addresses of Airflow and of Spark, and commands for a terminal. */
#pragma once

#include "action/airflow.h"
#include "core/facts/model.h"

/* The caller frees *ret; NULL where there is none. -ENOMEM. */

/* The log of a try, as Airflow's own log_url has it (2.11.2 and 3.3.2); api unknown: none. */
int links_task_log(
	const char *airflow, enum airflow_api api, const struct owner *owner, char **ret);
/* The run in the grid. */
int links_grid(const char *airflow, enum airflow_api api, const struct owner *owner, char **ret);
/* Spark's page of a stage; stage_id < 0: of the app. url: where the driver answered, may be NULL.
 */
int links_stage(const char *url, int64_t stage_id, int64_t attempt_id, char **ret);

/* A command for a shell, with arg in quotes where it needs any, whatever it holds. */
int links_command(const char *before, const char *arg, const char *after, char **ret);
