/* SPDX-License-Identifier: Apache-2.0
 * What a type of notify is, for src/notify only. */
#pragma once

#include "notify/notify.h"

struct notify {
	char *name;
	const struct notify_params *params; /* borrowed */
	const struct notify_ops *ops;
	struct notify_context context;
	struct notify_secrets secrets;
	struct notice_filter filter; /* borrows from params */
	struct outbox_policy policy;
	char *template;           /* joined; NULL: none */
	struct endpoint endpoint; /* of a webhook, less its URL */
	struct notify_call *calls;
};

struct notify_call {
	struct notify *notify;
	struct notify_call *next;
	notify_done_fn done;
	void *userdata;
	struct transport_request *request; /* webhook */
	struct spawn *spawn;               /* command */
};

struct notify_ops {
	const char *name; /* of type= */
	bool asks;        /* has the keys of whom is asked */
	/* Names of the keys that not every type has, NULL at the end. One that another type names
	 * and this one does not is refused here. */
	const char *const *keys;
	/* As notify_check(), of what is this type's own. */
	int (*check)(const struct notify_params *p, const char **ret_key, char **reterr);
	/* Whether the secrets are fit: NULL, or why not; static. */
	const char *(*object)(const struct notify *n);
	/* Begins; ends in notify_call_end(). */
	int (*send)(struct notify_call *c, const struct notify_message *message);
};

extern const struct notify_ops notify_webhook;
extern const struct notify_ops notify_command;

/* The part of a webhook that depends on format=. Texts are static; NULL: none. */
struct webhook_format {
	const char *(*url)(const struct notify_params *p); /* where url= is not set; may be NULL */
	const char *path;                                  /* to be added to url= */
	bool template;                                     /* is allowed */
	bool channel;                                      /* is allowed */
	bool takes_secret; /* secret_file is needed, and part of the body */
	/* *ret is the caller's, who wipes it. */
	int (*body)(const struct notify *n, const struct notify_message *m, char **ret);
};

const struct webhook_format *webhook_format_of(const struct notify_params *p);
/* Whether the body or a header holds the secret, which then signs nothing. */
bool webhook_sends_secret(const struct notify_params *p);

/* The operations of a type=, by its value. */
const struct notify_ops *notify_ops_of(int type);

/* Calls back and frees the call. */
void notify_call_end(struct notify_call *c, const struct notify_result *result);

/* Says in *reterr and *ret_key what is wrong. Returns -EINVAL, or -ENOMEM. */
int notify_refuse(const char *key, const char *text, const char **ret_key, char **reterr);

/* Lines as one text, with glue between. */
int notify_join(const struct strlist *lines, const char *glue, char **ret);
