/* SPDX-License-Identifier: Apache-2.0
 * Every recorded answer, with each of its fields in turn made null, of another type, out of range,
 * hostile or absent, and cut short: no decoder breaks, what it refuses it refuses in one line, and
 * no such answer lets an action go on that the answer as recorded does not. */
#include <errno.h>
#include <glob.h>

#include "fixture.h"

#include "core/act/preconditions.h"
#include "core/act/task_graph.h"
#include "core/facts/app_memory.h"
#include "core/facts/finished.h"
#include "core/facts/owner_hint.h"
#include "wire/airflow.h"
#include "wire/json.h"
#include "wire/kube.h"
#include "wire/kube_app.h"
#include "wire/kube_parents.h"
#include "wire/kube_usage.h"
#include "wire/leader_store.h"
#include "wire/master.h"
#include "wire/processes.h"
#include "wire/py_spy.h"
#include "wire/spark_evidence.h"
#include "wire/spark_history.h"
#include "wire/spark_kill.h"
#include "wire/spark_memory.h"
#include "wire/spark_owner.h"
#include "wire/spark_properties.h"
#include "wire/spark_rest.h"
#include "wire/yarn.h"

/* Of a list so many rows are changed: the others are like them. */
#define MOST_ROWS 2
#define MOST_WORDS 400

/* What an answer is about, out of the answer as recorded. */
struct about {
	struct owner owner;
	char *app_id;
};

/* < 0 with *err: refused; 1: as far as this answer goes, an action may go on, or an app has ended;
 * 0: not, or the answer is of nothing like that. */
typedef int (*reader)(const struct about *about, const char *body, size_t n, char **err);

#define READ_LIST(name, type, decode, clear)                                                       \
	static int name(const struct about *about, const char *body, size_t n, char **err)         \
	{                                                                                          \
		_cleanup_(clear) struct type l = {0};                                              \
		int r = decode(body, n, &l, err);                                                  \
                                                                                                   \
		(void)about;                                                                       \
		return r < 0 ? r : 0;                                                              \
	}

static int decode_task_threads(const char *body, size_t n, struct thread_list *ret, char **err)
{
	return spark_decode_threads(body, n, THREADS_OF_TASKS, ret, err);
}

static int decode_driver_threads(const char *body, size_t n, struct thread_list *ret, char **err)
{
	return spark_decode_threads(body, n, THREADS_OF_DRIVER, ret, err);
}

READ_LIST(read_applications, app_list, spark_decode_applications, app_list_clear)
READ_LIST(read_stages, stage_list, spark_decode_stages, stage_list_clear)
READ_LIST(read_jobs, job_list, spark_decode_jobs, job_list_clear)
READ_LIST(read_tasks, task_list, spark_decode_tasks, task_list_clear)
READ_LIST(read_threads, thread_list, decode_task_threads, thread_list_clear)
READ_LIST(read_driver, thread_list, decode_driver_threads, thread_list_clear)
READ_LIST(read_executors, executor_list, spark_decode_executor_list, executor_list_clear)
READ_LIST(read_memory, executor_memory_list, spark_decode_memory, executor_memory_list_clear)
READ_LIST(read_query, query_obs, spark_decode_newest_query, query_obs_clear)
READ_LIST(read_old_apps, finished_app_list, spark_decode_finished_apps, finished_app_list_clear)
READ_LIST(read_old_stages, finished_stage_list, spark_decode_finished_stages,
	finished_stage_list_clear)
READ_LIST(read_properties, strlist, spark_decode_properties, strlist_clear)
READ_LIST(read_owner, owner, spark_decode_owner, owner_clear)
READ_LIST(read_lineage, owner_hint, spark_decode_lineage, owner_hint_clear)
READ_LIST(read_yarn_apps, master_state, yarn_decode_apps, master_state_clear)
READ_LIST(read_pods, kube_pod_list, kube_decode_pods, kube_pod_list_clear)
READ_LIST(read_parents, kube_parent_list, kube_decode_parents, kube_parent_list_clear)
READ_LIST(read_kube_executors, kube_executor_list, kube_decode_executors, kube_executor_list_clear)
READ_LIST(read_running, running_list, airflow_decode_running, running_list_clear)

