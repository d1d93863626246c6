/* SPDX-License-Identifier: Apache-2.0
 * Finds rows by name, and makes them. */
#include "setup/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

void *rows_get(void **rows, size_t *n, size_t size, const char *name)
{
	char *items = *rows;
	char *copy;

	for (size_t i = 0; i < *n; i++)
		if (str_equal(*(char **)(void *)(items + i * size), name))
			return items + i * size;
	copy = strdup(name);
	items = reallocarray(*rows, *n + 1, size);
	if (items)
		*rows = items;
	if (!items || !copy) {
		free(copy);
		return NULL;
	}
	memset(items + *n * size, 0, size);
	*(char **)(void *)(items + *n * size) = copy;
	return items + (*n)++ * size;
}
