/* SPDX-License-Identifier: Apache-2.0
 * Who is next on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/http_line.h"

static struct http_place places[64];

static struct http_lines *lines_of(size_t n_places)
{
	struct http_lines *l = NULL;

	assert_int_equal(http_lines_new(n_places, &l), 0);
	return l;
}

static void join(struct http_lines *l, size_t i, const char *cluster, bool urgent)
{
	assert_int_equal(http_lines_join(l, &places[i], cluster, urgent), 0);
}

static void next_is(struct http_lines *l, int64_t i)
{
	struct http_place *p = http_lines_next(l);

	assert_int_equal(p ? p - places : -1, i);
}

static void free_lines(struct http_lines *l)
{
	struct http_place *p;

	while ((p = http_lines_any(l)))
		http_lines_leave(l, p);
	assert_null(http_lines_free(l));
}

static void clusters_take_turns(void **state)
{
	struct http_lines *l = lines_of(8);

	(void)state;
	for (size_t i = 0; i < 3; i++)
		join(l, i, "a", false);
	for (size_t i = 3; i < 6; i++)
		join(l, i, "b", false);
	next_is(l, 0);
	next_is(l, 3);
	next_is(l, 1);
	next_is(l, 4);
	next_is(l, 2);
	next_is(l, 5);
	next_is(l, -1);
	free_lines(l);
}

static void those_of_no_cluster_go_first(void **state)
{
	struct http_lines *l = lines_of(8);

	(void)state;
	join(l, 0, "a", false);
	join(l, 1, "a", false);
	next_is(l, 0);
	join(l, 2, NULL, false);
	join(l, 3, NULL, false);
	next_is(l, 2);
	next_is(l, 3);
	next_is(l, 1);
	free_lines(l);
}

static void the_urgent_go_before_their_cluster(void **state)
{
	struct http_lines *l = lines_of(8);

	(void)state;
	join(l, 0, "a", false);
	join(l, 1, "a", true);
	join(l, 2, "b", true);
	next_is(l, 1);
	next_is(l, 2);
	next_is(l, 0);
	free_lines(l);
}

/* A cluster whose drivers all hang. */
static void one_cluster_leaves_a_quarter(void **state)
{
	struct http_lines *l = lines_of(8);

	(void)state;
	for (size_t i = 0; i < 20; i++)
		join(l, i, "hung", false);
	for (int64_t i = 0; i < 6; i++)
		next_is(l, i);
	next_is(l, -1);
	join(l, 20, "calm", false);
	join(l, 21, "calm", false);
	join(l, 22, "calm", false);
	next_is(l, 20);
	next_is(l, 21);
	next_is(l, -1); /* all places are taken */
	http_lines_leave(l, &places[20]);
	next_is(l, 22);
	http_lines_leave(l, &places[0]);
	next_is(l, 6);
	free_lines(l);
}

static void one_that_leaves_the_line_is_passed_over(void **state)
{
	struct http_lines *l = lines_of(2);

	(void)state;
	join(l, 0, "a", false);
	join(l, 1, "a", false);
	http_lines_leave(l, &places[0]);
	next_is(l, 1);
	http_lines_leave(l, &places[1]);
	next_is(l, -1);
	assert_null(http_lines_any(l));
	join(l, 2, "a", false);
	next_is(l, 2);
	free_lines(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clusters_take_turns),
		cmocka_unit_test(those_of_no_cluster_go_first),
		cmocka_unit_test(the_urgent_go_before_their_cluster),
		cmocka_unit_test(one_cluster_leaves_a_quarter),
		cmocka_unit_test(one_that_leaves_the_line_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
