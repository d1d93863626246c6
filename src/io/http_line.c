/* SPDX-License-Identifier: Apache-2.0
 * A line for each cluster, sorted by name, and a ring of those that may send somebody next. */
#include "io/http_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sorted.h"
#include "base/strbuf.h"

TAILQ_HEAD(place_list, http_place);

struct http_line {
	char *cluster; /* "": none */
	struct place_list waiting;
	struct place_list running;
	size_t n_running;
	size_t most; /* on the wire at once */
	bool ready;  /* in the ring */
	TAILQ_ENTRY(http_line) link;
};

TAILQ_HEAD(line_ring, http_line);

struct http_lines {
	struct http_line **items;
	size_t n;
	size_t n_places;
	size_t n_running;
	struct line_ring ring;
};

int http_lines_new(size_t n_places, struct http_lines **ret)
{
	struct http_lines *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->n_places = n_places;
	TAILQ_INIT(&l->ring);
	*ret = l;
	return 0;
}

struct http_lines *http_lines_free(struct http_lines *l)
{
	if (!l)
		return NULL;
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i]->cluster);
		free(l->items[i]);
	}
	free(l->items);
	free(l);
	return NULL;
}

static int compare(const void *key, const void *item)
{
	const struct http_line *const *line = item;

	return strcmp(key, (*line)->cluster);
}

static struct http_line *line_new(struct http_lines *l, const char *cluster, size_t at)
{
	struct http_line **items = reallocarray(l->items, l->n + 1, sizeof(struct http_line *));
	struct http_line *line;

	if (!items)
		return NULL;
	l->items = items;
	line = calloc(1, sizeof(*line));
	if (!line || str_replace(&line->cluster, cluster) < 0) {
		free(line);
		return NULL;
	}
	TAILQ_INIT(&line->waiting);
	TAILQ_INIT(&line->running);
	line->most = *cluster ? l->n_places - l->n_places / 4 : l->n_places;
	memmove(&items[at + 1], &items[at], (l->n - at) * sizeof(struct http_line *));
	items[at] = line;
	l->n++;
	return line;
}

/* Into the ring or out of it, as it may send somebody or not. Those of no cluster stand in front.
 */
static void settle(struct http_lines *l, struct http_line *line)
{
	bool ready = !TAILQ_EMPTY(&line->waiting) && line->n_running < line->most;

	if (ready == line->ready)
		return;
	line->ready = ready;
	if (!ready)
		TAILQ_REMOVE(&l->ring, line, link);
	else if (*line->cluster)
		TAILQ_INSERT_TAIL(&l->ring, line, link);
	else
		TAILQ_INSERT_HEAD(&l->ring, line, link);
}

int http_lines_join(struct http_lines *l, struct http_place *p, const char *cluster, bool urgent)
{
	const char *name = cluster ? cluster : "";
	size_t at = sorted_place(name, l->items, l->n, sizeof(struct http_line *), compare);
	struct http_line *line = at < l->n && str_equal(l->items[at]->cluster, name)
					 ? l->items[at]
					 : line_new(l, name, at);

	if (!line)
		return -ENOMEM;
	p->line = line;
	p->waiting = true;
	if (urgent)
		TAILQ_INSERT_HEAD(&line->waiting, p, link);
	else
		TAILQ_INSERT_TAIL(&line->waiting, p, link);
	settle(l, line);
	return 0;
}

struct http_place *http_lines_next(struct http_lines *l)
{
	struct http_line *line = TAILQ_FIRST(&l->ring);
	struct http_place *p;

	if (!line || l->n_running >= l->n_places)
		return NULL;
	p = TAILQ_FIRST(&line->waiting);
	TAILQ_REMOVE(&line->waiting, p, link);
	TAILQ_INSERT_TAIL(&line->running, p, link);
	p->waiting = false;
	line->n_running++;
	l->n_running++;
	if (*line->cluster) {
		TAILQ_REMOVE(&l->ring, line, link);
		TAILQ_INSERT_TAIL(&l->ring, line, link);
	}
	settle(l, line);
	return p;
}

void http_lines_leave(struct http_lines *l, struct http_place *p)
{
	struct http_line *line = p->line;

	if (p->waiting) {
		TAILQ_REMOVE(&line->waiting, p, link);
	} else {
		TAILQ_REMOVE(&line->running, p, link);
		line->n_running--;
		l->n_running--;
	}
	p->line = NULL;
	settle(l, line);
}

struct http_place *http_lines_any(struct http_lines *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct http_line *line = l->items[i];

		if (!TAILQ_EMPTY(&line->running))
			return TAILQ_FIRST(&line->running);
		if (!TAILQ_EMPTY(&line->waiting))
			return TAILQ_FIRST(&line->waiting);
	}
	return NULL;
}
