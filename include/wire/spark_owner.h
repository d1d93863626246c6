/* SPDX-License-Identifier: Apache-2.0
 * Which task instance of Airflow an app belongs to, by a driver's answer. Errors as in
 * wire/spark_rest.h. */
#pragma once

#include <stddef.h>

#include "core/facts/owner_hint.h"
#include "wire/json.h"

/* Bytes of spark.airflow.identity: five lines in hexadecimal. */
#define SPARK_MAX_IDENTITY ((size_t)2 * (3 * JSON_MAX_ID + 64))

/* .../environment: the owner from spark.airflow.{dag_id,run_id,task_id,map_index,try_number} of
 * sparkProperties. Where Spark has redacted an id (it does so by value: any that holds "token",
 * "secret" or "password"), all five are read from spark.airflow.identity, which holds them in
 * hexadecimal, one a line. Where dag_id, run_id or task_id is not set, *ret is unknown (all NULL)
 * and 0 is returned; ids over 250 bytes or numbers that are none are -EBADMSG naming the property.
 */
int spark_decode_owner(const char *body, size_t len, struct owner *ret, char **reterr);

/* Likewise, what OpenLineage's properties say: spark.openlineage.parentRunId, parentJobNamespace,
 * and rootParentJobName where parentJobName is that of one of its tasks. What is no hint, or is
 * redacted, is left out; the labels of *ret stay. -EBADMSG where the answer is none. */
int spark_decode_lineage(const char *body, size_t len, struct owner_hint *ret, char **reterr);
