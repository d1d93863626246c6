/* SPDX-License-Identifier: Apache-2.0
 * Finds drivers in client mode by their executors. */
#include "source/kube_clients.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "io/clock.h"
#include "source/answer.h"
#include "wire/kube_parents.h"

/* Each list asks for those that are known, every sixth one for executors. */
#define EXECUTORS_EVERY 6
/* Of metadata; a row has about 2 kB. */
#define PAGE "500"
/* Each costs a request with each list. */
#define MAX_CLIENTS 500

/* What is asked: pages of executors of one URL after the other, then one known driver after the
 * other. */
struct kube_clients {
	struct source *source;
	const char *api;
	const char *selector;
	struct kube_parent_list known;
	struct kube_parent_list found; /* of the executors that are listed at present */
	unsigned turn;
	bool executors; /* they are what is asked */
	size_t at;      /* the URL, or the known one, that is asked */
	usec_t until;
	struct fault fault;
	struct kube_list *const *lists; /* one for each URL: who has a label is no news */
	struct kube_pod_list pods; /* of the last search, less what the one at hand has taken */
	struct kube_pod_list next; /* of the one at hand */
	struct transport_request *request;
	kube_clients_done_fn done;
	void *userdata;
};

int kube_clients_new(struct source *source, const char *api, const char *selector,
	struct kube_list *const *lists, struct kube_clients **ret)
{
	struct kube_clients *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->source = source;
	c->api = api;
	c->selector = selector;
	c->lists = lists;
	*ret = c;
	return 0;
}

void kube_clients_cancel(struct kube_clients *c)
{
	transport_cancel(c->source->transport, c->request);
	c->request = NULL;
}

struct kube_clients *kube_clients_free(struct kube_clients *c)
{
	if (!c)
		return NULL;
	kube_clients_cancel(c);
	kube_parent_list_clear(&c->known);
	kube_parent_list_clear(&c->found);
	kube_pod_list_clear(&c->pods);
	kube_pod_list_clear(&c->next);
	free(c);
	return NULL;
}

static bool is_labelled(const struct kube_clients *c, const struct kube_parent *p)
{
	for (size_t i = 0; i < c->source->urls.n; i++)
		if (kube_list_find(c->lists[i], p->uid))
			return true;
	return false;
}

static size_t find_parent(const struct kube_parent_list *l, const char *uid)
{
	size_t i = 0;

	while (i < l->n && !str_equal(l->items[i].uid, uid))
		i++;
	return i;
}

/* -E2BIG: there is no place for it. What is in p is taken over. */
static int add_found(struct kube_clients *c, struct kube_parent *p)
{
	size_t at = find_parent(&c->found, p->uid);
	struct kube_parent *items;

	if (at < c->found.n) {
		if (!str_equal(c->found.items[at].app_id, p->app_id)) {
			free(c->found.items[at].app_id);
			c->found.items[at].app_id = NULL;
		}
		return 0;
	}
	if (is_labelled(c, p))
		return 0;
	if (c->found.n >= MAX_CLIENTS)
		return -E2BIG;
	items = reallocarray(c->found.items, c->found.n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	c->found.items = items;
	items[c->found.n++] = TAKE_STRUCT(*p);
	return 0;
}

/* One that has no executor for the moment is a driver still. */
static void take_found(struct kube_clients *c)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < c->known.n; i++)
		if (find_parent(&c->found, c->known.items[i].uid) == c->found.n)
			r = add_found(c, &c->known.items[i]);
	kube_parent_list_clear(&c->known);
	c->known = TAKE_STRUCT(c->found);
}

static void go_on(struct kube_clients *c);

static void note(struct kube_clients *c, const struct fault *fault)
{
	if (!c->fault.reason)
		c->fault = *fault;
}

/* false with fault: it is none. */
static bool take_page(struct kube_clients *c, const struct transport_answer *a, struct fault *fault)
{
	_cleanup_(kube_parent_list_clear) struct kube_parent_list page = {0};
	_cleanup_free_ char *err = NULL;
	int r = kube_decode_parents(a->body, a->len, &page, &err);

	for (size_t i = 0; r >= 0 && i < page.n; i++)
		r = add_found(c, &page.items[i]);
	if (r == -E2BIG && !err)
		(void)str_printf(&err, "more than %d drivers in client mode", MAX_CLIENTS);
	(void)answer_decoded(r, err, &page.left_out, fault);
	free(c->found.next);
	c->found.next = r < 0 ? NULL : TAKE_PTR(page.next);
	return r >= 0;
}

static void on_executors(void *userdata, const struct transport_answer *a)
{
	struct kube_clients *c = userdata;
	struct fault fault = {0};

	c->request = NULL;
	if (!answer_check(a, ANSWER_JSON, &fault) || !take_page(c, a, &fault)) {
		note(c, &fault);
		free(c->found.next);
		c->found.next = NULL;
	}
	if (!c->found.next)
		c->at++;
	go_on(c);
}

