/* SPDX-License-Identifier: Apache-2.0
 * Which workers py-spy is run for, and how often; with a script in its place that says what the
 * test wants, and writes down how it was called. */
#include "watch/python_stacks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../fake_clock.h"
#include "../row.h"
#include "base/strbuf.h"

#define DUMP                                                                                       \
	"[{\"pid\":7,\"os_thread_id\":7,\"frames\":[{\"name\":\"f\",\"filename\":\"/a.py\","       \
	"\"line\":3}]}]"
#define JVM 10
#define DAEMON 11
#define WORKER 12 /* the first; others follow */
#define MAX_WORKERS 6

struct scene {
	char dir[32];
	char program[64];
	char log[64];
	sd_event *event;
	struct python_stacks *stacks;
	usec_t now;
	usec_t cpu[MAX_WORKERS]; /* of each worker by now */
	size_t n_workers;
};

static void write_program(struct scene *s, const char *does)
{
	FILE *f = fopen(s->program, "we");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\necho \"$*\" >> %s\necho ${HOME-no home} >> %s\n%s\n", s->log, s->log,
		does);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(s->program, 0700), 0);
}

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	(void)strcpy(s->dir, "/tmp/pyspy-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->program, sizeof(s->program), "%s/py-spy", s->dir);
	(void)snprintf(s->log, sizeof(s->log), "%s/log", s->dir);
	s->now = FAKE_START;
	s->n_workers = 1;
	fake_time_use(&s->now, NULL);
	fake_log_clear();
	assert_return_code(sd_event_new(&s->event), 0);
	assert_int_equal(python_stacks_new(s->event, &clock_kernel, &s->stacks), 0);
	write_program(s, "echo '" DUMP "'");
	assert_int_equal(python_stacks_configure(s->stacks, s->program), 0);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	python_stacks_free(s->stacks);
	sd_event_unref(s->event);
	(void)unlink(s->program);
	(void)unlink(s->log);
	(void)rmdir(s->dir);
	fake_time_use(NULL, NULL);
	free(s);
	return 0;
}

/* One executor with its daemon and workers, at this moment. How many places it then has; text: of
 * the first, at least 64 bytes. */
static size_t look(struct scene *s, char *text)
{
	struct process_obs items[2 + MAX_WORKERS] = {
		{.pid = JVM, .ppid = 1, .name = "java"},
		{.pid = DAEMON, .ppid = JVM, .name = "python3", .daemon = true},
	};
	struct process_tree tree = {.pid = JVM, .items = items, .n = 2 + s->n_workers};
	struct process_list l = {.items = &tree, .n = 1};
	size_t n;

	for (size_t i = 0; i < s->n_workers; i++)
		items[2 + i] = (struct process_obs){.pid = WORKER + (int64_t)i,
			.ppid = DAEMON,
			.name = "python3",
			.daemon = true,
			.cpu = s->cpu[i]};
	assert_int_equal(python_stacks_look(s->stacks, &l), 0);
	n = tree.places.n;
	if (text)
		(void)snprintf(text, 64, "%s", n > 0 ? tree.places.items[0] : "");
	strlist_clear(&tree.places);
	return n;
}

/* How often the program was run; line: a part of its last call, which must be there. */
static unsigned n_runs(struct scene *s, const char *line)
{
	FILE *f = fopen(s->log, "re");
	char buf[256];
	char last[256] = "";
	unsigned n = 0;

	if (!f)
		return 0;
	while (fgets(buf, sizeof(buf), f))
		if (strncmp(buf, "dump ", 5) == 0) {
			n++;
			(void)snprintf(last, sizeof(last), "%s", buf);
		} else {
			assert_string_equal(buf, "no home\n");
		}
	(void)fclose(f);
	if (line && !strstr(last, line))
		fail_msg("it was run as %s", last);
	return n;
}

/* Until all that runs has ended. */
static void settle(struct scene *s)
{
	siginfo_t info;

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		assert_return_code(sd_event_run(s->event, USEC_PER_SEC), 0);
}

static void pass(struct scene *s, usec_t length)
{
	s->now += length;
	(void)look(s, NULL);
	settle(s);
}

static void an_idle_worker_is_looked_at(void **state)
{
	struct scene *s = *state;
	char text[64];

	pass(s, 0);
	pass(s, 29 * USEC_PER_SEC);
	assert_int_equal(n_runs(s, NULL), 0);
	pass(s, USEC_PER_SEC);
	assert_int_equal(n_runs(s, "dump --json --nonblocking --pid 12\n"), 1);
	assert_int_equal(look(s, text), 1);
	assert_string_equal(text, "/a.py:3 f");
	/* Not again soon, but in time. */
	pass(s, 4 * USEC_PER_MINUTE);
	assert_int_equal(n_runs(s, NULL), 1);
	pass(s, 2 * USEC_PER_MINUTE);
	assert_int_equal(n_runs(s, NULL), 2);
	assert_null(python_stacks_trouble(s->stacks));
}

