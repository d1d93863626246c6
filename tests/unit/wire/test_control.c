/* SPDX-License-Identifier: Apache-2.0
 * Orders as text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"
#include <errno.h>

#include "base/strbuf.h"
#include "wire/control.h"

static void test_there_and_back(void **state)
{
	char reason[] = "it's \"ours\" \xc3\xa9";
	struct control_pause p = {.reason = reason, .length = 90 * USEC_PER_MINUTE};
	struct control_pause back = {0};
	char *text = NULL;
	char *err = NULL;

	(void)state;
	assert_int_equal(control_pause_encode(&p, &text), 0);
	assert_int_equal(control_pause_decode(text, strlen(text), &back, &err), 0);
	assert_string_equal(back.reason, reason);
	assert_int_equal(back.length, p.length);
	control_pause_clear(&back);
	free(text);

	/* Parts of a second are not told. */
	p.length = 1500 * USEC_PER_MSEC;
	assert_int_equal(control_pause_encode(&p, &text), 0);
	assert_non_null(strstr(text, "\"seconds\":1}"));
	free(text);
	p.length = 0;
	assert_int_equal(control_pause_encode(&p, &text), 0);
	assert_null(strstr(text, "seconds"));
	assert_int_equal(control_pause_decode(text, strlen(text), &back, &err), 0);
	assert_int_equal(back.length, 0);
	assert_null(err);
	control_pause_clear(&back);
	free(text);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		const char *word;
	} cases[] = {
		{"", "empty"},
		{"{", "not JSON"},
		{"[]", "no object"},
		{"{}", "\"reason\" is missing"},
		{"{\"reason\":null}", "\"reason\" is null"},
		{"{\"reason\":7}", "\"reason\""},
		{"{\"reason\":\"x\",\"seconds\":\"2h\"}", "\"seconds\""},
		{"{\"reason\":\"x\",\"seconds\":-1}", "\"seconds\""},
		{"{\"reason\":\"x\",\"seconds\":1.5}", "\"seconds\""},
		{"{\"reason\":\"x\",\"seconds\":0}", "\"seconds\" is 0"},
		{"{\"reason\":\"x\",\"seconds\":9000000000000000}", "\"seconds\" is out of range"},
	};

	(void)state;
	each_row(i, cases)
	{
		struct control_pause p = {0};
		_cleanup_free_ char *err = NULL;

		assert_int_equal(
			control_pause_decode(cases[i].text, strlen(cases[i].text), &p, &err),
			-EBADMSG);
		assert_non_null(strstr(err, cases[i].word));
		assert_null(p.reason);
	}
}

static void test_name(void **state)
{
	static const char *const refused[] = {
		"", "[]", "{}", "{\"incident\":7}", "{\"app\":\"a\"}"};
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *name = NULL;
	_cleanup_free_ char *no_err = NULL;

	(void)state;
	assert_int_equal(control_name_encode("incident", "a \"b\"", &text), 0);
	assert_int_equal(control_name_decode(text, strlen(text), "incident", &name, &no_err), 0);
	assert_string_equal(name, "a \"b\"");
	each_row(i, refused)
	{
		_cleanup_free_ char *none = NULL;
		_cleanup_free_ char *err = NULL;

		assert_int_equal(control_name_decode(
					 refused[i], strlen(refused[i]), "incident", &none, &err),
			-EBADMSG);
		assert_null(none);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