static int read_jobs_of_stage(const struct about *about, const char *body, size_t n, char **err)
{
	struct kill_jobs jobs;
	int r = spark_decode_jobs_of_stage(body, n, 0, &jobs, err);

	(void)about;
	return r < 0 ? r : 0;
}

static int read_longest_task(const struct about *about, const char *body, size_t n, char **err)
{
	usec_t longest = 0;
	int r = spark_decode_longest_task(body, n, &longest, err);

	(void)about;
	return r < 0 ? r : 0;
}

static int read_dropped(const struct about *about, const char *body, size_t n, char **err)
{
	uint64_t dropped = 0;
	int r = spark_decode_dropped_events(body, n, &dropped, err);

	(void)about;
	return r < 0 ? r : 0;
}

static int read_stacks(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_free_ char *place = NULL;
	int r = py_spy_decode(body, n, &place, err);

	(void)about;
	return r < 0 ? r : 0;
}

static int read_master(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_(master_state_clear) struct master_state m = {0};
	const char *word;
	int r = master_decode_state(body, n, &m, err);

	return r < 0 ? r
		     : about->app_id && master_app_end(&m, about->app_id, &word) == APP_END_ENDED;
}

static int read_yarn_end(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_free_ char *words = NULL;
	enum app_end end = APP_END_UNKNOWN;
	int r;

	r = yarn_decode_end(
		body, n, about->app_id ? about->app_id : "application_1_0001", &end, &words, err);
	return r < 0 ? r : end == APP_END_ENDED;
}

static int read_pod(const struct about *about, const char *body, size_t n, char **err)
{
	struct kube_pod pod = {0};
	int r = kube_decode_pod(body, n, &pod, err);
	bool ended = r >= 0 && kube_pod_end(&pod) == APP_END_ENDED;

	(void)about;
	kube_pod_clear(&pod);
	return r < 0 ? r : ended;
}

static int read_ti(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_(ti_obs_clear) struct ti_obs ti = {0};
	int r = airflow_decode_ti(body, n, &about->owner, &ti, err);

	return r < 0 ? r : ti.state == TI_STATE_RUNNING || ti.state == TI_STATE_DEFERRED;
}

/* A clear or a failure of ours alone may be sent. */
static int read_affected(const struct about *about, const char *body, size_t n, char **err)
{
	struct airflow_affected a = {0};
	int r = airflow_decode_affected(body, n, &about->owner, NULL, &a, err);

	return r < 0 ? r : a.ours && a.n_siblings + a.n_others + a.n_elsewhere == 0;
}

static int read_dag(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_(preconditions_clear) struct preconditions p = {0};
	int r = airflow_decode_dag(body, n, &about->owner, &p, err);

	return r < 0 ? r : !p.dag_paused && !p.dag_stale;
}

static int read_run(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_(preconditions_clear) struct preconditions p = {0};
	int r = airflow_decode_run(body, n, &about->owner, &p, err);

	return r < 0 ? r : str_equal(p.run_state, "running");
}

static int read_siblings(const struct about *about, const char *body, size_t n, char **err)
{
	int64_t failed = 0;
	int r = airflow_decode_siblings(body, n, &about->owner, &failed, err);

	return r < 0 ? r : failed == 0;
}

static int read_settings(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_(task_settings_clear) struct task_settings s = {0};
	int r = airflow_decode_task(body, n, &about->owner, &s, err);

	return r < 0 ? r : 0;
}

static int read_dag_settings(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_(task_settings_clear) struct task_settings s = {0};
	int r = airflow_decode_task_dag(body, n, &about->owner, &s, err);

	return r < 0 ? r : 0;
}

/* The task is there, and nothing runs that waits for it to fail. */
static int read_graph(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_(task_graph_clear) struct task_graph graph = {0};
	_cleanup_(task_scope_clear) struct task_scope scope = {0};
	int r = airflow_decode_tasks(body, n, &graph, err);

	if (r < 0)
		return r;
	r = task_scope_of(&graph, about->owner.task_id, &scope);
	assert_true(r == 0 || r == -ENOENT);
	return r == 0 && !scope.fires;
}

static int read_pool(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_free_ char *full = NULL;
	int r = airflow_decode_full_pool(body, n, &full, err);

	(void)about;
	return r < 0 ? r : !full;
}

