/* SPDX-License-Identifier: Apache-2.0
 * Names of verdicts and the sentence that explains one. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/verdict.h"

static const char *const names[] = {
	[VERDICT_PROGRESSING] = "progressing",
	[VERDICT_SUSPECT] = "suspect",
	[VERDICT_HUNG] = "hung",
	[VERDICT_SLOW] = "slow",
	[VERDICT_STARVED] = "starved",
	[VERDICT_CRASH_LOOP] = "crash_loop",
	[VERDICT_PHANTOM] = "phantom",
	[VERDICT_IDLE] = "idle",
	[VERDICT_UNOBSERVABLE] = "unobservable",
};
_Static_assert(ELEMENTSOF(names) == VERDICT_MAX, "a name per verdict");

const char *verdict_name(enum verdict v)
{
	return names[v];
}

int verdict_from_name(const char *name, enum verdict *ret)
{
	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (str_equal(names[i], name)) {
			*ret = (enum verdict)i;
			return 0;
		}
	return -EINVAL;
}

bool verdict_of_app(enum verdict v)
{
	return v == VERDICT_IDLE || v == VERDICT_UNOBSERVABLE;
}

bool verdict_is_trouble(enum verdict v)
{
	return v != VERDICT_PROGRESSING && v != VERDICT_SLOW;
}

static void describe_missing(unsigned missing, struct strbuf *out)
{
	static const struct {
		unsigned bit;
		const char *name;
	} kinds[] = {
		{EVIDENCE_TASKS, "per-task counters"},
		{EVIDENCE_THREADS, "thread dumps"},
		{EVIDENCE_CPU, "CPU seconds"},
	};
	const char *glue = "; without ";

	for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
		if (missing & kinds[i].bit) {
			strbuf_add(out, glue);
			strbuf_add(out, kinds[i].name);
			glue = ", ";
		}
}

void evidence_describe(const struct evidence *e, struct strbuf *out)
{
	char lasting[32];
	char threshold[32];

	if (!verdict_of_app(e->verdict))
		strbuf_addf(out, "(%" PRId64 " + %" PRId64 ") / %" PRId64 " ", e->n_complete,
			e->n_active, e->n_tasks);
	strbuf_addf(
		out, "%s for %s", e->reason, format_duration(lasting, sizeof(lasting), e->lasting));
	if (e->limit)
		strbuf_addf(out, " (%s=%s)", e->limit,
			format_duration(threshold, sizeof(threshold), e->threshold));
	if (e->n_failed > 0)
		strbuf_addf(out, ", %" PRId64 " tasks failed meanwhile", e->n_failed);
	describe_missing(e->missing, out);
}
