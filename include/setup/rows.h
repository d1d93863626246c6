/* SPDX-License-Identifier: Apache-2.0
 * Growing arrays whose rows are found by name. */
#pragma once

#include <stddef.h>

/* The row of that name in *rows, made and zeroed where it is missing; size: of one, which begins
 * with its name, a char * that it owns. A pointer holds until the next row is made. NULL: no
 * memory.
 */
void *rows_get(void **rows, size_t *n, size_t size, const char *name);
