/* SPDX-License-Identifier: Apache-2.0
 * A recording of a driver's answers: JSON Lines, one answer a line, in order of time. */
#pragma once

#include <stddef.h>

#include "base/param.h"
#include "base/time.h"
#include "core/facts/model.h"

struct recorded_answer {
	usec_t at;   /* since the recording began: when the answer was complete */
	usec_t took; /* how long it took */
	char *path;  /* with its query, as it was asked; or "host/processes" */
	int status;  /* 0: no answer */
	char *type;  /* content type, lower case, without parameters; "" where there was none */
	char *body;
	size_t len;
	char *error; /* status 0: "refused", "no answer"; NULL in older recordings */
	usec_t date; /* the driver's clock with the answer, since 1970; 0: not recorded */
};

void recorded_answer_clear(struct recorded_answer *a);

/* One line. -EBADMSG with *reterr naming the field for anything else than an answer. */
int recording_decode(const char *line, size_t len, struct recorded_answer *ret, char **reterr);

/* The same as a line, without a new line. */
int recording_encode(const struct recorded_answer *a, char **ret);

/* What a driver would answer to /api/v1/applications, and with the properties ("key=value") to
 * /environment: for a recording that begins after they were asked. The caller frees it. -ENOMEM. */
int recording_applications(const struct app_info *app, char **ret);
int recording_environment(const struct strlist *properties, char **ret);
