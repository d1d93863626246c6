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
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_not_the_journal),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
