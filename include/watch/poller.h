/* SPDX-License-Identifier: Apache-2.0
 * Polls one cluster: asks its source which drivers there are, then each driver by itself, and feeds
 * the detector. A driver that hangs delays nobody but itself. */
#pragma once

#include <stdbool.h>

#include "base/shard.h"
#include "core/detect/detector.h"
#include "io/clock.h"
#include "io/transport.h"
#include "setup/health.h"
#include "setup/stats.h"
#include "source/source.h"
#include "watch/driver_look.h"
#include "watch/evidence_collector.h"

struct poller;

struct poller_context {
	struct transport *transport;
	struct spares *spares; /* polls that are over, see driver_polls_clear(); NULL: none */
	struct detector *detector;
	struct health *health;
	struct stats *stats;
	struct evidence_collector
		*evidence_collector; /* NULL: nothing beyond the counters is asked */
	const struct clock *clock;   /* borrowed */
	sd_event *event;    /* borrowed; the polls of a tick are spread over the interval. NULL: all
			       begin at once */
	usec_t interval;    /* from tick to tick */
	struct shard shard; /* apps of others are left to other daemons */
	/* All answers of a tick are in, or the next tick begins without them. May be NULL. */
	void (*idle)(void *userdata, struct poller *p);
	void *userdata;
};

/* Borrows source and context for its life. */
int poller_new(const struct poller_context *context, struct source *source, struct poller **ret);
/* Cancels what is under way. Histories stay with the detector. NULL is allowed; returns NULL. */
struct poller *poller_free(struct poller *p);

DEFINE_CLEANUP(struct poller *, poller_free)

/* Takes the drivers over from an earlier poller of the same cluster, which has none afterwards, so
 * that one which has gone meanwhile is seen to be gone. What that one had under way is cancelled.
 * Before the first tick. */
void poller_inherit(struct poller *p, struct poller *from);

/* Begins a poll of all: of whom nothing was heard yet at once, of the others each in its turn. One
 * of which no app is known, and that fails again and again, is left out of some ticks. What an
 * earlier one still waits for is left to it. */
void poller_tick(struct poller *p);

const char *poller_cluster(const struct poller *p);
/* When the source was last through with its list of drivers, got or not (local clock). */
usec_t poller_advanced(const struct poller *p);

/* Whether every app that there is was seen: the list was to be had, and all of its drivers have
 * answered, also those that are slower than a tick. */
bool poller_saw_all(const struct poller *p);
/* Ticks that are over. */
unsigned poller_n_done(const struct poller *p);
/* Whether the last list was to be had. */
bool poller_up(const struct poller *p);

/* The URL of an app's driver; NULL when it is not known. */
const char *poller_url_of(const struct poller *p, const struct app_history *a);

/* Looks at a stage of the app afresh, see watch/driver_look. -ENOENT: the app is not polled here.
 */
int poller_look(struct poller *p, const struct app_history *a, const struct stage_key *key,
	driver_looked_fn fn, void *userdata, struct driver_look **ret);
