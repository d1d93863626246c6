/* SPDX-License-Identifier: Apache-2.0
 * What a secret looks like where somebody says it again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"
#include "base/secret.h"

static void expect(const struct secrets *s, const char *text, const char *left)
{
	char copy[256];

	(void)snprintf(copy, sizeof(copy), "%s", text);
	assert_int_equal(secrets_hide(s, copy, strlen(copy)), strlen(left));
	assert_string_equal(copy, left);
}

static void test_forms(void **state)
{
	static const struct {
		const char *name;
		const char *secret;
		const char *text;
		const char *left;
	} rows[] = {
		{"plain", "hunter2", "no: hunter2hunter2, hunter", "no: ******, hunter"},
		{"at both ends", "hunter2", "hunter2 or hunter2", "*** or ***"},
		{"short", "pw", "(pw)", "(**)"},
		{"base64", "hunter2", "<aHVudGVyMg==>", "<***g==>"},
		{"of a Basic authorization", "hunter2", "Basic dXNlcjpodW50ZXIy",
			"Basic dXNlcjp***"},
		{"the same behind another name", "hunter2", "b3BzOmh1bnRlcjI=", "b3BzOm***I="},
		{"in the middle", "hunter2", "YTpodW50ZXIyOmI=", "YTp***OmI="},
		{"base64 of URLs", ">>>~~~", "Pj4-fn5-", "***"},
		{"base64 of others", ">>>~~~", "Pj4+fn5+", "***"},
		{"in JSON", "a\"b\\c", "{\"x\":\"a\\\"b\\\\c\"}", "{\"x\":\"***\"}"},
		{"in JSON of PHP", "a/b\"c", "a\\/b\\\"c", "***"},
		{"in JSON of Python", "gr\xc3\xbc\xc3\x9f", "gr\\u00fc\\u00df", "***"},
		{"beyond 16 bits", "x\xf0\x9f\x94\x91y", "x\\ud83d\\udd11y", "***"},
		{"no UTF-8", "x\xffy", "x\xffy", "***"},
		{"in HTML", "<a&\"b'>", "&lt;a&amp;&quot;b&#39;&gt;", "***"},
		{"in HTML of Jinja", "<a&\"b'>", "&lt;a&amp;&#34;b&#39;&gt;", "***"},
		{"in HTML of Python", "<a&\"b'>", "&lt;a&amp;&quot;b&#x27;&gt;", "***"},
		{"in a URL", "p&w d", "?password=p%26w%20d", "?password=***"},
	};

	(void)state;
	for_each_row(r, rows)
	{
		struct secrets s = {0};

		assert_int_equal(secrets_add(&s, r->secret), 0);
		expect(&s, r->text, r->left);
		expect(&s, "nothing of it", "nothing of it");
		expect(&s, "", "");
		secrets_clear(&s);
	}
}

/* One that is a part of another leaves nothing of that. */
static void test_several(void **state)
{
	struct secrets s = {0};
	size_t n;

	(void)state;
	assert_int_equal(secrets_add(&s, NULL), 0);
	assert_int_equal(secrets_add(&s, ""), 0);
	assert_int_equal(s.n, 0);
	expect(&s, "anything", "anything");
	assert_int_equal(secrets_add(&s, "open"), 0);
	assert_int_equal(secrets_add(&s, "open sesame"), 0);
	n = s.n;
	assert_int_equal(secrets_add(&s, "open sesame"), 0);
	assert_int_equal(s.n, n);
	expect(&s, "open sesame, open", "***, ***");
	secrets_clear(&s);
	assert_int_equal(s.n, 0);
}

static void test_urls(void **state)
{
	static const struct {
		const char *name;
		const char *url;
		const char *text;
	} rows[] = {
		{"plain", "http://a:4040/x", "http://a:4040/x"},
		{"a password", "http://bob:hunter2@a:4040/x", "http://***@a:4040/x"},
		{"one with all in it", "https://bob:h/u@n?t@er2@a/", "https://***@a/"},
		{"none at all", "bob:hunter2@a", "***@a"},
	};

	(void)state;
	for_each_row(r, rows)
	{
		char *text = NULL;

		assert_int_equal(secret_url_text(r->url, &text), 0);
		assert_string_equal(text, r->text);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
