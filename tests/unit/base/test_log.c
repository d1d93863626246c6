/* SPDX-License-Identifier: Apache-2.0
 * Log lines as they come out on a stderr that is not the journal. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/log_limit.h"

struct capture {
	int saved;
	int reader;
};

static void capture_begin(struct capture *c)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	c->saved = dup(STDERR_FILENO);
	assert_true(c->saved >= 0);
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	(void)close(fds[1]);
	c->reader = fds[0];
}

/* What was written since the beginning, NUL-terminated. */
static void capture_end(struct capture *c, char *buf, size_t size)
{
	ssize_t n;

	assert_int_equal(dup2(c->saved, STDERR_FILENO), STDERR_FILENO);
	(void)close(c->saved);
	n = read(c->reader, buf, size - 1);
	(void)close(c->reader);
	buf[n > 0 ? n : 0] = '\0';
}

static void test_plain_line(void **state)
{
	const struct log_about about = {.app_id = "app-1"};
	struct capture c;
	char text[512];

	(void)state;
	capture_begin(&c);
	errno = ENOENT;
	log_event(LOG_WARNING, &about, "hung for %d min", 10);
	assert_int_equal(errno, ENOENT);
	log_error("second");
	log_debug("dropped");
	capture_end(&c, text, sizeof(text));
	assert_string_equal(text, "stagewatchd: hung for 10 min\nstagewatchd: second\n");
}

static usec_t minute_now = USEC_PER_SEC;

static usec_t minute(void)
{
	return minute_now;
}

static unsigned count(const char *text, const char *wanted)
{
	unsigned n = 0;

	for (const char *at = strstr(text, wanted); at; at = strstr(at + 1, wanted))
		n++;
	return n;
}

static void say_often(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		log_warning("driver %u is silent", i);
}

/* What is beyond is counted, per place; and the next minute begins anew. */
static void test_minute(void **state)
{
	static char text[32768];
	const struct log_about about = {.action = "kill"};
	const struct log_about hung = {.always = true};
	struct capture c;

	(void)state;
	log_set_limit(minute);
	capture_begin(&c);
	say_often(LOG_LINES_OF_A_SITE + 50);
	log_info("another kind");
	for (unsigned i = 0; i < LOG_LINES_OF_A_SITE + 7; i++)
		log_event(LOG_ERR, &about, "an action failed");
	for (unsigned i = 0; i < LOG_LINES_OF_A_SITE + 3; i++)
		log_event(LOG_WARNING, &hung, "it is hung");
	minute_now += USEC_PER_MINUTE - 1;
	log_tell_left_out();
	capture_end(&c, text, sizeof(text));
	assert_int_equal(count(text, "is silent"), LOG_LINES_OF_A_SITE);
	assert_int_equal(count(text, "another kind"), 1);
	assert_int_equal(count(text, "an action failed"), LOG_LINES_OF_A_SITE + 7);
	assert_int_equal(count(text, "it is hung"), LOG_LINES_OF_A_SITE + 3);
	assert_int_equal(count(text, "Left out"), 0);
	assert_int_equal(log_n_left_out(), 50);
	capture_begin(&c);
	minute_now++;
	log_info("another kind");
	say_often(1);
	capture_end(&c, text, sizeof(text));
	log_set_limit(NULL);
	assert_string_equal(text,
		"stagewatchd: Left out 50 lines of the minute before, beyond 100 of one kind or "
		"1000 in all: \"driver %u is silent\"\n"
		"stagewatchd: another kind\nstagewatchd: driver 0 is silent\n");
}

/* Many kinds together, those that come late with what each may say anyway, one beyond those that
 * are counted apart, and a clock that goes back. */
