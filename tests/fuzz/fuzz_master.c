/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as a standalone master's JSON and page. */
#include <stddef.h>
#include <stdint.h>

#include "decode.h"

#include "wire/master.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	_cleanup_(master_state_clear) struct master_state state = {0};
	_cleanup_(master_page_clear) struct master_page page = {0};
	const char *word;

	(void)TRY(master_decode_state(body, size, &state, &err));
	(void)TRY(master_decode_page(body, size, &page, &err));
	(void)master_app_end(&state, "app-1", &word);
	return 0;
}
