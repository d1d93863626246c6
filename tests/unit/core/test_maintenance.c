/* SPDX-License-Identifier: Apache-2.0
 * Maintenance windows over the week, and what is wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"
#include <errno.h>

#include "core/act/maintenance.h"

enum {
	SUN,
	MON,
	TUE,
	WED,
	THU,
	FRI,
	SAT
};

static int try_window(const char *days, const char *from, const char *to, struct maintenance *ret,
	const char **ret_key)
{
	_cleanup_free_ char *err = NULL;
	int r;

	*ret = (struct maintenance){0};
	*ret_key = NULL;
	assert_int_equal(param_defaults(maintenance_params, n_maintenance_params, ret), 0);
	assert_int_equal(str_replace(&ret->name, "night"), 0);
	if (days)
		assert_int_equal(str_replace(&ret->days, days), 0);
	assert_int_equal(str_replace(&ret->from, from), 0);
	assert_int_equal(str_replace(&ret->to, to), 0);
	assert_int_equal(str_replace(&ret->reason, "backups"), 0);
	r = maintenance_finish(ret, ret_key, &err);
	assert_int_equal(r == -EINVAL, err != NULL);
	return r;
}

static struct maintenance make(const char *days, const char *from, const char *to)
{
	struct maintenance m;
	const char *key;

	assert_int_equal(try_window(days, from, to, &m, &key), 0);
	return m;
}

static bool holds(const struct maintenance *m, unsigned weekday, unsigned hour, unsigned minute)
{
	struct local_time t = {weekday, hour * 60 + minute};

	return maintenance_holds(m, &t);
}

static void test_within_a_day(void **state)
{
	struct maintenance m = make("mon-fri", "09:00", "17:30");

	(void)state;
	assert_string_equal(m.text, "in the maintenance window night: backups");
	assert_false(holds(&m, MON, 8, 59));
	assert_true(holds(&m, MON, 9, 0));
	assert_true(holds(&m, FRI, 17, 29));
	assert_false(holds(&m, FRI, 17, 30));
	assert_false(holds(&m, SAT, 12, 0));
	assert_false(holds(&m, SUN, 12, 0));
	maintenance_clear(&m);
}

/* It belongs to the day on which it begins. */
static void test_over_midnight(void **state)
{
	struct maintenance m = make("mon-fri", "22:00", "06:00");

	(void)state;
	assert_false(holds(&m, MON, 5, 59));
	assert_false(holds(&m, MON, 21, 59));
	assert_true(holds(&m, MON, 22, 0));
	assert_true(holds(&m, MON, 23, 59));
	assert_true(holds(&m, TUE, 0, 0));
	assert_true(holds(&m, TUE, 5, 59));
	assert_false(holds(&m, TUE, 6, 0));
	assert_true(holds(&m, SAT, 5, 59));
	assert_false(holds(&m, SAT, 22, 0));
	assert_false(holds(&m, SUN, 0, 0));
	maintenance_clear(&m);
	m = make("sat", "22:00", "06:00");
	assert_true(holds(&m, SUN, 5, 59));
	assert_false(holds(&m, SUN, 22, 0));
	maintenance_clear(&m);
	m = make("sun", "22:00", "00:00");
	assert_true(holds(&m, SUN, 23, 59));
	assert_false(holds(&m, MON, 0, 0));
	maintenance_clear(&m);
}

static void test_days(void **state)
{
	struct maintenance m = make(NULL, "00:00", "24:00");

	(void)state;
	for (unsigned d = SUN; d <= SAT; d++) {
		assert_true(holds(&m, d, 0, 0));
		assert_true(holds(&m, d, 23, 59));
	}
	maintenance_clear(&m);
	m = make("fri-mon,wed", "00:00", "24:00");
	assert_int_equal(m.weekdays, 1 << FRI | 1 << SAT | 1 << SUN | 1 << MON | 1 << WED);
	maintenance_clear(&m);
	m = make("sat, sun", "00:00", "24:00");
	assert_int_equal(m.weekdays, 1 << SAT | 1 << SUN);
	maintenance_clear(&m);
}

static void assert_refused(
	const char *days, const char *from, const char *to, const char *wanted_key)
{
	struct maintenance m;
	const char *key;

	assert_int_equal(try_window(days, from, to, &m, &key), -EINVAL);
	if (wanted_key)
		assert_string_equal(key, wanted_key);
	else
		assert_null(key);
	maintenance_clear(&m);
}

static void test_refused(void **state)
{
	static const char *const days[] = {
		"", "monday", "mon-", "mon,", "-fri", "mon;tue", "MON", "mo", "mon-fri-sun"};
	static const char *const times[] = {"", "9", "9:00", "09.00", "25:00", "24:01", "12:60",
		"-1:00", "1 :00", "12:0x", "012:00"};

	(void)state;
	each_row(i, days) assert_refused(days[i], "01:00", "02:00", "days");
	each_row(i, times)
	{
		assert_refused("mon", times[i], "02:00", "from");
		assert_refused("mon", "02:00", times[i], "to");
	}
	assert_refused("mon", "24:00", "02:00", "from");
	assert_refused("mon", "02:00", "02:00", "to");
	assert_refused("mon", NULL, "02:00", NULL);
	assert_refused("mon", "02:00", NULL, NULL);
}

static void test_match(void **state)
{
	struct maintenance m[2] = {make("mon", "01:00", "02:00"), make("mon", "00:00", "24:00")};
	struct maintenance_list l = {m, 2};
	struct local_time t = {MON, 90};
	struct app_info app = {0};
	struct owner owner = {0};

	(void)state;
	assert_int_equal(str_replace(&m[0].app, "etl*"), 0);
	assert_int_equal(str_replace(&m[0].cluster, "main"), 0);
	assert_int_equal(str_replace(&m[1].dag, "nightly_*"), 0);
	assert_int_equal(str_replace(&app.name, "etl-1"), 0);
	assert_ptr_equal(maintenance_match(&l, &t, "main", &app, &owner), &m[0]);
	assert_null(maintenance_match(&l, &t, "other", &app, &owner));
	/* An owner who is not known matches no dag=. */
	assert_int_equal(str_replace(&owner.dag_id, "nightly_1"), 0);
	assert_ptr_equal(maintenance_match(&l, &t, "other", &app, &owner), &m[1]);
	assert_int_equal(str_replace(&owner.dag_id, "daily"), 0);
	assert_null(maintenance_match(&l, &t, "other", &app, &owner));
	t.weekday = TUE;
	assert_null(maintenance_match(&l, &t, "main", &app, &owner));
	owner_clear(&owner);
	app_info_clear(&app);
	maintenance_clear(&m[0]);
	maintenance_clear(&m[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_within_a_day),
		cmocka_unit_test(test_over_midnight),
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
