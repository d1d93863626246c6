/* SPDX-License-Identifier: Apache-2.0
 * Objects of one kind that are done with, as they are, for whoever needs one next: what comes and
 * goes with each request keeps its room, and asks for no memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* As many as are under way at once where a thousand drivers are polled; they take no more memory
 * than they did then. */
#define SPARES_MOST 128

/* Zeroed at first. */
struct spares {
	void *items[SPARES_MOST];
	size_t n;
};

/* The one that was kept last: what it holds is likely to be in the CPU's cache. NULL: there is
 * none, the caller makes one. */
static inline void *spares_take(struct spares *s)
{
	return s->n > 0 ? s->items[--s->n] : NULL;
}

/* false: it is not kept, the caller frees it. So is each under AddressSanitizer, which finds who
 * still uses it. */
static inline bool spares_keep(struct spares *s, void *item)
{
#ifdef __SANITIZE_ADDRESS__
	size_t most = 0;
#else
	size_t most = SPARES_MOST;
#endif

	if (s->n >= most)
		return false;
	s->items[s->n++] = item;
	return true;
}
