/* SPDX-License-Identifier: Apache-2.0
 * What is written is what cJSON reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "wire/json_writer.h"

static void all_kinds(void **state)
{
	struct json_writer w = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	json_open(&w, NULL, '{');
	json_text(&w, "a", "b");
	json_text(&w, "none", NULL);
	json_open(&w, "list", '[');
	json_open(&w, NULL, '{');
	json_close(&w, '}');
	json_integer(&w, NULL, INT64_MIN);
	json_integer(&w, NULL, INT64_MAX);
	json_text(&w, NULL, "");
	json_open(&w, NULL, '[');
	json_close(&w, ']');
	json_close(&w, ']');
	json_bool(&w, "yes", true);
	json_rate(&w, "rate", 0.25);
	json_close(&w, '}');
	assert_int_equal(json_finish(&w, &text), 0);
	assert_string_equal(text,
		"{\"a\":\"b\",\"none\":null,\"list\":[{},-9223372036854775808,9223372036854775807,"
		"\"\",[]],\"yes\":true,\"rate\":0.250}");
}

static void any_text(void **state)
{
	char all[256];
	struct json_writer w = {0};
	_cleanup_free_ char *text = NULL;
	cJSON *read;

	(void)state;
	for (size_t i = 0; i < 0x7f; i++)
		all[i] = (char)(i + 1);
	(void)strcpy(&all[0x7f], "\xc3\xa4\"\"\\");
	json_open(&w, NULL, '[');
	json_text(&w, NULL, all);
	json_close(&w, ']');
	assert_int_equal(json_finish(&w, &text), 0);
	read = cJSON_Parse(text);
	assert_non_null(read);
	assert_string_equal(cJSON_GetArrayItem(read, 0)->valuestring, all);
	cJSON_Delete(read);
}

static void times(void **state)
{
	static const struct {
		usec_t t;
		const char *seconds;
	} rows[] = {
		{0, "0"},
		{1, "0.000001"},
		{10, "0.00001"},
		{1500000, "1.5"},
		{60 * USEC_PER_SEC, "60"},
		{1764428400 * USEC_PER_SEC + 120000, "1764428400.12"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		struct json_writer w = {0};
		_cleanup_free_ char *text = NULL;

		json_seconds(&w, NULL, rows[i].t);
		assert_int_equal(json_finish(&w, &text), 0);
		assert_string_equal(text, rows[i].seconds);
	}
}

/* As format_timestamp() has it, from day to day and back. */
static void dates(void **state)
{
	static const usec_t days[] = {0, 1, 59, 60, 20421, 20421, 0, 11016, 20786};
	struct json_writer w = {0};
	struct strbuf want = {0};
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *wanted = NULL;

	(void)state;
	json_open(&w, NULL, '[');
	json_time(&w, NULL, 0);
	strbuf_add(&want, "[null");
	for (size_t i = 0; i < ELEMENTSOF(days); i++) {
		usec_t t = days[i] * 24 * USEC_PER_HOUR + 1 + i * 2 * USEC_PER_HOUR +
			   i * 7 * USEC_PER_MINUTE + i * 5 * USEC_PER_SEC;
		char buf[32];

		json_time(&w, NULL, t);
		strbuf_addf(&want, ",\"%s\"", format_timestamp(buf, sizeof(buf), t));
	}
	json_close(&w, ']');
	strbuf_add(&want, "]");
	assert_int_equal(json_finish(&w, &text), 0);
	assert_int_equal(strbuf_finish(&want, &wanted), 0);
	assert_string_equal(text, wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_kinds),
		cmocka_unit_test(any_text),
		cmocka_unit_test(times),
		cmocka_unit_test(dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
