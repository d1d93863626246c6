/* SPDX-License-Identifier: Apache-2.0
 * Durations and times as text. */
#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"

static const struct {
	const char *suffix;
	usec_t length;
} units[] = {
	{"d", 24 * USEC_PER_HOUR},
	{"h", USEC_PER_HOUR},
	{"min", USEC_PER_MINUTE},
	{"s", USEC_PER_SEC},
	{"ms", USEC_PER_MSEC},
	{"us", 1},
};

char *format_duration(char *buf, size_t n, usec_t t)
{
	size_t i = 0;
	usec_t rest;

	if (t == 0) {
		(void)snprintf(buf, n, "0s");
		return buf;
	}
	if (t == USEC_INFINITY) {
		(void)snprintf(buf, n, "infinity");
		return buf;
	}
	while (t < units[i].length)
		i++;
	rest = t % units[i].length;
	/* From a second on, nobody wants to read parts of it. */
	if (i + 1 < ELEMENTSOF(units) && units[i + 1].length >= USEC_PER_SEC &&
		rest >= units[i + 1].length)
		(void)snprintf(buf, n, "%" PRIu64 "%s %" PRIu64 "%s", t / units[i].length,
			units[i].suffix, rest / units[i + 1].length, units[i + 1].suffix);
	else
		(void)snprintf(buf, n, "%" PRIu64 "%s", t / units[i].length, units[i].suffix);
	return buf;
}

char *format_timestamp(char *buf, size_t n, usec_t t)
{
	time_t seconds = (time_t)(t / USEC_PER_SEC);
	struct tm tm = {0};

	if (!gmtime_r(&seconds, &tm) || strftime(buf, n, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(buf, n, "?");
	return buf;
}
