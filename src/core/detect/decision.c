/* SPDX-License-Identifier: Apache-2.0
 * The table of decisions. */
#include "core/detect/decision.h"

/* When a stage whose tasks are stalled is hung. */
enum hung_when {
	AT_ONCE,  /* stalled for hung_after is enough: the evidence proves it */
	UNPROVEN, /* only after hung_after_unproven: no evidence is not proof, and Spark itself
		     replaces an executor that froze */
	NEVER
};

static const struct row {
	enum stalled_part stalled_part;
	enum stalled_sign stalled_sign;
	enum hung_when hung;
	enum verdict verdict; /* while it is not hung */
	const char *reason;
} rows[] = {
	{STALLED_ALL, SIGN_ABSENT, NEVER, VERDICT_PHANTOM, "no executor runs these tasks,"},
	{STALLED_ALL, SIGN_RESULTS, NEVER, VERDICT_SLOW,
		"no task runs any more, the driver takes in their results,"},
	{STALLED_ALL, SIGN_DRIVER, NEVER, VERDICT_SLOW,
		"no task runs any more, the driver is at work,"},
	{STALLED_ALL, SIGN_LIFE, NEVER, VERDICT_SLOW,
		"no counter moves, but something that may be theirs is at work,"},
	{STALLED_ALL, SIGN_WORK, NEVER, VERDICT_SLOW, "no counter moves, but all tasks work,"},
	{STALLED_ALL, SIGN_SOME_WORK, UNPROVEN, VERDICT_SUSPECT,
		"no counter moves, some tasks work,"},
	{STALLED_ALL, SIGN_IDLE, AT_ONCE, VERDICT_SUSPECT, "without progress, and no CPU is used,"},
	{STALLED_ALL, SIGN_STILL, UNPROVEN, VERDICT_SUSPECT,
		"without progress, and no task shows work,"},
	{STALLED_ALL, SIGN_NOTHING, UNPROVEN, VERDICT_SUSPECT, "without progress"},
	{STALLED_ALL, SIGN_DOUBT, NEVER, VERDICT_SUSPECT, "without progress, as far as is known,"},
	{STALLED_SOME, SIGN_DOUBT, NEVER, VERDICT_SUSPECT,
		"some tasks are stalled, as far as is known,"},
	{STALLED_SOME, SIGN_ABSENT, NEVER, VERDICT_SUSPECT,
		"some tasks are stalled, and no executor runs them,"},
	{STALLED_SOME, SIGN_RESULTS, NEVER, VERDICT_SLOW,
		"some tasks do not run any more, the driver takes in their results,"},
	{STALLED_SOME, SIGN_DRIVER, NEVER, VERDICT_SLOW,
		"some tasks do not run any more, the driver is at work,"},
	{STALLED_SOME, SIGN_LIFE, NEVER, VERDICT_SLOW,
		"some tasks are stalled, but something that may be theirs is at work,"},
	{STALLED_SOME, SIGN_WORK, NEVER, VERDICT_SLOW, "some tasks are stalled, but work,"},
	{STALLED_SOME, SIGN_SOME_WORK, UNPROVEN, VERDICT_SUSPECT, "some tasks are stalled"},
	{STALLED_SOME, SIGN_IDLE, UNPROVEN, VERDICT_SUSPECT,
		"some tasks are stalled and use no CPU"},
	{STALLED_SOME, SIGN_STILL, UNPROVEN, VERDICT_SUSPECT,
		"some tasks are stalled and show no work"},
	{STALLED_SOME, SIGN_NOTHING, NEVER, VERDICT_SUSPECT, "some tasks are stalled"},
};

static enum stalled_part stalled_part_of(
	const struct findings *f, const struct rule *rule, usec_t stalled)
{
	/* Where the tasks are not known one by one, the stage's own clock speaks for all. */
	if (!f->has_tasks)
		return STALLED_ALL;
	if (f->n_stalled == 0)
		return STALLED_NONE;
	return f->n_stalled == f->n_running && stalled >= rule->hung_after ? STALLED_ALL
									   : STALLED_SOME;
}

/* Those that are not at work. No dump shows where one is: it may wait for those that are. */
static bool others_do_nothing(const struct findings *f)
{
	size_t n_others = f->n_stalled - f->n_working - f->n_may_work;

	return n_others > 0 && f->n_idle + f->n_frozen == n_others &&
	       f->n_seen + f->n_frozen >= f->n_stalled;
}

/* The driver's listener lost events: those that no dump showed may not run at all. */
static bool is_doubtful(const struct findings *f)
{
	if (!f->events_dropped || (f->has_tasks && f->n_seen == f->n_stalled))
		return false;
	return f->n_stalled == 0 || f->n_absent < f->n_stalled;
}

static enum stalled_sign stalled_sign_of(const struct findings *f)
{
	size_t n_alive = f->n_working + f->n_may_work;

	if (f->n_stalled > 0 && f->n_working == f->n_stalled)
		return SIGN_WORK;
	if (n_alive > 0 && !others_do_nothing(f))
		return SIGN_LIFE;
	/* The others wait for those, or for those that move. */
	if (f->barrier && f->n_stalled > 0 && (n_alive > 0 || f->n_stalled < f->n_running))
		return SIGN_LIFE;
	if (is_doubtful(f))
		return SIGN_DOUBT;
	if (f->n_stalled == 0)
		return SIGN_NOTHING;
	if (f->n_absent == f->n_stalled)
		return f->takes_results  ? SIGN_RESULTS
		       : f->driver_works ? SIGN_DRIVER
					 : SIGN_ABSENT;
	if (n_alive > 0)
		return SIGN_SOME_WORK;
	if (f->n_unknown + f->n_absent > 0)
		return SIGN_NOTHING;
	return f->n_idle == f->n_stalled ? SIGN_IDLE : SIGN_STILL;
}

static const struct row *find_row(enum stalled_part stalled_part, enum stalled_sign stalled_sign)
{
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		if (rows[i].stalled_part == stalled_part && rows[i].stalled_sign == stalled_sign)
			return &rows[i];
	return NULL;
}

/* Since when the tasks that do not work are stalled: the last of them where it is all, the first
 * where it is some, which have waited long enough when any has. */
static usec_t stalled_for(const struct findings *f, enum stalled_part stalled_part, usec_t stalled)
{
	if (f->shortest == 0)
		return stalled;
	return stalled_part == STALLED_ALL ? f->shortest : f->longest;
}

void decide(const struct findings *f, const struct rule *rule, usec_t stalled, struct decision *ret)
{
	enum stalled_part stalled_part = stalled_part_of(f, rule, stalled);
	const struct row *row = find_row(stalled_part, stalled_sign_of(f));

	*ret = (struct decision){.verdict = VERDICT_PROGRESSING, .reason = "last progress"};
	if (!row)
		return;
	*ret = (struct decision){.verdict = row->verdict, .reason = row->reason};
	if (row->verdict != VERDICT_SUSPECT)
		return;
	ret->limit = row->hung == AT_ONCE ? rule->hung_after : rule->hung_after_unproven;
	ret->limit_name = row->hung == AT_ONCE ? "hung_after" : "hung_after_unproven";
	/* Some may have ended since, and others begun. */
	if (stalled_part == STALLED_SOME && f->old)
		return;
	if (row->hung != NEVER && stalled_for(f, stalled_part, stalled) >= ret->limit)
		ret->verdict = VERDICT_HUNG;
}
