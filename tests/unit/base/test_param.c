/* SPDX-License-Identifier: Apache-2.0
 * Tables of parameters: defaults, setting, bounds, printing and reading back. */
#include "base/param.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

struct target {
	char *url;
	struct strlist hosts;
	bool enabled;
	uint64_t retries;
	uint64_t body;
	usec_t lasting;
	int mode;
};

static const char *const modes[] = {"observe", "act", NULL};

static const struct param_def defs[] = {
	{"url", PARAM_STRING, offsetof(struct target, url), NULL, 0, 0, NULL, "where"},
	{"hosts", PARAM_LIST, offsetof(struct target, hosts), "localhost", 0, 0, NULL, "who"},
	{"enabled", PARAM_BOOL, offsetof(struct target, enabled), "yes", 0, 0, NULL, "whether"},
	{"retries", PARAM_U64, offsetof(struct target, retries), "3", 1, 10, NULL, "how often"},
	{"body", PARAM_SIZE, offsetof(struct target, body), "8M", 1024, 0, NULL, "how large"},
	{"lasting", PARAM_DURATION, offsetof(struct target, lasting), "10min", 1000000, 3600000000,
		NULL, "how long"},
	{"mode", PARAM_ENUM, offsetof(struct target, mode), "act", 0, 0, modes, "how"},
};

static void assert_refused(const char *name, const char *text, int expected, const char *why)
{
	struct target t = {0};
	_cleanup_free_ char *err = NULL;
	const struct param_def *def = param_find(defs, ELEMENTSOF(defs), name);

	assert_non_null(def);
	assert_int_equal(param_set(def, &t, text, &err), expected);
	assert_non_null(err);
	assert_string_equal(err, why);
	param_clear(defs, ELEMENTSOF(defs), &t);
}

static void set(struct target *t, const char *name, const char *text)
{
	_cleanup_free_ char *err = NULL;

	assert_int_equal(param_set(param_find(defs, ELEMENTSOF(defs), name), t, text, &err), 0);
	assert_null(err);
}

static void assert_printed(const struct target *t, const char *expected)
{
	struct strbuf out = {0};
	_cleanup_free_ char *text = NULL;

	param_print(defs, ELEMENTSOF(defs), t, &out);
	assert_int_equal(strbuf_finish(&out, &text), 0);
	assert_string_equal(text, expected);
}

static void test_defaults(void **state)
{
	struct target t = {0};

	(void)state;
	assert_int_equal(param_defaults(defs, ELEMENTSOF(defs), &t), 0);
	assert_null(t.url);
	assert_int_equal(t.hosts.n, 1);
	assert_true(t.enabled);
	assert_int_equal(t.retries, 3);
	assert_int_equal(t.body, 8 << 20);
	assert_int_equal(t.lasting, 10 * USEC_PER_MINUTE);
	assert_int_equal(t.mode, 1);
	assert_printed(&t, "# url =\nhosts = localhost\nenabled = yes\nretries = 3\nbody = 8M\n"
			   "lasting = 10min\nmode = act\n");
	param_clear(defs, ELEMENTSOF(defs), &t);
	assert_int_equal(t.hosts.n, 0);
	assert_false(t.enabled);
	assert_int_equal(t.lasting, 0);
}

static void test_set(void **state)
{
	struct target t = {0};

	(void)state;
	assert_int_equal(param_defaults(defs, ELEMENTSOF(defs), &t), 0);
	set(&t, "url", "http://a:1");
	set(&t, "url", "http://b:1");
	set(&t, "hosts", "");
	set(&t, "hosts", "a");
	set(&t, "hosts", "b");
	set(&t, "enabled", "off");
	set(&t, "body", "1500");
	set(&t, "lasting", "1500ms");
	set(&t, "mode", "observe");
	assert_printed(&t, "url = http://b:1\nhosts = a\nhosts = b\nenabled = no\nretries = 3\n"
			   "body = 1500\nlasting = 1500ms\nmode = observe\n");
	set(&t, "url", "");
	assert_null(t.url);
	param_clear(defs, ELEMENTSOF(defs), &t);
}

/* A line that is as long as the configuration may have it, or three bytes shorter. */
static void test_longest_lines(void **state)
{
	struct target t = {0};
	char value[PARAM_LINE_BYTES + 1];
	struct strbuf out = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	memset(value, 'a', sizeof(value));
	value[PARAM_LINE_BYTES - strlen("url=")] = '\0';
	set(&t, "url", value);
	value[PARAM_LINE_BYTES - strlen("hosts = ")] = '\0';
	set(&t, "hosts", value);
	param_print(defs, 2, &t, &out);
	assert_int_equal(strbuf_finish(&out, &text), 0);
	assert_int_equal(strcspn(text, "\n"), PARAM_LINE_BYTES);
	assert_int_equal(strlen(text), 2 * (PARAM_LINE_BYTES + 1));
	assert_memory_equal(text, "url=a", 5);
	assert_memory_equal(text + PARAM_LINE_BYTES + 1, "hosts = a", 9);
	param_clear(defs, ELEMENTSOF(defs), &t);
}

static void test_refused(void **state)
{
	(void)state;
	assert_refused("enabled", "maybe", -EINVAL, "neither yes nor no");
	assert_refused("retries", "many", -EINVAL, "not a whole number");
	assert_refused("retries", "0", -ERANGE, "below 1");
	assert_refused("retries", "11", -ERANGE, "above 10");
	assert_refused("retries", "99999999999999999999", -ERANGE, "too large");
	assert_refused("body", "1KB", -EINVAL, "not a size such as 512, 64K or 8M");
	assert_refused("body", "1000", -ERANGE, "below 1K");
	assert_refused("lasting", "soon", -EINVAL, "not a duration such as 90s or 10min");
	assert_refused("lasting", "10", -EINVAL, "a time needs its unit, such as 90s or 10min");
	assert_refused("lasting", "10ms", -ERANGE, "below 1s");
	assert_refused("lasting", "2h", -ERANGE, "above 1h");
	assert_refused("mode", "Act", -EINVAL, "not one of observe, act");
	assert_null(param_find(defs, ELEMENTSOF(defs), "nosuch"));
}

/* What is printed is read back to the microsecond. */
static void test_durations_both_ways(void **state)
{
	static const struct {
		usec_t t;
		const char *text;
	} cases[] = {
		{0, "x = 0s\n"},
		{1, "x = 1us\n"},
		{USEC_PER_SEC, "x = 1s\n"},
		{90 * USEC_PER_SEC, "x = 90s\n"},
		{600 * USEC_PER_SEC, "x = 10min\n"},
		{7200 * USEC_PER_SEC, "x = 2h\n"},
		{1500 * USEC_PER_MSEC, "x = 1500ms\n"},
		{USEC_PER_HOUR + 1, "x = 3600000001us\n"},
		{USEC_INFINITY, "x = 18446744073709551615us\n"},
	};
	const struct param_def def = {"x", PARAM_DURATION, 0, NULL, 0, 0, NULL, "x"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		struct strbuf out = {0};
		_cleanup_free_ char *text = NULL;
		_cleanup_free_ char *err = NULL;
		usec_t back = 1;

		param_print(&def, 1, &cases[i].t, &out);
		assert_int_equal(strbuf_finish(&out, &text), 0);
		assert_string_equal(text, cases[i].text);
		text[strlen(text) - 1] = '\0';
		assert_int_equal(param_set(&def, &back, text + 4, &err), 0);
		assert_int_equal(back, cases[i].t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_longest_lines),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_durations_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