static int read_queued(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_free_ char *other = NULL;
	int r = airflow_decode_queued_run(body, n, &about->owner, &other, err);

	return r < 0 ? r : !other;
}

static int read_process_end(const struct about *about, const char *body, size_t n, char **err)
{
	bool ended = false;
	int r = airflow_decode_process_end(body, n, 42, &ended, err);

	(void)about;
	return r < 0 ? r : ended;
}

static int read_review(const struct about *about, const char *body, size_t n, char **err)
{
	bool allowed = false;
	int r = kube_decode_review(body, n, &allowed, err);

	(void)about;
	return r < 0 ? r : allowed;
}

static int read_kube_app(const struct about *about, const char *body, size_t n, char **err)
{
	struct kube_app app = {0};
	int r = kube_decode_app(body, n, KUBE_OWNER_KUBEFLOW, &app, err);
	bool over = r >= 0 && app.over;

	(void)about;
	kube_app_clear(&app);
	return r < 0 ? r : over;
}

static int read_processes(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_(process_list_clear) struct process_list l = {0};
	int r = processes_decode(body, n, &l, err);

	(void)about;
	return r < 0 ? r : 0;
}

static int read_usage(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_(kube_usage_list_clear) struct kube_usage_list l = {0};
	int r = kube_decode_usage(body, n, &l, err);

	(void)about;
	return r < 0 ? r : 0;
}

static int read_lead(const struct leader_codec *codec, const char *body, size_t n, char **err)
{
	struct leader_answer a = {0};
	int r = codec->answer(LEADERSHIP_READ, 200, body, n, &a, err);

	leader_record_clear(&a.record);
	return r < 0 ? r : 0;
}

static int read_lease(const struct about *about, const char *body, size_t n, char **err)
{
	(void)about;
	return read_lead(&lease_codec, body, n, err);
}

static int read_version(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_free_ char *version = NULL;
	int r = airflow_decode_version(body, n, &version, err);

	(void)about;
	return r < 0 ? r : 0;
}

static int read_health(const struct about *about, const char *body, size_t n, char **err)
{
	bool healthy = false;
	int r = airflow_decode_health(body, n, &healthy, err);

	(void)about;
	return r < 0 ? r : healthy;
}

static int read_token(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_free_ char *token = NULL;
	usec_t expires = 0;
	int r = airflow_decode_token(body, n, &token, &expires, err);

	(void)about;
	return r < 0 ? r : 0;
}

static int read_dag_of(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_free_ char *id = NULL;
	int r = airflow_decode_dag_of(body, n, &(struct strlist){0}, &id, err);

	(void)about;
	return r < 0 ? r : 0;
}

/* What others say when they refuse: a text of one line, whatever it is. */
static int read_error(const struct about *about, const char *body, size_t n, char **err)
{
	_cleanup_free_ char *airflow = NULL;
	_cleanup_free_ char *yarn = NULL;
	_cleanup_free_ char *kube = NULL;
	_cleanup_free_ char *reason = NULL;
	_cleanup_free_ char *all = NULL;
	_cleanup_free_ char *clean = NULL;

	(void)about;
	(void)err;
	assert_int_equal(airflow_error_text(body, n, &airflow), 0);
	assert_int_equal(yarn_error_text(body, n, &yarn), 0);
	assert_int_equal(kube_error_text(body, n, &reason, &kube), 0);
	assert_int_equal(str_printf(&all, "%s%s%s%s", airflow, yarn, reason, kube), 0);
	assert_true(strlen(airflow) <= 200 && strlen(all) < 1000);
	clean = strdup(all);
	assert_non_null(clean);
	str_sanitize(clean);
	assert_string_equal(clean, all);
	return 0;
}

