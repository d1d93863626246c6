/* SPDX-License-Identifier: Apache-2.0
 * What a pod's metadata says of the task instance of Airflow that it is of. */
#pragma once

#include "core/facts/owner_hint.h"
#include "wire/json.h"

/* Annotations dag_id, run_id, task_id, try_number and map_index, which hold the ids as they are:
 * those of a worker of KubernetesExecutor, and those that our cluster policy sets. Labels of these
 * names: those of KubernetesPodOperator and SparkKubernetesOperator. Anybody may have annotations
 * and labels of such names: what is not whole, or no id, is none, and no fault of the pod. Both are
 * replaced. -ENOMEM. */
int kube_take_task(const cJSON *metadata, struct owner *ret, struct owner_hint *ret_hint);
