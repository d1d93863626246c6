/* SPDX-License-Identifier: Apache-2.0
 * Executors' pods, and a kubelet's summary. */
#include "wire/kube_usage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/parse.h"
#include "base/strbuf.h"

#define EXECUTOR_ENV "SPARK_EXECUTOR_ID"
/* Thirty years on a hundred cores, in nanoseconds. Above 2^53 a double is inexact by less than a
 * microsecond. */
#define MAX_NS 1e20

void kube_executor_clear(struct kube_executor *e)
{
	free(e->id);
	free(e->uid);
	free(e->node);
	free(e->host_ip);
	free(e->container);
	*e = (struct kube_executor){0};
}

void kube_executor_list_clear(struct kube_executor_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		kube_executor_clear(&l->items[i]);
	free(l->items);
	*l = (struct kube_executor_list){0};
}

void kube_usage_list_clear(struct kube_usage_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i].uid);
		free(l->items[i].container);
	}
	free(l->items);
	*l = (struct kube_usage_list){0};
}

/* 1: it is an executor. */
static int take_id(const cJSON *meta, struct kube_executor *e, char **reterr)
{
	const cJSON *labels = NULL;
	const char *role = NULL;
	int r = json_get_object(meta, "labels", JSON_OPTIONAL, &labels, reterr);

	if (r > 0)
		r = json_get_string(labels, "spark-role", JSON_OPTIONAL, &role, reterr);
	if (r <= 0)
		return r;
	return str_equal(role, "executor")
		       ? json_copy_id(labels, "spark-exec-id", JSON_OPTIONAL, &e->id, reterr)
		       : 0;
}

static int decode_meta(const cJSON *json, struct kube_executor *e, char **reterr)
{
	const cJSON *meta = NULL;
	int r = json_get_object(json, "metadata", JSON_REQUIRED, &meta, reterr);

	if (r >= 0)
		r = take_id(meta, e, reterr);
	if (r <= 0)
		return r;
	return json_copy_id(meta, "uid", JSON_REQUIRED, &e->uid, reterr);
}

static bool has_executor_env(const cJSON *container)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(container, "env"))
	{
		const cJSON *name = cJSON_GetObjectItemCaseSensitive(item, "name");

		if (cJSON_IsString(name) && str_equal(name->valuestring, EXECUTOR_ENV))
			return true;
	}
	return false;
}

/* A template may give the container another name than Spark does. */
static int take_container(const cJSON *spec, struct kube_executor *e, char **reterr)
{
	const cJSON *list = NULL;
	const cJSON *item;
	const char *found = NULL;
	int r = json_get_array(spec, "containers", JSON_REQUIRED, &list, reterr);

	cJSON_ArrayForEach(item, list)
	{
		const char *name = NULL;

		if (r >= 0)
			r = json_get_string(item, "name", JSON_REQUIRED, &name, reterr);
		if (r >= 0 && (str_equal(name, KUBE_EXECUTOR_CONTAINER) ||
				      (!found && has_executor_env(item))))
			found = name;
	}
	if (r >= 0 && found && !kube_is_namespace(found))
		r = json_refuse(reterr, "\"name\" of a container is not a name");
	return r < 0 || !found ? r : str_replace(&e->container, found);
}

static int decode_spec(const cJSON *json, struct kube_executor *e, char **reterr)
{
	const cJSON *spec = NULL;
	const char *node = NULL;
	int r = json_get_object(json, "spec", JSON_REQUIRED, &spec, reterr);

	if (r >= 0)
		r = json_get_string(spec, "nodeName", JSON_OPTIONAL, &node, reterr);
	if (r <= 0 || !*node)
		return r;
	if (!kube_is_name(node))
		return json_refuse(reterr, "\"nodeName\" is not a name");
	r = str_replace(&e->node, node);
	return r < 0 ? r : take_container(spec, e, reterr);
}

static int decode_status(const cJSON *json, struct kube_executor *e, char **reterr)
{
	const cJSON *status = NULL;
	const char *ip = NULL;
	int r = json_get_object(json, "status", JSON_REQUIRED, &status, reterr);

	if (r >= 0)
		r = json_get_string(status, "hostIP", JSON_OPTIONAL, &ip, reterr);
	return r <= 0 ? r : kube_copy_ip(ip, &e->host_ip);
}

/* 1: it runs, or is about to, on a node. */
static int decode_executor(const cJSON *json, struct kube_executor *e, char **reterr)
{
	int r = decode_meta(json, e, reterr);

	if (r <= 0)
		return r;
	r = decode_spec(json, e, reterr);
	if (r >= 0)
		r = decode_status(json, e, reterr);
	return r < 0 ? r : e->node && e->container;
}

