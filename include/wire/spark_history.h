/* SPDX-License-Identifier: Apache-2.0
 * What Spark tells of apps and stages that have ended: a History Server, and a driver of its own
 * stages. Tried with 4.3.0. Bounds and errors as in wire/spark_rest.h. */
#pragma once

#include <stddef.h>

#include "core/facts/finished.h"

/* Attempts of all apps of a list, at most. */
#define SPARK_MAX_ATTEMPTS 2000

/* /api/v1/applications of a History Server: each attempt that has ended, in the order of the list.
 * Those that still run, or whose times are not known, are passed over. An answer without any is
 * none that is wrong. */
int spark_decode_finished_apps(
	const char *body, size_t len, struct finished_app_list *ret, char **reterr);

/* .../stages?status=complete&details=false: each stage that is COMPLETE and whose times are known.
 * Receivers of Spark Streaming, which run by design, are left out. */
int spark_decode_finished_stages(
	const char *body, size_t len, struct finished_stage_list *ret, char **reterr);

/* .../stages/ID/ATTEMPT/taskSummary?quantiles=1.0: how long the longest task took. Spark before 3.0
 * tells the time in the executor only. -EBADMSG with *reterr where it does not say. */
int spark_decode_longest_task(const char *body, size_t len, usec_t *ret, char **reterr);
