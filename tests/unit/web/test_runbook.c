/* SPDX-License-Identifier: Apache-2.0
 * Every page of the runbook is there, and nothing else is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "core/detect/verdict.h"
#include "web/runbook.h"

/* NULL: there is none. */
static char *html_of(const char *name)
{
	const struct runbook_page *page = runbook_find(name);
	struct web_view v = {0};
	struct http_server_reply reply = {0};

	if (!page)
		return NULL;
	assert_int_equal(runbook_answer(&v, page, &reply), 0);
	assert_int_equal(reply.status, 200);
	assert_string_equal(reply.content_type, "text/html; charset=utf-8");
	return reply.body;
}

static void a_page(void **state)
{
	_cleanup_free_ char *html = html_of("hung");

	(void)state;
	assert_non_null(html);
	assert_non_null(strstr(html, "<h1>The verdict hung</h1>"));
	assert_non_null(strstr(html, "<a href=\"StagewatchSparkStageHung\">"));
	assert_null(strstr(html, "]("));
	assert_null(strstr(html, "**"));
}

static void the_list(void **state)
{
	_cleanup_free_ char *html = html_of("");

	(void)state;
	assert_non_null(html);
	assert_non_null(strstr(html, "<h1>Runbook</h1>"));
	assert_non_null(strstr(html, "<a href=\"StagewatchSparkStageHung\">"));
	assert_non_null(strstr(html, "<a href=\"io_wait\">"));
}

static void of_each_verdict_and_cause(void **state)
{
	(void)state;
	for (int v = 0; v < VERDICT_MAX; v++) {
		_cleanup_free_ char *html = html_of(verdict_name((enum verdict)v));

		assert_true((html == NULL) == (v == VERDICT_PHANTOM));
	}
	for (int c = 0; c < CAUSE_MAX; c++) {
		_cleanup_free_ char *html = html_of(cause_name((enum cause)c));

		assert_non_null(html);
	}
}

static void no_such_page(void **state)
{
	static const char *const names[] = {"none", "hung.md", "../runbook", "hung/", "/hung",
		"HUNG", "/etc/passwd", "../../etc/passwd", "hung%00", "."};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		assert_null(runbook_find(names[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page),
		cmocka_unit_test(the_list),
		cmocka_unit_test(of_each_verdict_and_cause),
		cmocka_unit_test(no_such_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
