/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as a recording, as what a person asks over the control socket, as what a
 * receiver of messages answers, and as what py-spy says. */
#include <stddef.h>
#include <stdint.h>

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
	_cleanup_free_ char *not_answer = NULL;
	_cleanup_free_ char *not_pause = NULL;
	_cleanup_free_ char *name = NULL;
	_cleanup_free_ char *not_name = NULL;
	_cleanup_free_ char *thread = NULL;
	_cleanup_free_ char *not_taken = NULL;
	_cleanup_free_ char *place = NULL;
	_cleanup_free_ char *not_dump = NULL;

	(void)recording_decode(body, size, &answer, &not_answer);
	(void)control_pause_decode(body, size, &pause, &not_pause);
	(void)control_name_decode(body, size, "incident", &name, &not_name);
	(void)notice_slack_decode_answer(body, size, &thread, &not_taken);
	(void)py_spy_decode(body, size, &place, &not_dump);
	recorded_answer_clear(&answer);
	control_pause_clear(&pause);
	return 0;
}
