/* SPDX-License-Identifier: Apache-2.0
 * A bucket is known by when it will be full. */
#include "base/rate.h"

bool rate_take(struct rate *r, usec_t interval, uint64_t burst, usec_t now)
{
	usec_t from = r->full_at > now ? r->full_at : now;

	if (from + interval > now + burst * interval)
		return false;
	r->full_at = from + interval;
	return true;
}
