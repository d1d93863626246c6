/* SPDX-License-Identifier: Apache-2.0
 * A sorted array: numbers rise, so that a new one nearly always goes to the end. */
#include "core/notify/followed.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/sorted.h"

static int compare(const void *key, const void *item)
{
	const uint64_t *number = key;
	const struct followed_incident *i = item;

	return (*number > i->number) - (*number < i->number);
}

/* The first row whose number is not below. */
static size_t place_of(const struct followed *f, uint64_t number)
{
	return sorted_place(&number, f->items, f->n, sizeof(*f->items), compare);
}

struct followed_incident *followed_get(struct followed *f, uint64_t number, bool *ret_new)
{
	size_t at = place_of(f, number);
	struct followed_incident *items;

	*ret_new = false;
	if (at < f->n && f->items[at].number == number)
		return &f->items[at];
	items = array_room(f->items, f->n, sizeof(*items));
	if (!items)
		return NULL;
	f->items = items;
	memmove(&items[at + 1], &items[at], (f->n - at) * sizeof(*items));
	items[at] = (struct followed_incident){.number = number};
	f->n++;
	*ret_new = true;
	return &items[at];
}

void followed_forget_below(struct followed *f, uint64_t number)
{
	size_t gone = place_of(f, number);

	if (gone == 0)
		return;
	f->n -= gone;
	memmove(f->items, f->items + gone, f->n * sizeof(*f->items));
}

void followed_clear(struct followed *f)
{
	free(f->items);
	*f = (struct followed){0};
}
