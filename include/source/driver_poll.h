/* SPDX-License-Identifier: Apache-2.0
 * One poll of one driver: who is there, its active stages, and what else is needed this time. */
#pragma once

#include "base/shard.h"
#include "base/spares.h"
#include "core/detect/history.h"
#include "io/transport.h"
#include "source/answer.h"

struct driver_poll;

struct stage_key {
	int64_t stage_id;
	int64_t attempt_id;
};

struct driver_ask {
	struct transport *transport;
	struct spares *spares;           /* polls that are over, for the next; NULL: none is kept */
	const struct endpoint *endpoint; /* of the driver; credentials only for a URL of the
					    configuration */
	const char *app_id;  /* as its cluster manager names it; NULL: whoever is there */
	const char *last_id; /* who answered last; NULL: ask who is there */
	bool verify; /* with last_id: another driver may be there by now, so ask all the same where
			the connection is not the one of the poll before */
	unsigned needs;                   /* NEED_* */
	const struct stage_key *tasks_of; /* also its running tasks; NULL: no */
	bool want_owner;
	struct shard shard; /* of an app that is of another nothing but its id is asked */
	/* Of the answer with the stages that the asker has. The same bytes are not read again: the
	 * poll says same_stages. Of nothing: none. */
	struct digest known_stages;
};

#define DRIVER_MAX_ASKED 7

enum driver_state {
	DRIVER_ANSWERED,       /* info and poll are filled */
	DRIVER_REFUSED,        /* nobody listens */
	DRIVER_SILENT,         /* no usable answer: fault says why */
	DRIVER_OF_OTHER_SHARD, /* its app is for another daemon: info is filled */
	DRIVER_OTHER, /* somebody else's server, which was never a driver for us: not Spark's API */
};

struct driver_answer {
	enum driver_state state;
	struct app_info info;               /* only when it was asked for; else empty */
	struct app_poll poll;               /* the receiver may take its lists */
	bool has_owner;                     /* /environment was asked and answered */
	struct owner owner;                 /* the receiver may take it */
	struct owner_hint hint;             /* with it: OpenLineage's */
	struct strlist properties;          /* with it; the receiver may take them */
	bool memory_asked;                  /* /allexecutors was asked, with or without success */
	struct executor_memory_list memory; /* what it said; empty: nothing */
	bool has_tasks;                     /* they were asked for and answered */
	struct task_list tasks;             /* the receiver may take them */
	usec_t tasks_taken;
	struct asked asked[DRIVER_MAX_ASKED]; /* all that was asked, in order */
	size_t n_asked;
	const struct fault *fault; /* where it did not answer: why */
	bool moved;                /* it may be another app by now */
	bool kept; /* the first answer came over the connection of an earlier poll */
};

/* Whether a question of this poll was answered as it should be; what: "/jobs". NULL: it was, or was
 * not asked. */
const struct asked *driver_answer_fault(const struct driver_answer *answer, const char *what);

/* The answer is valid during the call. */
typedef void (*driver_done_fn)(void *userdata, struct driver_answer *answer);

/* Calls done exactly once, never from within, unless it is cancelled. Borrowed until then: the
 * transport, the spares, and of the endpoint all but its url, which may be gone; all else is
 * copied. -ENOMEM, -EINVAL for a URL that cannot be asked. */
int driver_poll_start(const struct driver_ask *ask, driver_done_fn done, void *userdata,
	struct driver_poll **ret);

/* Whether its request is still in our own line. */
bool driver_poll_waits(const struct driver_poll *p);

/* No callback comes after this. NULL is allowed; returns NULL. */
struct driver_poll *driver_poll_cancel(struct driver_poll *p);

/* Frees the polls that are kept. */
void driver_polls_clear(struct spares *spares);
