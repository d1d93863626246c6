/* SPDX-License-Identifier: Apache-2.0
 * Which orders are from a page of ours. */
#include "web/order_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"

#define NOW (100 * USEC_PER_HOUR)

static void test_tokens(void **state)
{
	_cleanup_(order_guard_freep) struct order_guard *other = NULL;
	_cleanup_(order_guard_freep) struct order_guard *g = NULL;
	char token[ORDER_TOKEN_SIZE];
	char later[ORDER_TOKEN_SIZE];
	char bad[ORDER_TOKEN_SIZE];

	(void)state;
	assert_int_equal(order_guard_new(&g), 0);
	assert_int_equal(order_guard_new(&other), 0);
	assert_int_equal(order_guard_token(g, "alice", NOW, token), 0);
	assert_null(order_guard_token_fault(g, "alice", token, NOW));
	assert_null(order_guard_token_fault(g, "alice", token, NOW + ORDER_TOKEN_LIFE));
	assert_non_null(strstr(
		order_guard_token_fault(g, "alice", token, NOW + ORDER_TOKEN_LIFE + USEC_PER_SEC),
		"older than an hour"));
	assert_non_null(order_guard_token_fault(g, "alice", token, NOW - USEC_PER_SEC));
	/* Of somebody else, of another process, or none. */
	assert_non_null(order_guard_token_fault(g, "alic", token, NOW));
	assert_non_null(order_guard_token_fault(g, "bob", token, NOW));
	assert_non_null(order_guard_token_fault(other, "alice", token, NOW));
	assert_non_null(order_guard_token_fault(g, "alice", NULL, NOW));
	assert_non_null(order_guard_token_fault(g, "alice", "", NOW));
	assert_non_null(order_guard_token_fault(g, "alice", ".", NOW));
	assert_non_null(order_guard_token_fault(g, "alice", "360000", NOW));
	/* Another time with the same signature, and each single character. */
	assert_int_equal(order_guard_token(g, "alice", NOW + USEC_PER_SEC, later), 0);
	assert_string_not_equal(token, later);
	for (size_t i = 0; token[i]; i++) {
		memcpy(bad, token, sizeof(bad));
		bad[i] = bad[i] == '1' ? '2' : '1';
		assert_non_null(order_guard_token_fault(g, "alice", bad, NOW));
	}
	assert_null(order_guard_free(NULL));
}

static void test_origins(void **state)
{
	static const struct {
		const char *name;
		struct http_server_request request;
		const char *external_url;
		bool ours;
	} rows[] = {
		{"the host", {.host = "h:1", .origin = "http://h:1"}, NULL, true},
		{"by a proxy with TLS", {.host = "h:1", .origin = "https://H:1"}, NULL, true},
		{"the browser agrees",
			{.host = "h", .origin = "http://h", .fetch_site = "same-origin"}, NULL,
			true},
		{"external_url", {.host = "h:1", .origin = "https://sw.example"},
			"https://sw.example/hangs/", true},
		{"a referer", {.host = "h", .referer = "http://h/incidents/1"}, NULL, true},
		{"a referer below external_url",
			{.host = "h", .referer = "https://sw.example/hangs/incidents/1"},
			"https://sw.example/hangs", true},
		{"no origin", {.host = "h"}, "http://h", false},
		{"another host", {.host = "h", .origin = "http://evil"}, NULL, false},
		{"another port", {.host = "h:1", .origin = "http://h:2"}, NULL, false},
		{"a longer host", {.host = "h", .origin = "http://h.evil"}, NULL, false},
		{"a user", {.host = "h", .origin = "http://h@evil"}, NULL, false},
		{"none", {.host = "h", .origin = "null"}, NULL, false},
		{"another scheme", {.host = "h", .origin = "ftp://h"}, NULL, false},
		{"an empty host", {.host = "", .origin = "http://"}, "http://", false},
		{"no host", {.origin = "http://h"}, NULL, false},
		{"the origin counts before the referer",
			{.host = "h", .origin = "http://evil", .referer = "http://h/"}, NULL,
			false},
		{"another site's referer", {.host = "h", .referer = "http://evil/?http://h/"}, NULL,
			false},
		{"cross-site", {.host = "h", .origin = "http://h", .fetch_site = "cross-site"},
			NULL, false},
		{"same-site", {.host = "h", .origin = "http://h", .fetch_site = "same-site"}, NULL,
			false},
		{"a bookmark", {.host = "h", .origin = "http://h", .fetch_site = "none"}, NULL,
			false},
	};

	(void)state;
	for_each_row(r, rows) assert_int_equal(
		order_guard_origin_fault(&r->request, r->external_url) == NULL, r->ours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
