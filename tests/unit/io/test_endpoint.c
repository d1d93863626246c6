/* SPDX-License-Identifier: Apache-2.0
 * A copy of an endpoint has all of it, and shares nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"
#include "io/endpoint.h"
#include "io/endpoint_params.h"

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

static char word[] = "w";
static char url[] = "https://h/p";
static char bad_url[] = "h";
static char *words[] = {word, word, word, word, word, word, word, word, word};
static char list[] = "a, b";
static char *lists[] = {list};

static void test_faults(void **state)
{
	static const struct {
		struct endpoint_params p;
		const char *key;
		const char *why; /* NULL: nothing is wrong */
	} rows[] = {
		{{.username = word, .password_file = word, .header_file = {words, 8}}, NULL, NULL},
		{{.username = word}, NULL, NULL},
		{{.password_file = word}, "password_file", "only beside username"},
		{{.username = word, .bearer_token_file = word}, "bearer_token_file", "not beside"},
		{{.header_file = {words, 9}}, "header_file", "more than 8"},
		{{.client_key_file = word}, "client_key_file", "only beside"},
		{{.proxy = bad_url}, "proxy", "begins with http"},
		{{.no_proxy = {words, 1}}, "no_proxy", "there is no proxy"},
		{{.proxy = url, .no_proxy = {lists, 1}}, "no_proxy", "one host"},
		{{.token_url = url, .client_id = word, .client_secret_file = word}, NULL, NULL},
		{{.token_url = bad_url, .client_id = word, .client_secret_file = word}, "token_url",
			"begins with http"},
		{{.token_url = url, .client_id = word}, "token_url", "needs client_id"},
		{{.token_url = url,
			 .client_id = word,
			 .client_secret_file = word,
			 .username = word},
			"token_url", "not beside username"},
		{{.client_id = word}, "client_id", "only beside token_url"},
		{{.client_secret_file = word}, "client_secret_file", "only beside token_url"},
		{{.auth = ENDPOINT_AUTH_NEGOTIATE, .keytab = word, .principal = word}, NULL, NULL},
		{{.auth = ENDPOINT_AUTH_NEGOTIATE, .credential_cache = word}, NULL, NULL},
		{{.auth = ENDPOINT_AUTH_NEGOTIATE}, "auth", "needs keytab"},
		{{.auth = ENDPOINT_AUTH_NEGOTIATE, .keytab = word, .credential_cache = word},
			"keytab", "not beside"},
		{{.auth = ENDPOINT_AUTH_NEGOTIATE, .keytab = word, .username = word}, "auth",
			"beside it"},
		{{.keytab = word}, "keytab", "only with auth = negotiate"},
		{{.principal = word}, "principal", "only with auth = negotiate"},
	};

	(void)state;
	each_row(i, rows)
	{
		const char *key = NULL;
		const char *why = endpoint_params_fault(&rows[i].p, &key);

		assert_int_equal(why == NULL, rows[i].why == NULL);
		if (!rows[i].why)
			continue;
		assert_string_equal(key, rows[i].key);
		assert_non_null(strstr(why, rows[i].why));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
