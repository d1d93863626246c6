/* SPDX-License-Identifier: Apache-2.0
 * The kernel's randomness. */
#pragma once

#include <stdint.h>

/* Without it, which no Linux lacks once it has booted, -errno. */
int random_u64(uint64_t *ret);

#define RANDOM_KEY_SIZE 65

/* A key for io/hmac: 256 bits, as hexadecimal digits. -errno as above. */
int random_key(char ret[static RANDOM_KEY_SIZE]);
