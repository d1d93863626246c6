/* SPDX-License-Identifier: Apache-2.0
 * A driver's own kills: of a job, of a stage. Errors and bounds as in wire/spark_rest.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/facts/model.h"

/* Jobs that use one stage; more of them are left out. */
#define KILL_MAX_JOBS 16

struct kill_jobs {
	int64_t ids[KILL_MAX_JOBS];
	size_t n;
};

/* /jobs?status=running : the running jobs that use a stage. */
int spark_decode_jobs_of_stage(
	const char *body, size_t len, int64_t stage_id, struct kill_jobs *ret, char **reterr);

/* The page /stages/ or /jobs/, and how it kills by path ("/stages/stage/kill/"): by a form (4.x),
 * or by a link (3.x), which is a GET without a token. -EBADMSG for what is not a whole page. */
int spark_decode_kill_page(
	const char *body, size_t len, const char *path, struct kill_form *ret, char **reterr);
