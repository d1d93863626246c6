/* SPDX-License-Identifier: Apache-2.0
 * What the scheduler's counts say of workers and of threads that run tasks. Numbers of a minute as
 * measured on real executors, Spark 3.5, 4.0 and 4.3 (doc/facts.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"

#include "core/detect/cpu_work.h"

#define START (100 * USEC_PER_SEC)
#define JVM 10
#define DAEMON 20
#define WORKER 30
#define CHILD 40
#define LOOKS 7 /* of a minute, one each 10 s */

/* In a minute: microseconds on a CPU, slices, waits. */
struct minute {
	uint64_t us;
	uint64_t slices;
	uint64_t waits;
};

struct kind {
	const char *name;
	enum cpu_work work;
	struct minute main;
	struct minute helpers;
	struct minute child; /* of a process that it has; none without slices at the start */
	usec_t reaped;       /* hundredths of a second */
	bool has_child;
};

static struct sched_count part_of(const struct minute *m, size_t look)
{
	size_t parts = LOOKS - 1;

	return (struct sched_count){
		.known = true,
		.timed = true,
		.run_ns = 100000000 + m->us * 1000 * look / parts,
		.slices = 70 + m->slices * look / parts,
		.waits = 20 + m->waits * look / parts,
	};
}

static struct sched_count add_up(struct sched_count a, const struct sched_count *b)
{
	a.run_ns += b->run_ns;
	a.slices += b->slices;
	a.waits = a.slices;
	return a;
}

static struct process_obs process(int64_t pid, int64_t ppid, const struct minute *main,
	const struct minute *helpers, size_t look)
{
	struct process_obs p = {.pid = pid, .ppid = ppid, .n_threads = 2, .name = "python3"};
	struct sched_count others = part_of(helpers, look);

	p.main = part_of(main, look);
	p.all = add_up(p.main, &others);
	p.cpu = p.all.run_ns / 10000000 * 10000;
	return p;
}

/* A JVM that beats its heart, a daemon that wakes once a second, and one worker. */
static struct process_tree tree_of(const struct kind *k, size_t look)
{
	static const struct minute none = {0, 0, 0};
	static const struct minute daemon = {4530, 61, 60};
	struct process_tree t = {.pid = JVM, .items = calloc(4, sizeof(*t.items))};

	assert_non_null(t.items);
	t.tasks = (struct sched_count){.known = true, .timed = true, .run_ns = 5, .slices = 3};
	t.items[t.n++] = (struct process_obs){
		.pid = JVM, .name = "java", .cpu = 9000000 + 150000 * look / LOOKS};
	t.items[t.n++] = process(DAEMON, JVM, &daemon, &none, look);
	t.items[t.n] = process(WORKER, DAEMON, &k->main, &k->helpers, look);
	t.items[t.n++].reaped = k->reaped * 10000 * look / (LOOKS - 1);
	if (k->has_child) {
		t.items[t.n] = process(CHILD, WORKER, &k->child, &none, look);
		memcpy(t.items[t.n++].name, "sh", 3);
	}
	return t;
}

static struct cpu_series series_of(const struct kind *k)
{
	struct cpu_series s = {0};

	for (size_t i = 0; i < LOOKS; i++) {
		struct process_tree t = tree_of(k, i);

		cpu_series_add(&s, &t, START + i * 10 * USEC_PER_SEC);
	}
	return s;
}

static struct cpu_use use(const struct cpu_series *s)
{
	struct cpu_use u;
	usec_t now = s->samples[s->n - 1].taken;

	cpu_series_use(s, now, START, USEC_PER_MINUTE, &u);
	return u;
}

