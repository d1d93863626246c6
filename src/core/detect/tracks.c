/* SPDX-License-Identifier: Apache-2.0
 * Tasks and executors over time. */
#include "core/detect/tracks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

struct executor_track *evidence_executor(const struct evidence *q, const char *id)
{
	for (size_t i = 0; i < q->n_executors; i++)
		if (str_equal(q->executors[i].id, id))
			return &q->executors[i];
	return NULL;
}

int evidence_executor_get(struct evidence *q, const char *id, struct executor_track **ret)
{
	struct executor_track *x = evidence_executor(q, id);
	struct executor_track *items;

	if (!x) {
		items = reallocarray(q->executors, q->n_executors + 1, sizeof(*items));
		if (!items)
			return -ENOMEM;
		q->executors = items;
		x = &items[q->n_executors];
		*x = (struct executor_track){0};
		x->id = strdup(id);
		if (!x->id)
			return -ENOMEM;
		x->cpu.driver = str_equal(id, "driver");
		q->n_executors++;
	}
	*ret = x;
	return 0;
}
