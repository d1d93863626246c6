/* SPDX-License-Identifier: Apache-2.0
 * Decodes events. */
#include "wire/kube_event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/kube.h"

/* When it was seen last. Who writes events in the newer form gives no lastTimestamp (null), and a
 * series only to what has happened more than once (EventSeries of core/v1). NULL: it does not say.
 */
static const char *seen_last(const cJSON *event)
{
	static const struct {
		const char *object; /* NULL: the event's own */
		const char *field;
	} times[] = {
		{"series", "lastObservedTime"},
		{NULL, "lastTimestamp"},
		{NULL, "eventTime"},
		{"metadata", "creationTimestamp"},
	};

	for (size_t i = 0; i < ELEMENTSOF(times); i++) {
		const cJSON *o = times[i].object
					 ? cJSON_GetObjectItemCaseSensitive(event, times[i].object)
					 : event;
		const char *s =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, times[i].field));

		if (s && *s)
			return s;
	}
	return NULL;
}

int kube_decode_last_event(const char *body, size_t len, char **ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *next = NULL;
	_cleanup_free_ char *text = NULL;
	const char *latest = NULL;
	const cJSON *list = NULL;
	const cJSON *event;
	int r = kube_parse_kind(body, len, "EventList", &json, reterr);

	if (r >= 0)
		r = kube_take_page(json, &next, &list, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(event, list)
	{
		_cleanup_free_ char *err = NULL;
		const char *seen = seen_last(event);

		/* Times of RFC 3339, all in UTC: they sort as texts do. */
		if (!seen || (latest && strcmp(seen, latest) < 0))
			continue;
		r = kube_take_why(event, &text, &err);
		if (r == -ENOMEM)
			return r;
		if (r >= 0)
			latest = seen;
	}
	*ret = TAKE_PTR(text);
	return 0;
}
