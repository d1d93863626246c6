/* SPDX-License-Identifier: Apache-2.0
 * Spark on Kubernetes: apps that are found by their pods and watched, and never acted upon. */
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

/* A rule that is for other clusters, too. */
static void a_hang_is_objected_to(void **state)
{
	struct world *w = *state;

	pod_of_app(w);
	world_start(w, "mode = act",
		WORLD_KUBE "[spark other]\nurl = http://d2:4040\n" WORLD_AIRFLOW, "action = retry");
	scene_refused(w,
		"its cluster can only be watched: type = kubernetes has no way to end an app yet");
	assert_int_equal((int)world_metric(w, "stagewatch_actions_refused_total{"
					      "action=\"retry\",reason=\"source\"}"),
		1);
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
		story(without_a_list_drivers_are_polled_on),
		story(a_hang_is_objected_to),
		story(a_driver_that_cannot_be_reached),
		story(a_namespace_that_may_not_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
