/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as a recording, and as what a person asks over the control socket. */
#include <stddef.h>
#include <stdint.h>

#include "wire/control.h"
#include "wire/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	struct recorded_answer answer = {0};
	struct control_pause pause = {0};
	_cleanup_free_ char *not_answer = NULL;
	_cleanup_free_ char *not_pause = NULL;

	(void)recording_decode(body, size, &answer, &not_answer);
	(void)control_pause_decode(body, size, &pause, &not_pause);
	recorded_answer_clear(&answer);
	control_pause_clear(&pause);
	return 0;
}