/* One that works never is, and what was known of one that works again is not told. */
static void a_worker_that_works_is_not(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < 20; i++) {
		s->cpu[0] += USEC_PER_SEC / 10;
		pass(s, 10 * USEC_PER_SEC);
	}
	assert_int_equal(n_runs(s, NULL), 0);
	pass(s, 40 * USEC_PER_SEC);
	assert_int_equal(n_runs(s, NULL), 1);
	assert_int_equal(look(s, NULL), 1);
	s->cpu[0] += USEC_PER_SEC;
	assert_int_equal(look(s, NULL), 0);
	/* Another process with its number. */
	pass(s, 40 * USEC_PER_SEC);
	assert_int_equal(look(s, NULL), 1);
	s->cpu[0] = 0;
	assert_int_equal(look(s, NULL), 0);
}

static void two_at_a_time(void **state)
{
	struct scene *s = *state;

	s->n_workers = MAX_WORKERS;
	pass(s, 0);
	pass(s, 30 * USEC_PER_SEC);
	assert_int_equal(n_runs(s, NULL), 2);
	pass(s, USEC_PER_SEC);
	pass(s, USEC_PER_SEC);
	assert_int_equal(n_runs(s, NULL), MAX_WORKERS);
	assert_int_equal(look(s, NULL), MAX_WORKERS);
}

static void off_unless_it_is_told_to(void **state)
{
	struct scene *s = *state;

	assert_int_equal(python_stacks_configure(s->stacks, NULL), 0);
	assert_false(python_stacks_on(s->stacks));
	pass(s, 0);
	pass(s, USEC_PER_MINUTE);
	assert_int_equal(n_runs(s, NULL), 0);
}

/* What goes wrong is told once, and is no place. */
static void it_fails(void **state)
{
	static const struct {
		const char *does;
		const char *says;
	} rows[] = {
		{"echo 'Error: Permission denied (os error 13)' >&2; exit 1",
			"it ended with status 1: Error: Permission denied (os error 13)"},
		{"echo hello", "it said nothing of use"},
		{"echo '[ { ]'", "offset"},
		{"head -c 600000 /dev/zero | tr '\\0' 'x'", "it said too much"},
		{"kill -9 $$", "it ended with status -1"},
	};
	struct scene *s = *state;

	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		write_program(s, rows[i].does);
		pass(s, 0);
		pass(s, 31 * USEC_PER_SEC);
		assert_int_equal(look(s, NULL), 0);
		assert_non_null(python_stacks_trouble(s->stacks));
		if (!strstr(python_stacks_trouble(s->stacks), rows[i].says) &&
			!str_equal(rows[i].says, "offset"))
			fail_msg("%s", python_stacks_trouble(s->stacks));
		assert_int_equal(fake_log_count("tells no line of Python"), i + 1);
		pass(s, 6 * USEC_PER_MINUTE);
		assert_int_equal(fake_log_count("tells no line of Python"), i + 1);
		s->cpu[0] += USEC_PER_SEC; /* it counts as new */
	}
	write_program(s, "echo 'a warning [1]' >&2; echo '" DUMP "'");
	pass(s, 0);
	pass(s, 31 * USEC_PER_SEC);
	assert_int_equal(look(s, NULL), 1);
	assert_int_equal(fake_log_count("tells lines of Python again"), 1);
}

static void it_is_not_there(void **state)
{
	struct scene *s = *state;

	assert_int_equal(python_stacks_configure(s->stacks, "/nonexistent/py-spy"), 0);
	pass(s, 0);
	pass(s, 31 * USEC_PER_SEC);
	assert_string_equal(
		python_stacks_trouble(s->stacks), "it cannot be run: No such file or directory");
}

/* It ends while it runs. */
static void freed_meanwhile(void **state)
{
	struct scene *s = *state;

	write_program(s, "sleep 100");
	(void)look(s, NULL);
	s->now += 31 * USEC_PER_SEC;
	(void)look(s, NULL);
	s->stacks = python_stacks_free(s->stacks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_idle_worker_is_looked_at, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_worker_that_works_is_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_at_a_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(off_unless_it_is_told_to, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_is_not_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(freed_meanwhile, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
