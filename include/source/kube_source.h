/* SPDX-License-Identifier: Apache-2.0
 * Inside of source/kubernetes: what its parts share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/param.h"
#include "source/kube_clients.h"
#include "source/kube_events.h"
#include "source/kube_list.h"
#include "source/kube_unstarted.h"
#include "source/source.h"

/* In the order of their words (types.c). */
enum cpu_via {
	CPU_VIA_NONE,
	CPU_VIA_KUBELET,
	CPU_VIA_PROBE
};

enum ui_via {
	UI_VIA_POD_IP,
	UI_VIA_SERVICE,
	UI_VIA_PROXY
};

/* Its urls are those of the lists, one for each namespace. */
struct source_kubernetes {
	struct source source;
	char *api; /* the API server's base */
	struct strlist namespaces;
	char *selector;                   /* as a query has it */
	char *executors;                  /* likewise; NULL: they are not looked at */
	struct kube_clients *clients;     /* drivers that they tell; NULL: none are looked for */
	struct kube_unstarted *unstarted; /* SparkApplications; NULL: none are looked for */
	struct kube_events *events;       /* of pods that wait */
	enum ui_via ui_via;
	enum cpu_via cpu_via;
	uint16_t ui_port;  /* where a pod does not tell its own */
	usec_t not_before; /* the API server has asked to be left alone; 0: it has not */
	struct kube_list **lists;
	size_t n_lists;
	size_t next;      /* of them to be asked */
	size_t n_running; /* of them that are asked */
	bool beginning;   /* some are about to be asked: one that ends at once is not the last */
	usec_t began;     /* the turn at hand */
	source_listed_fn fn;
	void *userdata;
};

/* Takes what the section says: where the API server is, and the lists of pods, of executors and of
 * SparkApplications. For source_ops.check. */
int kube_setup(struct source_kubernetes *k, const struct source_params *params, char **reterr);

/* What was listed, as targets: drivers, and SparkApplications of which none was seen. -ENOMEM. */
int kube_targets_make(struct source_kubernetes *k, struct target **ret, size_t *ret_n);
/* NULL is allowed; returns NULL. */
struct target *kube_targets_free(struct target *items, size_t n);
/* Whether rows were left out. */
bool kube_targets_partial(const struct source_kubernetes *k);

/* The pods of number i, beyond the lists those in client mode. NULL: there are no more. */
const struct kube_pod_list *kube_pods_of(const struct source_kubernetes *k, size_t i);

/* By the last lists. NULL: it is not among them. Borrowed until the next list. */
const struct kube_pod *kube_targets_find(
	const struct source_kubernetes *k, const struct app_ref *ref);
