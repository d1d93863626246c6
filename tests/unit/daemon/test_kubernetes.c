/* SPDX-License-Identifier: Apache-2.0
 * Spark on Kubernetes: apps that are found by their pods, watched, and ended by the API server. */
#include "scene.h"

#define KUBE FAKE_KUBE
#define WORLD_KUBE "[spark k]\ntype = kubernetes\nurl = " KUBE "\ntimeout = 1s\n"
#define PODS "GET " KUBE "/api/v1/pods?*"
#define POD_URL "http://10.0.0.1:4040"
#define POD(status)                                                                                \
	"{\"kind\":\"PodList\",\"metadata\":{},\"items\":[{\"metadata\":{\"uid\":\"u1\","          \
	"\"namespace\":\"n\",\"name\":\"etl-driver\",\"labels\":{\"spark-app-selector\":"          \
	"\"app-1\"}},\"spec\":{\"nodeName\":\"node-1\"},\"status\":{" status "}}]}"
#define RUNNING "\"phase\":\"Running\",\"podIP\":\"10.0.0.1\""
#define NO_PODS "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[]}"

static struct fake_app *pod_of_app(struct world *w)
{
	fake_json(&w->fake, PODS, POD(RUNNING));
	return fake_spark_add(&w->spark, "app-1", POD_URL, WORLD_OWNER);
}

static void found_hung_and_gone(void **state)
{
	struct world *w = *state;
	struct fake_app *a = pod_of_app(w);

	world_start(w, "", WORLD_KUBE, "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	assert_int_equal((int)world_metric(w, "stagewatch_up{spark_cluster=\"k\"}"), 1);
	a->moving = true;
	world_until(w, !world_is_hung(w, "app-1"));
	fake_json(&w->fake, PODS, NO_PODS);
	world_until(w, detector_n_apps(w->manager->detector) == 0);
	assert_int_equal(fake_log_count("it is asked again"), 0);
}

/* Of the app, never acted upon; and over as soon as its driver runs. */
static void one_that_does_not_start(void **state)
{
	struct world *w = *state;

	fake_json(&w->fake, PODS,
		POD("\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":"
		    "\"False\",\"reason\":\"Unschedulable\",\"message\":\"0/3 nodes\"}]"));
	world_start(w, "", WORLD_KUBE, "action = notify");
	world_until(w, w->manager->incidents.n > 0);
	assert_int_equal(world_incident(w, 0)->verdict, VERDICT_NOT_STARTED);
	assert_non_null(strstr(world_incident(w, 0)->evidence,
		"submitted, and nothing of it was started for 3s (starved_after=3s)"));
	assert_non_null(strstr(world_incident(w, 0)->evidence, "Unschedulable: 0/3 nodes"));
	assert_int_equal((int)world_metric(w, "stagewatch_up{spark_cluster=\"k\"}"), 1);
	assert_int_equal((int)world_metric(w, "stagewatch_app_verdicts{spark_cluster=\"k\","
					      "verdict=\"not_started\"}"),
		1);
	world_run(w, USEC_PER_MINUTE);
	assert_int_equal(w->manager->incidents.n, 1);
	pod_of_app(w)->moving = true;
	world_until(w, world_incident(w, 0)->ended > 0);
	world_run(w, 10 * USEC_PER_SEC);
	assert_false(world_is_hung(w, "app-1"));
	assert_int_equal(w->manager->incidents.n, 1);
	assert_int_equal(fake_log_count("it is asked again"), 0);
}

/* A master's app without an executor: its driver answers, and has nothing to show. */
static void one_that_waits_at_a_master(void **state)
{
	struct world *w = *state;
	struct fake_app *a = fake_spark_add(&w->spark, "app-1", SCENE_D1, WORLD_OWNER);

	a->state = "WAITING";
	a->stage = -1;
	world_start(w, "", WORLD_MASTER, "action = notify\n");
	world_until(w, w->manager->incidents.n > 0);
	assert_int_equal(world_incident(w, 0)->verdict, VERDICT_NOT_STARTED);
	assert_non_null(strstr(world_incident(w, 0)->evidence, "WAITING at the master"));
	a->state = "RUNNING";
	a->stage = 7;
	a->moving = true;
	world_until(w, world_incident(w, 0)->ended > 0);
}

