/* SPDX-License-Identifier: Apache-2.0
 * What series of CPU seconds say. Numbers as measured on real executors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../row.h"

#include "core/detect/cpu.h"

#define START (100 * USEC_PER_SEC)
#define MSEC ((usec_t)1000)

struct row {
	usec_t at; /* seconds since START */
	int64_t pids[5];
	usec_t cpu[5]; /* milliseconds */
	usec_t reaped; /* milliseconds, of the first */
};

static void add(struct cpu_series *s, const struct row *r)
{
	struct process_tree t = {.pid = r->pids[0], .items = calloc(5, sizeof(*t.items))};

	assert_non_null(t.items);
	for (size_t i = 0; i < 5 && r->pids[i] > 0; i++)
		t.items[t.n++] = (struct process_obs){.pid = r->pids[i],
			.cpu = r->cpu[i] * MSEC,
			.reaped = i ? 0 : r->reaped * MSEC};
	cpu_series_add(s, &t, START + r->at * USEC_PER_SEC);
	free(t.items);
}

static struct cpu_use use(const struct row *rows, size_t n, usec_t span)
{
	struct cpu_series s = {0};
	struct cpu_use u;

	for (size_t i = 0; i < n; i++)
		add(&s, &rows[i]);
	cpu_series_use(&s, START + rows[n - 1].at * USEC_PER_SEC, START, span * USEC_PER_SEC, &u);
	cpu_series_clear(&s);
	return u;
}

static void test_idle(void **state)
{
	static const struct row rows[] = {
		{0, {1, 2, 3}, {8700, 70, 70}, 0},
		{30, {1, 2, 3}, {8750, 70, 70}, 0},
		{60, {1, 2, 3}, {9300, 80, 70}, 0},
	};
	struct cpu_use u = use(rows, 3, 60);

	(void)state;
	assert_int_equal(u.tree, CPU_IDLE);
	assert_int_equal(u.n_idle, 1); /* the other one is the daemon, which may wake up */
	assert_false(u.with_daemon);
	assert_false(u.counted);
	assert_int_equal(u.window, 60 * USEC_PER_SEC);
	assert_int_equal(u.worked_at, 0);
	assert_true(u.per_process);
	assert_true(u.rate > 0.009 && u.rate < 0.011);
	/* Hundredths say little of half a minute. */
	u = use(rows, 2, 30);
	assert_int_equal(u.tree, CPU_UNKNOWN);
	assert_int_equal(u.workers[CPU_UNSEEN], 1);
}

static void test_half_asleep_worker_is_busy(void **state)
{
	static const struct row rows[] = {
		{0, {1, 2, 3}, {8700, 70, 70}, 0},
		{30, {1, 2, 3}, {8800, 70, 470}, 0},
	};
	struct cpu_use u = use(rows, 2, 30);

	(void)state;
	assert_int_equal(u.tree, CPU_BUSY);
	assert_int_equal(u.jvm, CPU_IDLE);
	assert_int_equal(u.n_busy, 1);
}

/* A sum over the tree falls when an idle worker ends: that is no work, and no idleness either. */
static void test_idle_worker_ends(void **state)
{
	static const struct row rows[] = {
		{0, {1, 2, 3, 4}, {8700, 50, 9000, 70}, 0},
		{20, {1, 2, 3, 4}, {8720, 50, 9000, 70}, 0},
		{40, {1, 2, 4}, {8740, 50, 70}, 0},
		{60, {1, 2, 4}, {8760, 50, 70}, 0},
	};
	static const struct row told[] = {
		{0, {1, 2, 3, 4}, {8700, 50, 9000, 70}, 10},
		{20, {1, 2, 3, 4}, {8720, 50, 9000, 70}, 10},
		{40, {1, 2, 4}, {8740, 50, 70}, 9010},
		{60, {1, 2, 4}, {8760, 50, 70}, 9010},
	};

	(void)state;
	assert_int_equal(use(rows, 4, 60).tree, CPU_IDLE);
	assert_int_equal(use(told, 4, 60).tree, CPU_IDLE);
}

static void test_a_worker_that_came_and_went(void **state)
{
	static const struct row rows[] = {
		{0, {1, 3}, {8700, 70}, 0},
		{10, {1, 3, 4}, {8720, 70, 30}, 0},
		{20, {1, 3}, {8740, 70}, 0},
		{30, {1, 3}, {8760, 70}, 0},
	};

	(void)state;
	assert_true(use(rows, 4, 30).churn);
	assert_int_equal(use(rows, 4, 30).tree, CPU_BUSY);
}

/* Between two looks whole processes can live and die: only their parent knows of them. */
static void test_reaped_between_two_looks(void **state)
{
	static const struct row rows[] = {
		{0, {1, 3}, {8700, 70}, 50},
		{30, {1, 3}, {8720, 70}, 9000},
	};
	struct cpu_use u = use(rows, 2, 30);

	(void)state;
	assert_true(u.churn);
	assert_int_equal(u.tree, CPU_BUSY);
}