static const struct kind kinds[] = {
	{.name = "waits for a lock, a socket, a sleep without end; stopped", .work = CPU_NEVER_RAN},
	{.name = "waits for a child that sleeps", .work = CPU_NEVER_RAN, .has_child = true},
	{.name = "sleeps a second, again and again", .work = CPU_TICKS, .main = {1832, 59, 59}},
	{.name = "sleeps a tenth", .work = CPU_TICKS, .main = {23193, 592, 588}},
	{.name = "select of a second", .work = CPU_TICKS, .main = {3882, 59, 59}},
	{.name = "Condition.wait(1)", .work = CPU_TICKS, .main = {6812, 60, 60}},
	{.name = "Queue.get(timeout=1)", .work = CPU_TICKS, .main = {7965, 60, 60}},
	{.name = "a gRPC call that is never answered",
		.work = CPU_TICKS,
		.main = {17744, 297, 296},
		.helpers = {44469, 934, 880}},
	{.name = "a timer beside a blocked main thread",
		.work = CPU_TICKS,
		.helpers = {2444, 60, 60}},
	{.name = "a pool that works beside a blocked main thread",
		.work = CPU_TICKS,
		.helpers = {2354891, 1239, 565}},
	{.name = "one HTTP call a second", .work = CPU_WORKED, .main = {42599, 77, 60}},
	{.name = "the same on one connection", .work = CPU_WORKED, .main = {24365, 73, 59}},
	{.name = "one HTTP call each 5 s", .work = CPU_WORKED, .main = {11043, 34, 24}},
	{.name = "a millisecond of Python each 5 s", .work = CPU_WORKED, .main = {12448, 14, 12}},
	{.name = "computes without a pause", .work = CPU_WORKED, .main = {60000000, 900, 0}},
	{.name = "computes in pieces smaller than a wake-up",
		.work = CPU_WORKED,
		.main = {3000000, 60000, 60000}},
	{.name = "waits for a child that computes",
		.work = CPU_WORKED,
		.has_child = true,
		.child = {478696, 254, 254}},
	{.name = "waits for a child that only wakes up",
		.work = CPU_TICKS,
		.has_child = true,
		.child = {119599, 1401, 1401}},
	{.name = "children that come and go", .work = CPU_WORKED, .main = {0, 0, 0}, .reaped = 4},
};

static void test_kinds(void **state)
{
	(void)state;
	each_row(i, kinds)
	{
		struct cpu_series s = series_of(&kinds[i]);
		struct cpu_use u = use(&s);

		if (u.workers[kinds[i].work] != 1)
			fail_msg("%s", kinds[i].name);
		assert_int_equal(u.n_idle + u.n_unclear + u.n_busy, 1);
		assert_true(u.counted);
		assert_false(u.with_daemon);
		assert_int_equal(u.jvm, CPU_IDLE);
		assert_int_equal(u.tree, kinds[i].work == CPU_NEVER_RAN ? CPU_IDLE
					 : kinds[i].work == CPU_WORKED  ? CPU_BUSY
									: CPU_UNKNOWN);
		assert_int_equal(
			u.worked_at, kinds[i].work == CPU_WORKED ? START + USEC_PER_MINUTE : 0);
		cpu_series_clear(&s);
	}
}

/* That nothing ran is said of most of the span only; that something did, sooner. */
static void test_not_watched_long_enough(void **state)
{
	static const struct kind busy = {.main = {42599, 77, 60}};
	struct cpu_series s = series_of(&kinds[0]);
	struct cpu_use u;

	(void)state;
	cpu_series_use(&s, START + USEC_PER_MINUTE, START + 20 * USEC_PER_SEC, USEC_PER_MINUTE, &u);
	assert_int_equal(u.window, 40 * USEC_PER_SEC);
	assert_int_equal(u.workers[CPU_UNSEEN], 1);
	assert_int_equal(u.tree, CPU_UNKNOWN);
	cpu_series_use(&s, START + USEC_PER_MINUTE, START + 10 * USEC_PER_SEC, USEC_PER_MINUTE, &u);
	assert_int_equal(u.workers[CPU_NEVER_RAN], 1);
	cpu_series_clear(&s);
	s = series_of(&busy);
	cpu_series_use(&s, START + USEC_PER_MINUTE, START + 40 * USEC_PER_SEC, USEC_PER_MINUTE, &u);
	assert_int_equal(u.workers[CPU_WORKED], 1);
	cpu_series_clear(&s);
}

/* Changes one worker of the last look, and says what it did then. */
static enum cpu_work changed(void (*change)(struct process_obs *p))
{
	struct cpu_series s = series_of(&kinds[0]);
	struct process_obs *p = cpu_sample_find(&s.samples[s.n - 1], WORKER);
	enum cpu_work work = CPU_UNSEEN;
	struct cpu_use u;

