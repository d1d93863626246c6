/* SPDX-License-Identifier: Apache-2.0
 * Sends messages, and keeps what was told in the ledger. */
#include "notifier/notifier_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "io/clock.h"
#include "setup/messages.h"
#include "store/notice_store.h"

/* What was told is kept in the ledger for so long after. */
#define KEEP ((usec_t)30 * 24 * USEC_PER_HOUR)
#define PRUNE_PERIOD USEC_PER_HOUR
/* While an alert lasts its end is said to be so many times of resend ahead: one that is lost or
 * late does not end it. */
#define ALERT_AHEAD 4
/* After a restart an incident has so long beyond the longest limit of any rule to be found again.
 */
#define ORPHAN_MARGIN (10 * USEC_PER_MINUTE)

/* An attempt under way. */
struct notifier_attempt {
	struct notifier *notifier;
	struct notifier_attempt *next;
	int64_t item;
	struct runtime *runtime; /* a reference */
	struct notify *notify;
	struct notify_call *call;
};

static struct runtime *runtime(const struct notifier *n)
{
	return n->context.runtime(n->context.userdata);
}

static void arm(struct notifier *n)
{
	usec_t wake = outbox_wake(&n->outbox);

	if (wake == USEC_INFINITY)
		timer_off(n->timer);
	else
		(void)timer_at(n->timer, wake);
}

bool notifier_durable(const struct notifier *n)
{
	return ledger_usable(n->context.ledger) && !n->unsaved;
}

/* Before anything is sent, and after each change. What cannot be written now is written later. */
static void save(struct notifier *n)
{
	n->unsaved = !ledger_usable(n->context.ledger) ||
		     notice_store_save(n->context.ledger, &n->outbox) < 0;
}

void notifier_settle(struct notifier *n)
{
	save(n);
	arm(n);
}

static void about_item(const struct outbox_item *item, struct log_about *about)
{
	*about = (struct log_about){.message_id = MESSAGE_NOTICE, .incident = item->incident};
}

static void count(struct notifier *n, const char *notify, enum outbox_fate fate)
{
	struct notify_stats *s = stats_notify(n->context.stats, notify);

	if (s)
		s->fates[fate]++;
}

void notifier_drop(struct notifier *n, struct outbox_item *item, const char *why)
{
	struct log_about about;

	about_item(item, &about);
	if (item->state == OUTBOX_WAITING || item->ended > 0)
		count(n, item->notify, OUTBOX_DROPPED);
	log_event(LOG_WARNING, &about, "notify %s: %s of incident %s is dropped: %s", item->notify,
		notice_event_name(item->event), item->incident, why);
	outbox_drop(item);
}

/* How an attempt ended: counts, says what is new, and writes down what is to outlive us. */
static void conclude(struct notifier *n, struct outbox_item *item, const struct notify *notify,
	const struct notify_result *result)
{
	struct outbox_attempt a = {
		.delivered = !result->reason, .retry_after = result->retry_after};
	struct notify_stats *s = stats_notify(n->context.stats, item->notify);
	enum outbox_fate fate;
	struct log_about about;

	about_item(item, &about);
	fate = outbox_attempted(
		&n->outbox, item, &a, notify_policy(notify), clock_now(n->context.clock));
	if (s && fate != OUTBOX_AGAIN)
		s->fates[fate]++;
	if (s && result->reason)
		stats_count_reason(s->errors, notify_reasons, n_notify_reasons, result->reason);
	if (result->reason && (!s || s->complaint != result->reason))
		log_event(LOG_WARNING, &about, "notify %s: %s: %s, later again", item->notify,
			result->reason, result->text ? result->text : "no more is known");
	else if (!result->reason && s && s->complaint)
		log_event(LOG_NOTICE, &about, "notify %s: messages are taken again", item->notify);
	if (s)
		s->complaint = result->reason;
	if (fate == OUTBOX_SENT)
		log_event(LOG_INFO, &about, "notify %s: told of %s, incident %s%s%s", item->notify,
			notice_event_name(item->event), item->incident, result->text ? "; " : "",
			result->text ? result->text : "");
	if (fate == OUTBOX_FAILED)
		log_event(LOG_ERR, &about,
			"notify %s: %s of incident %s was not delivered in time, giving it up",
			item->notify, notice_event_name(item->event), item->incident);
}

static void attempt_free(struct notifier_attempt *a)
{
	for (struct notifier_attempt **k = &a->notifier->attempts; *k; k = &(*k)->next)
		if (*k == a) {
			*k = a->next;
			break;
		}
	notify_cancel(a->call);
	runtime_unref(a->runtime);
	free(a);
}

static void on_done(void *userdata, const struct notify_result *result)
{
	struct notifier_attempt *a = userdata;
	struct notifier *n = a->notifier;
	struct outbox_item *item = outbox_find(&n->outbox, a->item);

	a->call = NULL;
	if (item)
		conclude(n, item, a->notify, result);
	attempt_free(a);
	notifier_settle(n);
}

/* Until when the alert is to stand where nothing more is heard of it. */
static usec_t alert_end(const struct notifier *n, const struct outbox_item *i, usec_t resend)
{
	if (i->ended > 0)
		return i->ended;
	if (notice_lasts(i->event))
		return clock_wall(n->context.clock) + ALERT_AHEAD * resend;
	return clock_wall(n->context.clock) +
	       (i->state == OUTBOX_UP ? usec_sub(i->until, clock_now(n->context.clock))
				      : OUTBOX_ALERT_LASTS);
}

