/* SPDX-License-Identifier: Apache-2.0
 * Decoder of annotations and labels that say whose a pod is. */
#include "wire/kube_task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/strbuf.h"

#define MAX_LABEL 63

/* The five of one object: of labels or annotations. Borrowed. */
struct five {
	const char *dag_id;
	const char *run_id;
	const char *task_id;
	int64_t map_index;
	int64_t try_number;
};

static const char *text_of(const cJSON *o, const char *name)
{
	_cleanup_free_ char *err = NULL;
	const char *s = NULL;

	return json_get_string(o, name, JSON_OPTIONAL, &s, &err) > 0 && *s ? s : NULL;
}

/* false: it is no number. Absent is absent. */
static bool take_number(const cJSON *o, const char *name, int64_t absent, int64_t *ret)
{
	const char *s = text_of(o, name);
	uint64_t n = 0;

	*ret = absent;
	if (!s || str_equal(s, "-1"))
		return true;
	if (parse_u64(s, &n) < 0 || n > INT32_MAX)
		return false;
	*ret = (int64_t)n;
	return true;
}

static bool take_five(const cJSON *metadata, const char *field, size_t max, struct five *ret)
{
	_cleanup_free_ char *err = NULL;
	const cJSON *o = NULL;
	const char **ids[] = {&ret->dag_id, &ret->run_id, &ret->task_id};
	static const char *const names[] = {"dag_id", "run_id", "task_id"};

	if (json_get_object(metadata, field, JSON_OPTIONAL, &o, &err) <= 0)
		return false;
	for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
		*ids[i] = text_of(o, names[i]);
		if (!*ids[i] || strlen(*ids[i]) > max || json_check_id(names[i], *ids[i], &err) < 0)
			return false;
	}
	return take_number(o, "map_index", -1, &ret->map_index) &&
	       take_number(o, "try_number", 0, &ret->try_number) && ret->try_number > 0;
}

static int copy_owner(const struct five *f, struct owner *ret)
{
	int r = str_replace(&ret->dag_id, f->dag_id);

	if (r >= 0)
		r = str_replace(&ret->run_id, f->run_id);
	if (r >= 0)
		r = str_replace(&ret->task_id, f->task_id);
	ret->map_index = f->map_index;
	ret->try_number = f->try_number;
	ret->via = OWNER_VIA_ANNOTATIONS;
	return r;
}

static int copy_labels(const struct five *f, struct owner_hint *ret)
{
	int r = str_replace(&ret->dag_label, f->dag_id);

	if (r >= 0)
		r = str_replace(&ret->run_label, f->run_id);
	if (r >= 0)
		r = str_replace(&ret->task_label, f->task_id);
	ret->map_index = f->map_index;
	ret->try_number = f->try_number;
	return r;
}

int kube_take_task(const cJSON *metadata, struct owner *ret, struct owner_hint *ret_hint)
{
	struct five f = {0};
	int r = 0;

	owner_clear(ret);
	owner_hint_clear(ret_hint);
	if (take_five(metadata, "annotations", JSON_MAX_ID, &f))
		r = copy_owner(&f, ret);
	if (r >= 0 && take_five(metadata, "labels", MAX_LABEL, &f))
		r = copy_labels(&f, ret_hint);
	return r;
}
