/* SPDX-License-Identifier: Apache-2.0
 * Of a driver on Kubernetes: whether it has ended, by the API server's word, and how it is ended.
 * Which pod it is, its mark tells: a line of kube_driver_print(). For src/source/kubernetes.c. */
#pragma once

#include "source/source.h"

/* Two looks where a SparkApplication controls the pod: it may start the next driver. -ENOENT: which
 * pod it is, is not known. */
int kube_end_look(struct source *s, const char *api, const struct app_ref *ref, source_looked_fn fn,
	void *userdata, struct source_call **ret);

/* *ret borrows from all three. false: not by way of via, or only in a way that is undone. */
bool kube_end_point(const struct source *s, const char *const *api, const struct app_ref *ref,
	enum kill_via via, struct kill_point *ret);

/* Adds to a fault what the API server says of an error: which right is missing. *ret_reason is the
 * reason of its Status, the caller's; NULL where there is none. */
void kube_add_words(const struct transport_answer *a, struct fault *fault, char **ret_reason);
