/* SPDX-License-Identifier: Apache-2.0
 * Whether something may be changed outside at this very moment. Whoever sends asks at the last one:
 * between a decision and its request a process may have been stopped for an hour. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct guard {
	bool (*open)(void *userdata);
	void *userdata;
};

/* NULL: always. */
static inline bool guard_open(const struct guard *g)
{
	return !g || g->open(g->userdata);
}
