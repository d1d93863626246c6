/* SPDX-License-Identifier: Apache-2.0
 * What the kubelet puts into the reach of a pod: how it reaches its API server, and as whom. */
#pragma once

#define KUBE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

/* The base URL of the API server; the caller's. -EINVAL with *reterr outside a pod, -ENOMEM. */
int kube_inside_url(char **ret, char **reterr);
