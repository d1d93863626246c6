/* SPDX-License-Identifier: Apache-2.0
 * Growing strings and the cleaning of text of others. */
#include "base/strbuf.h"

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_segment(const char *s, const char *expected)
{
	struct strbuf b = {0};
	_cleanup_free_ char *text = NULL;

	strbuf_add_segment(&b, s);
	assert_int_equal(strbuf_finish(&b, &text), 0);
	assert_string_equal(text, expected);
}

static void assert_printable(const char *s, size_t max, const char *expected)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(str_printable(s, max, &text), 0);
	assert_string_equal(text, expected);
}

static void test_json(void **state)
{
	static const char *const cases[][2] = {
		{"", "\"\""},
		{"a \"b\" \\c", "\"a \\\"b\\\" \\\\c\""},
		{"\x01\n\x1f ", "\"\\u0001\\u000a\\u001f \""},
		{"\xc3\xa9\x7f", "\"\xc3\xa9\x7f\""},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		struct strbuf b = {0};
		_cleanup_free_ char *text = NULL;

		strbuf_add_json(&b, cases[i][0]);
		assert_int_equal(strbuf_finish(&b, &text), 0);
		assert_string_equal(text, cases[i][1]);
	}
}

static void test_empty(void **state)
{
	struct strbuf b = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_int_equal(strbuf_finish(&b, &text), 0);
	assert_string_equal(text, "");
	assert_null(b.text);
}

static void test_growth(void **state)
{
	struct strbuf b = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	for (int i = 0; i < 10000; i++)
		strbuf_addf(&b, "%04d,", i);
	strbuf_add(&b, "end");
	strbuf_add_n(&b, "xyz", 2);
	assert_int_equal(b.len, 50005);
	assert_int_equal(strbuf_finish(&b, &text), 0);
	assert_int_equal(strlen(text), 50005);
	assert_string_equal(text + 49995, "9999,endxy");
	assert_memory_equal(text, "0000,0001,", 10);
}

static void test_a_finished_text_has_no_room_to_spare(void **state)
{
	struct strbuf b = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	strbuf_addf(&b, "%080d", 1);
	assert_int_equal(b.size, 128);
	assert_int_equal(strbuf_finish(&b, &text), 0);
	assert_true(malloc_usable_size(text) < 96);
}

static void test_failure_is_remembered(void **state)
{
	struct strbuf b = {0};
	char *text = NULL;

	(void)state;
	strbuf_add(&b, "a");
	strbuf_add_n(&b, "b", SIZE_MAX / 2);
	strbuf_add(&b, "c");
	assert_true(b.failed);
	assert_int_equal(strbuf_finish(&b, &text), -ENOMEM);
	assert_null(text);
	assert_null(b.text);
}

static void test_segment(void **state)
{
	(void)state;
	assert_segment(
		"manual__2026-11-23T00:00:00+00:00", "manual__2026-11-23T00%3A00%3A00%2B00%3A00");
	assert_segment("../../x?y#z", "..%2F..%2Fx%3Fy%23z");
	assert_segment("a b%\xc3\xa9~", "a%20b%25%C3%A9~");
	assert_segment("", "");
}

static void test_replace(void **state)
{
	_cleanup_free_ char *s = NULL;
	const char *before;

	(void)state;
	assert_int_equal(str_replace(&s, "one"), 0);
	assert_string_equal(s, "one");
	assert_int_equal(str_replace(&s, s), 0);
	assert_string_equal(s, "one");
	before = s;
	assert_int_equal(str_replace(&s, "one"), 0);
	assert_ptr_equal(s, before);
	assert_int_equal(str_replace(&s, "two"), 0);
	assert_string_equal(s, "two");
	assert_int_equal(str_replace(&s, NULL), 0);
	assert_null(s);
	assert_true(str_equal(NULL, NULL));
	assert_false(str_equal("a", NULL));
	assert_true(str_equal("a", "a"));
	assert_false(str_equal("a", "b"));
}