/* The files of each decoder, below tests/wire/fixtures. */
static const struct {
	const char *files;
	reader readers[4];
} rows[] = {
	{"spark-*/applications.json", {read_applications}},
	{"spark-*/stages-*.json", {read_stages}},
	{"spark-*/jobs-running.json", {read_jobs, read_jobs_of_stage}},
	{"spark-*/tasks-running.json", {read_tasks}},
	{"spark-*/threads*.json", {read_threads, read_driver}},
	{"spark-*/executors.json", {read_executors, read_memory}},
	{"spark-*/environment.json", {read_properties, read_owner, read_lineage}},
	{"spark-*/metrics.json", {read_dropped}},
	{"spark-*/sql-*.json", {read_query}},
	{"spark-*/master-*.json", {read_master}},
	{"spark-*/history-applications.json", {read_old_apps}},
	{"spark-*/history-stages.json", {read_old_stages}},
	{"spark-*/history-task-summary.json", {read_longest_task}},
	{"yarn-*/apps-*.json", {read_yarn_apps}},
	{"yarn-*/app-*.json", {read_yarn_end, read_error}},
	{"yarn-*/put-*", {read_error}},
	{"kubernetes-*/pods-page-*.json", {read_pods, read_parents, read_kube_executors}},
	{"kubernetes-*/pod.json", {read_pod}},
	{"kubernetes-*/*[dn].json", {read_error}},
	{"py-spy-*/*.json", {read_stacks}},
	{"airflow-*/*_get_*.json", {read_ti, read_error}},
	{"airflow-*/*_ti_*.json", {read_ti}},
	{"airflow-*/*_patch_*.json", {read_affected, read_error}},
	{"airflow-*/clear_*.json", {read_affected, read_running, read_error}},
	{"airflow-*/fail_trial_*.json", {read_affected, read_error}},
	{"airflow-*/mapped_failed_*.json", {read_siblings, read_running}},
	{"airflow-*/task_*.json", {read_settings, read_error}},
	{"airflow-*/tasks.json", {read_graph}},
	{"airflow-*/dag.json", {read_dag, read_dag_settings}},
	{"airflow-*/dag_paused.json", {read_dag}},
	{"airflow-*/dag_list.json", {read_dag_of}},
	{"airflow-*/run*.json", {read_run}},
	{"airflow-*/pool.json", {read_pool}},
	{"airflow-*/*version*.json", {read_version, read_error}},
	{"airflow-*/health.json", {read_health}},
	{"airflow-*/*auth*.json", {read_token, read_error}},
};

/* Answers of which no such recording is there, or one that lets an action go on. */
static const struct {
	const char *name;
	const char *body;
	reader read;
} bodies[] = {
	{"a full pool", "{\"name\":\"spark\",\"slots\":4,\"open_slots\":0,\"queued_slots\":1}",
		read_pool},
	{"a task that fires",
		"{\"tasks\":[{\"task_id\":\"t\",\"downstream_task_ids\":[\"report\"],"
		"\"trigger_rule\":\"all_success\"},{\"task_id\":\"report\","
		"\"downstream_task_ids\":[],\"trigger_rule\":\"all_done\"}],\"total_entries\":2}",
		read_graph},
	{"runs that wait",
		"{\"dag_runs\":[{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"state\":\"queued\"},"
		"{\"dag_id\":\"d\",\"dag_run_id\":\"r2\",\"state\":\"queued\"}],"
		"\"total_entries\":2}",
		read_queued},
	{"a log that goes on",
		"{\"content\":\"[('h', 'Process psutil.Process(pid=43) (43) terminated with exit "
		"code 143')]\",\"continuation_token\":\"x\"}",
		read_process_end},
	{"no right",
		"{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":"
		"\"SelfSubjectAccessReview\",\"status\":{\"allowed\":false}}",
		read_review},
	{"a SparkApplication that runs",
		"{\"apiVersion\":\"sparkoperator.k8s.io/v1beta2\",\"kind\":\"SparkApplication\","
		"\"metadata\":{\"name\":\"etl\",\"namespace\":\"spark\",\"uid\":\"u-1\"},"
		"\"spec\":{\"suspend\":false,\"restartPolicy\":{\"type\":\"Never\"}},"
		"\"status\":{\"applicationState\":{\"state\":\"RUNNING\"},"
		"\"driverInfo\":{\"podName\":\"etl-driver\"}}}",
		read_kube_app},
	{"processes",
		"[{\"app\":\"app-1\",\"executor\":\"1\",\"pid\":7,\"cpu_seconds\":1.5,"
		"\"processes\":[{\"pid\":8,\"ppid\":7,\"cpu_seconds\":1,\"name\":\"python3\","
		"\"threads\":1,\"run_ns\":1,\"slices\":1,\"main_run_ns\":1,\"main_slices\":1,"
		"\"main_waits\":1,\"python_daemon\":true,\"reaped_seconds\":0}],\"python\":"
		"[\"a.py:1 f\"],\"task_threads\":{\"threads\":1,\"run_ns\":1,\"slices\":1,"
		"\"waits\":1,\"each\":[{\"tid\":9,\"run_ns\":1,\"slices\":1,\"waits\":1}]}}]",
		read_processes},
	{"what containers used",
		"{\"pods\":[{\"podRef\":{\"uid\":\"u-1\",\"name\":\"p\",\"namespace\":\"n\"},"
		"\"containers\":[{\"name\":\"c\",\"cpu\":{\"time\":\"2026-11-29T13:40:53Z\","
		"\"usageCoreNanoSeconds\":1000000000}}]}]}",
		read_usage},
	{"a Lease of another",
		"{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/v1\",\"metadata\":"
		"{\"name\":\"l\",\"namespace\":\"n\",\"uid\":\"u\",\"resourceVersion\":\"7\"},"
		"\"spec\":{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":15,"
		"\"leaseTransitions\":1,\"renewTime\":\"2026-11-29T13:40:53.000000Z\"}}",
		read_lease},
};

