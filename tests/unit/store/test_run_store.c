/* SPDX-License-Identifier: Apache-2.0
 * Runs in a real ledger: what is kept, in which order, how much. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "store/run_store.h"
#include "store/schema.h"

#define WALL (1795405025 * USEC_PER_SEC)

struct fixture {
	char dir[64];
	struct ledger *ledger;
	struct run_store *store;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){0};
	(void)snprintf(f.dir, sizeof(f.dir), "/tmp/runs-XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	assert_int_equal(ledger_open(f.dir, &store_schema, &f.ledger), 0);
	assert_int_equal(run_store_new(f.ledger, &f.store), 0);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *command = NULL;

	run_store_free(f->store);
	ledger_free(f->ledger);
	assert_int_equal(str_printf(&command, "rm -r %s", f->dir), 0);
	return system(command);
}

/* The number-th run of an app that began and ended so many seconds after WALL. */
static void add(struct fixture *f, const char *name, unsigned number, usec_t ended)
{
	struct app_info info = {.started = WALL + number * USEC_PER_SEC};
	struct app_history *a = NULL;

	assert_int_equal(str_printf(&info.id, "app-%u", number), 0);
	assert_int_equal(str_replace(&info.name, name), 0);
	assert_int_equal(app_history_new("c", &info, 1, &a), 0);
	a->observed = 1;
	a->memory.executor = (struct memory_use){1, 2, 3};
	a->memory.driver = (struct memory_use){4, 5, 6};
	a->memory.most_executors = 7;
	a->memory.task_time = 8;
	a->memory.gc_time = 9;
	run_store_add(f->store, a, WALL + ended * USEC_PER_SEC);
	app_history_free(a);
	app_info_clear(&info);
}

static void test_keeps_all_of_it(void **state)
{
	struct fixture *f = *state;
	struct app_run_list l = {0};
	const struct app_run *r;

	add(f, "etl", 1, 100);
	assert_int_equal(run_store_list(f->store, NULL, &l), 0);
	assert_int_equal(l.n, 0); /* not before the tick */
	app_run_list_clear(&l);
	run_store_tick(f->store, WALL + USEC_PER_HOUR);
	assert_int_equal(run_store_list(f->store, "", &l), 0);
	assert_int_equal(l.n, 1);
	r = &l.items[0];
	assert_string_equal(r->cluster, "c");
	assert_string_equal(r->app_name, "etl");
	assert_string_equal(r->app_id, "app-1");
	assert_int_equal(app_run_duration(r), 99 * USEC_PER_SEC);
	assert_memory_equal(&r->executor, (&(struct memory_use){1, 2, 3}), sizeof(r->executor));
	assert_memory_equal(&r->driver, (&(struct memory_use){4, 5, 6}), sizeof(r->driver));
	assert_int_equal(r->executors, 7);
	assert_int_equal(r->task_time, 8);
	assert_int_equal(r->gc_time, 9);
	app_run_list_clear(&l);
}

static void test_order_and_names(void **state)
{
	struct fixture *f = *state;
	struct app_run_list l = {0};

	add(f, "ml", 1, 10);
	add(f, "etl", 2, 20);
	add(f, "etl", 3, 30);
	add(f, "etl", 2, 40); /* the same run again: the later one holds */
	run_store_tick(f->store, WALL);
	assert_int_equal(run_store_list(f->store, NULL, &l), 0);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.items[0].app_id, "app-2");
	assert_int_equal(l.items[0].ended, WALL + 40 * USEC_PER_SEC);
	assert_string_equal(l.items[1].app_id, "app-3");
	assert_string_equal(l.items[2].app_name, "ml");
	app_run_list_clear(&l);
	assert_int_equal(run_store_list(f->store, "ml", &l), 0);
	assert_int_equal(l.n, 1);
	app_run_list_clear(&l);
	assert_int_equal(run_store_list(f->store, "' OR 1 --", &l), 0);
	assert_int_equal(l.n, 0);
	app_run_list_clear(&l);
}

