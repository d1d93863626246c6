/* SPDX-License-Identifier: Apache-2.0
 * incidents and explain: what was seen, what was done, what will be and why not. */
#include "base/columns.h"
#include "base/strbuf.h"
#include "ctl/ctl.h"

static void stage_text(const cJSON *incident, char *buf, size_t n)
{
	if (ctl_has(incident, "stage_id"))
		(void)snprintf(buf, n, "%.0f.%.0f", ctl_number(incident, "stage_id"),
			ctl_number(incident, "attempt_id"));
	else
		(void)snprintf(buf, n, "-");
}

static void add_incident(struct columns *t, const cJSON *i)
{
	struct ctl_text id;
	struct ctl_text state;
	struct ctl_text verdict;
	struct ctl_text app;
	struct ctl_text name;
	struct ctl_text dag;
	struct ctl_text since;
	struct ctl_text action;
	struct ctl_text outcome;
	char stage[48];
	const cJSON *owner = cJSON_GetObjectItemCaseSensitive(i, "owner");
	const char *cells[] = {
		ctl_string(i, "id", &id),
		ctl_string(i, "state", &state),
		ctl_string(i, "verdict", &verdict),
		ctl_string(i, "app_id", &app),
		ctl_string(i, "app_name", &name),
		stage,
		ctl_string(owner, "dag_id", &dag),
		ctl_string(i, "opened", &since),
		ctl_string(i, "action", &action),
		ctl_string(i, "outcome", &outcome),
	};

	stage_text(i, stage, sizeof(stage));
	columns_add(t, cells);
}

static bool has_ended(const cJSON *incident)
{
	struct ctl_text state;

	return str_equal(ctl_string(incident, "state", &state), "ended");
}

static bool drop_ended(cJSON *incident)
{
	return has_ended(incident);
}

int ctl_incidents(const struct ctl *c)
{
	static const char *const head[] = {"ID", "STATE", "VERDICT", "APP", "NAME", "STAGE", "DAG",
		"SINCE", "ACTION", "OUTCOME"};
	struct columns t = {.n_columns = ELEMENTSOF(head)};
	_cleanup_json_ cJSON *root = NULL;
	int r = ctl_get_list(c, "/api/v1/incidents", "incidents", drop_ended, &root);

	if (r != CTL_OK || c->json)
		return r;
	columns_add(&t, head);
	for (const cJSON *i = ctl_list(root, "incidents"); i; i = i->next)
		if (c->all || !has_ended(i))
			add_incident(&t, i);
	if (t.n_rows > 1)
		columns_print(&t, c->out);
	else
		fprintf(c->out, c->all ? "No incident.\n" : "No open incident.\n");
	columns_clear(&t);
	return CTL_OK;
}

static void print_line(FILE *out, const char *name, const cJSON *o, const char *field)
{
	struct ctl_text text;

	if (ctl_has(o, field))
		fprintf(out, "%-10s %s\n", name, ctl_string(o, field, &text));
}

static void print_head(FILE *out, const cJSON *root)
{
	struct ctl_text text;
	char stage[48];

	stage_text(root, stage, sizeof(stage));
	fprintf(out, "%-10s %s", "Incident", ctl_string(root, "id", &text));
	fprintf(out, ", %s\n", ctl_string(root, "state", &text));
	fprintf(out, "%-10s %s", "App", ctl_string(root, "app_id", &text));
	fprintf(out, " (%s)", ctl_string(root, "app_name", &text));
	fprintf(out, ", stage %s", stage);
	fprintf(out, ", cluster %s\n", ctl_string(root, "spark_cluster", &text));
}

static void print_owner(FILE *out, const cJSON *root)
{
	const cJSON *o = cJSON_GetObjectItemCaseSensitive(root, "owner");
	struct ctl_text text;

	fprintf(out, "%-10s ", "Owner");
	if (!ctl_has(root, "owner")) {
		fprintf(out, "not known\n");
		return;
	}
	fprintf(out, "%s", ctl_string(o, "dag_id", &text));
	fprintf(out, " / %s", ctl_string(o, "run_id", &text));
	fprintf(out, " / %s", ctl_string(o, "task_id", &text));
	if (ctl_number(o, "map_index") >= 0)
		fprintf(out, " [%.0f]", ctl_number(o, "map_index"));
	fprintf(out, ", try %.0f", ctl_number(o, "try_number"));
	if (ctl_has(root, "owner_via"))
		fprintf(out, ", known by %s", ctl_string(root, "owner_via", &text));
	fprintf(out, "\n");
}

static void print_duration(FILE *out, const char *glue, double seconds)
{
	char text[32];

	fprintf(out, "%s%s", glue,
		format_duration(text, sizeof(text), (usec_t)(seconds * USEC_PER_SEC)));
}

