/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as a recording, as what a person asks over the control socket, as what a
 * receiver of messages answers, and as what py-spy says. */
#include <stddef.h>
#include <stdint.h>

#include "decode.h"

#include "wire/control.h"
#include "wire/notice.h"
#include "wire/py_spy.h"
#include "wire/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	struct recorded_answer answer = {0};
	struct control_pause pause = {0};
	_cleanup_free_ char *name = NULL;
	_cleanup_free_ char *thread = NULL;
	_cleanup_free_ char *place = NULL;

	(void)TRY(recording_decode(body, size, &answer, &err));
	(void)TRY(control_pause_decode(body, size, &pause, &err));
	(void)TRY(control_name_decode(body, size, "incident", &name, &err));
	(void)TRY(notice_slack_decode_answer(body, size, &thread, &err));
	(void)TRY(py_spy_decode(body, size, &place, &err));
	recorded_answer_clear(&answer);
	control_pause_clear(&pause);
	return 0;
}
