/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as a driver's jobs and as its pages. */
#include <stddef.h>
#include <stdint.h>

#include "decode.h"

#include "wire/spark_kill.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	struct kill_jobs jobs;
	struct kill_form form = {0};

	(void)TRY(spark_decode_jobs_of_stage(body, size, 0, &jobs, &err));
	(void)TRY(spark_decode_kill_page(body, size, "/stages/stage/kill/", &form, &err));
	kill_form_clear(&form);
	return 0;
}
