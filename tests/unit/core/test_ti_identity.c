/* SPDX-License-Identifier: Apache-2.0
 * Which try of a task instance it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/act/ti_identity.h"

static char id_one[] = "id-1";
static char id_two[] = "id-2";
static char host[] = "worker-1";
static char other[] = "worker-2";

static const struct ti_obs airflow_2 = {
	.try_number = 1, .started = 1000, .pid = 42, .hostname = host};

static bool same(const struct ti_obs *before, struct ti_obs now)
{
	struct ti_identity i = {0};
	bool yes;

	assert_int_equal(ti_identity_of(before, &i), 0);
	yes = ti_identity_matches(&i, &now);
	ti_identity_clear(&i);
	assert_null(i.hostname);
	return yes;
}

/* The id of a try decides alone: the rest changes while it runs, or is not told. */
static void test_airflow_3(void **state)
{
	const struct ti_obs t = {.id = id_one, .try_number = 1, .started = 1000, .pid = 42};

	(void)state;
	assert_true(same(&t, t));
	assert_true(same(&t, (struct ti_obs){.id = id_one, .try_number = 2, .pid = 7}));
	assert_false(same(&t, (struct ti_obs){.id = id_two, .try_number = 1, .started = 1000}));
	assert_false(same(&t, airflow_2));
	assert_false(same(&airflow_2, t));
}

static void test_airflow_2(void **state)
{
	struct ti_obs t = airflow_2;

	(void)state;
	assert_true(same(&airflow_2, t));
	t.pid = 0; /* for a moment it is not told */
	t.hostname = NULL;
	assert_true(same(&airflow_2, t));
	assert_true(same(&t, airflow_2));
	t.started = 1001;
	assert_false(same(&airflow_2, t));
	t = airflow_2;
	t.try_number = 2;
	assert_false(same(&airflow_2, t));
	t = airflow_2;
	t.pid = 43;
	assert_false(same(&airflow_2, t));
	t = airflow_2;
	t.hostname = other;
	assert_false(same(&airflow_2, t));
}

static void test_taken_anew(void **state)
{
	struct ti_identity i = {0};
	struct ti_obs t = airflow_2;

	(void)state;
	assert_int_equal(ti_identity_of(&t, &i), 0);
	t.pid = 43;
	t.id = id_one;
	assert_int_equal(ti_identity_of(&t, &i), 0);
	assert_true(ti_identity_matches(&i, &t));
	assert_string_equal(i.id, "id-1");
	assert_int_equal(i.pid, 43);
	ti_identity_clear(&i);
	ti_identity_clear(&i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_airflow_3),
		cmocka_unit_test(test_airflow_2),
		cmocka_unit_test(test_taken_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
