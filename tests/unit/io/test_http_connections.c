/* SPDX-License-Identifier: Apache-2.0
 * Who has to go of those who are connected. */
#include "io/http_connections.h"

#include "net.h"

#define MANY ((size_t)HTTP_CONNECTIONS_MAX + 8)

struct fixture {
	sd_event *event;
	struct http_connections *list;
	int listener;
	unsigned port;
	usec_t now;
	struct http_connection *items[MANY];
	int here[MANY];
	int there[MANY];
	size_t n;
};

static usec_t now(void *userdata)
{
	return ((struct fixture *)userdata)->now;
}

static void set_up(struct fixture *f)
{
	static struct clock clock;

	*f = (struct fixture){.now = USEC_PER_HOUR};
	clock = (struct clock){.now = now, .userdata = f};
	assert_return_code(sd_event_new(&f->event), 0);
	assert_return_code(http_connections_new(f->event, &clock, &f->list), 0);
	f->listener = bind_free(&f->port);
	assert_return_code(listen(f->listener, 8), errno);
}

/* One from 127.0.0.HOST; which it is. */
static size_t arrive(struct fixture *f, unsigned host)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000U + host)};
	size_t i = f->n++;

	assert_true(i < MANY);
	f->there[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_return_code(bind(f->there[i], (struct sockaddr *)&a, sizeof(a)), errno);
	(void)loopback((uint16_t)f->port, &a);
	assert_return_code(connect(f->there[i], (struct sockaddr *)&a, sizeof(a)), errno);
	f->here[i] = accept(f->listener, NULL, NULL);
	assert_return_code(f->here[i], errno);
	f->items[i] = http_connections_add(f->list, f->here[i]);
	assert_non_null(f->items[i]);
	f->now += USEC_PER_MSEC;
	return i;
}

/* Its peer has seen the end. */
static bool has_ended(const struct fixture *f, size_t i)
{
	char byte;

	return recv(f->there[i], &byte, 1, MSG_DONTWAIT) == 0;
}

static void on_end(void *userdata)
{
	(*(unsigned *)userdata)++;
}

static unsigned count_ended(const struct fixture *f)
{
	unsigned n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += has_ended(f, i);
	return n;
}

static void assert_refusals(const struct fixture *f, enum http_refusal why, unsigned n)
{
	const uint64_t *refusals = http_connections_refusals(f->list);

	for (int k = 0; k < HTTP_REFUSAL_MAX; k++)
		assert_int_equal(refusals[k], k == (int)why ? n : 0);
}

static void tear_down(struct fixture *f)
{
	for (size_t i = 0; i < f->n; i++) {
		http_connection_remove(f->items[i]);
		(void)close(f->here[i]);
		(void)close(f->there[i]);
	}
	(void)close(f->listener);
	assert_null(http_connections_free(f->list));
	assert_null(http_connections_free(NULL));
	http_connection_remove(NULL);
	http_connection_complete(NULL);
	http_connection_on_end(NULL, NULL, NULL);
	assert_false(http_connection_has_ended(NULL));
	assert_null(sd_event_unref(f->event));
}

/* The newest is let in; the oldest that has not asked for anything yet goes, once each. */
static void test_one_address(void **state)
{
	struct fixture f;
	unsigned n_told = 0;

	(void)state;
	set_up(&f);
	for (unsigned i = 0; i < HTTP_CONNECTIONS_OF_ORIGIN; i++)
		(void)arrive(&f, 1);
	http_connection_complete(f.items[0]);
	assert_int_equal(count_ended(&f), 0);
	for (size_t i = 0; i < 3; i++)
		http_connection_on_end(f.items[i], on_end, &n_told);
	http_connection_on_end(f.items[2], NULL, NULL);
	(void)arrive(&f, 1);
	(void)arrive(&f, 1);
	assert_int_equal(n_told, 1);
	assert_true(http_connection_has_ended(f.items[1]));
	assert_false(http_connection_has_ended(f.items[0]));
	assert_true(has_ended(&f, 1) && has_ended(&f, 2));
	assert_int_equal(count_ended(&f), 2);
	/* What ended without us made room. */
	http_connection_remove(f.items[3]);
	f.items[3] = NULL;
	(void)arrive(&f, 1);
	(void)arrive(&f, 2);
	assert_int_equal(count_ended(&f), 2);
	assert_refusals(&f, HTTP_REFUSAL_CROWDED, 2);
	tear_down(&f);
}

