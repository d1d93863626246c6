/* SPDX-License-Identifier: Apache-2.0
 * Text to values: numbers, durations, timestamps, host lists. Locale-free, whole-string parsers:
 * trailing rubbish is -EINVAL, a value out of range -ERANGE, and the target untouched on failure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

int parse_u64(const char *s, uint64_t *ret);
int parse_bool(const char *s, bool *ret);

/* A duration as systemd.time(7) writes it: numbers with units, added up: "90s", "10min", "1h
 * 30min", "1.5h". Units: us ms s sec m min h hr d w and their long forms. Only 0 needs none.
 */
int parse_duration(const char *s, usec_t *ret);

/* The time format of Spark's REST API, "2026-11-23T01:19:07.473GMT", and ISO 8601 as Airflow writes
 * it, "2026-11-23T01:19:07.473291+00:00" or with Z. *ret is in microseconds since 1970, UTC. Times
 * before 1970 (Spark's "no end yet" is 1969-12-31T23:59:59.999GMT) give -ERANGE. */
int parse_timestamp(const char *s, usec_t *ret);

/* The Date header of HTTP, "Mon, 23 Nov 2026 03:17:05 GMT". Microseconds since 1970, UTC. */
int parse_http_date(const char *s, usec_t *ret);

/* Byte sizes: "512", "64K", "8M", "1G" (powers of 1024). */
int parse_size(const char *s, uint64_t *ret);

/* The value of a hexadecimal digit; -1: it is none. */
int parse_hex_digit(char c);
