/* SPDX-License-Identifier: Apache-2.0
 * Copies and clears what an action is on. */
#include "core/act/action_target.h"

#include <stdlib.h>

#include "base/strbuf.h"

int action_target_copy(const struct action_target *from, struct action_target *to)
{
	int r;

	r = str_replace(&to->incident, from->incident);
	if (r >= 0)
		r = str_replace(&to->rule, from->rule);
	if (r >= 0)
		r = str_replace(&to->cluster, from->cluster);
	if (r >= 0)
		r = str_replace(&to->app_id, from->app_id);
	if (r >= 0)
		r = str_replace(&to->app_name, from->app_name);
	return r;
}

void action_target_clear(struct action_target *t)
{
	free(t->incident);
	free(t->rule);
	free(t->cluster);
	free(t->app_id);
	free(t->app_name);
	*t = (struct action_target){0};
}
