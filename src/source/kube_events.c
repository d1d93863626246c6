/* SPDX-License-Identifier: Apache-2.0
 * Asks for the events of pods that wait. */
#include "source/kube_events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/sorted.h"
#include "base/strbuf.h"
#include "io/clock.h"
#include "source/answer.h"
#include "source/kube_end.h"
#include "wire/kube_event.h"

/* Of more pods that wait no events are asked for. */
#define MAX_PODS 1000

/* A pod that waits and does not say why. */
struct waiter {
	char *uid;
	char *namespace;
	usec_t since;
	usec_t asked_at; /* 0: not yet */
	char *text;
	bool seen; /* in this turn */
};

struct kube_events {
	struct source *source;
	const char *api;
	struct waiter *items; /* by uid */
	size_t n;
	struct waiter *at; /* whose events are asked for */
	size_t n_asked;    /* in this turn */
	usec_t until;
	struct transport_request *request;
	kube_events_done_fn done;
	void *userdata;
};

int kube_events_new(struct source *source, const char *api, struct kube_events **ret)
{
	struct kube_events *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->source = source;
	e->api = api;
	*ret = e;
	return 0;
}

void kube_events_cancel(struct kube_events *e)
{
	transport_cancel(e->source->transport, e->request);
	e->request = NULL;
}

static void waiter_clear(struct waiter *w)
{
	free(w->uid);
	free(w->namespace);
	free(w->text);
	*w = (struct waiter){0};
}

struct kube_events *kube_events_free(struct kube_events *e)
{
	if (!e)
		return NULL;
	kube_events_cancel(e);
	for (size_t i = 0; i < e->n; i++)
		waiter_clear(&e->items[i]);
	free(e->items);
	free(e);
	return NULL;
}

static int compare_uid(const void *key, const void *item)
{
	const struct waiter *w = item;

	return strcmp(key, w->uid);
}

static int add(struct kube_events *e, const struct kube_pod *p)
{
	size_t at = sorted_place(p->uid, e->items, e->n, sizeof(*e->items), compare_uid);
	struct waiter w = {.since = clock_boottime(), .seen = true};
	struct waiter *items = array_room(e->items, e->n, sizeof(*items));
	int r = items ? str_replace(&w.uid, p->uid) : -ENOMEM;

	if (items)
		e->items = items;
	if (r >= 0)
		r = str_replace(&w.namespace, p->namespace);
	if (r < 0) {
		waiter_clear(&w);
		return r;
	}
	memmove(&items[at + 1], &items[at], (e->n++ - at) * sizeof(*items));
	items[at] = w;
	return 0;
}

static struct waiter *find(const struct kube_events *e, const char *uid)
{
	return e->n > 0 ? bsearch(uid, e->items, e->n, sizeof(*e->items), compare_uid) : NULL;
}

int kube_events_saw(struct kube_events *e, const struct kube_pod *p)
{
	struct waiter *w;

	if (!kube_pod_waits_unexplained(p))
		return 0;
	w = find(e, p->uid);
	if (w)
		w->seen = true;
	return w || e->n >= MAX_PODS ? 0 : add(e, p);
}

static void go_on(struct kube_events *e);

static void on_events(void *userdata, const struct transport_answer *a)
{
	struct kube_events *e = userdata;
	_cleanup_free_ char *reason = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *err = NULL;
	struct fault fault = {0};
	int r;

	e->request = NULL;
	if (answer_check(a, ANSWER_JSON, &fault)) {
		r = kube_decode_last_event(a->body, a->len, &text, &err);
		(void)answer_decoded(r, err, NULL, &fault);
	} else {
		kube_add_words(a, &fault, &reason);
	}
	if (fault.reason)
		(void)str_printf(&text, "its list of events %s", fault.text);
	free(e->at->text);
	e->at->text = TAKE_PTR(text);
	go_on(e);
}

static int ask(struct kube_events *e)
{
	_cleanup_free_ char *url = NULL;
	struct strbuf b = {0};
	int r;

	strbuf_add(&b, e->api);
	strbuf_add(&b, "/api/v1/namespaces/");
	strbuf_add(&b, e->at->namespace);
	strbuf_add(&b, "/events?limit=100&fieldSelector=involvedObject.uid%3D");
	strbuf_add_segment(&b, e->at->uid);
	r = strbuf_finish(&b, &url);
	return r < 0 ? r : source_get(e->source, url, on_events, e, &e->request);
}

static bool is_due(const struct waiter *w, usec_t now)
{
	return now >= w->since + KUBE_EVENTS_AFTER &&
	       (w->asked_at == 0 || now >= w->asked_at + KUBE_EVENTS_EVERY);
}

static struct waiter *next_waiter(const struct kube_events *e, usec_t now)
{
	struct waiter *first = NULL;

	for (size_t i = 0; i < e->n; i++) {
		struct waiter *w = &e->items[i];

		if (is_due(w, now) && (!first || w->asked_at < first->asked_at))
			first = w;
	}
	return first;
}

static void go_on(struct kube_events *e)
{
	usec_t now = clock_boottime();

	while (e->n_asked < KUBE_EVENTS_AT_A_TURN && now < e->until &&
		(e->at = next_waiter(e, now))) {
		e->n_asked++;
		e->at->asked_at = now;
		if (ask(e) >= 0)
			return;
	}
	e->done(e->userdata);
}

static void forget_others(struct kube_events *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++) {
		if (!e->items[i].seen) {
			waiter_clear(&e->items[i]);
			continue;
		}
		e->items[i].seen = false;
		e->items[n++] = e->items[i];
	}
	e->n = n;
}

void kube_events_search(
	struct kube_events *e, usec_t until, kube_events_done_fn done, void *userdata)
{
	e->until = until;
	e->done = done;
	e->userdata = userdata;
	e->n_asked = 0;
	forget_others(e);
	go_on(e);
}

const char *kube_events_text(const struct kube_events *e, const char *uid)
{
	const struct waiter *w = find(e, uid);

	return w ? w->text : NULL;
}
