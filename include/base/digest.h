/* SPDX-License-Identifier: Apache-2.0
 * Tells bytes from other bytes without keeping them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of different bytes it is the same once in 2^128. Who makes the bytes can make it so on purpose:
 * it is no proof against them. All zero: of nothing. */
struct digest {
	uint64_t low;
	uint64_t high;
};

struct digest digest_of(const void *bytes, size_t n);

/* false where either is of nothing. */
bool digest_same(const struct digest *a, const struct digest *b);
