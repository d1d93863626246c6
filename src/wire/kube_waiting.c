/* SPDX-License-Identifier: Apache-2.0
 * Decodes lists of SparkApplications. */
#include "wire/kube_waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/kube_app.h"

static void waiting_clear(struct kube_waiting *w)
{
	free(w->uid);
	free(w->namespace);
	free(w->name);
	free(w->text);
	*w = (struct kube_waiting){0};
}

void kube_waiting_list_clear(struct kube_waiting_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		waiting_clear(&l->items[i]);
	free(l->items);
	free(l->next);
	*l = (struct kube_waiting_list){0};
}

static int print(const struct kube_app *a, struct kube_waiting *w)
{
	return str_printf(&w->text, "SparkApplication %s/%s: %s%s%s", w->namespace, w->name,
		*a->state ? a->state : "its operator has not taken it up",
		a->why && *a->why ? ", " : "", a->why ? a->why : "");
}

/* 1 with *ret: it waits. */
static int take(
	const cJSON *json, enum kube_owner_type type, struct kube_waiting *ret, char **reterr)
{
	_cleanup_(kube_app_clear) struct kube_app a = {0};
	const cJSON *meta = NULL;
	int r = kube_take_app(json, type, &a, reterr);

	if (r < 0 || !a.waits)
		return r < 0 ? r : 0;
	r = json_get_object(json, "metadata", JSON_REQUIRED, &meta, reterr);
	if (r >= 0)
		r = kube_copy_name(meta, "namespace", kube_is_namespace, &ret->namespace, reterr);
	if (r >= 0)
		r = kube_copy_name(meta, "name", kube_is_name, &ret->name, reterr);
	if (r >= 0)
		r = print(&a, ret);
	ret->uid = TAKE_PTR(a.uid);
	return r < 0 ? r : 1;
}

static int take_rows(
	const cJSON *list, enum kube_owner_type type, struct kube_waiting_list *l, char **reterr)
{
	const cJSON *item;
	size_t row = 0;

	cJSON_ArrayForEach(item, list)
	{
		int r = take(item, type, &l->items[l->n], reterr);

		row++;
		if (r > 0)
			l->n++;
		else
			waiting_clear(&l->items[l->n]);
		if (r < 0)
			r = json_leave_out(&l->left_out, row, r, reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

int kube_decode_waiting(const char *body, size_t len, enum kube_owner_type type,
	struct kube_waiting_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(kube_waiting_list_clear) struct kube_waiting_list l = {0};
	const cJSON *list = NULL;
	int r = kube_parse_kind(body, len, "SparkApplicationList", &json, reterr);

	if (r >= 0)
		r = kube_take_page(json, &l.next, &list, reterr);
	if (r < 0)
		return r;
	l.items = json_new_items((size_t)cJSON_GetArraySize(list), sizeof(*l.items));
	if (!l.items)
		return -ENOMEM;
	r = take_rows(list, type, &l, reterr);
	if (r >= 0)
		*ret = TAKE_STRUCT(l);
	return r;
}

int kube_waiting_add_page(struct kube_waiting_list *to, struct kube_waiting_list *page)
{
	void *items;
	int r = kube_join_rows(to->items, to->n, page->items, page->n, sizeof(*to->items), &items);

	if (r < 0)
		return r;
	to->items = items;
	to->n += page->n;
	page->n = 0;
	kube_join_left_out(&to->left_out, &page->left_out);
	free(to->next);
	to->next = TAKE_PTR(page->next);
	return 0;
}

static int compare_names(const char *namespace, const char *name, const struct kube_waiting *w)
{
	int order = strcmp(namespace, w->namespace);

	return order ? order : strcmp(name, w->name);
}

static int compare(const void *a, const void *b)
{
	const struct kube_waiting *w = a;

	return compare_names(w->namespace, w->name, b);
}

void kube_waiting_sort(struct kube_waiting_list *l)
{
	if (l->n > 1)
		qsort(l->items, l->n, sizeof(*l->items), compare);
}

static int compare_key(const void *key, const void *item)
{
	const char *const *names = key;

	return compare_names(names[0], names[1], item);
}

struct kube_waiting *kube_waiting_find(
	const struct kube_waiting_list *l, const char *namespace, const char *name)
{
	const char *const names[] = {namespace, name};

	return l->n > 0 ? bsearch(names, l->items, l->n, sizeof(*l->items), compare_key) : NULL;
}
