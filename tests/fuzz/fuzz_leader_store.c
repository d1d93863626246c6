/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as answers of an API server and of etcd about the record of leadership, and as
 * the record that a sound answer of etcd holds, which is base64 there. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "decode.h"

#include "base/base64.h"
#include "wire/leader_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(const struct leader_codec *codec, int status, const char *body, size_t size)
{
	for (int ask = LEADERSHIP_READ; ask < LEADERSHIP_ASK_MAX; ask++) {
		struct leader_answer a = {0};

		(void)TRY(codec->answer((enum leadership_ask)ask, status, body, size, &a, &err));
		leader_record_clear(&a.record);
	}
}

static void answer_with_record(const char *record, size_t size)
{
	_cleanup_free_ char *value = NULL;
	_cleanup_free_ char *body = NULL;

	must(base64_encode(record, size, &value) >= 0);
	must(str_printf(&body,
		     "{\"header\":{},\"kvs\":[{\"mod_revision\":\"7\",\"value\":\"%s\"}]}",
		     value) >= 0);
	answer(&etcd_codec, 200, body, strlen(body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Those that the codecs tell apart. */
	static const int of_lease[] = {200, 404, 409, 500};
	static const int of_etcd[] = {200, 500};
	const char *body = (const char *)data;
	_cleanup_free_ char *token = NULL;

	for (size_t i = 0; i < ELEMENTSOF(of_lease); i++)
		answer(&lease_codec, of_lease[i], body, size);
	for (size_t i = 0; i < ELEMENTSOF(of_etcd); i++)
		answer(&etcd_codec, of_etcd[i], body, size);
	answer_with_record(body, size);
	(void)TRY(etcd_decode_token(body, size, &token, &err));
	return 0;
}
