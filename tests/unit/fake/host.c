/* SPDX-License-Identifier: Apache-2.0
 * io/proctree of a host that the test makes up. */
#include "../fake_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct proctree *executors;
static size_t n_executors;

void fake_host_use(const struct proctree *items, size_t n)
{
	executors = items;
	n_executors = n;
}

int proctree_executors(struct proctree_list *ret)
{
	*ret = (struct proctree_list){.items = calloc(n_executors + 1, sizeof(*ret->items))};
	if (!ret->items)
		return -ENOMEM;
	for (; ret->n < n_executors; ret->n++) {
		struct proctree *t = &ret->items[ret->n];

		*t = executors[ret->n];
		t->app_id = strdup(t->app_id);
		t->executor_id = strdup(t->executor_id);
		t->items = NULL;
		t->threads = NULL;
		t->n = t->n_threads = 0;
	}
	return 0;
}

int proctree_of(pid_t pid, const char *app_id, const char *executor_id, struct proctree_list *ret)
{
	(void)pid;
	(void)app_id;
	(void)executor_id;
	(void)ret;
	return -ESRCH;
}

int proctree_jvm(pid_t pid, const char *app_id, const char *executor_id, struct proctree_list *ret)
{
	return proctree_of(pid, app_id, executor_id, ret);
}

void proctree_list_clear(struct proctree_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i].app_id);
		free(l->items[i].executor_id);
	}
	free(l->items);
	*l = (struct proctree_list){0};
}
