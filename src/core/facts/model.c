/* SPDX-License-Identifier: Apache-2.0
 * Copies and destructors of the plain data, and Airflow's names of states. */
#include "core/facts/model.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"

static const char *const ti_state_names[] = {
	[TI_STATE_NONE] = "none",
	[TI_STATE_SCHEDULED] = "scheduled",
	[TI_STATE_QUEUED] = "queued",
	[TI_STATE_RUNNING] = "running",
	[TI_STATE_SUCCESS] = "success",
	[TI_STATE_FAILED] = "failed",
	[TI_STATE_UPSTREAM_FAILED] = "upstream_failed",
	[TI_STATE_SKIPPED] = "skipped",
	[TI_STATE_UP_FOR_RETRY] = "up_for_retry",
	[TI_STATE_UP_FOR_RESCHEDULE] = "up_for_reschedule",
	[TI_STATE_DEFERRED] = "deferred",
	[TI_STATE_RESTARTING] = "restarting",
	[TI_STATE_REMOVED] = "removed",
	[TI_STATE_AWAITING_INPUT] = "awaiting_input",
	[TI_STATE_OTHER] = "other",
};
_Static_assert(ELEMENTSOF(ti_state_names) == TI_STATE_MAX, "a state without a name");

const char *ti_state_name(enum ti_state s)
{
	if ((unsigned int)s >= TI_STATE_MAX)
		return ti_state_names[TI_STATE_OTHER];
	return ti_state_names[s];
}

enum ti_state ti_state_from_name(const char *s)
{
	if (!s)
		return TI_STATE_NONE;
	for (size_t i = 0; i < ELEMENTSOF(ti_state_names); i++) {
		if (strcmp(s, ti_state_names[i]) == 0)
			return (enum ti_state)i;
	}
	return TI_STATE_OTHER;
}

void stage_list_clear(struct stage_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].name);
	free(l->items);
	*l = (struct stage_list){0};
}

void job_list_clear(struct job_list *l)
{
	free(l->stage_ids);
	*l = (struct job_list){0};
}

void app_info_clear(struct app_info *a)
{
	free(a->id);
	free(a->name);
	free(a->user);
	free(a->spark_version);
	*a = (struct app_info){0};
}

static bool serves(const struct strlist *properties)
{
	static const char main_class[] = SPARK_MAIN_CLASS "=";
	static const char plugins[] = "spark.plugins=";

	for (size_t i = 0; i < properties->n; i++) {
		const char *p = properties->items[i];

		if (strncmp(p, main_class, strlen(main_class)) == 0 ||
			(strncmp(p, plugins, strlen(plugins)) == 0 &&
				strstr(p, "sql.connect.SparkConnectPlugin")))
			return true;
	}
	return false;
}

bool app_is_shared(const struct app_info *a, const struct strlist *properties)
{
	/* As in sbin/start-thriftserver.sh, sbin/start-connect-server.sh, bin/spark-shell,
	 * bin/pyspark and bin/sparkR; spark-sql names itself after its host. */
	static const char *const names[] = {"Thrift JDBC/ODBC Server", "Spark Connect server",
		"Spark shell", "PySparkShell", "SparkR"};

	if (serves(properties))
		return true;
	if (!a->name)
		return false;
	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (str_equal(a->name, names[i]))
			return true;
	return strncmp(a->name, "SparkSQL::", strlen("SparkSQL::")) == 0;
}

int app_info_copy(const struct app_info *from, struct app_info *to)
{
	struct app_info copy = {.started = from->started};

	if (str_replace(&copy.id, from->id) < 0 || str_replace(&copy.name, from->name) < 0 ||
		str_replace(&copy.user, from->user) < 0 ||
		str_replace(&copy.spark_version, from->spark_version) < 0) {
		app_info_clear(&copy);
		return -ENOMEM;
	}
	app_info_clear(to);
	*to = copy;
	return 0;
}

void app_list_clear(struct app_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		app_info_clear(&l->items[i]);
	free(l->items);
	*l = (struct app_list){0};
}

void owner_clear(struct owner *o)
{
	free(o->dag_id);
	free(o->run_id);
	free(o->task_id);
	*o = (struct owner){.map_index = -1};
}

static const char *const owner_vias[] = {
	[OWNER_VIA_PROPERTIES] = "properties",
	[OWNER_VIA_ANNOTATIONS] = "annotations",
	[OWNER_VIA_LABELS] = "labels",
	[OWNER_VIA_OPENLINEAGE] = "openlineage",
};
_Static_assert(ELEMENTSOF(owner_vias) == OWNER_VIA_MAX, "a word per way");

const char *owner_via_name(enum owner_via via)
{
	return owner_vias[via];
}

enum owner_via owner_via_from_name(const char *name)
{
	for (int v = OWNER_VIA_UNKNOWN + 1; v < OWNER_VIA_MAX; v++)
		if (str_equal(owner_vias[v], name))
			return (enum owner_via)v;
	return OWNER_VIA_UNKNOWN;
}

int owner_copy(const struct owner *from, struct owner *to)
{
	struct owner copy = {
		.map_index = from->map_index, .try_number = from->try_number, .via = from->via};

	if (str_replace(&copy.dag_id, from->dag_id) < 0 ||
		str_replace(&copy.run_id, from->run_id) < 0 ||
		str_replace(&copy.task_id, from->task_id) < 0) {
		owner_clear(&copy);
		return -ENOMEM;
	}
	owner_clear(to);
	*to = copy;
	return 0;
}

bool owner_known(const struct owner *o)
{
	return o->dag_id && o->run_id && o->task_id;
}

bool owner_same_task_any_index(const struct owner *a, const struct owner *b)
{
	return str_equal(a->dag_id, b->dag_id) && str_equal(a->run_id, b->run_id) &&
	       str_equal(a->task_id, b->task_id);
}

bool owner_same_task(const struct owner *a, const struct owner *b)
{
	return owner_same_task_any_index(a, b) && a->map_index == b->map_index;
}

void master_app_clear(struct master_app *a)
{
	free(a->id);
	free(a->name);
	free(a->user);
	free(a->state);
	free(a->why);
	*a = (struct master_app){0};
}

void master_state_clear(struct master_state *m)
{
	for (size_t i = 0; i < m->n_apps; i++)
		master_app_clear(&m->apps[i]);
	free(m->apps);
	free(m->status);
	*m = (struct master_state){0};
}

void kill_form_clear(struct kill_form *f)
{
	free(f->csrf_token);
	*f = (struct kill_form){0};
}

void master_page_clear(struct master_page *p)
{
	for (size_t i = 0; i < p->n_links; i++) {
		free(p->links[i].app_id);
		free(p->links[i].url);
	}
	free(p->links);
	kill_form_clear(&p->kill);
	*p = (struct master_page){0};
}

void ti_obs_clear(struct ti_obs *t)
{
	free(t->id);
	free(t->state_text);
	free(t->hostname);
	free(t->pool);
	free(t->operator);
	free(t->note);
	*t = (struct ti_obs){0};
}

void task_settings_clear(struct task_settings *t)
{
	free(t->pool);
	*t = (struct task_settings){0};
}
