/* SPDX-License-Identifier: Apache-2.0
 * Prints proposals as lines of a configuration, and why. */
#include <errno.h>
#include <inttypes.h>

#include "base/strbuf.h"
#include "daemon/suggest_parts.h"

/* A line of a configuration has 199 bytes at most, comments as well. */
#define MAX_NAME 48

/* "etl_daily (app-1)" */
static const char *app_text(char *buf, size_t n, const char *name, const char *id)
{
	const char *text = name ? name : "";

	(void)snprintf(buf, n, "%.*s%s(%.*s)", (int)str_cut(text, MAX_NAME), text, *text ? " " : "",
		(int)str_cut(id, MAX_NAME), id);
	return buf;
}

/* "stage 14 of etl_daily (app-1)" */
static const char *stage_text(char *buf, size_t n, const struct suggest_stage *stage)
{
	char app[128];

	(void)snprintf(buf, n, "stage %" PRId64 " of %s", stage->stage_id,
		app_text(app, sizeof(app), stage->app_name, stage->app_id));
	return buf;
}

static void print_numbers(FILE *out, const struct suggestion *s)
{
	char first[32];
	char last[32];
	char text[192];
	char p50[32];
	char p99[32];
	char longest[32];

	if (s->n_apps > 0)
		fprintf(out, "# %zu app%s with %zu completed stages, from %s to %s\n", s->n_apps,
			s->n_apps == 1 ? "" : "s", s->n_stages + s->n_more,
			format_timestamp(first, sizeof(first), s->first),
			format_timestamp(last, sizeof(last), s->last));
	if (s->n_stages > 0)
		fprintf(out, "# half of the stages took %s at most, 99%% of them %s\n",
			format_duration(p50, sizeof(p50), suggest_percentile(s, 50)),
			format_duration(p99, sizeof(p99), suggest_percentile(s, 99)));
	if (s->n_longest > 0)
		fprintf(out, "# the longest stage took %s: %s\n",
			format_duration(longest, sizeof(longest), s->longest[0].duration),
			stage_text(text, sizeof(text), &s->longest[0]));
}

static void print_task(FILE *out, const struct suggestion *s)
{
	char text[192];
	char task[32];

	(void)format_duration(task, sizeof(task), s->task);
	(void)stage_text(text, sizeof(text), &s->longest[s->task_of]);
	if (s->exact)
		fprintf(out, "# the longest task took %s: %s\n", task, text);
	else
		fprintf(out, "# no task took more than %s, the whole time of %s\n", task, text);
}

/* What the number is made of. */
static void print_reason(FILE *out, const struct suggest *all, const struct suggestion *s)
{
	usec_t least = suggest_min(all->poll_interval);

	if (suggest_hung_after(s, all->poll_interval) > least)
		fprintf(out, "# proposed: twice that, rounded up\n");
	else if (least > SUGGEST_MIN)
		fprintf(out, "# proposed: the least, %d x poll_interval\n", SUGGEST_MIN_POLLS);
	else
		fprintf(out,
			"# proposed: the least, since Spark itself waits 120s for an executor that "
			"is lost (spark.network.timeout)\n");
}

/* A longer hung_after than hung_after_unproven is a fault of the configuration. */
static void print_keys(FILE *out, const struct rule *rule, const char *comment, usec_t proposed)
{
	bool derived = rule->hung_after_unproven == 3 * rule->hung_after;
	char text[32];
	char now[32];

	fprintf(out, "# hung_after is %s now\n%shung_after = %s\n",
		format_duration(now, sizeof(now), rule->hung_after), comment,
		format_duration(text, sizeof(text), proposed));
	if (!derived && rule->hung_after_unproven < proposed)
		fprintf(out,
			"# hung_after_unproven is %s now, and cannot be below hung_after\n"
			"%shung_after_unproven = %s\n",
			format_duration(now, sizeof(now), rule->hung_after_unproven), comment,
			format_duration(text, sizeof(text), 3 * proposed));
}

