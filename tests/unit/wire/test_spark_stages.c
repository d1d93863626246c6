/* SPDX-License-Identifier: Apache-2.0
 * The reader of stages says of any body what cJSON says of it. */
#include "../row.h"
#include "fixture.h"
#include "stages_by_cjson.h"
#include "wire/json_text.h"

static void assert_same(const char *body, size_t len)
{
	/* Without a NUL behind it, so that a sanitizer sees any byte read beyond. */
	_cleanup_free_ char *copy = exact_copy(body, len);
	_cleanup_free_ char *difference = readers_differ(copy, len);

	if (difference)
		fail_msg("%s\n%.300s", difference, body);
}

#define HEAD                                                                                       \
	"{\"status\":\"ACTIVE\",\"stageId\":7,\"attemptId\":1,\"numTasks\":10,"                    \
	"\"numActiveTasks\":-2,\"numCompleteTasks\":4,\"numFailedTasks\":3"

/* A row with more after its first fields, between two good ones. */
static void assert_row_same(const char *more, size_t n)
{
	struct strbuf b = {0};
	_cleanup_free_ char *body = NULL;
	size_t len;

	strbuf_add(&b, "[" HEAD "}," HEAD);
	strbuf_add_n(&b, more, n);
	strbuf_add(&b, "}," HEAD "}]");
	len = b.len;
	assert_int_equal(strbuf_finish(&b, &body), 0);
	assert_same(body, len);
}

