/* SPDX-License-Identifier: Apache-2.0
 * One question beyond the counters: a stage's running tasks, an executor's or the driver's threads,
 * lost listener events, or CPU seconds from a host. */
#pragma once

#include "core/detect/evidence_wants.h"
#include "core/facts/observation.h"
#include "io/proctree.h"
#include "io/transport.h"
#include "source/answer.h"

struct evidence_call;

struct evidence_call_ask {
	struct transport *transport;
	const struct endpoint *endpoint; /* of the driver; credentials only for a URL of the
					    configuration */
	const char *app_id;              /* as the driver names it */
	struct evidence_want want;
};

struct evidence_call_answer {
	enum evidence_kind kind;
	int error; /* 0: the lists below that fit the kind are filled; -ETIMEDOUT and the
		      like as in transport_answer; -ENOENT: the driver knows no such thing;
		      -EBADMSG, -E2BIG: an answer that is none; -ENOMEM */
	struct asked asked;
	usec_t taken;      /* when the answer was given */
	usec_t driver_now; /* the driver's clock with it; 0: not known */
	struct task_list tasks;
	struct thread_list threads;
	struct process_list processes;
	struct query_obs query;
	struct batches_obs batches;
	uint64_t dropped;
};

typedef void (*evidence_call_done_fn)(void *userdata, struct evidence_call_answer *answer);

/* Calls done exactly once, never from within, unless it is cancelled. The answer is valid during
 * the call; the receiver may take from its lists. Everything in ask but transport is copied, and
 * not needed afterwards. -ENOMEM, -EINVAL for a URL that cannot be asked, or WANT_PROCESSES. */
int evidence_call_start(const struct evidence_call_ask *ask, evidence_call_done_fn done,
	void *userdata, struct evidence_call **ret);

/* Where a stagewatchd of another host listens. */
struct evidence_call_host {
	const char *name;
	uint16_t port; /* 0: what a recording has of that host */
	bool tls;
	const struct endpoint *endpoint; /* whom to trust, and by which certificate it trusts us */
	char *cluster; /* of the app, borrowed: its hosts take turns with other clusters */
};

/* An executor of YARN. */
struct evidence_call_container {
	const char *log_url; /* of /executors: it names the NodeManager */
	const char *executor_id;
	char *cluster; /* as above */
};

/* The CPU seconds of an app's executors on another host. at NULL: as a recording has them. -EINVAL
 * for what is no name of a host. */
int evidence_call_probe(struct transport *transport, const struct evidence_call_host *at,
	const char *app_id, evidence_call_done_fn done, void *userdata, struct evidence_call **ret);

/* The CPU use of one executor from its NodeManager: one tree whose cpu holds what the executor uses
 * in a second. -EINVAL for a log_url of no NodeManager. */
int evidence_call_nodemanager(struct transport *transport, const struct evidence_call_container *at,
	evidence_call_done_fn done, void *userdata, struct evidence_call **ret);

/* No callback comes after this. NULL is allowed; returns NULL. */
struct evidence_call *evidence_call_cancel(struct evidence_call *c);

/* The trees of one app (NULL: of all) out of a look at this host. */
int evidence_call_from_host(
	const struct proctree_list *host, const char *app_id, struct process_list *ret);
