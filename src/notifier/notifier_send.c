/* SPDX-License-Identifier: Apache-2.0
 * Sends what is due, and writes down what became of it. */
#include "notifier/notifier_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "io/clock.h"
#include "setup/messages.h"
#include "store/notice_store.h"

/* While an alert lasts its end is said to be so far ahead. Who dies meanwhile does not end it: a
 * hang that nobody watches is not over. The next start takes it over, and ends it when it is. */
#define ALERT_KEPT (24 * USEC_PER_HOUR)

/* An attempt under way. */
struct notifier_attempt {
	struct notifier *notifier;
	struct notifier_attempt *next;
	int64_t item;
	struct runtime *runtime; /* a reference */
	struct notify *notify;
	struct notify_call *call;
};

void notifier_arm(struct notifier *n)
{
	usec_t wake = outbox_wake(&n->outbox);

	if (wake == USEC_INFINITY)
		timer_off(n->timer);
	else
		(void)timer_at(n->timer, wake);
}

/* Before anything is sent, and after each change. What cannot be written now is written later. */
void notifier_save(struct notifier *n)
{
	n->unsaved = !ledger_usable(n->context.ledger) ||
		     notice_store_save(n->context.ledger, &n->outbox) < 0;
}

/* A thousand incidents of one round are one transaction. */
void notifier_wake(struct notifier *n)
{
	(void)timer_at(n->timer, notifier_now(n));
}

void notifier_settle(struct notifier *n)
{
	notifier_save(n);
	notifier_arm(n);
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
	log_event(LOG_WARNING, &about, "notify %s: the message %s of incident %s is dropped: %s",
		item->notify, notice_event_name(item->event), item->incident, why);
	outbox_drop(item);
}

/* How an attempt ended: counts, says what is new, and writes down what is to outlive us. */
static void conclude(struct notifier *n, struct outbox_item *item, const struct notify *notify,
	const struct notify_result *result)
{
	struct outbox_attempt a = {
		.delivered = !result->reason, .retry_after = result->retry_after};
	struct notify_stats *s = stats_notify(n->context.stats, item->notify);
	struct health_notify *health = health_notify(n->context.health, item->notify);
	enum outbox_fate fate;
	struct log_about about;

	about_item(item, &about);
	if (result->thread)
		outbox_set_thread(&n->outbox, item, result->thread);
	fate = outbox_attempted(&n->outbox, item, &a, notify_policy(notify), notifier_now(n));
	if (s && fate != OUTBOX_AGAIN)
		s->fates[fate]++;
	if (s && result->reason)
		stats_count_reason(s->errors, notify_reasons, n_notify_reasons, result->reason);
	if (result->reason && (!health || health->complaint != result->reason))
		log_event(LOG_WARNING, &about,
			"notify %s: %s: %s; trying again (retry_first, retry_max)", item->notify,
			result->reason, result->text ? result->text : "no details");
	else if (!result->reason && health && health->complaint)
		log_event(LOG_NOTICE, &about, "notify %s: messages are delivered again",
			item->notify);
	if (health)
		health->complaint = result->reason;
	if (fate == OUTBOX_SENT)
		log_event(LOG_INFO, &about, "notify %s: delivered %s of incident %s%s%s",
			item->notify, notice_event_name(item->event), item->incident,
			result->text ? "; " : "", result->text ? result->text : "");
	if (fate == OUTBOX_FAILED)
		log_event(LOG_ERR, &about,
			"notify %s: %s of incident %s was not delivered within give_up_after; "
			"giving it up",
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
	notifier_wake(n);
}

/* Until when the alert is to stand where nothing more is heard of it. */
static usec_t alert_end(const struct notifier *n, const struct outbox_item *i)
{
	if (i->ended > 0)
		return i->ended;
	if (notice_lasts(i->event))
		return notifier_wall(n) + ALERT_KEPT;
	return notifier_wall(n) +
	       (i->state == OUTBOX_UP ? usec_sub(i->until, notifier_now(n)) : OUTBOX_ALERT_LASTS);
}

static int try(struct notifier *n, struct outbox_item *item, struct notify *notify)
{
	_cleanup_free_ char *delivery = NULL;
	struct notify_message message = {.text = item->text,
		.thread = item->thread,
		.span = {item->created, alert_end(n, item)}};
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
	a->runtime = runtime_ref(notifier_runtime(n));
	a->next = n->attempts;
	n->attempts = a;
	r = notify_send(notify, &message, on_done, a, &a->call);
	if (r < 0)
		attempt_free(a);
	return r;
}

/* The section may have become another receiver: an alert that stands is none there, and an end is
 * no alert. What waits for its first delivery is made one, or none. */
static bool fits_format(struct outbox_item *i, const struct notify *notify)
{
	bool alert = notify_is_alert(notify);

	if (i->alert == alert)
		return true;
	if (i->state == OUTBOX_UP || (alert && notice_is_relief(i->event)))
		return false;
	i->alert = alert;
	i->unsaved = true;
	return true;
}

/* All that is due, as far as it may be under way at once. */
static void send_due(struct notifier *n)
{
	struct outbox_item *item;

	while ((item = outbox_due(&n->outbox, notifier_now(n)))) {
		struct notify *notify = runtime_notify(notifier_runtime(n), item->notify);
		struct notify_result failed = {.reason = "internal"};
		int r;

		if (!notify) {
			notifier_drop(n, item, "it is not in the configuration any more");
			continue;
		}
		if (!fits_format(item, notify)) {
			notifier_drop(n, item, "its section has another format by now");
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

int notifier_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct notifier *n = userdata;

	(void)source;
	(void)usec;
	notifier_save(n);
	send_due(n);
	notifier_settle(n);
	return 0;
}

void notifier_abandon(struct notifier *n)
{
	while (n->attempts)
		attempt_free(n->attempts);
}
