/* SPDX-License-Identifier: Apache-2.0
 * JSON of others behind its bounds. */
#include "wire/json.h"

#include <errno.h>

#include "../row.h"
#include "fixture.h"

static void assert_refused_n(const char *text, size_t n, int expected, const char *why)
{
	_cleanup_free_ char *copy = exact_copy(text, n);
	_cleanup_free_ char *err = NULL;
	cJSON *json = NULL;

	assert_int_equal(json_parse(copy, n, &json, &err), expected);
	assert_null(json);
	assert_non_null(err);
	if (why)
		assert_string_equal(err, why);
}

static void assert_refused(const char *text, const char *why)
{
	assert_refused_n(text, strlen(text), -EBADMSG, why);
}

static cJSON *parse(const char *text)
{
	_cleanup_free_ char *copy = exact_copy(text, strlen(text));
	_cleanup_free_ char *err = NULL;
	cJSON *json = NULL;

	if (json_parse(copy, strlen(text), &json, &err) != 0)
		print_error("%s: %s\n", text, err);
	assert_non_null(json);
	return json;
}

static void test_whole_body(void **state)
{
	static const char *const good[] = {"{}", "[]", " [1,2]\r\n\t", "\"x\"", "null", "-1.5e3"};

	(void)state;
	each_row(i, good) cJSON_Delete(parse(good[i]));
	assert_refused("", "empty");
	assert_refused(" ", NULL);
	assert_refused("{} {}", "more than JSON at byte 3 of 5");
	assert_refused("[1]x", "more than JSON at byte 3 of 4");
	assert_refused("<html>", "not JSON at byte 0 of 6");
	assert_refused("{\"a\":1", "not JSON at byte 5 of 6");
	assert_refused("{\"a\"}", NULL);
	assert_refused("{'a':1}", NULL);
	assert_refused("[1,]", NULL);
	assert_refused("NaN", NULL);
	assert_refused("[Infinity]", NULL);
	assert_refused("Spark is starting up. Please wait a while until it's ready.", NULL);
}

static void test_nul(void **state)
{
	_cleanup_json_ cJSON *json = parse("[\"\\\\u0000\"]");

	(void)state;
	assert_string_equal(json->child->valuestring, "\\u0000");
	assert_refused_n("[1]\0", 4, -EBADMSG, NULL);
	assert_refused_n("{\"a\":\0}", 7, -EBADMSG, NULL);
}

/* One name that no text can hold does not cost the others, and is no name. */
static void test_impossible_text(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		const char *expected;
	} cases[] = {
		{"[\"\0\"]", 5, "\1"},
		{"[\"a\\u0000b\"]", 12, "a\1b"},
		{"[\"\\\\\\u0000\"]", 12, "\\\1"},
		{"[\"\\\\u0000\"]", 11, "\\u0000"},
		{"[\"\\ud800\"]", 10, "\1"},
		{"[\"\\udc00x\"]", 11, "\1x"},
		{"[\"\\uD83Dx\"]", 11, "\1x"},
		{"[\"\\uD83D\\uDE00\"]", 16, "\xf0\x9f\x98\x80"},
		{"[\"\\uD83D\\uD83D\\uDE00\"]", 22, "\1\xf0\x9f\x98\x80"},
	};

	(void)state;
	each_row(i, cases)
	{
		_cleanup_json_ cJSON *json = NULL;
		_cleanup_free_ char *copy = exact_copy(cases[i].text, cases[i].n);
		_cleanup_free_ char *err = NULL;

		assert_int_equal(json_parse(copy, cases[i].n, &json, &err), 0);
		assert_string_equal(json->child->valuestring, cases[i].expected);
	}
}

static void test_depth(void **state)
{
	_cleanup_free_ char *ok = repeated("", "[", 64, "");
	_cleanup_free_ char *closed = repeated(ok, "]", 64, "");
	_cleanup_free_ char *deep = repeated("[", "[", 64, "");
	_cleanup_free_ char *hostile = repeated("", "{\"a\":[", 1000000, "");
	_cleanup_free_ char *wide = repeated("[0", ",[[]]", 1000, "]");

	(void)state;
	cJSON_Delete(parse(closed));
	cJSON_Delete(parse(wide));
	cJSON_Delete(parse("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
			   "[[\\\"[\"]"));
	assert_refused(deep, "nested deeper than 64");
	assert_refused(hostile, "nested deeper than 64");
}

static void test_many_values(void **state)
{
	_cleanup_free_ char *text = repeated("[0", ",0", JSON_MAX_VALUES, "]");

	(void)state;
	assert_refused_n(text, strlen(text), -E2BIG, "holds more than 1000000 values");
}

static void test_strings_without_end(void **state)
{
	static const char *const texts[] = {"\"", "[\"", "\"\\", "\"\\u", "\"\\u000", "\"\\u0000",
		"[\"a\\", "{\"", "{\"a", "\"\\x\"", "\"\\uzzzz\"", "\"a\\u 041\"",
		"{\"a\\u004\":1}"};

	(void)state;
	each_row(i, texts) assert_refused(texts[i], NULL);
}

typedef int (*i64_getter)(const cJSON *, const char *, enum json_need, int64_t *, char **);

static void assert_number_refused(i64_getter get, const char *text, const char *why)
{
	_cleanup_json_ cJSON *json = parse(text);
	_cleanup_free_ char *err = NULL;
	int64_t value = 4711;

	assert_int_equal(get(json, "n", JSON_REQUIRED, &value, &err), -EBADMSG);
	assert_string_equal(err, why);
	assert_int_equal(value, 4711);
}

