/* SPDX-License-Identifier: Apache-2.0
 * The hash of an id, modulo the number of shards. */
#include "base/shard.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/parse.h"

int shard_parse(const char *text, struct shard *ret)
{
	const char *slash = strchr(text, '/');
	_cleanup_free_ char *first = NULL;
	struct shard s;

	if (!slash)
		return -EINVAL;
	first = strndup(text, (size_t)(slash - text));
	if (!first)
		return -ENOMEM;
	if (parse_u64(first, &s.k) < 0 || parse_u64(slash + 1, &s.n) < 0)
		return -EINVAL;
	if (s.k < 1 || s.k > s.n || s.n > SHARD_MAX)
		return -EINVAL;
	*ret = s;
	return 0;
}

bool shard_has(const struct shard *s, const char *id)
{
	return s->n <= 1 || digest_of(id, strlen(id)).low % s->n == s->k - 1;
}
