/* SPDX-License-Identifier: Apache-2.0
 * The Kubernetes API: which pods own executors. Errors and bounds as in wire/spark_rest.h. */
#pragma once

#include <stddef.h>

#include "wire/kube_object.h"

/* A pod that owns executors: their driver, also in client mode, where nothing else says so. */
struct kube_parent {
	char *namespace;
	char *name;
	char *uid;
	char *app_id; /* of its executors; NULL: they have none, or different ones */
};

struct kube_parent_list {
	struct kube_parent *items;
	size_t n;
	struct left_out left_out;
	char *next; /* as above */
};

void kube_parent_list_clear(struct kube_parent_list *l);

/* A page of the metadata of executors (PartialObjectMetadataList, or a PodList): the pods that own
 * them, each once. Those that nobody owns are passed over. */
int kube_decode_parents(const char *body, size_t len, struct kube_parent_list *ret, char **reterr);
