/* SPDX-License-Identifier: Apache-2.0
 * What the scheduler counts of real processes: blocked, at work, with helper threads, and with
 * threads that are named as an executor's. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "io/proctask.h"

#define PATIENCE 2000 /* looks, 5 ms apart */

static void *tick(void *name)
{
	struct timespec t = {.tv_nsec = 1000000};

	if (name)
		(void)prctl(PR_SET_NAME, name);
	for (;;)
		(void)nanosleep(&t, NULL);
	return NULL;
}

static void *block(void *name)
{
	(void)prctl(PR_SET_NAME, name);
	for (;;)
		(void)pause();
	return NULL;
}

static void thread(void *(*fn)(void *), char *name)
{
	pthread_t t;

	if (pthread_create(&t, NULL, fn, name) != 0)
		_exit(1);
}

enum role {
	BLOCKED,
	COMPUTES,
	BESIDE_A_TIMER,
	EXECUTOR
};

static pid_t start(enum role role)
{
	static char task[] = "Executor task launch worker for task 0.0";
	static char feeder[] = "stdout writer for python3";
	static char heart[] = "executor-heartbeater";
	pid_t parent = getpid();
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* killed before it was said */
		_exit(1);
	if (role == BESIDE_A_TIMER)
		thread(tick, NULL);
	if (role == EXECUTOR) {
		thread(block, task);
		thread(tick, task);
		thread(tick, feeder);
		thread(tick, heart);
	}
	while (role == COMPUTES)
		;
	for (;;)
		(void)pause();
}

static void stop(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static struct proctask look(pid_t pid)
{
	struct proctask p = {0};

	assert_int_equal(proctask_count(pid, &p), 0);
	assert_true(p.main.known);
	assert_true(p.all.known);
	assert_true(p.all.slices >= p.main.slices);
	assert_true(p.all.run_ns >= p.main.run_ns);
	return p;
}

/* Once it is blocked, not one slice more. */
static void test_blocked(void **state)
{
	pid_t pid = start(BLOCKED);
	struct proctask a = look(pid);
	int quiet = 0;

	(void)state;
	for (int i = 0; i < PATIENCE && quiet < 20; i++) {
		struct proctask b;

		(void)usleep(5000);
		b = look(pid);
		assert_int_equal(b.n_threads, 1);
		quiet = b.all.slices == a.all.slices && b.all.run_ns == a.all.run_ns ? quiet + 1
										     : 0;
		a = b;
	}
	assert_int_equal(quiet, 20);
	stop(pid);
}

static void test_computes(void **state)
{
	pid_t pid = start(COMPUTES);
	struct proctask p = look(pid);

	(void)state;
	for (int i = 0; i < PATIENCE && p.main.run_ns < 50000000; i++) {
		(void)usleep(5000);
		p = look(pid);
	}
	assert_true(p.main.timed);
	assert_true(p.main.run_ns >= 50000000);
	assert_int_equal(p.main.run_ns, p.all.run_ns);
	stop(pid);
}

/* A window in which the helper ran and the main thread never did. */
static void test_helper_beside_a_blocked_thread(void **state)
{
	pid_t pid = start(BESIDE_A_TIMER);
	struct proctask a = look(pid);
	struct proctask b = a;
	bool seen = false;

	(void)state;
	for (int i = 0; i < PATIENCE && !seen; i++) {
		(void)usleep(5000);
		b = look(pid);
		/* A slice that has begun goes on counting time. */
		if (b.main.run_ns != a.main.run_ns)
			a = b;
		seen = b.n_threads == 2 && b.all.slices >= a.all.slices + 10;
	}
	assert_true(seen);
	assert_int_equal(b.main.slices, a.main.slices);
	assert_true(b.all.run_ns > a.all.run_ns);
	stop(pid);
}

struct threads {
	struct sched_thread items[4];
	size_t n;
};

static struct threads look_at_executor(pid_t pid)
{
	_cleanup_free_ struct sched_thread *items = NULL;
	struct threads t = {0};

	assert_int_equal(proctask_of_jvm(pid, &items, &t.n), 0);
	assert_true(t.n < ELEMENTSOF(t.items));
	for (size_t i = 0; i < t.n; i++)
		t.items[i] = items[i];
	return t;
}

/* How many ran at least so often between two looks at the same threads. */
static size_t count_ran(const struct threads *a, const struct threads *b, uint64_t slices)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n && a->n == b->n; i++) {
		assert_int_equal(a->items[i].tid, b->items[i].tid);
		n += b->items[i].count.slices >= a->items[i].count.slices + slices;
	}
	return n;
}

/* Those that work for tasks, each by itself; the heart beat is none. */
static void test_threads_of_an_executor(void **state)
{
	pid_t pid = start(EXECUTOR);
	struct threads a = {0};
	struct threads b = {0};
	size_t n_feeding = 0;

	(void)state;
	for (int i = 0; i < PATIENCE && (a.n < 3 || count_ran(&a, &b, 10) < 2); i++) {
		(void)usleep(5000);
		b = look_at_executor(pid);
		/* The third one may still have been on its way when we began. */
		if (a.n < b.n || count_ran(&a, &b, 1) == 3)
			a = b;
	}
	assert_int_equal(b.n, 3);
	assert_int_equal(count_ran(&a, &b, 10), 2);
	assert_int_equal(count_ran(&a, &b, 1), 2);
	for (size_t i = 0; i < b.n; i++)
		n_feeding += b.items[i].feeds;
	assert_int_equal(n_feeding, 1);
	stop(pid);
}

static void test_gone(void **state)
{
	_cleanup_free_ struct sched_thread *threads = NULL;
	pid_t pid = start(BLOCKED);
	struct proctask p;
	size_t n;

	(void)state;
	stop(pid);
	assert_int_equal(proctask_count(pid, &p), -ESRCH);
	assert_int_equal(proctask_of_jvm(pid, &threads, &n), -ESRCH);
	assert_null(threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_computes),
		cmocka_unit_test(test_helper_beside_a_blocked_thread),
		cmocka_unit_test(test_threads_of_an_executor),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
