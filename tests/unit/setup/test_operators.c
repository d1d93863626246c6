/* SPDX-License-Identifier: Apache-2.0
 * Who may give orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#include "setup/operators.h"

static int resolve(
	const char *const *users, const char *group, struct operators *ret, const char *wanted_key)
{
	struct strlist list = {0};
	_cleanup_free_ char *err = NULL;
	const char *key = NULL;
	int r;

	for (size_t i = 0; users && users[i]; i++)
		assert_int_equal(strlist_add(&list, users[i]), 0);
	*ret = (struct operators){0};
	r = operators_resolve(&list, group, ret, &key, &err);
	strlist_clear(&list);
	assert_int_equal(r < 0, err != NULL);
	if (wanted_key)
		assert_string_equal(key, wanted_key);
	return r;
}

static bool may(const struct operators *o, struct local_peer peer, const char *wanted_who)
{
	_cleanup_free_ char *who = NULL;
	bool ret = false;

	assert_int_equal(operators_know(o, &peer, &ret, &who), 0);
	if (wanted_who)
		assert_string_equal(who, wanted_who);
	return ret;
}

static void test_nobody_is_named(void **state)
{
	struct operators o = {0};

	(void)state;
	assert_true(may(&o, (struct local_peer){.uid = 0}, "root (uid 0)"));
	assert_true(may(&o, (struct local_peer){.uid = geteuid(), .gid = 7}, NULL));
	assert_false(may(&o, (struct local_peer){.uid = 4242, .gid = 4242}, "uid 4242"));
	/* Of group 0, and root for all that is known of its groups. */
	assert_false(may(&o, (struct local_peer){.uid = 4242, .gid = 0, .n_groups = 1}, NULL));
	assert_false(may(&o, (struct local_peer){.uid = 65534, .gid = 65534}, NULL));
	assert_false(may(&o, (struct local_peer){.uid = (uid_t)-1}, NULL));
}

static void test_some_are(void **state)
{
	static const char *const users[] = {"4242", "root", NULL};
	struct operators o;

	(void)state;
	assert_int_equal(resolve(users, "77", &o, NULL), 0);
	assert_true(may(&o, (struct local_peer){.uid = 4242, .gid = 1}, "4242 (uid 4242)"));
	assert_false(may(&o, (struct local_peer){.uid = 4243, .gid = 4242}, NULL));
	assert_true(may(&o, (struct local_peer){.uid = 4243, .gid = 77}, "uid 4243 of group 77"));
	assert_true(may(&o,
		(struct local_peer){.uid = 4243, .gid = 1, .groups = {5, 77}, .n_groups = 2},
		NULL));
	assert_false(may(&o,
		(struct local_peer){.uid = 4243, .gid = 1, .groups = {5, 77}, .n_groups = 1},
		NULL));
	operators_clear(&o);
}

static void test_refused(void **state)
{
	static const char *const unknown[] = {"root", "no-such-user-here", NULL};
	static const char *const everybody[] = {"65534", NULL};
	struct operators o;

	(void)state;
	assert_int_equal(resolve(unknown, NULL, &o, "control_users"), -EINVAL);
	assert_int_equal(resolve(everybody, NULL, &o, "control_users"), -EINVAL);
	assert_int_equal(resolve(NULL, "no-such-group-here", &o, "control_group"), -EINVAL);
	assert_int_equal(resolve(NULL, "65534", &o, "control_group"), -EINVAL);
	assert_int_equal(o.n_users, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_is_named),
		cmocka_unit_test(test_some_are),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
