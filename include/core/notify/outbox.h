/* SPDX-License-Identifier: Apache-2.0
 * Messages that are still to be delivered: what is due when, after how many attempts, and what was
 * told already. Pure: time is passed in, chance by a seed. Who sends, and who writes it down, is
 * the daemon's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/notify/notice.h"

/* Undelivered ones beyond this number: the oldest is dropped. */
#define OUTBOX_MAX_OPEN 1000
/* What was told of incidents that are open is remembered, so that it is told once. */
#define OUTBOX_MAX_TOLD 5000
/* A notify has at most so many under way, so that one that is slow holds up nobody else. */
#define OUTBOX_MAX_SENDING 4
/* A longer Retry-After is cut to this. */
#define OUTBOX_MAX_RETRY_AFTER USEC_PER_HOUR
/* An alert on an outcome, which has no end of its own, is held up for so long. */
#define OUTBOX_ALERT_LASTS USEC_PER_HOUR

enum outbox_state {
	OUTBOX_WAITING, /* not delivered yet */
	OUTBOX_UP,      /* an alert that was delivered, and is delivered again until it is over */
	OUTBOX_DONE,
	OUTBOX_STATE_MAX
};

/* What became of a message, or of one attempt. */
enum outbox_fate {
	OUTBOX_AGAIN, /* not delivered, or an alert that goes on: it comes due again */
	OUTBOX_SENT,
	OUTBOX_FAILED,  /* given up */
	OUTBOX_DROPPED, /* too many, or its notify is gone from the configuration */
	OUTBOX_FATE_MAX
};

const char *outbox_fate_name(enum outbox_fate f);

struct outbox_item {
	int64_t id;    /* unique and rising, over restarts as well */
	char *notify;  /* NAME of [notify NAME] */
	char *subject; /* notice_subject() */
	char *incident;
	enum notice_event event;
	char *text;     /* the message as JSON; NULL once it is done */
	char *thread;   /* where the receiver keeps the messages of its incident; NULL: nowhere */
	bool alert;     /* it is delivered again until it is over */
	usec_t created; /* since 1970 */
	usec_t ended;   /* since 1970: when what an alert says was over; 0: it is not */
	/* Local clock. */
	usec_t queued;
	usec_t due;
	usec_t until; /* it ends by itself, then; USEC_INFINITY: it does not */
	enum outbox_state state;
	bool sending;
	bool says_end;     /* what is being sent tells of the end */
	bool orphan;       /* of a daemon before this one; its incident was not seen again yet */
	bool closed;       /* the incident has ended: the same event is told again */
	bool unsaved;      /* what outlives a restart has changed; whoever saves it sets it back */
	bool swept;        /* by the sweep at hand */
	unsigned attempts; /* in vain, in a row */
};

struct outbox {
	struct outbox_item **items;      /* in order of their ids */
	struct outbox_item **by_subject; /* the same by subject, notify and id */
	size_t n;
	size_t n_open_at_most; /* that were never delivered; counted again where it matters */
	int64_t next_id;       /* set it above all ids of before */
	uint64_t chance;       /* the state of the generator of jitter; set it to a seed */
};

/* How a notify wants it. */
struct outbox_policy {
	usec_t retry_first;
	usec_t retry_max;
	usec_t give_up_after;
	usec_t resend; /* of alerts */
};

struct outbox_message {
	const char *notify;
	const char *subject;
	const char *incident;
	enum notice_event event;
	const char *text;
	bool alert;
	usec_t created; /* since 1970 */
};

/* Puts a message in line, due at once. Returns 1, and *ret is it; 0 where the same event of the
 * same subject was put already and its incident is open. -ENOMEM. */
int outbox_put(
	struct outbox *o, const struct outbox_message *m, usec_t now, struct outbox_item **ret);

/* Whether anything was put for this notify of this subject, whose incident is open. */
bool outbox_has_told(const struct outbox *o, const char *notify, const char *subject);

/* The message brought a thread: it is that of all messages of its incident to this notify, those
 * to come included. Without memory: not of all. */
void outbox_set_thread(struct outbox *o, const struct outbox_item *item, const char *thread);

/* The first message that was put of this subject, whose incident is open, to anybody; NULL: none.
 */
const struct outbox_item *outbox_told(const struct outbox *o, const char *subject);

/* One that a daemon before this one left: id, notify, subject, incident, event, text, thread,
 * alert, created, ended, state and closed of *item are set. Its texts are taken over, also on
 * failure. wall: of the same moment as now. Where its incident is not seen again until then (by
 * outbox_claim()), it counts as ended. One that was put meanwhile takes its place. -ENOMEM. */
int outbox_restore(
	struct outbox *o, struct outbox_item *item, usec_t now, usec_t wall, usec_t orphan_until);

/* The incident of this subject is (again) there, under this id: what a daemon before told of it was
 * told of it. -ENOMEM: not all of it. */
int outbox_claim(struct outbox *o, const char *subject, const char *incident);

/* Where more than OUTBOX_MAX_OPEN were never delivered: the oldest that is not being sent; the
 * caller drops it, and calls again. NULL: no more than that. */
struct outbox_item *outbox_overflow(struct outbox *o);

/* The next that is to be sent now; NULL: none. One at a time of an incident and a notify, in their
 * order. */
struct outbox_item *outbox_due(const struct outbox *o, usec_t now);
/* When outbox_due() is to be asked again; USEC_INFINITY: once something changes. */
usec_t outbox_wake(const struct outbox *o);

void outbox_sending(struct outbox_item *item);

struct outbox_attempt {
	bool delivered;
	usec_t retry_after; /* what the other side asked for; 0: nothing */
};

/* How an attempt ended: OUTBOX_SENT and OUTBOX_FAILED come once of a message. */
enum outbox_fate outbox_attempted(struct outbox *o, struct outbox_item *item,
	const struct outbox_attempt *a, const struct outbox_policy *p, usec_t now);

/* The incident of this subject has ended: its alerts come due for the last time, and the same
 * events are news again. */
void outbox_close(struct outbox *o, const char *subject, usec_t now, usec_t wall);

/* Ends one without delivery. */
void outbox_drop(struct outbox_item *item);

/* Ends whose time is over: an alert on an outcome is done, an orphan closed, as outbox_close()
 * does.
 */
void outbox_expire(struct outbox *o, usec_t now, usec_t wall);
/* Forgets what is done, closed and saved, and the oldest of what was told beyond OUTBOX_MAX_TOLD.
 * Items are gone afterwards. */
void outbox_sweep(struct outbox *o);

struct outbox_item *outbox_find(const struct outbox *o, int64_t id);

/* Those of a notify that are not delivered yet, an alert's first time and its end included. */
size_t outbox_n_pending(const struct outbox *o, const char *notify);
/* The age of the oldest of all of them; 0 without one. */
usec_t outbox_oldest(const struct outbox *o, usec_t now);

void outbox_clear(struct outbox *o);