	assert_non_null(p);
	change(p);
	u = use(&s);
	for (size_t i = 0; i < CPU_WORK_MAX; i++)
		if (u.workers[i] == 1)
			work = (enum cpu_work)i;
	cpu_series_clear(&s);
	return work;
}

static void slice_begins(struct process_obs *p)
{
	p->main.run_ns += 20000;
	p->all.run_ns += 20000;
}

static void long_slice(struct process_obs *p)
{
	p->main.run_ns += 30 * 1000000000ULL;
	p->all.run_ns += 30 * 1000000000ULL;
}

static void thread_ends(struct process_obs *p)
{
	p->n_threads = 1;
	p->all.run_ns = p->main.run_ns;
	p->all.slices = p->main.slices;
}

static void next_timer(struct process_obs *p)
{
	/* Another helper thread in place of the last one, as old as it. */
	p->all.run_ns += 17;
}

static void other_process(struct process_obs *p)
{
	p->main.slices = p->all.slices = 3;
	p->main.run_ns = p->all.run_ns = 20000000;
}

static void test_every_trace_counts(void **state)
{
	(void)state;
	assert_int_equal(changed(slice_begins), CPU_TICKS);
	assert_int_equal(changed(long_slice), CPU_WORKED);
	assert_int_equal(changed(thread_ends), CPU_TICKS);
	assert_int_equal(changed(next_timer), CPU_TICKS);
	assert_int_equal(changed(other_process), CPU_WORKED); /* the pid was used again */
}

/* Recordings that know less: no main thread, or its slices alone. */
static void without_main(struct process_obs *p)
{
	p->main = (struct sched_count){0};
}

static void without_main_time(struct process_obs *p)
{
	p->main.timed = false;
	p->main.run_ns = 0;
}

static struct cpu_use use_less(const struct kind *k, void (*lessen)(struct process_obs *p))
{
	struct cpu_series s = series_of(k);
	struct cpu_use u;

	for (size_t i = 0; i < s.n; i++) {
		struct process_obs *p = cpu_sample_find(&s.samples[i], WORKER);

		assert_non_null(p);
		lessen(p);
	}
	u = use(&s);
	cpu_series_clear(&s);
	return u;
}

static void test_less_is_known(void **state)
{
	static const struct kind timer = {.helpers = {2444, 60, 60}};
	static const struct kind api = {.main = {42599, 77, 60}, .helpers = {3000, 30, 30}};

	(void)state;
	assert_int_equal(use_less(&kinds[0], without_main).workers[CPU_NEVER_RAN], 1);
	assert_int_equal(use_less(&timer, without_main).workers[CPU_TICKS], 1);
	assert_int_equal(use_less(&api, without_main).workers[CPU_WORKED], 1);
	assert_int_equal(use_less(&kinds[0], without_main_time).workers[CPU_NEVER_RAN], 1);
	assert_int_equal(use_less(&timer, without_main_time).workers[CPU_TICKS], 1);
	assert_int_equal(use_less(&api, without_main_time).workers[CPU_WORKED], 1);
}

/* Hundredths of a second: 4 in a minute are an HTTP call a second or a timer, nobody knows. */
static void without_counts(struct process_obs *p)
{
	p->main = p->all = (struct sched_count){0};
}

static void test_hundredths_are_doubt(void **state)
{
	static const struct kind api = {.main = {42599, 77, 60}};
	static const struct kind busy = {.main = {900000, 800, 700}};

	(void)state;
	assert_int_equal(use_less(&kinds[0], without_counts).workers[CPU_NEVER_RAN], 1);
	assert_false(use_less(&kinds[0], without_counts).counted);
	assert_int_equal(use_less(&api, without_counts).workers[CPU_DOUBT], 1);
	assert_int_equal(use_less(&api, without_counts).tree, CPU_UNKNOWN);
	assert_int_equal(use_less(&busy, without_counts).workers[CPU_WORKED], 1);
}