/* It has begun something, and that is judged. */
static void one_with_a_stage_has_started(void **state)
{
	struct world *w = *state;

	fake_spark_add(&w->spark, "app-1", SCENE_D1, WORLD_OWNER)->state = "WAITING";
	world_start(w, "", WORLD_MASTER, "action = notify\n");
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, 10 * USEC_PER_SEC);
	assert_int_equal((int)world_metric(w, "stagewatch_app_verdicts{spark_cluster=\"m\","
					      "verdict=\"not_started\"}"),
		0);
}

/* The next attempt of an app whose first one ran. */
static void one_that_waits_again_on_yarn(void **state)
{
	struct world *w = *state;
	struct fake_app *a = fake_spark_add(&w->spark, SCENE_YARN_APP, "http://t:1", WORLD_OWNER);

	world_start(w, "", WORLD_YARN, "action = notify");
	world_until(w, world_is_hung(w, SCENE_YARN_APP));
	a->state = "ACCEPTED";
	a->gone = true;
	world_until(w, world_incident(w, 0)->ended > 0);
	world_until(w, w->manager->incidents.n == 2);
	assert_int_equal(world_incident(w, 1)->verdict, VERDICT_NOT_STARTED);
	assert_non_null(strstr(world_incident(w, 1)->evidence,
		"ACCEPTED by the ResourceManager: cluster resource is empty"));
	a->state = "RUNNING";
	a->gone = false;
	a->moving = true;
	a->started += USEC_PER_MINUTE;
	world_until(w, world_incident(w, 1)->ended > 0);
	world_until(w, str_equal(world_verdict(w, SCENE_YARN_APP), "progressing"));
	assert_int_equal(fake_log_count("it is asked again"), 0);
}

/* A ResourceManager that has started anew lists nothing, then says of all apps that they wait,
 * until it has heard of them: it is the same attempt, and its clocks go on. */
static void one_that_is_said_to_wait_and_runs(void **state)
{
	struct world *w = *state;
	struct fake_app *a = fake_spark_add(&w->spark, SCENE_YARN_APP, "http://t:1", WORLD_OWNER);

	world_start(w, "", WORLD_YARN, "action = notify");
	world_until(w, world_is_hung(w, SCENE_YARN_APP));
	a->state = "ACCEPTED";
	fake_set(&w->fake, "GET */cluster/apps?*",
		(struct fake_answer){.status = 200,
			.type = "application/json",
			.body = "{\"apps\":{}}",
			.times = 1});
	world_run(w, 3 * USEC_PER_SEC);
	a->state = "RUNNING";
	for (unsigned n = 0; n < 20; n++) {
		world_run(w, USEC_PER_SEC / 4);
		assert_true(world_is_hung(w, SCENE_YARN_APP));
	}
	assert_int_equal(w->manager->incidents.n, 1);
	assert_int_equal(world_incident(w, 0)->ended, 0);
}

/* It waited when its cluster manager last answered. Whether it still does nobody knows. */
static void one_that_waits_where_there_is_no_list(void **state)
{
	struct world *w = *state;

	fake_json(&w->fake, PODS, POD("\"phase\":\"Pending\""));
	world_start(w, "", WORLD_KUBE, "action = notify");
	world_until(w, detector_n_apps(w->manager->detector) == 1);
	fake_set(&w->fake, PODS, (struct fake_answer){.error = -ECONNREFUSED});
	world_until(w, w->manager->incidents.n > 0);
	world_run(w, 20 * USEC_PER_SEC);
	assert_int_equal(w->manager->incidents.n, 1);
	assert_int_equal(world_incident(w, 0)->verdict, VERDICT_UNOBSERVABLE);
	/* It still does. */
	fake_json(&w->fake, PODS, POD("\"phase\":\"Pending\""));
	world_until(w, detector_app_at(w->manager->detector, 0)->verdict == VERDICT_NOT_STARTED);
}

