/* SPDX-License-Identifier: Apache-2.0
 * Asks what the detector wants to know beyond the counters, and feeds it the answers. What it asks
 * never delays a poll: dumps have their own time limit, and their number at once is bounded over
 * all apps. */
#pragma once

#include "core/detect/detector.h"
#include "core/detect/evidence_wants.h"
#include "io/clock.h"
#include "io/transport.h"
#include "setup/health.h"
#include "setup/stats.h"
#include "source/source.h"
#include "watch/python_stacks.h"

struct evidence_collector;

/* How the stagewatchd of another host is asked. */
struct evidence_probe {
	uint16_t port; /* 0: it is not */
	bool tls;
	struct endpoint endpoint; /* whom to trust, and by which certificate it trusts us */
};

struct evidence_collector_context {
	struct transport *transport;
	struct detector *detector;
	struct health *health;
	struct stats *stats; /* counts what could not be had */
	const struct evidence_params
		*params;             /* borrowed; evidence_collector_configure() replaces it */
	struct evidence_probe probe; /* likewise borrowed, and replaced */
	bool recorded;               /* the transport is a recording */
	const struct clock *clock;   /* borrowed */
	struct python_stacks *python_stacks; /* borrowed; NULL: nobody looks at Python */
	/* CPU seconds of an app's executors were taken in, from host (NULL: this one). May be NULL.
	 */
	void (*processes)(void *userdata, const struct app_history *a, const char *host,
		const struct process_list *list, usec_t taken);
	void *userdata;
};

/* What was asked and answered since the start, for metrics. */
struct evidence_counts {
	uint64_t asked[WANT_MAX];
	uint64_t failed[WANT_MAX];
};

/* Borrows what context holds for its life. */
int evidence_collector_new(
	const struct evidence_collector_context *context, struct evidence_collector **ret);
/* Cancels what is under way. NULL is allowed; returns NULL. */
struct evidence_collector *evidence_collector_free(struct evidence_collector *q);

DEFINE_CLEANUP(struct evidence_collector *, evidence_collector_free)

void evidence_collector_configure(struct evidence_collector *q,
	const struct evidence_params *params, const struct evidence_probe *probe);

/* After each good poll of an app: begins to ask its driver, and hosts, what is due. driver is
 * copied. source: its own, for who else tells CPU seconds; NULL: nobody. -ENOMEM: some of it. */
int evidence_collector_look(struct evidence_collector *q, struct app_history *a,
	const struct endpoint *driver, const struct source *source);

/* The executors of an app on this host, as seen within the last second, and where their Python
 * workers stand, as far as that is known. -EACCES: /proc hides them. */
int evidence_collector_probe(
	struct evidence_collector *q, const char *app_id, struct process_list *ret);

const struct evidence_counts *evidence_counts(const struct evidence_collector *q);
