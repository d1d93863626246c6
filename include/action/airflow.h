/* SPDX-License-Identifier: Apache-2.0
 * One Airflow: finds out which API it speaks, keeps its token, and does one thing at a time for
 * whoever asks. It knows nothing of modes, budgets or sequences. */
#pragma once

#include <stdbool.h>

#include "base/param.h"
#include "core/remedy.h"
#include "io/transport.h"
#include "wire/airflow.h"

/* Keys of [airflow NAME]. */
struct airflow_params {
	char *url;
	char *username;
	char *password_file;
	int api; /* index into auto, v1, v2 */
	char *ca_file;
	usec_t timeout;
};

extern const struct param_def airflow_params[];
extern const size_t n_airflow_params;

struct airflow;
struct airflow_call;

enum airflow_op {
	AIRFLOW_LOOK,
	AIRFLOW_NOTE,
	AIRFLOW_FAIL,
	AIRFLOW_CLEAR
};

struct airflow_ask {
	enum airflow_op op;
	const struct owner *owner;
	const char *note; /* of AIRFLOW_NOTE and AIRFLOW_FAIL */
};

struct airflow_result {
	enum remedy_reply reply;
	const struct ti_obs *task; /* of AIRFLOW_LOOK that is REPLY_DONE */
	const char *text;          /* one line on what went wrong, or NULL */
	const char *reason;        /* a word of airflow_reasons, NULL where nothing went wrong */
};

extern const char *const airflow_reasons[];
extern const size_t n_airflow_reasons;

/* The result is valid during the call. */
typedef void (*airflow_done_fn)(void *userdata, const struct airflow_result *result);

/* params must outlive it; password is copied. -EINVAL with *reterr for parameters that do not fit.
 */
int airflow_new(const char *name, const struct airflow_params *params, const char *password,
	struct transport *transport, struct airflow **ret, char **reterr);
/* Cancels its calls. NULL is allowed; returns NULL. */
struct airflow *airflow_free(struct airflow *a);

DEFINE_CLEANUP(struct airflow *, airflow_free)

const char *airflow_name(const struct airflow *a);
const char *airflow_url(const struct airflow *a);
/* AIRFLOW_API_UNKNOWN until it answered once. */
enum airflow_api airflow_speaks(const struct airflow *a);

/* Exactly one callback, from the event loop, unless cancelled. ask is copied. */
int airflow_do(struct airflow *a, const struct airflow_ask *ask, airflow_done_fn done,
	void *userdata, struct airflow_call **ret);

/* Asks for Airflow's health, which needs no credentials, and learns on the way which API it speaks:
 * REPLY_DONE where it answers and says that its scheduler is healthy. */
int airflow_check(
	struct airflow *a, airflow_done_fn done, void *userdata, struct airflow_call **ret);

/* No callback comes after this. NULL is allowed; returns NULL. */
struct airflow_call *airflow_cancel(struct airflow_call *c);