static void fields_are_read_alike(void **state)
{
	static const char *const more[] = {
		"",
		/* Duplicates: the first counts, also where it is null or wrong. */
		",\"stageId\":8",
		",\"inputBytes\":1,\"inputBytes\":2",
		",\"inputBytes\":null,\"inputBytes\":2",
		",\"inputBytes\":\"x\",\"inputBytes\":2",
		",\"name\":\"a\",\"name\":\"b\"",
		/* Names: their case counts, escapes are read. */
		",\"inputbytes\":1",
		",\"input\\u0042ytes\":1",
		",\"\\u0069\\u006e\\u0070\\u0075\\u0074\\u0042\\u0079\\u0074\\u0065\\u0073\":1",
		",\"inputBytes\\u0000\":1",
		",\"\":1",
		",\"\\\"\":1",
		/* Numbers. */
		",\"inputBytes\":0",
		",\"inputBytes\":-0",
		",\"inputBytes\":-0.0",
		",\"inputBytes\":-1",
		",\"inputBytes\":007",
		",\"inputBytes\":1.",
		",\"inputBytes\":1.0",
		",\"inputBytes\":1.5",
		",\"inputBytes\":-.5",
		",\"inputBytes\":-.",
		",\"inputBytes\":-",
		",\"inputBytes\":--1",
		",\"inputBytes\":+1",
		",\"inputBytes\":.5",
		",\"inputBytes\":1e3",
		",\"inputBytes\":1E+3",
		",\"inputBytes\":1e-3",
		",\"inputBytes\":1000e-3",
		",\"inputBytes\":1e",
		",\"inputBytes\":1e+",
		",\"inputBytes\":1e3.5",
		",\"inputBytes\":1.2.3",
		",\"inputBytes\":0x10",
		",\"inputBytes\":1-2",
		",\"inputBytes\":Infinity",
		",\"inputBytes\":NaN",
		",\"inputBytes\":1e308",
		",\"inputBytes\":1e999",
		",\"inputBytes\":-1e999",
		",\"inputBytes\":1e-999",
		",\"inputBytes\":9007199254740991",
		",\"inputBytes\":9007199254740992",
		",\"inputBytes\":9007199254740993",
		",\"inputBytes\":-9007199254740991",
		",\"inputBytes\":999999999999999999",
		",\"inputBytes\":9223372036854775808",
		",\"inputBytes\":18446744073709551616",
		",\"inputBytes\":"
		"100000000000000000000000000000000000000000000000000000000000000000000",
		",\"inputBytes\":0."
		"00000000000000000000000000000000000000000000000000000000000000000",
		",\"numCompletedIndices\":2147483648",
		",\"numCompletedIndices\":-5",
		/* Other values. */
		",\"inputBytes\":true",
		",\"inputBytes\":nul",
		",\"inputBytes\":nullx",
		",\"inputBytes\":TRUE",
		",\"inputBytes\":\"1\"",
		",\"inputBytes\":[1]",
		",\"inputBytes\":{}",
		",\"inputBytes\":",
		",\"inputBytes\"",
		",\"inputBytes\" 1",
		",inputBytes:1",
		",'inputBytes':1",
		",",
		",,\"x\":1",
		",\"x\":[]",
		",\"x\":[ ]",
		",\"x\":[,]",
		",\"x\":[1,]",
		",\"x\":[1 2]",
		",\"x\":[[],{},[{\"stageId\":9}]]",
		",\"x\":{\"a\":{\"inputBytes\":5}}",
		",\"x\":{\"a\"}",
		",\"x\":{\"a\":1,}",
		",\"x\":[1}",
		",\"x\":{\"a\":1]",
		",\"x\":false,\"y\":true,\"z\":null",
		" , \"inputBytes\" : 1 ",
		"\r\n,\t\"inputBytes\"\v:\f1",
		/* Texts. */
		",\"name\":\"\"",
		",\"name\":12",
		",\"name\":-0",
		",\"name\":1e300",
		",\"name\":0.1",
		",\"name\":12345678901234567890",
		",\"name\":true",
		",\"name\":null",
		",\"name\":[]",
		",\"name\":\"\\b\\f\\n\\r\\t\\\"\\\\\\/\"",
		",\"name\":\"\\x\"",
		",\"name\":\"\\",
		",\"name\":\"\\u00e9\\u20ac\\ud83d\\ude00\"",
		",\"name\":\"\\u0000\"",
		",\"name\":\"\\ud83d\"",
		",\"name\":\"\\ud83dx\"",
		",\"name\":\"\\ude00\\ud83d\"",
		",\"name\":\"\\ud83d\\ud83d\\ude00\"",
		",\"name\":\"\\ud83d\\\\ude00\"",
		",\"name\":\"\\uD83D\\uDE00\"",
		",\"name\":\"\\u12\"",
		",\"name\":\"\\uzzzz\"",
		",\"name\":\"\\u 041\"",
		",\"name\":\"\\u202e\\ufeff\\u200b\"",
		",\"name\":\"caf\xc3\xa9\"",
		",\"name\":\"\xff\xfe\xc3\"",
		",\"name\":\"\xed\xa0\x80\"",
		",\"name\":\"\x01\x1f\x7f\"",
		",\"na\xffme\":\"x\"",
		",\"description\":1",
		",\"description\":\"Streaming job running receiver 0\"",
		",\"description\":\"Streaming job running receiver\"",
		",\"description\":\"Streaming job running receiver \"",
		",\"description\":\"Streaming job running\\u0020receiver 0\"",
		",\"submissionTime\":\"2026-11-23T01:19:07.473GMT\"",
		",\"submissionTime\":\"2026-11-23T01:19:07.473\\u0047MT\"",
		",\"submissionTime\":\"1969-12-31T23:59:59.999GMT\"",
		",\"submissionTime\":\"2026-02-30T01:19:07.473GMT\"",
		",\"submissionTime\":\"2026-11-23T01:19:07."
		"47300000000000000000000000000000000000GMT\"",
		",\"submissionTime\":\"soon\"",
		",\"submissionTime\":7",
	};

	(void)state;
	each_row(i, more) assert_row_same(more[i], strlen(more[i]));
	assert_row_same(",\"name\":\"a\0b\"", 14);
	assert_row_same(",\"name\":\"a\\\0b\"", 15);
	assert_row_same(",\0\"name\":\0\"ab\"\0", 16);
	assert_row_same(",\"na\0me\":\"ab\"", 14);
}

static void rows_are_read_alike(void **state)
{
	static const char *const bodies[] = {
		"[]",
		" [ ] ",
		"\v[\f]\r\n",
		"[]\v",
		"[]x",
		"[] []",
		"[",
		"[,]",
		"[" HEAD "},]",
		"[" HEAD "}" HEAD "}]",
		"[" HEAD "}}",
		"[" HEAD "]",
		"[1,\"x\",null,true,[],{}," HEAD "}]",
		"[{\"status\":\"ACTIV\\u0045\"}]",
		"[{\"status\":\"ACTIVE \"}]",
		"[{\"status\":\"ACTIVEACTIVEACTIVEACTIVEACTIVE\"}]",
		"[{\"status\":\"active\"},{\"status\":\"\"},{\"status\":7}]",
		"[{\"status\":null}]",
		"{}",
		"{\"a\":[" HEAD "}]}",
		"{\"a\":1} 2",
		"{",
		"[\"\\ud83d\"]",
	};

	(void)state;
	each_row(i, bodies) assert_same(bodies[i], strlen(bodies[i]));
	assert_same("[]\0", 3);
	assert_same("[\0]", 3);
	assert_same("", 0);
}

