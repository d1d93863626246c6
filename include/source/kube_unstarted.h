/* SPDX-License-Identifier: Apache-2.0
 * Inside of source/kubernetes: SparkApplications of which nothing runs, since their operator has
 * yet to start a driver. Where the API server has an operator's group they are listed now and then:
 * an object is large, and what hangs there hangs for long. */
#pragma once

#include "base/param.h"
#include "source/source.h"
#include "wire/kube.h"
#include "wire/kube_waiting.h"

#define KUBE_UNSTARTED_EVERY (2 * USEC_PER_MINUTE)

struct kube_unstarted;

/* source and api outlive it; namespaces, none of them for all, and selector (as a query has it) are
 * copied. */
int kube_unstarted_new(struct source *source, const char *api, const struct strlist *namespaces,
	const char *selector, struct kube_unstarted **ret);
/* Cancels what is under way. NULL is allowed; returns NULL. */
struct kube_unstarted *kube_unstarted_free(struct kube_unstarted *u);
void kube_unstarted_cancel(struct kube_unstarted *u);

/* fault: what kept the last lists from being whole; reason NULL: nothing. what: which of them,
 * below the API server's URL; static. */
typedef void (*kube_unstarted_done_fn)(void *userdata, const struct fault *fault, const char *what);

/* Lists them if it is time. until: when no further request is begun. Exactly one callback, unless
 * cancelled; it may come from within. */
void kube_unstarted_search(
	struct kube_unstarted *u, usec_t until, kube_unstarted_done_fn done, void *userdata);

/* A driver's pod is there: its SparkApplication has started, if it has one. */
void kube_unstarted_saw(struct kube_unstarted *u, const struct kube_pod *p);

/* Number i of those that wait, NULL beyond the last. What could not be listed anew is as it was. */
const struct kube_waiting *kube_unstarted_next(const struct kube_unstarted *u, size_t *at);
/* Whether rows were left out. */
bool kube_unstarted_partial(const struct kube_unstarted *u);

DEFINE_CLEANUP(struct kube_unstarted *, kube_unstarted_free)
