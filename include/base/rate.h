/* SPDX-License-Identifier: Apache-2.0
 * How often something may happen: a bucket that holds so many, and gets one each interval. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

/* All zero: full. */
struct rate {
	usec_t full_at;
};

/* Takes one, if there is one. burst: how many it holds. Both may change from call to call. */
bool rate_take(struct rate *r, usec_t interval, uint64_t burst, usec_t now);