static void find_about(const cJSON *json, struct about *ret)
{
	static const struct {
		const char *field;
		size_t offset;
	} ids[] = {
		{"dag_id", offsetof(struct about, owner.dag_id)},
		{"dag_run_id", offsetof(struct about, owner.run_id)},
		{"task_id", offsetof(struct about, owner.task_id)},
		{"id", offsetof(struct about, app_id)},
	};
	const cJSON *item;

	for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
		const char *s =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, ids[i].field));
		char **at = (char **)((char *)ret + ids[i].offset);

		if (s && !*at)
			assert_int_equal(str_replace(at, s), 0);
	}
	item = cJSON_GetObjectItemCaseSensitive(json, "map_index");
	if (cJSON_IsNumber(item))
		ret->owner.map_index = item->valueint;
	/* The first in the order of the answer. */
	cJSON_ArrayForEach(item, json)
	{
		if (item->child && !ret->owner.task_id && !ret->app_id)
			find_about(item, ret);
	}
}

/* What of all this is a plain word for "yes" or "nobody". */
static const struct {
	const char *field;
	const char *change;
} words[] = {
	{"allowed", "true"}, {"dag_runs", "a list"}, {"downstream_task_ids", "a list"},
	{"slots", "-1"}, /* as many as are wanted */
};

static bool is_plain_word(const char *field, const char *change)
{
	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (str_equal(words[i].field, field) && str_equal(words[i].change, change))
			return true;
	return false;
}

/* One file and one decoder. */
struct trial {
	const char *file;
	reader read;
	struct about about;
	int as_recorded;
	const char *field;
	const char *change;
	size_t n;
};

static void hold(struct trial *t, const char *body, size_t n)
{
	_cleanup_free_ char *exact = exact_copy(body, n);
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *clean = NULL;
	int r = t->read(&t->about, exact, n, &err);

	t->n++;
	if (r > 0 && t->as_recorded <= 0 && !is_plain_word(t->field, t->change))
		fail_msg("%s, \"%s\" %s: this lets an action go on", t->file, t->field, t->change);
	if (r >= 0)
		return;
	if ((r != -EBADMSG && r != -E2BIG) || !err)
		fail_msg("%s, \"%s\" %s: %d (%s)", t->file, t->field, t->change, r, err);
	clean = strdup(err);
	assert_non_null(clean);
	str_sanitize(clean);
	if (strlen(err) > MOST_WORDS || strcmp(clean, err) != 0)
		fail_msg("%s, \"%s\" %s: %s", t->file, t->field, t->change, err);
}

static void hold_tree(struct trial *t, const cJSON *root)
{
	char *text = cJSON_PrintUnformatted(root);

	assert_non_null(text);
	hold(t, text, strlen(text));
	cJSON_free(text);
}

static char much[5000];
static char nothing[] = "";
static char evil[] = "a\"\n\x1b[31m\xe2\x80\xae<b>%n{{x}}";

