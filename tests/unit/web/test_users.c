/* SPDX-License-Identifier: Apache-2.0
 * Who comes in, with the real hashes of the real helper: this program itself. */
#include "web/users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../fake_clock.h"
#include "../io/net.h"
#include "../row.h"
#include "../wipe.h"

#include "base/base64.h"
#include "io/password.h"

/* "opensesame" */
#define ALICE "$2y$04$abcdefghijklmnopqrstuuFuhxWRTXIsURoluSTZ1N4tYaWGn9oOi"
/* One that waits at the gate. */
struct http_visit {
	enum http_gate_answer answer;
	struct http_caller caller;
	char name[64];
	bool told;
};

static unsigned n_told;

static void take(struct http_visit *v, enum http_gate_answer a, const struct http_caller *caller)
{
	v->answer = a;
	v->caller = *caller;
	(void)snprintf(v->name, sizeof(v->name), "%s", caller->name ? caller->name : "-");
}

/* In place of the server's. */
void http_visit_tell(
	struct http_visit *v, enum http_gate_answer answer, const struct http_caller *caller)
{
	take(v, answer, caller);
	v->told = true;
	n_told++;
}

struct fixture {
	sd_event *event;
	struct web_users *users;
	usec_t now;
	usec_t wall;
};

static void configure(struct fixture *f, const char *hash, size_t n, usec_t interval)
{
	char *operators[] = {(char[]){"bob"}, (char[]){"CN"}};
	const struct strlist list = {operators, ELEMENTSOF(operators)};
	const struct web_user users[] = {{"alice", hash}, {"bob", hash}};
	const struct web_users_params p = {
		.users = users, .n = n, .rate_interval = interval, .rate_burst = 2};

	assert_int_equal(web_users_set_operators(f->users, &list), 0);
	assert_int_equal(web_users_configure(f->users, &p), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->now = FAKE_START;
	fake_time_use(&f->now, &f->wall);
	n_told = 0;
	assert_return_code(sd_event_new(&f->event), 0);
	assert_int_equal(web_users_new(f->event, &f->users), 0);
	configure(f, ALICE, 2, 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	assert_null(web_users_free(f->users));
	assert_null(sd_event_unref(f->event));
	fake_time_use(NULL, NULL);
	free(f);
	row_tell(state);
	return 0;
}

static enum http_gate_answer ask_gate(
	struct fixture *f, const struct http_gate_ask *ask, struct http_visit *v)
{
	const struct http_gate *gate = web_users_gate(f->users);
	struct http_caller caller = {0};
	enum http_gate_answer a = gate->ask(gate->userdata, ask, &caller);

	take(v, a, &caller);
	return a;
}

/* "name:password" */
static enum http_gate_answer ask_from(
	struct fixture *f, const char *pair, const struct http_origin *origin, struct http_visit *v)
{
	_cleanup_free_ char *encoded = NULL;
	_cleanup_free_ char *header = NULL;

	*v = (struct http_visit){0};
	assert_int_equal(base64_encode(pair, strlen(pair), &encoded), 0);
	assert_int_equal(str_printf(&header, "Basic %s", encoded), 0);
	return ask_gate(f,
		&(struct http_gate_ask){
			.path = "/", .authorization = header, .origin = origin, .visit = v},
		v);
}

static enum http_gate_answer ask(struct fixture *f, const char *pair, struct http_visit *v)
{
	return ask_from(f, pair, NULL, v);
}

static void assert_told(const struct http_visit *v, enum http_gate_answer answer)
{
	assert_true(v->told);
	assert_int_equal(v->answer, answer);
}

static void right_and_wrong(void **state)
{
	struct fixture *f = *state;
	struct http_visit v[4];

	assert_int_equal(ask(f, "alice:opensesame", &v[0]), HTTP_GATE_WAIT);
	/* The same again waits for the same hash. */
	assert_int_equal(ask(f, "alice:opensesame", &v[1]), HTTP_GATE_WAIT);
	assert_int_equal(ask(f, "alice:wrong", &v[2]), HTTP_GATE_WAIT);
	/* Nobody learns by the time that there is no such user. */
	assert_int_equal(ask(f, "carol:opensesame", &v[3]), HTTP_GATE_WAIT);
	run_until(f->event, &n_told, 4);
	assert_told(&v[0], HTTP_GATE_PASS);
	assert_told(&v[1], HTTP_GATE_PASS);
	assert_string_equal(v[1].name, "alice");
	assert_int_equal(v[1].caller.role, HTTP_ROLE_READ);
	assert_told(&v[2], HTTP_GATE_UNKNOWN);
	assert_told(&v[3], HTTP_GATE_UNKNOWN);
	/* From memory. */
	assert_int_equal(ask(f, "alice:opensesame", &v[0]), HTTP_GATE_PASS);
	assert_string_equal(v[0].name, "alice");
	assert_int_equal(ask(f, "alice:wrong", &v[2]), HTTP_GATE_UNKNOWN);
	assert_int_equal(ask(f, "carol:opensesame", &v[3]), HTTP_GATE_UNKNOWN);
	/* An operator. */
	assert_int_equal(ask(f, "bob:opensesame", &v[0]), HTTP_GATE_WAIT);
	run_until(f->event, &n_told, 5);
	assert_int_equal(v[0].caller.role, HTTP_ROLE_OPERATE);
}

static void what_is_no_claim(void **state)
{
	static const struct {
		const char *name;
		const char *header;
	} rows[] = {{"none", NULL}, {"nothing", ""}, {"another scheme", "Bearer YWxpY2U6eA=="},
		{"no base64", "Basic %%%%"}, {"no colon", "Basic YWxpY2U="}, {"no text", "Basic "}};
	struct fixture *f = *state;

	for_each_row(r, rows)
	{
		struct http_visit v = {0};

		assert_int_equal(
			ask_gate(f,
				&(struct http_gate_ask){
					.path = "/", .authorization = r->header, .visit = &v},
				&v),
			HTTP_GATE_UNKNOWN);
		assert_int_equal(v.caller.role, HTTP_ROLE_READ);
		assert_null(v.caller.name);
	}
}

static void what_needs_no_user(void **state)
{
	struct fixture *f = *state;
	struct http_visit v = {0};

	assert_int_equal(ask_gate(f, &(struct http_gate_ask){.path = "/-/ready", .visit = &v}, &v),
		HTTP_GATE_PASS);
	assert_int_equal(ask_gate(f, &(struct http_gate_ask){.path = "/-/ready/", .visit = &v}, &v),
		HTTP_GATE_UNKNOWN);
	/* A certificate is no password. */
	assert_int_equal(
		ask_gate(f, &(struct http_gate_ask){.path = "/", .certificate = "bob", .visit = &v},
			&v),
		HTTP_GATE_UNKNOWN);
	configure(f, ALICE, 0, 0);
	assert_int_equal(
		ask_gate(f, &(struct http_gate_ask){.path = "/", .visit = &v}, &v), HTTP_GATE_PASS);
	assert_int_equal(v.caller.role, HTTP_ROLE_READ);
	assert_int_equal(
		ask_gate(f, &(struct http_gate_ask){.path = "/", .certificate = "CN", .visit = &v},
			&v),
		HTTP_GATE_PASS);
	assert_string_equal(v.name, "CN");
	assert_int_equal(v.caller.role, HTTP_ROLE_OPERATE);
}

/* A hash that is another one, and one that is the same. */
static void a_reload(void **state)
{
	struct fixture *f = *state;
	struct http_visit v;

	assert_int_equal(ask(f, "alice:opensesame", &v), HTTP_GATE_WAIT);
	run_until(f->event, &n_told, 1);
	configure(f, ALICE, 2, 0);
	assert_int_equal(ask(f, "alice:opensesame", &v), HTTP_GATE_PASS);
	configure(f, "$2y$04$bbcdefghijklmnopqrstuuupv.jj9tTJr.O4LVP1oPWgAPVtUQHqa", 2, 0);
	assert_int_equal(ask(f, "alice:opensesame", &v), HTTP_GATE_WAIT);
	run_until(f->event, &n_told, 2);
	assert_told(&v, HTTP_GATE_UNKNOWN);
}

static void a_flood(void **state)
{
	struct fixture *f = *state;
	struct http_visit v[PASSWORD_MAX_CALLS + 1];
	const struct http_gate *gate = web_users_gate(f->users);

	for (unsigned i = 0; i < ELEMENTSOF(v); i++) {
		char pair[32];

		(void)snprintf(pair, sizeof(pair), "alice:%u", i);
		assert_int_equal(ask(f, pair, &v[i]),
			i < PASSWORD_MAX_CALLS ? HTTP_GATE_WAIT : HTTP_GATE_BUSY);
	}
	/* Who leaves makes room, and is not told. */
	gate->forget(gate->userdata, &v[3]);
	gate->forget(gate->userdata, &v[0]);
	assert_int_equal(ask(f, "alice:more", &v[3]), HTTP_GATE_WAIT);
	run_until(f->event, &n_told, PASSWORD_MAX_CALLS - 1);
	assert_false(v[0].told);
	assert_told(&v[3], HTTP_GATE_UNKNOWN);
}

/* Whoever guesses keeps nobody else out, and what somebody waits for already takes no more. */
static void a_flood_of_one_address(void **state)
{
	const struct http_origin bad = {.family = AF_INET, .bytes = {192, 0, 2, 1}};
	const struct http_origin good = {.family = AF_INET, .bytes = {192, 0, 2, 2}};
	struct fixture *f = *state;
	const struct http_gate *gate = web_users_gate(f->users);
	struct http_visit v[PASSWORD_MAX_CALLS];
	struct http_visit other;

	for (unsigned i = 0; i < ELEMENTSOF(v); i++) {
		char pair[32];

		(void)snprintf(pair, sizeof(pair), "alice:%u", i);
		assert_int_equal(
			ask_from(f, pair, &bad, &v[i]), i < 4 ? HTTP_GATE_WAIT : HTTP_GATE_BUSY);
	}
	assert_int_equal(ask_from(f, "alice:3", &bad, &v[4]), HTTP_GATE_WAIT);
	assert_int_equal(ask_from(f, "alice:opensesame", &good, &other), HTTP_GATE_WAIT);
	gate->forget(gate->userdata, &v[2]);
	assert_int_equal(ask_from(f, "alice:more", &bad, &v[2]), HTTP_GATE_WAIT);
	assert_int_equal(ask_from(f, "alice:and more", &bad, &v[5]), HTTP_GATE_BUSY);
	run_until(f->event, &n_told, 6);
	assert_told(&other, HTTP_GATE_PASS);
	assert_int_equal(ask_from(f, "alice:and more", &bad, &v[5]), HTTP_GATE_WAIT);
}

static void what_was_said_is_wiped(void **state)
{
	struct fixture *f = *state;
	struct http_visit v;

	if (!WIPE_SEEN)
		skip();
	wipe_left = 0;
	assert_int_equal(ask(f, "alice:" WIPE_SECRET, &v), HTTP_GATE_WAIT);
	run_until(f->event, &n_told, 1);
	assert_int_equal(ask(f, "alice:" WIPE_SECRET, &v), HTTP_GATE_UNKNOWN);
	assert_int_equal(wipe_left, 0);
}

static void a_rate(void **state)
{
	struct fixture *f = *state;
	struct http_visit v;

	/* Also where the host has not run for as long as the bucket takes to fill. */
	configure(f, ALICE, 0, 2 * FAKE_START);
	assert_int_equal(ask(f, "a:b", &v), HTTP_GATE_PASS);
	configure(f, ALICE, 0, USEC_PER_SEC);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(ask(f, "a:b", &v), i < 2 ? HTTP_GATE_PASS : HTTP_GATE_TOO_MANY);
	/* A prober is not kept from it, and takes nothing. */
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(
			ask_gate(f, &(struct http_gate_ask){.path = "/-/healthy", .visit = &v}, &v),
			HTTP_GATE_PASS);
	f->now += USEC_PER_SEC;
	assert_int_equal(ask(f, "a:b", &v), HTTP_GATE_PASS);
	assert_int_equal(ask(f, "a:b", &v), HTTP_GATE_TOO_MANY);
	f->now += USEC_PER_HOUR;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(ask(f, "a:b", &v), i < 2 ? HTTP_GATE_PASS : HTTP_GATE_TOO_MANY);
}

#define users_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		users_test(right_and_wrong),
		users_test(what_is_no_claim),
		users_test(what_needs_no_user),
		users_test(a_reload),
		users_test(a_flood),
		users_test(a_flood_of_one_address),
		users_test(what_was_said_is_wiped),
		users_test(a_rate),
	};

	if (argc > 1 && strcmp(argv[1], PASSWORD_HELPER) == 0)
		return password_helper_run();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
