/* SPDX-License-Identifier: Apache-2.0
 * Tells people: a [notify NAME] of the configuration is one receiver, of a type such as webhook or
 * command. One message, one attempt; when to try again is core/notify/outbox's. */
#pragma once

#include "base/param.h"
#include "core/notify/outbox.h"
#include "io/endpoint_params.h"
#include "io/spawn.h"
#include "io/transport.h"
#include "wire/notice.h"

struct notify;
struct notify_call;

struct notify_params {
	int type;
	char *on;
	int min_severity;
	char *rule;
	char *cluster;
	char *app;
	char *dag;
	char *url;
	char *url_file;
	int format; /* enum notify_format */
	char *channel;
	struct strlist template;
	struct strlist header;
	char *authorization_file;
	struct endpoint_params endpoint;
	char *secret_file;
	char *command;
	struct strlist argument;
	usec_t timeout;
	usec_t retry_first;
	usec_t retry_max;
	usec_t give_up_after;
	usec_t resend;
};

enum notify_format {
	NOTIFY_JSON,
	NOTIFY_ALERTMANAGER,
	NOTIFY_SLACK,
	NOTIFY_PAGERDUTY,
	NOTIFY_FORMAT_MAX
};

extern const struct param_def notify_params[];
extern const size_t n_notify_params;

/* What was read from the files that the parameters name; NULL where they name none. */
struct notify_secrets {
	char *url;
	char *authorization;
	char *password;
	char *secret;
};

/* Wipes and frees. */
void notify_secrets_clear(struct notify_secrets *s);

struct notify_context {
	struct transport *transport;
	sd_event *event;
};

/* Whether the key is one of this type's, or of all types. */
bool notify_has_key(const struct notify_params *params, const char *key);
const char *notify_type_name(const struct notify_params *params);

/* Whether parameters are fit, as far as can be told without their secrets: -EINVAL with *reterr
 * (caller frees) and *ret_key, the key that is at fault (NULL: one that is missing), -ENOMEM. */
int notify_check(const struct notify_params *params, const char **ret_key, char **reterr);

/* Borrows params for its life and what context holds; takes the secrets over, also on failure.
 * -EINVAL with *reterr where a secret is not what it is to be, or what notify_check() refuses. */
int notify_new(const char *name, const struct notify_params *params, struct notify_secrets *secrets,
	const struct notify_context *context, struct notify **ret, char **reterr);
/* Cancels its calls. NULL is allowed; returns NULL. */
struct notify *notify_free(struct notify *n);

DEFINE_CLEANUP(struct notify *, notify_free)

const char *notify_name(const struct notify *n);
const struct notice_filter *notify_filter(const struct notify *n);
const struct outbox_policy *notify_policy(const struct notify *n);
/* Whether it holds alerts up, rather than be told once. */
bool notify_is_alert(const struct notify *n);
/* Whether it keeps an incident of its own open until it hears of the end. */
bool notify_waits_for_end(const struct notify *n);
/* Whether its messages are for a person to read as they are, and to follow their link. */
bool notify_is_for_people(const struct notify_params *params);

/* One message, as it is to be sent. */
struct notify_message {
	const char *text;        /* notice_json()'s */
	const char *delivery;    /* the same each time this message is sent */
	const char *thread;      /* what the first message of its incident brought; NULL: nothing */
	struct notice_span span; /* of an alert */
};

/* Why an attempt failed, for counting. */
extern const char *const notify_reasons[];
extern const size_t n_notify_reasons;

struct notify_result {
	const char *reason; /* of notify_reasons; NULL: it was delivered */
	const char *text;   /* one line, without secrets; NULL: nothing to say */
	usec_t retry_after;
	const char *thread; /* later messages of the incident belong to it; NULL: there is none */
};

typedef void (*notify_done_fn)(void *userdata, const struct notify_result *result);

/* Exactly one callback, from the event loop, unless cancelled. The letter is copied as far as
 * needed. -errno where not even an attempt could be made. */
int notify_send(struct notify *n, const struct notify_message *message, notify_done_fn done,
	void *userdata, struct notify_call **ret);

/* No callback comes after this; a command is killed. NULL is allowed; returns NULL. */
struct notify_call *notify_cancel(struct notify_call *c);
