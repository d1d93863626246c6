/* SPDX-License-Identifier: Apache-2.0
 * Inside of source/kubernetes: why a pod waits whose status does not say it. A volume that cannot
 * be mounted is told by events alone. Few are asked for at a time, and only where a pod waits for
 * longer than a start takes. */
#pragma once

#include "source/source.h"
#include "wire/kube.h"

#define KUBE_EVENTS_AFTER USEC_PER_MINUTE       /* that a pod waits */
#define KUBE_EVENTS_EVERY (2 * USEC_PER_MINUTE) /* for one pod */
#define KUBE_EVENTS_AT_A_TURN 4                 /* pods */

struct kube_events;

/* source and api outlive it. */
int kube_events_new(struct source *source, const char *api, struct kube_events **ret);
/* Cancels what is under way. NULL is allowed; returns NULL. */
struct kube_events *kube_events_free(struct kube_events *e);
void kube_events_cancel(struct kube_events *e);

/* A pod that is there in this turn. -ENOMEM. */
int kube_events_saw(struct kube_events *e, const struct kube_pod *p);

typedef void (*kube_events_done_fn)(void *userdata);

/* Asks for events of pods that were seen in this turn, those first that were not asked for the
 * longest; forgets the others. until: when no further request is begun. Exactly one callback,
 * unless cancelled; it may come from within. */
void kube_events_search(
	struct kube_events *e, usec_t until, kube_events_done_fn done, void *userdata);

/* The last of the pod's events, or why they cannot be read; NULL: there is nothing to say.
 * Borrowed until the next turn. */
const char *kube_events_text(const struct kube_events *e, const char *uid);

DEFINE_CLEANUP(struct kube_events *, kube_events_free)
