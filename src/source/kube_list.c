/* SPDX-License-Identifier: Apache-2.0
 * Lists of pods, and what has changed since. */
#include "source/kube_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "io/clock.h"
#include "source/answer.h"
#include "source/kube_end.h"

/* A pod has 5 to 30 kB. */
#define PAGE "200"
/* So many are asked for in one piece, which the API server has in its cache, whatever the limit.
 * Pages are read from etcd, past all pods that are not asked for: seven times the work. */
#define MAX_CACHED 1000
/* An API server that asks for more is asked all the same. */
#define MAX_RETRY_AFTER (10 * USEC_PER_MINUTE)
/* An API server tells all that it has at once, and then waits for this time to be over. */
#define WATCH_SECONDS "1"
#define WATCH_TIME USEC_PER_SEC
/* Where lists are asked for more often, polls have no time to lose: they begin when it is there. */
#define MIN_TURN (6 * USEC_PER_SEC)
/* After changes were not to be had. */
#define NO_CHANGES_FOR (10 * USEC_PER_MINUTE)

int kube_list_new(
	struct source *source, const char *url, const char *selector, struct kube_list **ret)
{
	struct kube_list *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->source = source;
	l->url = url;
	l->selector = selector;
	*ret = l;
	return 0;
}

void kube_list_cancel(struct kube_list *l)
{
	transport_cancel(l->source->transport, l->request);
	l->request = NULL;
}

struct kube_list *kube_list_free(struct kube_list *l)
{
	if (!l)
		return NULL;
	kube_list_cancel(l);
	kube_pod_list_clear(&l->pods);
	kube_pod_list_clear(&l->page);
	free(l);
	return NULL;
}

static int compare_uids(const void *a, const void *b)
{
	const struct kube_pod *p = a;
	const struct kube_pod *q = b;

	return strcmp(p->uid, q->uid);
}

/* Of one pod, what came last stands last. */
static int compare_changes(const void *a, const void *b)
{
	const struct kube_change *p = a;
	const struct kube_change *q = b;
	int order = compare_uids(&p->pod, &q->pod);

	return order ? order : (p->at > q->at) - (p->at < q->at);
}

static int compare_with_uid(const void *key, const void *item)
{
	const struct kube_pod *p = item;

	return strcmp(key, p->uid);
}

const struct kube_pod *kube_list_find(const struct kube_list *l, const char *uid)
{
	if (l->pods.n == 0)
		return NULL;
	return bsearch(uid, l->pods.items, l->pods.n, sizeof(*l->pods.items), compare_with_uid);
}

static void finish(struct kube_list *l, const struct fault *fault, bool listed)
{
	kube_pod_list_clear(&l->page);
	l->fault = *fault;
	l->listed = listed;
	l->done(l->userdata, l);
}

/* A proxy that knows no watch, or a right that is missing: lists are to be had all the same. */
static void do_without_changes(struct kube_list *l)
{
	char length[32];

	log_info("[spark %s]: %s?watch=1 %s: all pods are listed at each poll for the next %s",
		l->source->name, l->url, l->doubt.text,
		format_duration(length, sizeof(length), NO_CHANGES_FOR));
	l->changes_at = l->began + NO_CHANGES_FOR;
}

/* The pages are through. */
static void take_list(struct kube_list *l, const struct fault *fault)
{
	kube_pod_list_clear(&l->pods);
	l->pods = TAKE_STRUCT(l->page);
	if (l->pods.n > 0)
		qsort(l->pods.items, l->pods.n, sizeof(*l->pods.items), compare_uids);
	l->cached = l->pods.n <= MAX_CACHED;
	l->listed_at = l->began;
	if (l->doubt.reason)
		do_without_changes(l);
	finish(l, fault, true);
}

/* What was there before may be there yet. */
static void keep_last(struct kube_list *l, const struct fault *fault)
{
	free(l->pods.version);
	l->pods.version = NULL;
	l->cached = false;
	finish(l, fault, false);
}

static bool asks_to_wait(struct kube_list *l, const struct transport_answer *a)
{
	usec_t wait = a->retry_after < MAX_RETRY_AFTER ? a->retry_after : MAX_RETRY_AFTER;

	if (a->error != 0 || (a->status != 429 && a->status != 503) || wait == 0)
		return false;
	l->not_before = a->received + wait;
	return true;
}

