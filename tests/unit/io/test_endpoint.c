/* SPDX-License-Identifier: Apache-2.0
 * A copy of an endpoint has all of it, and shares nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "io/endpoint.h"

static void expect_copy(const char *copy, const char *from)
{
	assert_string_equal(copy, from);
	assert_ptr_not_equal(copy, from);
}

static void test_copy(void **state)
{
	char texts[][8] = {"url", "user", "pass", "Bearer", "ca", "prod", "cert", "key", "token",
		"file", "X: y"};
	char *files[] = {texts[9]};
	char *lines[] = {texts[10]};
	const struct endpoint from = {.url = texts[0],
		.username = texts[1],
		.password = texts[2],
		.authorization = texts[3],
		.ca_file = texts[4],
		.cluster = texts[5],
		.client_cert_file = texts[6],
		.client_key_file = texts[7],
		.bearer_token_file = texts[8],
		.header_files = {files, 1},
		.headers = {lines, 1},
		.timeout = 7};
	const struct endpoint none = {0};
	struct endpoint to = {0};

	(void)state;
	assert_int_equal(endpoint_copy(&to, &from), 0);
	expect_copy(to.url, "url");
	expect_copy(to.username, "user");
	expect_copy(to.password, "pass");
	expect_copy(to.authorization, "Bearer");
	expect_copy(to.ca_file, "ca");
	expect_copy(to.cluster, "prod");
	expect_copy(to.client_cert_file, "cert");
	expect_copy(to.client_key_file, "key");
	expect_copy(to.bearer_token_file, "token");
	expect_copy(to.header_files.items[0], "file");
	expect_copy(to.headers.items[0], "X: y");
	assert_int_equal(to.timeout, 7);
	endpoint_clear(&to);
	assert_memory_equal(&to, &none, sizeof(to));
	/* What is not set stays so: "" and NULL differ. */
	assert_int_equal(endpoint_copy(&to, &none), 0);
	assert_memory_equal(&to, &none, sizeof(to));
	endpoint_clear(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_copy)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
