/* SPDX-License-Identifier: Apache-2.0
 * status: one look at the whole. */
#include "base/columns.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "ctl/ctl.h"

/* A time of the answer as its age by the daemon's own clock: "4s ago"; "never". */
static const char *ago(const cJSON *root, const cJSON *o, const char *field, struct ctl_text *buf)
{
	struct ctl_text text;
	char age[32];
	usec_t time;
	usec_t t;

	if (!ctl_has(o, field))
		return "never";
	if (parse_timestamp(ctl_string(root, "time", &text), &time) < 0 ||
		parse_timestamp(ctl_string(o, field, &text), &t) < 0)
		return "-";
	(void)snprintf(buf->text, sizeof(buf->text), "%s ago",
		format_duration(age, sizeof(age), usec_sub(time, t)));
	return buf->text;
}

static void print_storm(FILE *out, const cJSON *storm)
{
	struct ctl_text text;

	fprintf(out, "The storm breaker is open since %s",
		ctl_has(storm, "since") ? ctl_string(storm, "since", &text) : "a moment ago");
	if (ctl_has(storm, "until"))
		fprintf(out, ", until %s at the earliest", ctl_string(storm, "until", &text));
	else
		fprintf(out, ", until stagewatchctl resume");
	fprintf(out, ": %s", ctl_string(storm, "why", &text));
	fprintf(out, " (%s)\n", ctl_string(storm, "id", &text));
}

static void print_leader(FILE *out, const cJSON *root)
{
	const cJSON *l = cJSON_GetObjectItemCaseSensitive(root, "leader");
	struct ctl_text text;

	if (!ctl_has(root, "leader"))
		return;
	fprintf(out, "Replica %s of ", ctl_string(l, "identity", &text));
	fprintf(out, "%s ", ctl_string(l, "lease", &text));
	if (ctl_bool(l, "leads"))
		fprintf(out, "leads\n");
	else
		fprintf(out, "does not act: %s\n", ctl_string(l, "why", &text));
}

static void print_holds(FILE *out, const cJSON *root)
{
	const cJSON *pause = cJSON_GetObjectItemCaseSensitive(root, "paused");
	struct ctl_text text;

	if (ctl_has(root, "paused")) {
		fprintf(out, "PAUSED by %s", ctl_string(pause, "who", &text));
		fprintf(out, " since %s", ctl_string(pause, "since", &text));
		fprintf(out, ", until %s",
			ctl_has(pause, "until") ? ctl_string(pause, "until", &text) : "resumed");
		fprintf(out, ": %s\n", ctl_string(pause, "reason", &text));
		if (!ctl_bool(pause, "durable"))
			fprintf(out, "The pause is not in the ledger: a restart forgets it.\n");
	}
	if (ctl_has(root, "breaker_open"))
		print_storm(out, cJSON_GetObjectItemCaseSensitive(root, "storm"));
	if (ctl_has(root, "ledger_trouble"))
		fprintf(out, "The ledger cannot be used, no action is taken: %s\n",
			ctl_string(root, "ledger_trouble", &text));
	for (const cJSON *w = ctl_list(root, "maintenance"); w; w = w->next) {
		if (!ctl_bool(w, "open"))
			continue;
		fprintf(out, "In the maintenance window %s", ctl_string(w, "name", &text));
		if (ctl_has(w, "reason"))
			fprintf(out, ": %s", ctl_string(w, "reason", &text));
		fprintf(out, "\n");
	}
}

static void print_clusters(FILE *out, const cJSON *root)
{
	static const char *const head[] = {"CLUSTER", "UP", "APPS", "LAST POLL", "RIGHT TO KILL"};
	struct columns t = {.n_columns = ELEMENTSOF(head)};

	columns_add(&t, head);
	for (const cJSON *c = ctl_list(root, "clusters"); c; c = c->next) {
		struct ctl_text buf[3];
		char apps[32];
		const char *cells[] = {
			ctl_string(c, "spark_cluster", &buf[0]),
			ctl_bool(c, "up") ? "yes" : "no",
			apps,
			ago(root, c, "last_poll", &buf[1]),
			ctl_string(c, "kill", &buf[2]),
		};

		(void)snprintf(apps, sizeof(apps), "%.0f", ctl_number(c, "apps"));
		columns_add(&t, cells);
	}
	columns_print(&t, out);
	columns_clear(&t);
}

