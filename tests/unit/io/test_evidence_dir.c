/* SPDX-License-Identifier: Apache-2.0
 * Files of evidence in a real directory. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "io/evidence_dir.h"

#define NOW (1795405025 * USEC_PER_SEC)
#define DAY (24 * USEC_PER_HOUR)

static char dir[] = "/tmp/stagewatchd-test-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static char *path(const char *name)
{
	char *p = NULL;

	assert_int_equal(str_printf(&p, "%s/incidents/%s", dir, name), 0);
	return p;
}

static bool exists(const char *name)
{
	_cleanup_free_ char *p = path(name);

	return access(p, F_OK) == 0;
}

/* A file of so many bytes, last written so long before NOW. */
static void put(const char *name, size_t size, usec_t age)
{
	_cleanup_free_ char *stem = strdup(name);
	_cleanup_free_ char *p = path(name);
	struct timespec times[2] = {{.tv_sec = (time_t)((NOW - age) / USEC_PER_SEC)},
		{.tv_sec = (time_t)((NOW - age) / USEC_PER_SEC)}};
	FILE *f;

	stem[strlen(stem) - strlen(".jsonl")] = '\0';
	assert_int_equal(evidence_dir_create(dir, stem, &f), 0);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(fputc('x', f), 'x');
	assert_int_equal(fclose(f), 0);
	assert_int_equal(utimensat(AT_FDCWD, p, times, 0), 0);
}

static void test_create(void **state)
{
	_cleanup_free_ char *p = path("one.jsonl");
	struct stat st;
	FILE *f = NULL;

	(void)state;
	put("one.jsonl", 10, 0);
	assert_int_equal(stat(p, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 10);
	assert_int_equal(evidence_dir_create("/nonexistent", "x", &f), -ENOENT);
	assert_int_equal(evidence_dir_create(dir, "../x", &f), -EINVAL);
	assert_int_equal(evidence_dir_create(dir, "", &f), -EINVAL);
	assert_int_equal(evidence_dir_create(dir, ".x", &f), -EINVAL);
	assert_null(f);
	assert_int_equal(unlink(p), 0);
}

static int prune(uint64_t max_size, const char *const *open)
{
	const struct evidence_bounds bounds = {
		.max_size = max_size, .max_age = 30 * DAY, .open = open};

	return evidence_dir_prune(dir, &bounds, NOW);
}

/* A link that somebody put there is not followed. */
static void test_links(void **state)
{
	_cleanup_free_ char *p = path("link.jsonl");
	FILE *f = NULL;

	(void)state;
	assert_int_equal(symlink("/etc/hostname", p), 0);
	assert_int_equal(evidence_dir_create(dir, "link", &f), -ELOOP);
	assert_int_equal(prune(1, NULL), 0);
	assert_int_equal(unlink(p), 0);
}

static void test_prune(void **state)
{
	static const char *const open[] = {"b", NULL};
	static const struct evidence_bounds none = {0};

	(void)state;
	put("old.jsonl", 100, 31 * DAY);
	put("a.jsonl", 100, 3 * DAY);
	put("b.jsonl", 100, 2 * DAY);
	put("c.jsonl", 100, 1 * DAY);
	assert_int_equal(prune(1000, NULL), 1);
	assert_false(exists("old.jsonl"));
	assert_int_equal(prune(200, NULL), 1);
	assert_false(exists("a.jsonl"));
	assert_true(exists("b.jsonl"));
	assert_int_equal(prune(200, NULL), 0);
	/* One that is open would take its place until it is closed. */
	assert_int_equal(prune(0, open), 1);
	assert_true(exists("b.jsonl"));
	assert_int_equal(prune(0, NULL), 1);
	assert_int_equal(evidence_dir_prune("/nonexistent", &none, NOW), 0);
}

/* A file system with less room than is to be kept. */
static void test_room(void **state)
{
	struct evidence_bounds bounds = {.max_size = 1000, .max_age = 30 * DAY};
	uint64_t room = 0;

	(void)state;
	put("a.jsonl", 100, 3 * DAY);
	put("b.jsonl", 100, 2 * DAY);
	assert_int_equal(evidence_dir_room(dir, &room), 0);
	assert_true(room > 0);
	assert_int_equal(evidence_dir_room("/nonexistent", &room), -ENOENT);
	bounds.keep_free = room / 2;
	assert_int_equal(evidence_dir_prune(dir, &bounds, NOW), 0);
	bounds.keep_free = (uint64_t)1 << 60;
	assert_int_equal(evidence_dir_prune(dir, &bounds, NOW), 2);
}

static int tear_down(void **state)
{
	_cleanup_free_ char *p = path("");

	(void)state;
	return rmdir(p) < 0 || rmdir(dir) < 0 ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_prune),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
