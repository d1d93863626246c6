/* SPDX-License-Identifier: Apache-2.0
 * Lists the SparkApplications that have no driver yet. */
#include "source/kube_unstarted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "io/clock.h"
#include "source/answer.h"
#include "source/kube_end.h"

/* Of whole objects, which have 10 kB and more. */
#define PAGE "100"

#define APPS "/" KUBE_APPLICATIONS
#define KUBEFLOW "/apis/" KUBE_KUBEFLOW_GROUP
#define APACHE "/apis/" KUBE_APACHE_GROUP

/* An operator's API. */
static const struct {
	enum kube_owner_type type;
	const char *group;
	const char *version;
	const char *list; /* of all namespaces */
} groups[] = {
	{KUBE_OWNER_KUBEFLOW, KUBEFLOW, "v1beta2", KUBEFLOW "/v1beta2" APPS},
	{KUBE_OWNER_APACHE, APACHE, "v1", APACHE "/v1" APPS},
};

/* The SparkApplications of one operator, in one namespace or in all. */
struct place {
	size_t group;
	char *url;                     /* of the list, without what asks for a page */
	struct kube_waiting_list apps; /* of the last list that was whole */
	struct kube_waiting_list next; /* of the one at hand, all pages so far */
	struct fault fault;            /* of the last list */
};

struct kube_unstarted {
	struct source *source;
	const char *api;
	struct place *places;
	size_t n_places;
	size_t at;        /* the place that is asked */
	bool found;       /* its group is there: else that is asked for */
	usec_t listed_at; /* when the last search began; 0: none has */
	usec_t until;
	struct transport_request *request;
	kube_unstarted_done_fn done;
	void *userdata;
};

static int add_place(
	struct kube_unstarted *u, size_t group, const char *namespace, const char *selector)
{
	struct place *p = &u->places[u->n_places++];

	p->group = group;
	return str_printf(&p->url, "%s%s/%s%s%s" APPS "?limit=" PAGE "%s%s", u->api,
		groups[group].group, groups[group].version, *namespace ? "/namespaces/" : "",
		namespace, *selector ? "&labelSelector=" : "", selector);
}

int kube_unstarted_new(struct source *source, const char *api, const struct strlist *namespaces,
	const char *selector, struct kube_unstarted **ret)
{
	_cleanup_(kube_unstarted_freep) struct kube_unstarted *u = calloc(1, sizeof(*u));
	size_t n = namespaces->n > 0 ? namespaces->n : 1;
	int r = 0;

	if (!u)
		return -ENOMEM;
	u->source = source;
	u->api = api;
	u->places = calloc(ELEMENTSOF(groups) * n, sizeof(*u->places));
	if (!u->places)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(groups) * n; i++)
		r = add_place(
			u, i / n, namespaces->n > 0 ? namespaces->items[i % n] : "", selector);
	if (r >= 0)
		*ret = TAKE_PTR(u);
	return r;
}

void kube_unstarted_cancel(struct kube_unstarted *u)
{
	transport_cancel(u->source->transport, u->request);
	u->request = NULL;
}

struct kube_unstarted *kube_unstarted_free(struct kube_unstarted *u)
{
	if (!u)
		return NULL;
	kube_unstarted_cancel(u);
	for (size_t i = 0; i < u->n_places; i++) {
		free(u->places[i].url);
		kube_waiting_list_clear(&u->places[i].apps);
		kube_waiting_list_clear(&u->places[i].next);
	}
	free(u->places);
	free(u);
	return NULL;
}

static void go_on(struct kube_unstarted *u);

/* To the next place, or past all of this group. */
static void pass(struct kube_unstarted *u, bool group)
{
	size_t of = u->places[u->at].group;

	do
		u->at++;
	while (group && u->at < u->n_places && u->places[u->at].group == of);
	if (u->at < u->n_places && u->places[u->at].group != of)
		u->found = false;
}

/* false with the place's fault: it is none. A row that was left out is a fault, too, and ends
 * nothing. */
static bool take_page(struct place *p, const struct transport_answer *a)
{
	_cleanup_(kube_waiting_list_clear) struct kube_waiting_list page = {0};
	_cleanup_free_ char *err = NULL;
	int r = kube_decode_waiting(a->body, a->len, groups[p->group].type, &page, &err);

	if (r >= 0)
		r = kube_waiting_add_page(&p->next, &page);
	if (r == -E2BIG && !err)
		(void)str_printf(&err, "more than %d objects", KUBE_MAX_ITEMS);
	return answer_decoded(r, err, &p->next.left_out, &p->fault) >= 0;
}

