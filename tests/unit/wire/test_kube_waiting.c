/* SPDX-License-Identifier: Apache-2.0
 * Lists of SparkApplications: who waits for a driver. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "wire/kube_waiting.h"

#define LIST(next, items)                                                                          \
	"{\"kind\":\"SparkApplicationList\",\"metadata\":{\"continue\":\"" next                    \
	"\"},\"items\":[" items "]}"
#define APP(namespace, name, uid, state)                                                           \
	"{\"kind\":\"SparkApplication\",\"metadata\":{\"namespace\":\"" namespace "\",\"name\":"   \
										  "\"" name        \
										  "\",\"uid\":"    \
										  "\"" uid         \
										  "\"},\"spec\":{" \
										  "},\"status\":{" \
										  "\"applicationS" \
										  "tate\":{" state \
										  "}}}"
#define WAITS "\"state\":\"SUBMITTED\""

static int decode(const char *body, struct kube_waiting_list *l, char **err)
{
	_cleanup_free_ char *copy = strdup(body);

	assert_non_null(copy);
	return kube_decode_waiting(copy, strlen(copy), KUBE_OWNER_KUBEFLOW, l, err);
}

static void those_that_wait(void **state)
{
	_cleanup_(kube_waiting_list_clear) struct kube_waiting_list l = {0};
	_cleanup_free_ char *err = NULL;
	struct kube_waiting *w;

	(void)state;
	assert_int_equal(decode(LIST("more", APP("b", "etl", "u1", WAITS) "," APP("a", "runs", "u2",
						     "\"state\":\"RUNNING\"") "," APP("a", "new",
						     "u3", "") "," APP("a", "etl", "u4",
						     "\"state\":\"SUBMISSION_FAILED\","
						     "\"errorMessage\":\"quota\"")),
				 &l, &err),
		0);
	assert_string_equal(l.next, "more");
	assert_int_equal(l.n, 3);
	kube_waiting_sort(&l);
	w = kube_waiting_find(&l, "a", "etl");
	assert_string_equal(w->uid, "u4");
	assert_string_equal(w->text, "SparkApplication a/etl: SUBMISSION_FAILED, quota");
	w = kube_waiting_find(&l, "a", "new");
	assert_string_equal(w->text, "SparkApplication a/new: its operator has not taken it up");
	assert_string_equal(kube_waiting_find(&l, "b", "etl")->uid, "u1");
	assert_null(kube_waiting_find(&l, "a", "runs"));
	assert_null(kube_waiting_find(&l, "b", "new"));
}

/* One row that is of no use hides no other. */
static void rows_that_are_left_out(void **state)
{
	_cleanup_(kube_waiting_list_clear) struct kube_waiting_list l = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(decode(LIST("", APP("a", "x/../y", "u1", WAITS) "," APP(
						 "a", "etl", "u2", WAITS) ",{},7"),
				 &l, &err),
		0);
	assert_null(l.next);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.items[0].uid, "u2");
	assert_int_equal(l.left_out.n, 3);
}

static void what_is_no_list(void **state)
{
	static const char *const bodies[] = {"", "[]", "{\"kind\":\"PodList\",\"items\":[]}",
		"{\"kind\":\"SparkApplicationList\",\"metadata\":{}}",
		"{\"kind\":\"SparkApplicationList\",\"items\":[]}"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(bodies); i++) {
		_cleanup_(kube_waiting_list_clear) struct kube_waiting_list l = {0};
		_cleanup_free_ char *err = NULL;

		assert_int_equal(decode(bodies[i], &l, &err), -EBADMSG);
		assert_non_null(err);
		assert_int_equal(l.n, 0);
	}
}

static void pages(void **state)
{
	_cleanup_(kube_waiting_list_clear) struct kube_waiting_list all = {0};
	_cleanup_(kube_waiting_list_clear) struct kube_waiting_list page = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(decode(LIST("2", APP("a", "one", "u1", WAITS)), &page, &err), 0);
	assert_int_equal(kube_waiting_add_page(&all, &page), 0);
	assert_string_equal(all.next, "2");
	kube_waiting_list_clear(&page);
	assert_int_equal(decode(LIST("", APP("a", "two", "u2", WAITS) ",{}"), &page, &err), 0);
	assert_int_equal(kube_waiting_add_page(&all, &page), 0);
	assert_null(all.next);
	assert_int_equal(all.n, 2);
	assert_int_equal(all.left_out.n, 1);
	all.n += KUBE_MAX_ITEMS;
	page.n = 1;
	assert_int_equal(kube_waiting_add_page(&all, &page), -E2BIG);
	all.n -= KUBE_MAX_ITEMS;
	page.n = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_wait),
		cmocka_unit_test(rows_that_are_left_out),
		cmocka_unit_test(what_is_no_list),
		cmocka_unit_test(pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
