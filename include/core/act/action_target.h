/* SPDX-License-Identifier: Apache-2.0
 * What an action is on, as the limits and the ledger keep it. */
#pragma once

struct action_target {
	char *incident; /* its id */
	char *rule;
	char *cluster;
	char *app_id;
	char *app_name; /* may be NULL */
};

/* The target must be zeroed. -ENOMEM: it may hold a part. */
int action_target_copy(const struct action_target *from, struct action_target *to);
void action_target_clear(struct action_target *t);
