/* SPDX-License-Identifier: Apache-2.0
 * Which pod each executor of an app is, and on which node it runs. An executor's pod never moves:
 * each is asked for once, by its id, when somebody wants to know. */
#pragma once

#include "source/source.h"
#include "wire/kube_usage.h"

struct kube_places;

/* Whose executors. All borrowed. */
struct kube_app_key {
	const char *cluster;
	const char *app_id;
	usec_t started;
};

/* What came of asking for some; reason NULL: it was answered well. asked is valid during the call.
 */
typedef void (*kube_places_done_fn)(
	void *userdata, const struct kube_app_key *app, const struct asked *asked);

int kube_places_new(struct transport *transport, kube_places_done_fn done, void *userdata,
	struct kube_places **ret);
/* Cancels what is under way. NULL is allowed; returns NULL. */
struct kube_places *kube_places_free(struct kube_places *p);

/* NULL: not known. Borrowed until the next kube_places_ask(), or answer to it. */
const struct kube_executor *kube_places_find(
	struct kube_places *p, const struct kube_app_key *app, const char *executor_id, usec_t now);

/* Begins to ask the API server for executors of an app, by their ids; of one whose pod is not there
 * it asks again after a minute at most. No callback comes from within. -EAGAIN: it is asked for
 * that app, or was a moment ago. -EINVAL: its id, -ENOENT: their ids are none that Spark gives.
 * -ENOMEM. */
int kube_places_ask(struct kube_places *p, const struct cpu_point *point,
	const struct kube_app_key *app, const struct strlist *executors, usec_t now);
