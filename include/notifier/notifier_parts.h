/* SPDX-License-Identifier: Apache-2.0
 * Inside of notifier/notifier: notifier_tell.c makes messages of what happens, notifier.c sends
 * them and keeps them in the ledger. */
#pragma once

#include "core/notify/followed.h"
#include "notifier/notifier.h"

struct notifier_attempt; /* under way */

struct notifier {
	struct notifier_context context;
	struct outbox outbox;
	struct followed followed; /* incidents */
	struct notifier_attempt *attempts;
	struct notifier_trial *trial; /* the last test of a receiver; NULL: none was asked for */
	sd_event_source *timer;
	usec_t started;      /* since 1970 */
	bool follows;        /* another replica leads, as of the last tick */
	bool loaded;         /* what a daemon before this one left was read */
	bool unsaved;        /* the ledger lacks something that the outbox has */
	bool complained;     /* it was said that the ledger is of no use */
	unsigned generation; /* of the ledger, when all was last written */
	usec_t pruned;
	char storm_id[40];   /* of the storm that is on; "": none is */
	char storm_why[128]; /* so that its end can say it, too */
	usec_t storm_opened; /* since 1970 */
};

static inline usec_t notifier_now(const struct notifier *n)
{
	return clock_now(n->context.clock);
}

static inline usec_t notifier_wall(const struct notifier *n)
{
	return clock_wall(n->context.clock);
}

static inline bool notifier_follows(const struct notifier *n)
{
	return n->context.follows && n->context.follows(n->context.userdata);
}

static inline struct runtime *notifier_runtime(const struct notifier *n)
{
	return n->context.runtime(n->context.userdata);
}

/* notifier_send.c */

/* Writes what is new to the ledger. What cannot be written now is written later. */
void notifier_save(struct notifier *n);
/* Sets the timer to when the next message is due. */
void notifier_arm(struct notifier *n);
/* Both. */
void notifier_settle(struct notifier *n);
/* The same, and sends what is due, once the event at hand is through. */
void notifier_wake(struct notifier *n);
/* Sends what is due; userdata is the notifier. */
int notifier_on_timer(sd_event_source *source, uint64_t usec, void *userdata);
/* Ends a message that is not delivered, and says why. */
void notifier_drop(struct notifier *n, struct outbox_item *item, const char *why);
/* Gives up all attempts under way. */
void notifier_abandon(struct notifier *n);

/* notifier_test.c */

/* No callback comes after this. NULL is allowed; returns NULL. */
struct notifier_trial *notifier_trial_free(struct notifier_trial *t);

/* notifier_tell.c */

/* Tells of what is open, as far as nobody was told of it by this replica. */
void notifier_catch_up(struct notifier *n);
/* Once per tick: ends of incidents, and of alerts on those that are forgotten. */
void notifier_follow(struct notifier *n);
/* Tells the end of apps of before a restart that ran for too long and are not seen again, before
 * they expire. */
void notifier_end_overruns(struct notifier *n);
