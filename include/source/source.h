/* SPDX-License-Identifier: Apache-2.0
 * A source says which apps there are and where their drivers are, and whether an app has ended. A
 * new one is one file with a struct source_ops, one row in types.c, its tests and its entry in the
 * man page. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/param.h"
#include "core/facts/kill.h"
#include "core/facts/owner_hint.h"
#include "core/facts/permissions.h"
#include "io/endpoint_params.h"
#include "io/transport.h"
#include "source/answer.h"

/* A driver to be polled. */
struct target {
	char *url;    /* NULL: the app is listed, its driver's address is not known */
	char *app_id; /* NULL: whoever answers there */
	char *name;   /* with app_id: as the cluster manager says */
	char *user;
	bool configured;    /* the URL is from the configuration: credentials may go there */
	bool restarts;      /* another driver may come to answer there as the same app */
	bool proxied;       /* somebody between passes on: a connection that is kept is theirs */
	bool may_lack;      /* a port of a range: that nobody listens there is no fault */
	bool waits;         /* submitted, and nothing of it has started: about says for what */
	char *about;        /* what its cluster manager says of it, for people; NULL: nothing */
	char *uid;          /* of what is there now: another one has another. NULL: not known, and
			       nothing is said of the owner */
	struct owner owner; /* as its cluster manager says */
	struct owner_hint hint; /* likewise */
};

void target_clear(struct target *t);

/* Valid during the call. r < 0: no list was to be had, and nothing is known of what runs; asked
 * says why. */
struct target_list {
	int r;
	const struct target *items;
	size_t n;
	bool partial;              /* rows were left out: what is not listed may run all the same */
	const struct asked *asked; /* who was asked for it, and what came of that */
	size_t n_asked;
};

/* Which driver process an app is, for saying later that it has ended. */
struct app_ref {
	const char *app_id;
	const char *url;
	pid_t pid; /* 0: not known */
	uint64_t pid_started;
	char *mark; /* what its source knows it by, beyond a restart, one line; NULL: nothing */
};

typedef void (*source_listed_fn)(void *userdata, const struct target_list *list);
typedef void (*source_looked_fn)(void *userdata, enum app_end end, const char *text);

struct source;

struct source_call;

struct source_params;

/* What an answer to a look says: 0 with *ret and, if it has words for it, *ret_words (the caller
 * frees them). -errno with words: nothing, another of the source's URLs may know. */
typedef int (*source_judge_fn)(const struct source_call *call, const struct transport_answer *a,
	enum app_end *ret, char **ret_words);

/* A look under way. */
struct source_call {
	struct source *source;
	struct transport_request *request;
	char *app_id;
	pid_t pid;
	uint64_t pid_started;
	char *mark;
	source_looked_fn fn;
	void *userdata;
	char *path; /* of a look at one URL after the other; or of the look after this one */
	source_judge_fn judge;
	size_t at;    /* the URL that is asked */
	size_t tried; /* of them */
};

/* A request of a self-test: POST with a body, else GET. */
struct access_step {
	const char *base; /* borrowed of the source */
	char *path;       /* below it */
	char *body;
	const char *of; /* what it is about, static; NULL: of no interest */
	bool finds;     /* asks whether that is there: where 404 says no, its steps are left out */
	const char *verb; /* the right that is asked for, static */
	const char *resource;
};

void access_step_clear(struct access_step *step);

/* Who tells the CPU time of an app's executors, where an API server knows their pods: the kubelets
 * of their nodes, through it, or a probe of ours on each node. */
struct cpu_point {
	const char *api;       /* its base */
	const char *namespace; /* of the pods */
	const struct endpoint *endpoint;
	bool probe;
};

struct source_ops {
	const char *name;   /* of type= */
	unsigned permits;   /* how its apps can be ended: bits 1 << KILL_VIA_* */
	bool names_drivers; /* its drivers' URLs are from the configuration: credentials may go
			       there */
	bool cluster_driver_ends_well; /* a driver that its cluster runs, and whose app is killed,
					  ends as if all were well */
	bool pods; /* its drivers are pods: gone, they may count as success, and they outlive the
		      process of their task */
	bool lists_late;     /* right after its start it lists no app that it will know later */
	bool lists_each_url; /* each of its URLs lists apps of its own, and none is for another */
	const char *const *own_keys; /* of source_params, that no other type has; NULL: none */
	bool nodemanagers; /* its executors may run in containers whose NodeManager tells their
			      CPU */
	/* Checks the parameters for this type and prepares: urls, which are the section's, are to
	 * be there afterwards. -EINVAL with *reterr. */
	int (*check)(struct source *s, const struct source_params *params, char **reterr);
	/* Exactly one callback, unless cancelled; it may come before list() returns. */
	int (*list)(struct source *s, source_listed_fn fn, void *userdata);
	void (*cancel_list)(struct source *s);
	/* Notes what look(), and a kill, will need, while the app still runs: its pid, or its mark,
	 * which is the caller's. */
	void (*identify)(struct source *s, struct app_ref *ref);
	/* Whether the app has ended, on the word of who may say so. One at a time per source_call.
	 */
	int (*look)(struct source *s, const struct app_ref *ref, source_looked_fn fn,
		void *userdata, struct source_call **ret);
	/* Where its cluster manager kills an app, by way of KILL_VIA_CLUSTER or a way that only
	 * this type has. false: not that way. */
	bool (*kill_point)(const struct source *s, const struct app_ref *ref, enum kill_via via,
		struct kill_point *ret);
	/* Who tells the CPU time of an app's executors. false: nobody that it knows of. *ret
	 * borrows from s until its next list. NULL: never. */
	bool (*cpu_point)(const struct source *s, const struct app_ref *ref, struct cpu_point *ret);
	/* The requests that show whether its apps may be killed in these ways, one after the other:
	 * fills in number i, which is zeroed, and returns 1; 0: there is none. A step without a
	 * path is passed over. What an answer of 200 to it says; text: why not, or why that is not
	 * known. NULL: there are none. */
	int (*access_step)(struct source *s, unsigned vias, size_t i, struct access_step *ret);
	int (*judge_access)(const struct access_step *step, const struct transport_answer *a,
		enum permission *ret_kill, char **ret_text);
	/* What most likely is behind a fault of a driver that its cluster manager lists; NULL, also
	 * as the answer: there is nothing to say. Static. */
	const char *(*hint)(const struct source *s, const struct fault *f);
	void (*free)(struct source *s);
};

