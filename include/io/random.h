/* SPDX-License-Identifier: Apache-2.0
 * The kernel's randomness. */
#pragma once

#include <stdint.h>

/* Without it, which no Linux lacks once it has booted, -errno. */
int random_u64(uint64_t *ret);
