/* SPDX-License-Identifier: Apache-2.0
 * getrandom(). */
#include "io/random.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

int random_u64(uint64_t *ret)
{
	return getrandom(ret, sizeof(*ret), 0) == (ssize_t)sizeof(*ret) ? 0 : -EIO;
}

int random_key(char ret[static RANDOM_KEY_SIZE])
{
	for (size_t at = 0; at + 1 < RANDOM_KEY_SIZE; at += 16) {
		uint64_t part;
		int r = random_u64(&part);

		if (r < 0)
			return r;
		(void)snprintf(ret + at, 17, "%016" PRIx64, part);
	}
	return 0;
}