static void print_head(FILE *out, const struct suggest *all, const struct suggestion *s)
{
	if (s->rule != all->fallback)
		fprintf(out, "\n[rule %s]\n", s->rule->name);
	else if (all->rules->n == 0)
		fprintf(out, "\n# there is no rule yet; this one is for all apps\n"
			     "[rule all]\napp = *\n");
	else
		fprintf(out, "\n# apps that no rule matches:\n");
}

/* Whether there is a proposal. */
static bool print_hung_after(
	FILE *out, const struct suggest *all, const struct suggestion *s, const char *comment)
{
	usec_t proposed = suggest_hung_after(s, all->poll_interval);

	if (proposed == 0) {
		fprintf(out,
			"# no hung_after is proposed: %zu completed stage%s are too few, %d are "
			"needed\n",
			s->n_stages, s->n_stages == 1 ? "" : "s", SUGGEST_STAGES_NEEDED);
		return false;
	}
	print_task(out, s);
	print_reason(out, all, s);
	print_keys(out, s->rule, comment, proposed);
	return true;
}

static void print_max_runtime(FILE *out, const struct suggestion *s, const char *comment)
{
	usec_t proposed = suggest_max_runtime(s);
	char app[128];
	char text[32];

	if (s->n_runs == 0)
		return;
	fprintf(out, "# the longest of %zu run%s took %s: %s\n", s->n_runs,
		s->n_runs == 1 ? "" : "s", format_duration(text, sizeof(text), s->run),
		app_text(app, sizeof(app), s->run_name, s->run_id));
	if (proposed == 0) {
		fprintf(out, "# no max_runtime is proposed: %d runs are needed\n",
			SUGGEST_RUNS_NEEDED);
		return;
	}
	fprintf(out, "# proposed: %s\n# max_runtime is %s now\n",
		proposed > SUGGEST_MIN_RUNTIME ? "twice that, rounded up" : "the least",
		s->rule->max_runtime > 0 ? format_duration(text, sizeof(text), s->rule->max_runtime)
					 : "not set");
	fprintf(out, "%smax_runtime = %s\n", comment,
		format_duration(text, sizeof(text), proposed));
}

/* Whether a hung_after is proposed. */
static bool print_rule(FILE *out, const struct suggest *all, const struct suggestion *s)
{
	bool of_none = s->rule == all->fallback && all->rules->n > 0;
	const char *comment = of_none ? "# " : "";
	bool proposed;

	print_head(out, all, s);
	print_numbers(out, s);
	proposed = print_hung_after(out, all, s, comment);
	print_max_runtime(out, s, comment);
	return proposed;
}

static void print_faults(FILE *out, const struct suggest_asker *a)
{
	if (a->n_faults > 0)
		fprintf(out, "\n# what could not be read:\n");
	for (size_t i = 0; i < a->faults.n; i++)
		fprintf(out, "#   %.*s\n", (int)str_cut(a->faults.items[i], 190),
			a->faults.items[i]);
	if (a->n_faults > a->faults.n)
		fprintf(out, "#   and %zu more\n", a->n_faults - a->faults.n);
}

int suggest_print(const struct suggest *s, FILE *out)
{
	bool all_proposed = true;

	fprintf(out, "# what was looked at:\n");
	for (size_t i = 0; i < s->looked_at.n; i++)
		fprintf(out, "#   %.*s\n", (int)str_cut(s->looked_at.items[i], 190),
			s->looked_at.items[i]);
	for (size_t i = 0; i < s->n_items; i++) {
		bool of_none = s->items[i].rule == s->fallback && s->rules->n > 0;

		if (of_none && s->items[i].n_apps + s->items[i].n_runs == 0)
			continue;
		all_proposed = (print_rule(out, s, &s->items[i]) || of_none) && all_proposed;
	}
	print_faults(out, &s->asker);
	if (fflush(out) == EOF)
		return -EIO;
	return s->asker.n_faults > 0 ? 2 : all_proposed ? 0 : 1;
}
