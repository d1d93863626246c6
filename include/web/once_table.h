/* SPDX-License-Identifier: Apache-2.0
 * What --once prints: apps and stages as an aligned table, with Spark's own bar. */
#pragma once

#include <stdio.h>

#include "core/detect/detector.h"

/* n_silent: drivers or clusters that gave no usable answer. Returns the exit status: 0 all well (or
 * nothing there), 1 something hangs, 2 something could not be looked at and nothing hangs. */
int once_table_print(FILE *out, const struct detector *d, usec_t now, size_t n_silent);
