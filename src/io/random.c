/* SPDX-License-Identifier: Apache-2.0
 * getrandom(). */
#include "io/random.h"

#include <errno.h>
#include <sys/random.h>

int random_u64(uint64_t *ret)
{
	return getrandom(ret, sizeof(*ret), 0) == (ssize_t)sizeof(*ret) ? 0 : -EIO;
}
