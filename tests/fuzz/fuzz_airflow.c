/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as Airflow's answers. */
#include <stddef.h>
#include <stdint.h>

#include "wire/airflow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	char dag[] = "hang_mapped";
	char run[] = "m1";
	char task[] = "hang_map";
	const struct owner o = {dag, run, task, 1, 0};
	_cleanup_(ti_obs_clear) struct ti_obs ti = {0};
	_cleanup_free_ char *version = NULL;
	_cleanup_free_ char *token = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *err = NULL;
	usec_t expires;
	size_t n;
	bool yes;

	(void)airflow_decode_version(body, size, &version, &err);
	(void)airflow_decode_health(body, size, &yes, &err);
	(void)airflow_decode_token(body, size, &token, &expires, &err);
	(void)airflow_decode_ti(body, size, &o, &ti, &err);
	(void)airflow_decode_cleared(body, size, &o, &n, &yes, &err);
	(void)airflow_error_text(body, size, &text);
	(void)airflow_token_stale(403, body, size);
	return 0;
}
