/* SPDX-License-Identifier: Apache-2.0
 * Executors of apps, and their pods. */
#include "source/kube_places.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "source/kube_end.h"

/* Of all apps. What was asked for longest ago makes room. */
#define MAX_PLACES 4096
/* In one request: a pod has up to 30 kB. */
#define MAX_IDS 100
#define ASK_SPACING (20 * USEC_PER_SEC)
#define MAX_LOOKS 64

struct place {
	char *cluster;
	char *app_id;
	usec_t started;
	struct kube_executor at;
	usec_t used;
};

/* A question about executors of an app, or that there was one. */
struct look {
	struct kube_places *places;
	struct look *next;
	struct transport_request *request; /* NULL: it is over */
	char *cluster;
	char *app_id;
	usec_t started;
	char *url; /* whom it asks */
	usec_t asked;
};

struct kube_places {
	struct transport *transport;
	kube_places_done_fn done;
	void *userdata;
	struct place *items;
	size_t n;
	struct look *looks; /* newest first */
};

int kube_places_new(struct transport *transport, kube_places_done_fn done, void *userdata,
	struct kube_places **ret)
{
	struct kube_places *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->transport = transport;
	p->done = done;
	p->userdata = userdata;
	*ret = p;
	return 0;
}

static void place_clear(struct place *p)
{
	free(p->cluster);
	free(p->app_id);
	kube_executor_clear(&p->at);
	*p = (struct place){0};
}

static void look_free(struct look *k)
{
	if (!k)
		return;
	for (struct look **l = &k->places->looks; *l; l = &(*l)->next)
		if (*l == k) {
			*l = k->next;
			break;
		}
	transport_cancel(k->places->transport, k->request);
	free(k->cluster);
	free(k->app_id);
	free(k->url);
	free(k);
}

struct kube_places *kube_places_free(struct kube_places *p)
{
	if (!p)
		return NULL;
	while (p->looks)
		look_free(p->looks);
	for (size_t i = 0; i < p->n; i++)
		place_clear(&p->items[i]);
	free(p->items);
	free(p);
	return NULL;
}

static struct place *find(
	struct kube_places *p, const struct kube_app_key *app, const char *executor_id)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].started == app->started &&
			str_equal(p->items[i].at.id, executor_id) &&
			str_equal(p->items[i].app_id, app->app_id) &&
			str_equal(p->items[i].cluster, app->cluster))
			return &p->items[i];
	return NULL;
}

const struct kube_executor *kube_places_find(
	struct kube_places *p, const struct kube_app_key *app, const char *executor_id, usec_t now)
{
	struct place *found = find(p, app, executor_id);

	if (!found)
		return NULL;
	found->used = now;
	return &found->at;
}

static struct place *make_room(struct kube_places *p)
{
	struct place *oldest = p->items;
	struct place *items;

	if (p->n == MAX_PLACES) {
		for (size_t i = 1; i < p->n; i++)
			if (p->items[i].used < oldest->used)
				oldest = &p->items[i];
		place_clear(oldest);
		return oldest;
	}
	items = reallocarray(p->items, p->n + 1, sizeof(*items));
	if (!items)
		return NULL;
	p->items = items;
	items[p->n] = (struct place){0};
	return &items[p->n++];
}

/* Takes over what is in e. Two pods with the id of one executor: whoever makes pods can say so, and
 * which of them it is cannot be told. */
static int add(struct kube_places *p, const struct look *k, struct kube_executor *e, usec_t now)
{
	const struct kube_app_key app = {k->cluster, k->app_id, k->started};
	struct place *place = find(p, &app, e->id);
	int r;

	if (place) {
		if (str_equal(place->at.uid, e->uid))
			return 0;
		return str_replace(&place->at.uid, "");
	}
	place = make_room(p);
	if (!place)
		return -ENOMEM;
	place->started = k->started;
	place->used = now;
	place->at = TAKE_STRUCT(*e);
	r = str_replace(&place->cluster, k->cluster);
	return r < 0 ? r : str_replace(&place->app_id, k->app_id);
}