static void large_bodies_are_read_alike(void **state)
{
	_cleanup_free_ char *huge =
		repeated("[" HEAD ",\"name\":\"", "0123456789abcdef", 131072, "\"}]");
	_cleanup_free_ char *escaped = repeated("[" HEAD ",\"name\":\"", "\\n", 1 << 20, "\"}]");
	_cleanup_free_ char *cut_name =
		repeated("[" HEAD ",\"name\":\"x", "\xe2\x82\xac", 100, "\"}]");
	_cleanup_free_ char *digits = repeated("[" HEAD ",\"inputBytes\":1", "0", 1 << 20, "}]");
	_cleanup_free_ char *fraction = repeated("[" HEAD ",\"inputBytes\":7.", "0", 1 << 20, "}]");
	_cleanup_free_ char *long_key = repeated("[" HEAD ",\"", "inputBytes", 1 << 17, "\":1}]");
	_cleanup_free_ char *deepest = repeated("[{\"x\":", "[", 62, "");
	_cleanup_free_ char *deep = repeated(deepest, "]", 62, "}," HEAD "}]");
	_cleanup_free_ char *deeper = repeated("[[{\"x\":", "[", 62, "]");
	_cleanup_free_ char *hostile = repeated("", "[{\"a\":", 1 << 20, "");
	_cleanup_free_ char *stages = repeated("[" HEAD "}", "," HEAD "}", 9999, "]");
	_cleanup_free_ char *too_many = repeated("[" HEAD "}", "," HEAD "}", 10000, "]");
	_cleanup_free_ char *most = repeated("[{\"x\":[0", ",0", JSON_MAX_VALUES - 4, "]}]");
	_cleanup_free_ char *over = repeated("[{\"x\":[0", ",0", JSON_MAX_VALUES - 3, "]}]");
	const char *const bodies[] = {huge, escaped, cut_name, digits, fraction, long_key, deep,
		deeper, hostile, stages, too_many, most, over};
	_cleanup_(stage_list_clear) struct stage_list l = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	each_row(i, bodies) assert_same(bodies[i], strlen(bodies[i]));
	assert_int_equal(spark_decode_stages(deep, strlen(deep), &l, &err), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(spark_decode_stages(deeper, strlen(deeper), &l, &err), -EBADMSG);
	assert_string_equal(err, "nested deeper than 64");
	assert_int_equal(spark_decode_stages(over, strlen(over), &l, &err), -E2BIG);
	assert_string_equal(err, "holds more than 1000000 values");
	assert_int_equal(spark_decode_stages(too_many, strlen(too_many), &l, &err), -E2BIG);
	assert_string_equal(err, "a list of more than 10000");
}

/* Spark's own answers, cut at each byte, and with each byte another. */
static void damaged_answers_are_read_alike(void **state)
{
	static const char *const files[] = {"spark-3.5.9/stages-active.json",
		"spark-4.0.5/stages-hung.json", "spark-4.3.0/stages-active.json"};
	static const char others[] = "\"\\{}[],:-0e. x\xff";

	(void)state;
	each_row(i, files)
	{
		_cleanup_free_ char *body = fixture_read(files[i]);
		size_t len = strlen(body);

		for (size_t n = 0; n <= len; n++) {
			char was = body[n];

			assert_same(body, n);
			if (n == len)
				break;
			/* The NUL at the end of others, too. */
			body[n] = others[(n + i) % sizeof(others)];
			assert_same(body, len);
			body[n] = was;
		}
	}
}

/* What cuts a text does not cut a character in two. */
static void texts_fit(void **state)
{
	static const char body[] = "\xc3\xa9\\u20ac\\ud83d\\ude00\\n\0x";
	char text[16];

	(void)state;
	json_unescape(body, sizeof(body) - 1, text, sizeof(text));
	assert_string_equal(text, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n\1x");
	json_unescape(body, sizeof(body) - 1, text, 8);
	assert_string_equal(text, "\xc3\xa9\xe2\x82\xac");
	json_unescape(body, sizeof(body) - 1, text, 1);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_read_alike),
		cmocka_unit_test(rows_are_read_alike),
		cmocka_unit_test(large_bodies_are_read_alike),
		cmocka_unit_test(damaged_answers_are_read_alike),
		cmocka_unit_test(texts_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
