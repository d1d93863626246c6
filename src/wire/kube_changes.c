/* SPDX-License-Identifier: Apache-2.0
 * What has changed since a list: the lines of a watch. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/kube.h"

#define EXPIRED 410

static const struct {
	const char *word;
	bool gone;
} types[] = {
	{"ADDED", false},
	{"MODIFIED", false},
	{"DELETED", true},
};

void kube_changes_clear(struct kube_changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		kube_pod_clear(&c->items[i].pod);
	free(c->items);
	free(c->version);
	*c = (struct kube_changes){0};
}

/* A Status in place of a pod. */
static int take_error(const cJSON *status, struct kube_changes *c, char **reterr)
{
	uint64_t code = 0;
	int r = json_get_u64(status, "code", JSON_OPTIONAL, &code, reterr);

	if (r < 0)
		return r;
	if (code != EXPIRED)
		return json_refuse(reterr, "an error, code %llu", (unsigned long long)code);
	c->expired = true;
	return 0;
}

static int take_pod(const cJSON *object, bool gone, struct kube_changes *c, char **reterr)
{
	int r = kube_take_pod(object, &c->items[c->n].pod, reterr);

	if (r < 0)
		return r;
	c->items[c->n].gone = gone;
	c->items[c->n].at = c->n;
	c->n++;
	return 0;
}

static int take_event(const cJSON *json, struct kube_changes *c, char **reterr)
{
	const cJSON *object = NULL;
	const char *type = NULL;
	int r = json_get_string(json, "type", JSON_REQUIRED, &type, reterr);

	if (r >= 0)
		r = json_get_object(json, "object", JSON_REQUIRED, &object, reterr);
	if (r < 0)
		return r;
	if (str_equal(type, "ERROR"))
		return take_error(object, c, reterr);
	r = kube_take_version(object, &c->version);
	if (r >= 0 && !c->version)
		r = json_refuse(reterr, "an event without \"resourceVersion\"");
	if (r < 0 || str_equal(type, "BOOKMARK"))
		return r;
	for (size_t i = 0; i < ELEMENTSOF(types); i++)
		if (str_equal(type, types[i].word))
			return take_pod(object, types[i].gone, c, reterr);
	return json_refuse(reterr, "\"type\" is none of a watch");
}

static size_t count_lines(const char *body, size_t len)
{
	size_t n = 1;

	for (const char *p = body; (p = memchr(p, '\n', len - (size_t)(p - body))); p++)
		n++;
	return n;
}

int kube_decode_changes(const char *body, size_t len, struct kube_changes *ret, char **reterr)
{
	_cleanup_(kube_changes_clear) struct kube_changes c = {0};
	const char *end = body + len;
	size_t n = count_lines(body, len);

	if (n > KUBE_MAX_ITEMS)
		return -E2BIG;
	c.items = json_new_items(n, sizeof(*c.items));
	if (!c.items)
		return -ENOMEM;
	for (const char *p = body; p < end;) {
		_cleanup_json_ cJSON *json = NULL;
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t line = newline ? (size_t)(newline - p) : (size_t)(end - p);
		int r = json_parse(p, line, &json, reterr);

		if (r >= 0)
			r = take_event(json, &c, reterr);
		if (r < 0)
			return r;
		p += line + (newline != NULL);
	}
	*ret = TAKE_STRUCT(c);
	return 0;
}
