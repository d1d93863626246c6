/* SPDX-License-Identifier: Apache-2.0
 * How many lines of the log there are at most in a minute: of each place that says something, and
 * of all. What is beyond is counted, and the count is said. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

#define LOG_LINES_OF_A_SITE 100
#define LOG_LINES_OF_ALL 1000
/* Of a place, however much others say. */
#define LOG_LINES_ANYWAY 10
/* Sites that are counted apart; further ones have the last count together. */
#define LOG_SITES 64

struct log_site {
	const char *fmt; /* its format string; borrowed for ever */
	unsigned n;
	unsigned left_out;
};

struct log_limit {
	usec_t since; /* the minute's begin; 0: none has begun */
	unsigned n;
	struct log_site sites[LOG_SITES];
	unsigned n_sites;
	uint64_t left_out; /* since the start */
};

/* Whether the minute is over: then what it left out is to be told, and log_limit_begin() called. */
bool log_limit_over(const struct log_limit *l, usec_t now);
void log_limit_begin(struct log_limit *l, usec_t now);

/* Counts a line of this site. false: it is to be left out, and counted as such. */
bool log_limit_take(struct log_limit *l, const char *fmt);
