/* SPDX-License-Identifier: Apache-2.0
 * When the web configuration file is to be read again, and who else may read it. */
#include "setup/web_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "conf/web_file.h"

#define PLAIN "http_server_config: {headers: {X-Frame-Options: deny}}\n"
#define USERS                                                                                      \
	"basic_auth_users:\n"                                                                      \
	"  alice: $2y$04$abcdefghijklmnopqrstuuFuhxWRTXIsURoluSTZ1N4tYaWGn9oOi\n"

struct fixture {
	char dir[32];
	char *path;
	struct web_config_stamps stamps;
};

static void write_file(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

/* Returns how many warnings it has. */
static size_t load(struct fixture *f)
{
	_cleanup_(web_config_freep) struct web_config *c = NULL;
	struct strlist faults = {0};

	assert_int_equal(web_config_load(f->path, &c, &f->stamps, &faults), 0);
	assert_int_equal(faults.n, 0);
	return c->file->warnings.n;
}

static void set_up(struct fixture *f)
{
	*f = (struct fixture){.dir = "/tmp/web-config-XXXXXX"};
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(str_printf(&f->path, "%s/web.yml", f->dir), 0);
	write_file(f->path, PLAIN);
}

static void tear_down(struct fixture *f)
{
	(void)unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	web_config_stamps_clear(&f->stamps);
	free(f->path);
}

/* What is seen once may be half of it. */
static void test_looks(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	(void)load(&f);
	assert_int_equal(web_config_look(&f.stamps), WEB_CONFIG_SAME);
	write_file(f.path, USERS);
	assert_int_equal(web_config_look(&f.stamps), WEB_CONFIG_CHANGING);
	write_file(f.path, USERS PLAIN);
	assert_int_equal(web_config_look(&f.stamps), WEB_CONFIG_CHANGING);
	assert_int_equal(web_config_look(&f.stamps), WEB_CONFIG_CHANGED);
	(void)load(&f);
	assert_int_equal(web_config_look(&f.stamps), WEB_CONFIG_SAME);
	/* One that is gone for a moment is about to be replaced. */
	assert_return_code(unlink(f.path), 0);
	assert_int_equal(web_config_look(&f.stamps), WEB_CONFIG_CHANGING);
	assert_int_equal(web_config_look(&f.stamps), WEB_CONFIG_CHANGED);
	tear_down(&f);
}

/* Hashes are not for everybody. */
static void test_exposed(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		size_t n;
	} rows[] = {{PLAIN, 0644, 0}, {USERS, 0644, 1}, {USERS, 0640, 0}, {USERS PLAIN, 0604, 1}};
	struct fixture f;

	(void)state;
	set_up(&f);
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		write_file(f.path, rows[i].text);
		assert_return_code(chmod(f.path, rows[i].mode), 0);
		assert_int_equal(load(&f), rows[i].n);
	}
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_exposed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
