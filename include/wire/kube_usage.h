/* SPDX-License-Identifier: Apache-2.0
 * Where the executors of an app run on Kubernetes, and what their containers have used. Errors and
 * bounds as in wire/spark_rest.h. */
#pragma once

#include <stddef.h>

#include "wire/kube_object.h"

#define KUBE_MAX_CONTAINERS 20000 /* of a node */
/* The container that Spark itself names. */
#define KUBE_EXECUTOR_CONTAINER "spark-kubernetes-executor"

/* An executor's pod. Its names go into URLs: they are checked to be names. */
struct kube_executor {
	char *id;        /* Spark's, by its label */
	char *uid;       /* of the pod */
	char *node;      /* that it runs on */
	char *host_ip;   /* of that node, IPv4 or IPv6; NULL: not told */
	char *container; /* in which Spark runs; others of the pod are not Spark */
};

struct kube_executor_list {
	struct kube_executor *items;
	size_t n;
	struct left_out left_out;
};

void kube_executor_clear(struct kube_executor *e);
void kube_executor_list_clear(struct kube_executor_list *l);

/* A PodList. Pods that are on no node, have ended or are no executor's are passed over. */
int kube_decode_executors(
	const char *body, size_t len, struct kube_executor_list *ret, char **reterr);

/* A container, and the CPU time that it has used since it began, as read at a time of its node's
 * clock (since 1970): not when it was asked for. The kubelet reads it every ten seconds or so. */
struct kube_usage {
	char *uid; /* of its pod */
	char *container;
	usec_t cpu;
	usec_t read;
};

struct kube_usage_list {
	struct kube_usage *items;
	size_t n;
	struct left_out left_out;
};

void kube_usage_list_clear(struct kube_usage_list *l);

/* A kubelet's /stats/summary (stats/v1alpha1). Containers of which it has no CPU time yet are
 * passed over. */
int kube_decode_usage(const char *body, size_t len, struct kube_usage_list *ret, char **reterr);
