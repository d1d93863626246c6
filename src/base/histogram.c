/* SPDX-License-Identifier: Apache-2.0
 * Sorts values into buckets. */
#include "base/histogram.h"

#include <stddef.h>

#include "base/cleanup.h"

const double histogram_bounds[11] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
_Static_assert(ELEMENTSOF(histogram_bounds) + 1 == ELEMENTSOF(((struct histogram *)0)->buckets),
	"a bucket per bound and one beyond");

void histogram_observe(struct histogram *h, double seconds)
{
	size_t i = 0;

	while (i < ELEMENTSOF(histogram_bounds) && seconds > histogram_bounds[i])
		i++;
	h->buckets[i]++;
	h->sum += seconds;
}
