/* SPDX-License-Identifier: Apache-2.0
 * CPU seconds of processes, from JSON and to it. */
#include "wire/processes.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/json.h"

/* Thirty years on a hundred cores. */
#define MAX_SECONDS 1e11

static int get_seconds(
	const cJSON *object, const char *field, enum json_need need, usec_t *ret, char **reterr)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);

	if (!item && need == JSON_OPTIONAL)
		return 0;
	if (!item || !cJSON_IsNumber(item) ||
		!(item->valuedouble >= 0 && item->valuedouble <= MAX_SECONDS))
		return json_refuse(reterr, "\"%s\" is not a number of seconds", field);
	*ret = (usec_t)llround(item->valuedouble * (double)USEC_PER_SEC);
	return 1;
}

static int decode_process(const cJSON *json, struct process_obs *p, char **reterr)
{
	_cleanup_free_ char *name = NULL;
	int r;

	r = json_get_i64(json, "pid", JSON_REQUIRED, &p->pid, reterr);
	if (r >= 0)
		r = get_seconds(json, "cpu_seconds", JSON_REQUIRED, &p->cpu, reterr);
	if (r >= 0)
		r = get_seconds(json, "reaped_seconds", JSON_OPTIONAL, &p->reaped, reterr);
	if (r >= 0)
		r = json_copy_text(json, "name", sizeof(p->name) - 1, &name, reterr);
	if (r >= 0 && name)
		memcpy(p->name, name, strlen(name) + 1);
	return r;
}

static int decode_list(const cJSON *list, struct process_tree *t, size_t *room, char **reterr)
{
	size_t n = (size_t)cJSON_GetArraySize(list);
	const cJSON *item;
	int r;

	if (n > *room) {
		r = json_refuse(reterr, "more than %d processes", PROCESSES_MAX);
		return r == -EBADMSG ? -E2BIG : r;
	}
	*room -= n;
	t->items = json_new_items(n, sizeof(*t->items));
	if (!t->items)
		return -ENOMEM;
	cJSON_ArrayForEach(item, list)
	{
		r = decode_process(item, &t->items[t->n++], reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

static int decode_tree(const cJSON *json, struct process_tree *t, size_t *room, char **reterr)
{
	const cJSON *list = NULL;
	int r;

	r = json_copy_id(json, "app", JSON_OPTIONAL, &t->app_id, reterr);
	if (r >= 0)
		r = json_copy_id(json, "executor", JSON_REQUIRED, &t->executor_id, reterr);
	if (r >= 0)
		r = json_get_i64(json, "pid", JSON_REQUIRED, &t->pid, reterr);
	if (r >= 0)
		r = get_seconds(json, "cpu_seconds", JSON_REQUIRED, &t->cpu, reterr);
	if (r >= 0)
		r = json_get_array(json, "processes", JSON_OPTIONAL, &list, reterr);
	return r > 0 ? decode_list(list, t, room, reterr) : r;
}

int processes_decode(const char *body, size_t len, struct process_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(process_list_clear) struct process_list list = {0};
	size_t room = PROCESSES_MAX;
	const cJSON *item;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r < 0)
		return r;
	if (!cJSON_IsArray(json))
		return json_refuse(reterr, "not a list");
	if (cJSON_GetArraySize(json) > PROCESSES_MAX_TREES) {
		r = json_refuse(reterr, "more than %d executors", PROCESSES_MAX_TREES);
		return r == -EBADMSG ? -E2BIG : r;
	}
	list.items = json_new_items((size_t)cJSON_GetArraySize(json), sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	cJSON_ArrayForEach(item, json)
	{
		r = decode_tree(item, &list.items[list.n++], &room, reterr);
		if (r < 0)
			return r;
	}
	*ret = TAKE_STRUCT(list);
	return 0;
}

/* /proc counts hundredths of a second. */
static void add_seconds(cJSON *o, const char *name, usec_t t)
{
	(void)cJSON_AddNumberToObject(o, name, round((double)t / 10000) / 100);
}

static cJSON *tree_json(const struct process_tree *t)
{
	cJSON *o = cJSON_CreateObject();
	cJSON *list;

	if (t->app_id)
		(void)cJSON_AddStringToObject(o, "app", t->app_id);
	(void)cJSON_AddStringToObject(o, "executor", t->executor_id);
	(void)cJSON_AddNumberToObject(o, "pid", (double)t->pid);
	add_seconds(o, "cpu_seconds", t->cpu);
	if (!t->items)
		return o;
	list = cJSON_AddArrayToObject(o, "processes");
	for (size_t i = 0; i < t->n; i++) {
		cJSON *p = cJSON_CreateObject();

		(void)cJSON_AddNumberToObject(p, "pid", (double)t->items[i].pid);
		add_seconds(p, "cpu_seconds", t->items[i].cpu);
		add_seconds(p, "reaped_seconds", t->items[i].reaped);
		(void)cJSON_AddStringToObject(p, "name", t->items[i].name);
		(void)cJSON_AddItemToArray(list, p);
	}
	return o;
}

int processes_json(const struct process_list *l, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateArray();
	char *text;

	for (size_t i = 0; i < l->n; i++)
		(void)cJSON_AddItemToArray(root, tree_json(&l->items[i]));
	text = root ? cJSON_PrintUnformatted(root) : NULL;
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}
