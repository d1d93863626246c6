/* SPDX-License-Identifier: Apache-2.0
 * The table of source types: each has its own word, and all that its callers use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "source/source.h"

static void test_types(void **state)
{
	const char *const *words = param_find(source_params, n_source_params, "type")->choices;

	(void)state;
	for (int t = 0; words[t]; t++) {
		const struct source_ops *ops = source_ops_of(t);

		if (!ops->name || strcmp(ops->name, words[t]) != 0)
			fail_msg("type = %s makes a source of type %s", words[t], ops->name);
		if (!ops->check || !ops->list || !ops->cancel_list || !ops->identify ||
			!ops->look || !ops->kill_point || !ops->free)
			fail_msg("%s lacks an operation", words[t]);
		if (!ops->access_step != !ops->judge_access)
			fail_msg("%s: access_path and judge_access come together", words[t]);
		if (ops->permits >= 1U << KILL_VIA_MAX)
			fail_msg("%s permits what is no way to kill", words[t]);
	}
}

/* An address that an app may have chosen gets no credential. */
static void test_endpoints(void **state)
{
	static char url[] = "http://m:8080";
	static char *urls[] = {url};
	static char user[] = "u";
	static char ca[] = "ca";
	static char *files[] = {ca};
	const struct source_params p = {.type = 1,
		.url = {urls, 1},
		.endpoint = {.username = user,
			.header_file = {files, 1},
			.ca_file = ca,
			.client_cert_file = ca,
			.proxy = url},
		.timeout = 7};
	_cleanup_(source_freep) struct source *s = NULL;
	const struct endpoint *e;
	char *err = NULL;

	(void)state;
	assert_int_equal(source_new("prod", &p, "secret", NULL, &s, &err), 0);
	e = source_endpoint(s, true);
	assert_string_equal(e->username, "u");
	assert_string_equal(e->password, "secret");
	assert_string_equal(e->ca_file, "ca");
	assert_string_equal(e->client_cert_file, "ca");
	assert_string_equal(e->header_files.items[0], "ca");
	assert_string_equal(e->proxy, "http://m:8080");
	assert_string_equal(e->cluster, "prod");
	assert_int_equal(e->timeout, 7);
	e = source_endpoint(s, false);
	assert_null(e->username);
	assert_null(e->password);
	assert_null(e->ca_file);
	assert_null(e->client_cert_file);
	assert_int_equal(e->header_files.n, 0);
	assert_string_equal(e->proxy, "http://m:8080");
	assert_string_equal(e->cluster, "prod");
	assert_int_equal(e->timeout, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_endpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
