/* SPDX-License-Identifier: Apache-2.0
 * Counts by rule of hangs that were only observed. */
#include "core/act/observed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

static struct observed_rule *row(struct observed *o, const char *rule)
{
	struct observed_rule *items;
	char *copy;

	for (size_t i = 0; i < o->n; i++)
		if (str_equal(o->rules[i].rule, rule))
			return &o->rules[i];
	copy = strdup(rule);
	items = copy ? reallocarray(o->rules, o->n + 1, sizeof(*items)) : NULL;
	if (!items) {
		free(copy);
		return NULL;
	}
	o->rules = items;
	items[o->n] = (struct observed_rule){.rule = copy};
	return &items[o->n++];
}

int observed_add(struct observed *o, const struct observed_hang *h)
{
	struct observed_rule *r = row(o, h->rule);
	usec_t *times;

	if (!r)
		return -ENOMEM;
	if (h->ended > 0 && h->outcome == OUTCOME_MOVED_AGAIN) {
		times = reallocarray(r->moved_after, r->n_moved + 1, sizeof(*times));
		if (!times)
			return -ENOMEM;
		r->moved_after = times;
		times[r->n_moved++] = usec_sub(h->ended, h->hung);
	} else if (h->ended > 0) {
		r->n_ended++;
	} else {
		r->n_standing++;
	}
	r->n++;
	if (r->first == 0 || h->hung < r->first)
		r->first = h->hung;
	return 0;
}

int observed_add_incidents(struct observed *o, const struct incident_list *l)
{
	int r = 0;

	for (size_t k = 0; r >= 0 && k < l->n; k++) {
		const struct incident *i = l->items[k];

		if (i->response.decided_dry)
			r = observed_add(o, &(struct observed_hang){.rule = i->rule,
						    .outcome = i->response.outcome,
						    .hung = i->changed,
						    .ended = i->ended});
	}
	return r;
}

static int by_time(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a;
	usec_t y = *(const usec_t *)b;

	return (x > y) - (x < y);
}

static void sort(struct observed_rule *r)
{
	if (r->n_moved > 1)
		qsort(r->moved_after, r->n_moved, sizeof(*r->moved_after), by_time);
}

usec_t observed_median(struct observed_rule *r)
{
	sort(r);
	return r->n_moved > 0 ? r->moved_after[r->n_moved / 2] : 0;
}

usec_t observed_longest(struct observed_rule *r)
{
	sort(r);
	return r->n_moved > 0 ? r->moved_after[r->n_moved - 1] : 0;
}

void observed_clear(struct observed *o)
{
	for (size_t i = 0; i < o->n; i++) {
		free(o->rules[i].rule);
		free(o->rules[i].moved_after);
	}
	free(o->rules);
	*o = (struct observed){0};
}
