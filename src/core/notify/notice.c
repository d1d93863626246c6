/* SPDX-License-Identifier: Apache-2.0
 * Events, their weight, and filters on them. */
#include "core/notify/notice.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/strbuf.h"

#define BIT(e) (1U << (e))

const char *const notice_severities[SEVERITY_MAX + 1] = {
	[SEVERITY_INFO] = "info",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
};

/* Critical is what a person should get up for: it hangs, or an action did not do what it was to. */
static const struct {
	enum verdict verdict;        /* VERDICT_MAX: none */
	enum remedy_outcome outcome; /* OUTCOME_MAX: none */
	enum notice_severity severity;
	bool relief;
} events[NOTICE_EVENT_MAX] = {
	[NOTICE_SUSPECT] = {VERDICT_SUSPECT, OUTCOME_MAX, SEVERITY_INFO, false},
	[NOTICE_HUNG] = {VERDICT_HUNG, OUTCOME_MAX, SEVERITY_CRITICAL, false},
	[NOTICE_STARVED] = {VERDICT_STARVED, OUTCOME_MAX, SEVERITY_WARNING, false},
	[NOTICE_CRASH_LOOP] = {VERDICT_CRASH_LOOP, OUTCOME_MAX, SEVERITY_WARNING, false},
	[NOTICE_PHANTOM] = {VERDICT_PHANTOM, OUTCOME_MAX, SEVERITY_INFO, false},
	[NOTICE_IDLE] = {VERDICT_IDLE, OUTCOME_MAX, SEVERITY_WARNING, false},
	[NOTICE_UNOBSERVABLE] = {VERDICT_UNOBSERVABLE, OUTCOME_MAX, SEVERITY_CRITICAL, false},
	[NOTICE_DRY_RUN] = {VERDICT_MAX, OUTCOME_DRY_RUN, SEVERITY_INFO, true},
	[NOTICE_REFUSED] = {VERDICT_MAX, OUTCOME_REFUSED, SEVERITY_WARNING, false},
	[NOTICE_RECOVERED] = {VERDICT_MAX, OUTCOME_RECOVERED, SEVERITY_INFO, true},
	[NOTICE_FAILED_AGAIN] = {VERDICT_MAX, OUTCOME_FAILED_AGAIN, SEVERITY_CRITICAL, false},
	[NOTICE_ENDED] = {VERDICT_MAX, OUTCOME_ENDED, SEVERITY_INFO, true},
	[NOTICE_SUPERSEDED] = {VERDICT_MAX, OUTCOME_SUPERSEDED, SEVERITY_INFO, true},
	[NOTICE_UNCONFIRMED] = {VERDICT_MAX, OUTCOME_UNCONFIRMED, SEVERITY_CRITICAL, false},
	[NOTICE_FAILED] = {VERDICT_MAX, OUTCOME_FAILED, SEVERITY_CRITICAL, false},
	[NOTICE_CLOSED] = {VERDICT_MAX, OUTCOME_MAX, SEVERITY_INFO, true},
	[NOTICE_STORM] = {VERDICT_MAX, OUTCOME_MAX, SEVERITY_CRITICAL, false},
};

const char *notice_event_name(enum notice_event e)
{
	if (events[e].verdict != VERDICT_MAX)
		return verdict_name(events[e].verdict);
	if (events[e].outcome != OUTCOME_MAX)
		return remedy_outcome_name(events[e].outcome);
	return e == NOTICE_STORM ? "storm" : "closed";
}

enum notice_severity notice_severity(enum notice_event e)
{
	return events[e].severity;
}

enum notice_event notice_of_verdict(enum verdict v)
{
	int e = 0;

	while (e < NOTICE_EVENT_MAX && events[e].verdict != v)
		e++;
	return (enum notice_event)e;
}

enum notice_event notice_of_outcome(enum remedy_outcome o)
{
	int e = 0;

	while (e < NOTICE_EVENT_MAX && events[e].outcome != o)
		e++;
	return (enum notice_event)e;
}

bool notice_lasts(enum notice_event e)
{
	return events[e].verdict != VERDICT_MAX || e == NOTICE_STORM;
}

bool notice_is_relief(enum notice_event e)
{
	return events[e].relief;
}

static int refuse_word(const char *what, const char *word, size_t n, char **reterr)
{
	_cleanup_free_ char *copy = strndup(word, n);
	_cleanup_free_ char *shown = NULL;
	int r = copy ? str_printable(copy, 64, &shown) : -ENOMEM;

	if (r >= 0)
		r = str_printf(reterr, "%s: %s", what, shown);
	return r < 0 ? r : -EINVAL;
}

static enum notice_event event_of_word(const char *word, size_t n)
{
	int e = 0;

	for (; e < NOTICE_EVENT_MAX; e++) {
		const char *name = notice_event_name((enum notice_event)e);

		if (strlen(name) == n && memcmp(name, word, n) == 0)
			break;
	}
	return (enum notice_event)e;
}

int notice_parse_events(const char *text, unsigned *ret, char **reterr)
{
	unsigned on = 0;

	for (const char *p = text ? text : ""; *p;) {
		size_t n;
		enum notice_event e;

		p += strspn(p, ", \t");
		n = strcspn(p, ", \t");
		if (n == 0)
			break;
		e = event_of_word(p, n);
		if (e == NOTICE_EVENT_MAX)
			return refuse_word("no event", p, n, reterr);
		if (on & BIT(e))
			return refuse_word("said twice", p, n, reterr);
		on |= BIT(e);
		p += n;
	}
	if (on == 0)
		return refuse_word("names no event", "", 0, reterr);
	*ret = on;
	return 0;
}

static bool asks_verdicts(const struct notice_filter *f)
{
	for (int e = 0; e < NOTICE_EVENT_MAX; e++)
		if ((f->on & BIT(e)) && events[e].verdict != VERDICT_MAX &&
			events[e].severity >= f->min_severity)
			return true;
	return false;
}

bool notice_wanted(
	const struct notice_filter *f, const struct incident *i, enum notice_event event, bool told)
{
	if (!(f->on & BIT(event)) || !rule_glob_matches(f->rule, i->rule) ||
		!rule_glob_matches(f->cluster, i->cluster) ||
		!rule_glob_matches(f->app, i->app_name) ||
		!rule_glob_matches(f->dag, i->owner.dag_id))
		return false;
	if (!events[event].relief)
		return events[event].severity >= f->min_severity;
	/* How grave an end is, what ended says. */
	return told || (!asks_verdicts(f) && (i->reached & BIT(VERDICT_HUNG)));
}

bool notice_storm_wanted(const struct notice_filter *f, enum notice_event event, bool told)
{
	if (!(f->on & BIT(event)))
		return false;
	return events[event].relief ? told : events[event].severity >= f->min_severity;
}

int notice_subject(const struct incident *i, char **ret)
{
	return str_printf(ret, "%s/%s/%" PRIu64 "/%" PRId64 ".%" PRId64, i->cluster, i->app_id,
		i->app_started, i->stage_id, i->attempt_id);
}
