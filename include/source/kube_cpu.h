/* SPDX-License-Identifier: Apache-2.0
 * CPU time of executors' containers from the kubelets of their nodes, through the API server. A
 * summary is of a whole node: each node is asked once for all executors of all apps that somebody
 * wants to know of, and not again before its kubelet has read its counters anew. Only who is named
 * is asked for. */
#pragma once

#include "core/facts/observation.h"
#include "source/kube_places.h"

struct kube_cpu;

/* Of one node and app: for each executor a tree with pid 0, and the sum of its container. */
struct kube_cpu_answer {
	struct kube_app_key app;
	struct asked asked; /* reason NULL: it was answered well */
	struct process_list list;
	usec_t taken; /* when the node answered; the age of each tree is when it was read */
};

/* The receiver may take from the list. */
typedef void (*kube_cpu_done_fn)(void *userdata, struct kube_cpu_answer *answer);

/* places is borrowed. */
int kube_cpu_new(struct transport *transport, struct kube_places *places, kube_cpu_done_fn done,
	void *userdata, struct kube_cpu **ret);
/* Cancels what is under way. NULL is allowed; returns NULL. */
struct kube_cpu *kube_cpu_free(struct kube_cpu *c);

/* Tells of these executors of an app as their nodes answer, or have just answered: then from
 * within. Of one whose pod kube_places does not know, nothing. A node that could not be asked is
 * left alone for half a minute, or as long as it has asked for. -ENOMEM. */
int kube_cpu_want(struct kube_cpu *c, const struct cpu_point *point, const struct kube_app_key *app,
	const struct strlist *executors, usec_t now);
