/* SPDX-License-Identifier: Apache-2.0
 * Lays out the table of --once. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/columns.h"
#include "base/strbuf.h"
#include "web/once_table.h"

#define COLUMNS 7

static void add_stage(
	struct columns *t, const struct app_history *a, const struct stage_history *h, usec_t now)
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
	columns_add(t, (const char *const[COLUMNS]){a->cluster, a->info.id, name, id, bar, since,
			       verdict_name(h->verdict)});
}

static void add_app(struct columns *t, const struct app_history *a, usec_t now)
{
	const char *verdict = a->no_answer_start > 0 ? "no answer" : verdict_name(a->verdict);
	bool waits = a->waits_start > 0 && a->verdict == VERDICT_PROGRESSING;
	const char *name = a->info.name ? a->info.name : "";

	/* An app as a whole gets a row where it has no stage to show, or something to say. */
	if (a->n_stages == 0 || a->no_answer_start > 0)
		columns_add(t, (const char *const[COLUMNS]){a->cluster, a->info.id, name, "-", "-",
				       "-", waits ? "waits" : verdict});
	for (size_t i = 0; i < a->n_stages; i++)
		add_stage(t, a, &a->stages[i], now);
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

/* What could not be had, and of whom. */
static size_t print_faults(FILE *out, const struct health *health)
{
	size_t n = 0;

	for (size_t i = 0; i < health->n_clusters; i++) {
		const struct health_cluster *s = &health->clusters[i];

		for (size_t k = 0; k < s->faults.n; k++) {
			const struct standing_fault *f = s->faults.items[k];

			/* Where nobody listens at a URL of the configuration, no app runs. */
			if (f->blinds && !f->app_id && str_equal(f->what, "/applications") &&
				str_equal(f->fault.reason, "refused"))
				continue;
			fprintf(out, "%s: %s%s %s%s%s\n", s->name, f->url, f->what, f->fault.text,
				f->app_id ? ", app " : "", f->app_id ? f->app_id : "");
			n++;
		}
	}
	return n;
}

/* Whose owner is asked for and not known yet, or whose driver says less than it takes. */
static void print_missing(FILE *out, const struct detector *d)
{
	for (size_t i = 0; i < detector_n_apps(d); i++) {
		const struct app_history *a = detector_app_at(d, i);

		if (a->missing_start > 0)
			fprintf(out, "%s: %s: %s, %s\n", a->cluster, a->info.id,
				a->owner_asked ? "not all is known" : "owner: not known",
				a->missing ? a->missing : "no memory to say what");
	}
}

int once_table_print(FILE *out, const struct detector *d, const struct health *health, usec_t now)
{
	static const char *const head[COLUMNS] = {
		"CLUSTER", "APP", "NAME", "STAGE", "PROGRESS", "NO PROGRESS FOR", "VERDICT"};
	struct columns t = {.n_columns = COLUMNS};
	size_t n_faults;

	columns_add(&t, head);
	for (size_t i = 0; i < detector_n_apps(d); i++)
		add_app(&t, detector_app_at(d, i), now);
	if (t.failed || t.n_rows > 1)
		columns_print(&t, out);
	print_missing(out, d);
	n_faults = print_faults(out, health);
	if (t.n_rows <= 1 && n_faults > 0)
		fprintf(out, "No Spark application could be looked at.\n");
	else if (t.n_rows <= 1)
		fprintf(out, "No running Spark application was found.\n");
	columns_clear(&t);
	if (something_hangs(d))
		return 1;
	return n_faults > 0 ? 2 : 0;
}
