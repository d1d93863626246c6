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
#define MAX_COUNT 1e18 /* and as nanoseconds: a double holds them near enough */

/* The fields of a count. */
static const struct names {
	const char *run;
	const char *slices;
	const char *waits;
} own = {"run_ns", "slices", "waits"}, of_main = {"main_run_ns", "main_slices", "main_waits"};

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

/* 1 where it is there. */
static int get_count(const cJSON *object, const char *field, uint64_t *ret, char **reterr)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);

	if (!item)
		return 0;
	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= MAX_COUNT))
		return json_refuse(reterr, "\"%s\" is not a count", field);
	*ret = (uint64_t)item->valuedouble;
	return 1;
}

/* Voluntary switches stand first in a pair. */
static int get_switches(const cJSON *object, uint64_t *ret, char **reterr)
{
	const cJSON *list = NULL;
	const cJSON *first;
	int r;

	r = json_get_array(object, "switches", JSON_OPTIONAL, &list, reterr);
	if (r <= 0)
		return r;
	first = cJSON_GetArrayItem(list, 0);
	if (!cJSON_IsNumber(first) || !(first->valuedouble >= 0 && first->valuedouble <= MAX_COUNT))
		return json_refuse(reterr, "\"switches\" does not begin with a count");
	*ret = (uint64_t)first->valuedouble;
	return 1;
}

/* All of it is optional: older probes and recordings lack it. */
static int decode_count(
	const cJSON *json, const struct names *names, struct sched_count *ret, char **reterr)
{
	struct sched_count c = {0};
	int r;

	r = get_count(json, names->slices, &c.slices, reterr);
	if (r <= 0)
		return r;
	c.known = true;
	c.waits = c.slices;
	r = get_count(json, names->run, &c.run_ns, reterr);
	c.timed = r > 0;
	if (r >= 0)
		r = get_count(json, names->waits, &c.waits, reterr);
	if (r == 0 && names == &own)
		r = get_switches(json, &c.waits, reterr);
	if (r >= 0)
		*ret = c;
	return r < 0 ? r : 1;
}

