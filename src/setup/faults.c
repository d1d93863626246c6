/* SPDX-License-Identifier: Apache-2.0
 * A list by target and question. */
#include "setup/faults.h"

#include <errno.h>
#include <stdlib.h>

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

static struct standing_fault *find(const struct fault_list *l, const char *url, const char *what)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_equal(l->items[i].url, url) && str_equal(l->items[i].what, what))
			return &l->items[i];
	return NULL;
}

static void drop(struct fault_list *l, struct standing_fault *f)
{
	free(f->url);
	free(f->app_id);
	*f = l->items[--l->n];
}

static int add(struct fault_list *l, const struct asked *asked, const char *app_id,
	const struct standing_fault *like)
{
	struct standing_fault *items = reallocarray(l->items, l->n + 1, sizeof(*items));
	struct standing_fault f = *like;
	int r;

	if (!items)
		return -ENOMEM;
	l->items = items;
	f.url = f.app_id = NULL;
	f.what = asked->what;
	f.fault = asked->fault;
	f.age = 0;
	r = str_replace(&f.url, asked->url);
	if (r >= 0)
		r = str_replace(&f.app_id, app_id);
	if (r < 0) {
		free(f.url);
		return r;
	}
	items[l->n++] = f;
	return 0;
}

int faults_note(struct fault_list *l, const struct asked *asked, const char *app_id,
	const struct standing_fault *like, enum fault_change *ret)
{
	struct standing_fault *f = find(l, asked->url, asked->what);

	if (!asked->fault.reason) {
		*ret = f ? FAULT_ENDED : FAULT_NONE;
		if (f)
			drop(l, f);
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
		drop(l, f);
	return add(l, asked, app_id, like);
}

void faults_forget(struct fault_list *l, const char *url, const char *what)
{
	for (size_t i = l->n; i-- > 0;)
		if ((!url || str_equal(l->items[i].url, url)) &&
			(!what || str_equal(l->items[i].what, what)))
			drop(l, &l->items[i]);
}

void faults_age(struct fault_list *l)
{
	for (size_t i = l->n; i-- > 0;)
		if (l->items[i].age++ >= MAX_AGE)
			drop(l, &l->items[i]);
}

void faults_keep(struct fault_list *l, const char *url)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_equal(l->items[i].url, url))
			l->items[i].age = 0;
}

void faults_clear(struct fault_list *l)
{
	faults_forget(l, NULL, NULL);
	free(l->items);
	*l = (struct fault_list){0};
}

enum target_state faults_state(const struct fault_list *l, const char *url)
{
	enum target_state worst = TARGET_OK;

	for (size_t i = 0; i < l->n; i++) {
		enum target_state s = l->items[i].silent ? TARGET_SILENT : TARGET_UNUSABLE;

		if (str_equal(l->items[i].url, url) && !l->items[i].passing && s > worst)
			worst = s;
	}
	return worst;
}

bool faults_blind(const struct fault_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].blinds)
			return true;
	return false;
}
