/* SPDX-License-Identifier: Apache-2.0
 * Which of several replicas acts. They share one record in a store that has compare-and-swap: a
 * Lease of Kubernetes, a key of etcd. The record names its holder and for how long it holds; each
 * write gives it another version. Pure: somebody else asks, and tells what was answered.
 *
 * No moment of one host is compared with one of another's, so clocks may differ and step:
 *
 * - The holder leads for the record's duration, less a margin, counted from before it SENT the
 *   write that took (leadership_until()). The clock is to be CLOCK_BOOTTIME: it never steps and
 *   counts the time that a host slept.
 * - Another replica writes itself into the record once it has seen the same version for the
 *   holder's whole duration, counted from when the answer that first showed it CAME. The write
 *   takes only if the version is still that one.
 *
 * - Who finds no record, or one that names nobody, writes itself into it at once and leads after
 *   that time: a person may have deleted it under its holder, more than once. A record that names
 *   nobody may say itself how long that is.
 *
 * - A holder that is to be stopped leads no longer first. Then it writes a record of nobody that
 *   holds for LEADERSHIP_AFTER_RELEASE, if the version is still its own, and while it could still
 *   lead. It was the only one who could, so nobody has to wait for its time to be over. One that
 *   holds the record and does not lead yet writes none: its forerunner may lead.
 *
 * The answer came after the write was sent, so the first is over before the second begins. The
 * margin is for clocks of unlike rates. A write whose answer was lost counts for nothing; the next
 * look shows what became of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

/* Of a record: a longer one is not ours, and nobody is to wait for it. */
#define LEADERSHIP_MAX_DURATION USEC_PER_HOUR
/* What a record of nobody holds for that its leader has left behind: a Lease takes no less. */
#define LEADERSHIP_AFTER_RELEASE USEC_PER_SEC

struct leader_record {
	char *version;   /* as the store says; NULL: there is no record. Owned */
	char *holder;    /* NULL: nobody. Owned */
	usec_t duration; /* how long it holds after each write; 0, of nobody: it does not say */
	uint64_t transitions; /* how often the holder has changed */
};

void leader_record_clear(struct leader_record *r);

enum leadership_ask {
	LEADERSHIP_WAIT,   /* until wake_at; 0: until there is an answer */
	LEADERSHIP_READ,   /* read the record */
	LEADERSHIP_CREATE, /* write it where there is none */
	LEADERSHIP_WRITE,  /* write it where its version is still the one that was seen */
	LEADERSHIP_DONE, /* nothing any more: it was left, and is not ours, or was never to lead */
	LEADERSHIP_ASK_MAX
};

enum leadership_reply {
	LEADERSHIP_SEEN,    /* to a read: this is the record */
	LEADERSHIP_WRITTEN, /* to a create or a write: it took, and this is the record now */
	LEADERSHIP_BEATEN,  /* the same: somebody was faster */
	LEADERSHIP_LOST,    /* no answer, or none of use: a write may or may not have taken */
	LEADERSHIP_REPLY_MAX
};

struct leadership {
	const char *self;            /* borrowed: the holder that we are; of this process alone */
	usec_t duration;             /* for which we hold it */
	struct leader_record record; /* as last seen */
	bool known;     /* record is from the store, and no write of ours is in doubt */
	bool seen_once; /* record was known at some time */
	bool asked;     /* a request is under way */
	usec_t sent;    /* when */
	usec_t seen;    /* when the record's version first came */
	usec_t wait;    /* how long the last other holder may lead after a write */
	usec_t next;    /* nothing is asked before */
	usec_t from;    /* we lead from here, */
	usec_t until;   /* until here */
	bool left;      /* leads no longer, whatever the record says, */
	bool released;  /* and may give the record back */
};

struct leadership_step {
	enum leadership_ask ask;
	usec_t wake_at;
	/* Of a create or a write: what is to be written. The holder is ourselves, borrowed, or
	 * nobody, NULL. */
	const char *holder;
	usec_t duration;
	uint64_t transitions;
};

/* Time between two renewals, of a duration. */
usec_t leadership_period(usec_t duration);
/* How long a write counts, from before it was sent. */
usec_t leadership_term(usec_t duration);
/* How long a request may take; its answer counts no longer. */
usec_t leadership_timeout(usec_t duration);

void leadership_init(struct leadership *l, const char *self, usec_t duration);
void leadership_clear(struct leadership *l);

/* What is to be done now. What is asked is answered by leadership_answer(), and nothing else is
 * asked until then. */
void leadership_next(struct leadership *l, usec_t now, struct leadership_step *ret);

/* record is taken over, of SEEN and WRITTEN; else NULL. */
void leadership_answer(struct leadership *l, enum leadership_reply reply,
	struct leader_record *record, usec_t now);

/* For good: leads no longer, and renews nothing. */
void leadership_leave(struct leadership *l);
/* After that: what was sent while it led is settled, so the next one may lead at once. */
void leadership_release(struct leadership *l);

/* Whether we lead at this moment, and may send what changes something. */
bool leadership_leads(const struct leadership *l, usec_t now);
/* Who else holds the record, by what is known; NULL: nobody, or it is not known. */
const char *leadership_other(const struct leadership *l, usec_t now);