static void add_query(const struct kube_list *l, const char *more, struct strbuf *b)
{
	strbuf_addf(b, "%s?labelSelector=%s%s&fieldSelector=", l->url, l->selector, more);
	strbuf_add_segment(b, KUBE_LIVE);
}

/* The list that is to find out what changes did not tell is no cache's. */
static bool is_due(const struct kube_list *l)
{
	return l->listed_at > 0 && l->began - l->listed_at >= KUBE_LIST_EVERY;
}

static void on_page(void *userdata, const struct transport_answer *a);

static int ask_page(struct kube_list *l)
{
	_cleanup_free_ char *url = NULL;
	struct strbuf b = {0};
	int r;

	add_query(l, "&limit=" PAGE, &b);
	if (l->page.next) {
		strbuf_add(&b, "&continue=");
		strbuf_add_segment(&b, l->page.next);
	} else if (l->cached && !is_due(l)) {
		strbuf_add(&b, "&resourceVersion=0");
	}
	r = strbuf_finish(&b, &url);
	return r < 0 ? r : source_get(l->source, url, on_page, l, &l->request);
}

static void ask_list(struct kube_list *l)
{
	struct fault fault = {0};
	int r;

	kube_pod_list_clear(&l->page);
	r = ask_page(l);
	if (r >= 0)
		return;
	fault_set(&fault, "protocol", "could not be asked: %s", strerror(-r));
	keep_last(l, &fault);
}

/* Pages of one list are of one moment, which the API server remembers for five minutes. */
static bool begin_anew(struct kube_list *l)
{
	if (l->begun_anew || !l->page.next)
		return false;
	l->begun_anew = true;
	kube_pod_list_clear(&l->page);
	return ask_page(l) >= 0;
}

/* 1: there is another page. -errno with fault: none is to be had. */
static int take_page(struct kube_list *l, const struct transport_answer *a, struct fault *fault)
{
	_cleanup_(kube_pod_list_clear) struct kube_pod_list page = {0};
	_cleanup_free_ char *err = NULL;
	int r = kube_decode_pods(a->body, a->len, &page, &err);

	if (r >= 0)
		r = kube_pods_add_page(&l->page, &page);
	if (r == -E2BIG && !err)
		(void)str_printf(&err, "more than %d pods", KUBE_MAX_ITEMS);
	(void)answer_decoded(r, err, &l->page.left_out, fault);
	return r < 0 ? r : l->page.next != NULL;
}

static void on_page(void *userdata, const struct transport_answer *a)
{
	struct kube_list *l = userdata;
	_cleanup_free_ char *reason = NULL;
	struct fault fault = {0};
	char took[32];
	int r = -EIO;

	l->request = NULL;
	if (answer_check(a, ANSWER_JSON, &fault)) {
		r = take_page(l, a, &fault);
	} else {
		(void)asks_to_wait(l, a);
		kube_add_words(a, &fault, &reason);
		if (a->status == 410 && begin_anew(l))
			return;
	}
	if (r > 0 && a->received - l->began > KUBE_TURN_MAX) {
		r = -ETIMEDOUT;
		fault_set(&fault, "timeout", "is not through its list after %s",
			format_duration(took, sizeof(took), a->received - l->began));
	}
	if (r > 0) {
		r = ask_page(l);
		if (r >= 0)
			return;
		fault_set(&fault, "protocol", "could not be asked: %s", strerror(-r));
	}
	if (r < 0)
		keep_last(l, &fault);
	else
		take_list(l, &fault);
}

/* Both are by uid; the result is, too. What changed is moved. */
static int merge(struct kube_pod_list *pods, struct kube_changes *changes)
{
	struct kube_pod *items = calloc(pods->n + changes->n + 1, sizeof(*items));
	size_t n = 0;
	size_t i = 0;

	if (!items)
		return -ENOMEM;
	for (size_t j = 0; j < changes->n; j++) {
		struct kube_change *c = &changes->items[j];

		while (i < pods->n && compare_uids(&pods->items[i], &c->pod) < 0)
			items[n++] = pods->items[i++];
		if (i < pods->n && compare_uids(&pods->items[i], &c->pod) == 0)
			kube_pod_clear(&pods->items[i++]);
		if (j + 1 < changes->n && compare_uids(&c->pod, &c[1].pod) == 0)
			continue; /* it changed once more */
		if (!c->gone)
			items[n++] = TAKE_STRUCT(c->pod);
	}
	while (i < pods->n)
		items[n++] = pods->items[i++];
	free(pods->items);
	pods->items = items;
	pods->n = n;
	return 0;
}

