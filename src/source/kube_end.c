/* SPDX-License-Identifier: Apache-2.0
 * Whether a driver on Kubernetes has ended, and how it is ended. */
#include "source/kube_end.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "source/answer.h"
#include "wire/kube.h"
#include "wire/kube_app.h"

void kube_add_words(const struct transport_answer *a, struct fault *fault, char **ret_reason)
{
	_cleanup_free_ char *text = NULL;

	if (a->error < 0 || kube_error_text(a->body, a->len, ret_reason, &text) < 0 || !*text)
		return;
	fault_set(fault, fault->reason, "answered %d: %s", a->status, text);
}

/* What is not there, or is nothing that can be used: 1 where it is gone. */
static int judge_fault(const struct transport_answer *a, char **ret_words)
{
	_cleanup_free_ char *reason = NULL;
	struct fault fault = {0};

	if (answer_check(a, ANSWER_JSON, &fault))
		return -EINVAL;
	kube_add_words(a, &fault, &reason);
	(void)str_printf(ret_words, "the API server %s", fault.text);
	return a->status == 404 && str_equal(reason, "NotFound");
}

/* The uid decides: a pod of its name may be the next driver. */
static enum app_end judge_pod(
	const struct kube_driver *d, const struct transport_answer *a, char **ret_words)
{
	_cleanup_(kube_pod_clear) struct kube_pod p = {0};
	_cleanup_free_ char *err = NULL;
	int gone = judge_fault(a, ret_words);

	if (gone >= 0)
		return gone ? APP_END_ENDED : APP_END_UNKNOWN;
	if (kube_decode_pod(a->body, a->len, &p, &err) < 0) {
		(void)str_printf(ret_words, "the API server answered what cannot be used: %s",
			err ? err : "");
		return APP_END_UNKNOWN;
	}
	if (!str_equal(p.uid, d->uid)) {
		(void)str_printf(ret_words, "pod %s/%s is another by now", p.namespace, p.name);
		return APP_END_ENDED;
	}
	(void)kube_pod_text(&p, ret_words);
	return kube_pod_end(&p);
}

/* Its pod is gone. As long as its operator may start the next one, the app has not ended. */
static enum app_end judge_app(
	const struct kube_driver *d, const struct transport_answer *a, char **ret_words)
{
	_cleanup_(kube_app_clear) struct kube_app app = {0};
	_cleanup_free_ char *err = NULL;
	int gone = judge_fault(a, ret_words);

	if (gone >= 0)
		return gone ? APP_END_ENDED : APP_END_UNKNOWN;
	if (kube_decode_app(a->body, a->len, d->owner.type, &app, &err) < 0) {
		(void)str_printf(ret_words, "the API server answered what cannot be used: %s",
			err ? err : "");
		return APP_END_UNKNOWN;
	}
	if (d->owner.uid && !str_equal(app.uid, d->owner.uid)) {
		(void)str_printf(ret_words, "SparkApplication %s/%s is another by now",
			d->namespace, d->owner.name);
		return APP_END_ENDED;
	}
	(void)str_printf(ret_words, "its pod is gone, SparkApplication %s/%s is %s", d->namespace,
		d->owner.name, *app.state ? app.state : "new");
	return app.over ? APP_END_ENDED : APP_END_RUNNING;
}

typedef enum app_end (*judge_fn)(
	const struct kube_driver *d, const struct transport_answer *a, char **ret_words);

/* Its mark was one when the look began. */
static enum app_end judge(
	struct source_call *c, const struct transport_answer *a, judge_fn fn, char **ret_words)
{
	_cleanup_(kube_driver_clear) struct kube_driver d = {0};

	c->request = NULL;
	return kube_driver_parse(c->mark, &d) < 0 ? APP_END_UNKNOWN : fn(&d, a, ret_words);
}

static void on_app(void *userdata, const struct transport_answer *a)
{
	struct source_call *c = userdata;
	_cleanup_free_ char *words = NULL;
	enum app_end end = judge(c, a, judge_app, &words);

	source_call_finish(c, end, words ? words : "no usable answer");
}

static void on_pod(void *userdata, const struct transport_answer *a)
{
	struct source_call *c = userdata;
	_cleanup_free_ char *words = NULL;
	enum app_end end = judge(c, a, judge_pod, &words);

	if (end == APP_END_ENDED && c->path) {
		if (source_get(c->source, c->path, on_app, c, &c->request) >= 0)
			return;
		end = APP_END_UNKNOWN;
	}
	source_call_finish(c, end, words ? words : "no usable answer");
}

static int urls_of(const char *api, const struct kube_driver *d, char **ret_pod, char **ret_app)
{
	_cleanup_free_ char *pod = NULL;
	_cleanup_free_ char *app = NULL;
	int r = kube_pod_path(d, &pod);

	if (r >= 0)
		r = str_printf(ret_pod, "%s%s", api, pod);
	if (r < 0 || !kube_driver_has_app(d))
		return r;
	r = kube_app_path(d, &app);
	return r < 0 ? r : str_printf(ret_app, "%s%s", api, app);
}

int kube_end_look(struct source *s, const char *api, const struct app_ref *ref, source_looked_fn fn,
	void *userdata, struct source_call **ret)
{
	_cleanup_(kube_driver_clear) struct kube_driver d = {0};
	_cleanup_free_ char *pod = NULL;
	_cleanup_free_ char *app = NULL;
	int r = ref->mark ? kube_driver_parse(ref->mark, &d) : -ENOENT;

	if (r >= 0)
		r = urls_of(api, &d, &pod, &app);
	if (r >= 0)
		r = source_call_new(s, ref, pod, on_pod, ret);
	if (r < 0)
		return r;
	(*ret)->fn = fn;
	(*ret)->userdata = userdata;
	(*ret)->path = TAKE_PTR(app);
	return 0;
}

bool kube_end_point(const struct source *s, const char *const *api, const struct app_ref *ref,
	enum kill_via via, struct kill_point *ret)
{
	_cleanup_(kube_driver_clear) struct kube_driver d = {0};
	enum kill_kind kind = KILL_NONE;

	if (ref->mark && kube_driver_parse(ref->mark, &d) >= 0)
		kind = kube_kill_kind(&d, via);
	if (kind == KILL_NONE)
		return false;
	*ret = (struct kill_point){.kind = kind,
		.urls = api,
		.n_urls = 1,
		.endpoint = &s->endpoint,
		.mark = ref->mark};
	return true;
}
