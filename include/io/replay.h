/* SPDX-License-Identifier: Apache-2.0
 * A transport whose answers come from a recording, in virtual time: a request is answered at once
 * by the newest answer to its path that is not later than now. A path that was never recorded has
 * no answer. */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "io/transport.h"

struct replay;

struct replay_answer {
	usec_t at; /* since the recording began */
	usec_t took;
	const char *path; /* with its query; the order of parameters, and length and offset, do not
			     count */
	int error;        /* 0, or as in struct transport_answer */
	int status;
	const char *type;
	const char *body;
	size_t len;
	usec_t date; /* the driver's clock; 0: not recorded */
};

/* origin: the clock's value when the recording began, not 0. */
int replay_new(usec_t origin, struct replay **ret);
struct replay *replay_free(struct replay *r);

DEFINE_CLEANUP(struct replay *, replay_free)

/* Adds an answer; all is copied. They come in order of time: -EINVAL for one that goes back.
 * -ENOMEM. */
int replay_add(struct replay *r, const struct replay_answer *answer);

/* When the last answer came, since the recording began. */
usec_t replay_length(const struct replay *r);

/* Sets the clock, forward only, and reads it. */
void replay_set_time(struct replay *r, usec_t now);
usec_t replay_now(const struct replay *r);

struct transport *replay_transport(struct replay *r);

/* Calls back for the oldest request that waits; false where none does. */
bool replay_deliver(struct replay *r);
