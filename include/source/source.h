/* SPDX-License-Identifier: Apache-2.0
 * A source says which apps there are and where their drivers are, and whether an app has ended. A
 * new one is one file with a struct source_ops, one row in source.c, its tests and its entry in the
 * man page. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/param.h"
#include "core/model.h"
#include "io/transport.h"

/* A driver to be polled. */
struct target {
	char *url;    /* NULL: the app is listed, its driver's address is not known */
	char *app_id; /* NULL: whoever answers there */
	char *name;   /* with app_id: as the cluster manager says */
	char *user;
	bool configured; /* the URL is from the configuration: credentials may go there */
};

void target_clear(struct target *t);

/* Valid during the call. r < 0: no list was to be had, reason (a word of driver_reasons) and text
 * say why, and nothing is known of what runs. */
struct target_list {
	int r;
	const struct target *items;
	size_t n;
	const char *reason;
	const char *text;
};

/* Which driver process an app is, for saying later that it has ended. */
struct app_ref {
	const char *app_id;
	const char *url;
	pid_t pid; /* 0: not known */
	uint64_t pid_started;
};

typedef void (*source_listed_fn)(void *userdata, const struct target_list *list);
typedef void (*source_looked_fn)(void *userdata, enum app_end end, const char *text);

struct source;

/* A look under way. */
struct source_call {
	struct source *source;
	struct transport_request *request;
	char *app_id;
	pid_t pid;
	uint64_t pid_started;
	source_looked_fn fn;
	void *userdata;
};

/* Where an app can be killed: a standalone master. All borrowed from the source. */
struct kill_point {
	const char *url;
	const char *username;
	const char *password;
	const char *ca_file;
};

struct source_ops {
	const char *name; /* of type= */
	/* Checks the parameters for this type and prepares; -EINVAL with *reterr. */
	int (*check)(struct source *s, char **reterr);
	/* Exactly one callback, unless cancelled; it may come before list() returns. */
	int (*list)(struct source *s, source_listed_fn fn, void *userdata);
	void (*cancel_list)(struct source *s);
	/* Notes what look() will need, while the app still runs. */
	void (*identify)(struct source *s, struct app_ref *ref);
	/* Whether the app has ended, on the word of who may say so. One at a time per source_call.
	 */
	int (*look)(struct source *s, const struct app_ref *ref, source_looked_fn fn,
		void *userdata, struct source_call **ret);
	/* false: an app of this source cannot be killed at its cluster manager. */
	bool (*kill_point)(const struct source *s, struct kill_point *ret);
	void (*free)(struct source *s);
};

/* Keys of [spark NAME]. */
struct source_params {
	int type;
	struct strlist url;
	char *username;
	char *password_file;
	char *ca_file;
	usec_t timeout;
};

extern const struct param_def source_params[];
extern const size_t n_source_params;

/* First member of every implementation. */
struct source {
	const struct source_ops *ops;
	char *name;                         /* of [spark NAME] */
	const struct source_params *params; /* borrowed: the settings outlive their sources */
	struct strlist urls;                /* params->url without slashes at the end */
	char *password;                     /* the content of password_file */
	struct transport *transport;
};

/* params must outlive the source; password is copied. -EINVAL with *reterr for parameters that do
 * not fit. */
int source_new(const char *name, const struct source_params *params, const char *password,
	struct transport *transport, struct source **ret, char **reterr);
struct source *source_free(struct source *s);

/* For the implementations: a call that asks url, with credentials, and answers through done with
 * the call as userdata. That one ends it with source_call_finish(). */
int source_call_new(struct source *s, const struct app_ref *ref, const char *url,
	transport_done_fn done, struct source_call **ret);
/* Ends a call and then tells what came of it, in this order: the callback may end the source. */
void source_call_finish(struct source_call *call, enum app_end end, const char *text);
/* Cancels what is under way; no callback comes after it. NULL is allowed; returns NULL. */
struct source_call *source_call_free(struct source_call *call);
/* GET url with the source's credentials. */
int source_get(struct source *s, const char *url, transport_done_fn done, void *userdata,
	struct transport_request **ret);

DEFINE_CLEANUP(struct source *, source_free)