static int apply(struct kube_list *l, struct kube_changes *changes, char **reterr)
{
	int r;

	if (l->pods.n + changes->n > KUBE_MAX_ITEMS)
		return str_printf(reterr, "more than %d pods", KUBE_MAX_ITEMS) < 0 ? -ENOMEM
										   : -E2BIG;
	if (changes->n == 0 && !changes->version)
		return 0;
	if (changes->n > 0)
		qsort(changes->items, changes->n, sizeof(*changes->items), compare_changes);
	r = merge(&l->pods, changes);
	if (r >= 0 && changes->version) {
		free(l->pods.version);
		l->pods.version = TAKE_PTR(changes->version);
	}
	return r;
}

/* 1: they are in. 0: the API server does not remember so much. -errno with fault: none of use. */
static int take_changes(struct kube_list *l, const struct transport_answer *a, struct fault *fault)
{
	_cleanup_(kube_changes_clear) struct kube_changes changes = {0};
	_cleanup_free_ char *err = NULL;
	int r = kube_decode_changes(a->body, a->len, &changes, &err);

	if (r >= 0 && changes.expired)
		return 0;
	/* Whoever ends it earlier may not have told all. */
	if (r >= 0 && a->took < WATCH_TIME) {
		fault_set(fault, "cut", "ended the answer before its time");
		return -EIO;
	}
	if (r >= 0)
		r = apply(l, &changes, &err);
	return answer_decoded(r, err, NULL, fault) < 0 ? r : 1;
}

static void on_changes(void *userdata, const struct transport_answer *a)
{
	struct kube_list *l = userdata;
	_cleanup_free_ char *reason = NULL;
	struct fault fault = {0};
	int r = -EIO;

	l->request = NULL;
	if (answer_check(a, ANSWER_JSON_LINES, &fault))
		r = take_changes(l, a, &fault);
	else
		kube_add_words(a, &fault, &reason);
	if (r > 0) {
		finish(l, &fault, true);
	} else if (asks_to_wait(l, a)) {
		finish(l, &fault, false); /* what has changed can be asked for later */
	} else {
		if (r < 0 && a->status != 410)
			l->doubt = fault;
		ask_list(l);
	}
}

/* A watch is silent for most of its second. */
static int ask_changes(struct kube_list *l)
{
	struct transport_ask ask = {.method = "GET",
		.endpoint = &l->source->endpoint,
		.urgent = true,
		.places = PLACES_LASTING};
	_cleanup_free_ char *url = NULL;
	struct strbuf b = {0};
	int r;

	add_query(l, "&watch=1&timeoutSeconds=" WATCH_SECONDS, &b);
	strbuf_add(&b, "&resourceVersion=");
	strbuf_add_segment(&b, l->pods.version);
	r = strbuf_finish(&b, &url);
	ask.url = url;
	return r < 0 ? r : transport_send(l->source->transport, &ask, on_changes, l, &l->request);
}

/* Those of all namespaces take a fifth of a turn at most: drivers are asked when they are through.
 */
static bool has_time(const struct kube_list *l)
{
	usec_t turn = l->began - l->before;
	size_t rounds = (l->source->urls.n + KUBE_LISTS_AT_ONCE - 1) / KUBE_LISTS_AT_ONCE;

	return turn >= MIN_TURN && turn / 5 >= rounds * WATCH_TIME;
}

/* A row that was left out could have changed into one of use: then all are listed. */
static bool may_ask_changes(const struct kube_list *l)
{
	usec_t timeout = l->source->endpoint.timeout;

	return l->pods.version && l->pods.left_out.n == 0 && has_time(l) && !is_due(l) &&
	       l->began >= l->changes_at && timeout > 2 * WATCH_TIME;
}

void kube_list_ask(struct kube_list *l, usec_t began, kube_list_done_fn done, void *userdata)
{
	kube_list_cancel(l);
	l->before = l->began;
	l->began = began;
	l->done = done;
	l->userdata = userdata;
	l->begun_anew = false;
	l->not_before = 0;
	l->doubt = (struct fault){0};
	if (!may_ask_changes(l) || ask_changes(l) < 0)
		ask_list(l);
}
