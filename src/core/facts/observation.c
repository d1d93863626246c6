/* SPDX-License-Identifier: Apache-2.0
 * Destructors of what evidence looks like. */
#include "core/facts/observation.h"

#include <stdlib.h>

void task_list_clear(struct task_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].executor_id);
	free(l->items);
	*l = (struct task_list){0};
}

void thread_obs_clear(struct thread_obs *t)
{
	for (size_t k = 0; k < t->n_frames; k++)
		free(t->frames[k]);
	free(t->frames);
	free(t->name);
	free(t->state);
	free(t->lock);
	*t = (struct thread_obs){0};
}

void thread_list_clear(struct thread_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		thread_obs_clear(&l->items[i]);
	free(l->items);
	*l = (struct thread_list){0};
}

void executor_list_clear(struct executor_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i].id);
		free(l->items[i].host);
		free(l->items[i].log_url);
	}
	free(l->items);
	*l = (struct executor_list){0};
}

void process_tree_clear(struct process_tree *t)
{
	free(t->app_id);
	free(t->executor_id);
	free(t->pod);
	strlist_clear(&t->places);
	free(t->items);
	free(t->threads);
	*t = (struct process_tree){0};
}

void process_list_clear(struct process_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		process_tree_clear(&l->items[i]);
	free(l->items);
	*l = (struct process_list){0};
}

void query_obs_clear(struct query_obs *q)
{
	free(q->name);
	*q = (struct query_obs){0};
}
