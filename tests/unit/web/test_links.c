/* SPDX-License-Identifier: Apache-2.0
 * Addresses and commands of what others have named. */
#include "../row.h"

#include <string.h>

#include "web/links.h"

static char dag[] = "d";
static char run[] = "scheduled__2026-11-29T02:00:00+00:00";
static char task[] = "t";
static char odd[] = "a/b?c#d";
static const struct owner plain = {
	.dag_id = dag, .run_id = run, .task_id = task, .map_index = -1, .try_number = 2};

static void assert_link(char *link, const char *wanted)
{
	if (wanted)
		assert_string_equal(link, wanted);
	else
		assert_null(link);
	free(link);
}

static void of_airflow(void **state)
{
	struct owner mapped = plain;
	struct owner nobody = {.map_index = -1};
	char *link = NULL;

	(void)state;
	mapped.map_index = 3;
	mapped.task_id = odd;
	assert_int_equal(links_task_log("http://a/", AIRFLOW_API_V2, &plain, &link), 0);
	assert_link(link, "http://a/dags/d/runs/scheduled__2026-11-29T02%3A00%3A00%2B00%3A00/tasks/"
			  "t?try_number=2");
	assert_int_equal(links_task_log("http://a", AIRFLOW_API_V2, &mapped, &link), 0);
	assert_link(link, "http://a/dags/d/runs/scheduled__2026-11-29T02%3A00%3A00%2B00%3A00/tasks/"
			  "a%2Fb%3Fc%23d/mapped/3?try_number=2");
	assert_int_equal(links_task_log("http://a", AIRFLOW_API_V1, &mapped, &link), 0);
	assert_link(link,
		"http://a/dags/d/grid?dag_run_id=scheduled__2026-11-29T02%3A00%3A00%2B00%3A00"
		"&task_id=a%2Fb%3Fc%23d&map_index=3&tab=logs");
	assert_int_equal(links_grid("http://a", AIRFLOW_API_V2, &plain, &link), 0);
	assert_link(link, "http://a/dags/d/runs/scheduled__2026-11-29T02%3A00%3A00%2B00%3A00");
	assert_int_equal(links_grid("http://a", AIRFLOW_API_UNKNOWN, &plain, &link), 0);
	assert_link(link, NULL);
	assert_int_equal(links_grid("http://a", AIRFLOW_API_V2, &nobody, &link), 0);
	assert_link(link, NULL);
	assert_int_equal(links_grid(NULL, AIRFLOW_API_V2, &plain, &link), 0);
	assert_link(link, NULL);
}

static void of_spark(void **state)
{
	char *link = NULL;

	(void)state;
	assert_int_equal(links_stage("http://d:4040/", 103, 1, &link), 0);
	assert_link(link, "http://d:4040/stages/stage/?id=103&attempt=1");
	assert_int_equal(links_stage("http://rm:8088/proxy/application_1_1", -1, -1, &link), 0);
	assert_link(link, "http://rm:8088/proxy/application_1_1/jobs/");
	assert_int_equal(links_stage(NULL, 103, 1, &link), 0);
	assert_link(link, NULL);
}

static void for_a_shell(void **state)
{
	static const struct {
		const char *name;
		const char *wanted;
	} rows[] = {
		{"app-1_2.3", "x app-1_2.3 y"},
		{"a b", "x 'a b' y"},
		{"$(reboot)", "x '$(reboot)' y"},
		{"a;reboot", "x 'a;reboot' y"},
		{"it's", "x 'it'\\''s' y"},
		{"", "x '' y"},
		{"*", "x '*' y"},
		{"--all", "x '--all' y"},
	};

	(void)state;
	for_each_row(r, rows)
	{
		char *text = NULL;

		assert_int_equal(links_command("x ", r->name, " y", &text), 0);
		assert_link(text, r->wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_airflow),
		cmocka_unit_test(of_spark),
		cmocka_unit_test(for_a_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