/* Where all have asked, the oldest goes, and not the one that has just come. */
static void test_slow_readers(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	for (unsigned i = 0; i < HTTP_CONNECTIONS_OF_ORIGIN; i++)
		http_connection_complete(f.items[arrive(&f, 1)]);
	(void)arrive(&f, 1);
	assert_true(has_ended(&f, 0));
	assert_int_equal(count_ended(&f), 1);
	tear_down(&f);
}

/* Full: one goes of the address that has most. */
static void test_all_addresses(void **state)
{
	size_t quiet;
	size_t late;
	struct fixture f;

	(void)state;
	set_up(&f);
	quiet = arrive(&f, 9);
	for (unsigned i = 1; i < HTTP_CONNECTIONS_MAX; i++)
		(void)arrive(&f, i < 16 ? 1 : 2 + i % 5);
	assert_int_equal(count_ended(&f), 0);
	late = arrive(&f, 10);
	assert_int_equal(count_ended(&f), 1);
	assert_true(has_ended(&f, 1));
	assert_false(has_ended(&f, quiet) || has_ended(&f, late));
	assert_refusals(&f, HTTP_REFUSAL_CROWDED, 1);
	tear_down(&f);
}

static void test_times(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	(void)arrive(&f, 1);
	(void)arrive(&f, 1);
	http_connection_complete(f.items[1]);
	f.now = USEC_PER_HOUR + HTTP_REQUEST_TIMEOUT;
	http_connections_sweep(f.list);
	assert_int_equal(count_ended(&f), 0);
	f.now += USEC_PER_SEC;
	http_connections_sweep(f.list);
	http_connections_sweep(f.list);
	assert_true(has_ended(&f, 0));
	assert_false(has_ended(&f, 1));
	assert_refusals(&f, HTTP_REFUSAL_SLOW, 1);
	f.now = USEC_PER_HOUR + HTTP_EXCHANGE_TIMEOUT + USEC_PER_SEC;
	http_connections_sweep(f.list);
	assert_true(has_ended(&f, 1));
	assert_refusals(&f, HTTP_REFUSAL_SLOW, 2);
	tear_down(&f);
}

static unsigned admit_all(struct fixture *f, uint32_t address)
{
	const struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
	unsigned n = 0;

	while (n < 1000 &&
		http_connections_admit(f->list, (const struct sockaddr *)(const void *)&a))
		n++;
	return n;
}

/* Of an address and in all: some at once, then half as many a second. */
static void test_handshakes(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(admit_all(&f, 0xc0000201U), 20);
	assert_int_equal(admit_all(&f, 0xc0000202U), 20);
	assert_int_equal(admit_all(&f, 0xc0000203U), 0);
	assert_refusals(&f, HTTP_REFUSAL_HANDSHAKE, 3);
	f.now += USEC_PER_SEC / 10;
	assert_int_equal(admit_all(&f, 0xc0000201U), 1);
	assert_int_equal(admit_all(&f, 0xc0000204U), 1);
	/* From more addresses than are remembered. */
	f.now += USEC_PER_SEC;
	for (unsigned i = 0; i < 1000; i++)
		(void)admit_all(&f, 0x0a000000U + i);
	f.now += USEC_PER_SEC / 2;
	assert_int_equal(admit_all(&f, 0xc0000201U), 10);
	tear_down(&f);
}

static void test_names(void **state)
{
	(void)state;
	for (int k = 0; k < HTTP_REFUSAL_MAX; k++)
		assert_non_null(http_refusal_name((enum http_refusal)k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_address),
		cmocka_unit_test(test_slow_readers),
		cmocka_unit_test(test_all_addresses),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_handshakes),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