/* Its condition against its limit, and what was looked at. */
static void print_numbers(FILE *out, const cJSON *root)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(root, "numbers");
	struct ctl_text text;

	if (!ctl_has(n, "lasting_seconds"))
		return;
	print_duration(out, "Numbers    lasting ", ctl_number(n, "lasting_seconds"));
	if (ctl_has(n, "limit")) {
		fprintf(out, ", limit %s", ctl_string(n, "limit", &text));
		print_duration(out, " = ", ctl_number(n, "threshold_seconds"));
	}
	if (ctl_has(n, "running_tasks"))
		fprintf(out,
			"; running tasks %.0f: stalled %.0f, working %.0f, frozen %.0f; %.0f "
			"thread dumps",
			ctl_number(n, "running_tasks"), ctl_number(n, "flat_tasks"),
			ctl_number(n, "working_tasks"), ctl_number(n, "frozen_tasks"),
			ctl_number(n, "thread_dumps"));
	if (ctl_has(n, "cpu_window_seconds")) {
		fprintf(out, "; %.3f CPU seconds per second",
			ctl_number(n, "cpu_seconds_per_second"));
		print_duration(out, " over ", ctl_number(n, "cpu_window_seconds"));
		if (str_equal(ctl_string(n, "cpu_of", &text), "containers"))
			fprintf(out, " of whole containers, which can show work and prove no hang");
	}
	if (ctl_has(n, "never_ran"))
		fprintf(out,
			"; workers and task threads: never ran %.0f, only woke up %.0f, worked "
			"%.0f",
			ctl_number(n, "never_ran"), ctl_number(n, "only_woke_up"),
			ctl_number(n, "worked"));
	fprintf(out, "\n%-10s ", "Missing");
	if (!ctl_list(n, "missing"))
		fprintf(out, "nothing");
	for (const cJSON *m = ctl_list(n, "missing"); m; m = m->next)
		fprintf(out, "%s%s", m == ctl_list(n, "missing") ? "" : ", ", ctl_item(m, &text));
	fprintf(out, "\n");
}

static void print_cause(FILE *out, const cJSON *root)
{
	struct ctl_text text;

	if (!ctl_has(root, "because"))
		return;
	fprintf(out, "%-10s probably %s", "Cause", ctl_string(root, "cause", &text));
	fprintf(out, ": %s\n", ctl_string(root, "because", &text));
}

static void print_steps(FILE *out, const cJSON *root)
{
	struct ctl_text text;

	fprintf(out, "\n");
	for (const cJSON *s = ctl_list(root, "steps"); s; s = s->next) {
		fprintf(out, "%s", ctl_string(s, "time", &text));
		fprintf(out, "  %s\n", ctl_string(s, "text", &text));
	}
	if (!ctl_list(root, "spark_properties"))
		return;
	fprintf(out, "\n");
	for (const cJSON *p = ctl_list(root, "spark_properties"); p; p = p->next)
		fprintf(out, "%s\n", ctl_item(p, &text));
}

/* What its own properties ask of the rule. */
static void print_asks(FILE *out, const cJSON *root)
{
	struct ctl_text text;

	for (const cJSON *a = ctl_list(root, "asks"); a; a = a->next) {
		fprintf(out, "%-10s %s", "Asks", ctl_string(a, "property", &text));
		if (!ctl_bool(a, "holds"))
			fprintf(out, ", ignored: %s", ctl_string(a, "why", &text));
		fprintf(out, "\n");
	}
}

static void print_incident(FILE *out, const cJSON *root)
{
	struct ctl_text text;

	print_head(out, root);
	print_owner(out, root);
	print_line(out, "Verdict", root, "verdict");
	fprintf(out, "%-10s %s", "Rule", ctl_string(root, "rule", &text));
	fprintf(out, ", action %s", ctl_string(root, "action", &text));
	fprintf(out, ", mode %s\n", ctl_string(root, "mode", &text));
	print_asks(out, root);
	print_line(out, "Evidence", root, "evidence");
	print_numbers(out, root);
	print_cause(out, root);
	if (ctl_has(root, "outcome")) {
		fprintf(out, "%-10s %s", "Outcome", ctl_string(root, "outcome", &text));
		fprintf(out, ": %s\n", ctl_string(root, "outcome_why", &text));
	}
	print_line(out, "Acked by", root, "acked_by");
	print_line(out, "Next", root, "next");
	print_steps(out, root);
	if (ctl_bool(root, "evidence_kept"))
		fprintf(out,
			"\nWhat the driver answered is kept in the state directory: "
			"incidents/%s.jsonl%s\n",
			ctl_string(root, "id", &text), ctl_has(root, "ignored_by") ? ".keep" : "");
}

static void print_storm(FILE *out, const cJSON *storm)
{
	struct ctl_text text;

	fprintf(out, "%-10s %s\n", "Storm", ctl_string(storm, "id", &text));
	print_line(out, "Evidence", storm, "why");
	print_line(out, "Since", storm, "since");
	fprintf(out, "%-10s %s\n", "Until",
		ctl_has(storm, "until") ? ctl_string(storm, "until", &text)
					: "somebody closes the breaker");
	fprintf(out,
		"%-10s no action begins until the storm breaker closes (storm_window and "
		"storm_reset of [limits], or stagewatchctl resume)\n",
		"Next");
}

int ctl_explain(const struct ctl *c)
{
	_cleanup_json_ cJSON *root = NULL;
	_cleanup_free_ char *path = NULL;
	struct strbuf b = {0};
	int r;

	strbuf_add(&b, "/api/v1/incidents/");
	strbuf_add_segment(&b, c->object);
	if (strbuf_finish(&b, &path) < 0) {
		fprintf(stderr, "stagewatchctl: out of memory\n");
		return CTL_FAILED;
	}
	r = ctl_get(c, path, &root);
	if (r != CTL_OK || c->json)
		return r;
	if (ctl_has(root, "storm"))
		print_storm(c->out, cJSON_GetObjectItemCaseSensitive(root, "storm"));
	else
		print_incident(c->out, root);
	return CTL_OK;
}
