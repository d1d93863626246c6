/* SPDX-License-Identifier: Apache-2.0
 * Lays out a table. */
#include "base/columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

void columns_add(struct columns *t, const char *const *cells)
{
	char **grown = reallocarray(t->cells, (t->n_rows + 1) * t->n_columns, sizeof(char *));
	char **row;

	if (!grown) {
		t->failed = true;
		return;
	}
	t->cells = grown;
	row = &grown[t->n_rows++ * t->n_columns];
	memset(row, 0, t->n_columns * sizeof(char *));
	for (size_t c = 0; c < t->n_columns; c++)
		if (str_printable(cells[c], COLUMNS_MAX_CELL, &row[c]) < 0)
			t->failed = true;
}

static size_t width(const struct columns *t, size_t c)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_rows; i++)
		if (strlen(t->cells[i * t->n_columns + c]) > n)
			n = strlen(t->cells[i * t->n_columns + c]);
	return n;
}

void columns_print(const struct columns *t, FILE *out)
{
	_cleanup_free_ size_t *widths = calloc(t->n_columns, sizeof(*widths));

	if (t->failed || !widths) {
		fprintf(out, "out of memory\n");
		return;
	}
	for (size_t c = 0; c < t->n_columns; c++)
		widths[c] = width(t, c);
	for (size_t i = 0; i < t->n_rows; i++) {
		char *const *row = &t->cells[i * t->n_columns];

		for (size_t c = 0; c + 1 < t->n_columns; c++)
			fprintf(out, "%-*s  ", (int)widths[c], row[c]);
		fprintf(out, "%s\n", row[t->n_columns - 1]);
	}
}

void columns_clear(struct columns *t)
{
	for (size_t i = 0; i < t->n_rows * t->n_columns; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct columns){.n_columns = t->n_columns};
}
