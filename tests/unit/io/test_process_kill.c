/* SPDX-License-Identifier: Apache-2.0
 * Processes are ended, each by itself and no other one. */
#include "io/process_kill.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "io/clock.h"
#include "io/procfs.h"
#include "io/this_host.h"

struct fixture {
	sd_event *event;
	unsigned n;
	int error;
};

static void on_ended(void *userdata, int error)
{
	struct fixture *f = userdata;

	f->n++;
	f->error = error;
}

/* A child that ignores SIGTERM or not, and lives until it is ended. */
static pid_t child_new(bool stubborn, uint64_t *ret_started)
{
	int ready[2];
	char c;
	pid_t pid;

	assert_return_code(pipe(ready), errno);
	pid = fork();
	assert_return_code(pid, errno);
	if (pid == 0) {
		(void)signal(SIGTERM, stubborn ? SIG_IGN : SIG_DFL);
		(void)!write(ready[1], "x", 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	assert_int_equal(procfs_starttime(pid, ret_started), 0);
	return pid;
}

static int signal_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return WTERMSIG(status);
}

static void run_until_ended(struct fixture *f, usec_t limit)
{
	usec_t end = clock_boottime() + limit;

	while (f->n == 0 && clock_boottime() < end)
		assert_return_code(sd_event_run(f->event, USEC_PER_SEC), 0);
	assert_int_equal(f->n, 1);
	assert_int_equal(f->error, 0);
}

static int start(struct fixture *f, pid_t pid, uint64_t started, struct process_kill **ret)
{
	const struct process_victim v = {.pid = pid, .started = started};

	return process_kill_start(f->event, &v, on_ended, f, ret);
}

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){0};
	assert_return_code(sd_event_new(&f.event), 0);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	assert_null(sd_event_unref(f->event));
	return 0;
}

static void test_by_term(void **state)
{
	struct fixture *f = *state;
	struct process_kill *k = NULL;
	uint64_t started;
	pid_t pid = child_new(false, &started);

	assert_int_equal(start(f, pid, started, &k), 0);
	run_until_ended(f, PROCESS_KILL_TERM_TIME / 2);
	assert_int_equal(signal_of(pid), SIGTERM);
}

/* One that is stopped, too: SIGTERM waits there for SIGCONT. */
static void test_by_force(void **state)
{
	struct fixture *f = *state;
	struct process_kill *k = NULL;
	uint64_t started;
	pid_t pid = child_new(true, &started);
	usec_t began = clock_boottime();

	assert_return_code(kill(pid, SIGSTOP), errno);
	assert_int_equal(start(f, pid, started, &k), 0);
	run_until_ended(f, PROCESS_KILL_TERM_TIME + PROCESS_KILL_KILL_TIME);
	assert_int_equal(signal_of(pid), SIGKILL);
	assert_true(clock_boottime() - began >= PROCESS_KILL_TERM_TIME);
}

/* Whoever got the number since is not hit. */
static void test_another_one(void **state)
{
	struct fixture *f = *state;
	struct process_kill *k = NULL;
	uint64_t started;
	pid_t pid = child_new(false, &started);

	assert_int_equal(start(f, pid, started + 1, &k), -ESRCH);
	assert_null(k);
	assert_return_code(kill(pid, SIGKILL), errno);
	assert_int_equal(signal_of(pid), SIGKILL);
	assert_int_equal(start(f, pid, started, &k), -ESRCH);
	assert_int_equal(start(f, 1, started, &k), -EINVAL);
	assert_int_equal(start(f, 0, started, &k), -EINVAL);
	assert_int_equal(f->n, 0);
}

static void test_cancelled(void **state)
{
	struct fixture *f = *state;
	struct process_kill *k = NULL;
	uint64_t started;
	pid_t pid = child_new(false, &started);

	assert_int_equal(start(f, pid, started, &k), 0);
	assert_null(process_kill_cancel(k));
	assert_int_equal(signal_of(pid), SIGTERM);
	assert_return_code(sd_event_run(f->event, 10 * USEC_PER_MSEC), 0);
	assert_int_equal(f->n, 0);
	assert_null(process_kill_cancel(NULL));
}

static void test_this_host(void **state)
{
	char name[256] = "";
	char longer[300];

	(void)state;
	assert_return_code(gethostname(name, sizeof(name) - 1), errno);
	assert_true(is_this_host(name));
	assert_true(is_this_host("localhost"));
	assert_true(is_this_host("127.0.0.1"));
	assert_true(is_this_host("127.1.2.3"));
	assert_true(is_this_host("::1"));
	assert_false(is_this_host(""));
	assert_false(is_this_host("192.0.2.77"));
	assert_false(is_this_host("2001:db8::77"));
	assert_false(is_this_host("elsewhere.invalid"));
	if (!strchr(name, '.')) {
		(void)snprintf(longer, sizeof(longer), "%s.example.org", name);
		assert_true(is_this_host(longer));
		(void)snprintf(longer, sizeof(longer), "%sx.example.org", name);
		assert_false(is_this_host(longer));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_by_term, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_by_force, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_another_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancelled, set_up, tear_down),
		cmocka_unit_test(test_this_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
