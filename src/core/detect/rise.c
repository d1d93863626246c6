/* SPDX-License-Identifier: Apache-2.0
 * A ring that is moved by hand: it is short, and changes seldom. */
#include "core/detect/rise.h"

#include <string.h>

#define SLOT (uint32_t)(RISE_SLOT / USEC_PER_SEC)

/* What a page draws: a point for each, and a larger number is no different there. */
static uint32_t clamp(int64_t done)
{
	return done < 0 ? 0 : done > UINT32_MAX ? UINT32_MAX : (uint32_t)done;
}

void rise_note(struct rise *r, usec_t now, int64_t done)
{
	struct rise_point p = {.done = clamp(done)};

	if (r->n == 0)
		r->began = now;
	p.at = clamp((int64_t)(usec_sub(now, r->began) / USEC_PER_SEC));
	/* The last of a slot stands for it; where it all began stays. */
	if (r->n > 1 && r->points[r->n - 1].at / SLOT == p.at / SLOT) {
		r->points[r->n - 1] = p;
		return;
	}
	if (r->n == RISE_POINTS) {
		memmove(&r->points[0], &r->points[1], (RISE_POINTS - 1) * sizeof(p));
		r->n--;
	}
	r->points[r->n++] = p;
}

usec_t rise_time(const struct rise *r, size_t i)
{
	return r->began + (usec_t)r->points[i].at * USEC_PER_SEC;
}
