/* SPDX-License-Identifier: Apache-2.0
 * The configuration file and its drop-ins, and what is wrong with them. */
#include "conf/conf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../row.h"

#include "base/strbuf.h"

#define A49 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* A file of a test; data with NULs has its length in n. */
struct file {
	const char *name;
	const char *text;
	size_t n;
};

static char *dir;

static char *in_dir(const char *name)
{
	char *path = NULL;

	assert_int_equal(str_printf(&path, "%s/%s", dir, name), 0);
	return path;
}

static int make_all(void **state)
{
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *drop_ins = NULL;

	(void)state;
	assert_int_equal(str_printf(&dir, "%s/stagewatchd-XXXXXX", tmp ? tmp : "/tmp"), 0);
	assert_non_null(mkdtemp(dir));
	drop_ins = in_dir("main.conf.d");
	return mkdir(drop_ins, 0700);
}

static int remove_all(void **state)
{
	_cleanup_free_ char *drop_ins = in_dir("main.conf.d");

	(void)state;
	if (rmdir(drop_ins) < 0 || rmdir(dir) < 0)
		return -1;
	free(dir);
	return 0;
}

static void put(const struct file *f)
{
	_cleanup_free_ char *path = in_dir(f->name);
	_cleanup_fclose_ FILE *stream = fopen(path, "we");
	size_t n = f->n ? f->n : strlen(f->text);

	assert_non_null(stream);
	assert_int_equal(fwrite(f->text, 1, n, stream), n);
}

static void drop(const struct file *f)
{
	_cleanup_free_ char *path = in_dir(f->name);

	assert_return_code(unlink(path), errno);
}

static int load(const struct file *files, size_t n, struct conf **ret, struct strlist *errors)
{
	_cleanup_free_ char *path = in_dir("main.conf");
	int r;

	for (size_t i = 0; i < n; i++)
		put(&files[i]);
	r = conf_load(path, ret, errors);
	for (size_t i = 0; i < n; i++)
		drop(&files[i]);
	return r;
}

/* "[kind name] FILE:LINE" and "key=value FILE:LINE" lines, FILE without the directory. */
static char *dump(const struct conf *c)
{
	struct strbuf b = {0};
	size_t skip = strlen(dir) + 1;
	char *text = NULL;

	for (size_t i = 0; i < c->n_sections; i++) {
		const struct conf_section *s = &c->sections[i];

		strbuf_addf(&b, "[%s%s%s] %s:%u\n", s->kind, s->name ? " " : "",
			s->name ? s->name : "", s->file + skip, s->line);
		for (size_t k = 0; k < s->n_entries; k++)
			strbuf_addf(&b, "%s=%s %s:%u\n", s->entries[k].key, s->entries[k].value,
				s->entries[k].file + skip, s->entries[k].line);
	}
	assert_int_equal(strbuf_finish(&b, &text), 0);
	return text;
}

static void expect_files(const struct file *files, size_t n, const char *wanted)
{
	_cleanup_(conf_freep) struct conf *c = NULL;
	_cleanup_free_ char *text = NULL;
	struct strlist errors = {0};
	int r = load(files, n, &c, &errors);

	for (size_t i = 0; i < errors.n; i++)
		print_error("%s\n", errors.items[i]);
	assert_int_equal(r, 0);
	assert_int_equal(errors.n, 0);
	text = dump(c);
	assert_string_equal(text, wanted);
	strlist_clear(&errors);
}

static void expect(const char *text, const char *wanted)
{
	const struct file f = {"main.conf", text, 0};

	expect_files(&f, 1, wanted);
}

/* wanted: the errors, a line each, files without the directory. */
static void expect_faults(const struct file *files, size_t n, const char *wanted)
{
	struct conf *c = NULL;
	struct strbuf b = {0};
	struct strlist errors = {0};

	assert_int_equal(load(files, n, &c, &errors), -EBADMSG);
	assert_null(c);
	for (size_t i = 0; i < errors.n; i++) {
		assert_memory_equal(errors.items[i], dir, strlen(dir));
		strbuf_addf(&b, "%s\n", errors.items[i] + strlen(dir) + 1);
	}
	assert_string_equal(b.text, wanted);
	strbuf_clear(&b);
	strlist_clear(&errors);
}

static void expect_fault_n(const char *text, size_t n, const char *wanted)
{
	const struct file f = {"main.conf", text, n};

	expect_faults(&f, 1, wanted);
}

static void expect_fault(const char *text, const char *wanted)
{
	expect_fault_n(text, 0, wanted);
}

static void test_plain(void **state)
{
	(void)state;
	expect("", "");
	expect("\n\n# nothing\n; at all\n  # here\n", "");
}