static int decode_process(const cJSON *json, struct process_obs *p, char **reterr)
{
	_cleanup_free_ char *name = NULL;
	int r;

	r = json_get_i64(json, "pid", JSON_REQUIRED, &p->pid, reterr);
	if (r >= 0)
		r = json_get_i64(json, "ppid", JSON_OPTIONAL, &p->ppid, reterr);
	if (r >= 0)
		r = json_get_bool(json, "python_daemon", JSON_OPTIONAL, &p->daemon, reterr);
	if (r >= 0)
		r = json_get_i64(json, "threads", JSON_OPTIONAL, &p->n_threads, reterr);
	if (r >= 0)
		r = decode_count(json, &own, &p->all, reterr);
	if (r >= 0)
		r = decode_count(json, &of_main, &p->main, reterr);
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

/* Room is shared by all processes and threads of an answer. */
static int take_room(size_t n, size_t *room, char **reterr)
{
	int r;

	if (n > *room) {
		r = json_refuse(reterr, "more than %d processes and threads", PROCESSES_MAX);
		return r == -EBADMSG ? -E2BIG : r;
	}
	*room -= n;
	return 0;
}

static int decode_threads(
	const cJSON *list, struct process_tree *t, size_t *room, bool feeds, char **reterr)
{
	size_t n = (size_t)cJSON_GetArraySize(list);
	struct sched_thread *items;
	const cJSON *item;
	int r;

	r = take_room(n, room, reterr);
	if (r < 0)
		return r;
	items = reallocarray(t->threads, t->n_threads + n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	t->threads = items;
	cJSON_ArrayForEach(item, list)
	{
		struct sched_thread k = {.feeds = feeds};

		r = json_get_i64(item, "tid", JSON_REQUIRED, &k.tid, reterr);
		if (r >= 0)
			r = decode_count(item, &own, &k.count, reterr);
		if (r == 0)
			r = json_refuse(reterr, "\"slices\" is missing");
		if (r < 0)
			return r;
		t->threads[t->n_threads++] = k;
	}
	return 0;
}

/* Of a JVM: its threads that work for tasks. */
static int decode_jvm(const cJSON *json, struct process_tree *t, size_t *room, char **reterr)
{
	const cJSON *tasks = NULL;
	const cJSON *list = NULL;
	int r;

	r = json_get_object(json, "task_threads", JSON_OPTIONAL, &tasks, reterr);
	if (r <= 0)
		return r;
	r = json_get_i64(tasks, "threads", JSON_OPTIONAL, &t->n_tasks, reterr);
	if (r >= 0)
		r = decode_count(tasks, &own, &t->tasks, reterr);
	if (r >= 0)
		r = json_get_array(tasks, "each", JSON_OPTIONAL, &list, reterr);
	t->knows_threads = r > 0;
	if (r > 0)
		r = decode_threads(list, t, room, false, reterr);
	if (r >= 0)
		r = json_get_array(tasks, "feeding", JSON_OPTIONAL, &list, reterr);
	return r > 0 ? decode_threads(list, t, room, true, reterr) : r;
}

static int decode_list(const cJSON *list, struct process_tree *t, size_t *room, char **reterr)
{
	size_t n = (size_t)cJSON_GetArraySize(list);
	const cJSON *item;
	int r;

	r = take_room(n, room, reterr);
	if (r < 0)
		return r;
	t->items = json_new_items(n, sizeof(*t->items));
	if (!t->items)
		return -ENOMEM;
	cJSON_ArrayForEach(item, list)
	{
		struct process_obs *p = &t->items[t->n++];

		r = decode_process(item, p, reterr);
		if (r >= 0 && p->pid == t->pid && !t->tasks.known)
			r = decode_jvm(item, t, room, reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

static int decode_places(const cJSON *list, struct strlist *ret)
{
	const cJSON *item;
	int r = 0;

	cJSON_ArrayForEach(item, list)
	{
		_cleanup_free_ char *text = NULL;

		if (r < 0 || ret->n >= PYTHON_PLACES_MAX)
			break;
		if (!cJSON_IsString(item))
			continue;
		r = str_printable(item->valuestring, PYTHON_PLACE_MAX, &text);
		if (r >= 0)
			r = strlist_add(ret, text);
	}
	return r;
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
		r = get_seconds(json, "age_seconds", JSON_OPTIONAL, &t->age, reterr);
	if (r >= 0)
		r = json_copy_id(json, "pod", JSON_OPTIONAL, &t->pod, reterr);
	if (r >= 0)
		r = json_get_array(json, "python", JSON_OPTIONAL, &list, reterr);
	if (r > 0)
		r = decode_places(list, &t->places);
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
	json_add_number(o, name, round((double)t / 10000) / 100);
}

static void add_count(cJSON *o, const struct names *names, const struct sched_count *c)
{
	if (!c->known)
		return;
	if (c->timed)
		json_add_number(o, names->run, (double)c->run_ns);
	json_add_number(o, names->slices, (double)c->slices);
	if (c->waits != c->slices)
		json_add_number(o, names->waits, (double)c->waits);
}

static void add_threads(cJSON *o, const char *name, const struct process_tree *t, bool feeds)
{
	cJSON *list = json_add_array(o, name);

	for (size_t i = 0; i < t->n_threads; i++) {
		cJSON *k;

		if (t->threads[i].feeds != feeds)
			continue;
		k = json_append_object(list);
		json_add_number(k, "tid", (double)t->threads[i].tid);
		add_count(k, &own, &t->threads[i].count);
	}
}

static void add_jvm(cJSON *o, const struct process_tree *t)
{
	cJSON *tasks;

	if (!t->tasks.known)
		return;
	tasks = json_add_object(o, "task_threads");
	json_add_number(tasks, "threads", (double)t->n_tasks);
	add_count(tasks, &own, &t->tasks);
	if (!t->knows_threads)
		return;
	add_threads(tasks, "each", t, false);
	add_threads(tasks, "feeding", t, true);
}

static cJSON *process_json(const struct process_obs *p)
{
	cJSON *o = cJSON_CreateObject();

	json_add_number(o, "pid", (double)p->pid);
	if (p->ppid > 0)
		json_add_number(o, "ppid", (double)p->ppid);
	add_seconds(o, "cpu_seconds", p->cpu);
	add_seconds(o, "reaped_seconds", p->reaped);
	json_add_text(o, "name", p->name);
	if (p->daemon)
		json_add_bool(o, "python_daemon", true);
	if (p->n_threads > 0)
		json_add_number(o, "threads", (double)p->n_threads);
	add_count(o, &own, &p->all);
	add_count(o, &of_main, &p->main);
	return o;
}

static cJSON *tree_json(const struct process_tree *t)
{
	cJSON *o = cJSON_CreateObject();
	cJSON *list;

	if (t->app_id)
		json_add_text(o, "app", t->app_id);
	json_add_text(o, "executor", t->executor_id);
	json_add_number(o, "pid", (double)t->pid);
	add_seconds(o, "cpu_seconds", t->cpu);
	if (t->age > 0)
		add_seconds(o, "age_seconds", t->age);
	if (t->pod)
		json_add_text(o, "pod", t->pod);
	if (t->places.n > 0) {
		list = json_add_array(o, "python");
		for (size_t i = 0; i < t->places.n; i++)
			json_append(list, cJSON_CreateString(t->places.items[i]));
	}
	if (!t->items)
		return o;
	list = json_add_array(o, "processes");
	for (size_t i = 0; i < t->n; i++) {
		cJSON *p = process_json(&t->items[i]);

		if (t->items[i].pid == t->pid)
			add_jvm(p, t);
		json_append(list, p);
	}
	return o;
}

int processes_json(const struct process_list *l, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateArray();

	for (size_t i = 0; i < l->n; i++)
		json_append(root, tree_json(&l->items[i]));
	return json_print(root, ret);
}
