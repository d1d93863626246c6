/* SPDX-License-Identifier: Apache-2.0
 * What changes beside a file of the configuration, and what of it is told. */
#include "io/file_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "io/clock.h"

struct place {
	sd_event *event;
	struct file_watch *watch;
	char dir[64];
	unsigned n;
	bool once; /* frees the watch when it tells */
};

static void on_changed(void *userdata)
{
	struct place *p = userdata;

	p->n++;
	if (p->once)
		p->watch = file_watch_free(p->watch);
}

/* The shell, in the directory. */
static void shell(const struct place *p, const char *script)
{
	_cleanup_free_ char *command = NULL;

	assert_int_equal(str_printf(&command, "cd %s && %s", p->dir, script), 0);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
}

/* As the kubelet lays out a config map. */
static void setup(struct place *p)
{
	_cleanup_free_ char *path = NULL;

	*p = (struct place){.dir = "/tmp/file-watch-XXXXXX"};
	assert_non_null(mkdtemp(p->dir));
	shell(p, "mkdir -p in/..1 && echo a > in/..1/x.conf && ln -s ..1 in/..data && "
		 "ln -s ..data/x.conf in/x.conf");
	assert_return_code(sd_event_new(&p->event), 0);
	assert_int_equal(str_printf(&path, "%s/in/x.conf", p->dir), 0);
	assert_return_code(file_watch_new(p->event, path, on_changed, p, &p->watch), 0);
}

static void teardown(struct place *p)
{
	file_watch_free(p->watch);
	sd_event_unref(p->event);
	shell(p, "cd / && rm -rf \"$OLDPWD\"");
}

/* Until it has told n times in all, and no more within a while. */
static void expect(struct place *p, unsigned n, usec_t quiet)
{
	usec_t end = clock_boottime() + 30 * USEC_PER_SEC;

	while (p->n < n && clock_boottime() < end)
		assert_return_code(sd_event_run(p->event, USEC_PER_SEC), 0);
	end = clock_boottime() + quiet;
	while (clock_boottime() < end)
		assert_return_code(sd_event_run(p->event, usec_sub(end, clock_boottime())), 0);
	assert_int_equal(p->n, n);
}

/* Several steps are one change; what is none of the configuration is none. */
static void test_symlink_swap(void **state)
{
	struct place p;

	(void)state;
	setup(&p);
	shell(&p, "mkdir in/..2 && echo b > in/..2/x.conf && touch in/other && "
		  "ln -s ..2 in/..data_tmp && mv -T in/..data_tmp in/..data && rm -r in/..1");
	expect(&p, 1, 0);
	shell(&p, "echo c > in/other.conf; echo d > in/..2/x.conf; touch in/x.confusing");
	expect(&p, 1, 1500 * USEC_PER_MSEC);
	teardown(&p);
}

static void test_drop_ins_that_come_later(void **state)
{
	struct place p;

	(void)state;
	setup(&p);
	shell(&p, "mkdir in/x.conf.d");
	expect(&p, 1, 0);
	shell(&p, "echo '[a]' > in/x.conf.d/10.conf");
	expect(&p, 2, 0);
	shell(&p, "mv in/x.conf.d/10.conf in/x.conf.d/10.off; touch in/x.conf.d/.10.conf.swp");
	expect(&p, 3, 0);
	teardown(&p);
}

/* The directory itself is replaced. */
static void test_directory_that_returns(void **state)
{
	struct place p;

	(void)state;
	setup(&p);
	shell(&p, "mv in out && mkdir in && echo b > in/x.conf");
	expect(&p, 1, 0);
	shell(&p, "echo c > in/new && mv in/new in/x.conf");
	expect(&p, 2, 0);
	teardown(&p);
}

static void test_freed_while_it_tells(void **state)
{
	struct place p;

	(void)state;
	setup(&p);
	p.once = true;
	shell(&p, "rm in/x.conf && echo b > in/x.conf");
	expect(&p, 1, 0);
	assert_null(p.watch);
	teardown(&p);
}

static void test_no_directory(void **state)
{
	struct file_watch *w = NULL;
	sd_event *event = NULL;

	(void)state;
	assert_return_code(sd_event_new(&event), 0);
	assert_int_equal(file_watch_new(event, "/nowhere/x.conf", on_changed, NULL, &w), -ENOENT);
	assert_null(w);
	sd_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symlink_swap),
		cmocka_unit_test(test_drop_ins_that_come_later),
		cmocka_unit_test(test_directory_that_returns),
		cmocka_unit_test(test_freed_while_it_tells),
		cmocka_unit_test(test_no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