static void test_sections(void **state)
{
	(void)state;
	expect("[daemon]\nmode = act\npoll_interval=10s\n\n[spark "
	       "prod-1.a_B]\nurl=http://h:1/?a=b\n",
		"[daemon] main.conf:1\nmode=act main.conf:2\npoll_interval=10s main.conf:3\n"
		"[spark prod-1.a_B] main.conf:5\nurl=http://h:1/?a=b main.conf:6\n");
	/* Those without keys count. */
	expect("[spark x]\n[spark y]\n[probe]", "[spark x] main.conf:1\n[spark y] main.conf:2\n"
						"[probe] main.conf:3\n");
	expect("[spark \t x]  ; why\n", "[spark x] main.conf:1\n");
	/* Said twice is one. */
	expect("[a]\nk=1\n[b]\n[a]\nl=2\n",
		"[a] main.conf:1\nk=1 main.conf:2\nl=2 main.conf:5\n[b] main.conf:3\n");
	expect("[" A49 "]\n", "[" A49 "] main.conf:1\n");
}

static void test_values(void **state)
{
	(void)state;
	expect("[a]\nk=1\nk=2\nl=x\nk=1\n", "[a] main.conf:1\nk=1 main.conf:2\nk=2 main.conf:3\n"
					    "l=x main.conf:4\nk=1 main.conf:5\n");
	expect("[a]\nk =  two words \t\n", "[a] main.conf:1\nk=two words main.conf:2\n");
	expect("[a]\nk=a ; comment\nl=a;b # c\n",
		"[a] main.conf:1\nk=a main.conf:2\nl=a;b # c main.conf:3\n");
	expect("[a]\nk=a=b:c [d]\n", "[a] main.conf:1\nk=a=b:c [d] main.conf:2\n");
	expect("[a]\nk=gr\xc3\xbc\xc3\x9f\n",
		"[a] main.conf:1\nk=gr\xc3\xbc\xc3\x9f main.conf:2\n");
	expect("[a]\n" A49 "=1\n", "[a] main.conf:1\n" A49 "=1 main.conf:2\n");
}

static void test_line_ends(void **state)
{
	(void)state;
	expect("[a]\r\nk=1\r\n\r\nl=2\r\n", "[a] main.conf:1\nk=1 main.conf:2\nl=2 main.conf:4\n");
	expect("[a]\nk=1", "[a] main.conf:1\nk=1 main.conf:2\n");
	expect("[a]\nk=1\r", "[a] main.conf:1\nk=1 main.conf:2\n");
	expect("\xef\xbb\xbf[a]\nk=1\n", "[a] main.conf:1\nk=1 main.conf:2\n");
	expect("\xef\xbb\xbf", "");
}

static void test_long_lines(void **state)
{
	char text[512] = "[a]\nk=";
	char wanted[512];

	(void)state;
	/* 199 bytes go. */
	memset(text + 6, 'v', 197);
	(void)snprintf(wanted, sizeof(wanted), "[a] main.conf:1\nk=%.197s main.conf:2\n", text + 6);
	expect(text, wanted);
	(void)snprintf(text + 6 + 197, 3, "\r\n");
	expect(text, wanted);
	(void)snprintf(text + 6 + 197, 12, "v\nl=\nm=1\n");
	expect_fault(text, "main.conf:2: line over 199 bytes\nmain.conf:3: empty value\n");
	/* Comments, too. */
	memset(text, '#', 200);
	text[200] = '\0';
	expect_fault(text, "main.conf:1: line over 199 bytes\n");
}

static void test_bad_sections(void **state)
{
	static const char *const bad[] = {"[]", "[ ]", "[A]", "[a", "[ a]", "[a ]", "[a b c]",
		"[a b/c]", "[a] b", "[a]b", "[a];b", "[a] # b", "[1]", "[a-b]", "[spark \xc3\xbc]",
		"[a ;b]", "[[a]]", "[a=b]"};

	(void)state;
	each_row(i, bad)
	{
		_cleanup_free_ char *text = NULL;

		/* Its keys are not reported once more, nor do they fall to the section above. */
		assert_int_equal(str_printf(&text, "[ok]\n%s\nk=1\n", bad[i]), 0);
		expect_fault(text, "main.conf:2: not a section: expected [kind] or [kind name]\n");
	}
	expect_fault("[" A49 "a]\nk=1\n", "main.conf:1: section name over 49 bytes\n");
}

