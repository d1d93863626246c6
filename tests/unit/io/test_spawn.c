/* SPDX-License-Identifier: Apache-2.0
 * Programs that are well, fail, hang, shout, leave others behind or are not there. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "io/clock.h"
#include "io/spawn.h"

struct got {
	sd_event *event;
	unsigned n;
	int status;
	int signal;
	bool timed_out;
	bool cut;
	char output[8192];
};

static void on_done(void *userdata, const struct spawn_end *end)
{
	struct got *g = userdata;

	g->n++;
	g->status = end->status;
	g->signal = end->signal;
	g->timed_out = end->timed_out;
	g->cut = end->cut;
	(void)snprintf(g->output, sizeof(g->output), "%s", end->output);
	(void)sd_event_exit(g->event, 0);
}

/* By the shell, which here stands for any program. */
static int begin(struct got *g, const char *script, struct spawn_ask ask, struct spawn **ret)
{
	const char *argv[] = {"/bin/sh", "-c", script, "name", "an argument; $HOME", NULL};
	const char *env[] = {"PATH=/usr/bin:/bin", "STAGEWATCH_EVENT=hung", NULL};

	*g = (struct got){0};
	ask.argv = argv;
	ask.env = env;
	if (!ask.input)
		ask.input = "";
	if (!ask.timeout)
		ask.timeout = 20 * USEC_PER_SEC;
	ask.max_output = 4096;
	assert_return_code(sd_event_new(&g->event), 0);
	return spawn_start(g->event, &ask, on_done, g, ret);
}

static void run(struct got *g, const char *script, struct spawn_ask ask)
{
	struct spawn *s = NULL;

	assert_int_equal(begin(g, script, ask, &s), 0);
	assert_return_code(sd_event_loop(g->event), 0);
	assert_int_equal(g->n, 1);
	sd_event_unref(g->event);
}

static void test_well(void **state)
{
	const char *input = "{\"event\": \"hung\"}";
	struct got g;

	(void)state;
	/* A file that is open here is none there. */
	assert_true(open("/dev/null", O_RDONLY) > 2);
	run(&g, "cat; echo; echo \"$1\" >&2; env | sort; ls /proc/self/fd | wc -l",
		(struct spawn_ask){.input = input, .input_len = strlen(input)});
	assert_int_equal(g.status, 0);
	assert_int_equal(g.signal, 0);
	assert_false(g.timed_out || g.cut);
	/* The shell adds PWD and its like; ls has its three files and the directory. */
	assert_non_null(strstr(g.output, "{\"event\": \"hung\"} an argument; $HOME "));
	assert_non_null(strstr(g.output, "PATH=/usr/bin:/bin"));
	assert_non_null(strstr(g.output, "STAGEWATCH_EVENT=hung 4"));
	assert_null(strstr(g.output, "HOME="));
	assert_null(strstr(g.output, "USER="));
}

static void test_much_input(void **state)
{
	const size_t n = (size_t)1 << 20; /* more than a pipe holds */
	_cleanup_free_ char *input = malloc(n);
	struct got g;

	(void)state;
	assert_non_null(input);
	memset(input, 'a', n);
	run(&g, "exit 0", (struct spawn_ask){.input = input, .input_len = n});
	assert_int_equal(g.status, 0);
	run(&g, "wc -c", (struct spawn_ask){.input = input, .input_len = n});
	assert_string_equal(g.output, "1048576");
}

