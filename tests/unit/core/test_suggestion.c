/* SPDX-License-Identifier: Apache-2.0
 * Durations in, a limit out. */
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
#include "core/detect/suggestion.h"

#define POLL (10 * USEC_PER_SEC)

static char app_id[] = "app-1";
static char app_name[] = "etl";
static const struct app_info app = {.id = app_id, .name = app_name};
static const struct suggest_place place = {.app = &app, .url = "http://h/app-1", .via = 3};

static void add(struct suggestion *s, int64_t id, usec_t duration)
{
	const struct finished_stage stage = {.stage_id = id, .duration = duration};

	assert_int_equal(suggest_add_stage(s, &place, &stage), 0);
}

/* Stages 0 to n - 1 of 1 s to n s. */
static void add_seconds(struct suggestion *s, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		add(s, i, (usec_t)(i + 1) * USEC_PER_SEC);
}

static void test_percentiles(void **state)
{
	struct suggestion s = {0};

	(void)state;
	assert_int_equal(suggest_percentile(&s, 50), 0);
	suggest_sort(&s);
	for (int64_t i = 200; i > 0; i--)
		add(&s, i, (usec_t)i * USEC_PER_SEC);
	suggest_sort(&s);
	assert_int_equal(s.n_stages, 200);
	assert_int_equal(suggest_percentile(&s, 50), 100 * USEC_PER_SEC);
	assert_int_equal(suggest_percentile(&s, 99), 198 * USEC_PER_SEC);
	assert_int_equal(suggest_percentile(&s, 100), 200 * USEC_PER_SEC);
	suggestion_clear(&s);
}

static void test_the_longest_are_kept(void **state)
{
	struct suggestion s = {0};

	(void)state;
	add_seconds(&s, 500);
	assert_int_equal(s.n_longest, SUGGEST_ASKED + 1);
	for (size_t i = 0; i < s.n_longest; i++) {
		assert_int_equal(s.longest[i].duration, (500 - i) * USEC_PER_SEC);
		assert_int_equal(s.longest[i].stage_id, 499 - i);
		assert_string_equal(s.longest[i].app_name, "etl");
		assert_int_equal(s.longest[i].via, 3);
	}
	suggestion_clear(&s);
}

/* No task of a stage that is shorter can be longer. */
static void test_asking_ends(void **state)
{
	struct suggestion s = {0};

	(void)state;
	add_seconds(&s, 100);
	assert_int_equal(suggest_next(&s)->stage_id, 99);
	suggest_answer(&s, 40 * USEC_PER_SEC);
	assert_int_equal(suggest_next(&s)->stage_id, 98);
	suggest_answer(&s, 98 * USEC_PER_SEC);
	assert_null(suggest_next(&s));
	assert_null(suggest_next(&s));
	assert_int_equal(s.n_asked, 2);
	assert_int_equal(s.task, 98 * USEC_PER_SEC);
	assert_int_equal(s.longest[s.task_of].stage_id, 98);
	assert_true(s.exact);
	suggestion_clear(&s);
}

static void test_asking_is_bounded(void **state)
{
	struct suggestion s = {0};
	size_t n = 0;

	(void)state;
	add_seconds(&s, 100);
	while (suggest_next(&s)) {
		suggest_answer(&s, USEC_PER_SEC);
		assert_true(++n <= SUGGEST_ASKED);
	}
	assert_int_equal(n, SUGGEST_ASKED);
	/* The whole of the first that was not asked. */
	assert_int_equal(s.task, (100 - SUGGEST_ASKED) * USEC_PER_SEC);
	assert_false(s.exact);
	assert_int_equal(s.longest[s.task_of].stage_id, 99 - SUGGEST_ASKED);
	suggestion_clear(&s);
}

static void test_without_an_answer_the_stage_is_the_bound(void **state)
{
	struct suggestion s = {0};

	(void)state;
	add_seconds(&s, 100);
	suggest_answer(&s, 30 * USEC_PER_SEC);
	suggest_answer(&s, 0);
	assert_int_equal(s.task, 99 * USEC_PER_SEC);
	assert_int_equal(s.task_of, 1);
	assert_false(s.exact);
	assert_null(suggest_next(&s));
	suggestion_clear(&s);
}

static void test_a_task_beyond_its_stage(void **state)
{
	struct suggestion s = {0};

	(void)state;
	add_seconds(&s, 30);
	suggest_answer(&s, USEC_PER_HOUR);
	assert_int_equal(s.task, 30 * USEC_PER_SEC);
	assert_true(s.exact);
	suggestion_clear(&s);
}