static void test_bad_keys(void **state)
{
	static const char *const bad[] = {"k", "k: v", "= v", "=", "two words = 1", "k;x=1",
		"k ;=1", "http://x=1", "k\"=1", "\xc3\xbc=1"};

	(void)state;
	each_row(i, bad)
	{
		_cleanup_free_ char *text = NULL;

		assert_int_equal(str_printf(&text, "[a]\n%s\n", bad[i]), 0);
		expect_fault(text, "main.conf:2: neither a section, nor \"key = value\", nor a "
				   "comment\n");
	}
	expect_fault("[a]\n" A49 "a=1\n", "main.conf:2: key over 49 bytes\n");
	expect_fault("k=1\n[a]\n", "main.conf:1: key before any section\n");
	expect_fault("[a]\nk=\n", "main.conf:2: empty value\n");
	expect_fault("[a]\nk= \t\n", "main.conf:2: empty value\n");
	expect_fault("[a]\nk= ; why\n", "main.conf:2: empty value\n");
	expect_fault("[a]\nk =; why\n", "main.conf:2: empty value\n");
	expect_fault("[a]\nk=;why\n", "main.conf:2: empty value\n");
}

static void test_white_space(void **state)
{
	(void)state;
	expect_fault("[a]\nk=1\n  l=2\n\tmore\n [b]\n",
		"main.conf:3: white space before the text: inih would add it to the line above\n"
		"main.conf:4: white space before the text: inih would add it to the line above\n"
		"main.conf:5: white space before the text: inih would add it to the line above\n");
}

static void test_bytes(void **state)
{
	static const char *const bad[] = {"[a]\nk=\xff\n", "[a]\nk=\xc3\n", "[a]\n# \xe4\n",
		"[a]\nk=\x1b[31m\n", "[a]\nk=1\rl=2\n", "[a]\nk=\xc0\x80\n",
		"[a]\nk=\xe2\x80\xae\n", "[a]\nk=\x7f\n"};

	(void)state;
	each_row(i, bad) expect_fault(bad[i], "main.conf:2: not UTF-8, or a control character\n");
	expect_fault_n("[a]\nk=1\0;\n", 10, "main.conf:2: not UTF-8, or a control character\n");
}

static void test_all_at_once(void **state)
{
	const struct file files[] = {
		{"main.conf.d/20.conf", "[b\nk=1\n", 0},
		{"main.conf.d/10.conf", "[a]\nx\ny=\n", 0},
		{"main.conf", "k=1\n[A]\n[a]\n\xff\nz=1\n", 0},
	};

	(void)state;
	expect_faults(files, ELEMENTSOF(files),
		"main.conf.d/10.conf:2: neither a section, nor \"key = value\", nor a comment\n"
		"main.conf.d/10.conf:3: empty value\n"
		"main.conf.d/20.conf:1: not a section: expected [kind] or [kind name]\n"
		"main.conf:1: key before any section\n"
		"main.conf:2: not a section: expected [kind] or [kind name]\n"
		"main.conf:4: not UTF-8, or a control character\n");
}

static void test_sizes(void **state)
{
	const size_t n = (size_t)64 * 1024 * 1024;
	_cleanup_free_ char *text = malloc(n + 2);
	_cleanup_(conf_freep) struct conf *c = NULL;
	struct strlist errors = {0};
	struct file f = {"main.conf", text, n};

	(void)state;
	assert_non_null(text);
	memset(text, '#', n + 1);
	for (size_t i = 150; i < n; i += 150)
		text[i] = '\n';
	assert_int_equal(load(&f, 1, &c, &errors), 0);
	f.n = n + 1;
	expect_faults(&f, 1, "main.conf:1: file over 64 MiB\n");
	memset(text, '\n', 1000001);
	f.n = 1000000;
	c = conf_free(c);
	assert_int_equal(load(&f, 1, &c, &errors), 0);
	f.n = 1000001;
	expect_faults(&f, 1, "main.conf:1000001: more than 1000000 lines\n");
	assert_int_equal(errors.n, 0);
}

static void test_drop_ins(void **state)
{
	const struct file files[] = {
		{"main.conf",
			"[daemon]\nmode=observe\npoll=1\npoll=2\n[rule main]\nk=1\n[rule z]\n", 0},
		{"main.conf.d/10-a.conf",
			"[rule first]\nk=1\n[daemon]\nmode=act\nx=a\nx=b\n[rule z]\nk=z\n", 0},
		{"main.conf.d/9.conf", "[daemon]\nx=later\ny=1\n[rule last]\n", 0},
		{"main.conf.d/.hidden.conf", "rubbish", 0},
		{"main.conf.d/README", "rubbish", 0},
		{"main.conf.d/x.conf~", "rubbish", 0},
	};

	(void)state;
	expect_files(files, ELEMENTSOF(files),
		"[rule first] main.conf.d/10-a.conf:1\n"
		"k=1 main.conf.d/10-a.conf:2\n"
		"[daemon] main.conf.d/10-a.conf:3\n"
		"mode=act main.conf.d/10-a.conf:4\n"
		"x=later main.conf.d/9.conf:2\n"
		"y=1 main.conf.d/9.conf:3\n"
		"poll=1 main.conf:3\n"
		"poll=2 main.conf:4\n"
		"[rule z] main.conf.d/10-a.conf:7\n"
		"k=z main.conf.d/10-a.conf:8\n"
		"[rule last] main.conf.d/9.conf:4\n"
		"[rule main] main.conf:5\n"
		"k=1 main.conf:6\n");
}

