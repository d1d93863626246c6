/* SPDX-License-Identifier: Apache-2.0
 * Frees apps and stages that have ended. */
#include "core/facts/finished.h"

#include <stdlib.h>

void finished_app_clear(struct finished_app *a)
{
	app_info_clear(&a->info);
	free(a->attempt_id);
	*a = (struct finished_app){0};
}

void finished_app_list_clear(struct finished_app_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		finished_app_clear(&l->items[i]);
	free(l->items);
	*l = (struct finished_app_list){0};
}

void finished_stage_list_clear(struct finished_stage_list *l)
{
	free(l->items);
	*l = (struct finished_stage_list){0};
}
