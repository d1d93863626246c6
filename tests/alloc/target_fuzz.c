/* SPDX-License-Identifier: Apache-2.0
 * Decodes the file as a target of tests/fuzz does. */
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>

#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char buf[1 << 20];

void target(const char *path)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(buf, 1, sizeof(buf) - 1, f) : 0;

	if (f)
		(void)fclose(f);
	buf[n] = 0;
	(void)LLVMFuzzerTestOneInput((const uint8_t *)buf, n);
}
