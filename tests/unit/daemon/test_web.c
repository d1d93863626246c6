/* SPDX-License-Identifier: Apache-2.0
 * What the web server answers: each path, in whatever state the daemon is. How it gets over a
 * socket: tests/unit/io/test_http_server.c. */
#include "scene.h"

#define ONE "[spark one]\ntype = driver\nurl = " SCENE_D1 "\ntimeout = 1s\n"
#define KRYO                                                                                       \
	",[\"spark.serializer\",\"org.apache.spark.serializer.KryoSerializer\"],"                  \
	"[\"spark.driver.maxResultSize\",\"256m\"]"

static void each_path(void **state)
{
	static const struct {
		const char *name;
		int status;
		const char *holds;
	} rows[] = {
		{"/", 200, "/api/v1/incidents"},
		{"/metrics", 200, "stagewatch_up{spark_cluster=\"one\"} 1"},
		{"/metrics", 200,
			"verdict=\"hung\",dag=\"\",task=\"\",rule=\"all\",acting=\"no\"} 1"},
		{"/-/healthy", 200, ""},
		{"/-/ready", 200, ""},
		{"/api/v1/status", 200, "\"clusters\""},
		{"/api/v1/stages", 200, "\"app-1\""},
		{"/api/v1/incidents", 200, "\"hung\""},
		{"/api/v1/incidents/none", 404, ""},
		{"/api/v1/audit", 200, "\"audited\""},
		{"/api/v1/report", 200, ""},
		{"/api/v1/probe", 404, ""}, /* off */
		{"/api/v1/pause", 404, ""}, /* an order, over the control socket only */
		{"/api/v1", 404, ""},
		{"/api/v1/stages/", 404, ""},
		{"/runbook/", 200, "<a href=\"hung\">hung</a>"},
		{"/runbook/StagewatchSparkStageHung", 200, "<h2>What to do now</h2>"},
		{"/runbook/io_wait", 200, "<h1>The cause io_wait</h1>"},
		{"/runbook", 404, ""},
		{"/runbook/phantom", 404, ""},
		{"/runbook/../../etc/passwd", 404, ""},
		{"/../etc/passwd", 404, ""},
		{"", 404, ""},
	};
	struct world *w = *state;

	fake_spark_add(&w->spark, "app-1", SCENE_D1, "");
	world_start(w, "mode = act", ONE, "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	for_each_row(r, rows)
	{
		int status = 0;
		_cleanup_free_ char *body = world_get(w, r->name, NULL, &status);

		assert_int_equal(status, r->status);
		assert_non_null(strstr(body ? body : "", r->holds));
		if (strncmp(r->name, "/api/", 5) == 0 && status == 200) {
			cJSON *json = cJSON_Parse(body);

			assert_non_null(json);
			cJSON_Delete(json);
		}
	}
}

static void one_incident(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *path = NULL;
	const cJSON *json;

	fake_spark_add(&w->spark, "app-1", SCENE_D1, WORLD_OWNER);
	world_start(w, "mode = act", ONE, "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	assert_true(str_printf(&path, "/api/v1/incidents/%s", world_incident(w, 0)->id) >= 0);
	json = world_json(w, path);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "state")), "open");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(
				    cJSON_GetObjectItem(json, "owner"), "task_id")),
		"t");
	assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(json, "steps")) >= 2);
}

static void not_ready_before_the_first_poll(void **state)
{
	struct world *w = *state;
	int status = 0;

	fake_spark_add(&w->spark, "app-1", SCENE_D1, "");
	fake_set(&w->fake, "GET *", (struct fake_answer){.hangs = true});
	world_start(w, "mode = act",
		"[spark one]\ntype = driver\nurl = " SCENE_D1 "\ntimeout = 30s\n",
		"action = notify");
	free(world_get(w, "/-/ready", NULL, &status));
	assert_int_equal(status, 503);
	free(world_get(w, "/-/healthy", NULL, &status));
	assert_int_equal(status, 200);
	/* The next tick begins without the answer: ready then, whatever hangs. */
	world_run(w, 2 * USEC_PER_SEC);
	free(world_get(w, "/-/ready", NULL, &status));
	assert_int_equal(status, 200);
}

/* Format of OpenMetrics where the client asks for it. */
static void metrics_in_both_formats(void **state)
{
	struct world *w = *state;
	struct http_server_request request = {.path = "/metrics"};
	struct http_server_reply text = {0};
	struct http_server_reply open = {0};

	fake_spark_add(&w->spark, "app-1", SCENE_D1, "");
	world_start(w, "mode = act", ONE, "action = notify");
	world_run(w, 3 * USEC_PER_SEC);
	assert_int_equal(manager_answer(w->manager, &request, &text), 0);
	request.accept = "application/openmetrics-text; version=1.0.0";
	assert_int_equal(manager_answer(w->manager, &request, &open), 0);
	assert_non_null(strstr(text.content_type, "text/plain"));
	assert_non_null(strstr(open.content_type, "application/openmetrics-text"));
	assert_null(strstr(text.body, "# EOF"));
	assert_string_equal(open.body + open.len - strlen("# EOF\n"), "# EOF\n");
	free(text.body);
	free(open.body);
}