/* The list at hand is whole. What has begun since the last one began again. */
static void take_list(struct place *p)
{
	kube_waiting_list_clear(&p->apps);
	p->apps = TAKE_STRUCT(p->next);
	kube_waiting_sort(&p->apps);
}

static void on_page(void *userdata, const struct transport_answer *a)
{
	struct kube_unstarted *u = userdata;
	struct place *p = &u->places[u->at];
	_cleanup_free_ char *reason = NULL;
	bool taken = false;

	u->request = NULL;
	if (answer_check(a, ANSWER_JSON, &p->fault))
		taken = take_page(p, a);
	else
		kube_add_words(a, &p->fault, &reason);
	if (taken && !p->next.next)
		take_list(p);
	if (!taken || !p->next.next)
		pass(u, false);
	go_on(u);
}

/* Without its group the operator is not installed, and nothing waits for it. */
static void on_group(void *userdata, const struct transport_answer *a)
{
	struct kube_unstarted *u = userdata;
	struct place *p = &u->places[u->at];
	size_t i = u->at;

	u->request = NULL;
	u->found = answer_check(a, ANSWER_JSON, &p->fault);
	if (!u->found && a->error >= 0 && a->status == 404) {
		p->fault = (struct fault){0};
		for (; i < u->n_places && u->places[i].group == p->group; i++)
			kube_waiting_list_clear(&u->places[i].apps);
	}
	if (!u->found)
		pass(u, true);
	go_on(u);
}

static int ask_group(struct kube_unstarted *u)
{
	_cleanup_free_ char *url = NULL;
	int r = str_printf(&url, "%s%s", u->api, groups[u->places[u->at].group].group);

	return r < 0 ? r : source_get(u->source, url, on_group, u, &u->request);
}

static int ask_page(struct kube_unstarted *u)
{
	const struct place *p = &u->places[u->at];
	_cleanup_free_ char *url = NULL;
	struct strbuf b = {0};
	int r;

	strbuf_add(&b, p->url);
	if (p->next.next) {
		strbuf_add(&b, "&continue=");
		strbuf_add_segment(&b, p->next.next);
	}
	r = strbuf_finish(&b, &url);
	return r < 0 ? r : source_get(u->source, url, on_page, u, &u->request);
}

/* true: a request is under way. */
static bool ask(struct kube_unstarted *u)
{
	struct fault *fault = &u->places[u->at].fault;
	int r;

	if (clock_boottime() >= u->until) {
		fault_set(fault, "timeout", "left no time to look for SparkApplications");
		return false;
	}
	r = u->found ? ask_page(u) : ask_group(u);
	if (r < 0)
		fault_set(fault, "protocol", "could not be asked: %s", strerror(-r));
	return r >= 0;
}

static void tell(struct kube_unstarted *u)
{
	const struct place *p = u->places;

	while (!p->fault.reason && p + 1 < u->places + u->n_places)
		p++;
	u->done(u->userdata, &p->fault, groups[p->group].list);
}

static void go_on(struct kube_unstarted *u)
{
	while (u->at < u->n_places) {
		if (ask(u))
			return;
		pass(u, false);
	}
	tell(u);
}

void kube_unstarted_search(
	struct kube_unstarted *u, usec_t until, kube_unstarted_done_fn done, void *userdata)
{
	usec_t now = clock_boottime();

	u->until = until;
	u->done = done;
	u->userdata = userdata;
	if (u->listed_at > 0 && now < u->listed_at + KUBE_UNSTARTED_EVERY) {
		tell(u);
		return;
	}
	u->listed_at = now;
	u->at = 0;
	u->found = false;
	for (size_t i = 0; i < u->n_places; i++) {
		kube_waiting_list_clear(&u->places[i].next);
		u->places[i].fault = (struct fault){0};
	}
	go_on(u);
}

void kube_unstarted_saw(struct kube_unstarted *u, const struct kube_pod *p)
{
	for (size_t i = 0; p->owner.name && i < u->n_places; i++) {
		struct kube_waiting *w = NULL;

		if (groups[u->places[i].group].type == p->owner.type)
			w = kube_waiting_find(&u->places[i].apps, p->namespace, p->owner.name);
		if (w)
			w->started = true;
	}
}

const struct kube_waiting *kube_unstarted_next(const struct kube_unstarted *u, size_t *at)
{
	size_t i = (*at)++;

	for (size_t k = 0; k < u->n_places; i -= u->places[k++].apps.n)
		if (i < u->places[k].apps.n)
			return &u->places[k].apps.items[i];
	return NULL;
}

bool kube_unstarted_partial(const struct kube_unstarted *u)
{
	for (size_t i = 0; i < u->n_places; i++)
		if (u->places[i].apps.left_out.n > 0)
			return true;
	return false;
}