/* Whether it keeps us from seeing what runs: not where nobody listens, and no app is known. */
static bool blinds(const cJSON *cluster, const cJSON *fault)
{
	struct ctl_text buf[2];

	if (str_equal(ctl_string(fault, "state", &buf[0]), "unusable"))
		return true;
	if (str_equal(ctl_string(fault, "reason", &buf[0]), "refused") &&
		str_equal(ctl_string(fault, "question", &buf[1]), "/applications"))
		return false;
	return !ctl_bool(cluster, "up");
}

/* What could not be had, line by line. Returns how much of it blinds. */
static unsigned print_faults(FILE *out, const cJSON *root, bool print)
{
	unsigned n = 0;

	for (const cJSON *c = ctl_list(root, "clusters"); c; c = c->next) {
		struct ctl_text buf[5];
		const char *name = ctl_string(c, "spark_cluster", &buf[0]);

		for (const cJSON *f = ctl_list(c, "faults"); f; f = f->next) {
			n += blinds(c, f);
			if (!print)
				continue;
			fprintf(out, "%s: %s%s", name, ctl_string(f, "url", &buf[1]),
				ctl_string(f, "question", &buf[2]));
			fprintf(out, " %s", ctl_string(f, "text", &buf[3]));
			if (ctl_has(f, "app_id"))
				fprintf(out, ", app %s", ctl_string(f, "app_id", &buf[4]));
			fprintf(out, ", since %s\n", ctl_string(f, "since", &buf[1]));
		}
		if (print && ctl_number(c, "faults_not_shown") > 0)
			fprintf(out, "%s: %.0f more could not be had\n", name,
				ctl_number(c, "faults_not_shown"));
	}
	return n;
}

static void print_airflows(FILE *out, const cJSON *root)
{
	static const char *const head[] = {
		"AIRFLOW", "UP", "VERSION", "LOGIN", "READ", "FAIL", "CLEAR"};
	struct columns t = {.n_columns = ELEMENTSOF(head)};

	columns_add(&t, head);
	for (const cJSON *a = ctl_list(root, "airflows"); a; a = a->next) {
		const cJSON *access = cJSON_GetObjectItemCaseSensitive(a, "access");
		struct ctl_text buf[6];
		const char *cells[] = {
			ctl_string(a, "airflow", &buf[0]),
			ctl_bool(a, "up") ? "yes" : "no",
			ctl_string(a, "airflow_version", &buf[1]),
			ctl_string(access, "login", &buf[2]),
			ctl_string(access, "read", &buf[3]),
			ctl_string(access, "fail", &buf[4]),
			ctl_string(access, "clear", &buf[5]),
		};

		columns_add(&t, cells);
	}
	if (t.n_rows > 1)
		columns_print(&t, out);
	columns_clear(&t);
}

/* Whether people can be reached: what the last message to each came to. */
static void print_notifies(FILE *out, const cJSON *root)
{
	static const char *const head[] = {"NOTIFY", "REACHED", "WAITING", "SENT", "GIVEN UP"};
	static const char *const counts[] = {"pending", "sent", "failed"};
	struct columns t = {.n_columns = ELEMENTSOF(head)};
	struct ctl_text name;
	struct ctl_text error;

	columns_add(&t, head);
	for (const cJSON *n = ctl_list(root, "notifies"); n; n = n->next) {
		const char *reached = ctl_number(n, "sent") > 0 ? "yes" : "not tried";
		char count[ELEMENTSOF(counts)][24];

		for (size_t i = 0; i < ELEMENTSOF(counts); i++)
			(void)snprintf(
				count[i], sizeof(count[i]), "%.0f", ctl_number(n, counts[i]));
		columns_add(&t, (const char *const[]){ctl_string(n, "notify", &name),
					ctl_has(n, "error") ? "no" : reached, count[0], count[1],
					count[2]});
	}
	if (t.n_rows > 1)
		columns_print(&t, out);
	columns_clear(&t);
	for (const cJSON *n = ctl_list(root, "notifies"); n; n = n->next)
		if (ctl_has(n, "error"))
			fprintf(out, "%s: the last message did not arrive: %s; it is tried again\n",
				ctl_string(n, "notify", &name), ctl_string(n, "error", &error));
}

