/* SPDX-License-Identifier: Apache-2.0
 * Copies, comparisons and the names of Airflow's states. */
#include "core/facts/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/strbuf.h"

static void test_state_names(void **state)
{
	(void)state;
	for (int i = 0; i < TI_STATE_MAX; i++)
		assert_int_equal(ti_state_from_name(ti_state_name((enum ti_state)i)), i);
	assert_int_equal(ti_state_from_name(NULL), TI_STATE_NONE);
	assert_int_equal(ti_state_from_name("dreaming"), TI_STATE_OTHER);
	assert_int_equal(ti_state_from_name(""), TI_STATE_OTHER);
	assert_string_equal(ti_state_name(TI_STATE_MAX), "other");
}

static void test_owner(void **state)
{
	char dag[] = "etl";
	char run[] = "r1";
	char task[] = "load";
	const struct owner o = {dag, run, task, 3, 2, OWNER_VIA_LABELS};
	const struct owner other = {dag, run, task, 4, 2, OWNER_VIA_LABELS};
	_cleanup_(owner_clear) struct owner copy = {0};

	(void)state;
	assert_false(owner_known(&copy));
	assert_int_equal(owner_copy(&o, &copy), 0);
	assert_int_equal(owner_copy(&copy, &copy), 0);
	assert_true(owner_known(&copy));
	assert_ptr_not_equal(copy.dag_id, dag);
	assert_string_equal(copy.dag_id, "etl");
	assert_int_equal(copy.try_number, 2);
	copy.try_number = 5;
	assert_true(owner_same_task(&o, &copy));
	assert_false(owner_same_task(&other, &copy));
	owner_clear(&copy);
	assert_int_equal(copy.map_index, -1);
}

static void test_shared_apps(void **state)
{
	static const struct {
		const char *name;
		bool shared;
	} rows[] = {{"Thrift JDBC/ODBC Server", true}, {"Spark Connect server", true},
		{"Spark shell", true}, {"PySparkShell", true}, {"SparkSQL::10.0.0.1", true},
		{"spark shell", false}, {"etl", false}, {"", false}, {NULL, false}};
	char main_class[] =
		"sun.java.command=org.apache.spark.sql.hive.thriftserver.HiveThriftServer2";
	char plugin[] = "spark.plugins=a.B,org.apache.spark.sql.connect.SparkConnectPlugin";
	char other[] = "spark.plugins=a.B";
	char *items[] = {other, main_class, plugin};
	const struct strlist none = {0};
	char name[] = "warehouse";
	const struct app_info named = {.name = name};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(app_info_clear) struct app_info a = {0};

		assert_int_equal(str_replace(&a.name, rows[i].name), 0);
		if (app_is_shared(&a, &none) != rows[i].shared)
			fail_msg("%s", rows[i].name);
	}
	/* Under a name of its own it is known by what it runs. */
	assert_false(app_is_shared(&named, &(struct strlist){.items = &items[0], .n = 1}));
	assert_true(app_is_shared(&named, &(struct strlist){.items = &items[1], .n = 1}));
	assert_true(app_is_shared(&named, &(struct strlist){.items = items, .n = 3}));
	assert_true(app_is_shared(&named, &(struct strlist){.items = &items[2], .n = 1}));
}

static void test_app_info(void **state)
{
	char id[] = "app-1";
	const struct app_info a = {.id = id, .started = 7};
	_cleanup_(app_info_clear) struct app_info copy = {0};

	(void)state;
	assert_int_equal(app_info_copy(&a, &copy), 0);
	assert_int_equal(app_info_copy(&copy, &copy), 0);
	assert_string_equal(copy.id, "app-1");
	assert_null(copy.name);
	assert_int_equal(copy.started, 7);
}

static void test_clear_empty(void **state)
{
	struct stage_list stages = {0};
	struct job_list jobs = {0};
	struct app_list apps = {0};
	struct master_state master = {0};
	struct master_page page = {0};
	struct ti_obs ti = {0};

	(void)state;
	stage_list_clear(&stages);
	job_list_clear(&jobs);
	app_list_clear(&apps);
	master_state_clear(&master);
	master_page_clear(&page);
	ti_obs_clear(&ti);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_names),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_shared_apps),
		cmocka_unit_test(test_app_info),
		cmocka_unit_test(test_clear_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