static void test_between_the_limits(void **state)
{
	static const struct row rows[] = {
		{0, {1, 3}, {8700, 70}, 0},
		{30, {1, 3}, {9700, 70}, 0},
	};
	static const struct row worker[] = {
		{0, {1, 3}, {8700, 70}, 0},
		{30, {1, 3}, {8720, 140}, 0},
	};

	(void)state;
	assert_int_equal(use(rows, 2, 30).tree, CPU_UNKNOWN);
	assert_int_equal(use(worker, 2, 30).n_unclear, 1);
	assert_int_equal(use(worker, 2, 30).tree, CPU_UNKNOWN);
}

/* Three tasks that compute for a hundredth of the time, on a fast machine. */
static void test_drowsy_workers_are_busy(void **state)
{
	static const struct row rows[] = {
		{0, {1, 2, 3, 4, 5}, {8700, 50, 260, 250, 260}, 0},
		{30, {1, 2, 3, 4, 5}, {8790, 50, 460, 450, 480}, 0},
	};

	(void)state;
	assert_int_equal(use(rows, 2, 30).n_busy, 3);
	assert_int_equal(use(rows, 2, 30).tree, CPU_BUSY);
}

static void test_stopped(void **state)
{
	static const struct row rows[] = {
		{0, {1, 3}, {8700, 70}, 0},
		{30, {1, 3}, {8700, 70}, 0},
	};
	static const struct row lives[] = {
		{0, {1, 3}, {8700, 70}, 0},
		{30, {1, 3}, {8710, 70}, 0},
	};

	(void)state;
	assert_true(use(rows, 2, 30).stopped);
	assert_false(use(lives, 2, 30).stopped);
}

/* What is much for an executor's JVM is little for a driver's. */
static void test_driver(void **state)
{
	static const struct {
		usec_t used; /* milliseconds in 30 s */
		enum cpu_state tree;
		bool unsure;
	} cases[] = {
		{300, CPU_IDLE, false}, {1450, CPU_IDLE, true}, /* 0.0487: the busiest idle one */
		{2000, CPU_UNKNOWN, true},
		{15000, CPU_BUSY, true}, /* 0.5: two tasks that compute */
	};

	(void)state;
	each_row(i, cases)
	{
		struct row rows[] = {{0, {1}, {100}, 0}, {30, {1}, {100 + cases[i].used}, 0}};
		struct cpu_series s = {.driver = true};
		struct cpu_use u;

		add(&s, &rows[0]);
		add(&s, &rows[1]);
		cpu_series_use(&s, START + 30 * USEC_PER_SEC, START, 30 * USEC_PER_SEC, &u);
		assert_int_equal(u.tree, cases[i].tree);
		assert_int_equal(u.unsure, cases[i].unsure);
		cpu_series_clear(&s);
	}
}

static void test_too_short(void **state)
{
	static const struct row rows[] = {
		{0, {1}, {8700}, 0},
		{19, {1}, {8700}, 0},
	};

	(void)state;
	assert_int_equal(use(rows, 2, 30).tree, CPU_UNKNOWN);
	assert_int_equal(use(rows, 2, 30).window, 0);
	assert_int_equal(use(rows, 1, 30).window, 0);
}

static void test_another_jvm_begins_anew(void **state)
{
	static const struct row rows[] = {
		{0, {1}, {8700}, 0},
		{30, {7}, {100}, 0},
		{40, {7}, {110}, 0},
	};

	(void)state;
	assert_int_equal(use(rows, 3, 60).window, 0);
}

static void test_only_the_last_span_counts(void **state)
{
	static const struct row rows[] = {
		{0, {1, 3}, {0, 0}, 0},
		{60, {1, 3}, {50, 60000}, 0},
		{120, {1, 3}, {60, 60000}, 0},
	};

	(void)state;
	assert_int_equal(use(rows, 3, 60).tree, CPU_IDLE);
	assert_int_equal(use(rows, 3, 60).worked_at, 0);
	assert_int_equal(use(rows, 3, 120).tree, CPU_BUSY);
	assert_int_equal(use(rows, 3, 120).worked_at, START + 60 * USEC_PER_SEC);
}

