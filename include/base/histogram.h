/* SPDX-License-Identifier: Apache-2.0
 * A histogram with fixed bounds, made for times of requests and polls. Plain data. */
#pragma once

#include <stdint.h>

struct histogram {
	uint64_t buckets[12]; /* per bound, not cumulative; the last is beyond all bounds */
	double sum;
};

/* Upper bounds of the buckets, in seconds, rising. */
extern const double histogram_bounds[11];

void histogram_observe(struct histogram *h, double seconds);
