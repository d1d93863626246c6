/* SPDX-License-Identifier: Apache-2.0
 * The Kubernetes API, core/v1: which driver pods there are, and what became of one. Errors and
 * bounds as in wire/spark_rest.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "core/facts/owner_hint.h"
#include "wire/kube_object.h"

enum kube_phase {
	KUBE_PENDING,
	KUBE_RUNNING,
	KUBE_SUCCEEDED,
	KUBE_FAILED,
	KUBE_UNKNOWN, /* the API server does not know, or has a word that is none of these */
	KUBE_PHASE_MAX
};

/* A driver's pod. Its names go into URLs: they are checked to be names. */
struct kube_pod {
	char *uid;
	char *namespace;
	char *name;
	char *node;         /* NULL: on none yet */
	char *app_id;       /* Spark's, by its label; NULL: it has none */
	char *app_name;     /* likewise, for people */
	char *operator_app; /* name of the SparkApplication that it is of; NULL: of none */
	char *ip;           /* an IPv4 or IPv6 address; NULL: none yet */
	struct kube_owner owner;
	uint16_t ui_port; /* of its container port spark-ui; 0: it has none */
	enum kube_phase phase;
	bool terminating;       /* somebody has deleted it, and it is still there */
	bool lost;              /* its node does not report: it may run all the same */
	bool driver_ended;      /* the driver's container has ended, whatever others do */
	bool restarts;          /* the kubelet starts a container anew that has ended */
	bool is_driver;         /* its label spark-role says so: driver or connect-server */
	bool host_network;      /* its address is its node's: others may be there, too */
	struct owner task;      /* of Airflow, whose it is, by its annotations */
	struct owner_hint hint; /* by its labels */
	char *why; /* "Unschedulable: 0/3 nodes are available", printable; NULL: nothing */
};

struct kube_pod_list {
	struct kube_pod *items;
	size_t n;
	struct left_out left_out;
	char *next;    /* what asks for the next page; NULL: this was the last */
	char *version; /* of the cluster at that time, opaque; NULL: it does not say */
};

void kube_pod_clear(struct kube_pod *p);
void kube_pod_list_clear(struct kube_pod_list *l);

/* A page of a PodList. A row that cannot be used is left out. Anything but a PodList is -EBADMSG:
 * what is empty by mistake would end all apps. */
int kube_decode_pods(const char *body, size_t len, struct kube_pod_list *ret, char **reterr);

/* Moves the rows of a page to the end of to, and takes over what asks for the next. -E2BIG: more
 * than KUBE_MAX_ITEMS. */
int kube_pods_add_page(struct kube_pod_list *to, struct kube_pod_list *page);

/* What became of a pod since a list. */
struct kube_change {
	struct kube_pod pod; /* as it is now, or was at last */
	bool gone;           /* it is deleted, or the list would not have it any more */
	size_t at;           /* the how manieth it is of the answer */
};

struct kube_changes {
	struct kube_change *items;
	size_t n;
	char *version; /* after the last of them; NULL: nothing has changed */
	bool expired;  /* the API server no longer knows what has changed: list anew */
};

void kube_changes_clear(struct kube_changes *c);

/* The answer to a watch that has come to its end: a WatchEvent a line. Any that cannot be used
 * makes the whole of no use, -EBADMSG: what it says would be missed. ret is zeroed. */
int kube_decode_changes(const char *body, size_t len, struct kube_changes *ret, char **reterr);

/* For the decoders of the API: a pod's object, and metadata.resourceVersion (*ret is replaced; NULL
 * where it has none that could be asked with). */
int kube_take_pod(const cJSON *json, struct kube_pod *ret, char **reterr);
int kube_take_version(const cJSON *json, char **ret);

/* "reason: message" of an object, either of which may be absent, printable. *ret is replaced; it
 * stays as it is where both are. */
int kube_take_why(const cJSON *o, char **ret, char **reterr);

/* One Pod. */
int kube_decode_pod(const char *body, size_t len, struct kube_pod *ret, char **reterr);

/* Whether the pod's app has ended, by the pod's own state. */
enum app_end kube_pod_end(const struct kube_pod *p);

/* Whether it has yet to start, and its status does not say what keeps it. */
bool kube_pod_waits_unexplained(const struct kube_pod *p);

/* "pod NAMESPACE/NAME on node NODE: Running, terminating: why". The caller frees it. */
int kube_pod_text(const struct kube_pod *p, char **ret);

/* What an error says: the message of its Status, one line. *ret_reason is its reason ("NotFound",
 * "Expired"), "" where it has none. Both are the caller's. "" for both where the body is no Status.
 * -ENOMEM. */
int kube_error_text(const char *body, size_t len, char **ret_reason, char **ret);
