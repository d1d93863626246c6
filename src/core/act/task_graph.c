/* SPDX-License-Identifier: Apache-2.0
 * Walks a DAG along its edges, three times in all: what is downstream of a task, what is upstream
 * of it, and what is downstream of its set-ups. So thousands of tasks cost no more than their
 * edges. */
#include "core/act/task_graph.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/sorted.h"
#include "base/strbuf.h"

#define TEARDOWN "all_done_setup_success"
/* So many are told by name. */
#define MAX_NAMED 6

void task_graph_clear(struct task_graph *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->items[i].id);
		free(g->items[i].trigger_rule);
	}
	for (size_t i = 0; g->names && i < g->n_edges; i++)
		free(g->names[i].to);
	free(g->items);
	free(g->names);
	free(g->down);
	free(g->up);
	*g = (struct task_graph){0};
}

int task_graph_add(struct task_graph *g, const char *id, const char *trigger_rule)
{
	struct graph_task t = {0};
	struct graph_task *items;

	if (g->n >= TASK_GRAPH_MAX_TASKS)
		return -E2BIG;
	items = array_room(g->items, g->n, sizeof(*items));
	if (!items)
		return -ENOMEM;
	g->items = items;
	if (str_replace(&t.id, id) < 0 || str_replace(&t.trigger_rule, trigger_rule) < 0) {
		free(t.id);
		return -ENOMEM;
	}
	g->items[g->n++] = t;
	return 0;
}

int task_graph_add_next(struct task_graph *g, const char *id)
{
	struct graph_name name = {.from = g->items[g->n - 1].id};
	struct graph_name *names;

	if (g->n_edges >= TASK_GRAPH_MAX_EDGES)
		return -E2BIG;
	names = array_room(g->names, g->n_edges, sizeof(*names));
	if (!names)
		return -ENOMEM;
	g->names = names;
	if (str_replace(&name.to, id) < 0)
		return -ENOMEM;
	g->names[g->n_edges++] = name;
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const struct graph_task *ta = a;
	const struct graph_task *tb = b;

	return strcmp(ta->id, tb->id);
}

static int compare_starts(const void *a, const void *b)
{
	const struct graph_edge *ea = a;
	const struct graph_edge *eb = b;

	return (ea->from > eb->from) - (ea->from < eb->from);
}

static int compare_ends(const void *a, const void *b)
{
	const struct graph_edge *ea = a;
	const struct graph_edge *eb = b;

	return (ea->to > eb->to) - (ea->to < eb->to);
}

static int compare_id(const void *key, const void *item)
{
	const struct graph_task *t = item;

	return strcmp(key, t->id);
}

/* The place of a task; g->n where there is none. */
static size_t find(const struct task_graph *g, const char *id)
{
	size_t at = sorted_place(id, g->items, g->n, sizeof(*g->items), compare_id);

	return at < g->n && str_equal(g->items[at].id, id) ? at : g->n;
}

/* Edges to tasks that are not listed lead nowhere. */
int task_graph_finish(struct task_graph *g)
{
	size_t n = 0;

	g->down = calloc(g->n_edges + 1, sizeof(*g->down));
	g->up = calloc(g->n_edges + 1, sizeof(*g->up));
	if (!g->down || !g->up)
		return -ENOMEM;
	if (g->n > 0)
		qsort(g->items, g->n, sizeof(*g->items), compare_ids);
	for (size_t i = 0; i < g->n_edges; i++) {
		struct graph_edge e = {find(g, g->names[i].from), find(g, g->names[i].to)};

		free(g->names[i].to);
		if (e.to < g->n)
			g->down[n++] = e;
	}
	free(g->names);
	g->names = NULL;
	g->n_edges = n;
	memcpy(g->up, g->down, n * sizeof(*g->up));
	qsort(g->down, n, sizeof(*g->down), compare_starts);
	qsort(g->up, n, sizeof(*g->up), compare_ends);
	return 0;
}

bool trigger_rule_fires(const char *rule)
{
	/* all_skipped: a failure is no skip. one_success: it waits for another one. always and
	 * dummy wait for nobody, so they ran before. */
	static const char *const calm[] = {"all_success", "none_failed",
		"none_failed_min_one_success", "none_failed_or_skipped", "one_success",
		"all_skipped", "always", "dummy"};

	for (size_t i = 0; i < ELEMENTSOF(calm); i++)
		if (str_equal(calm[i], rule))
			return false;
	return true;
}

