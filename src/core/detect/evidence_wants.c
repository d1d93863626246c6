/* SPDX-License-Identifier: Apache-2.0
 * What is to be asked beyond the counters, and when: only on suspicion, apart in time, bounded. */
#include "core/detect/evidence_wants.h"
#include "core/detect/history.h"
#include "core/facts/rule.h"

/* Of hung_after, without progress: from then on processes are watched. */
#define WATCHED_PART 8

const struct param_def evidence_params[] = {
	{.name = "dump_spacing",
		.type = PARAM_DURATION,
		.offset = offsetof(struct evidence_params, dump_spacing),
		.fallback = "10s",
		.min = 2 * USEC_PER_SEC,
		.max = USEC_PER_HOUR,
		.help = "two thread dumps of an executor are at least so far apart"},
	{.name = "dump_timeout",
		.type = PARAM_DURATION,
		.offset = offsetof(struct evidence_params, dump_timeout),
		.fallback = "15s",
		.min = USEC_PER_SEC,
		.max = 10 * USEC_PER_MINUTE,
		.help = "how long a thread dump may take"},
	{.name = "max_dumps",
		.type = PARAM_U64,
		.offset = offsetof(struct evidence_params, max_dumps),
		.fallback = "8",
		.max = 1000,
		.help = "executors of an app that are asked for their threads at a time; 0: none"},
	{.name = "bundle_max_size",
		.type = PARAM_SIZE,
		.offset = offsetof(struct evidence_params, bundle_max_size),
		.fallback = "4M",
		.min = 65536,
		.max = (uint64_t)1 << 30,
		.help = "bytes of evidence that are kept of one incident"},
	{.name = "bundles_max_size",
		.type = PARAM_SIZE,
		.offset = offsetof(struct evidence_params, bundles_max_size),
		.fallback = "256M",
		.min = 65536,
		.max = (uint64_t)1 << 40,
		.help = "bytes of evidence that are kept of all; the oldest goes first"},
	{.name = "bundles_keep_free",
		.type = PARAM_SIZE,
		.offset = offsetof(struct evidence_params, bundles_keep_free),
		.fallback = "64M",
		.min = 65536,
		.max = (uint64_t)1 << 40,
		.help = "bytes of the file system that evidence leaves to the ledger"},
	{.name = "bundle_max_age",
		.type = PARAM_DURATION,
		.offset = offsetof(struct evidence_params, bundle_max_age),
		.fallback = "720h",
		.min = USEC_PER_MINUTE,
		.max = (usec_t)366 * 24 * USEC_PER_HOUR,
		.help = "evidence of incidents that began longer ago is deleted"},
};
const size_t n_evidence_params = ELEMENTSOF(evidence_params);

static const char *const names[] = {
	[WANT_TASKS] = "tasks",
	[WANT_THREADS] = "threads",
	[WANT_PROCESSES] = "processes",
	[WANT_DRIVER_THREADS] = "driver_threads",
	[WANT_QUERY] = "query",
	[WANT_BATCHES] = "batches",
	[WANT_DROPPED] = "dropped_events",
};
_Static_assert(ELEMENTSOF(names) == WANT_MAX, "a name per kind");

const char *evidence_kind_name(enum evidence_kind k)
{
	return names[k];
}

struct asking {
	struct app_history *app;
	const struct rule *rule;
	const struct evidence_params *params;
	usec_t now;
	struct evidence_want *wants;
	size_t n;
	size_t max;
	bool suspicious; /* any stage is */
	bool watched;  /* any stage stands still: what its processes do meanwhile is proof later */
	bool unplaced; /* of some task no answer tells where it runs: the driver may hold it */
};

static bool due(const struct asking *k, usec_t asked, usec_t spacing)
{
	return asked == 0 || usec_sub(k->now, asked) >= spacing;
}

static bool ask(struct asking *k, const struct evidence_want *want)
{
	if (k->n == k->max)
		return false;
	k->wants[k->n++] = *want;
	return true;
}

