/* SPDX-License-Identifier: Apache-2.0
 * A table for people: cells in rows, laid out in columns as wide as they must be. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A cell is cut to so many bytes. */
#define COLUMNS_MAX_CELL ((size_t)48)

struct columns {
	size_t n_columns; /* set by whoever makes it; the rest is zero */
	char **cells;     /* printable */
	size_t n_rows;
	bool failed; /* for want of memory */
};

/* One row of n_columns cells. */
void columns_add(struct columns *t, const char *const *cells);
/* "out of memory" where any row could not be added. */
void columns_print(const struct columns *t, FILE *out);
void columns_clear(struct columns *t);
