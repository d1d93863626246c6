/* SPDX-License-Identifier: Apache-2.0
 * Hints at an owner. */
#include "core/facts/owner_hint.h"

#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"

void owner_hint_clear(struct owner_hint *h)
{
	free(h->dag_label);
	free(h->run_label);
	free(h->task_label);
	free(h->parent_run);
	free(h->parent_namespace);
	free(h->parent_dag);
	*h = (struct owner_hint){.map_index = -1};
}

int owner_hint_copy(const struct owner_hint *from, struct owner_hint *to)
{
	struct owner_hint copy = {.map_index = from->map_index, .try_number = from->try_number};

	if (str_replace(&copy.dag_label, from->dag_label) < 0 ||
		str_replace(&copy.run_label, from->run_label) < 0 ||
		str_replace(&copy.task_label, from->task_label) < 0 ||
		str_replace(&copy.parent_run, from->parent_run) < 0 ||
		str_replace(&copy.parent_namespace, from->parent_namespace) < 0 ||
		str_replace(&copy.parent_dag, from->parent_dag) < 0) {
		owner_hint_clear(&copy);
		return -ENOMEM;
	}
	owner_hint_clear(to);
	*to = copy;
	return 0;
}

static void move_labels(struct owner_hint *from, struct owner_hint *to)
{
	to->dag_label = TAKE_PTR(from->dag_label);
	to->run_label = TAKE_PTR(from->run_label);
	to->task_label = TAKE_PTR(from->task_label);
	to->map_index = from->map_index;
	to->try_number = from->try_number;
}

int owner_hint_add(struct owner_hint *to, const struct owner_hint *from)
{
	struct owner_hint copy = {.map_index = -1};
	int r = owner_hint_copy(from, &copy);

	if (r < 0)
		return r;
	if (owner_hint_labels(&copy) && !owner_hint_labels(to))
		move_labels(&copy, to);
	if (owner_hint_lineage(&copy) && !owner_hint_lineage(to)) {
		to->parent_run = TAKE_PTR(copy.parent_run);
		to->parent_namespace = TAKE_PTR(copy.parent_namespace);
		to->parent_dag = TAKE_PTR(copy.parent_dag);
	}
	owner_hint_clear(&copy);
	return 0;
}

bool owner_hint_labels(const struct owner_hint *h)
{
	return h->dag_label && h->run_label && h->task_label && h->try_number > 0;
}

bool owner_hint_lineage(const struct owner_hint *h)
{
	return h->parent_run && h->parent_namespace;
}
