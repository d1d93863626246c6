/* SPDX-License-Identifier: Apache-2.0
 * Requests of stagewatchctl. */
#include "wire/control.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/json.h"

/* Far beyond any length that makes sense, and far below what overflows. */
#define MAX_SECONDS ((uint64_t)100 * 366 * 24 * 3600)

int control_pause_decode(const char *text, size_t len, struct control_pause *ret, char **reterr)
{
	_cleanup_json_ cJSON *root = NULL;
	struct control_pause p = {0};
	const char *reason = NULL;
	uint64_t seconds = 0;
	int r;

	r = json_parse(text, len, &root, reterr);
	if (r >= 0)
		r = json_get_string(root, "reason", JSON_REQUIRED, &reason, reterr);
	if (r >= 0)
		r = json_get_u64(root, "seconds", JSON_OPTIONAL, &seconds, reterr);
	/* What no text can hold is read as this; who gives an order is to write it as he means it.
	 */
	if (r >= 0 && strchr(reason, '\1'))
		return json_refuse(reterr, "\"reason\" holds what is no text");
	/* Given, and none: not the same as no end. */
	if (r > 0 && seconds == 0)
		return json_refuse(reterr, "\"seconds\" is 0");
	if (r >= 0 && seconds > MAX_SECONDS)
		return json_refuse(reterr, "\"seconds\" is out of range");
	if (r >= 0)
		r = str_replace(&p.reason, reason);
	if (r < 0)
		return r;
	p.length = seconds * USEC_PER_SEC;
	*ret = p;
	return 0;
}

int control_name_decode(const char *text, size_t len, const char *field, char **ret, char **reterr)
{
	_cleanup_json_ cJSON *root = NULL;
	const char *name = NULL;
	int r;

	r = json_parse(text, len, &root, reterr);
	if (r >= 0)
		r = json_get_string(root, field, JSON_REQUIRED, &name, reterr);
	return r < 0 ? r : str_replace(ret, name);
}

int control_name_encode(const char *field, const char *name, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();

	json_add_text(root, field, name);
	return json_print(root, ret);
}

int control_pause_encode(const struct control_pause *p, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	const uint64_t seconds = p->length / USEC_PER_SEC;

	json_add_text(root, "reason", p->reason);
	if (seconds > 0)
		json_add_number(root, "seconds", (double)seconds);
	return json_print(root, ret);
}

void control_pause_clear(struct control_pause *p)
{
	free(p->reason);
	*p = (struct control_pause){0};
}
