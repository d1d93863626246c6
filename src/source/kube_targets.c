/* SPDX-License-Identifier: Apache-2.0
 * Targets out of pods and SparkApplications. Who a pod is, its uid says: its name may be another's
 * by now. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "source/kube_source.h"
#include "wire/kube.h"

#define MAX_NAME_OF_SERVICE 63

/* Of Spark's own headless service, or of the one that the operator makes for the UI. *ret is NULL
 * where the name cannot be told. */
static int service_of(const struct kube_pod *p, char **ret)
{
	static const char end[] = "-driver";
	_cleanup_free_ char *name = NULL;
	size_t n = strlen(p->name);
	int r = 0;

	if (p->operator_app)
		r = str_printf(&name, "%s-ui-svc", p->operator_app);
	else if (n >= strlen(end) && str_equal(p->name + n - strlen(end), end))
		r = str_printf(&name, "%s-svc", p->name);
	if (r < 0 || !name || strlen(name) > MAX_NAME_OF_SERVICE)
		return r;
	*ret = TAKE_PTR(name);
	return 0;
}

static int driver_url(const struct source_kubernetes *k, const struct kube_pod *p, char **ret)
{
	unsigned port = p->ui_port ? p->ui_port : k->ui_port;
	_cleanup_free_ char *service = NULL;
	bool v6 = p->ip && strchr(p->ip, ':');
	int r;

	switch (k->ui_via) {
	case UI_VIA_POD_IP:
		return p->ip ? str_printf(ret, "http://%s%s%s:%u", v6 ? "[" : "", p->ip,
				       v6 ? "]" : "", port)
			     : 0;
	case UI_VIA_SERVICE:
		r = service_of(p, &service);
		return r < 0 || !service ? r
					 : str_printf(ret, "http://%s.%s.svc:%u", service,
						   p->namespace, port);
	case UI_VIA_PROXY:
		return str_printf(ret, "%s/api/v1/namespaces/%s/pods/%s:%u/proxy", k->api,
			p->namespace, p->name, port);
	}
	return -EINVAL;
}

/* Several pods can be at the address of a node: there only an app's id tells whose answer it is. */
static int fill_owner(const struct kube_pod *p, struct target *t)
{
	int r;

	if (p->host_network && !t->app_id)
		return 0;
	r = str_replace(&t->uid, p->uid);
	if (r >= 0)
		r = owner_copy(&p->task, &t->owner);
	return r < 0 ? r : owner_hint_copy(&p->hint, &t->hint);
}

/* What its status says, and where that does not say why it waits, its events. */
static int fill_about(const struct source_kubernetes *k, const struct kube_pod *p, struct target *t)
{
	const char *event = t->waits ? kube_events_text(k->events, p->uid) : NULL;
	_cleanup_free_ char *text = NULL;
	int r = kube_pod_text(p, &text);

	return r < 0 ? r
		     : str_printf(&t->about, "%s%s%s", text, event ? ", " : "", event ? event : "");
}

/* Another pod may come to have its address: who answers is asked at each poll. */
static int fill_target(const struct source_kubernetes *k, const struct kube_pod *p, bool is_first,
	struct target *t)
{
	int r;

	*t = (struct target){.configured = k->ui_via == UI_VIA_PROXY,
		.restarts = true,
		.proxied = k->ui_via == UI_VIA_PROXY,
		.waits = p->phase == KUBE_PENDING};
	r = t->waits ? 0 : driver_url(k, p, &t->url);
	if (r >= 0 && is_first)
		r = str_replace(&t->app_id, p->app_id);
	if (r >= 0)
		r = str_replace(&t->name, p->app_name ? p->app_name : p->name);
	if (r >= 0)
		r = fill_about(k, p, t);
	return r < 0 ? r : fill_owner(p, t);
}

static bool is_target(const struct kube_pod *p)
{
	return kube_pod_end(p) != APP_END_ENDED;
}

static int rank_of(const struct kube_pod *p)
{
	return p->terminating ? 2 : p->phase == KUBE_PENDING ? 1 : 0;
}

/* By app; of two that claim to be the same one, first the one that is to stay. */
static int compare_pods(const void *a, const void *b)
{
	const struct kube_pod *p = *(const struct kube_pod *const *)a;
	const struct kube_pod *q = *(const struct kube_pod *const *)b;
	int order = strcmp(p->app_id ? p->app_id : "", q->app_id ? q->app_id : "");

	if (order == 0)
		order = rank_of(p) - rank_of(q);
	return order ? order : strcmp(p->uid, q->uid);
}

const struct kube_pod_list *kube_pods_of(const struct source_kubernetes *k, size_t i)
{
	if (i < k->n_lists)
		return &k->lists[i]->pods;
	return k->clients && i - k->n_lists < 2 ? kube_clients_pods(k->clients, i > k->n_lists)
						: NULL;
}

