/* SPDX-License-Identifier: Apache-2.0
 * What ending a driver takes at the Kubernetes API: who the driver is, the SparkApplication that
 * controls it, the requests that end either, and whether they are allowed. Errors and bounds as in
 * wire/spark_rest.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/facts/kill.h"
#include "core/facts/model.h"
#include "wire/kube_object.h"

/* Which pod a driver is, and what controls that. */
struct kube_driver {
	char *namespace;
	char *name;
	char *uid;
	struct kube_owner owner;
};

void kube_driver_clear(struct kube_driver *d);

/* One line that kube_driver_parse() reads, for the ledger. The caller frees it. */
int kube_driver_print(const struct kube_driver *d, char **ret);
/* ret is zeroed, and to be cleared also on failure. -EINVAL: not such a line. */
int kube_driver_parse(const char *text, struct kube_driver *ret);

/* Whether its SparkApplication can be asked for. */
bool kube_driver_has_app(const struct kube_driver *d);

/* Paths below the API server's URL; that of the app where there is one. The caller frees them. */
int kube_pod_path(const struct kube_driver *d, char **ret);
int kube_app_path(const struct kube_driver *d, char **ret);

/* How the driver is ended where kill_via says so; KILL_NONE: not that way, or only in one that its
 * owner undoes. */
enum kill_kind kube_kill_kind(const struct kube_driver *d, enum kill_via via);

/* A SparkApplication of either operator. */
struct kube_app {
	char *uid;
	char *state; /* the operator's word, "" where it has none yet */
	char *why;   /* what the operator says of it, one line; NULL: nothing */
	bool waits;  /* its operator has yet to start a driver, the first or the next */
	bool over;   /* its operator starts no driver any more */
	bool suspend;
	bool restarts;  /* its operator would start another driver for one that is deleted */
	char *policy;   /* the restart policy that says so; NULL: none */
	char *pod_name; /* of its driver; NULL: not told */
};

void kube_app_clear(struct kube_app *a);
int kube_decode_app(const char *body, size_t len, enum kube_owner_type type, struct kube_app *ret,
	char **reterr);

/* The same of an object of a list. a is zeroed, and to be cleared also on failure. */
int kube_take_app(const cJSON *json, enum kube_owner_type type, struct kube_app *a, char **reterr);

/* Bodies of requests; the object of another uid is not touched. The caller frees them. */
int kube_delete_body(const char *uid, char **ret);
int kube_suspend_body(const char *uid, char **ret);

/* What a right is for: of one namespace, or "" for all. */
struct kube_right {
	const char *verb;
	const char *group; /* "" is the core's */
	const char *resource;
	const char *namespace;
};

#define KUBE_REVIEWS_PATH "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

int kube_review_body(const struct kube_right *right, char **ret);
int kube_decode_review(const char *body, size_t len, bool *ret_allowed, char **reterr);
