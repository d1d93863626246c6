/* SPDX-License-Identifier: Apache-2.0
 * Passwords against hashes, by the helper that is this program itself: the real one, and one that
 * does what it should not. */
#include "io/password.h"

#include <errno.h>

#include "net.h"

/* "opensesame", and what is beyond bcrypt's 72 bytes. */
#define HASH "$2y$04$abcdefghijklmnopqrstuuFuhxWRTXIsURoluSTZ1N4tYaWGn9oOi"
#define LONG_HASH "$2b$04$abcdefghijklmnopqrstuuNmZQ409/MK7Mg6z/jQAlOB.sRvGCcdK"
#define LONG                                                                                       \
	"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhhiiiiiiii" \
	"ii"
#define MAX_SAID 32

struct fixture {
	sd_event *event;
	struct password_check *check;
	unsigned n;
	int said[MAX_SAID];
};

static void on_done(void *userdata, int result)
{
	struct fixture *f = userdata;

	f->said[f->n++] = result;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_return_code(sd_event_new(&f->event), 0);
	assert_int_equal(password_check_new(f->event, &f->check), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	assert_null(password_check_free(f->check));
	assert_null(sd_event_unref(f->event));
	free(f);
	return 0;
}

static struct password_call *ask(struct fixture *f, const char *hash, const char *password)
{
	struct password_call *c = NULL;

	assert_int_equal(password_check_ask(f->check, hash, password, on_done, f, &c), 0);
	return c;
}

static void answers(void **state)
{
	static const struct {
		const char *hash;
		const char *password;
		int wanted;
	} rows[] = {
		{HASH, "opensesame", 1},
		{HASH, "opensesam", 0},
		{HASH, "Opensesame", 0},
		{HASH, "", 0},
		{HASH, "opensesame\n", 0},
		{LONG_HASH, LONG, 1},
		{LONG_HASH, LONG "x", 1},
		{LONG_HASH, "a" LONG, 0},
		/* What crypt(3) does not know is nobody's. */
		{"$2y$04$tooshort", "opensesame", 0},
		{"*", "opensesame", 0},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		(void)ask(f, rows[i].hash, rows[i].password);
	run_until(f->event, &f->n, ELEMENTSOF(rows));
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		if (f->said[i] != rows[i].wanted)
			fail_msg("row %zu: %d", i, f->said[i]);
}

static void many(void **state)
{
	struct fixture *f = *state;
	struct password_call *calls[PASSWORD_MAX_CALLS];
	struct password_call *c = NULL;

	for (size_t i = 0; i < PASSWORD_MAX_CALLS; i++)
		calls[i] = ask(f, HASH, "opensesame");
	assert_int_equal(password_check_ask(f->check, HASH, "x", on_done, f, &c), -EBUSY);
	/* One that the helper has, and one that waits. */
	password_cancel(calls[0]);
	password_cancel(calls[5]);
	(void)ask(f, HASH, "x");
	run_until(f->event, &f->n, PASSWORD_MAX_CALLS - 1);
	assert_int_equal(f->said[PASSWORD_MAX_CALLS - 3], 1);
	assert_int_equal(f->said[PASSWORD_MAX_CALLS - 2], 0);
}

/* Of a helper that ends or talks nonsense, the call fails, and the next one gets another helper. */
static void a_helper_of_no_use(void **state)
{
	struct fixture *f = *state;

	(void)ask(f, "end", "");
	(void)ask(f, "nonsense", "");
	(void)ask(f, HASH, "opensesame");
	run_until(f->event, &f->n, 3);
	assert_int_equal(f->said[0], -EIO);
	assert_int_equal(f->said[1], -EIO);
	assert_int_equal(f->said[2], 1);
}

static void it_is_freed_with_calls(void **state)
{
	struct fixture *f = *state;

	(void)ask(f, HASH, "opensesame");
	(void)ask(f, HASH, "opensesame");
}

/* The first line tells which one is wanted. */
static int helper(void)
{
	char first[8] = "";

	if (recv(STDIN_FILENO, first, sizeof(first) - 1, MSG_PEEK) < 3)
		return EXIT_FAILURE;
	if (strncmp(first, "end", 3) == 0)
		return EXIT_SUCCESS;
	if (strncmp(first, "non", 3) != 0)
		return password_helper_run();
	(void)!write(STDOUT_FILENO, "yes", 3);
	(void)pause();
	return EXIT_FAILURE;
}

#define password_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		password_test(answers),
		password_test(many),
		password_test(a_helper_of_no_use),
		password_test(it_is_freed_with_calls),
	};

	if (argc > 1 && strcmp(argv[1], PASSWORD_HELPER) == 0)
		return helper();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
