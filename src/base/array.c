/* SPDX-License-Identifier: Apache-2.0
 * Doubles the room of an array. */
#include "base/array.h"

#include <stdbool.h>
#include <stdlib.h>

#define FIRST 8

void *array_room(void *items, size_t n, size_t size)
{
	bool full = n >= FIRST && (n & (n - 1)) == 0;

	if (items && !full)
		return items;
	return reallocarray(items, items ? 2 * n : FIRST, size);
}
