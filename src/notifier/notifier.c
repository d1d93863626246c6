/* SPDX-License-Identifier: Apache-2.0
 * The notifier's life: what a daemon before this one left, each tick, reloads, and the end. */
#include "notifier/notifier_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "io/clock.h"
#include "store/notice_store.h"

/* What was told is kept in the ledger for so long after. */
#define KEEP ((usec_t)30 * 24 * USEC_PER_HOUR)
#define PRUNE_PERIOD USEC_PER_HOUR
/* After a restart an incident has so long beyond the longest limit of any rule to be found again.
 */
#define ORPHAN_MARGIN (10 * USEC_PER_MINUTE)

bool notifier_durable(const struct notifier *n)
{
	return ledger_usable(n->context.ledger) && !n->unsaved;
}

/* The longest that a hang may take to be found again. */
static usec_t orphan_until(const struct notifier *n)
{
	const struct settings *s = notifier_runtime(n)->settings;
	usec_t longest = s->fallback.hung_after_unproven;

	for (size_t k = 0; k < s->rules.n; k++)
		if (s->rules.items[k].hung_after_unproven > longest)
			longest = s->rules.items[k].hung_after_unproven;
	return notifier_now(n) + longest + ORPHAN_MARGIN;
}

/* What a daemon before this one left, as soon as the ledger can be read. */
static void load(struct notifier *n)
{
	struct notice_store_restoring restoring = {
		.outbox = &n->outbox,
		.now = notifier_now(n),
		.wall = notifier_wall(n),
		.orphan_until = orphan_until(n),
	};
	int r;

	if (n->loaded || !ledger_usable(n->context.ledger))
		return;
	n->loaded = true;
	n->generation = ledger_generation(n->context.ledger);
	r = notice_store_load(n->context.ledger, &restoring);
	if (r < 0)
		log_error("Failed to read undelivered messages from the ledger: %s; they are not "
			  "sent",
			strerror(-r));
}

static void look_after_ledger(struct notifier *n)
{
	unsigned generation = n->context.ledger ? ledger_generation(n->context.ledger) : 0;
	const char *trouble = n->context.ledger ? ledger_trouble(n->context.ledger) : NULL;

	/* Opened anew: what was written before may be lost. */
	if (n->loaded && generation != n->generation)
		for (size_t k = 0; k < n->outbox.n; k++)
			n->outbox.items[k]->unsaved = true;
	n->generation = generation;
	notifier_save(n);
	if (n->unsaved && !n->complained && n->outbox.n > 0) {
		log_warning("Messages are sent, but kept in memory only, and lost in a restart: %s",
			trouble ? trouble : "the ledger cannot be written");
		n->complained = true;
	} else if (!n->unsaved && n->complained) {
		log_notice("Messages are kept in the ledger again");
		n->complained = false;
	}
	if (!n->unsaved && notifier_now(n) - n->pruned >= PRUNE_PERIOD) {
		n->pruned = notifier_now(n);
		(void)notice_store_prune(n->context.ledger, usec_sub(notifier_wall(n), KEEP));
	}
}

void notifier_tick(struct notifier *n)
{
	bool follows = notifier_follows(n);

	load(n);
	notifier_follow(n);
	if (n->follows && !follows)
		notifier_catch_up(n);
	n->follows = follows;
	notifier_end_overruns(n);
	outbox_expire(&n->outbox, notifier_now(n), notifier_wall(n));
	look_after_ledger(n);
	outbox_sweep(&n->outbox);
	notifier_arm(n);
}

void notifier_reconsider(struct notifier *n)
{
	for (size_t k = 0; k < n->outbox.n; k++) {
		struct outbox_item *i = n->outbox.items[k];

		/* One that is being sent is looked at once more when it comes due again. */
		if (i->state != OUTBOX_DONE && !i->sending &&
			!runtime_notify(notifier_runtime(n), i->notify))
			notifier_drop(n, i, "the section is no longer configured");
	}
	notifier_settle(n);
}

size_t notifier_n_pending(const struct notifier *n, const char *notify)
{
	return outbox_n_pending(&n->outbox, notify);
}

usec_t notifier_oldest(const struct notifier *n)
{
	return outbox_oldest(&n->outbox, notifier_now(n));
}

int notifier_new(const struct notifier_context *context, struct notifier **ret)
{
	_cleanup_(notifier_freep) struct notifier *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return -ENOMEM;
	n->context = *context;
	n->outbox.chance = context->seed;
	n->started = notifier_wall(n);
	/* Above all ids of before, also where the ledger cannot be read yet. */
	n->outbox.next_id = (int64_t)n->started;
	r = timer_new(context->event, notifier_on_timer, n, &n->timer);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(n);
	return 0;
}

struct notifier *notifier_free(struct notifier *n)
{
	if (!n)
		return NULL;
	notifier_abandon(n);
	notifier_trial_free(n->trial);
	(void)sd_event_source_disable_unref(n->timer);
	followed_clear(&n->followed);
	outbox_clear(&n->outbox);
	free(n);
	return NULL;
}