static void test_its_room_is_used_again(void **state)
{
	struct strbuf b = {0};
	const char *room;

	(void)state;
	assert_int_equal(strbuf_set(&b, "http://driver:4040/api/v1"), 0);
	room = b.text;
	assert_int_equal(strbuf_set(&b, "http://d"), 0);
	assert_ptr_equal(b.text, room);
	assert_string_equal(b.text, "http://d");
	strbuf_add(&b, "/x");
	assert_string_equal(b.text, "http://d/x");
	strbuf_empty(&b);
	assert_int_equal(b.len, 0);
	assert_int_equal(strbuf_set(&b, ""), 0);
	assert_string_equal(b.text, "");
	strbuf_clear(&b);
}

static void test_printable_keeps_text(void **state)
{
	(void)state;
	assert_printable("count at etl.py:12", 200, "count at etl.py:12");
	assert_printable("caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80", 200,
		"caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80");
	assert_printable(NULL, 200, "");
}

static void test_printable_replaces(void **state)
{
	(void)state;
	assert_printable("a\x1b[31mb\nc\x7f", 200, "a?[31mb?c?");
	/* C1 controls, an overlong slash, a surrogate, beyond Unicode, a lone byte, a cut one. */
	assert_printable("\xc2\x9b", 200, "\?\?");
	assert_printable("\xc0\xaf", 200, "\?\?");
	assert_printable("\xed\xa0\x80", 200, "\?\?\?");
	assert_printable("\xf4\x90\x80\x80", 200, "\?\?\?\?");
	assert_printable("\xff", 200, "?");
	assert_printable("a\xe6\x97", 200, "a\?\?");
	/* An override of the writing direction, and a line separator. */
	assert_printable("\xe2\x80\xae", 200, "\?\?\?");
	assert_printable("\xe2\x80\xa8", 200, "\?\?\?");
	assert_printable("\xe2\x81\xa6", 200, "\?\?\?");
	assert_printable("\xe2\x80\xa6", 200, "\xe2\x80\xa6");
}

static void test_printable_cuts(void **state)
{
	(void)state;
	assert_printable("abcdef", 3, "abc");
	assert_printable("abcdef", 0, "");
	assert_printable("a\xc3\xa9z", 2, "a");
	assert_printable("a\xc3\xa9z", 3, "a\xc3\xa9");
	assert_printable("\xf0\x9f\x98\x80", 3, "");
	assert_int_equal(str_cut("a\xc3\xa9", 10), 3);
}

/* A text that finds no room is written again. */
static void test_formats(void **state)
{
	static const int64_t numbers[] = {0, 9, -1, 10, INT64_MAX, INT64_MIN};
	struct strbuf b = {0};
	struct strbuf want = {0};
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *wanted = NULL;

	(void)state;
	for (int n = 0; n < 400; n++) {
		strbuf_addf(&b, "%*d,", n, n);
		for (int i = n < 10 ? 1 : n < 100 ? 2 : 3; i < n; i++)
			strbuf_add(&want, " ");
		strbuf_add_integer(&want, n);
		strbuf_add(&want, ",");
	}
	for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
		strbuf_addf(&b, "%lld ", (long long)numbers[i]);
		strbuf_add_integer(&want, numbers[i]);
		strbuf_add(&want, " ");
	}
	assert_int_equal(strbuf_finish(&b, &text), 0);
	assert_int_equal(strbuf_finish(&want, &wanted), 0);
	assert_string_equal(text, wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_a_finished_text_has_no_room_to_spare),
		cmocka_unit_test(test_failure_is_remembered),
		cmocka_unit_test(test_segment),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_its_room_is_used_again),
		cmocka_unit_test(test_printable_keeps_text),
		cmocka_unit_test(test_printable_replaces),
		cmocka_unit_test(test_printable_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
