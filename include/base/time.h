/* SPDX-License-Identifier: Apache-2.0
 * Time as the whole tree counts it: microseconds in 64 bits. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_PER_SEC ((usec_t)1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)
#define USEC_INFINITY UINT64_MAX

/* a - b, and 0 where b is later. */
static inline usec_t usec_sub(usec_t a, usec_t b)
{
	return a > b ? a - b : 0;
}

static inline usec_t usec_max(usec_t a, usec_t b)
{
	return a > b ? a : b;
}

static inline usec_t usec_clamp(usec_t t, usec_t low, usec_t high)
{
	return t < low ? low : t > high ? high : t;
}

/* Writes a duration as people say it, such as "1h 4min", "10min 30s" or "250ms": at most two units
 * (parts of a second only below one), rounded down. Returns buf. n of 32 always suffices. */
char *format_duration(char *buf, size_t n, usec_t t);

/* Writes a wall-clock time (microseconds since 1970, UTC) as 2026-11-23T01:19:07Z. Returns buf. */
char *format_timestamp(char *buf, size_t n, usec_t t);
