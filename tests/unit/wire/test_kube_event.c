/* SPDX-License-Identifier: Apache-2.0
 * Lists of events: the one that was seen last. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"

#include "base/strbuf.h"
#include "wire/kube_event.h"

#define LIST(items) "{\"kind\":\"EventList\",\"metadata\":{},\"items\":[" items "]}"
#define EVENT(type, times, reason, message)                                                        \
	"{\"metadata\":{\"name\":\"etl.1\"},\"type\":\"" type "\"," times ",\"reason\":\"" reason  \
	"\",\"message\":\"" message "\"}"
/* As kubelets write them, and as schedulers do. */
#define OLD(time) "\"lastTimestamp\":\"" time "\",\"eventTime\":null"
#define NEW(time) "\"lastTimestamp\":null,\"eventTime\":\"" time "\""
#define SERIES(time)                                                                               \
	NEW("2026-11-30T04:00:00.000001Z")                                                         \
	",\"series\":{\"count\":9,\"lastObservedTime\":\"" time "\"}"
#define MOUNT(time) EVENT("Warning", OLD(time), "FailedMount", "secret \\\"s\\\" not found")
#define NODE(times) EVENT("Warning", times, "FailedScheduling", "no nodes")
#define MOUNT_TEXT "FailedMount: secret \"s\" not found"
#define NODE_TEXT "FailedScheduling: no nodes"

static void the_last_one(void **state)
{
	static const struct {
		const char *name;
		const char *body;
		const char *text; /* NULL: none */
	} rows[] = {
		{"no event", LIST(""), NULL},
		{"one", LIST(MOUNT("2026-11-30T04:10:00Z")), MOUNT_TEXT},
		{"the last comes first",
			LIST(MOUNT("2026-11-30T04:10:00Z") "," NODE(OLD("2026-11-30T04:09:59Z"))),
			MOUNT_TEXT},
		{"of both forms",
			LIST(MOUNT("2026-11-30T04:10:00Z") "," NODE(
				NEW("2026-11-30T04:10:01.000001Z"))),
			NODE_TEXT},
		{"a series",
			LIST(NODE(SERIES("2026-11-30T05:00:00.000001Z")) "," MOUNT(
				"2026-11-30T04:10:00Z")),
			NODE_TEXT},
		{"what goes on after a warning",
			LIST(MOUNT("2026-11-30T04:10:00Z") "," EVENT(
				"Normal", OLD("2026-11-30T04:20:00Z"), "Pulling", "image")),
			"Pulling: image"},
		{"without any time", LIST(EVENT("Warning", "\"count\":1", "BackOff", "x")), NULL},
		{"one of no use",
			LIST("null,7,{\"type\":\"Warning\",\"eventTime\":\"x\",\"reason\":{}}"
			     "," MOUNT("2026-11-30T04:10:00Z")),
			MOUNT_TEXT},
		{"its words are for a terminal",
			LIST(EVENT("Warning", OLD("2026-11-30T04:10:00Z"), "Failed\\u001b[31m",
				"a\\u0007b")),
			"Failed?[31m: a?b"},
		{"its message has several lines",
			LIST(EVENT("Warning", OLD("2026-11-30T04:10:00Z"), "FailedMount",
				"MountVolume.SetUp failed\\nMounting command: mount\\nOutput: "
				"mount.nfs: Connection timed out\\n")),
			"FailedMount: Output: mount.nfs: Connection timed out"},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_free_ char *copy = strdup(r->body);
		_cleanup_free_ char *text = NULL;
		_cleanup_free_ char *err = NULL;

		assert_non_null(copy);
		assert_int_equal(kube_decode_last_event(copy, strlen(copy), &text, &err), 0);
		if (r->text)
			assert_string_equal(text, r->text);
		else
			assert_null(text);
	}
}

static void what_is_no_list(void **state)
{
	static const char *const bodies[] = {"", "{}", "[]", "{\"kind\":\"Status\"}",
		"{\"kind\":\"EventList\",\"metadata\":{}}",
		"{\"kind\":\"EventList\",\"metadata\":{},\"items\":{}}"};

	(void)state;
	each_row(i, bodies)
	{
		_cleanup_free_ char *copy = strdup(bodies[i]);
		_cleanup_free_ char *text = NULL;
		_cleanup_free_ char *err = NULL;

		assert_non_null(copy);
		assert_int_equal(kube_decode_last_event(copy, strlen(copy), &text, &err), -EBADMSG);
		assert_null(text);
		assert_non_null(err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_one),
		cmocka_unit_test(what_is_no_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
