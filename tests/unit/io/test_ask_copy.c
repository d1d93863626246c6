/* SPDX-License-Identifier: Apache-2.0
 * A copy that is used again: what goes to the same cluster takes no memory, and no secret stays. */
#include "../wipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/ask_copy.h"

static char cluster[] = "prod";
static char other[] = "test";
static char ca[] = "/ca.pem";
static char base[] = "http://d:4040";

static void test_the_like_of_it_keeps_its_room(void **state)
{
	const struct endpoint e = {.url = base, .cluster = cluster, .ca_file = ca, .timeout = 7};
	struct transport_ask ask = {
		.method = "GET", .url = "http://driver-1:4040/stages", .endpoint = &e};
	struct ask_copy c = {0};
	const char *room;
	const char *name;

	(void)state;
	assert_int_equal(ask_copy(&c, &ask), 0);
	room = c.ask.url;
	name = c.endpoint.cluster;
	ask_copy_rest(&c);
	ask.url = "http://driver-2:4040/jobs";
	assert_int_equal(ask_copy(&c, &ask), 0);
	assert_ptr_equal(c.ask.url, room);
	assert_ptr_equal(c.endpoint.cluster, name);
	assert_string_equal(c.ask.url, "http://driver-2:4040/jobs");
	assert_string_equal(c.ask.method, "GET");
	assert_string_equal(c.ask.endpoint->ca_file, "/ca.pem");
	assert_null(c.ask.endpoint->url);
	ask_copy_clear(&c);
}

static void test_another_takes_all_over(void **state)
{
	static const char *const headers[] = {"Accept: text/plain", NULL};
	const struct endpoint e = {.cluster = cluster, .ca_file = ca, .timeout = 7};
	const struct endpoint f = {.cluster = other, .max_body = 9};
	const struct transport_ask first = {.method = "POST",
		.url = "http://a/",
		.endpoint = &e,
		.body = "b",
		.headers = headers,
		.socket = "/s",
		.urgent = true,
		.max_body = 5};
	const struct transport_ask then = {.method = "GET", .url = "http://b/", .endpoint = &f};
	struct ask_copy c = {0};

	(void)state;
	assert_int_equal(ask_copy(&c, &first), 0);
	assert_string_equal(c.ask.body, "b");
	assert_string_equal(c.ask.headers[0], headers[0]);
	ask_copy_rest(&c);
	assert_int_equal(ask_copy(&c, &then), 0);
	assert_string_equal(c.ask.method, "GET");
	assert_string_equal(c.ask.url, "http://b/");
	assert_null(c.ask.body);
	assert_null(c.ask.headers);
	assert_null(c.ask.socket);
	assert_false(c.ask.urgent);
	assert_int_equal(c.ask.max_body, 0);
	assert_string_equal(c.ask.endpoint->cluster, "test");
	assert_null(c.ask.endpoint->ca_file);
	assert_int_equal(c.ask.endpoint->timeout, 0);
	assert_int_equal(c.ask.endpoint->max_body, 9);
	ask_copy_clear(&c);
}

static void test_no_secret_stays(void **state)
{
	char secret[] = WIPE_SECRET;
	char *lines[] = {secret};
	const struct endpoint ways[] = {
		{.authorization = secret}, {.password = secret}, {.headers = {lines, 1}}, {0}};
	const char *const headers[] = {"X: " WIPE_SECRET, NULL};

	(void)state;
	if (!WIPE_SEEN)
		skip();
	wipe_left = 0;
	for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
		const struct transport_ask ask = {.method = "POST",
			.url = "http://a/" WIPE_SECRET,
			.endpoint = &ways[i],
			.body = i ? WIPE_SECRET : NULL,
			.headers = i % 2 ? headers : NULL};
		struct ask_copy c = {0};

		assert_int_equal(ask_copy(&c, &ask), 0);
		ask_copy_rest(&c);
		assert_null(c.endpoint.authorization);
		assert_null(c.endpoint.password);
		assert_int_equal(c.endpoint.headers.n, 0);
		assert_null(c.body);
		assert_true(!c.url.text || !memmem(c.url.text, c.url.size, "s3cr3t", 6));
		ask_copy_clear(&c);
	}
	assert_int_equal(wipe_left, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_like_of_it_keeps_its_room),
		cmocka_unit_test(test_another_takes_all_over),
		cmocka_unit_test(test_no_secret_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
