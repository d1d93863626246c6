/* SPDX-License-Identifier: Apache-2.0
 * Counts apps and stages. */
#include "web/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"

static int compare(const void *key, const void *item)
{
	const struct tally_row *row = item;

	return strcmp(key, row->cluster);
}

static size_t place_of(const struct tally *t, const char *cluster)
{
	return sorted_place(cluster, t->rows, t->n, sizeof(*t->rows), compare);
}

static bool is_at(const struct tally *t, size_t at, const char *cluster)
{
	return at < t->n && strcmp(t->rows[at].cluster, cluster) == 0;
}

static int row_of(struct tally *t, const char *cluster, struct tally_row **ret)
{
	size_t at = place_of(t, cluster);
	struct tally_row *rows;

	if (!is_at(t, at, cluster)) {
		rows = reallocarray(t->rows, t->n + 1, sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		t->rows = rows;
		memmove(&rows[at + 1], &rows[at], (t->n - at) * sizeof(*rows));
		rows[at] = (struct tally_row){.cluster = cluster};
		t->n++;
	}
	*ret = &t->rows[at];
	return 0;
}

static void count_app(const struct detector *d, const struct app_history *a, struct tally_row *row)
{
	row->n_apps++;
	row->n_overran += a->overran;
	if (a->wishes && detector_rule(d, a)->ignored) {
		row->n_ignored++;
		return;
	}
	row->apps[a->verdict]++;
	for (size_t k = 0; k < a->n_stages; k++)
		row->stages[a->stages[k].verdict]++;
}

int tally_of(const struct detector *d, struct tally *ret)
{
	struct tally t = {0};

	for (size_t i = 0; i < detector_n_apps(d); i++) {
		const struct app_history *a = detector_app_at(d, i);
		struct tally_row *row;
		int r = row_of(&t, a->cluster, &row);

		if (r < 0) {
			tally_clear(&t);
			return r;
		}
		count_app(d, a, row);
	}
	*ret = t;
	return 0;
}

void tally_clear(struct tally *t)
{
	free(t->rows);
	*t = (struct tally){0};
}

struct tally_row tally_cluster(const struct tally *t, const char *cluster)
{
	size_t at = place_of(t, cluster);

	return is_at(t, at, cluster) ? t->rows[at] : (struct tally_row){.cluster = cluster};
}
