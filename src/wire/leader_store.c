/* SPDX-License-Identifier: Apache-2.0
 * What both forms of the record of leadership share. */
#include "wire/leader_store.h"

#include <errno.h>
#include <stdlib.h>

#include "base/secret.h"
#include "wire/json.h"

#define MAX_TEXT 200

void leader_request_clear(struct leader_request *r)
{
	free(r->path);
	secret_free(r->body);
	*r = (struct leader_request){0};
}

uint64_t leader_seconds(usec_t duration)
{
	return (duration + USEC_PER_SEC - 1) / USEC_PER_SEC;
}

int leader_take_duration(int64_t seconds, usec_t *ret, char **reterr)
{
	if (seconds < 1 || seconds > (int64_t)(LEADERSHIP_MAX_DURATION / USEC_PER_SEC))
		return json_refuse(reterr, "the record holds for %lld s", (long long)seconds);
	*ret = (usec_t)seconds * USEC_PER_SEC;
	return 0;
}

int leader_refuse(int status, const char *body, size_t len, const char *member, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *text = NULL;

	if (json_parse(body, len, &json, &err) >= 0)
		(void)json_copy_text(json, member, MAX_TEXT, &text, &err);
	return json_refuse(reterr, "answered %d%s%s", status, text ? ": " : "", text ? text : "");
}
