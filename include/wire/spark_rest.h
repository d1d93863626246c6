/* SPDX-License-Identifier: Apache-2.0
 * Answers of a Spark driver's monitoring REST API (/api/v1), Spark 2.4 to 4.3. Absent fields are
 * tolerated where Spark may leave them out; a wrong type is -EBADMSG with *reterr naming the field.
 * Lists are bounded: more entries than SPARK_MAX_* are -E2BIG with *reterr. Targets must be zeroed,
 * and are untouched on failure. */
#pragma once

#include <stddef.h>

#include "core/facts/model.h"

#define SPARK_MAX_APPS 1000
#define SPARK_MAX_STAGES 10000
#define SPARK_MAX_JOBS 10000
#define SPARK_MAX_STAGE_IDS 100000 /* of all running jobs */

enum spark_body {
	SPARK_BODY_JSON,
	SPARK_BODY_STARTING, /* 200 text/html "Spark is starting up. Please wait..." */
	SPARK_BODY_MASTER,   /* a standalone master's own page: it answers any path with it */
	SPARK_BODY_OTHER,    /* HTML, text, or nothing: not Spark's API */
	SPARK_BODY_MAX
};

/* What a 200 answer is, by content type and first bytes. content_type may be NULL; text/json counts
 * as JSON. */
enum spark_body spark_body_kind(const char *content_type, const char *body, size_t len);

/* /api/v1/applications: the driver UI lists exactly one. started is attempts[0].startTimeEpoch,
 * else startTime. */
int spark_decode_applications(const char *body, size_t len, struct app_list *ret, char **reterr);

/* .../applications/ID/stages?status=active&details=false. Entries whose status is not ACTIVE are
 * left out. */
int spark_decode_stages(const char *body, size_t len, struct stage_list *ret, char **reterr);

/* .../jobs?status=running; entries of another status are left out. */
int spark_decode_jobs(const char *body, size_t len, struct job_list *ret, char **reterr);
