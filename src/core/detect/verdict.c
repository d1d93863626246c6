/* SPDX-License-Identifier: Apache-2.0
 * The table of verdicts, and the sentence that explains one. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "core/detect/verdict.h"

/* A row per verdict, in the order of the enum. */
static const struct verdict_def verdict_table[] = {
	/*                                           trouble, stands still */
	{VERDICT_PROGRESSING, "progressing", OF_BOTH, false, false, SEVERITY_INFO, LOG_NOTICE},
	{VERDICT_SUSPECT, "suspect", OF_STAGE, true, true, SEVERITY_INFO, LOG_NOTICE},
	{VERDICT_HUNG, "hung", OF_STAGE, true, true, SEVERITY_CRITICAL, LOG_WARNING},
	{VERDICT_SLOW, "slow", OF_STAGE, false, false, SEVERITY_INFO, LOG_NOTICE},
	{VERDICT_STARVED, "starved", OF_STAGE, true, false, SEVERITY_WARNING, LOG_NOTICE},
	{VERDICT_CRASH_LOOP, "crash_loop", OF_STAGE, true, false, SEVERITY_WARNING, LOG_WARNING},
	{VERDICT_PHANTOM, "phantom", OF_STAGE, true, false, SEVERITY_INFO, LOG_NOTICE},
	{VERDICT_IDLE, "idle", OF_APP, true, false, SEVERITY_WARNING, LOG_NOTICE},
	{VERDICT_UNOBSERVABLE, "unobservable", OF_APP, true, true, SEVERITY_CRITICAL, LOG_WARNING},
	{VERDICT_NOT_STARTED, "not_started", OF_APP, true, false, SEVERITY_WARNING, LOG_NOTICE},
};
_Static_assert(ELEMENTSOF(verdict_table) == VERDICT_MAX, "a row per verdict");
_Static_assert(VERDICT_NOT_STARTED == 9, "a new verdict comes last: the ledger has them as bits");
_Static_assert(VERDICT_MAX <= 32, "a bit per verdict");

const struct verdict_def *verdict_def(enum verdict v)
{
	return &verdict_table[v];
}

const char *verdict_name(enum verdict v)
{
	return verdict_table[v].name;
}

int verdict_from_name(const char *name, enum verdict *ret)
{
	for (size_t i = 0; i < ELEMENTSOF(verdict_table); i++)
		if (str_equal(verdict_table[i].name, name)) {
			*ret = (enum verdict)i;
			return 0;
		}
	return -EINVAL;
}

bool verdict_of_app(enum verdict v)
{
	return verdict_table[v].of == OF_APP;
}

bool verdict_is_trouble(enum verdict v)
{
	return verdict_table[v].trouble;
}

const char *const evidence_kinds[] = {"tasks", "threads", "cpu", "events"};
_Static_assert(1U << (ELEMENTSOF(evidence_kinds) - 1) == EVIDENCE_EVENTS, "a word per kind");
const size_t n_evidence_kinds = ELEMENTSOF(evidence_kinds);

static void describe_missing(unsigned missing, struct strbuf *out)
{
	static const char *const words[] = {"per-task counters", "two thread dumps", "CPU seconds",
		"events that Spark dropped"};
	const char *glue = "; without ";

	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (missing & (1U << i)) {
			strbuf_add(out, glue);
			strbuf_add(out, words[i]);
			glue = ", ";
		}
}

static void describe_tasks(const struct verdict_detail *e, struct strbuf *out)
{
	if (e->missing & EVIDENCE_TASKS || e->n_running == 0)
		return;
	strbuf_addf(out, "; %zu of %zu running tasks stalled", e->n_stalled, e->n_running);
	if (e->n_stalled > 0 && e->n_working > 0)
		strbuf_addf(out, ", %zu of them at work", e->n_working);
	if (e->n_frozen > 0)
		strbuf_addf(out, ", %zu on executors that seem frozen", e->n_frozen);
	if (e->n_dumps > 1)
		strbuf_addf(out, ", %s in %u thread dumps",
			e->n_working > 0 ? "looked at" : "the same frames", e->n_dumps);
}

static void describe_counts(const struct verdict_detail *e, struct strbuf *out)
{
	static const char *const words[] = {"never ran", "only woke up", "worked"};
	const size_t n[] = {e->n_never_ran, e->n_ticked, e->n_ran};
	const char *before = ", of the workers and task threads";

	for (size_t i = 0; i < ELEMENTSOF(n); i++) {
		if (n[i] == 0)
			continue;
		strbuf_addf(out, "%s %zu %s", before, n[i], words[i]);
		before = ",";
	}
}

static void describe_bar(const struct verdict_detail *e, struct strbuf *out)
{
	strbuf_add(out, "(");
	strbuf_add_integer(out, e->n_complete);
	strbuf_add(out, " + ");
	strbuf_add_integer(out, e->n_active);
	strbuf_add(out, ") / ");
	strbuf_add_integer(out, e->n_tasks);
	strbuf_add(out, " ");
}

void verdict_describe(const struct verdict_detail *e, struct strbuf *out)
{
	char lasting[32];
	char threshold[32];

	if (!verdict_of_app(e->verdict))
		describe_bar(e, out);
	strbuf_add(out, e->reason ? e->reason : "not judged yet");
	strbuf_add(out, " for ");
	strbuf_add(out, format_duration(lasting, sizeof(lasting), e->lasting));
	if (e->limit)
		strbuf_addf(out, " (%s=%s)", e->limit,
			format_duration(threshold, sizeof(threshold), e->threshold));
	if (e->n_failed > 0)
		strbuf_addf(out, ", %" PRId64 " tasks failed meanwhile", e->n_failed);
	describe_tasks(e, out);
	if (e->cpu_window > 0)
		strbuf_addf(out, ", at most %.3f CPU seconds per second over %s%s", e->cpu_rate,
			format_duration(lasting, sizeof(lasting), e->cpu_window),
			e->cpu_container ? " by whole containers, which proves no hang" : "");
	describe_counts(e, out);
	if (e->hint.because[0] != '\0')
		strbuf_addf(out, "; %scause %s: %s",
			e->hint.cause == CAUSE_UNKNOWN ? "" : "probable ",
			cause_name(e->hint.cause), e->hint.because);
	describe_missing(e->missing, out);
}
