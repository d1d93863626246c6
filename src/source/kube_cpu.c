/* SPDX-License-Identifier: Apache-2.0
 * Kubelets' summaries, and who waits for them. */
#include "source/kube_cpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "source/kube_end.h"

/* 500 pods of two containers have 1 MB, with all that a kubelet tells 4 MB. */
#define MAX_SUMMARY ((size_t)8 * 1024 * 1024)
/* A kubelet reads its counters every ten seconds or so: one summary serves all who want to know
 * within that time. */
#define SUMMARY_AGE (8 * USEC_PER_SEC)
#define LEFT_ALONE (30 * USEC_PER_SEC)
#define MAX_LEFT_ALONE (10 * USEC_PER_MINUTE)
/* What nobody wanted for so long is forgotten. */
#define FORGOTTEN_AFTER (10 * USEC_PER_MINUTE)
#define MAX_NODES 1024
/* Between its clock and ours. A Date header has whole seconds. */
#define MAX_DRIFT (3 * USEC_PER_SEC)

struct want {
	struct want *next;
	char *cluster;
	char *app_id;
	usec_t started;
	char *executor_id;
	char *uid;
	char *container;
};

struct node {
	struct kube_cpu *cpu;
	struct node *next;
	char *url; /* whom it asks; of a node of one API server alone */
	struct transport_request *request;
	struct want *wants; /* of its next summary */
	struct kube_usage_list usage;
	usec_t received; /* 0: no summary */
	usec_t not_before;
	usec_t wanted;
	bool has_offset;
	int64_t offset; /* from its clock to ours */
};

struct kube_cpu {
	struct transport *transport;
	struct kube_places *places;
	kube_cpu_done_fn done;
	void *userdata;
	struct node *nodes;
	size_t n_nodes;
};

int kube_cpu_new(struct transport *transport, struct kube_places *places, kube_cpu_done_fn done,
	void *userdata, struct kube_cpu **ret)
{
	struct kube_cpu *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->transport = transport;
	c->places = places;
	c->done = done;
	c->userdata = userdata;
	*ret = c;
	return 0;
}

static void want_free(struct want *w)
{
	free(w->cluster);
	free(w->app_id);
	free(w->executor_id);
	free(w->uid);
	free(w->container);
	free(w);
}

static void free_wants(struct want *w)
{
	while (w) {
		struct want *next = w->next;

		want_free(w);
		w = next;
	}
}

static void node_free(struct node *n)
{
	transport_cancel(n->cpu->transport, n->request);
	free_wants(n->wants);
	kube_usage_list_clear(&n->usage);
	free(n->url);
	free(n);
}

struct kube_cpu *kube_cpu_free(struct kube_cpu *c)
{
	if (!c)
		return NULL;
	while (c->nodes) {
		struct node *next = c->nodes->next;

		node_free(c->nodes);
		c->nodes = next;
	}
	free(c);
	return NULL;
}

static void forget_old(struct kube_cpu *c, usec_t now)
{
	for (struct node **p = &c->nodes; *p;) {
		struct node *n = *p;

		if (n->request || usec_sub(now, n->wanted) < FORGOTTEN_AFTER) {
			p = &n->next;
			continue;
		}
		*p = n->next;
		c->n_nodes--;
		node_free(n);
	}
}

/* NULL: no memory, or no place. */
static struct node *node_get(
	struct kube_cpu *c, const struct cpu_point *point, const char *name, usec_t now)
{
	_cleanup_free_ char *url = NULL;
	struct node *n = c->nodes;

	if (str_printf(&url, "%s/api/v1/nodes/%s/proxy", point->api, name) < 0)
		return NULL;
	while (n && !str_equal(n->url, url))
		n = n->next;
	if (!n && c->n_nodes < MAX_NODES) {
		n = calloc(1, sizeof(*n));
		if (!n)
			return NULL;
		n->cpu = c;
		n->url = TAKE_PTR(url);
		n->next = c->nodes;
		c->nodes = n;
		c->n_nodes++;
	}
	if (n)
		n->wanted = now;
	return n;
}

static const struct kube_usage *find_usage(const struct node *n, const struct want *w)
{
	for (size_t i = 0; i < n->usage.n; i++)
		if (str_equal(n->usage.items[i].uid, w->uid) &&
			str_equal(n->usage.items[i].container, w->container))
			return &n->usage.items[i];
	return NULL;
}

/* A clock that is not ours: the difference of two readings is true, and that is what counts. */
static usec_t age_of(const struct node *n, const struct kube_usage *u)
{
	int64_t read = (int64_t)u->read + n->offset;

	return read > 0 ? usec_sub(n->received, (usec_t)read) : 0;
}

