/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as the answers of a YARN ResourceManager. */
#include <stddef.h>
#include <stdint.h>

#include "decode.h"

#include "wire/yarn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	_cleanup_(master_state_clear) struct master_state state = {0};
	_cleanup_free_ char *words = NULL;
	_cleanup_free_ char *text = NULL;
	enum app_end end;
	size_t n;
	size_t n_visible;

	(void)TRY(yarn_decode_apps(body, size, &state, &err));
	(void)TRY(yarn_decode_end(body, size, "application_1_0001", &end, &words, &err));
	(void)TRY(yarn_count_visible(body, size, &n, &n_visible, &err));
	(void)yarn_error_text(body, size, &text);
	return 0;
}
