/* SPDX-License-Identifier: Apache-2.0
 * type=kubernetes: driver pods, of all namespaces or of some. Only what begins at the API server
 * itself gets the credentials. */
#include <stdlib.h>

#include "base/strbuf.h"
#include "io/clock.h"
#include "source/kube_access.h"
#include "source/kube_end.h"
#include "source/kube_source.h"
#include "source/types.h"
#include "wire/kube_app.h"

static struct source_kubernetes *of_source(struct source *s)
{
	return (struct source_kubernetes *)s;
}

struct source *source_kubernetes_alloc(void)
{
	struct source_kubernetes *k = calloc(1, sizeof(*k));

	return k ? &k->source : NULL;
}

static void kubernetes_free(struct source *s)
{
	struct source_kubernetes *k = of_source(s);

	for (size_t i = 0; i < k->n_lists; i++)
		kube_list_free(k->lists[i]);
	free(k->lists);
	strlist_clear(&k->namespaces);
	kube_clients_free(k->clients);
	kube_unstarted_free(k->unstarted);
	kube_events_free(k->events);
	free(k->executors);
	free(k->api);
	free(k->selector);
	free(k);
}

static int kubernetes_check(struct source *s, const struct source_params *params, char **reterr)
{
	return kube_setup(of_source(s), params, reterr);
}

static void hand_over(struct source_kubernetes *k)
{
	struct target_list list = {.partial = kube_targets_partial(k),
		.asked = k->source.asked,
		.n_asked = k->source.n_asked};
	struct target *items = NULL;
	int r = kube_targets_make(k, &items, &list.n);

	list.items = items;
	if (r < 0)
		source_no_list(&k->source, k->fn, k->userdata);
	else
		k->fn(k->userdata, &list);
	kube_targets_free(items, list.n);
}

static void on_events(void *userdata)
{
	hand_over(userdata);
}

static void search_events(struct source_kubernetes *k)
{
	const struct kube_pod_list *l;
	int r = 0;

	for (size_t i = 0; (l = kube_pods_of(k, i)); i++)
		for (size_t j = 0; r >= 0 && j < l->n; j++)
			r = kube_events_saw(k->events, &l->items[j]);
	if (r < 0)
		source_no_list(&k->source, k->fn, k->userdata);
	else
		kube_events_search(k->events, k->began + KUBE_TURN_MAX, on_events, k);
}

static void on_unstarted(void *userdata, const struct fault *fault, const char *what)
{
	struct source_kubernetes *k = userdata;

	if (fault->reason)
		*source_note_at(&k->source, k->api, what) = *fault;
	search_events(k);
}

static void search_unstarted(struct source_kubernetes *k)
{
	if (k->unstarted)
		kube_unstarted_search(k->unstarted, k->began + KUBE_TURN_MAX, on_unstarted, k);
	else
		search_events(k);
}

static void on_clients(void *userdata, const struct fault *fault)
{
	struct source_kubernetes *k = userdata;

	if (fault->reason)
		*source_note(&k->source, "?spark-role=executor") = *fault;
	search_unstarted(k);
}

/* A namespace that cannot be listed keeps what was there: it may be there yet. */
static void finish(struct source_kubernetes *k)
{
	struct source *s = &k->source;
	size_t n_listed = 0;

	for (s->current = 0; s->current < k->n_lists; s->current++) {
		const struct kube_list *l = k->lists[s->current];

		*source_note(s, "") = l->fault;
		n_listed += l->listed;
		if (l->not_before > k->not_before)
			k->not_before = l->not_before;
	}
	s->current = 0;
	if (n_listed == 0)
		source_no_list(s, k->fn, k->userdata);
	else if (k->clients)
		kube_clients_search(k->clients, k->began + KUBE_TURN_MAX, on_clients, k);
	else
		search_unstarted(k);
}

static void on_list(void *userdata, struct kube_list *l);

static void go_on(struct source_kubernetes *k)
{
	if (k->beginning)
		return;
	k->beginning = true;
	while (k->next < k->n_lists && k->n_running < KUBE_LISTS_AT_ONCE) {
		k->n_running++;
		kube_list_ask(k->lists[k->next++], k->began, on_list, k);
	}
	k->beginning = false;
	if (k->n_running == 0)
		finish(k);
}

static void on_list(void *userdata, struct kube_list *l)
{
	struct source_kubernetes *k = userdata;

	(void)l;
	k->n_running--;
	go_on(k);
}

static void kubernetes_cancel_list(struct source *s)
{
	struct source_kubernetes *k = of_source(s);

	for (size_t i = 0; i < k->n_lists; i++)
		kube_list_cancel(k->lists[i]);
	if (k->clients)
		kube_clients_cancel(k->clients);
	if (k->unstarted)
		kube_unstarted_cancel(k->unstarted);
	if (k->events)
		kube_events_cancel(k->events);
}

