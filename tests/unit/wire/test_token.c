/* SPDX-License-Identifier: Apache-2.0
 * Answers of servers that issue tokens. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"
#include "base/cleanup.h"
#include "base/secret.h"
#include "wire/token.h"

static void test_answers(void **state)
{
	static const struct {
		const char *name;
		int status;
		const char *body;
		const char *token; /* NULL: none */
		usec_t life;
		const char *why;
	} rows[] = {
		{"RFC 6749", 200,
			"{\"access_token\":\"2Yo\",\"token_type\":\"example\",\"expires_in\":3600}",
			"2Yo", 3600 * USEC_PER_SEC, NULL},
		{"seconds as a text", 200, "{\"access_token\":\"a\",\"expires_in\":\"60\"}", "a",
			60 * USEC_PER_SEC, NULL},
		{"no life", 200, "{\"access_token\":\"a\"}", "a", 0, NULL},
		{"a life below zero", 200, "{\"access_token\":\"a\",\"expires_in\":-1}", "a", 0,
			NULL},
		{"a life without end", 200, "{\"access_token\":\"a\",\"expires_in\":1e300}", "a", 0,
			NULL},
		{"two lines", 200, "{\"access_token\":\"a\\r\\nHost: x\"}", NULL, 0,
			"visible ASCII"},
		{"no token", 200, "{}", NULL, 0, "access_token"},
		{"no JSON", 200, "<html>", NULL, 0, ""},
		{"refused", 401,
			"{\"error\":\"invalid_client\",\"error_description\":\"Bad\\nsecret\"}",
			NULL, 0, "answered 401: invalid_client: Bad"},
		{"refused without words", 503, "<html>", NULL, 0, "answered 503"},
	};

	(void)state;
	for_each_row(r, rows)
	{
		struct token_grant grant = {0};
		_cleanup_free_ char *err = strdup("an earlier one");
		int k = token_decode_answer(r->status, r->body, strlen(r->body), &grant, &err);

		assert_int_equal(k < 0, r->token == NULL);
		if (r->token) {
			assert_string_equal(grant.token, r->token);
			assert_int_equal(grant.life, r->life);
		} else {
			assert_non_null(err);
			assert_non_null(strstr(err, r->why));
			assert_null(strchr(err, '\n'));
		}
		secret_free(grant.token);
	}
}

static void test_decode(void **state)
{
	static const char body[] = "{\"access_token\":\"h.eyJleHAiOjE3OTU0ODMxNzR9.s\"}";
	struct token_grant grant = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(token_decode(body, strlen(body), &grant, &err), 0);
	assert_int_equal(grant.expires, 1795483174000000U);
	secret_free(grant.token);
}

/* When a JWT ends: also in test_airflow.c. */
static void test_expires(void **state)
{
	(void)state;
	assert_int_equal(token_expires("h.eyJleHAiOjE3OTU0ODMxNzR9.s"), 1795483174000000U);
	assert_int_equal(token_expires("opaque"), 0);
	assert_int_equal(token_expires(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_expires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
