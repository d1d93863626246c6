/* SPDX-License-Identifier: Apache-2.0
 * Executors among real processes. This program runs itself as one: its name is java, its arguments
 * are an executor's, and it has children that compute, sleep, or come and go. */
#include <errno.h>
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

#include "io/proctree.h"

#define PATIENCE 1000 /* looks, 20 ms apart */

static void burn(double seconds)
{
	clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);

	while (clock() < end)
		;
}

static pid_t child(bool busy)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* killed before it was said */
		_exit(1);
	while (busy)
		;
	for (;;)
		(void)pause();
}

/* What a process does that was started as an executor. */
static int run_executor(const char *role)
{
	(void)prctl(PR_SET_NAME, "java");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (strcmp(role, "workers") == 0 && (child(true) < 0 || child(false) < 0))
		return 1;
	while (strcmp(role, "churn") == 0) {
		pid_t pid = fork();

		if (pid == 0) {
			burn(0.05);
			_exit(0);
		}
		(void)waitpid(pid, NULL, 0);
	}
	for (;;)
		(void)pause();
}

static pid_t start(const char *role, char *const *argv)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)setenv("TEST_PROCTREE_ROLE", role, 1);
		(void)execv("/proc/self/exe", argv);
		_exit(127);
	}
	return pid;
}

static char *words(const char *s)
{
	char *copy = strdup(s);

	assert_non_null(copy);
	return copy;
}

/* argv of an executor; freed by nobody: the test ends soon. */
static pid_t start_executor(const char *role, const char *class, const char *id, const char *app)
{
	char *argv[] = {words("java"), words("-cp"), words("/a:/b"), words(class),
		words("--driver-url"), words("spark://x"), words("--executor-id"), words(id),
		words("--app-id"), words(app), NULL};
	pid_t pid = start(role, argv);

	for (size_t i = 0; argv[i]; i++)
		free(argv[i]);
	return pid;
}

static void stop(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static const struct proctree *find(const struct proctree_list *l, pid_t pid)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].pid == pid)
			return &l->items[i];
	return NULL;
}

/* Looks until the tree of pid has so many processes, and at least so much CPU; clears *l first. */
static const struct proctree *wait_for(struct proctree_list *l, pid_t pid, size_t n, usec_t cpu)
{
	for (int i = 0; i < PATIENCE; i++) {
		const struct proctree *t;

		proctree_list_clear(l);
		assert_int_equal(proctree_executors(l), 0);
		t = find(l, pid);
		if (t && t->n >= n && t->cpu >= cpu)
			return t;
		(void)usleep(20000);
	}
	return NULL;
}

#define STANDALONE "org.apache.spark.executor.CoarseGrainedExecutorBackend"

static void test_tree(void **state)
{
	pid_t pid = start_executor("workers", STANDALONE, "7", "app-20261123012522-0012");
	_cleanup_(proctree_list_clear) struct proctree_list l = {0};
	const struct proctree *t = wait_for(&l, pid, 3, 300000);
	usec_t least = USEC_INFINITY;
	usec_t most = 0;

	(void)state;
	assert_non_null(t);
	assert_string_equal(t->app_id, "app-20261123012522-0012");
	assert_string_equal(t->executor_id, "7");
	assert_int_equal(t->n, 3);
	for (size_t i = 0; i < t->n; i++) {
		most = t->items[i].cpu > most ? t->items[i].cpu : most;
		least = t->items[i].cpu < least ? t->items[i].cpu : least;
		if (t->items[i].pid == pid)
			assert_string_equal(t->items[i].name, "java");
	}
	assert_true(most >= 250000);
	assert_true(least < 50000);
	stop(pid);
	for (int i = 0; i < PATIENCE && find(&l, pid); i++) {
		proctree_list_clear(&l);
		assert_int_equal(proctree_executors(&l), 0);
	}
	assert_null(find(&l, pid));
}

static void test_reaped(void **state)
{
	pid_t pid = start_executor("churn", STANDALONE, "1", "app-proctree");
	_cleanup_(proctree_list_clear) struct proctree_list l = {0};
	usec_t reaped = 0;

	(void)state;
	for (int i = 0; i < PATIENCE && reaped < 300000; i++) {
		const struct proctree *t = wait_for(&l, pid, 1, 0);

		for (size_t k = 0; t && k < t->n; k++)
			if (t->items[k].pid == pid)
				reaped = t->items[k].reaped;
		(void)usleep(20000);
	}
	assert_true(reaped >= 300000);
	stop(pid);
}

static void test_which_are_executors(void **state)
{
	static const struct {
		const char *class;
		const char *id;
		const char *app;
		bool is;
	} cases[] = {
		{"org.apache.spark.executor.YarnCoarseGrainedExecutorBackend", "2",
			"application_1_2", true},
		{"org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend", "2", "spark-1",
			true},
		{"org.apache.spark.deploy.SparkSubmit", "2", "app-proctree", false},
		{STANDALONE, "", "app-proctree", false},
		{STANDALONE, "1", "app\nproctree", false},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		pid_t pid = start_executor("sleep", cases[i].class, cases[i].id, cases[i].app);
		pid_t sign = start_executor("sleep", STANDALONE, "sign", "app-sign");
		_cleanup_(proctree_list_clear) struct proctree_list l = {0};

		if (cases[i].is) {
			const struct proctree *t = wait_for(&l, pid, 1, 0);

			assert_non_null(t);
			assert_string_equal(t->app_id, cases[i].app);
		} else {
			assert_non_null(wait_for(&l, sign, 1, 0));
			(void)usleep(100000);
			proctree_list_clear(&l);
			assert_int_equal(proctree_executors(&l), 0);
			assert_null(find(&l, pid));
		}
		stop(pid);
		stop(sign);
	}
}

/* A driver in local mode; one of a local cluster has executors below it, which are not its own. */
static void test_driver(void **state)
{
	pid_t executor = start_executor("workers", STANDALONE, "1", "app-proctree");
	_cleanup_(proctree_list_clear) struct proctree_list l = {0};
	_cleanup_(proctree_list_clear) struct proctree_list own = {0};
	pid_t sleeper = child(false);

	(void)state;
	assert_non_null(wait_for(&l, executor, 3, 0));
	assert_int_equal(proctree_of(getpid(), "app-proctree", "driver", &own), 0);
	assert_int_equal(own.n, 1);
	assert_string_equal(own.items[0].executor_id, "driver");
	assert_int_equal(own.items[0].n, 2); /* this test and its sleeper */
	assert_int_equal(proctree_jvm(getpid(), "app-1", "driver", &own), 0);
	assert_int_equal(own.items[1].n, 1);
	assert_int_equal(own.items[1].items[0].pid, getpid());
	assert_int_equal(own.items[1].cpu, own.items[1].items[0].cpu);
	stop(sleeper);
	stop(executor);
	assert_int_equal(proctree_of(sleeper, "app-1", "driver", &own), -ESRCH);
	assert_int_equal(proctree_jvm(sleeper, "app-1", "driver", &own), -ESRCH);
	assert_int_equal(own.n, 2);
}

int main(void)
{
	const char *role = getenv("TEST_PROCTREE_ROLE");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_reaped),
		cmocka_unit_test(test_which_are_executors),
		cmocka_unit_test(test_driver),
	};

	if (role)
		return run_executor(role);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
