/* SPDX-License-Identifier: Apache-2.0
 * The Kubernetes API, core/v1: events, in which kubelets and schedulers say what they do for an
 * object, and what they could not do. Errors and bounds as in wire/spark_rest.h. */
#pragma once

#include <stddef.h>

/* Of an EventList the event that was seen last: "FailedMount: why", printable, the caller's. *ret
 * is NULL where there is none. Warning or not: of a pod that pulls its image the last warning may
 * be of a volume that it has by now. An event that cannot be used is passed over. */
int kube_decode_last_event(const char *body, size_t len, char **ret, char **reterr);