/* The API server says that its pod runs: nobody who listens there is no end of it. */
static void one_without_a_label_whose_driver_refuses(void **state)
{
	struct world *w = *state;
	struct fake_app *a = fake_spark_add(&w->spark, "app-1", POD_URL, WORLD_OWNER);

	fake_json(&w->fake, PODS,
		"{\"kind\":\"PodList\",\"metadata\":{},\"items\":[{\"metadata\":{\"uid\":\"u1\","
		"\"namespace\":\"n\",\"name\":\"p\"},\"spec\":{},\"status\":{" RUNNING "}}]}");
	world_start(w, "", WORLD_KUBE, "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	a->gone = true;
	world_until(w, detector_app_at(w->manager->detector, 0)->verdict == VERDICT_UNOBSERVABLE);
	fake_json(&w->fake, PODS, NO_PODS);
	world_until(w, detector_n_apps(w->manager->detector) == 0);
}

/* One that is known by its address alone, and starts: that is told once. */
static void a_driver_without_a_label_that_starts(void **state)
{
	struct world *w = *state;

	fake_json(&w->fake, PODS,
		"{\"kind\":\"PodList\",\"metadata\":{},\"items\":[{\"metadata\":{\"uid\":\"u1\","
		"\"namespace\":\"n\",\"name\":\"p\"},\"spec\":{},\"status\":{" RUNNING "}}]}");
	fake_set(&w->fake, "GET " POD_URL "/*", (struct fake_answer){.error = -ECONNREFUSED});
	world_start(w, "", WORLD_KUBE, "action = notify");
	world_run(w, 20 * USEC_PER_SEC);
	assert_int_equal(fake_log_count("is refused"), 1);
}

/* The API server away for a while ends nothing. */
static void without_a_list_drivers_are_polled_on(void **state)
{
	struct world *w = *state;

	pod_of_app(w);
	world_start(w, "", WORLD_KUBE, "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	fake_set(&w->fake, PODS, (struct fake_answer){.error = -ECONNREFUSED});
	world_run(w, USEC_PER_MINUTE);
	assert_true(world_is_hung(w, "app-1"));
	assert_int_equal((int)world_metric(w, "stagewatch_up{spark_cluster=\"k\"}"), 0);
	fake_json(&w->fake, PODS, POD(RUNNING));
	world_until(w, world_metric(w, "stagewatch_up{spark_cluster=\"k\"}") > 0);
	assert_true(world_is_hung(w, "app-1"));
}

#define ACT_URL "http://10.0.0.0:4040"

static void end_by_on_kill(void *userdata)
{
	struct world *w = userdata;

	w->spark.apps[0].deleted = w->spark.apps[0].no_application = true;
	fake_app_end(&w->spark.apps[0], "KILLED");
}

static struct fake_app *act(struct world *w, const char *operated, const char *rule)
{
	struct fake_app *a = fake_spark_add(&w->spark, "app-1", ACT_URL, WORLD_OWNER);

	a->operated = operated;
	world_start(w, "mode = act", WORLD_KUBE WORLD_AIRFLOW, rule);
	return a;
}

/* In this order: its task is failed, its end is waited for, and the API server ends it. */
static void ended_as_its_owner_does_not_undo(void **state)
{
	static const struct {
		const char *name;
		const char *operated;
		const char *via;
		bool no_suspend;
		const char *request; /* that ends it; NULL: none */
	} rows[] = {
		{"a pod of nobody", NULL, "cluster", false, "DELETE */pods/d0"},
		{"by its pod", NULL, "delete-pod", false, "DELETE */pods/d0"},
		{"by suspend", "Always", "cluster", false, "PATCH */sparkapplications/a0"},
		{"by suspend, as told", "OnFailure", "suspend", false,
			"PATCH */sparkapplications/a0"},
		{"an operator before 2.4", "Always", "cluster", true,
			"DELETE */sparkapplications/a0"},
		{"an application", "Always", "delete-application", false,
			"DELETE */sparkapplications/a0"},
	};

	for_each_row(r, rows)
	{
		_cleanup_free_ char *rule = NULL;
		struct world *w;

		scene_anew(state);
		w = *state;
		w->airflow.max_tries = 2;
		assert_true(str_printf(&rule, "action = retry\nretry_via = auto\nkill_via = %s\n",
				    r->via) >= 0);
		act(w, r->operated, rule)->no_suspend = r->no_suspend;
		scene_until_confirmed(w);
		assert_string_equal(w->airflow.sent, "FC");
		assert_int_equal(w->spark.kills, 1);
		assert_int_equal(fake_n_asked(&w->fake, r->request), 1);
		assert_true(scene_told(w, "the app did not end with its task within end_timeout"));
	}
}

/* on_kill was in time: nothing is sent to the API server. */
static void ended_by_its_task(void **state)
{
	struct world *w = *state;

	w->airflow.failed = end_by_on_kill;
	w->airflow.userdata = w;
	act(w, "Always", "action = retry\nretry_via = auto\n");
	scene_until_confirmed(w);
	assert_int_equal(w->spark.kills, 0);
	assert_string_equal(w->airflow.sent, "FC");
}

/* Ways that its operator would undo, or that change nothing, or that somebody refuses: it is not
 * cleared, as another driver may run beside the next try. */
static void what_does_not_end_it(void **state)
{
	static const struct {
		const char *name;
		const char *operated;
		const char *via;
		const char *pattern;
		struct fake_answer answer;
		const char *words;
	} rows[] = {
		{"no suspend of an old operator", "Never", "suspend", "PATCH " KUBE "*",
			{.status = 200,
				.body = "{\"kind\":\"SparkApplication\",\"metadata\":{\"uid\":"
					"\"ua0\"},\"spec\":{}}"},
			"has no spec.suspend"},
		{"no right", NULL, "delete-pod", "DELETE *",
			{.status = 403,
				.body = "{\"kind\":\"Status\",\"message\":\"pods d0 is "
					"forbidden\"}"},
			"answered 403: pods d0 is forbidden"},
		{"an API server away", NULL, "delete-pod", "DELETE *", {.status = 503},
			"answered 503"},
		{"too much to do", NULL, "delete-pod", "DELETE *",
			{.status = 429, .retry_after = 3 * USEC_PER_SEC}, "answered 429"},
	};

	for_each_row(r, rows)
	{
		_cleanup_free_ char *rule = NULL;
		struct world *w;

		scene_anew(state);
		w = *state;
		assert_true(str_printf(&rule, "action = retry\nretry_via = auto\nkill_via = %s\n",
				    r->via) >= 0);
		act(w, r->operated, rule);
		if (r->pattern)
			fake_set(&w->fake, r->pattern, r->answer);
		scene_until(w, RULE_ACTION_RETRY, ACTION_UNCONFIRMED);
		assert_true(fake_log_count(r->words) > 0);
		assert_string_equal(w->airflow.sent, "F");
		assert_int_equal(w->spark.kills, 0);
	}
}

/* A pod that is gone, and an operator that starts the next one: not the end. */
static void a_driver_that_is_started_anew(void **state)
{
	struct world *w = *state;

	act(w, "Always", "action = kill\n");
	world_until(w, *w->airflow.sent);
	w->spark.apps[0].deleted = true;
	fake_app_end(&w->spark.apps[0], "KILLED");
	world_until(w, w->spark.apps[0].suspended);
	scene_until(w, RULE_ACTION_KILL, ACTION_CONFIRMED);
	assert_string_equal(w->airflow.sent, "F");
}

/* The operator takes a pod that is gone for success, and writes that over failed. */
static void a_task_that_turns_green(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct world *w;

		scene_anew(state);
		w = *state;
		act(w, NULL, i == 0 ? "action = retry\nretry_via = auto\n" : "action = kill\n");
		world_until(w, *w->airflow.sent);
		world_run(w, USEC_PER_SEC);
		end_by_on_kill(w);
		w->airflow.state = "success";
		scene_until(w, i == 0 ? RULE_ACTION_RETRY : RULE_ACTION_KILL, ACTION_UNCONFIRMED);
		assert_string_equal(w->airflow.sent, "F");
	}
}

/* One that is for other clusters, too: never the app alone, never beside the old one. */
static void retries_of_airflow_are_objected_to(void **state)
{
	static const struct {
		const char *name;
		const char *via;
		const char *words;
	} rows[] = {
		{"left to Airflow", "airflow", "take one that is gone for success"},
		{"while it runs", "restart", "its driver runs in the cluster"},
	};

	for_each_row(r, rows)
	{
		_cleanup_free_ char *rule = NULL;
		struct world *w;

		scene_anew(state);
		w = *state;
		w->airflow.max_tries = 2;
		assert_true(str_printf(&rule, "action = retry\nretry_via = %s\n", r->via) >= 0);
		fake_spark_add(&w->spark, "app-1", ACT_URL, WORLD_OWNER);
		world_start(w, "mode = act",
			WORLD_KUBE "[spark other]\nurl = http://d2:4040\n" WORLD_AIRFLOW, rule);
		world_until(w, fake_log_count(r->words) > 0);
		world_run(w, 5 * USEC_PER_SEC);
		assert_string_equal(w->airflow.sent, "");
		assert_int_equal(w->spark.kills, 0);
	}
}

/* A pod that nothing controls has no SparkApplication to suspend: known before its task is failed.
 */
static void a_way_of_another_owner(void **state)
{
	struct world *w = *state;

	act(w, NULL, "action = retry\nretry_via = auto\nkill_via = suspend\n");
	world_until(w, fake_log_count("a pod that kill_via of its rule cannot end") > 0);
	world_run(w, 5 * USEC_PER_SEC);
	assert_string_equal(w->airflow.sent, "");
	assert_int_equal(w->spark.kills, 0);
}

/* Its operator would start the next driver, or may: its task is left as it is, also where it would
 * only be told. */
static void known_before_its_task_is_failed(void **state)
{
	static const struct {
		const char *name;
		const char *operated;
		const char *mode;
		struct fake_answer answer; /* to who asks for its SparkApplication */
		const char *words;
	} rows[] = {
		{"its operator starts a new one", "Always", "act", {0},
			"restartPolicy Always, and its operator would start a new driver"},
		{"attempts are left", "OnFailure", "act", {0}, "restartPolicy OnFailure"},
		{"observed", "Always", "observe", {0}, "restartPolicy Always"},
		{"no right to look", "Never", "act",
			{.status = 403, .body = "{\"kind\":\"Status\",\"message\":\"no get\"}"},
			"answered 403: no get"},
		{"an API server away", "Never", "act", {.status = 503}, "answered 503"},
		{"one that never answers", "Never", "act", {.hangs = true},
			"what controls its driver could not be looked at"},
		{"what is no SparkApplication", "Never", "act",
			{.status = 200, .body = "{\"kind\":\"Pod\"}"},
			"what controls its driver could not be looked at"},
	};

	for_each_row(r, rows)
	{
		_cleanup_free_ char *mode = NULL;
		struct world *w;

		scene_anew(state);
		w = *state;
		assert_true(str_printf(&mode, "mode = %s", r->mode) >= 0);
		fake_spark_add(&w->spark, "app-1", ACT_URL, WORLD_OWNER)->operated = r->operated;
		if (r->answer.status > 0 || r->answer.hangs)
			fake_set(&w->fake, "GET *sparkapplications*", r->answer);
		world_start(w, mode, WORLD_KUBE WORLD_AIRFLOW,
			"action = retry\nretry_via = auto\nkill_via = delete-pod\n");
		world_until(w, fake_log_count(r->words) > 0);
		world_run(w, 5 * USEC_PER_SEC);
		assert_string_equal(w->airflow.sent, "");
		assert_int_equal(w->spark.kills, 0);
	}
}

/* What a daemon knew of the pod, the next one knows by the ledger. */
static void a_restart_in_between(void **state)
{
	struct world *w = *state;

	act(w, NULL, "action = retry\nretry_via = auto\n");
	world_until(w, *w->airflow.sent);
	world_stop(w);
	w->spark.apps[0].deleted = true;
	fake_app_end(&w->spark.apps[0], "KILLED");
	world_start(
		w, "mode = act", WORLD_KUBE WORLD_AIRFLOW, "action = retry\nretry_via = auto\n");
	world_until(w, str_equal(w->airflow.sent, "FC"));
	assert_int_equal(w->spark.kills, 0);
}

/* Said when it starts, not when it is needed. */
static void rights_that_are_missing(void **state)
{
	struct world *w = *state;

	w->spark.kill_offered = false;
	act(w, NULL, "action = kill\nkill_via = delete-pod\n");
	world_until(w, fake_log_count("it takes the right to delete pods") > 0);
}

#define POD_OF(uid, meta)                                                                          \
	"{\"kind\":\"PodList\",\"metadata\":{},\"items\":[{\"metadata\":{\"uid\":\"" uid           \
	"\",\"namespace\":\"n\",\"name\":\"p\"," meta "},\"spec\":{},\"status\":{" RUNNING "}}]}"
#define IDS(dag) "{\"dag_id\":\"" dag "\",\"run_id\":\"r\",\"task_id\":\"t\",\"try_number\":\"1\"}"
#define LABELS "\"labels\":" IDS("d")
#define ANNOTATIONS "\"annotations\":" IDS("d")
#define RUNNING_TIS(date)                                                                          \
	"{\"task_instances\":[{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"task_id\":\"t\","           \
	"\"map_index\":-1,\"try_number\":1,\"logical_date\":\"" date "\"}],\"total_entries\":1}"
/* Of d, t, try 1, not mapped, at midnight of 2026-08-05, as the OpenLineage provider computes it.
 */
#define LINEAGE                                                                                    \
	",[\"spark.openlineage.parentRunId\",\"019fcf38-4800-7050-be37-69bc20d3488e\"],"           \
	"[\"spark.openlineage.parentJobNamespace\",\"default\"]"

static const struct app_history *only_app(const struct world *w)
{
	return detector_n_apps(w->manager->detector) == 1 ? detector_app_at(w->manager->detector, 0)
							  : NULL;
}

static bool has_owner(const struct world *w)
{
	const struct app_history *a = only_app(w);

	return a && owner_known(&a->owner);
}

/* Found without the cluster policy, and said by what. */
static void an_owner_that_the_pod_points_at(void **state)
{
	static const struct {
		const char *name;
		const char *pods;
		const char *properties;
		const char *via;
	} rows[] = {
		{"annotations", POD_OF("u1", ANNOTATIONS "," LABELS), "", "annotations"},
		{"labels", POD_OF("u1", LABELS), "", "labels"},
		{"OpenLineage", POD_OF("u1", "\"labels\":{}"), LINEAGE, "openlineage"},
		{"the policy comes first", POD_OF("u1", "\"annotations\":" IDS("other")),
			WORLD_OWNER, "properties"},
	};

	for_each_row(r, rows)
	{
		const struct owner *owner;
		struct world *w;

		scene_anew(state);
		w = *state;
		world_make_state(w);
		fake_json(&w->fake, PODS, r->pods);
		fake_json(&w->fake, "GET " FAKE_AIRFLOW "/api/v2/dags/*/dagRuns/~/taskInstances?*",
			RUNNING_TIS("2026-08-05T00:00:00Z"));
		fake_spark_add(&w->spark, "app-1", POD_URL, r->properties);
		world_start(w, "", WORLD_KUBE WORLD_AIRFLOW, "action = notify");
		world_until(w, has_owner(w) && world_is_hung(w, "app-1"));
		owner = &detector_app_at(w->manager->detector, 0)->owner;
		assert_string_equal(owner->dag_id, "d");
		assert_string_equal(owner_via_name(owner->via), r->via);
		assert_string_equal(world_incident(w, 0)->owner.task_id, "t");
		/* The next daemon knows it of the ledger. */
		world_stop(w);
		world_start(w, "", WORLD_KUBE WORLD_AIRFLOW, "action = notify");
		assert_string_equal(owner_via_name(world_incident(w, 0)->owner.via), r->via);
	}
}

/* The address of a pod that is gone may be the next one's. */
static void an_address_that_has_changed_hands(void **state)
{
	struct world *w = *state;

	fake_json(&w->fake, PODS, POD_OF("u0", "\"labels\":{}"));
	fake_spark_add(&w->spark, "app-old", POD_URL, "");
	world_start(w, "", WORLD_KUBE WORLD_AIRFLOW, "action = notify");
	world_until(w, world_is_hung(w, "app-old"));
	fake_set(&w->fake, "GET " POD_URL "/*", (struct fake_answer){.hangs = true});
	fake_json(&w->fake, PODS, POD_OF("u1", ANNOTATIONS));
	world_run(w, USEC_PER_MINUTE);
	assert_non_null(only_app(w));
	assert_false(has_owner(w));
}

/* Of several pods on a node only one can be at its port. */
static void an_address_of_a_node_is_nobodys(void **state)
{
	struct world *w = *state;

	fake_json(&w->fake, PODS,
		"{\"kind\":\"PodList\",\"metadata\":{},\"items\":[{\"metadata\":{\"uid\":\"u1\","
		"\"namespace\":\"n\",\"name\":\"p\"," ANNOTATIONS
		"},\"spec\":{\"hostNetwork\":true},\"status\":{" RUNNING "}}]}");
	fake_spark_add(&w->spark, "app-1", POD_URL, "");
	world_start(w, "", WORLD_KUBE WORLD_AIRFLOW, "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	world_run(w, USEC_PER_MINUTE);
	assert_false(has_owner(w));
}

/* What it says names the pod, and what is most likely missing. */
static void a_driver_that_cannot_be_reached(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
		const char *status;
		const char *text;
	} rows[] = {
		{"a NetworkPolicy", {.hangs = true}, RUNNING,
			"pod n/etl-driver on node node-1: Running: a NetworkPolicy, or no route"},
		{"a node is lost", {.error = -EHOSTUNREACH}, RUNNING ",\"reason\":\"NodeLost\"",
			"pod n/etl-driver on node node-1: Running, NodeLost: a NetworkPolicy"},
		{"no UI", {.error = -ECONNREFUSED}, RUNNING, "spark.ui.enabled"},
	};

	for_each_row(r, rows)
	{
		_cleanup_free_ char *body = NULL;
		struct world *w;

		scene_anew(state);
		w = *state;
		assert_true(str_printf(&body, POD("%s"), r->status) >= 0);
		fake_json(&w->fake, PODS, body);
		fake_set(&w->fake, "GET " POD_URL "/*", r->answer);
		world_start(w, "", WORLD_KUBE, "action = notify");
		world_until(w, w->manager->incidents.n > 0);
		assert_int_equal(world_incident(w, 0)->verdict, VERDICT_UNOBSERVABLE);
		assert_non_null(strstr(world_incident(w, 0)->evidence, r->text));
		assert_true(fake_log_count(r->text) > 0);
	}
}

/* One that cannot be listed is told as long as it lasts; the other goes on. */
static void a_namespace_that_may_not_be_read(void **state)
{
	struct world *w = *state;

	fake_set(&w->fake, "GET " KUBE "/api/v1/namespaces/closed/pods?*",
		(struct fake_answer){.status = 403,
			.body = "{\"kind\":\"Status\",\"message\":\"pods is forbidden\"}"});
	fake_json(&w->fake, "GET " KUBE "/api/v1/namespaces/n/pods?*", POD(RUNNING));
	fake_spark_add(&w->spark, "app-1", POD_URL, WORLD_OWNER);
	world_start(w, "", WORLD_KUBE "namespace = n\nnamespace = closed\n", "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	assert_int_equal((int)world_metric(w, "stagewatch_up{spark_cluster=\"k\"}"), 0);
	assert_int_equal(fake_log_count("answered 403: pods is forbidden"), 1);
	fake_json(&w->fake, "GET " KUBE "/api/v1/namespaces/closed/pods?*", NO_PODS);
	world_until(w, world_metric(w, "stagewatch_up{spark_cluster=\"k\"}") > 0);
	assert_true(world_is_hung(w, "app-1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(found_hung_and_gone),
		story(one_that_does_not_start),
		story(one_that_waits_at_a_master),
		story(one_with_a_stage_has_started),
		story(one_that_waits_again_on_yarn),
		story(one_that_is_said_to_wait_and_runs),
		story(one_that_waits_where_there_is_no_list),
		story(one_without_a_label_whose_driver_refuses),
		story(a_driver_without_a_label_that_starts),
		story(without_a_list_drivers_are_polled_on),
		story(ended_as_its_owner_does_not_undo),
		story(ended_by_its_task),
		story(what_does_not_end_it),
		story(a_driver_that_is_started_anew),
		story(a_task_that_turns_green),
		story(retries_of_airflow_are_objected_to),
		story(a_way_of_another_owner),
		story(known_before_its_task_is_failed),
		story(a_restart_in_between),
		story(rights_that_are_missing),
		story(an_owner_that_the_pod_points_at),
		story(an_address_that_has_changed_hands),
		story(an_address_of_a_node_is_nobodys),
		story(a_driver_that_cannot_be_reached),
		story(a_namespace_that_may_not_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
