/* SPDX-License-Identifier: Apache-2.0
 * Each check of a task's settings in Airflow fires where it should, and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"

#include "base/strbuf.h"
#include "core/audit/audit.h"

static char default_pool[] = "default_pool";
static char pool[] = "spark";

static const struct {
	const char *check;
	struct task_settings fires;
	struct task_settings quiet;
	const char *found;
	const char *fix;
} rows[] = {
	{"airflow_execution_timeout", {.execution_timeout = 0}, {.execution_timeout = 1},
		"execution_timeout is not set", "execution_timeout=timedelta(hours=6)"},
	{"airflow_retries", {.retries = 0}, {.retries = 1}, "retries=0", "retries=1"},
	{"airflow_pool", {.pool = default_pool}, {.pool = pool}, "pool=default_pool",
		"pool=\"spark\""},
	{"airflow_pool", {.pool = default_pool}, {.pool = NULL}, "pool=default_pool",
		"pool=\"spark\""},
	{"airflow_active_runs", {.max_active_runs = 16}, {.max_active_runs = 1},
		"max_active_runs=16", "max_active_runs=1"},
	{"airflow_active_runs", {.max_active_runs = 2}, {.max_active_runs = 0}, "max_active_runs=2",
		"max_active_runs=1"},
};

static void run(const struct task_settings *task, struct audit_report *ret)
{
	struct strlist nothing = {0};
	struct app_memory memory = {0};
	struct audit_subject s = {
		.version = 403, .properties = &nothing, .memory = &memory, .task = task};

	assert_int_equal(audit_run(&s, ret), 0);
}

static const struct audit_finding *find(const struct audit_report *r, const char *check)
{
	for (size_t i = 0; i < r->n; i++)
		if (str_equal(r->items[i].check->name, check))
			return &r->items[i];
	return NULL;
}

static void test_each_check(void **state)
{
	(void)state;
	each_row(i, rows)
	{
		struct audit_report report = {0};
		const struct audit_finding *f;

		run(&rows[i].fires, &report);
		f = find(&report, rows[i].check);
		if (!f) {
			fail_msg("%s does not fire", rows[i].check);
			return;
		}
		assert_string_equal(f->found, rows[i].found);
		assert_string_equal(f->fix, rows[i].fix);
		audit_report_clear(&report);
		run(&rows[i].quiet, &report);
		if (find(&report, rows[i].check))
			fail_msg("%s fires where it should not", rows[i].check);
		audit_report_clear(&report);
	}
}

static void test_each_has_a_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_task_checks; i++) {
		size_t n = 0;

		each_row(k, rows) n += str_equal(rows[k].check, task_checks[i].check.name);
		if (n == 0)
			fail_msg("%s has no row", task_checks[i].check.name);
	}
}

static void test_nothing_known(void **state)
{
	struct audit_report report = {0};

	(void)state;
	run(NULL, &report);
	for (size_t i = 0; i < n_task_checks; i++)
		assert_null(find(&report, task_checks[i].check.name));
	audit_report_clear(&report);
}

static void test_well_set(void **state)
{
	const struct task_settings task = {
		.retries = 1, .execution_timeout = 1, .pool = pool, .max_active_runs = 1};
	struct audit_report report = {0};

	(void)state;
	run(&task, &report);
	for (size_t i = 0; i < n_task_checks; i++)
		assert_null(find(&report, task_checks[i].check.name));
	audit_report_clear(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_check),
		cmocka_unit_test(test_each_has_a_row),
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_well_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
