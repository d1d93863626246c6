/* SPDX-License-Identifier: Apache-2.0
 * The one place that acts: takes hung stages that a rule wants ended, asks the policy, and has jobs
 * carry out what the remedy's state machine says. Observe mode ends here and nowhere else. */
#pragma once

#include <systemd/sd-event.h>

#include "core/act/incident.h"
#include "core/act/outlook.h"
#include "core/act/policy.h"
#include "io/clock.h"
#include "remedy/holds.h"
#include "setup/health.h"
#include "setup/runtime.h"
#include "watch/poller.h"

struct job;
struct leader;
struct remediator;
struct store;

struct remediator_context {
	sd_event *event;
	struct transport *transport;
	struct detector *detector;
	struct incident_list *incidents;
	struct health *health;
	struct stats *stats;
	const struct holds *holds;
	struct store *store;
	const struct clock *clock; /* borrowed */
	struct leader *leader;     /* NULL: it is alone */
	/* The runtime in force, and the poller of a cluster (NULL when there is none). */
	struct runtime *(*runtime)(void *userdata);
	struct poller *(*poller)(void *userdata, const char *cluster);
	/* Something that people may want to hear of an incident. */
	void (*told)(void *userdata, const struct incident *i, enum remedy_outcome outcome);
	void *userdata;
};

int remediator_new(const struct remediator_context *context, struct remediator **ret);
/* Gives up what is under way; nothing is undone, and the ledger knows. NULL is allowed; returns
 * NULL. */
struct remediator *remediator_free(struct remediator *m);

DEFINE_CLEANUP(struct remediator *, remediator_free)

/* Once per tick: takes up, once, what a restart interrupted; looks after the storm breaker.
 * anew: the ledger was opened anew, actions and the breaker are saved again. */
void remediator_tick(struct remediator *m, bool anew);

/* Whether it has read what was acted upon before. */
bool remediator_knows_past(const struct remediator *m);

/* A stage was judged hung, at this poll. */
void remediator_consider(struct remediator *m, const struct detector_event *event);

/* An app reached hung: counts for the storm breaker. */
void remediator_count(struct remediator *m, const struct app_history *a, usec_t at);

/* Another configuration is about to be in force. What has sent nothing yet is given up, and decided
 * anew at the next poll, by the rules and the mode of then; what has sent something goes on as it
 * began. */
void remediator_reconsider(struct remediator *m);

/* The daemon is to be stopped, and its lead to be given back: the same, but a note that is on its
 * way is waited for. */
void remediator_leave(struct remediator *m);

/* A person wants an app ended, by the same sequence, with the same fresh looks and within the same
 * limits as if its rule had asked for it: action is kill or retry. name: the app's id, or, where
 * several have that and hang, its open incident's. 0: it has begun. -ENOENT: no stage of such an
 * app is hung; -EBUSY with *reterr: what is in the way, the caller frees it; -ENOMEM. */
int remediator_order(struct remediator *m, const char *name, enum rule_action action,
	const char *who, char **reterr);

/* A person has said that nothing is to be done about an incident (its marks): an action that has
 * sent nothing is given up. -EBUSY: it has sent a request, and goes on. */
int remediator_stop(struct remediator *m, struct incident *i);

size_t remediator_n_pending(const struct remediator *m);
/* The action of an incident that is in progress; NULL: there is none. */
const struct remedy *remediator_remedy(const struct remediator *m, const struct incident *i);
/* What outlook_text() asks of an incident. Borrows, until anything changes. */
void remediator_outlook(const struct remediator *m, const struct incident *i, struct outlook *ret);
/* Age of the oldest action in progress; 0 without one. */
usec_t remediator_oldest(const struct remediator *m);
/* Actions that were begun within the last hour. */
size_t remediator_n_last_hour(const struct remediator *m);
/* The storm breaker, for those who show it. */
const struct breaker *remediator_breaker(const struct remediator *m);
/* By hand; whether it was open. */
bool remediator_close_breaker(struct remediator *m, const char *who);
