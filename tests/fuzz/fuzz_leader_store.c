/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as answers of an API server and of etcd about the record of leadership. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "decode.h"

#include "base/cleanup.h"
#include "wire/leader_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct leader_codec *const codecs[] = {&lease_codec, &etcd_codec};
	const char *body = (const char *)data;
	_cleanup_free_ char *token = NULL;

	for (size_t i = 0; i < ELEMENTSOF(codecs); i++)
		for (int ask = LEADERSHIP_READ; ask < LEADERSHIP_ASK_MAX; ask++) {
			struct leader_answer answer = {0};

			(void)TRY(codecs[i]->answer(
				(enum leadership_ask)ask, 200, body, size, &answer, &err));
			leader_record_clear(&answer.record);
		}
	(void)TRY(etcd_decode_token(body, size, &token, &err));
	return 0;
}