static void print_status(FILE *out, const cJSON *root)
{
	struct ctl_text text;
	struct ctl_text age;

	fprintf(out, "stagewatchd %s", ctl_string(root, "version", &text));
	fprintf(out, ", mode %s",
		ctl_string(root, ctl_has(root, "mode_text") ? "mode_text" : "mode", &text));
	fprintf(out, ", started %s%s%s\n", ago(root, root, "started", &age),
		ctl_bool(root, "healthy") ? "" : ", POLLING DOES NOT ADVANCE",
		ctl_bool(root, "ready") ? "" : ", not every cluster was polled yet");
	if (!ctl_bool(root, "config_last_reload_successful"))
		fprintf(out,
			"The last reload of the configuration failed, the old one goes on: %s\n",
			ctl_string(root, "config_last_reload_error", &text));
	if (ctl_has(root, "config_needs_restart"))
		fprintf(out, "In force after a restart only: %s\n",
			ctl_string(root, "config_needs_restart", &text));
	print_leader(out, root);
	print_holds(out, root);
	fprintf(out, "Hung stages: %.0f. Open incidents: %.0f.\n", ctl_number(root, "stages_hung"),
		ctl_number(root, "incidents_open"));
	fprintf(out, "Actions in progress: %.0f. Begun within the last hour: %.0f of %.0f.\n",
		ctl_number(root, "actions_pending"), ctl_number(root, "actions_last_hour"),
		ctl_number(root, "actions_per_hour"));
	print_clusters(out, root);
	(void)print_faults(out, root, true);
	print_airflows(out, root);
	print_notifies(out, root);
}

static void add_hanging(struct columns *t, const cJSON *i)
{
	const cJSON *owner = cJSON_GetObjectItemCaseSensitive(i, "owner");
	struct ctl_text buf[6];
	char stage[48] = "-";

	if (ctl_has(i, "stage_id"))
		(void)snprintf(stage, sizeof(stage), "%.0f.%.0f", ctl_number(i, "stage_id"),
			ctl_number(i, "attempt_id"));
	columns_add(t, (const char *const[]){ctl_string(i, "spark_cluster", &buf[0]),
			       ctl_string(i, "app_id", &buf[1]), ctl_string(i, "app_name", &buf[2]),
			       stage, ctl_string(owner, "dag_id", &buf[3]),
			       ctl_string(i, "changed", &buf[4]), ctl_string(i, "id", &buf[5])});
}

/* Returns how many incidents of a hang are open: after a restart a hang is proven anew, and its
 * incident was open all along. */
static size_t print_hanging(const struct ctl *c)
{
	static const char *const head[] = {
		"HANGS ON", "APP", "NAME", "STAGE", "DAG", "SINCE", "INCIDENT"};
	struct columns t = {.n_columns = ELEMENTSOF(head)};
	_cleanup_json_ cJSON *root = NULL;
	struct ctl plain = *c;
	struct ctl_text buf[2];
	size_t n;

	columns_add(&t, head);
	plain.json = false; /* status alone is printed */
	(void)ctl_get(&plain, "/api/v1/incidents", &root);
	for (const cJSON *i = ctl_list(root, "incidents"); i; i = i->next)
		if (!str_equal(ctl_string(i, "state", &buf[0]), "ended") &&
			str_equal(ctl_string(i, "verdict", &buf[1]), "hung"))
			add_hanging(&t, i);
	n = t.n_rows - 1;
	if (n > 0 && !c->json)
		columns_print(&t, c->out);
	columns_clear(&t);
	return n;
}

/* Nothing of it is known yet, or any more, or it is not all there to be looked at. */
static bool is_blind(const struct ctl *c, const cJSON *root)
{
	bool blind = !ctl_bool(root, "ready") || !ctl_bool(root, "healthy");

	for (const cJSON *k = ctl_list(root, "clusters"); k; k = k->next)
		blind = blind || (ctl_number(k, "faults_not_shown") > 0 && !ctl_bool(k, "up"));
	return blind || print_faults(c->out, root, false) > 0;
}

int ctl_status(const struct ctl *c)
{
	_cleanup_json_ cJSON *root = NULL;
	int r;

	r = ctl_get(c, "/api/v1/status", &root);
	if (r != CTL_OK)
		return r;
	if (!c->json)
		print_status(c->out, root);
	if (ctl_number(root, "incidents_open") > 0 && print_hanging(c) > 0)
		return CTL_HANGS;
	if (ctl_number(root, "stages_hung") > 0)
		return CTL_HANGS;
	return is_blind(c, root) ? CTL_BLIND : CTL_OK;
}
