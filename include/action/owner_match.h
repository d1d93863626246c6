/* SPDX-License-Identifier: Apache-2.0
 * Whether a task instance is the one that a hint points at. What providers of Airflow write is
 * computed anew: apache-airflow-providers-cncf-kubernetes 4.4.0 to 10.25.0,
 * apache-airflow-providers-openlineage 2.0 to 2.20.3, openlineage-python. */
#pragma once

#include "core/facts/owner_hint.h"
#include "wire/airflow.h"

#define LABEL_VALUE_SIZE 64
#define RUN_UUID_SIZE 37

/* make_safe_label_value() of the Kubernetes provider: what cannot be part of a label is dropped;
 * where anything was, or more than 63 characters are left, the first 53 of them, a dash and nine
 * digits of the text's MD5. -EIO: no MD5. */
int owner_label_value(const char *text, char ret[static LABEL_VALUE_SIZE]);

/* build_task_instance_run_id() of the OpenLineage provider: a UUID of version 7, whose time is the
 * logical date and whose other bits are of a SHA-1. -EIO: no SHA-1; -ENOMEM. */
int owner_run_uuid(
	const char *namespace, const struct running_ti *t, char ret[static RUN_UUID_SIZE]);

/* The DAG whose task instances are to be looked through, as far as the hint tells: NULL where it is
 * hashed. Borrowed. */
const char *owner_hint_dag(const struct owner_hint *h);

/* Whether the labels, or OpenLineage's properties, are t's. 1: they are. -EIO, -ENOMEM. */
int owner_match_labels(const struct owner_hint *h, const struct running_ti *t);
int owner_match_lineage(const struct owner_hint *h, const struct running_ti *t);
