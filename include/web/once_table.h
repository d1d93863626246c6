/* SPDX-License-Identifier: Apache-2.0
 * What --once prints: apps and stages as an aligned table, with Spark's own bar. */
#pragma once

#include <stdio.h>

#include "core/detect/detector.h"
#include "setup/health.h"

/* The apps and stages, and what could not be had. Returns the exit status: 1 where a stage is hung,
 * 2 where something could not be had, else 0. */
int once_table_print(FILE *out, const struct detector *d, const struct health *health, usec_t now);