static int take(struct look *k, const struct transport_answer *a, struct fault *fault)
{
	_cleanup_(kube_executor_list_clear) struct kube_executor_list l = {0};
	_cleanup_free_ char *err = NULL;
	int r = kube_decode_executors(a->body, a->len, &l, &err);

	(void)answer_decoded(r, err, &l.left_out, fault);
	for (size_t i = 0; r >= 0 && i < l.n; i++)
		r = add(k->places, k, &l.items[i], a->received);
	return r;
}

static void on_pods(void *userdata, const struct transport_answer *a)
{
	struct look *k = userdata;
	struct kube_places *p = k->places;
	const struct kube_app_key app = {k->cluster, k->app_id, k->started};
	struct asked asked = {.url = k->url, .what = "?spark-exec-id"};
	_cleanup_free_ char *reason = NULL;

	k->request = NULL;
	if (answer_check(a, ANSWER_JSON, &asked.fault))
		(void)take(k, a, &asked.fault);
	else
		kube_add_words(a, &asked.fault, &reason);
	p->done(p->userdata, &app, &asked);
}

/* As the value of a label. */
static bool is_value(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || (s[n] && strchr("-_.", s[n])))
		n++;
	return n > 0 && n <= 63 && s[n] == '\0';
}

static bool is_number(const char *s)
{
	size_t n = 0;

	while (isdigit((unsigned char)s[n]))
		n++;
	return n > 0 && n <= 20 && s[n] == '\0';
}

/* Spark tells the ids, and an app can make it tell any: of executors, they are numbers. */
static size_t add_ids(struct strbuf *b, const struct strlist *executors)
{
	size_t n = 0;

	for (size_t i = 0; i < executors->n && n < MAX_IDS; i++)
		if (is_number(executors->items[i]))
			strbuf_addf(b, "%s%s", n++ > 0 ? "," : "", executors->items[i]);
	return n;
}

static int url_of(const struct look *k, const struct strlist *executors, char **ret)
{
	_cleanup_free_ char *selector = NULL;
	struct strbuf b = {0};
	size_t n;
	int r;

	if (!is_value(k->app_id))
		return -EINVAL;
	strbuf_addf(&b, "spark-app-selector=%s,spark-exec-id in (", k->app_id);
	n = add_ids(&b, executors);
	strbuf_add(&b, ")");
	r = strbuf_finish(&b, &selector);
	if (r < 0 || n == 0)
		return r < 0 ? r : -ENOENT;
	strbuf_addf(&b, "%s?resourceVersion=0&labelSelector=", k->url);
	strbuf_add_segment(&b, selector);
	return strbuf_finish(&b, ret);
}

static int look_new(struct kube_places *p, const struct cpu_point *point,
	const struct kube_app_key *app, struct look **ret)
{
	struct look *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->places = p;
	k->started = app->started;
	k->next = p->looks;
	p->looks = k;
	r = str_replace(&k->cluster, app->cluster);
	if (r >= 0)
		r = str_replace(&k->app_id, app->app_id);
	if (r >= 0)
		r = str_printf(
			&k->url, "%s/api/v1/namespaces/%s/pods", point->api, point->namespace);
	if (r < 0)
		look_free(k);
	else
		*ret = k;
	return r;
}

/* What was asked a while ago may be asked again. */
static bool may_ask(struct kube_places *p, const struct kube_app_key *app, usec_t now)
{
	size_t n = 0;

	for (struct look *k = p->looks, *next; k; k = next) {
		next = k->next;
		if (!k->request && usec_sub(now, k->asked) >= ASK_SPACING) {
			look_free(k);
			continue;
		}
		n++;
		if (k->started == app->started && str_equal(k->app_id, app->app_id) &&
			str_equal(k->cluster, app->cluster))
			return false;
	}
	return n < MAX_LOOKS;
}

int kube_places_ask(struct kube_places *p, const struct cpu_point *point,
	const struct kube_app_key *app, const struct strlist *executors, usec_t now)
{
	struct transport_ask ask = {.method = "GET", .endpoint = point->endpoint};
	_cleanup_free_ char *url = NULL;
	struct look *k;
	int r;

	if (!may_ask(p, app, now))
		return -EAGAIN;
	r = look_new(p, point, app, &k);
	if (r < 0)
		return r;
	k->asked = now;
	r = url_of(k, executors, &url);
	ask.url = url;
	if (r >= 0)
		r = transport_send(p->transport, &ask, on_pods, k, &k->request);
	if (r < 0)
		look_free(k);
	return r;
}