static const cJSON *audit_of(struct world *w, const char *app_id)
{
	const cJSON *app;

	cJSON_ArrayForEach(app, cJSON_GetObjectItem(world_json(w, "/api/v1/audit"), "apps"))
	{
		if (str_equal(cJSON_GetStringValue(cJSON_GetObjectItem(app, "app_id")), app_id) &&
			cJSON_IsTrue(cJSON_GetObjectItem(app, "audited")))
			return cJSON_GetObjectItem(app, "findings");
	}
	return NULL;
}

/* "check check", in the order of the answer. */
static const char *checks_of(struct world *w, const char *app_id)
{
	static char text[512];
	const cJSON *finding;

	text[0] = '\0';
	cJSON_ArrayForEach(finding, audit_of(w, app_id))
	{
		size_t n = strlen(text);

		(void)snprintf(text + n, sizeof(text) - n, "%s%s", n > 0 ? " " : "",
			cJSON_GetStringValue(cJSON_GetObjectItem(finding, "check")));
	}
	return text;
}

/* How the owner's task is set is asked once per app, also where nothing is acted upon. */
static void the_audit_asks_airflow_once(void **state)
{
	for (int v1 = 0; v1 < 2; v1++) {
		struct world *w;

		scene_anew(state);
		w = *state;
		row_at = v1 ? "v1" : "v2";
		fake_airflow_init(&w->airflow, v1);
		fake_spark_add(&w->spark, "app-1", SCENE_D1, WORLD_OWNER KRYO);
		fake_spark_add(&w->spark, "app-2", "http://d2:4040", KRYO);
		world_start(w, "mode = observe",
			ONE "[spark two]\ntype = driver\nurl = http://d2:4040\n" WORLD_AIRFLOW,
			"action = none");
		world_until(w, strstr(checks_of(w, "app-1"), "airflow"));
		assert_string_equal(checks_of(w, "app-1"),
			"airflow_execution_timeout airflow_retries airflow_pool "
			"airflow_active_runs");
		assert_string_equal(checks_of(w, "app-2"), "");
		world_run(w, 20 * USEC_PER_SEC);
		assert_int_equal(fake_n_asked(&w->fake, "GET */tasks/t"), 1);
	}
	row_at = NULL;
}

/* What is not known is no finding, and is not asked at each poll. */
static void no_word_on_the_task(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
	} rows[] = {
		{"404", {.status = 404}},
		{"500", {.status = 500}},
		{"html", {.status = 200, .body = "<html>"}},
		{"another task",
			{.status = 200, .body = "{\"task_id\":\"another\",\"retries\":1}"}},
		{"nothing of it", {.status = 200, .body = "{\"task_id\":\"t\"}"}},
		{"out of range",
			{.status = 200,
				.body = "{\"task_id\":\"t\",\"retries\":1,\"execution_timeout\":"
					"{\"days\":1e15,\"seconds\":0}}"}},
	};

	for_each_row(r, rows)
	{
		struct world *w;

		scene_anew(state);
		w = *state;
		fake_spark_add(&w->spark, "app-1", SCENE_D1, WORLD_OWNER KRYO);
		fake_set(&w->fake, "GET */tasks/t", r->answer);
		world_start(w, "mode = observe", ONE WORLD_AIRFLOW, "action = none");
		world_run(w, 20 * USEC_PER_SEC);
		assert_non_null(audit_of(w, "app-1"));
		assert_string_equal(checks_of(w, "app-1"), "");
		assert_int_equal(fake_n_asked(&w->fake, "GET */tasks/t"), 1);
	}
}

/* What cannot be read gives no finding, and no poll is lost by it. */
static void a_driver_without_answers(void **state)
{
	struct world *w = *state;

	fake_spark_add(&w->spark, "app-1", SCENE_D1, KRYO);
	fake_set(&w->fake, "GET */allexecutors",
		(struct fake_answer){
			.status = 200, .type = "application/json", .body = "[{\"id\": 7}]"});
	fake_set(&w->fake, "GET */environment", (struct fake_answer){.status = 500});
	world_start(w, "mode = act", ONE, "action = notify");
	world_until(w, world_is_hung(w, "app-1"));
	assert_null(audit_of(w, "app-1"));
}

/* More drivers than connections: told once when it begins, and once when it ends. */
static void too_few_connections(void **state)
{
	struct world *w = *state;

	fake_spark_add(&w->spark, "app-1", SCENE_D1, "")->moving = true;
	fake_http_client_keep(0);
	world_start(w, "", ONE, "action = notify");
	world_run(w, 5 * USEC_PER_SEC);
	assert_int_equal(fake_log_count("1 apps are watched, but only 0 connections stay open"), 1);
	fake_http_client_keep(1);
	world_run(w, 5 * USEC_PER_SEC);
	assert_int_equal(fake_log_count("connections to drivers stay open again"), 1);
	fake_http_client_keep(SIZE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(each_path),
		story(too_few_connections),
		story(one_incident),
		story(not_ready_before_the_first_poll),
		story(metrics_in_both_formats),
		story(the_audit_asks_airflow_once),
		story(no_word_on_the_task),
		story(a_driver_without_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