/* cJSON has no other infinity than one that it prints as null. */
static const struct {
	const char *name;
	cJSON value;
} changes[] = {
	{"null", {.type = cJSON_NULL}},
	{"true", {.type = cJSON_True}},
	{"-1", {.type = cJSON_Number, .valueint = -1, .valuedouble = -1}},
	{"1.5", {.type = cJSON_Number, .valueint = 1, .valuedouble = 1.5}},
	{"1e308", {.type = cJSON_Number, .valueint = INT32_MAX, .valuedouble = 1e308}},
	{"empty", {.type = cJSON_String, .valuestring = nothing}},
	{"long", {.type = cJSON_String, .valuestring = much}},
	{"hostile", {.type = cJSON_String, .valuestring = evil}},
	{"a list", {.type = cJSON_Array}},
	{"an object", {.type = cJSON_Object}},
};

static void change_node(struct trial *t, const cJSON *root, cJSON *node)
{
	char *name = node->string;
	cJSON kept = *node;

	t->field = name ? name : "a row";
	for (size_t i = 0; i < ELEMENTSOF(changes); i++) {
		t->change = changes[i].name;
		node->type = changes[i].value.type;
		node->child = NULL;
		node->valuestring = changes[i].value.valuestring;
		node->valueint = changes[i].value.valueint;
		node->valuedouble = changes[i].value.valuedouble;
		hold_tree(t, root);
		*node = kept;
	}
	if (!name)
		return;
	t->change = "absent";
	node->string = much;
	hold_tree(t, root);
	node->string = name;
}

static void change_all(struct trial *t, const cJSON *root, cJSON *node)
{
	size_t row = 0;

	change_node(t, root, node);
	for (cJSON *child = node->child; child; child = child->next)
		if (!cJSON_IsArray(node) || row++ < MOST_ROWS)
			change_all(t, root, child);
}

static void cut_short(struct trial *t, const char *body, size_t n)
{
	t->field = "the whole";
	t->change = "cut short";
	for (size_t i = 0; i < n; i += 1 + n / 100)
		hold(t, body, i);
}

static void try_body(struct trial *t, const char *body)
{
	_cleanup_free_ char *err = NULL;
	cJSON *json = cJSON_Parse(body);

	t->about = (struct about){.owner.map_index = -1};
	find_about(json, &t->about);
	t->as_recorded = t->read(&t->about, body, strlen(body), &err);
	cut_short(t, body, strlen(body));
	if (json)
		change_all(t, json, json);
	cJSON_Delete(json);
	owner_clear(&t->about.owner);
	free(t->about.app_id);
}

/* The body; those of Airflow are within a file that says how they were asked for. */
static char *read_body(const char *path)
{
	const char *name = strstr(path, "fixtures/") + strlen("fixtures/");

	return strncmp(name, "airflow", strlen("airflow")) == 0 ? fixture_body(name)
								: fixture_read(name);
}

static size_t try_files(const char *pattern, const reader readers[static 4])
{
	const char *tests = getenv("STAGEWATCHD_TESTS");
	_cleanup_free_ char *path = NULL;
	size_t n = 0;
	glob_t found;

	assert_int_equal(
		str_printf(&path, "%s/wire/fixtures/%s", tests ? tests : "tests", pattern), 0);
	assert_int_equal(glob(path, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		_cleanup_free_ char *body = read_body(found.gl_pathv[i]);

		for (size_t k = 0; k < 4 && readers[k]; k++) {
			struct trial t = {.file = found.gl_pathv[i], .read = readers[k]};

			try_body(&t, body);
			n += t.n;
		}
	}
	globfree(&found);
	return n;
}

static void test_other_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(bodies); i++) {
		struct trial t = {.file = bodies[i].name, .read = bodies[i].read};

		try_body(&t, bodies[i].body);
		if (t.as_recorded != 0)
			fail_msg("%s: %d", bodies[i].name, t.as_recorded);
	}
}

static void test_changed_answers(void **state)
{
	size_t n = 0;

	(void)state;
	memset(much, 'x', sizeof(much) - 1);
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		n += try_files(rows[i].files, rows[i].readers);
	assert_true(n > 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changed_answers),
		cmocka_unit_test(test_other_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