/* So long without progress that it is worth a look. */
static bool flat(const struct asking *k, usec_t stall_start)
{
	return usec_sub(k->now, stall_start) >= k->rule->hung_after / 2;
}

static bool stage_suspicious(const struct asking *k, const struct stage_history *h)
{
	if (h->last.n_active <= 0)
		return false;
	if (flat(k, h->stall_start))
		return true;
	/* One that moved at the last look was not seen to stand still, however long ago that was.
	 */
	for (size_t i = 0; i < h->tasks.n; i++)
		if (h->tasks.items[i].stall_start < h->tasks.taken &&
			usec_sub(k->now, h->tasks.items[i].stall_start) >= k->rule->hung_after)
			return true;
	return false;
}

static bool stage_stands_still(const struct asking *k, const struct stage_history *h)
{
	return h->last.n_active > 0 &&
	       usec_sub(k->now, h->stall_start) >= k->rule->hung_after / WATCHED_PART;
}

static bool all_stalled(const struct asking *k, const struct stage_history *h)
{
	for (size_t i = 0; i < h->tasks.n; i++)
		if (!flat(k, h->tasks.items[i].stall_start))
			return false;
	return true;
}

/* A stage that moves, but is old: one task may move and hide others that do not. */
static void ask_tasks(struct asking *k, struct stage_history *h, bool suspicious)
{
	usec_t half = k->rule->hung_after / 2;
	usec_t spacing =
		suspicious ? usec_clamp(half / 6, 5 * USEC_PER_SEC, 30 * USEC_PER_SEC) : half;
	struct evidence_want want = {
		.kind = WANT_TASKS,
		.stage_id = h->last.stage_id,
		.attempt_id = h->last.attempt_id,
		.length = EVIDENCE_MAX_TASKS,
	};

	if (!suspicious && usec_sub(k->now, h->first_seen) < half)
		return;
	/* All stood still, and yet it has moved: which task did is to be known soon. */
	if (suspicious && h->stall_start > h->tasks.taken && all_stalled(k, h))
		spacing = 5 * USEC_PER_SEC;
	if (h->last.n_active > 0 && due(k, h->tasks.asked, spacing) && ask(k, &want))
		h->tasks.asked = k->now;
}

/* Two dumps soon, to compare; then seldom: a dump stops its JVM for a moment. */
static bool dump_due(
	const struct asking *k, const struct task_track *t, const struct executor_track *x)
{
	usec_t spacing = k->params->dump_spacing;

	if (t->n_same >= 2 || x->n_silent > 0)
		spacing = usec_clamp(k->rule->hung_after / 4, spacing, 10 * USEC_PER_MINUTE);
	return due(k, x->dump_asked, spacing);
}

/* The executors of a stage whose threads are to be looked at. */
static void choose_executors(const struct asking *k, const struct stage_history *h)
{
	for (size_t i = 0; i < h->tasks.n; i++) {
		const struct task_track *t = &h->tasks.items[i];
		struct executor_track *x;

		if (!flat(k, t->stall_start))
			continue;
		x = evidence_executor(&k->app->evidence, t->executor_id);
		if (!x || (!x->listed && k->app->evidence.executors_taken > 0) ||
			x->chosen == k->now)
			continue;
		x->chosen = k->now;
		x->dump_due = dump_due(k, t, x);
	}
}

/* Whoever waits longest comes first, so that with many executors each has its turn. */
static struct executor_track *next_executor(const struct asking *k)
{
	struct evidence *q = &k->app->evidence;
	struct executor_track *first = NULL;

	for (size_t i = 0; i < q->n_executors; i++) {
		struct executor_track *x = &q->executors[i];

		if (x->chosen == k->now && x->dump_due &&
			(!first || x->dump_asked < first->dump_asked))
			first = x;
	}
	return first;
}

static void ask_threads(struct asking *k)
{
	for (uint64_t n = 0; n < k->params->max_dumps; n++) {
		struct executor_track *x = next_executor(k);

		if (!x || !ask(k, &(struct evidence_want){
					  .kind = WANT_THREADS, .executor_id = x->id}))
			return;
		x->dump_asked = k->now;
		x->dump_due = false;
	}
}

