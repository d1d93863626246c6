/* SPDX-License-Identifier: Apache-2.0
 * Inside of watch/poller: one driver under watch, and what its answers tell the detector. When it
 * is asked is up to poller.c. */
#pragma once

#include <sys/queue.h>

#include "watch/poller.h"

/* At a URL of the configuration, or an app that its cluster lists. */
struct driver {
	const struct poller_context *context; /* borrowed of the poller */
	const struct source *source;          /* likewise */
	char *url;                            /* NULL: listed, its address is not known */
	char *app_id;                         /* NULL: whoever answers */
	char *name;
	char *user;
	char *uid;        /* of what is there, by the last list; NULL: not known */
	usec_t uid_since; /* the first list that said so in a row */
	char *about;      /* what its cluster manager says of it; NULL: nothing */
	bool waits;       /* to be started, as its cluster manager says */
	bool no_driver;   /* and there is nobody to be asked */
	bool configured;
	bool may_lack;  /* nobody need listen there */
	bool restarts;  /* another driver may come to answer there as the same app */
	bool proxied;   /* a connection that is kept is not the driver's, but somebody's between */
	bool ask_who;   /* another app may be there by now */
	bool kept;      /* its last poll came over the connection of the one before */
	char *last_id;  /* of the app that answered last */
	usec_t started; /* likewise */
	bool lost;      /* its last poll told nothing of its app */
	struct driver_look *looks;

	/* For poller.c: its place in the list and in the turns. */
	struct poller *poller;
	bool listed;              /* in the list at hand; false: or there is none */
	bool missed;              /* not in it, and the next one tells whether it is gone */
	struct driver_poll *poll; /* under way, or NULL */
	size_t place;             /* of its connection: http_url_place() */
	unsigned tick;            /* in which the poll was begun */
	bool heard;               /* a poll of it has come to an end, however */
	bool silent;              /* no answer within the time limit when it was last asked */
	bool counts_silent;       /* its poll is one of those that may keep us waiting */
	bool in_line;             /* waits for one of those to end */
	TAILQ_ENTRY(driver) link; /* of those in line */
	unsigned failures;        /* polls in a row that told nothing */
	usec_t not_before;        /* it is left alone until then */
};

/* Where it stands, or belongs, among drivers that are sorted: by its app's id or, where that is
 * NULL, by its URL. */
size_t driver_place(struct driver *const *drivers, size_t n, const char *app_id, const char *url);
/* NULL where there is none. */
struct driver *driver_find(
	struct driver *const *drivers, size_t n, const char *app_id, const char *url);

/* What the target says of the app; where its id is known, its address comes later. */
int driver_new(const struct poller_context *context, const struct source *source,
	const struct target *t, struct driver **ret);
/* Cancels its poll; its looks must be over (driver_look_end_all()). Its history stays with the
 * detector. NULL is allowed; returns NULL. */
struct driver *driver_free(struct driver *d);

/* Of the app that answered last; NULL where there is none. */
struct app_history *driver_history(const struct driver *d);

/* Begins a poll of it, of which nothing is kept here. tasks_of: a stage whose running tasks are
 * asked for as well; NULL: none. */
int driver_ask(struct driver *d, const struct stage_key *tasks_of, driver_done_fn done,
	void *userdata, struct driver_poll **ret);

/* An answer into the detector. *ret is the app; NULL: there is no place for it (detector_limit()).
 * -ENOMEM: it was lost. */
int driver_take(struct driver *d, struct driver_answer *answer, const struct stage_key *tasks_of,
	struct app_history **ret);
/* An answer that is none, or of an app that is not ours. */
void driver_unanswered(struct driver *d, const struct driver_answer *answer);
/* It could not even be asked: fault says why. */
void driver_not_asked(struct driver *d, const struct fault *fault);

/* Its cluster lists it, and there is no driver to be asked yet, or none any more. */
void driver_waiting(struct driver *d);
/* So it was when its cluster last answered, and now that does not. */
void driver_not_listed(struct driver *d);

/* What a list says of whose it is. It counts once the app has answered between two lists that say
 * the same pod is there: an address may be another's by now. -ENOMEM. */
int driver_take_owner(struct driver *d, const struct target *t);

/* It is at this URL from now on. */
int driver_move(struct driver *d, const char *url);

/* In which state it is. false: it is a port of a range where nobody listens. */
bool driver_target_state(const struct driver *d, enum target_state *ret);

/* The app that was here is no more: another one answers, nobody does, or its cluster dropped it. */
void driver_forget(struct driver *d);
