/* SPDX-License-Identifier: Apache-2.0
 * Inside of source/kubernetes: drivers in client mode, whose pods no label of Spark's tells. Their
 * executors are owned by them. Executors are listed now and then, by their metadata alone; the pods
 * that are known to own some are asked for with every list, one by one. */
#pragma once

#include "source/kube_list.h"
#include "source/source.h"
#include "wire/kube.h"

struct kube_clients;

/* source outlives it, and so do the lists, one for each of its URLs; api and selector (as a query
 * has it) are borrowed. */
int kube_clients_new(struct source *source, const char *api, const char *selector,
	struct kube_list *const *lists, struct kube_clients **ret);
/* Cancels what is under way. NULL is allowed; returns NULL. */
struct kube_clients *kube_clients_free(struct kube_clients *c);
void kube_clients_cancel(struct kube_clients *c);

/* fault: what kept the search from being whole; reason NULL: nothing. */
typedef void (*kube_clients_done_fn)(void *userdata, const struct fault *fault);

/* Looks for drivers in client mode that none of the lists has. until: when no further request is
 * begun. Exactly one callback, unless cancelled; it may come from within. */
void kube_clients_search(
	struct kube_clients *c, usec_t until, kube_clients_done_fn done, void *userdata);

/* Those that the last search has found, or cannot say of that they are gone; next: what one that is
 * under way has found so far. */
const struct kube_pod_list *kube_clients_pods(const struct kube_clients *c, bool next);
