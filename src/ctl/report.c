/* SPDX-License-Identifier: Apache-2.0
 * report: how long finished apps took, how much memory, and what of it is worse than usual. */
#include <math.h>

#include "base/columns.h"
#include "base/strbuf.h"
#include "ctl/ctl.h"

#define MIB (1024.0 * 1024)

struct cell {
	char text[48];
};

/* "2min 10s", and what is usual: "2min 10s (1min 50s)". */
static const char *time_cell(const cJSON *run, struct cell *buf)
{
	char took[32];
	char usual[32];

	(void)format_duration(
		took, sizeof(took), (usec_t)(ctl_number(run, "seconds") * USEC_PER_SEC));
	if (ctl_has(run, "usual_seconds"))
		(void)snprintf(buf->text, sizeof(buf->text), "%.18s (%.18s)", took,
			format_duration(usual, sizeof(usual),
				(usec_t)(ctl_number(run, "usual_seconds") * USEC_PER_SEC)));
	else
		(void)snprintf(buf->text, sizeof(buf->text), "%s", took);
	return buf->text;
}

/* "812 of 1024 MiB (700)", a heap; "1812 MiB (1700)", resident with its Python workers, to which
 * the limit of the heap does not apply. */
static const char *memory_cell(const cJSON *run, const char *field, struct cell *buf)
{
	const cJSON *m = cJSON_GetObjectItemCaseSensitive(run, field);
	double usual = ctl_number(m, "usual_peak_bytes");
	char compared[16] = "";
	char limit[24] = "";

	if (ctl_number(m, "peak_bytes") <= 0)
		return "-";
	if (usual > 0)
		(void)snprintf(compared, sizeof(compared), " (%.0f)", ceil(usual / MIB));
	if (!ctl_has(m, "process_peak_bytes"))
		(void)snprintf(limit, sizeof(limit), " of %.0f",
			ceil(ctl_number(m, "heap_limit_bytes") / MIB));
	(void)snprintf(buf->text, sizeof(buf->text), "%.0f%s MiB%s",
		ceil(ctl_number(m, "peak_bytes") / MIB), limit, compared);
	return buf->text;
}

static const char *marks_cell(const cJSON *run, struct cell *buf)
{
	struct ctl_text text;
	size_t n = 0;

	buf->text[0] = '\0';
	for (const cJSON *m = ctl_list(run, "regressions"); m && n < sizeof(buf->text); m = m->next)
		n += (size_t)snprintf(buf->text + n, sizeof(buf->text) - n, "%s%s",
			n > 0 ? ", " : "", ctl_item(m, &text));
	return buf->text[0] ? buf->text : "-";
}

static void add_run(struct columns *t, const cJSON *app, const cJSON *run)
{
	struct ctl_text name;
	struct ctl_text id;
	struct ctl_text ended;
	struct cell took;
	struct cell executor;
	struct cell driver;
	struct cell marks;
	const char *cells[] = {
		ctl_string(app, "app_name", &name),
		ctl_string(run, "app_id", &id),
		ctl_string(run, "ended", &ended),
		time_cell(run, &took),
		memory_cell(run, "executor", &executor),
		memory_cell(run, "driver", &driver),
		marks_cell(run, &marks),
	};

	columns_add(t, cells);
}

/* Keeps the app, with its last run. */
static bool drop_earlier(cJSON *app)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(app, "runs");

	while (cJSON_GetArraySize(list) > 1)
		cJSON_DeleteItemFromArray(list, 1);
	return false;
}

int ctl_report(const struct ctl *c)
{
	static const char *const head[] = {"NAME", "APP", "ENDED", "TOOK (USUAL)",
		"EXECUTOR MEMORY (USUAL)", "DRIVER MEMORY (USUAL)", "WORSE"};
	struct columns t = {.n_columns = ELEMENTSOF(head)};
	_cleanup_json_ cJSON *root = NULL;
	_cleanup_free_ char *path = NULL;
	struct ctl_text text;
	int r;

	if (ctl_path("/api/v1/report", c->object, &path) < 0)
		return CTL_FAILED;
	r = ctl_get_list(c, path, "apps", drop_earlier, &root);
	if (r == CTL_OK && c->object && !ctl_has(root, "trouble") && !ctl_list(root, "apps"))
		return ctl_unknown("no finished run of that name is known");
	if (r != CTL_OK || c->json)
		return r;
	columns_add(&t, head);
	for (const cJSON *a = ctl_list(root, "apps"); a; a = a->next)
		for (const cJSON *run = ctl_list(a, "runs"); run; run = c->all ? run->next : NULL)
			add_run(&t, a, run);
	if (ctl_has(root, "trouble"))
		fprintf(c->out, "No report: %s.\n", ctl_string(root, "trouble", &text));
	else if (t.n_rows > 1)
		columns_print(&t, c->out);
	else
		fprintf(c->out, "No finished run is known.\n");
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "newest_only")))
		fprintf(c->out, "These ended last; there may be more, see report NAME.\n");
	columns_clear(&t);
	return CTL_OK;
}
