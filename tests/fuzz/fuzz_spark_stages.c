/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as a list of stages, and as one of executors: the readers say what cJSON says. */
#include <stddef.h>
#include <stdint.h>

#include "../unit/wire/memory_by_cjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	_cleanup_free_ char *difference = NULL;

	/* As the daemon asks first: no byte order mark gets by. */
	if (spark_body_kind(NULL, body, size) != SPARK_BODY_JSON)
		return 0;
	difference = readers_differ(body, size);
	if (!difference)
		difference = memory_readers_differ(body, size);
	if (difference) {
		(void)fprintf(stderr, "%s\n", difference);
		abort();
	}
	return 0;
}