static bool is_teardown(const struct task_graph *g, size_t i)
{
	return str_equal(g->items[i].trigger_rule, TEARDOWN);
}

bool task_graph_is_teardown(const struct task_graph *g, const char *id)
{
	size_t i = find(g, id);

	return i < g->n && is_teardown(g, i);
}

/* The first edge that begins (or ends) at a task, of the list that is sorted so. */
static size_t first_edge(const struct task_graph *g, size_t at, bool down)
{
	const struct graph_edge key = {at, at};

	return sorted_place(&key, down ? g->down : g->up, g->n_edges, sizeof(key),
		down ? compare_starts : compare_ends);
}

/* Marks what lies beyond the tasks of todo, at any distance. todo has room for all tasks beside
 * those. */
static void walk(const struct task_graph *g, bool down, size_t *todo, size_t n_todo, bool *seen)
{
	const struct graph_edge *edges = down ? g->down : g->up;

	while (n_todo > 0) {
		size_t at = todo[--n_todo];

		for (size_t i = first_edge(g, at, down); i < g->n_edges; i++) {
			size_t next = down ? edges[i].to : edges[i].from;

			if ((down ? edges[i].from : edges[i].to) != at)
				break;
			if (!seen[next])
				todo[n_todo++] = next;
			seen[next] = true;
		}
	}
}

static bool precedes_teardown(const struct task_graph *g, size_t at)
{
	for (size_t i = first_edge(g, at, true); i < g->n_edges && g->down[i].from == at; i++)
		if (is_teardown(g, g->down[i].to))
			return true;
	return false;
}

/* Those of the tasks that were reached that run when one fails. */
static int tell_fires(const struct task_graph *g, const bool *reached, char **ret)
{
	_cleanup_(strbuf_clear) struct strbuf b = {0};
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		const char *rule = g->items[i].trigger_rule;

		if (!reached[i] || !trigger_rule_fires(rule))
			continue;
		if (n++ < MAX_NAMED)
			strbuf_addf(&b, "%s%s (%s)", b.len > 0 ? ", " : "", g->items[i].id,
				is_teardown(g, i) ? "teardown"
				: rule            ? rule
						  : "rule not known");
	}
	if (n > MAX_NAMED)
		strbuf_addf(&b, " and %zu more", n - MAX_NAMED);
	return n > 0 ? strbuf_finish(&b, ret) : 0;
}

/* Which may be set-ups, of those upstream, and what they are set-ups of, too. */
static void find_set_ups(
	const struct task_graph *g, const bool *upstream, size_t *todo, struct task_scope *s)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++)
		if (upstream[i] && precedes_teardown(g, i)) {
			s->set_up[i] = true;
			todo[n++] = i;
		}
	s->has_set_up = n > 0;
	walk(g, true, todo, n, s->shared);
}

void task_scope_clear(struct task_scope *s)
{
	free(s->fires);
	free(s->set_up);
	free(s->shared);
	*s = (struct task_scope){0};
}

int task_scope_of(const struct task_graph *g, const char *id, struct task_scope *ret)
{
	_cleanup_(task_scope_clear) struct task_scope s = {.graph = g};
	_cleanup_free_ size_t *todo = calloc(2 * (g->n + 1), sizeof(*todo));
	_cleanup_free_ bool *downstream = calloc(g->n + 1, sizeof(*downstream));
	_cleanup_free_ bool *upstream = calloc(g->n + 1, sizeof(*upstream));
	size_t at = find(g, id);

	if (at >= g->n)
		return -ENOENT;
	s.set_up = calloc(g->n, sizeof(*s.set_up));
	s.shared = calloc(g->n, sizeof(*s.shared));
	if (!todo || !downstream || !upstream || !s.set_up || !s.shared)
		return -ENOMEM;
	todo[0] = at;
	walk(g, true, todo, 1, downstream);
	todo[0] = at;
	walk(g, false, todo, 1, upstream);
	find_set_ups(g, upstream, todo, &s);
	if (tell_fires(g, downstream, &s.fires) < 0)
		return -ENOMEM;
	*ret = TAKE_STRUCT(s);
	return 0;
}

bool task_scope_takes_along(const struct task_scope *s, const char *id)
{
	size_t i = find(s->graph, id);

	return i < s->graph->n && (s->set_up[i] || is_teardown(s->graph, i));
}

bool task_scope_shares(const struct task_scope *s, const char *id)
{
	size_t i = find(s->graph, id);

	return i < s->graph->n && s->shared[i] && !is_teardown(s->graph, i);
}