static void test_all_kinds(void **state)
{
	static char kinds[LOG_SITES + 2][8];
	struct log_limit l = {0};
	unsigned wanted = LOG_LINES_OF_ALL + (LOG_SITES - LOG_LINES_OF_ALL / 20) * LOG_LINES_ANYWAY;
	unsigned n = 0;

	(void)state;
	log_limit_begin(&l, USEC_PER_HOUR);
	for (unsigned k = 0; k < ELEMENTSOF(kinds); k++)
		for (unsigned i = 0; i < 20; i++)
			n += log_limit_take(&l, kinds[k]);
	assert_int_equal(n, wanted);
	assert_int_equal(l.left_out, 20 * ELEMENTSOF(kinds) - wanted);
	assert_false(log_limit_over(&l, USEC_PER_HOUR + USEC_PER_SEC));
	assert_true(log_limit_over(&l, USEC_PER_HOUR - 1));
	log_limit_begin(&l, USEC_PER_HOUR - 1);
	assert_true(log_limit_take(&l, kinds[0]));
}

static void test_level(void **state)
{
	struct capture c;
	char text[512];

	(void)state;
	capture_begin(&c);
	log_set_max_level(LOG_ERR);
	log_info("dropped");
	log_error("an error");
	log_set_max_level(LOG_DEBUG);
	log_debug("detail");
	log_set_max_level(LOG_INFO);
	capture_end(&c, text, sizeof(text));
	assert_string_equal(text, "stagewatchd: an error\nstagewatchd: detail\n");
}

/* One event is one line whatever a name holds. */
static void test_hostile_text(void **state)
{
	struct capture c;
	char text[512];

	(void)state;
	capture_begin(&c);
	log_info("app \"%s\"", "a\nstagewatchd: forged\x1b[2J\xff");
	capture_end(&c, text, sizeof(text));
	assert_string_equal(text, "stagewatchd: app \"a?stagewatchd: forged?[2J?\"\n");
}

static void test_long_text(void **state)
{
	struct capture c;
	char text[8192];

	(void)state;
	capture_begin(&c);
	log_info("%06000d", 7);
	capture_end(&c, text, sizeof(text));
	assert_int_equal(strlen(text), strlen("stagewatchd: ") + 4096 + 1);
}

/* A JOURNAL_STREAM that is not this stderr's, or none at all, leaves it plain. */
static void test_not_the_journal(void **state)
{
	static const char *const streams[] = {
		"", "8", "1:1", "1:1:1", "x:y", "99999999999999999999:99999999999999999999"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(streams); i++) {
		struct capture c;
		char text[512];

		assert_int_equal(setenv("JOURNAL_STREAM", streams[i], 1), 0);
		capture_begin(&c);
		log_open();
		log_info("plain");
		capture_end(&c, text, sizeof(text));
		assert_string_equal(text, "stagewatchd: plain\n");
	}
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static usec_t one_moment(void)
{
	return 1764435600 * USEC_PER_SEC + 42 * USEC_PER_MSEC;
}

/* Each line is one object, whatever the texts of others hold; what is not known is left out. */
static void test_json(void **state)
{
	const struct log_about about = {
		.app_id = "a\"\\\n\xff", .incident = "i-1", .message_id = "0123"};
	struct capture c;
	char text[1024];

	(void)state;
	log_set_json(one_moment);
	capture_begin(&c);
	log_event(LOG_ERR, &about, "app \"%s\"", "b\n\x1b");
	log_info("second");
	log_debug("dropped");
	log_set_json(NULL);
	log_notice("third");
	capture_end(&c, text, sizeof(text));
	assert_string_equal(text, "{\"time\":\"2025-11-29T17:00:00.042Z\",\"level\":\"error\","
				  "\"message\":\"app \\\"b??\\\"\",\"message_id\":\"0123\","
				  "\"app_id\":\"a\\\"\\\\??\",\"incident_id\":\"i-1\"}\n"
				  "{\"time\":\"2025-11-29T17:00:00.042Z\",\"level\":\"info\","
				  "\"message\":\"second\"}\n"
				  "stagewatchd: third\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_line),
		cmocka_unit_test(test_minute),
		cmocka_unit_test(test_all_kinds),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_not_the_journal),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
