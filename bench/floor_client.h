/* SPDX-License-Identifier: Apache-2.0
 * A client of the floor: fetches URLs on connections that it keeps, and throws away what it gets.
 */
#pragma once

#include <stddef.h>

/* Requests under way at once. */
#define WINDOW 64
#define MAX_PLACES 1024

struct url {
	char *text;
	size_t number; /* from 0 on */
	size_t place;  /* below MAX_PLACES: the hosts whose connections are kept together */
};

struct floor_client {
	const char *name;
	/* urls: borrowed for good. Connects to nobody yet. */
	void (*begin)(const struct url *urls, size_t n);
	/* All of these, which have one place. Returns the bytes of their bodies. */
	size_t (*fetch)(const struct url *urls, size_t n);
};

extern const struct floor_client floor_curl;
extern const struct floor_client floor_sockets;

/* Ends the program. */
_Noreturn void floor_fail(const char *what, const char *why);