/* What keeps it from being asked at all. */
static bool may_ask(struct source_kubernetes *k, struct fault *fault)
{
	usec_t now = clock_boottime();
	char wait[32];

	if (now < k->not_before) {
		fault_set(fault, "http_status", "is left alone for another %s, as it has asked",
			format_duration(wait, sizeof(wait), k->not_before - now));
		return false;
	}
	k->not_before = 0;
	return true;
}

static int kubernetes_list(struct source *s, source_listed_fn fn, void *userdata)
{
	struct source_kubernetes *k = of_source(s);
	struct fault fault = {0};

	kubernetes_cancel_list(s);
	k->fn = fn;
	k->userdata = userdata;
	k->next = 0;
	k->n_running = 0;
	k->began = clock_boottime();
	s->current = 0;
	s->n_asked = 0;
	if (may_ask(k, &fault)) {
		go_on(k);
	} else {
		*source_note(s, "") = fault;
		source_no_list(s, fn, userdata);
	}
	return 0;
}

/* Spark makes executors in the namespace of their driver. */
static bool kubernetes_cpu_point(
	const struct source *s, const struct app_ref *ref, struct cpu_point *ret)
{
	const struct source_kubernetes *k = (const struct source_kubernetes *)s;
	const struct kube_pod *p = k->cpu_via == CPU_VIA_NONE ? NULL : kube_targets_find(k, ref);

	if (!p)
		return false;
	*ret = (struct cpu_point){.api = k->api,
		.namespace = p->namespace,
		.endpoint = &s->endpoint,
		.probe = k->cpu_via == CPU_VIA_PROBE};
	return true;
}

static void kubernetes_identify(struct source *s, struct app_ref *ref)
{
	const struct source_kubernetes *k = of_source(s);
	const struct kube_pod *p = kube_targets_find(k, ref);

	ref->pid = 0;
	if (p) {
		const struct kube_driver driver = {.namespace = p->namespace,
			.name = p->name,
			.uid = p->uid,
			.owner = p->owner};

		(void)kube_driver_print(&driver, &ref->mark);
	}
}

static int kubernetes_look(struct source *s, const struct app_ref *ref, source_looked_fn fn,
	void *userdata, struct source_call **ret)
{
	struct source_kubernetes *k = of_source(s);

	return kube_end_look(s, k->api, ref, fn, userdata, ret);
}

static bool kubernetes_kill_point(const struct source *s, const struct app_ref *ref,
	enum kill_via via, struct kill_point *ret)
{
	const struct source_kubernetes *k = (const struct source_kubernetes *)s;

	return kube_end_point(s, (const char *const *)&k->api, ref, via, ret);
}

static int kubernetes_access_step(
	struct source *s, unsigned vias, size_t i, struct access_step *ret)
{
	struct source_kubernetes *k = of_source(s);

	return kube_access_step(k->api, &k->namespaces, vias, i, ret);
}

/* What most often keeps a driver's UI from being read where its pod runs. */
static const char *kubernetes_hint(const struct source *s, const struct fault *f)
{
	const struct source_kubernetes *k = (const struct source_kubernetes *)s;

	if (k->ui_via == UI_VIA_PROXY) {
		if (f->status == 401 || f->status == 403)
			return "it takes the right to get pods/proxy";
		if (f->status >= 500)
			return "the API server may have no way to the pod";
		return NULL;
	}
	if (str_equal(f->reason, "timeout") || str_equal(f->reason, "unreachable"))
		return "a NetworkPolicy, or no route to pods from here (ui_via)";
	if (str_equal(f->reason, "refused"))
		return "it starts, or has spark.ui.enabled=false";
	return NULL;
}

static const char *const own_keys[] = {"namespace", "label_selector", "executor_selector",
	"application_selector", "ui_via", "ui_port", "cpu_via", NULL};

const struct source_ops source_kubernetes_ops = {
	.name = "kubernetes",
	.permits = 1U << KILL_VIA_CLUSTER | 1U << KILL_VIA_SUSPEND | 1U << KILL_VIA_APPLICATION |
		   1U << KILL_VIA_POD,
	.pods = true,
	.own_keys = own_keys,
	.lists_each_url = true,
	.check = kubernetes_check,
	.list = kubernetes_list,
	.cancel_list = kubernetes_cancel_list,
	.identify = kubernetes_identify,
	.look = kubernetes_look,
	.kill_point = kubernetes_kill_point,
	.cpu_point = kubernetes_cpu_point,
	.access_step = kubernetes_access_step,
	.judge_access = kube_judge_access,
	.hint = kubernetes_hint,
	.free = kubernetes_free,
};