static void test_not_before_since_and_not_stale(void **state)
{
	struct cpu_series s = {0};
	struct cpu_use u;
	static const struct row rows[] = {
		{0, {1}, {0}, 0},
		{30, {1}, {50}, 0},
		{60, {1}, {90}, 0},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		add(&s, &rows[i]);
	cpu_series_use(
		&s, START + 60 * USEC_PER_SEC, START + 31 * USEC_PER_SEC, 60 * USEC_PER_SEC, &u);
	assert_int_equal(u.window, 0);
	cpu_series_use(&s, START + 120 * USEC_PER_SEC, START, 30 * USEC_PER_SEC, &u);
	assert_int_equal(u.window, 0);
	/* The same look again is none. */
	add(&s, &rows[2]);
	assert_int_equal(s.n, 3);
	cpu_series_clear(&s);
}

/* Recordings and NodeManagers that know only the sum. */
static void test_sums(void **state)
{
	static const struct {
		usec_t from;
		usec_t to;
		enum cpu_state state;
	} cases[] = {
		{8000, 8110, CPU_IDLE},    /* 0.0037 a second: most hung ones */
		{8000, 8470, CPU_UNKNOWN}, /* 0.0157: the busiest hung one, or two drowsy tasks */
		{8000, 9250, CPU_BUSY},    /* 0.0416: the idlest busy one */
		{8000, 8800, CPU_UNKNOWN}, /* between */
		{8000, 7000, CPU_UNKNOWN}, /* processes ended */
	};

	(void)state;
	each_row(i, cases)
	{
		struct cpu_series s = {0};
		struct process_tree t = {.pid = 1, .cpu = cases[i].from * MSEC};
		struct cpu_use u;

		cpu_series_add(&s, &t, START);
		t.cpu = cases[i].to * MSEC;
		cpu_series_add(&s, &t, START + 30 * USEC_PER_SEC);
		cpu_series_use(&s, START + 30 * USEC_PER_SEC, START, 30 * USEC_PER_SEC, &u);
		assert_int_equal(u.tree, cases[i].state);
		assert_false(u.per_process);
		cpu_series_clear(&s);
	}
}

/* Sums alone, milliseconds, each 10 s. */
static struct cpu_use use_sums(const usec_t *sums, size_t n, int64_t pid)
{
	struct cpu_series s = {0};
	struct cpu_use u;

	for (size_t i = 0; i < n; i++) {
		struct process_tree t = {.pid = pid, .cpu = sums[i] * MSEC};

		cpu_series_add(&s, &t, START + i * 10 * USEC_PER_SEC);
	}
	cpu_series_use(&s, START + (n - 1) * 10 * USEC_PER_SEC, START, 2 * USEC_PER_MINUTE, &u);
	cpu_series_clear(&s);
	return u;
}

/* Processes come, compute and go: a sum falls, and what it rose by between is work all the same. */
static void test_sums_that_fall(void **state)
{
	static const usec_t work[] = {9000, 9800, 9010, 9820, 9020};
	static const usec_t none[] = {9000, 9010, 7010, 7020, 7030};
	static const usec_t nothing[] = {9000, 9000, 9000, 9000, 9000};

	(void)state;
	assert_int_equal(use_sums(work, 5, 1).tree, CPU_BUSY);
	assert_int_equal(use_sums(none, 5, 1).tree, CPU_UNKNOWN);
	assert_true(use_sums(nothing, 5, 1).stopped);
	/* A NodeManager's rate may be rounded to nothing. */
	assert_false(use_sums(nothing, 5, 0).stopped);
	assert_int_equal(use_sums(nothing, 5, 0).tree, CPU_IDLE);
}

/* The newest looks stay, and the oldest: a window may be as long as they reach back. */
static void test_thinned_out(void **state)
{
	struct cpu_series s = {0};
	struct cpu_use u;

	(void)state;
	for (usec_t i = 0; i < 400; i++)
		add(&s, &(struct row){i, {1}, {i}, 0});
	assert_int_equal(s.n, CPU_SAMPLES);
	assert_int_equal(s.samples[0].taken, START);
	for (usec_t i = 1; i < 4; i++)
		assert_int_equal(
			s.samples[CPU_SAMPLES - i].taken, START + (400 - i) * USEC_PER_SEC);
	for (size_t i = 1; i < s.n; i++)
		assert_true(s.samples[i].taken > s.samples[i - 1].taken &&
			    s.samples[i].taken - s.samples[i - 1].taken < 150 * USEC_PER_SEC);
	cpu_series_use(&s, START + 399 * USEC_PER_SEC, START, 300 * USEC_PER_SEC, &u);
	assert_true(u.window >= cpu_window_needed(300 * USEC_PER_SEC));
	assert_true(u.window < 340 * USEC_PER_SEC);
	cpu_series_clear(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_half_asleep_worker_is_busy),
		cmocka_unit_test(test_idle_worker_ends),
		cmocka_unit_test(test_a_worker_that_came_and_went),
		cmocka_unit_test(test_reaped_between_two_looks),
		cmocka_unit_test(test_between_the_limits),
		cmocka_unit_test(test_driver),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_drowsy_workers_are_busy),
		cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_another_jvm_begins_anew),
		cmocka_unit_test(test_only_the_last_span_counts),
		cmocka_unit_test(test_not_before_since_and_not_stale),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_sums_that_fall),
		cmocka_unit_test(test_thinned_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
