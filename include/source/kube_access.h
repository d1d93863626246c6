/* SPDX-License-Identifier: Apache-2.0
 * Which rights ending a driver on Kubernetes takes, and whether they are there. For
 * src/source/kubernetes.c. */
#pragma once

#include "source/source.h"

/* source_ops.access_step: asks for each right in each namespace, or, where there are none, in all.
 */
int kube_access_step(const char *api, const struct strlist *namespaces, unsigned vias, size_t i,
	struct access_step *ret);
/* source_ops.judge_access. */
int kube_judge_access(const struct access_step *step, const struct transport_answer *a,
	enum permission *ret_kill, char **ret_text);
