/* SPDX-License-Identifier: Apache-2.0
 * The notifier's state, for /metrics and for /api/v1/status. */
#pragma once

#include "notifier/notifier.h"
#include "web/metrics.h"
#include "wire/status.h"

void notifier_view_metrics(const struct notifier *n, const struct health *h, const struct stats *s,
	struct metrics_writer *w);
/* One row for each [notify NAME] of the configuration; ret has room for h->n_notifies. Texts are
 * borrowed. */
size_t notifier_view_list(
	const struct notifier *n, struct health *h, struct stats *s, struct status_notify *ret);
