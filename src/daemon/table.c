/* SPDX-License-Identifier: Apache-2.0
 * Lays out the table of --once. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/table.h"

#define COLUMNS 7

struct row {
	char *cells[COLUMNS];
};

struct table {
	struct row *rows;
	size_t n;
	bool failed;
};

static void add_row(struct table *t, const char *const cells[COLUMNS])
{
	struct row *rows = reallocarray(t->rows, t->n + 1, sizeof(*rows));

	if (!rows) {
		t->failed = true;
		return;
	}
	t->rows = rows;
	memset(&rows[t->n], 0, sizeof(rows[t->n]));
	for (size_t c = 0; c < COLUMNS; c++)
		if (str_printable(cells[c], 48, &rows[t->n].cells[c]) < 0)
			t->failed = true;
	t->n++;
}

static void add_stage(
	struct table *t, const struct app_history *a, const struct stage_history *h, usec_t now)
{
	char id[48];
	char bar[96];
	char since[32] = "-";
	const char *name = a->info.name ? a->info.name : "";

	(void)snprintf(id, sizeof(id), "%" PRId64 "%s%.0" PRId64, h->last.stage_id,
		h->last.attempt_id > 0 ? "." : "", h->last.attempt_id);
	(void)snprintf(bar, sizeof(bar), "(%" PRId64 " + %" PRId64 ") / %" PRId64,
		h->last.n_complete, h->last.n_active, h->last.n_tasks);
	if (h->last.n_active > 0)
		(void)format_duration(since, sizeof(since), usec_sub(now, h->stall_start));
	add_row(t, (const char *const[COLUMNS]){
			   a->cluster, a->info.id, name, id, bar, since, verdict_name(h->verdict)});
}

static void add_app(struct table *t, const struct app_history *a, usec_t now)
{
	const char *verdict = a->no_answer_start > 0 ? "no answer" : verdict_name(a->verdict);
	const char *name = a->info.name ? a->info.name : "";

	/* An app as a whole gets a row where it has no stage to show, or something to say. */
	if (a->n_stages == 0 || a->no_answer_start > 0)
		add_row(t, (const char *const[COLUMNS]){
				   a->cluster, a->info.id, name, "-", "-", "-", verdict});
	for (size_t i = 0; i < a->n_stages; i++)
		add_stage(t, a, &a->stages[i], now);
}

static void print_rows(FILE *out, const struct table *t)
{
	size_t width[COLUMNS] = {0};

	for (size_t i = 0; i < t->n; i++)
		for (size_t c = 0; c < COLUMNS; c++)
			if (strlen(t->rows[i].cells[c]) > width[c])
				width[c] = strlen(t->rows[i].cells[c]);
	for (size_t i = 0; i < t->n; i++) {
		for (size_t c = 0; c + 1 < COLUMNS; c++)
			fprintf(out, "%-*s  ", (int)width[c], t->rows[i].cells[c]);
		fprintf(out, "%s\n", t->rows[i].cells[COLUMNS - 1]);
	}
}

static void table_clear(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		for (size_t c = 0; c < COLUMNS; c++)
			free(t->rows[i].cells[c]);
	free(t->rows);
}

static bool something_hangs(const struct detector *d)
{
	for (size_t i = 0; i < detector_n_apps(d); i++) {
		const struct app_history *a = detector_app_at(d, i);

		for (size_t k = 0; k < a->n_stages; k++)
			if (a->stages[k].verdict == VERDICT_HUNG)
				return true;
	}
	return false;
}

int table_print(FILE *out, const struct detector *d, usec_t now, size_t n_silent)
{
	static const char *const head[COLUMNS] = {
		"CLUSTER", "APP", "NAME", "STAGE", "PROGRESS", "NO PROGRESS FOR", "VERDICT"};
	struct table t = {0};

	add_row(&t, head);
	for (size_t i = 0; i < detector_n_apps(d); i++)
		add_app(&t, detector_app_at(d, i), now);
	if (t.failed)
		fprintf(out, "out of memory\n");
	else if (t.n > 1)
		print_rows(out, &t);
	else if (n_silent > 0)
		fprintf(out, "No Spark application could be looked at.\n");
	else
		fprintf(out, "No running Spark application was found.\n");
	table_clear(&t);
	if (something_hangs(d))
		return 1;
	return n_silent > 0 ? 2 : 0;
}
