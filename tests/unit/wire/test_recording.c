/* SPDX-License-Identifier: Apache-2.0
 * Lines of a recording: what is written is read, and what is no answer is refused. */
#include "../row.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/recording.h"
#include "wire/spark_owner.h"
#include "wire/spark_properties.h"

static void test_what_is_written_is_read(void **state)
{
	static char path[] = "/api/v1/applications?x=\"y\"";
	static char type[] = "application/json";
	static char body[] = "[{\"id\":\"app-\\u00e9\"}]\n";
	static char error[] = "refused";
	const struct recorded_answer a = {.at = 12345 * USEC_PER_MSEC,
		.took = 250 * USEC_PER_MSEC,
		.path = path,
		.status = 200,
		.type = type,
		.body = body,
		.len = strlen(body),
		.error = error,
		.date = 1790000000 * USEC_PER_SEC};
	struct recorded_answer back = {0};
	_cleanup_free_ char *line = NULL;
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(recording_encode(&a, &line), 0);
	assert_null(strchr(line, '\n'));
	assert_int_equal(recording_decode(line, strlen(line), &back, &err), 0);
	assert_int_equal(back.at, a.at);
	assert_int_equal(back.took, a.took);
	assert_int_equal(back.status, a.status);
	assert_int_equal(back.len, a.len);
	assert_int_equal(back.date, a.date);
	assert_string_equal(back.path, a.path);
	assert_string_equal(back.type, a.type);
	assert_string_equal(back.body, a.body);
	assert_string_equal(back.error, a.error);
	recorded_answer_clear(&back);
}

/* What was known of an app when a recording began, as its driver would say it. */
static void test_what_was_known_is_read(void **state)
{
	static char timeout[] = "spark.network.timeout=300s";
	static char server[] = SPARK_MAIN_CLASS "=org.apache.toree.Main";
	static char identity[sizeof("spark.airflow.identity=") + SPARK_MAX_IDENTITY] =
		"spark.airflow.identity=";
	char *items[] = {timeout, identity, server};
	const struct strlist properties = {items, ELEMENTSOF(items)};
	_cleanup_(strlist_clear) struct strlist back = {0};
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *err = NULL;

	(void)state;
	memset(identity + strlen(identity), '6', SPARK_MAX_IDENTITY);
	assert_int_equal(recording_environment(&properties, &text), 0);
	assert_int_equal(spark_decode_properties(text, strlen(text), &back, &err), 0);
	assert_true(strlist_equal(&back, &properties));
}

#define LINE(t, took, status, path)                                                                \
	"{\"t\":" t ",\"took\":" took ",\"status\":" status ",\"" path                             \
	"\":\"/x\",\"type\":\"\",\"body\":\"\"}"

static void test_what_is_no_answer_is_refused(void **state)
{
	static const struct {
		const char *name;
		const char *line;
		const char *err; /* NULL: it is one */
	} rows[] = {
		{"an answer", LINE("0", "0.1", "200", "path"), NULL},
		{"none came", LINE("0", "0.1", "0", "path"), NULL},
		{"junk", "junk", ""},
		{"an array", "[1]", "not an object"},
		{"time as text", LINE("\"0\"", "0.1", "200", "path"), "\"t\""},
		{"before it began", LINE("-1", "0.1", "200", "path"), "\"t\""},
		{"beyond a year", LINE("1e12", "0.1", "200", "path"), "\"t\""},
		{"took less than nothing", LINE("0", "-1", "200", "path"), "\"took\""},
		{"no status", LINE("0", "0.1", "999", "path"), "\"status\""},
		{"no path", LINE("0", "0.1", "200", "paht"), "\"path\""},
	};

	(void)state;
	for_each_row(r, rows)
	{
		struct recorded_answer a = {0};
		_cleanup_free_ char *err = NULL;
		int n = recording_decode(r->line, strlen(r->line), &a, &err);

		assert_int_equal(n, r->err ? -EBADMSG : 0);
		if (r->err)
			assert_non_null(strstr(err, r->err));
		recorded_answer_clear(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_what_was_known_is_read),
		cmocka_unit_test(test_what_is_no_answer_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
