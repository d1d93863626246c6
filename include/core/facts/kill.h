/* SPDX-License-Identifier: Apache-2.0
 * The ways to end an app: which one a rule asks for, and by which protocol that is done. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A rule's kill_via=. */
enum kill_via {
	KILL_VIA_CLUSTER,     /* at its cluster manager */
	KILL_VIA_JOB,         /* the Spark jobs that use the stage */
	KILL_VIA_STAGE,       /* the stage, and with it the jobs that use it */
	KILL_VIA_DRIVER,      /* the driver's process, on this host */
	KILL_VIA_SUSPEND,     /* on Kubernetes: spec.suspend of the SparkApplication of its pod */
	KILL_VIA_APPLICATION, /* its SparkApplication is deleted */
	KILL_VIA_POD,         /* its pod is deleted */
	KILL_VIA_MAX
};

const char *kill_via_name(enum kill_via v);
/* Names by value, NULL at the end. */
extern const char *const kill_via_names[];

/* One file in action/ each. */
enum kill_kind {
	KILL_NONE,
	KILL_STANDALONE,
	KILL_YARN,
	KILL_JOB,
	KILL_STAGE,
	KILL_PROCESS,
	KILL_SUSPEND,
	KILL_SUSPEND_OR_DELETE, /* where the SparkApplication has no suspend, it is deleted */
	KILL_APPLICATION,
	KILL_POD,
	KILL_KIND_MAX
};

struct endpoint;

/* Where and how an app is killed. All borrowed. */
struct kill_point {
	enum kill_kind kind;
	const char *const *urls; /* without slashes at their ends; of an HA pair one is alive; of a
				    job or stage, the driver's */
	size_t n_urls;
	size_t first;                    /* is asked first */
	const struct endpoint *endpoint; /* how they are asked; io/endpoint.h */
	pid_t pid;                       /* of KILL_PROCESS: who it is */
	uint64_t pid_started;
	const char *mark; /* of Kubernetes' kinds: which pod; kube_driver_parse() */
};