static void test_proposals(void **state)
{
	static const struct {
		const char *name;
		size_t n_stages;
		usec_t task;
		usec_t poll;
		usec_t proposed;
	} rows[] = {
		{"no stage", 0, USEC_PER_HOUR, POLL, 0},
		{"too few", 19, USEC_PER_HOUR, POLL, 0},
		{"enough", 20, USEC_PER_HOUR, POLL, 2 * USEC_PER_HOUR},
		{"short tasks: the minimum", 20, USEC_PER_SEC, POLL, 5 * USEC_PER_MINUTE},
		{"rounded up to a minute", 20, 190 * USEC_PER_SEC, POLL, 7 * USEC_PER_MINUTE},
		{"already round", 20, 3 * USEC_PER_MINUTE, POLL, 6 * USEC_PER_MINUTE},
		{"rounded up to 5 min", 20, 11 * USEC_PER_MINUTE, POLL, 25 * USEC_PER_MINUTE},
		{"rounded up to 15 min", 20, 61 * USEC_PER_MINUTE, POLL, 135 * USEC_PER_MINUTE},
		{"rounded up to an hour", 20, 191 * USEC_PER_MINUTE, POLL, 7 * USEC_PER_HOUR},
		{"seldom polls", 20, USEC_PER_SEC, 2 * USEC_PER_MINUTE, 20 * USEC_PER_MINUTE},
		{"a year", 20, RULE_LIMIT_MAX, POLL, RULE_LIMIT_MAX},
		{"no end", 20, USEC_INFINITY, POLL, RULE_LIMIT_MAX},
	};

	(void)state;
	for_each_row(r, rows)
	{
		const struct suggestion s = {.n_stages = r->n_stages, .task = r->task};

		assert_int_equal(suggest_hung_after(&s, r->poll), r->proposed);
	}
}

static void test_runtimes(void **state)
{
	static const struct {
		const char *name;
		size_t n_runs;
		usec_t run;
		usec_t proposed;
	} rows[] = {
		{"no run", 0, 0, 0},
		{"too few", 4, USEC_PER_HOUR, 0},
		{"enough", 5, USEC_PER_HOUR, 2 * USEC_PER_HOUR},
		{"short runs: the minimum", 5, USEC_PER_MINUTE, 30 * USEC_PER_MINUTE},
		{"rounded up to 15 min", 5, 130 * USEC_PER_MINUTE, 270 * USEC_PER_MINUTE},
		{"no end", 5, USEC_INFINITY, RULE_LIMIT_MAX},
	};

	(void)state;
	for_each_row(r, rows)
	{
		const struct suggestion s = {.n_runs = r->n_runs, .run = r->run};

		assert_int_equal(suggest_max_runtime(&s), r->proposed);
	}
}

static void test_apps_and_runs(void **state)
{
	struct suggestion s = {0};

	(void)state;
	suggest_add_app(&s, 50, 60);
	suggest_add_app(&s, 0, 20);
	suggest_add_app(&s, 10, 40);
	assert_int_equal(s.n_apps, 3);
	assert_int_equal(s.first, 10);
	assert_int_equal(s.last, 60);
	assert_int_equal(suggest_add_run(&s, "app-1", NULL, 0), 0);
	assert_string_equal(s.run_id, "app-1");
	assert_int_equal(suggest_add_run(&s, "app-2", "etl", 7), 0);
	assert_int_equal(suggest_add_run(&s, "app-3", "etl", 7), 0);
	assert_int_equal(s.n_runs, 3);
	assert_int_equal(s.run, 7);
	assert_string_equal(s.run_id, "app-2");
	assert_string_equal(s.run_name, "etl");
	suggestion_clear(&s);
}

/* The ledger knows neither a run's user nor its owner. */
static void test_rule_of_a_run(void **state)
{
	static char etl[] = "etl*";
	static char ml[] = "ml*";
	static char ann[] = "ann";
	static char dag[] = "d";
	static char prod[] = "prod";
	static const struct {
		const char *name;
		struct rule rules[2];
		int found; /* of the rules; 2: the fallback, -1: not known */
	} rows[] = {
		{"the first", {{.app = etl}, {.app = etl}}, 0},
		{"the second", {{.app = ml}, {.app = etl}}, 1},
		{"none", {{.app = ml}, {.app = ml}}, 2},
		{"a user decides", {{.app = etl, .user = ann}, {.app = etl}}, -1},
		{"a user decides before no rule", {{.app = ml}, {.user = ann}}, -1},
		{"a user of others", {{.app = ml, .user = ann}, {.app = etl}}, 1},
		{"a user of another cluster", {{.cluster = ml, .user = ann}, {.app = etl}}, 1},
		{"a user after it", {{.app = etl}, {.user = ann}}, 0},
		{"an owner decides", {{.dag = dag}, {.app = etl}}, -1},
		{"its cluster", {{.cluster = prod}, {.app = etl}}, 0},
	};
	const struct app_run run = {.cluster = prod, .app_id = app_id, .app_name = app_name};

	(void)state;
	for_each_row(r, rows)
	{
		struct rule copies[2] = {r->rules[0], r->rules[1]};
		const struct rule_list list = {.items = copies, .n = 2};
		const struct rule fallback = {0};
		const struct rule *found = suggest_rule_of_run(&list, &fallback, &run);

		assert_ptr_equal(found, r->found < 0    ? NULL
					: r->found == 2 ? &fallback
							: &copies[r->found]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_the_longest_are_kept),
		cmocka_unit_test(test_asking_ends),
		cmocka_unit_test(test_asking_is_bounded),
		cmocka_unit_test(test_without_an_answer_the_stage_is_the_bound),
		cmocka_unit_test(test_a_task_beyond_its_stage),
		cmocka_unit_test(test_proposals),
		cmocka_unit_test(test_runtimes),
		cmocka_unit_test(test_apps_and_runs),
		cmocka_unit_test(test_rule_of_a_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
