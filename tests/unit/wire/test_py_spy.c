/* SPDX-License-Identifier: Apache-2.0
 * The line of the user's code, out of what py-spy says: real dumps of hung processes, and texts
 * that are wrong. */
#include "wire/py_spy.h"

#include "../row.h"
#include "fixture.h"

#define THREAD(frames) "[{\"pid\":7,\"os_thread_id\":7,\"frames\":[" frames "]}]"
#define FRAME(file, name, line)                                                                    \
	"{\"name\":\"" name "\",\"filename\":\"" file "\",\"line\":" line "}"
#define WORKER FRAME("/opt/spark/python/lib/pyspark.zip/pyspark/worker.py", "main", "1900")
#define OWN FRAME("/srv/etl/train.py", "load_prices", "57")
#define REQUESTS FRAME("/srv/venv/lib/python3.11/site-packages/requests/api.py", "get", "73")
#define SOCKET FRAME("/usr/lib/python3.11/socket.py", "readinto", "706")

static char *place(const char *text)
{
	_cleanup_free_ char *copy = exact_copy(text, strlen(text));
	_cleanup_free_ char *err = NULL;
	char *got = NULL;

	if (py_spy_decode(copy, strlen(text), &got, &err) < 0)
		fail_msg("%s", err);
	return got;
}

static void real_dumps(void **state)
{
	static const struct {
		const char *file;
		const char *place;
	} rows[] = {
		{"py-spy-0.4.1/lock.json", "/srv/etl/train.py:3 load_lock"},
		{"py-spy-0.4.1/socket.json", "/srv/etl/train.py:9 load_socket (http.getresponse)"},
	};

	(void)state;
	each_row(i, rows)
	{
		_cleanup_free_ char *text = fixture_read(rows[i].file);
		_cleanup_free_ char *got = place(text);

		assert_string_equal(got, rows[i].place);
	}
}

static void whose_code_it_is(void **state)
{
	static const struct {
		const char *text;
		const char *place; /* NULL: nobody's */
	} rows[] = {
		{THREAD(SOCKET "," REQUESTS "," OWN "," WORKER),
			"/srv/etl/train.py:57 load_prices (requests.get)"},
		{THREAD(SOCKET "," OWN "," WORKER),
			"/srv/etl/train.py:57 load_prices (socket.readinto)"},
		{THREAD(OWN "," OWN "," WORKER), "/srv/etl/train.py:57 load_prices"},
		/* A job that is an installed package itself: where PySpark calls it. */
		{THREAD(SOCKET "," REQUESTS "," FRAME(
			 "/v/lib/python3.11/site-packages/etl/j.py", "run", "3") "," WORKER),
			"/v/lib/python3.11/site-packages/etl/j.py:3 run (requests.get)"},
		{THREAD(FRAME("<stdin>", "<lambda>", "1") "," WORKER), "<stdin>:1 <lambda>"},
		{THREAD(FRAME("/usr/lib/python3.11/selectors.py", "select", "4") "," WORKER), NULL},
		{THREAD(FRAME("<frozen runpy>", "_run_code", "88") "," WORKER), NULL},
		{THREAD(""), NULL},
		{"[]", NULL},
		{"[1, {}, {\"frames\":3}, {\"frames\":[4, {\"name\":5}]}]", "? ?"},
		{THREAD("{\"name\":\"f\",\"filename\":\"/a.py\",\"line\":-1}"), "/a.py f"},
		{THREAD("{\"name\":\"f\",\"filename\":\"/a.py\",\"line\":1e99}"), "/a.py f"},
		{THREAD("{\"name\":\"f\\u001b[31m\",\"filename\":\"/a\\n.py\",\"line\":1}"),
			"/a?.py:1 f?[31m"},
		/* The main thread goes first, a helper counts where it has nothing. */
		{"[{\"pid\":7,\"os_thread_id\":8,\"frames\":[" FRAME("/h.py", "helper",
			 "1") "]},"
			      "{\"pid\":7,\"os_thread_id\":7,\"frames\":[" OWN "]}]",
			"/srv/etl/train.py:57 load_prices"},
		{"[{\"pid\":7,\"os_thread_id\":7,\"frames\":[" WORKER "]},"
		 "{\"pid\":7,\"os_thread_id\":8,\"frames\":[" FRAME("/h.py", "helper", "1") "]}]",
			"/h.py:1 helper"},
	};

	(void)state;
	each_row(i, rows)
	{
		_cleanup_free_ char *got = place(rows[i].text);

		if (!rows[i].place)
			assert_null(got);
		else
			assert_string_equal(got ? got : "nothing", rows[i].place);
	}
}

static void it_is_bounded(void **state)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *got = NULL;
	char file[4000];
	char name[4000];

	(void)state;
	memset(file, 'p', sizeof(file) - 1);
	memset(name, 'n', sizeof(name) - 1);
	file[sizeof(file) - 1] = name[sizeof(name) - 1] = '\0';
	assert_int_equal(str_printf(&text,
				 "[{\"frames\":[{\"name\":\"%s\",\"filename\":\"/x/lib/"
				 "python3.1/%s\",\"line\":1},{\"name\":\"%s\",\"filename\":\"/%s\","
				 "\"line\":2}]}]",
				 name, file, name, file),
		0);
	got = place(text);
	assert_true(strlen(got) <= PYTHON_PLACE_MAX);
	assert_int_equal(strncmp(got, "...ppp", 6), 0);
}

static void what_is_no_dump(void **state)
{
	static const char *const rows[] = {"", "{}", "Error: Permission denied", "[{]", "[{},"};

	(void)state;
	each_row(i, rows)
	{
		_cleanup_free_ char *err = NULL;
		char *got = NULL;

		assert_int_equal(py_spy_decode(rows[i], strlen(rows[i]), &got, &err), -EBADMSG);
		assert_non_null(err);
		assert_null(got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_dumps),
		cmocka_unit_test(whose_code_it_is),
		cmocka_unit_test(it_is_bounded),
		cmocka_unit_test(what_is_no_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
