/* SPDX-License-Identifier: Apache-2.0
 * Finished runs against the ones before them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"

#include "base/strbuf.h"
#include "core/detect/app_run.h"

#define MIB ((uint64_t)1024 * 1024)
#define N 8

struct fixture {
	char cluster[8];
	char name[8];
	char other[8];
	struct app_run runs[N];
	struct app_run_list list;
};

/* The newest first: that one took so long and so much, the others 100 s and 1000 MiB. */
static void set_up(struct fixture *f, usec_t seconds, uint64_t executor, uint64_t driver)
{
	*f = (struct fixture){.cluster = "c", .name = "etl", .other = "ml"};
	f->list = (struct app_run_list){f->runs, N};
	for (size_t i = 0; i < N; i++)
		f->runs[i] = (struct app_run){
			.cluster = f->cluster,
			.app_name = f->name,
			.started = USEC_PER_HOUR,
			.ended = USEC_PER_HOUR + (i == 0 ? seconds : 100) * USEC_PER_SEC,
			.executor.heap_peak = (i == 0 ? executor : 1000) * MIB,
			.driver.heap_peak = (i == 0 ? driver : 1000) * MIB,
		};
}

static unsigned marks(struct fixture *f)
{
	struct app_run_comparison c;

	app_run_compare(&f->list, 0, &c);
	return c.marks;
}

static void test_what_is_marked(void **state)
{
	static const struct {
		usec_t seconds;
		uint64_t executor;
		uint64_t driver;
		unsigned marks;
	} rows[] = {
		{100, 1000, 1000, 0},
		{50, 100, 100, 0},
		{159, 1000, 1000, 0}, /* half as long again, but no minute */
		{161, 1000, 1000, RUN_SLOWER},
		{100, 1330, 1000, 0},
		{100, 1340, 1000, RUN_EXECUTOR_MEMORY},
		{100, 1000, 1340, RUN_DRIVER_MEMORY},
		{500, 2000, 2000, RUN_SLOWER | RUN_EXECUTOR_MEMORY | RUN_DRIVER_MEMORY},
	};
	struct fixture f;

	(void)state;
	each_row(i, rows)
	{
		set_up(&f, rows[i].seconds, rows[i].executor, rows[i].driver);
		assert_int_equal(marks(&f), rows[i].marks);
	}
}

static void test_long_runs_are_given_their_half(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1500, 1000, 1000);
	for (size_t i = 1; i < N; i++)
		f.runs[i].ended = f.runs[i].started + 1000 * USEC_PER_SEC;
	assert_int_equal(marks(&f), 0);
	f.runs[0].ended += USEC_PER_SEC;
	assert_int_equal(marks(&f), RUN_SLOWER);
}

static void test_small_memory_is_let_be(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 100, 227, 229);
	for (size_t i = 1; i < N; i++)
		f.runs[i].executor.heap_peak = f.runs[i].driver.heap_peak = 100 * MIB;
	assert_int_equal(marks(&f), RUN_DRIVER_MEMORY);
}

static void test_one_outlier_does_not_count(void **state)
{
	struct app_run_comparison c;
	struct fixture f;

	(void)state;
	set_up(&f, 200, 1000, 1000);
	f.runs[1].ended += USEC_PER_HOUR;
	app_run_compare(&f.list, 0, &c);
	assert_int_equal(c.n, RUNS_COMPARED);
	assert_int_equal(c.duration, 100 * USEC_PER_SEC);
	assert_int_equal(c.marks, RUN_SLOWER);
}

static void test_too_few_or_of_another_name(void **state)
{
	struct app_run_comparison c;
	struct fixture f;

	(void)state;
	set_up(&f, 900, 9000, 9000);
	f.list.n = RUNS_NEEDED;
	app_run_compare(&f.list, 0, &c);
	assert_int_equal(c.n, RUNS_NEEDED - 1);
	assert_int_equal(c.marks, 0);
	f.list.n = RUNS_NEEDED + 1;
	assert_int_not_equal(marks(&f), 0);
	f.runs[2].app_name = f.other;
	assert_int_equal(marks(&f), 0);
}

/* Memory that was not measured says nothing, and is not compared with. */
static void test_unknown_memory(void **state)
{
	struct app_run_comparison c;
	struct fixture f;

	(void)state;
	set_up(&f, 100, 2000, 0);
	for (size_t i = 1; i < N; i++)
		f.runs[i].executor.heap_peak = i <= 3 ? 0 : 1000 * MIB;
	app_run_compare(&f.list, 0, &c);
	assert_int_equal(c.executor_memory, 0);
	assert_int_equal(c.driver_memory, 1000 * MIB);
	assert_int_equal(c.marks, 0);
}

static void test_resident_memory_comes_first(void **state)
{
	struct memory_use m = {.heap_peak = 5, .tree_peak = 0};

	(void)state;
	assert_int_equal(memory_use_peak(&m), 5);
	m.tree_peak = 3;
	assert_int_equal(memory_use_peak(&m), 3);
}

static void test_of_an_app(void **state)
{
	char id[] = "app-1";
	struct app_info info = {.id = id, .started = 7 * USEC_PER_SEC};
	struct app_history *a = NULL;
	struct app_run r = {0};

	(void)state;
	assert_int_equal(app_history_new("c", &info, USEC_PER_HOUR, &a), 0);
	/* Never seen to answer. */
	assert_int_equal(app_run_of(a, 10 * USEC_PER_SEC, &r), -ENODATA);
	a->observed = USEC_PER_HOUR;
	a->memory.executor.heap_peak = 9;
	a->memory.most_executors = 2;
	assert_int_equal(app_run_of(a, 10 * USEC_PER_SEC, &r), 0);
	assert_string_equal(r.cluster, "c");
	assert_string_equal(r.app_id, "app-1");
	assert_string_equal(r.app_name, "");
	assert_int_equal(app_run_duration(&r), 3 * USEC_PER_SEC);
	assert_int_equal(r.executor.heap_peak, 9);
	assert_int_equal(r.executors, 2);
	app_run_clear(&r);
	app_history_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_marked),
		cmocka_unit_test(test_long_runs_are_given_their_half),
		cmocka_unit_test(test_small_memory_is_let_be),
		cmocka_unit_test(test_one_outlier_does_not_count),
		cmocka_unit_test(test_too_few_or_of_another_name),
		cmocka_unit_test(test_unknown_memory),
		cmocka_unit_test(test_resident_memory_comes_first),
		cmocka_unit_test(test_of_an_app),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
