/* SPDX-License-Identifier: Apache-2.0
 * Runs to JSON. */
#include "wire/report.h"

#include "wire/json.h"

/* 0 is not known. */
static void add_amount(cJSON *o, const char *name, uint64_t n)
{
	if (n > 0)
		json_add_number(o, name, (double)n);
	else
		json_add_text(o, name, NULL);
}

static void add_memory(
	cJSON *o, const char *name, const struct memory_use *m, uint64_t usual, bool compared)
{
	cJSON *c = json_add_object(o, name);

	add_amount(c, "heap_limit_bytes", m->heap_limit);
	add_amount(c, "heap_peak_bytes", m->heap_peak);
	add_amount(c, "process_peak_bytes", m->tree_peak);
	add_amount(c, "peak_bytes", memory_use_peak(m));
	if (compared)
		add_amount(c, "usual_peak_bytes", usual);
}

static cJSON *run_json(const struct app_run_list *l, size_t i)
{
	const struct app_run *r = &l->items[i];
	cJSON *o = cJSON_CreateObject();
	struct app_run_comparison c;
	bool compared;
	cJSON *marks;

	app_run_compare(l, i, &c);
	compared = c.n >= RUNS_NEEDED;
	json_add_text(o, "app_id", r->app_id);
	json_add_time(o, "started", r->started);
	json_add_time(o, "ended", r->ended);
	json_add_seconds(o, "seconds", app_run_duration(r));
	if (compared)
		json_add_seconds(o, "usual_seconds", c.duration);
	json_add_seconds(o, "task_seconds", r->task_time);
	json_add_seconds(o, "gc_seconds", r->gc_time);
	json_add_number(o, "executors", (double)r->executors);
	add_memory(o, "executor", &r->executor, c.executor_memory, compared);
	add_memory(o, "driver", &r->driver, c.driver_memory, compared);
	json_add_number(o, "compared_with", (double)(compared ? c.n : 0));
	marks = json_add_array(o, "regressions");
	for (size_t k = 0; k < n_run_marks; k++)
		if (c.marks & (1U << k))
			json_append(marks, cJSON_CreateString(run_marks[k]));
	return o;
}

static cJSON *name_json(const struct app_run *r)
{
	cJSON *o = cJSON_CreateObject();

	json_add_text(o, "spark_cluster", r->cluster);
	json_add_text(o, "app_name", r->app_name);
	return o;
}

int report_json(const struct app_run_list *l, bool cut, const char *trouble, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	cJSON *apps = json_add_array(root, "apps");
	cJSON *runs = NULL;

	json_add_text(root, "trouble", trouble);
	json_add_bool(root, "newest_only", cut);
	for (size_t i = 0; i < l->n; i++) {
		if (i == 0 || !app_run_same_name(&l->items[i - 1], &l->items[i])) {
			cJSON *o = name_json(&l->items[i]);

			runs = json_add_array(o, "runs");
			json_append(apps, o);
		}
		json_append(runs, run_json(l, i));
	}
	return json_print(root, ret);
}