/* A slow host: whatever wakes up costs three times as much, the daemon as well. */
static void test_the_daemon_is_the_yardstick(void **state)
{
	static const struct kind select3 = {.main = {3 * 4800, 60, 60}};
	struct cpu_series s = series_of(&select3);

	(void)state;
	assert_int_equal(use(&s).workers[CPU_WORKED], 1);
	for (size_t i = 0; i < s.n; i++) {
		struct process_obs *p = cpu_sample_find(&s.samples[i], DAEMON);

		assert_non_null(p);
		p->main.run_ns *= 3;
	}
	assert_int_equal(use(&s).workers[CPU_TICKS], 1);
	cpu_series_clear(&s);
}

/* Who is a worker: name, parent, flag, and whose worker's it is then; 0: none. */
static void test_roles(void **state)
{
	static const struct {
		struct process_obs p;
		int64_t worker;
	} rows[] = {
		{{.pid = JVM, .ppid = 1, .name = "java"}, 0},
		{{.pid = 20, .ppid = JVM, .name = "sh"}, 0}, /* the daemon was started through it */
		{{.pid = 21, .ppid = 20, .name = "python3"}, 0},
		{{.pid = 22, .ppid = 21, .name = "python3"}, 22},
		{{.pid = 23, .ppid = 22, .name = "python3"}, 22}, /* a worker's fork */
		{{.pid = 24, .ppid = 23, .name = "gzip"}, 22},
		{{.pid = 30, .ppid = JVM, .name = "python3", .daemon = true},
			0},                                    /* has no worker */
		{{.pid = 40, .ppid = JVM, .name = "sed"}, 40}, /* of RDD.pipe() */
		{{.pid = 50, .ppid = 51, .name = "x"}, 0},
		{{.pid = 51, .ppid = 50, .name = "y"}, 0}, /* a circle */
	};
	struct process_obs items[ELEMENTSOF(rows)];
	struct cpu_sample s = {.pid = JVM, .items = items, .n = ELEMENTSOF(rows)};

	(void)state;
	each_row(i, rows) items[i] = rows[ELEMENTSOF(rows) - 1 - i].p;
	cpu_work_prepare(&s, false);
	each_row(i, rows)
	{
		assert_int_equal(items[i].pid, rows[i].p.pid);
		assert_int_equal(items[i].worker, rows[i].worker);
	}
	/* In local mode the user's own program is below the JVM, too. */
	cpu_work_prepare(&s, true);
	assert_int_equal(items[3].worker, 22);
	assert_int_equal(items[7].worker, 0);
}

/* Threads of a JVM, in a minute: one blocked, one that waits a second again and again, one that
 * calls HTTP, one that began in between; and one that feeds a Python worker. */
static struct process_tree jvm_tree(const struct minute *threads, size_t n, size_t look, bool sums)
{
	struct process_tree t = tree_of(&kinds[0], look);

	t.tasks = (struct sched_count){.known = true, .timed = true};
	t.knows_threads = !sums;
	t.threads = calloc(n + 1, sizeof(*t.threads));
	assert_non_null(t.threads);
	for (size_t i = 0; i < n; i++) {
		struct sched_count c = part_of(&threads[i], look);

		t.tasks.run_ns += c.run_ns;
		t.tasks.slices += c.slices;
		t.tasks.waits += c.waits;
		t.n_tasks++;
		if (!sums)
			t.threads[t.n_threads++] =
				(struct sched_thread){.tid = 100 - (int64_t)i, .count = c};
	}
	return t;
}

static struct cpu_use use_jvm(const struct minute *threads, size_t n, bool sums)
{
	struct cpu_series s = {0};
	struct cpu_use u;

	for (size_t i = 0; i < LOOKS; i++) {
		struct process_tree t = jvm_tree(threads, n, i, sums);

		cpu_series_add(&s, &t, START + i * 10 * USEC_PER_SEC);
	}
	u = use(&s);
	cpu_series_clear(&s);
	return u;
}

