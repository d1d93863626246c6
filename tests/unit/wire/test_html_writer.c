/* SPDX-License-Identifier: Apache-2.0
 * What is written is HTML, and what others have said is text in it, whatever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"

#include "wire/html_writer.h"

static void assert_written(struct html_writer *w, const char *expected)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(html_finish(w, &text), 0);
	assert_string_equal(text, expected);
	assert_int_equal(w->depth, 0);
}

static void elements(void **state)
{
	struct html_writer w = {0};

	(void)state;
	html_doctype(&w);
	html_open(&w, "html");
	html_attribute(&w, "lang", "en");
	html_open(&w, "meta");
	html_attribute(&w, "charset", "utf-8");
	html_close(&w);
	html_open(&w, "input");
	html_attribute(&w, "autofocus", "");
	html_attribute(&w, "value", NULL);
	html_attributef(&w, "size", "%d", 7);
	html_close(&w);
	html_open(&w, "path");
	html_close(&w);
	html_element(&w, "p", "quiet", "a");
	html_element(&w, "p", NULL, NULL);
	html_open(&w, "ul");
	html_open(&w, "li");
	html_textf(&w, "%d & %s", 1, "<b>");
	html_close_to(&w, 1);
	html_text(&w, "end");
	assert_written(&w,
		"<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><input autofocus "
		"size=\"7\"><path></path><p class=\"quiet\">a</p><p></p><ul><li>1 &amp; "
		"&lt;b&gt;</li></ul>end</html>\n");
}

static void texts_of_others(void **state)
{
	static const struct {
		const char *name;
		const char *written;
	} rows[] = {
		{"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
		{"\" onmouseover=\"x", "&quot; onmouseover=&quot;x"},
		{"' onmouseover='x", "&#39; onmouseover=&#39;x"},
		{"a & b &lt; &#x3c;", "a &amp; b &amp;lt; &amp;#x3c;"},
		{"-->]]></p>", "--&gt;]]&gt;&lt;/p&gt;"},
		{"\x1b[31m\r\n\t\x7f", "?[31m????"},
		{"\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac"},
		{"\xe2\x80\xaegnp.exe", "???gnp.exe"}, /* right to left from here on */
		{"\xff\xc3<", "??&lt;"},               /* no UTF-8: the < is not swallowed */
		{"%s%n", "%s%n"},
		{"", ""},
	};

	(void)state;
	for_each_row(r, rows)
	{
		struct html_writer w = {0};
		_cleanup_free_ char *text = NULL;

		assert_true(str_printf(&text, "<p title%s%s%s>%s</p>\n", *r->name ? "=\"" : "",
				    r->written, *r->name ? "\"" : "", r->written) >= 0);
		html_open(&w, "p");
		html_attribute(&w, "title", r->name);
		html_text(&w, r->name);
		assert_written(&w, text);
	}
}

static void links(void **state)
{
	static const struct {
		const char *name;
		bool is_link;
	} rows[] = {
		{"http://h:4040/stages", true},
		{"HTTPS://h/?a=b&c=d", true},
		{"http://h/\"><b>", true}, /* escaped */
		{"javascript:alert(1)", false},
		{" javascript:alert(1)", false},
		{"java\nscript:alert(1)", false},
		{"data:text/html,x", false},
		{"//elsewhere/", false},
		{"/path", false},
		{"http:\\\\h", false},
		{"http://h/ a", false},
		{"http://h/\x01", false},
		{"http://h/\xc3\xa4", false},
		{"", false},
	};

	(void)state;
	for_each_row(r, rows)
	{
		struct html_writer w = {0};
		_cleanup_free_ char *text = NULL;

		html_link(&w, r->name, "x>");
		assert_int_equal(html_finish(&w, &text), 0);
		assert_int_equal(strncmp(text, "<a href=\"", 9) == 0, r->is_link);
		assert_non_null(strstr(text, "x&gt;"));
		assert_null(strstr(text, "<b>"));
	}
}

static void no_link(void **state)
{
	struct html_writer w = {0};

	(void)state;
	html_link(&w, NULL, "a");
	assert_written(&w, "a\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements),
		cmocka_unit_test(texts_of_others),
		cmocka_unit_test(links),
		cmocka_unit_test(no_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
