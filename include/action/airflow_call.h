/* SPDX-License-Identifier: Apache-2.0
 * Inside of action/airflow: a call is a row of steps, a request each. airflow_call.c carries it
 * (which API, login, stale tokens, answers that are none). airflow_steps.c, above it, says what is
 * asked and what an answer means. */
#pragma once

#include "action/airflow.h"

struct airflow {
	char *name;
	const struct airflow_params *params; /* borrowed: the settings outlive it */
	struct endpoint endpoint;            /* with username and password */
	bool is_client;                      /* these are an id and its secret */
	struct transport *transport;
	enum airflow_api api;
	char *version;
	char *token;
	usec_t token_expires; /* since 1970 */
	usec_t token_since;   /* clock_boottime() */
	struct airflow_call *calls;
};

/* What a call is for: an enum airflow_op, or one of these. */
enum airflow_task {
	AIRFLOW_CHECK = AIRFLOW_OP_MAX,
	AIRFLOW_SELFTEST,
	AIRFLOW_TASK_MAX
};

enum airflow_phase {
	PHASE_PROBE_V2,
	PHASE_PROBE_V1,
	PHASE_LOGIN,
	PHASE_STEP
};

struct airflow_call {
	struct airflow *airflow;
	struct airflow_call *prev;
	struct airflow_call *next;
	struct transport_request *request;
	enum airflow_phase phase;
	const struct airflow_step *step; /* the one that is asked, or next to be */
	int task;                        /* enum airflow_op or airflow_task */
	const struct guard *guard;
	bool relogged;
	usec_t token_since;  /* of the token that was sent last */
	bool edit;           /* of a self-test */
	struct strlist dags; /* likewise: globs */
	bool clears;         /* of a fail */
	struct owner owner;
	struct owner_hint hint;
	uint64_t offset;       /* of the next page */
	struct owner found[2]; /* by the hint's labels, by its lineage */
	size_t n_found[2];
	char *note;
	const struct ti_identity *same;     /* the try that is meant; borrowed */
	struct preconditions preconditions; /* as far as it is known */
	struct task_graph graph;            /* likewise */
	struct task_scope scope;            /* likewise; borrows of graph */
	bool process_ended;
	struct ti_obs ti;              /* likewise */
	struct task_settings settings; /* likewise */
	struct airflow_access access;  /* likewise */
	/* Ends the call where the login is refused; NULL: that is an error like any other. */
	void (*login_refused)(struct airflow_call *c, const struct transport_answer *a);
	airflow_done_fn done;
	void *userdata;
};

/* The last of a row has no build. */
struct airflow_step {
	int (*build)(const struct airflow_call *c, struct airflow_request *ret);
	/* NULL: always. */
	bool (*wanted)(const struct airflow_call *c);
	/* Takes an answer of 200, or any with any_status. Returns true to go on with the next step;
	 * else it has ended the call. */
	bool (*take)(struct airflow_call *c, const struct transport_answer *a);
	bool any_status;
	bool optional; /* take is asked whatever went wrong */
	bool open;     /* needs no credentials */
	bool large;    /* its answer may be */
};

/* A call with these steps, to be filled in and started. */
int airflow_call_new(struct airflow *a, int task, const struct airflow_step *steps,
	airflow_done_fn done, struct airflow_call **ret);
/* Cancels the call where it fails. */
int airflow_call_start(struct airflow_call *c, struct airflow_call **ret);

/* Each ends the call. The callback may end the Airflow, too. */
void airflow_call_finish(struct airflow_call *c, const struct airflow_result *result);
void airflow_call_end(struct airflow_call *c, enum remedy_reply reply, const char *text);
void airflow_call_malformed(struct airflow_call *c, const char *err);
/* An answer that is not the one hoped for. */
void airflow_call_bad(struct airflow_call *c, const struct transport_answer *a);

void airflow_drop_token(struct airflow *a);
