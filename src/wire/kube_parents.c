/* SPDX-License-Identifier: Apache-2.0
 * Decodes the metadata of executors. */
#include "wire/kube_parents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

static void parent_clear(struct kube_parent *p)
{
	free(p->namespace);
	free(p->name);
	free(p->uid);
	free(p->app_id);
	*p = (struct kube_parent){0};
}

void kube_parent_list_clear(struct kube_parent_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		parent_clear(&l->items[i]);
	free(l->items);
	free(l->next);
	*l = (struct kube_parent_list){0};
}

/* The pod among an object's owners. 0: there is none. */
static int find_owner_pod(const cJSON *meta, const cJSON **ret, char **reterr)
{
	const cJSON *list = NULL;
	const cJSON *item;
	int r = json_get_array(meta, "ownerReferences", JSON_OPTIONAL, &list, reterr);

	cJSON_ArrayForEach(item, list)
	{
		const char *kind = NULL;

		if (r >= 0)
			r = json_get_string(item, "kind", JSON_REQUIRED, &kind, reterr);
		if (r >= 0 && str_equal(kind, "Pod")) {
			*ret = item;
			return 1;
		}
	}
	return r < 0 ? r : 0;
}

/* Executors of one driver mostly stand together. Takes over what is in p. */
static void add_parent(struct kube_parent_list *l, struct kube_parent *p)
{
	for (size_t i = l->n; i-- > 0;) {
		if (!str_equal(l->items[i].uid, p->uid))
			continue;
		if (!str_equal(l->items[i].app_id, p->app_id)) {
			free(l->items[i].app_id);
			l->items[i].app_id = NULL;
		}
		parent_clear(p);
		return;
	}
	l->items[l->n++] = TAKE_STRUCT(*p);
}

/* 1 with *ret: a pod owns it. */
static int decode_parent(const cJSON *json, struct kube_parent *ret, char **reterr)
{
	const cJSON *meta = NULL;
	const cJSON *labels = NULL;
	const cJSON *owner = NULL;
	int r;

	r = json_get_object(json, "metadata", JSON_REQUIRED, &meta, reterr);
	if (r >= 0)
		r = find_owner_pod(meta, &owner, reterr);
	if (r <= 0)
		return r;
	r = kube_copy_name(meta, "namespace", kube_is_namespace, &ret->namespace, reterr);
	if (r >= 0)
		r = kube_copy_name(owner, "name", kube_is_name, &ret->name, reterr);
	if (r >= 0)
		r = json_copy_id(owner, "uid", JSON_REQUIRED, &ret->uid, reterr);
	if (r >= 0)
		r = json_get_object(meta, "labels", JSON_OPTIONAL, &labels, reterr);
	if (r > 0)
		r = kube_copy_label(labels, "spark-app-selector", &ret->app_id, reterr);
	return r < 0 ? r : 1;
}

static int take_parents(const cJSON *list, struct kube_parent_list *l, char **reterr)
{
	const cJSON *item;
	size_t row = 0;

	cJSON_ArrayForEach(item, list)
	{
		struct kube_parent p = {0};
		int r = decode_parent(item, &p, reterr);

		row++;
		if (r > 0)
			add_parent(l, &p);
		else if (r < 0)
			r = json_leave_out(&l->left_out, row, r, reterr);
		parent_clear(&p);
		if (r < 0)
			return r;
	}
	return 0;
}

int kube_decode_parents(const char *body, size_t len, struct kube_parent_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(kube_parent_list_clear) struct kube_parent_list l = {0};
	const cJSON *list = NULL;
	const char *kind = NULL;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_string(json, "kind", JSON_REQUIRED, &kind, reterr);
	if (r >= 0 && !str_equal(kind, "PartialObjectMetadataList") && !str_equal(kind, "PodList"))
		r = json_refuse(reterr, "not a PartialObjectMetadataList");
	/* Of an empty list of metadata the API server says null. */
	if (r >= 0 && str_equal(kind, "PartialObjectMetadataList") &&
		cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(json, "items")))
		r = kube_take_next(json, &l.next, reterr);
	else if (r >= 0)
		r = kube_take_page(json, &l.next, &list, reterr);
	if (r < 0)
		return r;
	l.items = json_new_items((size_t)cJSON_GetArraySize(list), sizeof(*l.items));
	if (!l.items)
		return -ENOMEM;
	r = take_parents(list, &l, reterr);
	if (r >= 0)
		*ret = TAKE_STRUCT(l);
	return r;
}
