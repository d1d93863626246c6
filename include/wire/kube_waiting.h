/* SPDX-License-Identifier: Apache-2.0
 * SparkApplications whose operator has yet to start a driver. Errors and bounds as in
 * wire/spark_rest.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/facts/model.h"
#include "wire/kube_object.h"

struct kube_waiting {
	char *uid;
	char *namespace;
	char *name;
	char *text;   /* "SparkApplication NAMESPACE/NAME: SUBMITTED, why", printable */
	bool started; /* for whoever keeps it: a driver of it was seen */
};

struct kube_waiting_list {
	struct kube_waiting *items;
	size_t n;
	struct left_out left_out;
	char *next; /* what asks for the next page; NULL: this was the last */
};

void kube_waiting_list_clear(struct kube_waiting_list *l);

/* A page of a SparkApplicationList, of which those are taken that wait. A row that cannot be used
 * is left out. */
int kube_decode_waiting(const char *body, size_t len, enum kube_owner_type type,
	struct kube_waiting_list *ret, char **reterr);

/* Moves the rows of a page to the end of to, and takes over what asks for the next. -E2BIG: more
 * than KUBE_MAX_ITEMS. */
int kube_waiting_add_page(struct kube_waiting_list *to, struct kube_waiting_list *page);

/* By namespace and name: for kube_waiting_find(). */
void kube_waiting_sort(struct kube_waiting_list *l);
/* NULL: it is not among them. */
struct kube_waiting *kube_waiting_find(
	const struct kube_waiting_list *l, const char *namespace, const char *name);
