/* SPDX-License-Identifier: Apache-2.0
 * One Airflow: finds out which API it speaks, keeps its token, and does one thing at a time for
 * whoever asks. It knows nothing of modes, budgets or sequences. */
#pragma once

#include <stdbool.h>

#include "base/param.h"
#include "core/act/preconditions.h"
#include "core/act/remedy.h"
#include "core/facts/owner_hint.h"
#include "core/facts/permissions.h"
#include "io/endpoint_params.h"
#include "io/transport.h"
#include "wire/airflow.h"

/* Keys of [airflow NAME]. */
struct airflow_params {
	char *url;
	struct endpoint_params endpoint;
	int api; /* index into auto, v1, v2 */
	usec_t timeout;
	usec_t process_timeout;
};

extern const struct param_def airflow_params[];
extern const size_t n_airflow_params;

struct airflow;
struct airflow_call;

/* What can be asked of one task instance. */
enum airflow_op {
	AIRFLOW_LOOK,
	/* A look with what is around: DAG, its tasks, run, siblings. GETs only. */
	AIRFLOW_PREPARE,
	/* How the task is set, whatever the try: GETs only. */
	AIRFLOW_SETTINGS,
	/* Which task instance a hint points at, of those that run: GETs only. */
	AIRFLOW_FIND,
	AIRFLOW_NOTE,
	/* A mapped one of Airflow 3 is first failed as a dry run: what would fail another one as
	 * well is REPLY_REFUSED, and not sent. */
	AIRFLOW_FAIL,
	/* Clears one that has not ended. Looked at and cleared as a dry run first: REPLY_CONFLICT
	 * where it is not the try any more that is meant, REPLY_REFUSED where it would take along
	 * more than its set-ups and teardowns; neither is sent. */
	AIRFLOW_RESTART,
	/* A look, and what a new try waits for: text is set where it is known. */
	AIRFLOW_ROOM,
	/* A look, and whether the try's process has ended, as far as its log tells (Airflow 2). */
	AIRFLOW_PROCESS,
	/* Cleared as a dry run first: what would clear another index, run or DAG is REPLY_REFUSED,
	 * what would clear nothing is REPLY_NOTHING, and neither is sent. */
	AIRFLOW_CLEAR,
	AIRFLOW_OP_MAX
};

struct airflow_ask {
	enum airflow_op op;
	const struct owner *owner;     /* NULL: of AIRFLOW_FIND */
	const struct owner_hint *hint; /* of AIRFLOW_FIND */
	const char *note;              /* of AIRFLOW_NOTE and AIRFLOW_FAIL */
	bool clears; /* of AIRFLOW_FAIL: a clear is to follow, and must be permitted */
	const struct ti_identity *same; /* of AIRFLOW_RESTART and AIRFLOW_PROCESS: the try that is
					   meant; outlives it */
	/* Asked before each of its requests; closed, nothing more is sent. Borrowed until it is
	 * over; NULL: not asked. */
	const struct guard *guard;
};

/* What the self-test found. */
struct airflow_access {
	enum permission rights[AIRFLOW_RIGHT_MAX];
	char *dag_id; /* on which it was tried; NULL: on one that is not there */
};

struct airflow_result {
	enum remedy_reply reply;
	const struct ti_obs *task;                 /* of a LOOK or PREPARE that is REPLY_DONE */
	const struct preconditions *preconditions; /* of a PREPARE that is REPLY_DONE */
	bool process_ended;                        /* of a PROCESS that is REPLY_DONE */
	struct owner *found; /* of a FIND that is REPLY_DONE: may be taken over. REPLY_NOTHING: none
				of those that run, or more than one */
	struct task_settings *settings; /* of a SETTINGS that is REPLY_DONE: may be taken over */
	bool not_sent;      /* beside REPLY_UNCERTAIN: its guard kept the last request here */
	const char *text;   /* one line on what went wrong, or NULL */
	const char *reason; /* a word of airflow_reasons, NULL where nothing went wrong */
	const struct airflow_access *access; /* of airflow_selftest() that is REPLY_DONE */
};

extern const char *const airflow_reasons[];
extern const size_t n_airflow_reasons;

/* The result is valid during the call. */
typedef void (*airflow_done_fn)(void *userdata, const struct airflow_result *result);

/* The key of the secret that it logs in with, and *ret_file, what that says, NULL where there is
 * none: password_file or, of a client without token_url, client_secret_file. */
const char *airflow_password_key(const struct airflow_params *params, const char **ret_file);

/* params must outlive it; password is copied. -EINVAL with *reterr for parameters that do not fit.
 */
int airflow_new(const char *name, const struct airflow_params *params, const char *password,
	struct transport *transport, struct airflow **ret, char **reterr);
/* Cancels its calls. NULL is allowed; returns NULL. */
struct airflow *airflow_free(struct airflow *a);

DEFINE_CLEANUP(struct airflow *, airflow_free)

const char *airflow_name(const struct airflow *a);
const char *airflow_url(const struct airflow *a);
usec_t airflow_process_timeout(const struct airflow *a);
/* AIRFLOW_API_UNKNOWN until it answered once. */
enum airflow_api airflow_speaks(const struct airflow *a);
/* As it said at the last check, "3.3.2"; NULL until then. */
const char *airflow_version_text(const struct airflow *a);

/* Exactly one callback, from the event loop, unless cancelled. ask is copied. */
int airflow_do(struct airflow *a, const struct airflow_ask *ask, airflow_done_fn done,
	void *userdata, struct airflow_call **ret);

/* Asks for Airflow's version and health, which needs no credentials, and learns on the way which
 * API it speaks: REPLY_DONE where it answers and says that its scheduler is healthy. */
int airflow_check(
	struct airflow *a, airflow_done_fn done, void *userdata, struct airflow_call **ret);

/* Logs in, reads, and, where edit is true, fails and clears as dry runs a task instance that is not
 * there: nothing can change. It would be one of a DAG that one of the globs names, else of the
 * first one. REPLY_DONE says that all was tried, not that all is granted; then text names what is
 * denied, and what it takes. dags is copied. */
int airflow_selftest(struct airflow *a, bool edit, const struct strlist *dags, airflow_done_fn done,
	void *userdata, struct airflow_call **ret);

/* No callback comes after this. NULL is allowed; returns NULL. */
struct airflow_call *airflow_cancel(struct airflow_call *c);