static int add_tree(const struct node *n, const struct want *w, struct process_list *l)
{
	const struct kube_usage *u = find_usage(n, w);
	struct process_tree *items;

	if (!u)
		return 0;
	items = reallocarray(l->items, l->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	l->items = items;
	items[l->n] = (struct process_tree){.cpu = u->cpu, .age = age_of(n, u)};
	items[l->n].executor_id = strdup(w->executor_id);
	return items[l->n++].executor_id ? 0 : -ENOMEM;
}

static bool is_of(const struct want *w, const struct kube_app_key *app)
{
	return w->started == app->started && str_equal(w->app_id, app->app_id) &&
	       str_equal(w->cluster, app->cluster);
}

/* Takes those of one app out of the list. */
static struct want *take_app(struct want **list, const struct kube_app_key *app)
{
	struct want *taken = NULL;

	for (struct want **p = list; *p;) {
		struct want *w = *p;

		if (!is_of(w, app)) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		w->next = taken;
		taken = w;
	}
	return taken;
}

/* Tells each app what came of it. */
static void tell(struct node *n, struct want *wants, const struct asked *asked)
{
	while (wants) {
		const struct kube_app_key first = {wants->cluster, wants->app_id, wants->started};
		struct want *of = take_app(&wants, &first);
		struct kube_cpu_answer answer = {
			.app = first, .asked = *asked, .taken = n->received};
		int r = 0;

		for (const struct want *w = of; r >= 0 && w && !asked->fault.reason; w = w->next)
			r = add_tree(n, w, &answer.list);
		n->cpu->done(n->cpu->userdata, &answer);
		process_list_clear(&answer.list);
		free_wants(of);
	}
}

/* As long as the two go alike, what was found first holds: a reading keeps its time. */
static void note_clock(struct node *n, const struct transport_answer *a)
{
	usec_t wall = a->date ? a->date + USEC_PER_SEC / 2 : a->wall;
	int64_t offset = (int64_t)a->received - (int64_t)wall;
	int64_t drift = offset - n->offset;

	if (n->has_offset && drift < (int64_t)MAX_DRIFT && drift > -(int64_t)MAX_DRIFT)
		return;
	n->offset = offset;
	n->has_offset = true;
}

static void take(struct node *n, const struct transport_answer *a, struct fault *fault)
{
	struct kube_usage_list l = {0};
	_cleanup_free_ char *err = NULL;
	int r = kube_decode_usage(a->body, a->len, &l, &err);

	if (answer_decoded(r, err, &l.left_out, fault) < 0)
		return;
	note_clock(n, a);
	n->received = a->received;
	n->usage = l;
}

static usec_t left_alone(const struct transport_answer *a)
{
	usec_t wait = a->error == 0 ? a->retry_after : 0;

	return usec_clamp(wait, LEFT_ALONE, MAX_LEFT_ALONE);
}

static void on_summary(void *userdata, const struct transport_answer *a)
{
	struct node *n = userdata;
	struct asked asked = {.url = n->url, .what = "/stats/summary"};
	_cleanup_free_ char *reason = NULL;
	struct want *wants = n->wants;

	n->request = NULL;
	n->wants = NULL;
	n->received = 0;
	kube_usage_list_clear(&n->usage);
	if (answer_check(a, ANSWER_JSON, &asked.fault))
		take(n, a, &asked.fault);
	else
		kube_add_words(a, &asked.fault, &reason);
	if (n->received == 0)
		n->not_before = a->received + left_alone(a);
	tell(n, wants, &asked);
}

static int ask(struct node *n, const struct cpu_point *point)
{
	struct transport_ask ask = {
		.method = "GET", .endpoint = point->endpoint, .max_body = MAX_SUMMARY};
	_cleanup_free_ char *url = NULL;
	int r = str_printf(&url, "%s/stats/summary?only_cpu_and_memory=true", n->url);

	ask.url = url;
	return r < 0 ? r : transport_send(n->cpu->transport, &ask, on_summary, n, &n->request);
}

static bool is_fresh(const struct node *n, usec_t now)
{
	return n->received > 0 && usec_sub(now, n->received) < SUMMARY_AGE;
}

static int want_new(
	const struct kube_app_key *app, const struct kube_executor *e, struct want **ret)
{
	struct want *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->started = app->started;
	r = str_replace(&w->cluster, app->cluster);
	if (r >= 0)
		r = str_replace(&w->app_id, app->app_id);
	if (r >= 0)
		r = str_replace(&w->executor_id, e->id);
	if (r >= 0)
		r = str_replace(&w->uid, e->uid);
	if (r >= 0)
		r = str_replace(&w->container, e->container);
	if (r < 0)
		want_free(w);
	else
		*ret = w;
	return r;
}

/* Nobody waits where nobody asks. */
static bool may_ask(const struct node *n, usec_t now)
{
	return n->request || is_fresh(n, now) || now >= n->not_before;
}

static int want_one(struct kube_cpu *c, const struct cpu_point *point,
	const struct kube_app_key *app, const struct kube_executor *e, usec_t now)
{
	struct node *n = node_get(c, point, e->node, now);
	struct want *w;
	int r;

	if (!n || !may_ask(n, now))
		return 0;
	r = want_new(app, e, &w);
	if (r < 0)
		return r;
	w->next = n->wants;
	n->wants = w;
	if (n->request || is_fresh(n, now))
		return 0;
	r = ask(n, point);
	if (r < 0) {
		n->wants = w->next;
		want_free(w);
	}
	return r;
}

/* Of these the summary is there already. */
static void tell_fresh(struct kube_cpu *c)
{
	for (struct node *n = c->nodes; n; n = n->next) {
		const struct asked asked = {.url = n->url, .what = "/stats/summary"};
		struct want *wants = n->wants;

		if (n->request || !wants)
			continue;
		n->wants = NULL;
		tell(n, wants, &asked);
	}
}

int kube_cpu_want(struct kube_cpu *c, const struct cpu_point *point, const struct kube_app_key *app,
	const struct strlist *executors, usec_t now)
{
	int r = 0;

	forget_old(c, now);
	for (size_t i = 0; r >= 0 && i < executors->n; i++) {
		const struct kube_executor *e =
			kube_places_find(c->places, app, executors->items[i], now);

		if (e)
			r = want_one(c, point, app, e, now);
	}
	tell_fresh(c);
	return r;
}