/* Keys of [spark NAME]. */
struct source_params {
	int type;
	struct strlist url;
	struct endpoint_params endpoint;
	struct strlist namespace;
	char *label_selector;
	char *executor_selector;
	char *application_selector;
	int ui_via;
	uint64_t ui_port;
	int cpu_via;
	usec_t timeout;
	uint64_t max_body;
};

extern const struct param_def source_params[];
extern const size_t n_source_params;

/* First member of every implementation. */
struct source {
	const struct source_ops *ops;
	char *name;               /* of [spark NAME] */
	struct strlist urls;      /* of the section, without slashes at the end */
	size_t current;           /* the URL that is asked first: the last that was good */
	struct endpoint endpoint; /* of the section's URLs */
	struct endpoint bare;     /* the same without credentials and certificates: the way alone */
	struct transport *transport;
	struct asked *asked; /* of the list at hand; room for each URL, and two more. NULL: it
				names its drivers, and asks nobody */
	size_t n_asked;
};

/* All is copied; password is the content of password_file, or NULL. -EINVAL with *reterr for
 * parameters that do not fit. */
int source_new(const char *name, const struct source_params *params, const char *password,
	struct transport *transport, struct source **ret, char **reterr);
struct source *source_free(struct source *s);

/* How an address is asked, less its url: with the section's credentials only where configured, that
 * is, the address is of the configuration. One from a page was chosen by an app. Borrowed. */
const struct endpoint *source_endpoint(const struct source *s, bool configured);

/* Where and how an app is ended by way of via. false: not that way; of KILL_VIA_DRIVER also where
 * its process was not seen on this host. *ret borrows from s and ref. */
bool source_kill_point(const struct source *s, const struct app_ref *ref, enum kill_via via,
	struct kill_point *ret);
/* "cluster, job, stage": for errors. The caller frees it. */
int source_permits_text(const struct source_ops *ops, char **ret);

/* Whether a section of that type may have the key. */
bool source_has_key(const struct source_params *params, const char *key);

/* The operations of a type=, by its value. */
const struct source_ops *source_ops_of(int type);
/* For the implementations: notes which process of this host is the driver, if ref's URL is on it
 * and the process can be seen. */
void source_identify_local(struct app_ref *ref);
/* For the implementations: a look that asks path at the current URL, and at the others in turn
 * until judge() has an answer. */
struct source_round {
	const char *path;
	source_judge_fn judge;
};
int source_look_round(struct source *s, const struct app_ref *ref, const struct source_round *round,
	source_looked_fn fn, void *userdata, struct source_call **ret);
/* For the implementations: a kill at the source's URLs, with its credentials. */
void source_point_at(const struct source *s, enum kill_kind kind, struct kill_point *ret);
/* For the implementations: an access test of one step, a GET of path at the current URL. */
int source_access_by_get(
	const struct source *s, size_t i, const char *path, struct access_step *ret);
/* For the implementations: a call that asks url, with credentials, and answers through done with
 * the call as userdata. That one ends it with source_call_finish(). */
int source_call_new(struct source *s, const struct app_ref *ref, const char *url,
	transport_done_fn done, struct source_call **ret);
/* Ends a call and then tells what came of it, in this order: the callback may end the source. */
void source_call_finish(struct source_call *call, enum app_end end, const char *text);
/* Cancels what is under way; no callback comes after it. NULL is allowed; returns NULL. */
struct source_call *source_call_free(struct source_call *call);
/* For the implementations: the current URL was asked for part of a list; what came of it goes into
 * the fault that is returned. */
struct fault *source_note(struct source *s, const char *what);
/* The same of another URL, which outlives the list. */
struct fault *source_note_at(struct source *s, const char *url, const char *what);
/* For the implementations: no list was to be had, and what was noted says why. */
void source_no_list(struct source *s, source_listed_fn fn, void *userdata);
/* GET url with the source's credentials. */
int source_get(struct source *s, const char *url, transport_done_fn done, void *userdata,
	struct transport_request **ret);

DEFINE_CLEANUP(struct source *, source_free)
