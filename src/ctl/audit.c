/* SPDX-License-Identifier: Apache-2.0
 * audit: what the configurations of running apps have against them, and the lines that mend it. */
#include "base/strbuf.h"
#include "ctl/ctl.h"

static bool is_warning(const cJSON *finding)
{
	struct ctl_text text;

	return str_equal(ctl_string(finding, "severity", &text), "warning");
}

static void print_finding(FILE *out, const cJSON *f)
{
	struct ctl_text text;

	fprintf(out, "  %-7s  ", ctl_string(f, "severity", &text));
	fprintf(out, "%s\n", ctl_string(f, "found", &text));
	fprintf(out, "           should be: %s\n", ctl_string(f, "rule", &text));
	fprintf(out, "           else: %s\n", ctl_string(f, "why", &text));
	fprintf(out, "           add: %s\n", ctl_string(f, "fix", &text));
}

static void print_app(const struct ctl *c, const cJSON *app)
{
	struct ctl_text text;
	unsigned hidden = 0;

	fprintf(c->out, "%s", ctl_string(app, "app_id", &text));
	fprintf(c->out, " (%s)", ctl_string(app, "name", &text));
	fprintf(c->out, ", cluster %s", ctl_string(app, "spark_cluster", &text));
	fprintf(c->out, ", Spark %s:\n", ctl_string(app, "spark_version", &text));
	if (!ctl_bool(app, "audited")) {
		fprintf(c->out, "  its properties are not known yet\n");
		return;
	}
	if (!ctl_list(app, "findings"))
		fprintf(c->out, "  no findings\n");
	for (const cJSON *f = ctl_list(app, "findings"); f; f = f->next) {
		if (c->all || is_warning(f))
			print_finding(c->out, f);
		else
			hidden++;
	}
	if (hidden > 0)
		fprintf(c->out, "  and %u of severity info: --all\n", hidden);
}

/* Keeps the app, without the findings that only --all shows. */
static bool drop_minor(cJSON *app)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(app, "findings");
	cJSON *next;

	for (cJSON *f = list ? list->child : NULL; f; f = next) {
		next = f->next;
		if (!is_warning(f))
			cJSON_Delete(cJSON_DetachItemViaPointer(list, f));
	}
	return false;
}

int ctl_audit(const struct ctl *c)
{
	_cleanup_json_ cJSON *root = NULL;
	_cleanup_free_ char *path = NULL;
	int r;

	if (ctl_path("/api/v1/audit", c->object, &path) < 0)
		return CTL_FAILED;
	r = ctl_get_list(c, path, "apps", drop_minor, &root);
	if (r == CTL_OK && c->object && !ctl_list(root, "apps"))
		return ctl_unknown("no such app runs");
	if (r != CTL_OK || c->json)
		return r;
	for (const cJSON *a = ctl_list(root, "apps"); a; a = a->next)
		print_app(c, a);
	if (!ctl_list(root, "apps"))
		fprintf(c->out, "No app runs.\n");
	return CTL_OK;
}
