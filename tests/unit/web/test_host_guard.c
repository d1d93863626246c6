/* SPDX-License-Identifier: Apache-2.0
 * By which names a browser may ask a server on loopback that has no users. */
#include "web/host_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"

static void test_names(void **state)
{
	static const struct {
		const char *host;
		const char *external_url;
		bool foreign;
	} rows[] = {
		{"127.0.0.1", NULL, false},
		{"127.0.0.1:14040", NULL, false},
		{"[::1]:14040", NULL, false},
		{"localhost", NULL, false},
		{"LocalHost:14040", NULL, false},
		{"localhost.:14040", NULL, false},
		{"sw.localhost:14040", NULL, false},
		{"sw.example", "https://sw.example/hangs", false},
		{"SW.example:443", "https://sw.example", false},
		{"sw.example", "https://sw.example:8443/", false},
		{"", NULL, false},
		{NULL, NULL, false},
		{"evil.example", NULL, true},
		{"evil.example:14040", NULL, true},
		{"evil.example", "https://sw.example/evil.example", true},
		{"sw.example.evil", "https://sw.example", true},
		{"w.example", "https://sw.example", true},
		{"127.0.0.1.evil.example", NULL, true},
		{"127.0.0.1evil", NULL, true},
		{"1.evil:14040", NULL, true},
		{"localhost.evil", NULL, true},
		{"evillocalhost", NULL, true},
		{".", NULL, true},
		{":14040", NULL, true},
		{"evil.example", "", true},
		{"evil.example", "nonsense", true},
	};

	(void)state;
	each_row(i, rows)
	{
		const struct http_server_request request = {.local = true, .host = rows[i].host};

		assert_int_equal(
			host_guard_is_foreign(&request, rows[i].external_url), rows[i].foreign);
	}
}

/* Others than this host reach it anyway; or a page of another site lacks what opens it. */
static void test_where_it_matters(void **state)
{
	const struct http_caller nobody = {.role = HTTP_ROLE_READ};
	const struct http_caller alice = {.name = "alice", .role = HTTP_ROLE_READ};
	struct http_server_request request = {.host = "evil", .local = true};

	(void)state;
	assert_true(host_guard_is_foreign(&request, NULL));
	request.caller = &nobody;
	assert_true(host_guard_is_foreign(&request, NULL));
	request.caller = &alice;
	assert_false(host_guard_is_foreign(&request, NULL));
	request.caller = &nobody;
	request.local = false;
	assert_false(host_guard_is_foreign(&request, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_where_it_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
