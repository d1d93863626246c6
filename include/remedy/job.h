/* SPDX-License-Identifier: Apache-2.0
 * A remedy under way: carries out what its state machine says, one effect at a time. What changes
 * Airflow or a cluster is in the ledger before it is sent. For remediator.c. */
#pragma once

#include "base/log.h"
#include "remedy/leader.h"
#include "remedy/remediator.h"
#include "store/store.h"

struct job;

/* What jobs need of the daemon, and what they tell the remediator, whose userdata it is. */
struct job_context {
	sd_event *event;
	struct transport *transport;
	struct detector *detector;
	struct stats *stats;
	struct store *store;
	const struct clock *clock;
	struct leader *leader; /* NULL: it is alone */
	/* Of a cluster; NULL where there is none. */
	struct poller *(*poller)(void *userdata, const char *cluster);
	/* The first request is durable, and about to be sent. */
	void (*requested)(void *userdata, const struct job *j);
	/* What speaks by now against the effect that is about to be performed. Returns
	 * ret->objection; NULL: nothing does. */
	const char *(*objection)(void *userdata, const struct job *j, enum remedy_effect effect,
		struct policy_answer *ret);
	/* The job's last word: frees it. */
	void (*over)(void *userdata, struct job *j);
	void *userdata;
};

struct job {
	const struct job_context *context; /* borrowed */
	struct job *next;
	struct action_record record;
	struct incident *incident; /* open as long as the job lives */
	struct runtime *runtime;   /* a reference */
	struct source *source;     /* of the runtime */
	struct airflow *airflow;   /* of the runtime */
	struct app_ref ref;        /* borrows of the record */
	usec_t began;              /* local clock */
	bool resumed;
	bool counted_request;
	bool at_work;                /* a request may still change something: no answer tells */
	bool acted;                  /* something but a note was sent, maybe in a life before */
	bool logged;                 /* it counts for the limits */
	bool recorded;               /* the ledger has it */
	bool unsaved;                /* not as it stands now */
	struct policy_answer answer; /* what it was held by */
	char *blocked;               /* why nothing can be sent for now */
	char *claim;                 /* of the remedy's plan; NULL: none */
	struct airflow_call *call;
	struct driver_look *look;
	struct source_call *source_call;
	struct kill_app *kill;
	sd_event_source *timer;
};

/* Cancels what is under way; nothing is undone. NULL is allowed; returns NULL. */
struct job *job_free(struct job *j);

DEFINE_CLEANUP(struct job *, job_free)

/* Fills in what it is about, once its incident and its runtime are set. dry: it is to observe.
 * -ENOENT where the app is not polled (any more), -ENOMEM. */
int job_setup(struct job *j, const struct detector_event *ev, struct airflow *airflow, bool dry);

/* The same for one whose record came from the ledger. NULL, or what it needs and today's
 * configuration lacks. */
const char *job_setup_again(struct job *j);

/* Starts it, or takes it up where a restart interrupted it (resumed is set). May end it at once. */
void job_start(struct job *j);

/* Ends it by an outcome of ours. */
void job_give_up(struct job *j, enum remedy_outcome outcome, const char *why);

/* Nothing of it is under way any more, and it is over; over() is not called. */
void job_close(struct job *j);

/* Saves where it stands, as far as that can be. One that is over and has requested nothing, a note
 * at most, is deleted. */
void job_save(struct job *j);

/* What a log line on it is about. */
void job_about(const struct job *j, struct log_about *about, char stage[static 48]);
