/* SPDX-License-Identifier: Apache-2.0
 * The one place that acts: takes hung stages that a rule wants ended, asks the policy, and carries
 * out what the remedy's state machine says, effect by effect. Observe mode ends here and nowhere
 * else. */
#pragma once

#include <systemd/sd-event.h>

#include "core/incident.h"
#include "core/policy.h"
#include "daemon/poller.h"
#include "daemon/world.h"

struct remediator;

struct remediator_context {
	sd_event *event;
	struct transport *transport;
	struct detector *detector;
	struct incident_list *incidents;
	struct stats *stats;
	usec_t (*now)(void *userdata);
	usec_t (*wall)(void *userdata);
	/* The world in force, and the poller of a cluster (NULL when there is none). */
	struct world *(*world)(void *userdata);
	struct poller *(*poller)(void *userdata, const char *cluster);
	void *userdata;
};

int remediator_new(const struct remediator_context *context, struct remediator **ret);
/* Gives up what is under way; nothing is undone. NULL is allowed; returns NULL. */
struct remediator *remediator_free(struct remediator *m);

DEFINE_CLEANUP(struct remediator *, remediator_free)

/* A stage was judged hung, at this poll. */
void remediator_consider(struct remediator *m, const struct detector_event *event);

/* Another configuration is about to be in force. What has sent nothing yet is given up, and decided
 * anew at the next poll, by the rules and the mode of then; what has sent something goes on as it
 * began. */
void remediator_reconsider(struct remediator *m);

size_t remediator_n_pending(const struct remediator *m);
/* How long the oldest has been under way; 0 without one. */
usec_t remediator_oldest(const struct remediator *m);
