/* SPDX-License-Identifier: Apache-2.0
 * Where something stands, or belongs, in a sorted array. bsearch() tells the first alone. */
#pragma once

#include <stddef.h>

/* The first of n sorted items of that size that is not below key; n where all are. compare: as for
 * bsearch(). */
size_t sorted_place(const void *key, const void *items, size_t n, size_t size,
	int (*compare)(const void *key, const void *item));
