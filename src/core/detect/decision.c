/* SPDX-License-Identifier: Apache-2.0
 * The table of decisions. */
#include "core/detect/decision.h"

/* When a stage whose tasks are flat is hung. */
enum hung_when {
	AT_ONCE,  /* flat for hung_after is enough: the evidence proves it */
	UNPROVEN, /* only after hung_after_unproven: no evidence is not proof, and Spark itself
		     replaces an executor that froze */
	NEVER
};

static const struct row {
	enum extent extent;
	enum shown shown;
	enum hung_when hung;
	enum verdict verdict; /* while it is not hung */
	const char *reason;
} rows[] = {
	{EXTENT_ALL, SHOWN_ABSENT, NEVER, VERDICT_PHANTOM, "no executor runs these tasks,"},
	{EXTENT_ALL, SHOWN_WORK, NEVER, VERDICT_SLOW, "no counter moves, but all tasks work,"},
	{EXTENT_ALL, SHOWN_SOME_WORK, UNPROVEN, VERDICT_SUSPECT,
		"no counter moves, some tasks work,"},
	{EXTENT_ALL, SHOWN_IDLE, AT_ONCE, VERDICT_SUSPECT, "without progress, and no CPU is used,"},
	{EXTENT_ALL, SHOWN_STILL, UNPROVEN, VERDICT_SUSPECT,
		"without progress, and no task shows work,"},
	{EXTENT_ALL, SHOWN_NOTHING, UNPROVEN, VERDICT_SUSPECT, "without progress"},
	{EXTENT_ALL, SHOWN_DOUBT, NEVER, VERDICT_SUSPECT, "without progress, as far as is known,"},
	{EXTENT_SOME, SHOWN_DOUBT, NEVER, VERDICT_SUSPECT,
		"some tasks are flat, as far as is known,"},
	{EXTENT_SOME, SHOWN_ABSENT, NEVER, VERDICT_SUSPECT,
		"some tasks are flat, and no executor runs them,"},
	{EXTENT_SOME, SHOWN_WORK, NEVER, VERDICT_SLOW, "some tasks are flat, but work,"},
	{EXTENT_SOME, SHOWN_SOME_WORK, UNPROVEN, VERDICT_SUSPECT, "some tasks are flat"},
	{EXTENT_SOME, SHOWN_IDLE, UNPROVEN, VERDICT_SUSPECT, "some tasks are flat and use no CPU"},
	{EXTENT_SOME, SHOWN_STILL, UNPROVEN, VERDICT_SUSPECT,
		"some tasks are flat and show no work"},
	{EXTENT_SOME, SHOWN_NOTHING, NEVER, VERDICT_SUSPECT, "some tasks are flat"},
};

static enum extent extent_of(const struct findings *f, const struct rule *rule, usec_t stalled)
{
	/* Where the tasks are not known one by one, the stage's own clock speaks for all. */
	if (!f->has_tasks)
		return EXTENT_ALL;
	if (f->n_flat == 0)
		return EXTENT_NONE;
	return f->n_flat == f->n_running && stalled >= rule->hung_after ? EXTENT_ALL : EXTENT_SOME;
}

static enum shown shown_of(const struct findings *f)
{
	size_t doubtful = f->n_dark + f->n_absent;

	if (f->events_lost && (!f->has_tasks || f->n_seen < f->n_flat) &&
		f->n_absent + f->n_working < f->n_flat + !f->has_tasks)
		return SHOWN_DOUBT;
	if (f->n_flat == 0)
		return SHOWN_NOTHING;
	if (f->n_absent == f->n_flat)
		return SHOWN_ABSENT;
	if (f->n_working == f->n_flat)
		return SHOWN_WORK;
	if (doubtful > 0)
		return SHOWN_NOTHING;
	if (f->n_working > 0)
		return SHOWN_SOME_WORK;
	return f->n_idle == f->n_flat ? SHOWN_IDLE : SHOWN_STILL;
}

static const struct row *find_row(enum extent extent, enum shown shown)
{
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		if (rows[i].extent == extent && rows[i].shown == shown)
			return &rows[i];
	return NULL;
}

/* Since when the tasks that do not work are flat: the last of them where it is all, the first where
 * it is some, which have waited long enough when any has. */
static usec_t flat_for(const struct findings *f, enum extent extent, usec_t stalled)
{
	if (!f->has_tasks || f->shortest == 0)
		return stalled;
	return extent == EXTENT_ALL ? f->shortest : f->longest;
}

void decide(const struct findings *f, const struct rule *rule, usec_t stalled, struct decision *ret)
{
	enum extent extent = extent_of(f, rule, stalled);
	const struct row *row = find_row(extent, shown_of(f));

	*ret = (struct decision){.verdict = VERDICT_PROGRESSING, .reason = "last progress"};
	if (!row)
		return;
	*ret = (struct decision){.verdict = row->verdict, .reason = row->reason};
	if (row->verdict != VERDICT_SUSPECT)
		return;
	ret->limit = row->hung == AT_ONCE ? rule->hung_after : rule->hung_after_unproven;
	ret->limit_name = row->hung == AT_ONCE ? "hung_after" : "hung_after_unproven";
	/* Some may have ended since, and others begun. */
	if (extent == EXTENT_SOME && f->old)
		return;
	if (row->hung != NEVER && flat_for(f, extent, stalled) >= ret->limit)
		ret->verdict = VERDICT_HUNG;
}
