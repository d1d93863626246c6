/* SPDX-License-Identifier: Apache-2.0
 * Which task instance of Airflow an app belongs to, by a driver's answer. Errors as in
 * wire/spark_rest.h. */
#pragma once

#include <stddef.h>

#include "core/facts/model.h"

/* .../environment: the owner from spark.airflow.{dag_id,run_id,task_id,map_index,try_number} of
 * sparkProperties. Where Spark has redacted an id (it does so by value: any that holds "token",
 * "secret" or "password"), all five are read from spark.airflow.identity, which holds them in
 * hexadecimal, one a line. Where dag_id, run_id or task_id is not set, *ret is unknown (all NULL)
 * and 0 is returned; ids over 250 bytes or numbers that are none are -EBADMSG naming the property.
 */
int spark_decode_owner(const char *body, size_t len, struct owner *ret, char **reterr);
