/* SPDX-License-Identifier: Apache-2.0
 * Incidents: one per hang (or starvation, crash loop ...), from its first verdict to its end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/act/remedy.h"
#include "core/detect/detector.h"

/* What happened, in the words of the log. */
struct incident_step {
	usec_t at; /* since 1970 */
	char *text;
};

#define INCIDENT_MAX_STEPS 64

/* What a person has said of it. */
enum incident_mark {
	INCIDENT_ACKED,   /* somebody looks after it */
	INCIDENT_IGNORED, /* it is no hang: nothing is done, and it counts as our false alarm */
	INCIDENT_ABORTED, /* nothing is to be begun */
	INCIDENT_MARK_MAX
};

/* What is done about it. The remediator writes this; incident_end() settles it where nobody did. */
struct incident_response {
	bool under_way;              /* an action is: the incident stays open until it ends */
	bool decided;                /* acted, or would have: once per incident */
	bool decided_dry;            /* would have: to be decided anew once the mode is act */
	bool counted;                /* what became of one that was only observed */
	char *refusal;               /* why nothing was begun, as last said */
	const char *refusal_key;     /* what would change that, static; NULL: not known */
	usec_t not_before;           /* local clock: not considered again earlier */
	usec_t began;                /* local clock */
	enum remedy_outcome outcome; /* open until it has ended */
	char *why;                   /* of the outcome */
};

struct incident {
	uint64_t number;
	char id[40]; /* "20261123T031705Z-1": when it was opened, and its number */
	char *cluster;
	char *app_id;
	char *app_name;
	usec_t app_started;
	int64_t stage_id; /* -1: of the app as a whole */
	int64_t attempt_id;
	char *rule;
	struct owner owner;
	enum verdict verdict; /* present one; the last one once it has ended */
	unsigned reached;     /* bit per verdict it has had */
	usec_t opened;        /* since 1970 */
	usec_t changed;
	usec_t ended; /* 0: open */
	char *evidence;
	struct verdict_detail numbers; /* behind the sentence; all zero where only that is known */
	struct cause_hint hint;
	struct incident_step *steps; /* oldest first; the first and the last ones are kept */
	size_t n_steps;
	struct strlist properties; /* "key=value", of Spark's that matter to a hang */
	bool kept;                 /* its evidence is in a file of the state directory */
	enum rule_action action;
	struct incident_response response;
	char *marks[INCIDENT_MARK_MAX]; /* who said so; NULL: nobody */
	bool inherited;                 /* open since before a restart, and not seen again since */
	unsigned changes;               /* counts what is worth keeping */
	unsigned saved;                 /* as many of them as the ledger has */
};

/* Closed ones are kept up to this number, the oldest are dropped first, whenever a quarter more of
 * all have come. */
#define INCIDENTS_KEPT 200

struct incident_list {
	struct incident **items; /* oldest first, open and closed */
	size_t n;
	uint64_t next_number;
	/* Sorted. */
	struct incident **by_subject; /* open ones; of others the last, where no newer one is */
	size_t n_subjects;
	struct incident **by_id; /* all */
	size_t trim_at;          /* so many there are before the closed ones are counted again */
};

/* Follows a change of verdict: opens an incident where trouble begins, updates it, ends it where
 * the trouble is over and no remedy is under way. wall: since 1970. *ret is the incident concerned,
 * NULL when there is none; *ret_reached says that it reached this verdict for the first time.
 * -ENOMEM. */
int incident_follow(struct incident_list *l, const struct detector_event *ev, usec_t wall,
	struct incident **ret, bool *ret_reached);

/* The open incident of a stage (or of the app where stage is NULL). */
struct incident *incident_find(const struct incident_list *l, const struct app_history *a,
	const struct stage_history *stage);

/* One more step of the story. Without memory: none. */
void incident_tell(struct incident *i, usec_t wall, const char *fmt, ...) _printf_(3, 4);

/* Notes who said so. 1: it is noted; 0: somebody did before, who stays; -ENOMEM. */
int incident_mark(struct incident *i, enum incident_mark mark, const char *who, usec_t wall);
/* Why no action is to be begun, by what a person has said: the caller's. *ret NULL: nothing is
 * said. -ENOMEM. */
int incident_stopped(const struct incident *i, char **ret);

/* After a restart, once all apps of a cluster that could be seen were seen: what was open before
 * and is not there any more, or moves, has ended meanwhile. */
void incident_sweep(
	struct incident_list *l, const struct detector *d, const char *cluster, usec_t wall);

/* Adds one from the ledger; takes it over. An id that is there already is dropped. -ENOMEM. */
int incident_adopt(struct incident_list *l, struct incident *i);
struct incident *incident_free(struct incident *i);

DEFINE_CLEANUP(struct incident *, incident_free)

/* "20261123T031705Z-what": when (since 1970), and of what. */
void incident_make_id(char ret[static 40], usec_t wall, const char *what);

/* By its id; NULL where there is none (any more). */
struct incident *incident_by_id(const struct incident_list *l, const char *id);

/* Notes what became of the action. The incident ends with this outcome, whenever it does. */
void incident_settle(struct incident *i, enum remedy_outcome outcome, const char *why);

/* Ends it, with this outcome where none was settled before; why may be NULL. */
void incident_end(struct incident *i, enum remedy_outcome outcome, const char *why, usec_t wall);

/* How it ends where nothing was sent: it is gone; it moved by itself, though an action was called
 * for; or its trouble is over. */
enum remedy_outcome incident_own_end(const struct incident *i, bool gone);

size_t incident_count_open(const struct incident_list *l, enum verdict v);
void incident_list_clear(struct incident_list *l);