static int get_u64(
	const cJSON *json, const char *field, enum json_need need, int64_t *ret, char **reterr)
{
	uint64_t value = 0;
	int r = json_get_u64(json, field, need, &value, reterr);

	if (r > 0)
		*ret = (int64_t)value;
	return r;
}

static void test_integers(void **state)
{
	_cleanup_json_ cJSON *json = parse(
		"{\"n\":9007199254740991,\"m\":-9007199254740991,\"z\":-0.0,\"e\":1e3,\"n\":5}");
	_cleanup_free_ char *err = NULL;
	int64_t value = 0;
	uint64_t u = 0;

	(void)state;
	/* Of duplicates the first counts. */
	assert_int_equal(json_get_i64(json, "n", JSON_REQUIRED, &value, &err), 1);
	assert_int_equal(value, 9007199254740991);
	assert_int_equal(json_get_i64(json, "m", JSON_REQUIRED, &value, &err), 1);
	assert_int_equal(value, -9007199254740991);
	assert_int_equal(json_get_u64(json, "z", JSON_REQUIRED, &u, &err), 1);
	assert_int_equal(u, 0);
	assert_int_equal(json_get_u64(json, "e", JSON_REQUIRED, &u, &err), 1);
	assert_int_equal(u, 1000);
	assert_null(err);
}

static void test_integers_refused(void **state)
{
	static const i64_getter getters[] = {json_get_i64, get_u64};

	(void)state;
	each_row(i, getters)
	{
		assert_number_refused(getters[i], "{}", "\"n\" is missing");
		assert_number_refused(getters[i], "{\"N\":1}", "\"n\" is missing");
		assert_number_refused(getters[i], "{\"n\":null}", "\"n\" is null");
		assert_number_refused(getters[i], "{\"n\":\"12\"}", "\"n\" is not a number");
		assert_number_refused(getters[i], "{\"n\":true}", "\"n\" is not a number");
		assert_number_refused(getters[i], "{\"n\":[1]}", "\"n\" is not a number");
		assert_number_refused(getters[i], "{\"n\":1.5}", "\"n\" is not a whole number");
		assert_number_refused(getters[i], "{\"n\":1e-9}", "\"n\" is not a whole number");
		assert_number_refused(
			getters[i], "{\"n\":9007199254740993}", "\"n\" is out of range");
		assert_number_refused(getters[i], "{\"n\":1e300}", "\"n\" is out of range");
		assert_number_refused(getters[i], "{\"n\":1e999}", "\"n\" is out of range");
		assert_number_refused(getters[i], "[1]", "no object where \"n\" should be");
	}
	assert_number_refused(get_u64, "{\"n\":-1}", "\"n\" is out of range");
}

static void test_other_types(void **state)
{
	_cleanup_json_ cJSON *json =
		parse("{\"b\":true,\"s\":\"x\",\"a\":[1],\"o\":{},\"z\":null}");
	_cleanup_free_ char *err = NULL;
	const cJSON *item = NULL;
	const char *s = NULL;
	bool b = false;

	(void)state;
	assert_int_equal(json_get_bool(json, "b", JSON_REQUIRED, &b, &err), 1);
	assert_true(b);
	assert_int_equal(json_get_string(json, "s", JSON_REQUIRED, &s, &err), 1);
	assert_string_equal(s, "x");
	assert_int_equal(json_get_array(json, "a", JSON_REQUIRED, &item, &err), 1);
	assert_int_equal(json_get_object(json, "o", JSON_REQUIRED, &item, &err), 1);
	s = "as it was";
	assert_int_equal(json_get_string(json, "z", JSON_OPTIONAL, &s, &err), 0);
	assert_int_equal(json_get_string(json, "nosuch", JSON_OPTIONAL, &s, &err), 0);
	assert_string_equal(s, "as it was");
	assert_null(err);
	assert_int_equal(json_get_bool(json, "s", JSON_OPTIONAL, &b, &err), -EBADMSG);
	assert_string_equal(err, "\"s\" is neither true nor false");
	assert_int_equal(json_get_string(json, "b", JSON_OPTIONAL, &s, &err), -EBADMSG);
	assert_string_equal(err, "\"b\" is not a string");
	assert_int_equal(json_get_array(json, "o", JSON_OPTIONAL, &item, &err), -EBADMSG);
	assert_string_equal(err, "\"o\" is not a list");
	assert_int_equal(json_get_object(json, "a", JSON_OPTIONAL, &item, &err), -EBADMSG);
	assert_string_equal(err, "\"a\" is not an object");
}

static void assert_id_refused(const char *id, const char *why)
{
	_cleanup_free_ char *err = NULL;

	assert_int_equal(json_check_id("id", id, &err), -EBADMSG);
	assert_string_equal(err, why);
}

static void test_ids(void **state)
{
	_cleanup_free_ char *longest = repeated("", "x", JSON_MAX_ID, "");
	_cleanup_free_ char *longer = repeated("", "x", JSON_MAX_ID + 1, "");
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(json_check_id("id", longest, &err), 0);
	assert_int_equal(json_check_id("id", "caf\xc3\xa9", &err), 0);
	assert_null(err);
	assert_id_refused("", "\"id\" is empty");
	assert_id_refused(longer, "\"id\" is longer than 250 bytes");
	assert_id_refused("a\nb", "\"id\" is not printable");
	assert_id_refused("\xff", "\"id\" is not printable");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_body),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_impossible_text),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_many_values),
		cmocka_unit_test(test_strings_without_end),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_integers_refused),
		cmocka_unit_test(test_other_types),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