static int try(struct notifier *n, struct outbox_item *item, struct notify *notify)
{
	_cleanup_free_ char *delivery = NULL;
	struct notify_message message = {.text = item->text,
		.span = {item->created, alert_end(n, item, notify_policy(notify)->resend)}};
	struct notifier_attempt *a;
	int r;

	r = str_printf(&delivery, "%s-%s", item->incident, notice_event_name(item->event));
	if (r < 0)
		return r;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	message.delivery = delivery;
	a->notifier = n;
	a->item = item->id;
	a->notify = notify;
	a->runtime = runtime_ref(runtime(n));
	a->next = n->attempts;
	n->attempts = a;
	r = notify_send(notify, &message, on_done, a, &a->call);
	if (r < 0)
		attempt_free(a);
	return r;
}

/* All that is due, as far as it may be under way at once. */
static void send_due(struct notifier *n)
{
	struct outbox_item *item;

	while ((item = outbox_due(&n->outbox, clock_now(n->context.clock)))) {
		struct notify *notify = runtime_notify(runtime(n), item->notify);
		struct notify_result failed = {.reason = "internal"};
		int r;

		if (!notify) {
			notifier_drop(n, item, "it is not in the configuration any more");
			continue;
		}
		outbox_sending(item);
		r = try(n, item, notify);
		if (r < 0) {
			failed.text = strerror(-r);
			conclude(n, item, notify, &failed);
		}
	}
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct notifier *n = userdata;

	(void)source;
	(void)usec;
	send_due(n);
	notifier_settle(n);
	return 0;
}

/* The longest that a hang may take to be found again. */
static usec_t orphan_until(const struct notifier *n)
{
	const struct settings *s = runtime(n)->settings;
	usec_t longest = s->fallback.hung_after_unproven;

	for (size_t k = 0; k < s->rules.n; k++)
		if (s->rules.items[k].hung_after_unproven > longest)
			longest = s->rules.items[k].hung_after_unproven;
	return clock_now(n->context.clock) + longest + ORPHAN_MARGIN;
}

/* What a daemon before this one left, as soon as the ledger can be read. */
static void load(struct notifier *n)
{
	struct notice_store_restoring restoring = {
		.outbox = &n->outbox,
		.now = clock_now(n->context.clock),
		.wall = clock_wall(n->context.clock),
		.orphan_until = orphan_until(n),
	};
	int r;

	if (n->loaded || !ledger_usable(n->context.ledger))
		return;
	n->loaded = true;
	n->generation = ledger_generation(n->context.ledger);
	r = notice_store_load(n->context.ledger, &restoring);
	if (r < 0)
		log_error("Failed to read the messages that are left: %s, ignoring", strerror(-r));
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
	save(n);
	if (n->unsaved && !n->complained && n->outbox.n > 0) {
		log_warning("Messages are kept in memory alone, and sent as ever: %s",
			trouble ? trouble : "the ledger does not take them");
		n->complained = true;
	} else if (!n->unsaved && n->complained) {
		log_notice("Messages are kept in the ledger again");
		n->complained = false;
	}
	if (!n->unsaved && clock_now(n->context.clock) - n->pruned >= PRUNE_PERIOD) {
		n->pruned = clock_now(n->context.clock);
		(void)notice_store_prune(
			n->context.ledger, usec_sub(clock_wall(n->context.clock), KEEP));
	}
}

void notifier_tick(struct notifier *n)
{
	load(n);
	notifier_follow(n);
	outbox_expire(&n->outbox, clock_now(n->context.clock), clock_wall(n->context.clock));
	look_after_ledger(n);
	outbox_sweep(&n->outbox);
	arm(n);
}

void notifier_reconsider(struct notifier *n)
{
	for (size_t k = 0; k < n->outbox.n; k++) {
		struct outbox_item *i = n->outbox.items[k];

		/* One that is being sent is looked at once more when it comes due again. */
		if (i->state != OUTBOX_DONE && !i->sending &&
			!runtime_notify(runtime(n), i->notify))
			notifier_drop(n, i, "it is not in the configuration any more");
	}
	notifier_settle(n);
}

size_t notifier_n_pending(const struct notifier *n, const char *notify)
{
	return outbox_n_pending(&n->outbox, notify);
}

usec_t notifier_oldest(const struct notifier *n)
{
	return outbox_oldest(&n->outbox, clock_now(n->context.clock));
}

int notifier_new(const struct notifier_context *context, struct notifier **ret)
{
	_cleanup_(notifier_freep) struct notifier *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return -ENOMEM;
	n->context = *context;
	n->outbox.chance = context->seed;
	n->started = clock_wall(n->context.clock);
	/* Above all ids of before, also where the ledger cannot be read yet. */
	n->outbox.next_id = (int64_t)n->started;
	r = timer_new(context->event, on_timer, n, &n->timer);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(n);
	return 0;
}

struct notifier *notifier_free(struct notifier *n)
{
	if (!n)
		return NULL;
	while (n->attempts)
		attempt_free(n->attempts);
	(void)sd_event_source_disable_unref(n->timer);
	outbox_clear(&n->outbox);
	free(n);
	return NULL;
}
