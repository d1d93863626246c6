/* SPDX-License-Identifier: Apache-2.0
 * What the objects of the Kubernetes API have in common: kinds, names, and what controls them. */
#pragma once

#include "wire/json.h"

/* Groups of the operators' APIs, and what both call theirs. */
#define KUBE_KUBEFLOW_GROUP "sparkoperator.k8s.io"
#define KUBE_APACHE_GROUP "spark.apache.org"
#define KUBE_APPLICATIONS "sparkapplications"
#define KUBE_MAX_NAME 253    /* of a pod; of a namespace or a label's value 63 */
#define KUBE_MAX_ITEMS 20000 /* of a list, over all of its pages */
#define KUBE_MAX_WHY 240     /* of what is said of an object, in a line */

/* What would start a pod anew that is deleted. */
enum kube_owner_type {
	KUBE_OWNER_NONE,
	KUBE_OWNER_KUBEFLOW, /* a SparkApplication of the kubeflow operator */
	KUBE_OWNER_APACHE,   /* a SparkApplication of the Apache operator */
	KUBE_OWNER_OTHER     /* a Deployment, a Job, a SparkConnect, say */
};

struct kube_owner {
	enum kube_owner_type type;
	char *version; /* "sparkoperator.k8s.io/v1beta2" */
	char *kind;
	char *name;
	char *uid; /* NULL: not known, only a label names it */
};

/* Parses an object of that kind. *ret is to be freed also on failure. */
int kube_parse_kind(const char *body, size_t len, const char *kind, cJSON **ret, char **reterr);

/* Whether s is a name of a namespace: a DNS label. */
bool kube_is_namespace(const char *s);
/* Whether s is a name of a pod, or of another object: a DNS subdomain. */
bool kube_is_name(const char *s);

/* A name of metadata, which goes into URLs: may_be says what may be one. */
int kube_copy_name(const cJSON *meta, const char *field, bool (*may_be)(const char *s), char **ret,
	char **reterr);

/* One without a value says nothing: *ret stays as it is, as where there is none. */
int kube_copy_label(const cJSON *labels, const char *name, char **ret, char **reterr);

/* What a message says, which can be a whole log: the line of it that tells why. Where there is no
 * such field *ret stays as it is. */
int kube_copy_why(const cJSON *o, const char *field, char **ret, char **reterr);

/* What asks for the next page of a list; *ret stays as it is where this was the last. */
int kube_take_next(const cJSON *json, char **ret, char **reterr);
/* The same, and the items of the page. -E2BIG: more than KUBE_MAX_ITEMS. */
int kube_take_page(const cJSON *json, char **ret_next, const cJSON **ret_items, char **reterr);

/* The n rows of a list, and behind them those of a page, which are moved; of that size each. *ret
 * takes the place of items. -E2BIG: more than KUBE_MAX_ITEMS; -ENOMEM. */
int kube_join_rows(void *items, size_t n, const void *page, size_t n_page, size_t size, void **ret);
/* The same of the rows that were left out. */
void kube_join_left_out(struct left_out *to, const struct left_out *page);

/* An IPv4 or IPv6 address, written anew, so that a URL has it in its one form. Anything else leaves
 * *ret as it is. -ENOMEM. */
int kube_copy_ip(const char *text, char **ret);

/* What controls the object of these metadata. Where no ownerReference does, a SparkApplication that
 * a label names: operator_app, or NULL. ret is zeroed, and to be cleared also on failure. */
int kube_take_owner(
	const cJSON *meta, const char *operator_app, struct kube_owner *ret, char **reterr);
/* to is zeroed, and to be cleared also on failure. */
int kube_owner_copy(struct kube_owner *to, const struct kube_owner *from);
void kube_owner_clear(struct kube_owner *o);
