/* SPDX-License-Identifier: Apache-2.0
 * /allexecutors of a Spark driver: memory of the driver and of its executors, also of those that
 * are gone. Errors and bounds as in wire/spark_evidence.h. */
#pragma once

#include <stddef.h>

#include "core/facts/app_memory.h"

int spark_decode_memory(
	const char *body, size_t len, struct executor_memory_list *ret, char **reterr);
