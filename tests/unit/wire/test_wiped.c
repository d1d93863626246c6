/* SPDX-License-Identifier: Apache-2.0
 * Requests and answers that hold a secret are overwritten before they are given back. */
#include "../wipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/secret.h"
#include "wire/airflow.h"
#include "wire/json.h"
#include "wire/leader_store.h"
#include "wire/notice.h"
#include "wire/token.h"

/* Long, so that what it is written to has to grow. */
#define LONG                                                                                       \
	"--------------------------------------------------------------------------------"         \
	"--------------------------------------------------------------------------------"

static void forget(void)
{
	if (!WIPE_SEEN)
		skip();
	wipe_left = 0;
}

/* With an escape, of which a copy without it is read. */
static void test_tokens(void **state)
{
	static const char grant[] = "{\"a\": \"\\u0041\", \"access_token\": \"" WIPE_SECRET
				    "\", \"other\": [\"" WIPE_SECRET "\"]}";
	static const char etcd[] = "{\"token\": \"" WIPE_SECRET "\\u0041\"}";
	struct token_grant given = {0};
	char *token = NULL;
	char *err = NULL;

	(void)state;
	forget();
	assert_int_equal(token_decode(grant, strlen(grant), &given, &err), 0);
	assert_string_equal(given.token, WIPE_SECRET);
	secret_free(given.token);
	assert_int_equal(etcd_decode_token(etcd, strlen(etcd), &token, &err), 0);
	secret_free(token);
	assert_int_equal(wipe_left, 0);
}

static void test_logins(void **state)
{
	struct airflow_request airflow = {0};
	struct leader_request etcd = {0};

	(void)state;
	forget();
	assert_int_equal(airflow_request_login("me\"", LONG WIPE_SECRET LONG, &airflow), 0);
	assert_string_equal(airflow.body,
		"{\"username\":\"me\\\"\",\"password\":\"" LONG WIPE_SECRET LONG "\"}");
	airflow_request_clear(&airflow);
	assert_int_equal(airflow_request_client_login("me", LONG WIPE_SECRET LONG, &airflow), 0);
	assert_non_null(strstr(airflow.body, WIPE_SECRET));
	airflow_request_clear(&airflow);
	assert_int_equal(
		etcd_request_login("me", LONG LONG LONG LONG LONG LONG LONG WIPE_SECRET, &etcd), 0);
	assert_non_null(strstr(etcd.body, WIPE_SECRET "\"}"));
	leader_request_clear(&etcd);
	assert_int_equal(wipe_left, 0);
}

static void test_messages(void **state)
{
	static const char message[] = "{\"event\":\"hung\",\"cluster\":\"c\",\"app\":\"a\"}";
	char *text = NULL;

	(void)state;
	forget();
	assert_int_equal(notice_fill_secret(LONG "{{secret}}" LONG, WIPE_SECRET, &text), 0);
	assert_string_equal(text, LONG WIPE_SECRET LONG);
	secret_free(text);
	if (notice_pagerduty(message, LONG LONG LONG LONG LONG LONG WIPE_SECRET, &text) >= 0)
		secret_free(text);
	assert_int_equal(wipe_left, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