static void test_threads_of_tasks(void **state)
{
	static const struct minute threads[] = {{0, 0, 0}, {6452, 63, 60}, {38434, 121, 79}};

	(void)state;
	for (int sums = 0; sums < 2; sums++) {
		assert_int_equal(use_jvm(threads, 1, sums).jvm, CPU_IDLE);
		assert_int_equal(use_jvm(threads, 1, sums).tree, CPU_IDLE);
		assert_int_equal(use_jvm(threads, 2, sums).jvm, CPU_UNKNOWN);
		assert_int_equal(use_jvm(threads, 2, sums).tree, CPU_UNKNOWN);
		assert_int_equal(use_jvm(threads + 2, 1, sums).jvm, CPU_BUSY);
		assert_int_equal(use_jvm(threads + 2, 1, sums).worked_at, START + USEC_PER_MINUTE);
	}
	assert_int_equal(use_jvm(threads, 3, false).threads[CPU_NEVER_RAN], 1);
	assert_int_equal(use_jvm(threads, 3, false).threads[CPU_TICKS], 1);
	assert_int_equal(use_jvm(threads, 3, false).threads[CPU_WORKED], 1);
	assert_true(use_jvm(threads, 3, false).knows_threads);
	assert_false(use_jvm(threads, 3, true).knows_threads);
}

/* A thread that is new took up a task; one that is gone, or a sum that falls, says nothing. */
static void test_threads_come_and_go(void **state)
{
	static const struct minute none[3] = {{0, 0, 0}};

	(void)state;
	for (int sums = 0; sums < 2; sums++) {
		struct cpu_series s = {0};

		for (size_t i = 0; i < LOOKS; i++) {
			struct process_tree t = jvm_tree(none, i < 4 ? 3 : 1, i, sums);

			cpu_series_add(&s, &t, START + i * 10 * USEC_PER_SEC);
		}
		assert_int_equal(use(&s).jvm, CPU_IDLE);
		for (size_t i = 7; i < 9; i++) {
			struct process_tree t = jvm_tree(none, 2, i, sums);

			cpu_series_add(&s, &t, START + i * 10 * USEC_PER_SEC);
		}
		assert_int_equal(use(&s).jvm, CPU_BUSY);
		assert_int_equal(use(&s).worked_at, START + 70 * USEC_PER_SEC);
		cpu_series_clear(&s);
	}
}

/* A pool of the JVM may work for a task that waits for it: no proof, whatever its thread shows. */
static void test_the_rest_of_a_jvm(void **state)
{
	static const struct minute none[1] = {{0, 0, 0}};
	struct cpu_series s = {0};

	(void)state;
	for (size_t i = 0; i < LOOKS; i++) {
		struct process_tree t = jvm_tree(none, 1, i, false);

		t.items[0].cpu += i * 600000;
		cpu_series_add(&s, &t, START + i * 10 * USEC_PER_SEC);
	}
	assert_int_equal(use(&s).rest, CPU_BUSY);
	assert_int_equal(use(&s).threads[CPU_NEVER_RAN], 1);
	assert_int_equal(use(&s).jvm, CPU_UNKNOWN);
	cpu_series_clear(&s);
}

/* Two workers: one works to the end, the other stopped after 20 s. */
static void test_last_work_beside_others(void **state)
{
	static const struct kind api = {.main = {42599, 77, 60}};
	struct cpu_series s = {0};
	struct cpu_use u;

	(void)state;
	for (size_t i = 0; i < LOOKS; i++) {
		struct process_tree t = tree_of(&api, i);
		struct process_tree other = tree_of(&api, i < 2 ? i : 2);

		t.items[t.n] = other.items[2];
		t.items[t.n++].pid = WORKER + 1;
		free(other.items);
		cpu_series_add(&s, &t, START + i * 10 * USEC_PER_SEC);
	}
	u = use(&s);
	assert_int_equal(u.n_busy, 2);
	assert_int_equal(u.worked_at, START + 60 * USEC_PER_SEC);
	assert_int_equal(cpu_series_worked(&s, &u, 0), START + 60 * USEC_PER_SEC);
	assert_int_equal(cpu_series_worked(&s, &u, 1), START + 20 * USEC_PER_SEC);
	assert_int_equal(cpu_series_worked(&s, &u, 2), 0);
	cpu_series_clear(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_not_watched_long_enough),
		cmocka_unit_test(test_every_trace_counts),
		cmocka_unit_test(test_less_is_known),
		cmocka_unit_test(test_hundredths_are_doubt),
		cmocka_unit_test(test_the_daemon_is_the_yardstick),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_threads_of_tasks),
		cmocka_unit_test(test_threads_come_and_go),
		cmocka_unit_test(test_the_rest_of_a_jvm),
		cmocka_unit_test(test_last_work_beside_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
