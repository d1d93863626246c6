/* SPDX-License-Identifier: Apache-2.0
 * Which incidents people have been told of, by their numbers: what is news, and what is not. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct followed_incident {
	uint64_t number;
	bool end_told; /* its end needs no more words */
};

/* By rising numbers. */
struct followed {
	struct followed_incident *items;
	size_t n;
};

/* The row of an incident, made where there is none; *ret_new says so. Holds until the next call.
 * NULL: no memory. */
struct followed_incident *followed_get(struct followed *f, uint64_t number, bool *ret_new);

/* Forgets those with lower numbers: their incidents are not kept any more. */
void followed_forget_below(struct followed *f, uint64_t number);

void followed_clear(struct followed *f);
