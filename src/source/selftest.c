/* SPDX-License-Identifier: Apache-2.0
 * One GET that tells whether kills are allowed. */
#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "source/selftest.h"

struct source_test {
	struct source *source;
	struct transport_request *request;
	source_tested_fn fn;
	void *userdata;
};

struct source_test *source_test_cancel(struct source_test *t)
{
	if (!t)
		return NULL;
	transport_cancel(t->source->transport, t->request);
	free(t);
	return NULL;
}

static void on_answer(void *userdata, const struct transport_answer *a)
{
	struct source_test *t = userdata;
	const struct source_test saved = *t;
	_cleanup_free_ char *text = NULL;
	enum permission kill = PERMISSION_UNKNOWN;
	int r = 0;

	free(t);
	if (a->error < 0) {
		r = a->error;
		(void)str_printf(&text, "%s", a->error_text);
	} else if (a->status == 401 || a->status == 403) {
		kill = PERMISSION_DENIED;
		(void)str_printf(&text, "it answered %d", a->status);
	} else if (a->status != 200) {
		r = -EIO;
		(void)str_printf(&text, "it answered %d", a->status);
	} else {
		r = saved.source->ops->judge_access(a, &kill, &text);
	}
	saved.fn(saved.userdata, r, kill, text);
}

int source_selftest(struct source *s, source_tested_fn fn, void *userdata, struct source_test **ret)
{
	_cleanup_free_ char *url = NULL;
	struct source_test *t;
	int r;

	if (!s->ops->access_path)
		return -EOPNOTSUPP;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->source = s;
	t->fn = fn;
	t->userdata = userdata;
	r = str_printf(&url, "%s%s", s->urls.items[s->current], s->ops->access_path);
	if (r >= 0)
		r = source_get(s, url, on_answer, t, &t->request);
	if (r < 0) {
		free(t);
		return r;
	}
	*ret = t;
	return 0;
}