static void test_no_file(void **state)
{
	struct conf *c = NULL;
	struct strlist errors = {0};
	_cleanup_free_ char *wanted = NULL;
	_cleanup_free_ char *sub = in_dir("main.conf");

	(void)state;
	assert_int_equal(load(NULL, 0, &c, &errors), -ENOENT);
	assert_int_equal(errors.n, 1);
	assert_int_equal(str_printf(&wanted, "%s/main.conf: No such file or directory", dir), 0);
	assert_string_equal(errors.items[0], wanted);
	strlist_clear(&errors);
	assert_return_code(mkdir(sub, 0700), errno);
	assert_int_equal(conf_load(sub, &c, &errors), -EISDIR);
	assert_return_code(rmdir(sub), errno);
	assert_int_equal(errors.n, 1);
	strlist_clear(&errors);
	/* Does not wait for someone to write. */
	assert_return_code(mkfifo(sub, 0600), errno);
	assert_int_equal(conf_load(sub, &c, &errors), -EINVAL);
	assert_return_code(unlink(sub), errno);
	assert_int_equal(errors.n, 1);
	strlist_clear(&errors);
	assert_null(c);
}

/* Unreadable drop-ins are faults; one that points to /dev/null is empty; no directory is none. */
static void test_odd_drop_ins(void **state)
{
	const struct file main_conf = {"main.conf", "[a]\nk=1\n", 0};
	_cleanup_free_ char *link = in_dir("main.conf.d/10.conf");
	_cleanup_free_ char *drop_ins = in_dir("main.conf.d");

	(void)state;
	assert_return_code(symlink("/dev/null", link), errno);
	expect_files(&main_conf, 1, "[a] main.conf:1\nk=1 main.conf:2\n");
	assert_return_code(unlink(link), errno);
	assert_return_code(symlink("nowhere", link), errno);
	expect_faults(&main_conf, 1, "main.conf.d/10.conf: No such file or directory\n");
	assert_return_code(unlink(link), errno);
	assert_return_code(rmdir(drop_ins), errno);
	expect_files(&main_conf, 1, "[a] main.conf:1\nk=1 main.conf:2\n");
	assert_return_code(symlink("main.conf", drop_ins), errno);
	expect_faults(&main_conf, 1, "main.conf.d: Not a directory\n");
	assert_return_code(unlink(drop_ins), errno);
	assert_return_code(mkdir(drop_ins, 0700), errno);
}

/* Each by its kind and name, whatever comes in between. */
static void test_find(void **state)
{
	static const struct {
		const char *kind;
		const char *name;
		unsigned line; /* 0: there is none */
	} rows[] = {
		{"b", NULL, 1},
		{"a", "x", 2},
		{"a", NULL, 3},
		{"b", "y", 4},
		{"a", "a", 6},
		{"a", "y", 0},
		{"c", NULL, 0},
		{"", NULL, 0},
	};
	const struct file main_conf = {"main.conf", "[b]\n[a x]\n[a]\n[b y]\n[a x]\n[a a]\n", 0};
	_cleanup_(conf_freep) struct conf *c = NULL;
	_cleanup_(strlist_clear) struct strlist errors = {0};

	(void)state;
	assert_int_equal(load(&main_conf, 1, &c, &errors), 0);
	assert_int_equal(c->n_sections, 5);
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		const struct conf_section *s = conf_find(c, rows[i].kind, rows[i].name);

		assert_int_equal(s ? s->line : 0, rows[i].line);
	}
}

static void test_new(void **state)
{
	struct conf *c = NULL;

	(void)state;
	assert_int_equal(conf_new(&c), 0);
	assert_int_equal(c->n_sections, 0);
	assert_null(conf_free(c));
	assert_null(conf_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_bad_sections),
		cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_white_space),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_drop_ins),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_odd_drop_ins),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_new),
	};

	return cmocka_run_group_tests(tests, make_all, remove_all);
}
