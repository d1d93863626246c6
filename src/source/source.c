/* SPDX-License-Identifier: Apache-2.0
 * What the types of source share. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/strbuf.h"
#include "io/procfs.h"
#include "io/this_host.h"
#include "source/source.h"

void target_clear(struct target *t)
{
	free(t->url);
	free(t->app_id);
	free(t->name);
	free(t->user);
	free(t->about);
	free(t->uid);
	owner_clear(&t->owner);
	owner_hint_clear(&t->hint);
	*t = (struct target){0};
}

struct source *source_free(struct source *s)
{
	if (!s)
		return NULL;
	s->ops->cancel_list(s);
	strlist_clear(&s->urls);
	endpoint_clear(&s->endpoint);
	endpoint_clear(&s->bare);
	free(s->name);
	free(s->asked);
	s->ops->free(s);
	return NULL;
}

const struct endpoint *source_endpoint(const struct source *s, bool configured)
{
	return configured ? &s->endpoint : &s->bare;
}

struct fault *source_note_at(struct source *s, const char *url, const char *what)
{
	struct asked *a = &s->asked[s->n_asked++];

	*a = (struct asked){.url = url, .what = what};
	return &a->fault;
}

struct fault *source_note(struct source *s, const char *what)
{
	return source_note_at(s, s->urls.items[s->current], what);
}

void source_no_list(struct source *s, source_listed_fn fn, void *userdata)
{
	struct target_list list = {.r = -EIO, .asked = s->asked, .n_asked = s->n_asked};

	fn(userdata, &list);
}

int source_get(struct source *s, const char *url, transport_done_fn done, void *userdata,
	struct transport_request **ret)
{
	struct transport_ask ask = {
		.method = "GET",
		.url = url,
		.endpoint = &s->endpoint,
		.urgent = true, /* what is polled hangs on it */
	};

	return transport_send(s->transport, &ask, done, userdata, ret);
}

int source_call_new(struct source *s, const struct app_ref *ref, const char *url,
	transport_done_fn done, struct source_call **ret)
{
	struct source_call *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->source = s;
	c->pid = ref->pid;
	c->pid_started = ref->pid_started;
	r = str_replace(&c->app_id, ref->app_id);
	if (r >= 0)
		r = str_replace(&c->mark, ref->mark);
	if (r >= 0)
		r = source_get(s, url, done, c, &c->request);
	if (r < 0) {
		source_call_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

/* The port of a URL on this very host; 0 for any other. */
static uint16_t local_port(const char *url)
{
	const char *host = strstr(url, "://");
	const char *colon = strrchr(url, ':');
	_cleanup_free_ char *name = NULL;
	uint64_t port = 0;

	if (!host || colon <= host || parse_u64(colon + 1, &port) < 0 || port > UINT16_MAX)
		return 0;
	host += strlen("://");
	if (*host == '[' && colon[-1] == ']')
		name = strndup(host + 1, (size_t)(colon - host - 2));
	else
		name = strndup(host, (size_t)(colon - host));
	return name && is_this_host(name) ? (uint16_t)port : 0;
}

void source_identify_local(struct app_ref *ref)
{
	uint16_t port = local_port(ref->url);

	ref->pid = 0;
	if (port > 0 && procfs_port_owner(port, &ref->pid, &ref->pid_started) < 0)
		ref->pid = 0;
	/* The end of a tunnel (ssh -L, a port that a container publishes) says nothing of a
	 * driver's. */
	if (ref->pid > 0 && !procfs_is_java(ref->pid))
		ref->pid = 0;
}

void source_point_at(const struct source *s, enum kill_kind kind, struct kill_point *ret)
{
	*ret = (struct kill_point){
		.kind = kind,
		.urls = (const char *const *)s->urls.items,
		.n_urls = s->urls.n,
		.first = s->current,
		.endpoint = &s->endpoint,
	};
}

bool source_kill_point(const struct source *s, const struct app_ref *ref, enum kill_via via,
	struct kill_point *ret)
{
	struct kill_point point = {.kind = via == KILL_VIA_JOB ? KILL_JOB : KILL_STAGE,
		.urls = &ref->url,
		.n_urls = 1,
		.endpoint = source_endpoint(s, s->ops->names_drivers)};

	if (!(s->ops->permits & (1U << via)))
		return false;
	if (via == KILL_VIA_CLUSTER || via > KILL_VIA_DRIVER)
		return s->ops->kill_point(s, ref, via, ret);
	if (via == KILL_VIA_DRIVER) {
		point = (struct kill_point){
			.kind = KILL_PROCESS, .pid = ref->pid, .pid_started = ref->pid_started};
		if (ref->pid <= 0)
			return false;
	}
	*ret = point;
	return true;
}

int source_access_by_get(
	const struct source *s, size_t i, const char *path, struct access_step *ret)
{
	int r;

	if (i > 0)
		return 0;
	ret->base = s->urls.items[s->current];
	r = str_replace(&ret->path, path);
	return r < 0 ? r : 1;
}

int source_permits_text(const struct source_ops *ops, char **ret)
{
	struct strbuf b = {0};

	for (int v = 0; v < KILL_VIA_MAX; v++)
		if (ops->permits & (1U << v))
			strbuf_addf(
				&b, "%s%s", b.len > 0 ? ", " : "", kill_via_name((enum kill_via)v));
	if (b.len == 0)
		strbuf_add(&b, "nothing");
	return strbuf_finish(&b, ret);
}

static void on_round(void *userdata, const struct transport_answer *a);

static int ask_round(struct source_call *c)
{
	_cleanup_free_ char *url = NULL;
	int r;

	r = str_printf(&url, "%s%s", c->source->urls.items[c->at], c->path);
	return r < 0 ? r : source_get(c->source, url, on_round, c, &c->request);
}

static void on_round(void *userdata, const struct transport_answer *a)
{
	struct source_call *c = userdata;
	_cleanup_free_ char *words = NULL;
	enum app_end end = APP_END_UNKNOWN;
	int r;

	c->request = NULL;
	r = c->judge(c, a, &end, &words);
	if (r < 0 && ++c->tried < c->source->urls.n) {
		c->at = (c->at + 1) % c->source->urls.n;
		if (ask_round(c) >= 0)
			return;
	}
	source_call_finish(c, r < 0 ? APP_END_UNKNOWN : end, words ? words : "no usable answer");
}

int source_look_round(struct source *s, const struct app_ref *ref, const struct source_round *round,
	source_looked_fn fn, void *userdata, struct source_call **ret)
{
	struct source_call *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->source = s;
	c->judge = round->judge;
	c->at = s->current;
	c->fn = fn;
	c->userdata = userdata;
	r = str_replace(&c->app_id, ref->app_id);
	if (r >= 0)
		r = str_replace(&c->path, round->path);
	if (r >= 0)
		r = ask_round(c);
	if (r < 0) {
		source_call_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void source_call_finish(struct source_call *call, enum app_end end, const char *text)
{
	source_looked_fn fn = call->fn;
	void *userdata = call->userdata;

	source_call_free(call);
	fn(userdata, end, text);
}

struct source_call *source_call_free(struct source_call *call)
{
	if (!call)
		return NULL;
	transport_cancel(call->source->transport, call->request);
	free(call->app_id);
	free(call->path);
	free(call->mark);
	free(call);
	return NULL;
}
