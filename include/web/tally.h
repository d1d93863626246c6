/* SPDX-License-Identifier: Apache-2.0
 * Apps and stages of each cluster by verdict, counted in one look at all. */
#pragma once

#include "core/detect/detector.h"

struct tally_row {
	const char *cluster; /* borrowed of an app */
	size_t n_apps;
	size_t n_overran; /* of these, max_runtime of their rule */
	size_t n_ignored; /* of these; they have no verdict, nor have their stages */
	size_t apps[VERDICT_MAX];
	size_t stages[VERDICT_MAX];
};

struct tally {
	struct tally_row *rows; /* sorted by cluster */
	size_t n;
};

/* Holds as long as the apps are there. -ENOMEM. */
int tally_of(const struct detector *d, struct tally *ret);
void tally_clear(struct tally *t);

/* All zero where the cluster has no app. */
struct tally_row tally_cluster(const struct tally *t, const char *cluster);