static void test_signals_are_the_usual_ones(void **state)
{
	struct got g;
	sigset_t set;

	(void)state;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	assert_return_code(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	(void)signal(SIGPIPE, SIG_IGN);
	run(&g, "sed -nE 's/Sig(Blk|Ign):.*(.{7})/\\1 \\2/p' /proc/self/status",
		(struct spawn_ask){0});
	/* The C library keeps 32 and 33 to itself. */
	assert_string_equal(g.output, "Blk 0000000 Ign 0000000");
}

static void test_failures(void **state)
{
	struct got g;

	(void)state;
	run(&g, "echo no >&2; exit 7", (struct spawn_ask){0});
	assert_int_equal(g.status, 7);
	assert_string_equal(g.output, "no");
	run(&g, "kill -9 $$", (struct spawn_ask){0});
	assert_int_equal(g.status, -1);
	assert_int_equal(g.signal, SIGKILL);
	assert_false(g.timed_out);
}

static void test_output_is_bounded_and_printable(void **state)
{
	struct got g;

	(void)state;
	run(&g, "head -c 300000 /dev/zero | tr '\\0' a", (struct spawn_ask){0});
	assert_int_equal(g.status, 0);
	assert_int_equal(strlen(g.output), 4096);
	assert_true(g.cut);
	run(&g, "printf '\\033[31mred\\n\\nand\\377\\n'", (struct spawn_ask){0});
	assert_string_equal(g.output, "?[31mred  and?");
	assert_false(g.cut);
}

static void test_time_limit(void **state)
{
	usec_t began = clock_boottime();
	struct got g;

	(void)state;
	run(&g, "sleep 60", (struct spawn_ask){.timeout = 300 * USEC_PER_MSEC});
	assert_int_equal(g.signal, SIGTERM);
	assert_true(g.timed_out);
	assert_true(clock_boottime() - began < 4 * USEC_PER_SEC);
	/* It may end as it likes once it is told. */
	run(&g, "trap 'echo ending; exit 3' TERM; sleep 60 & wait",
		(struct spawn_ask){.timeout = 300 * USEC_PER_MSEC});
	assert_int_equal(g.status, 3);
	assert_true(g.timed_out);
	assert_string_equal(g.output, "ending");
}

static void test_who_does_not_listen_is_killed(void **state)
{
	usec_t began = clock_boottime();
	struct got g;

	(void)state;
	run(&g, "trap '' TERM; while :; do sleep 1; done",
		(struct spawn_ask){.timeout = 300 * USEC_PER_MSEC});
	assert_int_equal(g.signal, SIGKILL);
	assert_in_range(clock_boottime() - began, SPAWN_GRACE, SPAWN_GRACE + 4 * USEC_PER_SEC);
}

/* A process is gone, or a zombie that somebody else is to reap. */
static bool is_gone(long pid)
{
	_cleanup_free_ char *path = NULL;
	char text[512] = "";
	ssize_t n;
	int fd;

	assert_int_equal(str_printf(&path, "/proc/%ld/stat", pid), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	return n <= 0 || strstr(text, ") Z ");
}

static void test_nothing_is_left_over(void **state)
{
	struct got g;

	(void)state;
	/* It holds the output open, too. */
	run(&g, "sleep 60 & echo $!", (struct spawn_ask){0});
	assert_int_equal(g.status, 0);
	for (int i = 0; i < 100 && !is_gone(strtol(g.output, NULL, 10)); i++)
		(void)usleep(20000);
	assert_true(is_gone(strtol(g.output, NULL, 10)));
}

static bool has_children(void)
{
	siginfo_t info = {0};

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void test_cancel(void **state)
{
	siginfo_t info = {0};
	struct spawn *s = NULL;
	struct got g;
	struct got h;

	(void)state;
	assert_int_equal(begin(&g, "sleep 60 & sleep 60", (struct spawn_ask){0}, &s), 0);
	assert_null(spawn_cancel(s));
	assert_null(spawn_cancel(NULL));
	assert_return_code(sd_event_run(g.event, 0), 0);
	assert_int_equal(g.n, 0);
	/* It is reaped, be it a moment later. */
	for (int i = 0; i < 100 && has_children(); i++)
		(void)sd_event_run(g.event, 20 * USEC_PER_MSEC);
	assert_false(has_children());
	assert_int_equal(g.n, 0);
	/* Nor is one left that is cancelled when nobody waits any more. */
	assert_int_equal(begin(&h, "sleep 60", (struct spawn_ask){0}, &s), 0);
	assert_null(spawn_cancel(s));
	sd_event_unref(h.event);
	sd_event_unref(g.event);
	(void)waitid(P_ALL, 0, &info, WEXITED);
}

static void test_what_is_not_there(void **state)
{
	const char *missing[] = {"/nonexistent/program", NULL};
	const char *directory[] = {"/tmp", NULL};
	const char *env[] = {NULL};
	struct spawn_ask ask = {.argv = missing, .env = env, .input = "", .timeout = 1};
	struct spawn *s = NULL;
	struct got g = {0};

	(void)state;
	assert_return_code(sd_event_new(&g.event), 0);
	assert_int_equal(spawn_start(g.event, &ask, on_done, &g, &s), -ENOENT);
	ask.argv = directory;
	assert_int_equal(spawn_start(g.event, &ask, on_done, &g, &s), -EACCES);
	assert_null(s);
	sd_event_unref(g.event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_well),
		cmocka_unit_test(test_much_input),
		cmocka_unit_test(test_signals_are_the_usual_ones),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_output_is_bounded_and_printable),
		cmocka_unit_test(test_time_limit),
		cmocka_unit_test(test_who_does_not_listen_is_killed),
		cmocka_unit_test(test_nothing_is_left_over),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
