/* SPDX-License-Identifier: Apache-2.0
 * Tasks and executors over time. */
#include "core/detect/tracks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "base/strbuf.h"

void task_tracks_clear(struct task_tracks *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->items[i].executor_id);
	free(t->items);
	*t = (struct task_tracks){0};
}

static void shift(usec_t *t, usec_t by)
{
	if (*t > 0)
		*t += by;
}

void task_tracks_shift(struct task_tracks *t, usec_t by)
{
	for (size_t i = 0; i < t->n; i++) {
		struct task_track *k = &t->items[i];

		shift(&k->launched, by);
		shift(&k->stall_start, by);
		shift(&k->worked, by);
		shift(&k->may_have, by);
		k->frames_since = k->frames_moved = k->dumped = 0;
		k->n_dumps = k->n_same = k->n_absent = 0;
	}
	t->asked = 0;
}

void executor_track_clear(struct executor_track *x)
{
	free(x->id);
	free(x->host);
	free(x->log_url);
	cpu_series_clear(&x->cpu);
}

void evidence_clear(struct evidence *q)
{
	for (size_t i = 0; i < q->n_executors; i++)
		executor_track_clear(&q->executors[i]);
	free(q->executors);
	free(q->by_id);
	free(q->driver);
	query_obs_clear(&q->query);
	*q = (struct evidence){0};
}

void evidence_forget(struct evidence *q, usec_t now)
{
	q->forgotten = now;
	for (size_t i = 0; i < q->n_executors; i++) {
		struct executor_track *x = &q->executors[i];

		cpu_series_clear(&x->cpu);
		x->dump_asked = x->dump_taken = x->silent_since = x->most_active_at = 0;
		x->worked = 0;
		x->n_silent = 0;
		x->n_marks = 0;
		x->n_python = x->n_jvm = x->n_at_barrier = x->n_barrier = 0;
		x->feeding = false;
	}
	q->processes_asked = q->driver_asked = q->query_asked = 0;
	q->batches_asked = q->batches_taken = 0;
}

int64_t executor_track_begun(const struct executor_track *x, usec_t since)
{
	size_t from = 0;

	if (x->n_marks == 0)
		return 0;
	while (from + 1 < x->n_marks && x->marks[from + 1].taken <= since)
		from++;
	return x->marks[x->n_marks - 1].total - x->marks[from].total;
}

struct executor_key {
	const struct executor_track *executors;
	const char *id;
};

static int compare_executors(const void *key, const void *item)
{
	const struct executor_key *k = key;
	const size_t *i = item;

	return strcmp(k->id, k->executors[*i].id);
}

static size_t place_of(const struct evidence *q, const char *id)
{
	const struct executor_key k = {q->executors, id};

	return sorted_place(&k, q->by_id, q->n_executors, sizeof(*q->by_id), compare_executors);
}

struct executor_track *evidence_executor(const struct evidence *q, const char *id)
{
	size_t at = id ? place_of(q, id) : q->n_executors;

	return at < q->n_executors && str_equal(q->executors[q->by_id[at]].id, id)
		       ? &q->executors[q->by_id[at]]
		       : NULL;
}

static int make_room(struct evidence *q)
{
	struct executor_track *items =
		reallocarray(q->executors, q->n_executors + 1, sizeof(*items));
	size_t *by_id;

	if (items)
		q->executors = items;
	by_id = items ? reallocarray(q->by_id, q->n_executors + 1, sizeof(*by_id)) : NULL;
	if (!by_id)
		return -ENOMEM;
	q->by_id = by_id;
	return 0;
}

int evidence_executor_get(struct evidence *q, const char *id, struct executor_track **ret)
{
	struct executor_track *x = evidence_executor(q, id);
	size_t at;

	if (!x) {
		if (make_room(q) < 0)
			return -ENOMEM;
		at = place_of(q, id);
		x = &q->executors[q->n_executors];
		*x = (struct executor_track){0};
		x->id = strdup(id);
		if (!x->id)
			return -ENOMEM;
		x->cpu.driver = str_equal(id, "driver");
		memmove(&q->by_id[at + 1], &q->by_id[at],
			(q->n_executors - at) * sizeof(*q->by_id));
		q->by_id[at] = q->n_executors++;
	}
	*ret = x;
	return 0;
}

static int by_id(const void *a, const void *b, void *executors)
{
	const struct executor_track *x = executors;

	return strcmp(x[*(const size_t *)a].id, x[*(const size_t *)b].id);
}

void evidence_drop_executors(struct evidence *q)
{
	size_t kept = 0;

	for (size_t i = 0; i < q->n_executors; i++) {
		struct executor_track *x = &q->executors[i];

		if (!x->listed && !x->has_task)
			executor_track_clear(x);
		else
			q->executors[kept++] = *x;
	}
	if (kept == q->n_executors)
		return;
	q->n_executors = kept;
	for (size_t i = 0; i < kept; i++)
		q->by_id[i] = i;
	qsort_r(q->by_id, kept, sizeof(*q->by_id), by_id, q->executors);
}
