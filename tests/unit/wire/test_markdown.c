/* SPDX-License-Identifier: Apache-2.0
 * What the runbook's Markdown becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"
#include "wire/markdown.h"

static bool exists(const char *name)
{
	return strcmp(name, "there") == 0;
}

static void texts(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		const char *want;
	} rows[] = {
		{"nothing", "", "\n"},
		{"headings", "# One\n## Two & three\n####### no\n#no\n",
			"<h1>One</h1><h2>Two &amp; three</h2><p>####### no #no</p>\n"},
		{"paragraphs", "a\nb\n\n\nc", "<p>a b</p><p>c</p>\n"},
		{"bullets", "- a\n  b\n- c\n\nd\n", "<ul><li>a b</li><li>c</li></ul><p>d</p>\n"},
		{"steps", "1. a\n   b\n12. c\n", "<ol><li>a b</li><li>c</li></ol>\n"},
		{"a list after the other", "- a\n1. b\n# c\n",
			"<ul><li>a</li></ul><ol><li>b</li></ol><h1>c</h1>\n"},
		{"code and bold", "`a<b>` **c** `d\n",
			"<p><code>a&lt;b&gt;</code> <strong>c</strong> `d</p>\n"},
		{"two stars in code", "`**` is **not\n", "<p><code>**</code> is **not</p>\n"},
		{"a link", "see [a & b](way/there.md).\n",
			"<p>see <a href=\"there\">a &amp; b</a>.</p>\n"},
		{"links to elsewhere", "[a](http://x/) [b](none.md) [c](.md) [d](there.md#e) [f\n",
			"<p>a b c d [f</p>\n"},
		{"a script", "<script>alert(\"1\")</script>\n",
			"<p>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;</p>\n"},
	};

	(void)state;
	for_each_row(r, rows)
	{
		struct html_writer w = {0};
		_cleanup_free_ char *html = NULL;

		markdown_write(&w, r->text, exists);
		assert_int_equal(html_finish(&w, &html), 0);
		assert_string_equal(html, r->want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(texts, row_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