/* Asked before now, and no answer has come since that shows the task's thread. */
static bool is_unplaced(const struct asking *k, const struct task_track *t)
{
	const struct executor_track *x = evidence_executor(&k->app->evidence, t->executor_id);

	return flat(k, t->stall_start) && t->n_same == 0 && x && x->dump_asked > 0 &&
	       x->dump_asked < k->now;
}

static bool any_unplaced(const struct asking *k, const struct stage_history *h)
{
	if (h->tasks.taken == 0)
		return h->tasks.asked > 0 && h->tasks.asked < k->now;
	for (size_t i = 0; i < h->tasks.n; i++)
		if (is_unplaced(k, &h->tasks.items[i]))
			return true;
	return false;
}

static void ask_driver(struct asking *k, usec_t spacing)
{
	usec_t *asked = &k->app->evidence.driver_asked;

	if (k->params->max_dumps > 0 && due(k, *asked, spacing) &&
		ask(k, &(struct evidence_want){.kind = WANT_DRIVER_THREADS}))
		*asked = k->now;
}

/* Why a driver is idle does not change the verdict: one look, and seldom another. */
static void ask_idle(struct asking *k)
{
	struct evidence *q = &k->app->evidence;

	ask_driver(k, k->rule->idle_after);
	if (due(k, q->query_asked, k->rule->idle_after) &&
		ask(k, &(struct evidence_want){.kind = WANT_QUERY}))
		q->query_asked = k->now;
}

/* A batch without data has no job: whether any ended is to be known over most of idle_after. */
static void ask_batches(struct asking *k)
{
	struct evidence *q = &k->app->evidence;

	if (app_history_receives(k->app) && due(k, q->batches_asked, k->rule->idle_after / 8) &&
		ask(k, &(struct evidence_want){.kind = WANT_BATCHES}))
		q->batches_asked = k->now;
}

/* What holds for the app as a whole. */
static void ask_app(struct asking *k)
{
	struct evidence *q = &k->app->evidence;
	usec_t half = k->rule->hung_after / 2;

	/* That nothing ran is to be known over most of hung_after when that is over. */
	if (k->watched &&
		due(k, q->processes_asked,
			usec_clamp(half / 16, 5 * USEC_PER_SEC, CPU_AGE_MAX / 4)) &&
		ask(k, &(struct evidence_want){.kind = WANT_PROCESSES, .with_driver = k->unplaced}))
		q->processes_asked = k->now;
	if (k->unplaced)
		ask_driver(k, usec_clamp(k->rule->hung_after / 4, k->params->dump_spacing,
				      10 * USEC_PER_MINUTE));
	if (k->suspicious && due(k, q->dropped_asked, half) &&
		ask(k, &(struct evidence_want){.kind = WANT_DROPPED}))
		q->dropped_asked = k->now;
	if (k->app->idle_start > 0)
		ask_batches(k);
	if (k->app->idle_start > 0 &&
		usec_sub(k->now, k->app->idle_start) >= k->rule->idle_after / 2)
		ask_idle(k);
}

size_t evidence_wants(struct app_history *a, const struct rule *rule,
	const struct evidence_params *params, usec_t now, struct evidence_want *ret, size_t max)
{
	struct asking k = {
		.app = a, .rule = rule, .params = params, .now = now, .wants = ret, .max = max};

	if (rule->ignored)
		return 0;
	for (size_t i = 0; i < a->n_stages; i++) {
		struct stage_history *h = &a->stages[i];
		bool suspicious = stage_suspicious(&k, h);

		k.suspicious = k.suspicious || suspicious;
		k.watched = k.watched || suspicious || stage_stands_still(&k, h);
		k.unplaced = k.unplaced || (suspicious && any_unplaced(&k, h));
		ask_tasks(&k, h, suspicious);
		if (suspicious)
			choose_executors(&k, h);
	}
	ask_app(&k);
	ask_threads(&k);
	return k.n;
}
