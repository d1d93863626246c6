/* SPDX-License-Identifier: Apache-2.0
 * Halves what is left. */
#include "base/sorted.h"

size_t sorted_place(const void *key, const void *items, size_t n, size_t size,
	int (*compare)(const void *key, const void *item))
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (compare(key, (const char *)items + middle * size) > 0)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}
