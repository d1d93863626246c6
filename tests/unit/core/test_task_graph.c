/* SPDX-License-Identifier: Apache-2.0
 * What hangs on a task of a DAG. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"

#include "base/strbuf.h"
#include "core/act/task_graph.h"

struct line {
	const char *id;
	const char *rule;
	const char *next[4];
};

static void make(const struct line *lines, size_t n, struct task_graph *g)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(task_graph_add(g, lines[i].id, lines[i].rule), 0);
		for (size_t k = 0; k < ELEMENTSOF(lines[i].next) && lines[i].next[k]; k++)
			assert_int_equal(task_graph_add_next(g, lines[i].next[k]), 0);
	}
	assert_int_equal(task_graph_finish(g), 0);
}

static void test_rules(void **state)
{
	static const char *const calm[] = {"all_success", "none_failed",
		"none_failed_min_one_success", "none_failed_or_skipped", "one_success",
		"all_skipped", "always", "dummy"};
	static const char *const firing[] = {"all_done", "all_failed", "one_failed", "one_done",
		"none_skipped", "all_done_setup_success", "all_done_min_one_success", "a_new_rule",
		"", NULL};

	(void)state;
	each_row(i, calm) assert_false(trigger_rule_fires(calm[i]));
	each_row(i, firing) assert_true(trigger_rule_fires(firing[i]));
}

static void test_what_fires(void **state)
{
	static const struct line lines[] = {
		{"submit", "all_success", {"load", "group.first"}},
		{"load", "all_success", {"report", "gone"}},
		{"report", "all_done", {"mail"}},
		{"mail", "all_success", {0}},
		{"group.first", "none_failed", {"group.inner.alarm"}},
		{"group.inner.alarm", "one_failed", {"submit"}}, /* a circle ends the walk */
		{"before", "all_done", {"submit"}},
		{"beside", "all_done", {0}},
	};
	static const char *const cases[][2] = {
		{"submit", "group.inner.alarm (one_failed), report (all_done)"},
		{"load", "report (all_done)"},
		{"report", NULL},
		{"mail", NULL},
		{"beside", NULL},
	};
	_cleanup_(task_graph_clear) struct task_graph g = {0};

	(void)state;
	make(lines, ELEMENTSOF(lines), &g);
	each_row(i, cases)
	{
		_cleanup_(task_scope_clear) struct task_scope s = {0};

		assert_int_equal(task_scope_of(&g, cases[i][0], &s), 0);
		if (cases[i][1])
			assert_string_equal(s.fires, cases[i][1]);
		else
			assert_null(s.fires);
		assert_false(s.has_set_up);
	}
}

static void test_not_there(void **state)
{
	_cleanup_(task_graph_clear) struct task_graph g = {0};
	struct task_scope s = {0};

	(void)state;
	assert_int_equal(task_graph_finish(&g), 0);
	assert_int_equal(task_scope_of(&g, "submit", &s), -ENOENT);
	assert_false(task_graph_is_teardown(&g, "submit"));
}

static void test_many_that_fire(void **state)
{
	_cleanup_(task_graph_clear) struct task_graph g = {0};
	_cleanup_(task_scope_clear) struct task_scope s = {0};

	(void)state;
	for (int i = 0; i < 9; i++) {
		char id[16];

		(void)snprintf(id, sizeof(id), "t%d", i);
		assert_int_equal(task_graph_add(&g, id, i > 0 ? "all_done" : "all_success"), 0);
		(void)snprintf(id, sizeof(id), "t%d", i + 1);
		assert_int_equal(task_graph_add_next(&g, id), 0);
	}
	assert_int_equal(task_graph_finish(&g), 0);
	assert_int_equal(task_scope_of(&g, "t0", &s), 0);
	assert_string_equal(s.fires, "t1 (all_done), t2 (all_done), t3 (all_done), t4 (all_done), "
				     "t5 (all_done), t6 (all_done) and 2 more");
}

static void test_set_ups(void **state)
{
	static const struct line lines[] = {
		{"prepare", "all_success", {"submit", "other", "cleanup"}},
		{"submit", "all_success", {"cleanup", "after"}},
		{"other", "all_success", {"cleanup"}},
		{"cleanup", "all_done_setup_success", {0}},
		{"after", "all_success", {0}},
		{"first", "all_success", {"prepare", "alone"}},
		{"alone", "all_success", {0}},
	};
	_cleanup_(task_graph_clear) struct task_graph g = {0};
	_cleanup_(task_scope_clear) struct task_scope s = {0};
	_cleanup_(task_scope_clear) struct task_scope alone = {0};

	(void)state;
	make(lines, ELEMENTSOF(lines), &g);
	assert_true(task_graph_is_teardown(&g, "cleanup"));
	assert_int_equal(task_scope_of(&g, "submit", &s), 0);
	assert_string_equal(s.fires, "cleanup (teardown)");
	assert_true(s.has_set_up);
	assert_true(task_scope_takes_along(&s, "prepare"));
	assert_true(task_scope_takes_along(&s, "cleanup"));
	assert_false(task_scope_takes_along(&s, "first"));
	assert_false(task_scope_takes_along(&s, "other"));
	assert_false(task_scope_takes_along(&s, "after"));
	assert_false(task_scope_takes_along(&s, "nobody"));
	assert_true(task_scope_shares(&s, "other"));
	assert_true(task_scope_shares(&s, "submit")); /* another index of it */
	assert_false(task_scope_shares(&s, "cleanup"));
	assert_false(task_scope_shares(&s, "first"));
	assert_false(task_scope_shares(&s, "alone"));
	assert_false(task_scope_shares(&s, "nobody"));

	assert_int_equal(task_scope_of(&g, "alone", &alone), 0);
	assert_false(alone.has_set_up);
	assert_false(task_scope_shares(&alone, "other"));
}

static void test_bounds(void **state)
{
	_cleanup_(task_graph_clear) struct task_graph g = {0};
	_cleanup_(task_scope_clear) struct task_scope s = {0};
	char id[16];

	(void)state;
	for (int i = 0; i < TASK_GRAPH_MAX_TASKS; i++) {
		(void)snprintf(id, sizeof(id), "t%d", i);
		assert_int_equal(task_graph_add(&g, id, "all_done"), 0);
		for (int k = 1; k <= TASK_GRAPH_MAX_EDGES / TASK_GRAPH_MAX_TASKS; k++) {
			(void)snprintf(id, sizeof(id), "t%d", i + k);
			assert_int_equal(task_graph_add_next(&g, id), 0);
		}
	}
	assert_int_equal(task_graph_add_next(&g, "one"), -E2BIG);
	assert_int_equal(task_graph_add(&g, "one", NULL), -E2BIG);
	assert_int_equal(task_graph_finish(&g), 0);
	assert_int_equal(task_scope_of(&g, "t0", &s), 0);
	assert_non_null(strstr(s.fires, "and 4993 more"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_what_fires),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_many_that_fire),
		cmocka_unit_test(test_set_ups),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