static int ask_executors(struct kube_clients *c)
{
	static const char *const headers[] = {
		"Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,"
		"application/json",
		NULL};
	_cleanup_free_ char *url = NULL;
	struct strbuf b = {0};
	struct transport_ask ask = {.method = "GET",
		.headers = headers,
		.endpoint = &c->source->endpoint,
		.urgent = true};
	int r;

	strbuf_addf(&b,
		"%s?labelSelector=%s&limit=" PAGE "&fieldSelector=", c->source->urls.items[c->at],
		c->selector);
	strbuf_add_segment(&b, KUBE_LIVE);
	if (c->found.next) {
		strbuf_add(&b, "&continue=");
		strbuf_add_segment(&b, c->found.next);
	}
	r = strbuf_finish(&b, &url);
	ask.url = url;
	return r < 0 ? r : transport_send(c->source->transport, &ask, on_executors, c, &c->request);
}

/* Moves the pod of a page of one to the others. */
static int add_pod(struct kube_clients *c, struct kube_pod_list *page, const struct kube_parent *p)
{
	struct kube_pod *pod = &page->items[0];

	if (!pod->app_id && p->app_id) {
		int r = str_replace(&pod->app_id, p->app_id);

		if (r < 0)
			return r;
	}
	free(page->next);
	page->next = NULL;
	return kube_pods_add_page(&c->next, page);
}

static void forget(struct kube_clients *c, size_t at)
{
	struct kube_parent_list one = {.items = calloc(1, sizeof(*one.items)), .n = 1};

	if (!one.items)
		return; /* it is asked for again */
	one.items[0] = c->known.items[at];
	c->known.n--;
	memmove(&c->known.items[at], &c->known.items[at + 1],
		(c->known.n - at) * sizeof(*c->known.items));
	kube_parent_list_clear(&one);
}

/* One that cannot be asked for may be there yet. */
static void keep(struct kube_clients *c)
{
	const char *uid = c->known.items[c->at++].uid;

	for (size_t i = 0; i < c->pods.n; i++) {
		struct kube_pod_list one = {.items = &c->pods.items[i], .n = 1};

		if (!str_equal(c->pods.items[i].uid, uid))
			continue;
		if (kube_pods_add_page(&c->next, &one) >= 0)
			c->pods.items[i] = c->pods.items[--c->pods.n];
		return;
	}
}

static void on_driver(void *userdata, const struct transport_answer *a)
{
	struct kube_clients *c = userdata;
	const struct kube_parent *p = &c->known.items[c->at];
	_cleanup_(kube_pod_list_clear) struct kube_pod_list page = {0};
	_cleanup_free_ char *err = NULL;
	struct fault fault = {0};
	int r = -EIO;

	c->request = NULL;
	if (answer_check(a, ANSWER_JSON, &fault)) {
		r = kube_decode_pods(a->body, a->len, &page, &err);
		(void)answer_decoded(r, err, &page.left_out, &fault);
	}
	if (fault.reason) {
		note(c, &fault);
		keep(c);
	} else if (page.n != 1 || !str_equal(page.items[0].uid, p->uid) ||
		   page.items[0].is_driver || kube_pod_end(&page.items[0]) == APP_END_ENDED) {
		forget(c, c->at);
	} else {
		(void)add_pod(c, &page, p);
		c->at++;
	}
	go_on(c);
}

static int ask_driver(struct kube_clients *c)
{
	const struct kube_parent *p = &c->known.items[c->at];
	_cleanup_free_ char *url = NULL;
	int r = str_printf(&url, "%s/api/v1/namespaces/%s/pods?fieldSelector=metadata.name%%3D%s",
		c->api, p->namespace, p->name);

	return r < 0 ? r : source_get(c->source, url, on_driver, c, &c->request);
}

static bool is_late(struct kube_clients *c)
{
	struct fault fault = {0};

	if (clock_boottime() < c->until)
		return false;
	fault_set(&fault, "timeout", "left no time to look for drivers in client mode");
	note(c, &fault);
	return true;
}

/* true: a request is under way. */
static bool ask(struct kube_clients *c)
{
	struct fault fault = {0};
	int r = c->executors ? ask_executors(c) : ask_driver(c);

	if (r < 0) {
		fault_set(&fault, "protocol", "could not be asked: %s", strerror(-r));
		note(c, &fault);
	}
	return r >= 0;
}

static void go_on(struct kube_clients *c)
{
	for (; c->executors && c->at < c->source->urls.n; c->at++)
		if (!is_late(c) && ask(c))
			return;
	if (c->executors) {
		take_found(c);
		c->executors = false;
		c->at = 0;
	}
	while (c->at < c->known.n) {
		if (!is_late(c) && ask(c))
			return;
		keep(c);
	}
	kube_pod_list_clear(&c->pods);
	c->pods = TAKE_STRUCT(c->next);
	c->done(c->userdata, &c->fault);
}

void kube_clients_search(
	struct kube_clients *c, usec_t until, kube_clients_done_fn done, void *userdata)
{
	kube_parent_list_clear(&c->found);
	kube_pod_list_clear(&c->next);
	c->until = until;
	c->done = done;
	c->userdata = userdata;
	c->fault = (struct fault){0};
	c->executors = c->turn++ % EXECUTORS_EVERY == 0;
	c->at = 0;
	go_on(c);
}

const struct kube_pod_list *kube_clients_pods(const struct kube_clients *c, bool next)
{
	return next ? &c->next : &c->pods;
}
