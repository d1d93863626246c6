/* SPDX-License-Identifier: Apache-2.0
 * A list sorted by target, then by question: with thousands of drivers that do not answer, each is
 * found without a look at the others. */
#include "setup/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "base/strbuf.h"

/* Some questions are asked on suspicion only: a while at the usual interval. */
#define MAX_AGE 40

static const char *const states[] = {
	[TARGET_OK] = "ok",
	[TARGET_SILENT] = "silent",
	[TARGET_UNUSABLE] = "unusable",
};
_Static_assert(ELEMENTSOF(states) == TARGET_STATE_MAX, "a name per state");

const char *target_state_name(enum target_state s)
{
	return states[s];
}

struct key {
	const char *url;
	const char *what; /* NULL: before all of that target */
};

static int compare(const void *key, const void *item)
{
	const struct key *k = key;
	const struct standing_fault *f = *(struct standing_fault *const *)item;
	int order = strcmp(k->url, f->url);

	if (order != 0)
		return order;
	return k->what ? strcmp(k->what, f->what) : -1;
}

/* The first that is not before; of a target: the first, if it has any. */
static size_t place_of(const struct fault_list *l, const char *url, const char *what)
{
	const struct key key = {url, what};

	return sorted_place(&key, l->items, l->n, sizeof(struct standing_fault *), compare);
}

static bool is_of(const struct fault_list *l, size_t i, const char *url)
{
	return i < l->n && str_equal(l->items[i]->url, url);
}

static void drop(struct fault_list *l, size_t i)
{
	free(l->items[i]->url);
	free(l->items[i]->app_id);
	free(l->items[i]);
	l->n--;
	memmove(&l->items[i], &l->items[i + 1], (l->n - i) * sizeof(struct standing_fault *));
}

static int add(struct fault_list *l, size_t at, const struct asked *asked, const char *app_id,
	const struct standing_fault *like)
{
	struct standing_fault **items =
		reallocarray(l->items, l->n + 1, sizeof(struct standing_fault *));
	struct standing_fault *f = items ? malloc(sizeof(*f)) : NULL;
	int r;

	if (items)
		l->items = items;
	if (!f)
		return -ENOMEM;
	*f = *like;
	f->url = f->app_id = NULL;
	f->what = asked->what;
	f->fault = asked->fault;
	f->age = 0;
	r = str_replace(&f->url, asked->url);
	if (r >= 0)
		r = str_replace(&f->app_id, app_id);
	if (r < 0) {
		free(f->url);
		free(f);
		return r;
	}
	memmove(&items[at + 1], &items[at], (l->n - at) * sizeof(struct standing_fault *));
	items[at] = f;
	l->n++;
	return 0;
}

int faults_note(struct fault_list *l, const struct asked *asked, const char *app_id,
	const struct standing_fault *like, enum fault_change *ret)
{
	size_t at = place_of(l, asked->url, asked->what);
	struct standing_fault *f =
		is_of(l, at, asked->url) && str_equal(l->items[at]->what, asked->what)
			? l->items[at]
			: NULL;

	if (!asked->fault.reason) {
		*ret = f ? FAULT_ENDED : FAULT_NONE;
		if (f)
			drop(l, at);
		return 0;
	}
	if (f && str_equal(f->fault.reason, asked->fault.reason)) {
		*ret = FAULT_SAME;
		f->fault = asked->fault;
		f->blinds = like->blinds;
		f->age = 0;
		return 0;
	}
	*ret = FAULT_NEW;
	if (f)
		drop(l, at);
	return add(l, at, asked, app_id, like);
}

void faults_forget(struct fault_list *l, const char *url, const char *what)
{
	size_t i = place_of(l, url, what);

	while (is_of(l, i, url) && (!what || str_equal(l->items[i]->what, what)))
		drop(l, i);
}

void faults_age(struct fault_list *l)
{
	for (size_t i = l->n; i-- > 0;)
		if (l->items[i]->age++ >= MAX_AGE)
			drop(l, i);
}

void faults_keep(struct fault_list *l, const char *url)
{
	for (size_t i = place_of(l, url, NULL); is_of(l, i, url); i++)
		l->items[i]->age = 0;
}

void faults_clear(struct fault_list *l)
{
	while (l->n > 0)
		drop(l, l->n - 1);
	free(l->items);
	*l = (struct fault_list){0};
}

enum target_state faults_state(const struct fault_list *l, const char *url)
{
	enum target_state worst = TARGET_OK;

	for (size_t i = place_of(l, url, NULL); is_of(l, i, url); i++) {
		enum target_state s = l->items[i]->silent ? TARGET_SILENT : TARGET_UNUSABLE;

		if (!l->items[i]->passing && s > worst)
			worst = s;
	}
	return worst;
}

bool faults_blind(const struct fault_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i]->blinds)
			return true;
	return false;
}
