/* SPDX-License-Identifier: Apache-2.0
 * How a number of completed tasks rose over the last hour, for people who look at it: a point for
 * each five minutes in which it changed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

#define RISE_SLOT (5 * USEC_PER_MINUTE)
#define RISE_POINTS 13 /* an hour, and where it began */

struct rise {
	usec_t began; /* the first point ever; 0: there is none */
	struct rise_point {
		uint32_t at; /* seconds since then */
		uint32_t done;
	} points[RISE_POINTS];
	unsigned n;
};

/* It is done from now on. now never falls. */
void rise_note(struct rise *r, usec_t now, int64_t done);

/* When point i was; i < n. */
usec_t rise_time(const struct rise *r, size_t i);
