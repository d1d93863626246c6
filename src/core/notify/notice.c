/* SPDX-License-Identifier: Apache-2.0
 * Events, their weight, and filters on them. */
#include "core/notify/notice.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/strbuf.h"

#define BIT(e) (1U << (e))

_Static_assert(NOTICE_EVENT_MAX <= 32, "a bit per event");

/* A row per outcome, in the order of the enum. An action that did not do what it was to is
 * critical. */
static const struct {
	enum remedy_outcome outcome;
	enum severity severity;
	bool told;
	bool relief;
} outcome_table[] = {
	{OUTCOME_OPEN, SEVERITY_INFO, false, false},
	{OUTCOME_DRY_RUN, SEVERITY_INFO, true, true},
	{OUTCOME_REFUSED, SEVERITY_WARNING, true, false},
	{OUTCOME_RECOVERED, SEVERITY_INFO, true, true},
	{OUTCOME_FAILED_AGAIN, SEVERITY_CRITICAL, true, false},
	{OUTCOME_ENDED, SEVERITY_INFO, true, true},
	{OUTCOME_SUPERSEDED, SEVERITY_INFO, true, true},
	{OUTCOME_MOVED_AGAIN, SEVERITY_INFO, true, true},
	{OUTCOME_UNCONFIRMED, SEVERITY_CRITICAL, true, false},
	{OUTCOME_FAILED, SEVERITY_CRITICAL, true, false},
};
_Static_assert(ELEMENTSOF(outcome_table) == OUTCOME_MAX, "a row per outcome");

/* A row per event that is neither. */
static const struct {
	const char *name;
	enum severity severity;
	bool lasts;
} own_table[] = {
	[0] = {"closed", SEVERITY_INFO, false},
	[NOTICE_MAX_RUNTIME - NOTICE_CLOSED] = {"max_runtime", SEVERITY_WARNING, true},
	[NOTICE_STORM - NOTICE_CLOSED] = {"storm", SEVERITY_CRITICAL, true},
};
_Static_assert(ELEMENTSOF(own_table) == NOTICE_EVENT_MAX - NOTICE_CLOSED, "a row per event");

static bool is_verdict(enum notice_event e)
{
	return (int)e < (int)VERDICT_MAX;
}

static bool is_outcome(enum notice_event e)
{
	return !is_verdict(e) && e < NOTICE_CLOSED;
}

const char *notice_event_name(enum notice_event e)
{
	if (is_verdict(e))
		return verdict_is_trouble((enum verdict)e) ? verdict_name((enum verdict)e) : NULL;
	if (is_outcome(e))
		return outcome_table[e - NOTICE_OUTCOME].told
			       ? remedy_outcome_name(outcome_table[e - NOTICE_OUTCOME].outcome)
			       : NULL;
	return own_table[e - NOTICE_CLOSED].name;
}

enum severity notice_severity(enum notice_event e)
{
	if (is_verdict(e))
		return verdict_def((enum verdict)e)->severity;
	if (is_outcome(e))
		return outcome_table[e - NOTICE_OUTCOME].severity;
	return own_table[e - NOTICE_CLOSED].severity;
}

static enum notice_event if_told(int e)
{
	return notice_event_name((enum notice_event)e) ? (enum notice_event)e : NOTICE_EVENT_MAX;
}

enum notice_event notice_of_verdict(enum verdict v)
{
	return if_told(NOTICE_VERDICT + (int)v);
}

enum notice_event notice_of_outcome(enum remedy_outcome o)
{
	return if_told(NOTICE_OUTCOME + (int)o);
}

bool notice_lasts(enum notice_event e)
{
	return is_verdict(e) || (e >= NOTICE_CLOSED && own_table[e - NOTICE_CLOSED].lasts);
}

bool notice_is_relief(enum notice_event e)
{
	return is_outcome(e) ? outcome_table[e - NOTICE_OUTCOME].relief : e == NOTICE_CLOSED;
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

		if (name && strlen(name) == n && memcmp(name, word, n) == 0)
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
		if ((f->on & BIT(e)) && is_verdict((enum notice_event)e) &&
			notice_severity((enum notice_event)e) >= f->min_severity)
			return true;
	return false;
}

/* Who asks for recovered asks how a hang went over, also where that was by itself. */
static bool is_asked(const struct notice_filter *f, enum notice_event event)
{
	if (event == notice_of_outcome(OUTCOME_MOVED_AGAIN) &&
		(f->on & BIT(notice_of_outcome(OUTCOME_RECOVERED))))
		return true;
	return f->on & BIT(event);
}

static bool globs_match(const struct notice_filter *f, const struct incident *i)
{
	return rule_glob_matches(f->rule, i->rule) && rule_glob_matches(f->cluster, i->cluster) &&
	       rule_glob_matches(f->app, i->app_name) && rule_glob_matches(f->dag, i->owner.dag_id);
}

bool notice_wanted(
	const struct notice_filter *f, const struct incident *i, enum notice_event event, bool told)
{
	if (!is_asked(f, event))
		return false;
	/* Whoever heard of the beginning, also where it has another rule or name by now. */
	if (told && notice_is_relief(event))
		return true;
	if (!f->named && !globs_match(f, i))
		return false;
	if (!notice_is_relief(event))
		return notice_severity(event) >= f->min_severity;
	/* How grave an end is, what ended says. */
	return !asks_verdicts(f) && (i->reached & BIT(VERDICT_HUNG));
}

bool notice_storm_wanted(const struct notice_filter *f, enum notice_event event, bool told)
{
	if (!(f->on & BIT(event)))
		return false;
	return notice_is_relief(event) ? told : notice_severity(event) >= f->min_severity;
}

int notice_runtime_subject(const struct app_history *a, char **ret)
{
	return str_printf(
		ret, "%s/%s/%" PRIu64 "/max_runtime", a->cluster, a->info.id, a->info.started);
}

int notice_subject(const struct incident *i, char **ret)
{
	return str_printf(ret, "%s/%s/%" PRIu64 "/%" PRId64 ".%" PRId64, i->cluster, i->app_id,
		i->app_started, i->stage_id, i->attempt_id);
}