static int take_executors(const cJSON *list, struct kube_executor_list *l, char **reterr)
{
	const cJSON *item;
	size_t row = 0;

	cJSON_ArrayForEach(item, list)
	{
		struct kube_executor e = {0};
		int r = decode_executor(item, &e, reterr);

		row++;
		if (r > 0)
			l->items[l->n++] = TAKE_STRUCT(e);
		else if (r < 0)
			r = json_leave_out(&l->left_out, row, r, reterr);
		kube_executor_clear(&e);
		if (r < 0)
			return r;
	}
	return 0;
}

int kube_decode_executors(
	const char *body, size_t len, struct kube_executor_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(kube_executor_list_clear) struct kube_executor_list l = {0};
	const cJSON *list = NULL;
	int r = kube_parse_kind(body, len, "PodList", &json, reterr);

	if (r >= 0)
		r = json_get_array(json, "items", JSON_REQUIRED, &list, reterr);
	if (r < 0)
		return r;
	l.items = json_new_items((size_t)cJSON_GetArraySize(list), sizeof(*l.items));
	if (!l.items)
		return -ENOMEM;
	r = take_executors(list, &l, reterr);
	if (r >= 0)
		*ret = TAKE_STRUCT(l);
	return r;
}

static int take_ns(const cJSON *cpu, usec_t *ret, char **reterr)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(cpu, "usageCoreNanoSeconds");

	if (!item || cJSON_IsNull(item))
		return 0;
	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= MAX_NS))
		return json_refuse(reterr, "\"usageCoreNanoSeconds\" is not a count");
	*ret = (usec_t)(item->valuedouble / 1000);
	return 1;
}

/* 1: its CPU time is known. */
static int decode_usage(const cJSON *container, struct kube_usage *u, char **reterr)
{
	const cJSON *cpu = NULL;
	const char *name = NULL;
	const char *time = NULL;
	int r = json_get_string(container, "name", JSON_REQUIRED, &name, reterr);

	if (r >= 0)
		r = json_get_object(container, "cpu", JSON_OPTIONAL, &cpu, reterr);
	if (r > 0)
		r = take_ns(cpu, &u->cpu, reterr);
	if (r <= 0)
		return r;
	r = json_get_string(cpu, "time", JSON_REQUIRED, &time, reterr);
	if (r < 0)
		return r;
	if (parse_timestamp(time, &u->read) < 0)
		return json_refuse(reterr, "\"time\" is not a time");
	r = str_replace(&u->container, name);
	return r < 0 ? r : 1;
}

static int add_usage(
	const cJSON *container, const char *uid, struct kube_usage_list *l, char **reterr)
{
	struct kube_usage u = {0};
	struct kube_usage *items;
	int r = decode_usage(container, &u, reterr);

	if (r <= 0)
		return r;
	if (l->n >= KUBE_MAX_CONTAINERS)
		r = -E2BIG;
	items = r < 0 ? NULL : array_room(l->items, l->n, sizeof(*items));
	if (!items) {
		free(u.container);
		return r < 0 ? r : -ENOMEM;
	}
	l->items = items;
	items[l->n++] = u;
	return str_replace(&items[l->n - 1].uid, uid);
}

static int take_pod(const cJSON *pod, struct kube_usage_list *l, char **reterr)
{
	const cJSON *list = NULL;
	const cJSON *ref = NULL;
	const cJSON *item;
	_cleanup_free_ char *uid = NULL;
	int r = json_get_object(pod, "podRef", JSON_REQUIRED, &ref, reterr);

	if (r >= 0)
		r = json_copy_id(ref, "uid", JSON_REQUIRED, &uid, reterr);
	if (r >= 0)
		r = json_get_array(pod, "containers", JSON_OPTIONAL, &list, reterr);
	cJSON_ArrayForEach(item, list)
	{
		if (r >= 0)
			r = add_usage(item, uid, l, reterr);
	}
	return r;
}

int kube_decode_usage(const char *body, size_t len, struct kube_usage_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(kube_usage_list_clear) struct kube_usage_list l = {0};
	const cJSON *list = NULL;
	const cJSON *item;
	size_t row = 0;
	int r = json_parse(body, len, &json, reterr);

	if (r >= 0 && !cJSON_IsObject(json))
		r = json_refuse(reterr, "not an object");
	if (r >= 0)
		r = json_get_array(json, "pods", JSON_REQUIRED, &list, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(item, list)
	{
		r = take_pod(item, &l, reterr);
		row++;
		if (r == -E2BIG)
			(void)json_refuse(reterr, "more than %d containers", KUBE_MAX_CONTAINERS);
		else if (r < 0)
			r = json_leave_out(&l.left_out, row, r, reterr);
		if (r < 0)
			return r;
	}
	*ret = TAKE_STRUCT(l);
	return 0;
}
