/* SPDX-License-Identifier: Apache-2.0
 * observed: what would have been done in mode act, and what became of it untouched. */
#include "base/columns.h"
#include "ctl/ctl.h"

struct cell {
	char text[64];
};

static void count_cell(const cJSON *o, const char *field, struct cell *buf)
{
	(void)snprintf(buf->text, sizeof(buf->text), "%.0f", ctl_number(o, field));
}

static const char *moved_cell(const cJSON *o, struct cell *buf)
{
	char median[32];
	char longest[32];

	if (!ctl_has(o, "moved_after_median_seconds"))
		return "-";
	(void)format_duration(median, sizeof(median),
		(usec_t)(ctl_number(o, "moved_after_median_seconds") * USEC_PER_SEC));
	(void)format_duration(longest, sizeof(longest),
		(usec_t)(ctl_number(o, "moved_after_longest_seconds") * USEC_PER_SEC));
	(void)snprintf(buf->text, sizeof(buf->text), "%.18s (%.18s)", median, longest);
	return buf->text;
}

static void add_rule(struct columns *t, const cJSON *o)
{
	static const char *const counts[] = {
		"would_have_acted", "moved_again", "ended", "standing"};
	struct ctl_text rule;
	struct ctl_text verdict;
	struct ctl_text first;
	struct cell n[ELEMENTSOF(counts)];
	struct cell moved;

	for (size_t i = 0; i < ELEMENTSOF(counts); i++)
		count_cell(o, counts[i], &n[i]);
	columns_add(t, (const char *const[]){ctl_string(o, "rule", &rule),
			       ctl_string(o, "verdict", &verdict), n[0].text, n[1].text,
			       moved_cell(o, &moved), n[2].text, n[3].text,
			       ctl_string(o, "first", &first)});
}

int ctl_observed(const struct ctl *c)
{
	static const char *const head[] = {"RULE", "VERDICT", "WOULD HAVE ACTED", "MOVED AGAIN",
		"AFTER (LONGEST)", "ENDED", "STILL STANDS", "SINCE"};
	struct columns t = {.n_columns = ELEMENTSOF(head)};
	_cleanup_json_ cJSON *root = NULL;
	struct ctl_text text;
	int r = ctl_get(c, "/api/v1/observed", &root);

	if (r != CTL_OK || c->json)
		return r;
	columns_add(&t, head);
	for (const cJSON *o = ctl_list(root, "rules"); o; o = o->next)
		add_rule(&t, o);
	if (t.n_rows > 1)
		columns_print(&t, c->out);
	else
		fprintf(c->out, "No hang was only observed.\n");
	if (ctl_has(root, "trouble"))
		fprintf(c->out, "Of the daemon's memory alone: %s.\n",
			ctl_string(root, "trouble", &text));
	columns_clear(&t);
	return CTL_OK;
}