/* All of them, sorted. *ret is to be freed, and borrows from the lists. */
static int sort_pods(const struct source_kubernetes *k, const struct kube_pod ***ret, size_t *ret_n)
{
	const struct kube_pod_list *l;
	const struct kube_pod **pods;
	size_t n = 0;

	for (size_t i = 0; (l = kube_pods_of(k, i)); i++)
		n += l->n;
	pods = calloc(n + 1, sizeof(struct kube_pod *));
	if (!pods)
		return -ENOMEM;
	*ret = pods;
	*ret_n = n;
	for (size_t i = 0; (l = kube_pods_of(k, i)); i++)
		for (size_t j = 0; j < l->n; j++)
			*pods++ = &l->items[j];
	qsort(*ret, n, sizeof(struct kube_pod *), compare_pods);
	return 0;
}

/* A label is what whoever made the pod says: of two pods with that of one app the second is asked
 * who it is. */
static int fill_targets(const struct source_kubernetes *k, const struct kube_pod *const *pods,
	size_t n_pods, struct target *items, size_t *n)
{
	const struct kube_pod *before = NULL;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n_pods; i++) {
		const struct kube_pod *p = pods[i];
		bool is_first = !before || !str_equal(before->app_id, p->app_id);

		if (!is_target(p))
			continue;
		r = fill_target(k, p, is_first, &items[*n]);
		/* Without an app's id it is known by its address alone. */
		if (r < 0 || items[*n].app_id || items[*n].url)
			(*n)++;
		else
			target_clear(&items[*n]);
		before = p;
	}
	return r;
}

/* Those of which no driver was seen. */
static int fill_unstarted(const struct source_kubernetes *k, struct target *items, size_t *n)
{
	const struct kube_waiting *w;
	int r = 0;

	for (size_t i = 0; r >= 0 && k->unstarted && (w = kube_unstarted_next(k->unstarted, &i));) {
		struct target *t = &items[*n];

		if (w->started)
			continue;
		*t = (struct target){.waits = true};
		(*n)++;
		r = str_replace(&t->app_id, w->uid);
		if (r >= 0)
			r = str_replace(&t->name, w->name);
		if (r >= 0)
			r = str_replace(&t->about, w->text);
	}
	return r;
}

/* Marks those whose driver is there, and counts all. */
static size_t match_unstarted(
	struct source_kubernetes *k, const struct kube_pod *const *pods, size_t n_pods)
{
	size_t n = 0;

	if (!k->unstarted)
		return 0;
	for (size_t i = 0; i < n_pods; i++)
		kube_unstarted_saw(k->unstarted, pods[i]);
	while (kube_unstarted_next(k->unstarted, &n))
		;
	return n;
}

bool kube_targets_partial(const struct source_kubernetes *k)
{
	const struct kube_pod_list *l;

	if (k->unstarted && kube_unstarted_partial(k->unstarted))
		return true;
	for (size_t i = 0; (l = kube_pods_of(k, i)); i++)
		if (l->left_out.n > 0)
			return true;
	return false;
}

struct target *kube_targets_free(struct target *items, size_t n)
{
	for (size_t i = 0; items && i < n; i++)
		target_clear(&items[i]);
	free(items);
	return NULL;
}

int kube_targets_make(struct source_kubernetes *k, struct target **ret, size_t *ret_n)
{
	_cleanup_free_ const struct kube_pod **pods = NULL;
	struct target *items;
	size_t n_pods = 0;
	size_t n = 0;
	int r = sort_pods(k, &pods, &n_pods);

	if (r < 0)
		return r;
	items = calloc(n_pods + match_unstarted(k, pods, n_pods) + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	r = fill_targets(k, pods, n_pods, items, &n);
	if (r >= 0)
		r = fill_unstarted(k, items, &n);
	if (r < 0) {
		/* With the one that could not be finished. */
		kube_targets_free(items, n + 1);
		return r;
	}
	*ret = items;
	*ret_n = n;
	return 0;
}

static bool is_at(
	const struct source_kubernetes *k, const struct kube_pod *p, const struct app_ref *ref)
{
	_cleanup_free_ char *url = NULL;

	return driver_url(k, p, &url) >= 0 && url && str_equal(url, ref->url);
}

/* Two apps may have one id: an operator makes it of a name, which two namespaces may have. The URL
 * tells which pod is meant; an id alone does where it has one pod only. */
const struct kube_pod *kube_targets_find(
	const struct source_kubernetes *k, const struct app_ref *ref)
{
	const struct kube_pod *found = NULL;
	const struct kube_pod_list *l;
	size_t n = 0;

	for (size_t i = 0; (l = kube_pods_of(k, i)); i++)
		for (size_t j = 0; j < l->n; j++) {
			const struct kube_pod *p = &l->items[j];

			if (!is_target(p) || (p->app_id && !str_equal(p->app_id, ref->app_id)))
				continue;
			if (is_at(k, p, ref))
				return p;
			if (!p->app_id)
				continue;
			found = p;
			n++;
		}
	return n == 1 ? found : NULL;
}
