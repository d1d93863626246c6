/* SPDX-License-Identifier: Apache-2.0
 * Who is next on the wire. Requests of no cluster go first; clusters take turns, and one of them
 * never has all places, so that one whose drivers all hang leaves a quarter to the others.
 * Starting, ending and leaving cost the same however many wait. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct http_line;

/* First member of what waits. */
struct http_place {
	TAILQ_ENTRY(http_place) link;
	struct http_line *line;
	bool waiting;
};

struct http_lines;

/* n_places: on the wire at once. -ENOMEM. */
int http_lines_new(size_t n_places, struct http_lines **ret);
/* Nobody may wait or run. NULL is allowed; returns NULL. */
struct http_lines *http_lines_free(struct http_lines *l);

/* Into the line of a cluster (NULL: of none), at its end or, where urgent, at its head. -ENOMEM. */
int http_lines_join(struct http_lines *l, struct http_place *p, const char *cluster, bool urgent);

/* The next that may go on the wire, and counts as there from now on; NULL: nobody. */
struct http_place *http_lines_next(struct http_lines *l);

/* It waits or runs no more. */
void http_lines_leave(struct http_lines *l, struct http_place *p);

/* One that waits or runs; NULL: nobody does. */
struct http_place *http_lines_any(struct http_lines *l);