static void test_what_is_usual(void **state)
{
	struct fixture *f = *state;
	size_t n = 7;

	add(f, "etl", 1, 1 + 10);
	add(f, "etl", 2, 2 + 20);
	run_store_tick(f->store, WALL);
	assert_int_equal(run_store_usual(f->store, "c", "etl", &n), 0); /* too few */
	assert_int_equal(n, 2);
	for (unsigned i = 3; i < 10; i++)
		add(f, "etl", i, i + 10 * (usec_t)i);
	add(f, "ml", 1, 1000);
	run_store_tick(f->store, WALL);
	assert_int_equal(run_store_usual(f->store, "c", "etl", &n), 70 * USEC_PER_SEC);
	assert_int_equal(n, RUNS_COMPARED);
	assert_int_equal(run_store_usual(f->store, "another", "etl", &n), 0);
	assert_int_equal(run_store_usual(f->store, "c", NULL, &n), 0);
	assert_int_equal(run_store_usual(NULL, "c", "etl", &n), 0);
}

static void test_few_are_kept(void **state)
{
	struct fixture *f = *state;
	struct app_run_list l = {0};

	for (unsigned i = 0; i < RUNS_KEPT + 5; i++)
		add(f, "etl", i, 100 + i);
	add(f, "ml", 1, 5);
	run_store_tick(f->store, WALL);
	assert_int_equal(run_store_list(f->store, NULL, &l), 0);
	assert_int_equal(l.n, RUNS_KEPT + 1);
	assert_int_equal(l.items[RUNS_KEPT - 1].ended, WALL + 105 * USEC_PER_SEC);
	app_run_list_clear(&l);
	/* What is old goes with the next one that is written. */
	add(f, "new", 2, 60 + RUNS_MAX_AGE / USEC_PER_SEC);
	run_store_tick(f->store, WALL + 60 * USEC_PER_SEC + RUNS_MAX_AGE);
	assert_int_equal(run_store_list(f->store, NULL, &l), 0);
	assert_int_equal(l.n, RUNS_KEPT + 1);
	assert_string_equal(l.items[RUNS_KEPT].app_name, "new");
	app_run_list_clear(&l);
}

/* The last to end are shown, whatever they are called. */
static void test_the_newest_are_shown(void **state)
{
	struct fixture *f = *state;
	struct app_run_list l = {0};
	char name[16];

	for (unsigned i = 0; i < RUNS_SHOWN + RUNS_KEPT; i++) {
		/* The oldest come first by name. */
		(void)snprintf(name, sizeof(name), "n%03u", i / RUNS_KEPT);
		add(f, name, i, 10000 + i);
		if (i % 500 == 499)
			run_store_tick(f->store, WALL);
	}
	run_store_tick(f->store, WALL);
	assert_int_equal(run_store_list(f->store, NULL, &l), 0);
	assert_int_equal(l.n, RUNS_SHOWN);
	for (size_t i = 0; i < l.n; i++)
		assert_true(l.items[i].ended >= WALL + (10000 + RUNS_KEPT) * USEC_PER_SEC);
	/* By name, and of each name the last first. */
	assert_string_equal(l.items[0].app_name, "n001");
	assert_true(l.items[0].ended > l.items[1].ended);
	assert_string_equal(l.items[RUNS_SHOWN - 1].app_name, "n100");
	app_run_list_clear(&l);
	assert_int_equal(run_store_list(f->store, "n000", &l), 0);
	assert_int_equal(l.n, RUNS_KEPT);
	assert_int_equal(l.items[0].ended, WALL + (10000 + RUNS_KEPT - 1) * USEC_PER_SEC);
	app_run_list_clear(&l);
}

static void test_written_at_the_end(void **state)
{
	struct fixture *f = *state;
	struct app_run_list l = {0};

	add(f, "etl", 1, 10);
	run_store_free(f->store);
	assert_int_equal(run_store_new(f->ledger, &f->store), 0);
	assert_int_equal(run_store_list(f->store, NULL, &l), 0);
	assert_int_equal(l.n, 1);
	app_run_list_clear(&l);
}

static void test_without_a_ledger(void **state)
{
	struct fixture *f = *state;
	struct fixture without = {0};
	struct app_run_list l = {0};

	(void)f;
	assert_int_equal(run_store_new(NULL, &without.store), 0);
	for (unsigned i = 0; i < 1100; i++)
		add(&without, "etl", i, 10);
	run_store_tick(without.store, WALL);
	assert_int_equal(run_store_list(without.store, NULL, &l), -ENOTCONN);
	run_store_free(without.store);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_keeps_all_of_it),
		CASE(test_order_and_names),
		CASE(test_what_is_usual),
		CASE(test_few_are_kept),
		CASE(test_the_newest_are_shown),
		CASE(test_written_at_the_end),
		CASE(test_without_a_ledger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
