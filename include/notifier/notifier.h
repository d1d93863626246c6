/* SPDX-License-Identifier: Apache-2.0
 * Tells people of incidents and storms: puts messages into the outbox and the ledger, sends what is
 * due, and writes down what became of it. Nothing here waits.
 *
 * Verdicts and outcomes come as events. Each tick also looks for incidents that have ended, and for
 * the storm breaker; a storm that lasts over a restart is the one that was told before. What an
 * earlier daemon told counts as told, until its incident was not found again for longer than any
 * rule's hung_after_unproven. Of several replicas the leader begins to tell of something, and
 * whoever began tells the end; one that no longer follows another tells of what is open. Whatever
 * fails is tried again until give_up_after, since whoever repairs a receiver wants the messages
 * that wait. */
#pragma once

#include <systemd/sd-event.h>

#include "core/act/incident.h"
#include "core/notify/outbox.h"
#include "io/clock.h"
#include "io/ledger.h"
#include "setup/health.h"
#include "setup/runtime.h"
#include "setup/stats.h"

struct notifier;

struct notifier_context {
	sd_event *event;
	struct ledger *ledger; /* NULL, or in trouble: messages are kept in memory alone */
	const struct incident_list *incidents;
	struct health *health;
	struct stats *stats;
	uint64_t seed;                              /* of the jitter between attempts */
	const struct clock *clock;                  /* borrowed */
	struct runtime *(*runtime)(void *userdata); /* in force; not NULL once there are events */
	/* What will be done about an incident, one sentence; the notifier frees it. NULL: nobody
	 * says. -ENOMEM. */
	int (*next)(void *userdata, const struct incident *i, char **ret);
	/* Whether another replica is known to lead: that one tells people of incidents and storms,
	 * and this one goes on only with what it has told of already. NULL: never. */
	bool (*follows)(void *userdata);
	void *userdata;
};

int notifier_new(const struct notifier_context *context, struct notifier **ret);
/* Gives up attempts under way; they are made again by the next daemon. NULL is allowed; returns
 * NULL. */
struct notifier *notifier_free(struct notifier *n);

DEFINE_CLEANUP(struct notifier *, notifier_free)

/* Something happened to an incident (NOTICE_EVENT_MAX: nothing that anybody is told). Its end needs
 * no call: notifier_tick() sees it. */
void notifier_event(struct notifier *n, const struct incident *i, enum notice_event event);

/* To be called after each notifier_tick(): why the storm breaker is open; NULL: it is closed. What
 * changed is told. */
void notifier_storm(struct notifier *n, const char *why);

/* The app runs for longer than max_runtime of its rule: told once, also over restarts, and that it
 * is over once the app has ended. */
void notifier_overran(struct notifier *n, const struct app_history *a, const struct rule *rule);
void notifier_app_ended(struct notifier *n, const struct app_history *a, const struct rule *rule);

/* Of the storm that is on, the same over a restart where people were told of it; "": none is. */
const char *notifier_storm_id(const struct notifier *n);
/* When it began, since 1970. */
usec_t notifier_storm_opened(const struct notifier *n);

/* A person has said that an incident is no hang: whoever was told hears that it is closed, and
 * nobody hears of it any more. */
void notifier_ignore(struct notifier *n, const struct incident *i);

/* Sends one message to one receiver now, once, whatever its filters. -ENOENT: there is no such
 * receiver; -EBUSY: another test is under way; else as notify_send(). */
int notifier_test(struct notifier *n, const char *name, const char *who);
/* How the last test of this receiver went: "sending", "delivered", or why not; NULL: there was
 * none. */
const char *notifier_test_result(const struct notifier *n, const char *notify);

/* Once per tick: ends of incidents, what ends by itself, what could not be written before. The
 * first one reads what a daemon before this one left. */
void notifier_tick(struct notifier *n);

/* Another configuration is in force: messages to receivers that are gone are dropped, attempts
 * under way go on. */
void notifier_reconsider(struct notifier *n);

size_t notifier_n_pending(const struct notifier *n, const char *notify);
/* How long the oldest has been waiting; 0 without one. */
usec_t notifier_oldest(const struct notifier *n);
/* Whether messages outlive a crash at present. */
bool notifier_durable(const struct notifier *n);
