/* SPDX-License-Identifier: Apache-2.0
 * Keeps asking the store of [leader] which replica leads, and says whether it is this one. Where
 * there is no [leader], its functions take NULL: it is alone, and leads. */
#pragma once

#include <systemd/sd-event.h>

#include "io/clock.h"
#include "io/transport.h"
#include "setup/leader_params.h"

struct leader;

struct leader_context {
	sd_event *event;
	struct transport *transport;
	const struct clock *clock; /* borrowed */
	/* It leads from now on, or does no longer. */
	void (*changed)(void *userdata, bool leads);
	/* leader_leave() has come to its end; called once. */
	void (*left)(void *userdata);
	void *userdata;
};

/* Copies params, whose type is not none. -EINVAL with *reterr: not like this; else -errno with it.
 */
int leader_new(const struct leader_context *context, const struct leader_params *params,
	struct leader **ret, char **reterr);
/* NULL is allowed; returns NULL. The record stays as it is: without leader_leave() it runs out. */
struct leader *leader_free(struct leader *l);

/* The daemon is to be stopped: leads no longer from now on, and gives the lead back once none of
 * its requests is at work any more, within 3 seconds or not at all. Whether left() will be called
 * then; false: there is nothing to give back. NULL is allowed. */
bool leader_leave(struct leader *l);
/* A request that changes something is about to be sent, or what became of it is known. Where its
 * answer was lost it stays at work. NULL is allowed. */
void leader_work(struct leader *l, bool begins);

/* Closed while it does not lead, by the clock of the moment. NULL: there is no leader to be. */
const struct guard *leader_guard(const struct leader *l);
/* Why this replica may not act, one clause; NULL: it may. Valid until the loop goes on. */
const char *leader_objection(const struct leader *l);
/* What this replica is called in notes; NULL: it is alone. */
const char *leader_identity(const struct leader *l);

struct leader_status {
	const char *lease; /* which record it is about */
	const char *identity;
	bool leads;
	const char *other;    /* who leads; NULL: this one, or nobody that is known */
	const char *fault;    /* why the last request came to nothing; NULL: it did not */
	uint64_t transitions; /* how often the leader has changed, as the record says */
	uint64_t n_errors;    /* requests that came to nothing */
};

/* Borrows, until the loop goes on. */
void leader_status(const struct leader *l, struct leader_status *ret);
