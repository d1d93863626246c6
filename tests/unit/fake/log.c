/* SPDX-License-Identifier: Apache-2.0
 * base/log that keeps its lines for the test. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../fake_clock.h"

static char *text;
static size_t length;

void log_set_max_level(int level)
{
	(void)level;
}

void log_set_json(usec_t (*wall)(void))
{
	(void)wall;
}

void log_set_limit(usec_t (*now)(void))
{
	(void)now;
}

void log_tell_left_out(void)
{
}

uint64_t log_n_left_out(void)
{
	return 0;
}

void log_open(void)
{
}

/* As on stderr: no line of debug, and none with a control character. */
void log_event(int level, const struct log_about *about, const char *fmt, ...)
{
	char line[4096];
	size_t n;
	va_list ap;

	(void)about;
	if (level > LOG_INFO)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	(void)strcat(line, "\n");
	n = strlen(line);
	text = realloc(text, length + n + 1);
	if (!text)
		abort();
	memcpy(text + length, line, n + 1);
	length += n;
}

const char *fake_log(void)
{
	return text ? text : "";
}

void fake_log_clear(void)
{
	free(text);
	text = NULL;
	length = 0;
}

unsigned fake_log_count(const char *wanted)
{
	unsigned n = 0;

	for (const char *line = fake_log(), *end; *line; line = end + 1) {
		const char *at = strstr(line, wanted);

		end = strchr(line, '\n');
		n += at && at < end;
	}
	return n;
}
