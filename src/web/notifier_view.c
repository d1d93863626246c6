/* SPDX-License-Identifier: Apache-2.0
 * Counters of messages, and what waits, as rows. */
#include "web/notifier_view.h"

#define LABELS METRIC_LABELS

void notifier_view_metrics(const struct notifier *n, const struct health *h, const struct stats *s,
	struct metrics_writer *w)
{
	static const enum outbox_fate fates[] = {OUTBOX_SENT, OUTBOX_FAILED, OUTBOX_DROPPED};

	for (size_t i = 0; i < s->n_notifies; i++) {
		const struct notify_stats *row = &s->notifies[i];

		for (size_t k = 0; k < ELEMENTSOF(fates); k++)
			metrics_add(w, METRIC_NOTIFICATIONS,
				LABELS(row->name, outbox_fate_name(fates[k])),
				(double)row->fates[fates[k]]);
		for (size_t k = 0; k < n_notify_reasons; k++)
			metrics_add(w, METRIC_NOTIFICATION_ERRORS,
				LABELS(row->name, notify_reasons[k]), (double)row->errors[k]);
	}
	for (size_t i = 0; i < h->n_notifies; i++)
		if (h->notifies[i].present)
			metrics_add(w, METRIC_NOTIFICATIONS_PENDING, LABELS(h->notifies[i].name),
				(double)notifier_n_pending(n, h->notifies[i].name));
	metrics_add(w, METRIC_OLDEST_PENDING_NOTIFICATION_SECONDS, NULL,
		(double)notifier_oldest(n) / USEC_PER_SEC);
}

size_t notifier_view_list(
	const struct notifier *n, struct health *h, struct stats *s, struct status_notify *ret)
{
	size_t k = 0;

	for (size_t i = 0; i < h->n_notifies; i++) {
		const struct health_notify *health = &h->notifies[i];
		const struct notify_stats *row =
			health->present ? stats_notify(s, health->name) : NULL;

		if (row)
			ret[k++] = (struct status_notify){
				.name = row->name,
				.n_pending = notifier_n_pending(n, row->name),
				.n_sent = row->fates[OUTBOX_SENT],
				.n_failed = row->fates[OUTBOX_FAILED],
				.n_dropped = row->fates[OUTBOX_DROPPED],
				.complaint = health->complaint,
				.test = notifier_test_result(n, row->name),
			};
	}
	return k;
}
