/* SPDX-License-Identifier: Apache-2.0
 * One request after the other that tell whether kills are allowed. */
#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "source/selftest.h"

struct source_test {
	struct source *source;
	struct transport_request *request;
	unsigned vias;
	size_t at; /* the step that is asked */
	struct access_step step;
	const char *absent; /* what is not there, and needs no rights */
	enum permission kill;
	bool judged;
	struct strbuf text;
	source_tested_fn fn;
	void *userdata;
};

struct source_test *source_test_cancel(struct source_test *t)
{
	if (!t)
		return NULL;
	transport_cancel(t->source->transport, t->request);
	access_step_clear(&t->step);
	strbuf_clear(&t->text);
	free(t);
	return NULL;
}

void access_step_clear(struct access_step *step)
{
	free(step->path);
	free(step->body);
	*step = (struct access_step){0};
}

static void finish(struct source_test *t, int r, const char *text)
{
	source_tested_fn fn = t->fn;
	void *userdata = t->userdata;
	enum permission kill = t->kill;
	_cleanup_free_ char *said = NULL;

	if (t->text.len > 0 && strbuf_finish(&t->text, &said) < 0)
		said = NULL;
	source_test_cancel(t);
	fn(userdata, r, kill, text ? text : said);
}

/* What one step says: the worst counts. */
static void take(struct source_test *t, enum permission kill, const char *text)
{
	if (!t->judged || (t->kill != PERMISSION_DENIED && kill != PERMISSION_GRANTED))
		t->kill = kill;
	t->judged = true;
	if (text)
		strbuf_addf(&t->text, "%s%s", t->text.len > 0 ? "; " : "", text);
}

static void on_answer(void *userdata, const struct transport_answer *a);

static int send_step(struct source_test *t)
{
	static const char *const json[] = {"Content-Type: application/json", NULL};
	_cleanup_free_ char *url = NULL;
	struct transport_ask ask = {.method = t->step.body ? "POST" : "GET",
		.headers = t->step.body ? json : NULL,
		.body = t->step.body,
		.endpoint = &t->source->endpoint,
		.urgent = true};
	int r = str_printf(&url, "%s%s", t->step.base, t->step.path);

	ask.url = url;
	return r < 0 ? r : transport_send(t->source->transport, &ask, on_answer, t, &t->request);
}

/* From step at on. 0: there is no other. */
static int ask_next(struct source_test *t)
{
	for (;; t->at++) {
		int r;

		access_step_clear(&t->step);
		r = t->source->ops->access_step(t->source, t->vias, t->at, &t->step);
		if (r <= 0)
			return r;
		if (!t->step.path || (t->absent && str_equal(t->step.of, t->absent)))
			continue;
		r = send_step(t);
		return r < 0 ? r : 1;
	}
}

static int judge(struct source_test *t, const struct transport_answer *a)
{
	enum permission kill = PERMISSION_UNKNOWN;
	_cleanup_free_ char *text = NULL;
	int r;

	if (t->step.finds) {
		if (a->status == 404)
			t->absent = t->step.of;
		return 0;
	}
	if (a->status == 401 || a->status == 403) {
		take(t, PERMISSION_DENIED,
			a->status == 401 ? "it answered 401" : "it answered 403");
		return 0;
	}
	r = a->status == 200 || a->status == 201
		    ? t->source->ops->judge_access(&t->step, a, &kill, &text)
		    : str_printf(&text, "it answered %d", a->status);
	if (r >= 0 && a->status != 200 && a->status != 201)
		r = -EIO;
	if (r < 0)
		finish(t, r, text);
	else
		take(t, kill, text);
	return r;
}

static void on_answer(void *userdata, const struct transport_answer *a)
{
	struct source_test *t = userdata;
	int r;

	t->request = NULL;
	if (a->error < 0) {
		finish(t, a->error, a->error_text);
		return;
	}
	if (judge(t, a) < 0)
		return;
	t->at++;
	r = ask_next(t);
	if (r <= 0)
		finish(t, r, NULL);
}

int source_selftest(struct source *s, unsigned vias, source_tested_fn fn, void *userdata,
	struct source_test **ret)
{
	struct source_test *t;
	int r;

	if (!s->ops->access_step)
		return -EOPNOTSUPP;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->source = s;
	t->vias = vias;
	t->fn = fn;
	t->userdata = userdata;
	r = ask_next(t);
	if (r <= 0) {
		source_test_cancel(t);
		return r < 0 ? r : -EOPNOTSUPP;
	}
	*ret = t;
	return 0;
}
