/* SPDX-License-Identifier: Apache-2.0
 * Which try of a task instance it is: Airflow 3 has an id per try; in Airflow 2 its number, start,
 * process and host tell. */
#pragma once

#include "core/facts/model.h"

struct ti_identity {
	char *id;           /* 3.x; NULL in 2.x */
	int64_t try_number; /* the rest: 2.x */
	usec_t started;
	int64_t pid;    /* 0: not known */
	char *hostname; /* NULL: not known */
};

/* To be taken while the task instance runs: only then are pid and host its own. *ret is replaced;
 * unchanged on -ENOMEM. */
int ti_identity_of(const struct ti_obs *t, struct ti_identity *ret);
void ti_identity_clear(struct ti_identity *i);

/* Whether t is still that try. Pid and host count where both sides have them. */
bool ti_identity_matches(const struct ti_identity *i, const struct ti_obs *t);
