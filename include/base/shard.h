/* SPDX-License-Identifier: Apache-2.0
 * Which of several daemons watches an app: each has a part of all ids, by their hash. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SHARD_MAX 1000

/* Part k of n, from 1. All zero: everything. */
struct shard {
	uint64_t k;
	uint64_t n;
};

/* "K/N", with 1 <= K <= N <= SHARD_MAX. -EINVAL, -ENOMEM. */
int shard_parse(const char *text, struct shard *ret);

/* Each id is of exactly one of n shards, the same in each version of the program: while daemons
 * are replaced one by one, no app is watched by two or by none. */
bool shard_has(const struct shard *s, const char *id);
