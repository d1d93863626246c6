/* SPDX-License-Identifier: Apache-2.0
 * type=kubernetes: driver pods, of all namespaces or of some. Who a pod is, its uid says: its name
 * may be another's by now. Only what begins at the API server itself gets the credentials. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/strbuf.h"
#include "io/clock.h"
#include "io/service.h"
#include "source/kube_access.h"
#include "source/kube_clients.h"
#include "source/kube_end.h"
#include "source/kube_events.h"
#include "source/kube_inside.h"
#include "source/kube_list.h"
#include "source/kube_unstarted.h"
#include "source/types.h"
#include "wire/kube.h"
#include "wire/kube_app.h"

/* The default of label_selector (types.c), by which auto goes in the other selectors. */
#define DEFAULT_SELECTOR "spark-role in (driver,connect-server)"
#define MAX_NAME_OF_SERVICE 63

enum cpu_via {
	CPU_VIA_NONE,
	CPU_VIA_KUBELET,
	CPU_VIA_PROBE
};

enum ui_via {
	UI_VIA_POD_IP,
	UI_VIA_SERVICE,
	UI_VIA_PROXY
};

/* Its urls are those of the lists, one for each namespace. */
struct source_kubernetes {
	struct source source;
	char *api; /* the API server's base */
	struct strlist namespaces;
	char *selector;                   /* as a query has it */
	char *executors;                  /* likewise; NULL: they are not looked at */
	struct kube_clients *clients;     /* drivers that they tell; NULL: none are looked for */
	struct kube_unstarted *unstarted; /* SparkApplications; NULL: none are looked for */
	struct kube_events *events;       /* of pods that wait */
	enum ui_via ui_via;
	enum cpu_via cpu_via;
	uint16_t ui_port;  /* where a pod does not tell its own */
	usec_t not_before; /* the API server has asked to be left alone; 0: it has not */
	struct kube_list **lists;
	size_t n_lists;
	size_t next;      /* of them to be asked */
	size_t n_running; /* of them that are asked */
	bool beginning;   /* some are about to be asked: one that ends at once is not the last */
	usec_t began;     /* the turn at hand */
	source_listed_fn fn;
	void *userdata;
};

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

/* Where it runs in a pod, the kubelet has put all that it takes into its reach. */
static int take_cluster(struct source_kubernetes *k, char **reterr)
{
	int r = kube_inside_url(&k->api, reterr);

	if (r >= 0 && !k->source.endpoint.ca_file)
		r = str_replace(&k->source.endpoint.ca_file, KUBE_ACCOUNT "ca.crt");
	if (r >= 0 && !k->source.endpoint.bearer_token_file && !k->source.endpoint.username &&
		!k->source.endpoint.client_cert_file)
		r = str_replace(&k->source.endpoint.bearer_token_file, KUBE_ACCOUNT "token");
	return r;
}

static int add_list_url(struct source_kubernetes *k, const char *namespace)
{
	_cleanup_free_ char *url = NULL;
	int r = str_printf(&url, "%s/api/v1/%s%s%spods", k->api, namespace ? "namespaces/" : "",
		namespace ? namespace : "", namespace ? "/" : "");

	return r < 0 ? r : strlist_add(&k->source.urls, url);
}

static int take_namespaces(
	struct source_kubernetes *k, const struct strlist *namespaces, char **reterr)
{
	int r = 0;

	strlist_clear(&k->source.urls);
	if (namespaces->n == 0)
		return add_list_url(k, NULL);
	for (size_t i = 0; r >= 0 && i < namespaces->n; i++) {
		const char *name = namespaces->items[i];
		const char *fault = kube_is_namespace(name) ? NULL : "is no name of a namespace";

		if (strlist_has(&k->namespaces, name))
			fault = "is named twice";
		if (fault) {
			r = str_printf(reterr, "namespace: %s %s", name, fault);
			return r < 0 ? r : -EINVAL;
		}
		r = add_list_url(k, name);
		if (r >= 0)
			r = strlist_add(&k->namespaces, name);
	}
	return r;
}

static int make_lists(struct source_kubernetes *k)
{
	const struct strlist *urls = &k->source.urls;
	int r = 0;

	k->lists = calloc(urls->n, sizeof(struct kube_list *));
	if (!k->lists)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < urls->n; i++) {
		r = kube_list_new(&k->source, urls->items[i], k->selector, &k->lists[i]);
		k->n_lists += r >= 0;
	}
	return r;
}

/* As a query has it. */
static int copy_segment(const char *text, char **ret)
{
	struct strbuf b = {0};

	strbuf_add_segment(&b, text);
	return strbuf_finish(&b, ret);
}

/* Who selects drivers himself gets nothing else by default, unless he selects that, too. NULL:
 * none. */
static const char *selector_of(
	const struct source_params *params, const char *selector, const char *by_default)
{
	if (str_equal(selector, "auto"))
		return str_equal(params->label_selector, DEFAULT_SELECTOR) ? by_default : NULL;
	return str_equal(selector, "none") ? NULL : selector;
}

static int take_executors(struct source_kubernetes *k, const struct source_params *params)
{
	const char *selector =
		selector_of(params, params->executor_selector, "spark-role=executor");
	int r = selector ? copy_segment(selector, &k->executors) : 0;

	if (r < 0 || !selector)
		return r;
	return kube_clients_new(&k->source, k->api, k->executors, k->lists, &k->clients);
}

/* Labels of drivers say nothing of those of SparkApplications. */
static int take_applications(struct source_kubernetes *k, const struct source_params *params)
{
	const char *selector = selector_of(params, params->application_selector, "");
	_cleanup_free_ char *text = NULL;
	int r = selector ? copy_segment(selector, &text) : 0;

	if (r < 0 || !selector)
		return r;
	return kube_unstarted_new(&k->source, k->api, &k->namespaces, text, &k->unstarted);
}

static int kubernetes_check(struct source *s, const struct source_params *params, char **reterr)
{
	struct source_kubernetes *k = of_source(s);
	int r;

	k->ui_via = (enum ui_via)params->ui_via;
	k->ui_port = (uint16_t)params->ui_port;
	k->cpu_via = (enum cpu_via)params->cpu_via;
	if (s->urls.n > 1) {
		r = str_printf(reterr, "url: an API server has one address");
		return r < 0 ? r : -EINVAL;
	}
	r = copy_segment(params->label_selector ? params->label_selector : "", &k->selector);
	if (r >= 0)
		r = s->urls.n > 0 ? str_replace(&k->api, s->urls.items[0])
				  : take_cluster(k, reterr);
	if (r >= 0)
		r = take_namespaces(k, &params->namespace, reterr);
	if (r >= 0)
		r = make_lists(k);
	if (r >= 0)
		r = take_executors(k, params);
	if (r >= 0)
		r = kube_events_new(s, k->api, &k->events);
	return r < 0 ? r : take_applications(k, params);
}

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

/* The pods of number i, beyond the lists those in client mode. NULL: there are no more. */
static const struct kube_pod_list *pods_of(const struct source_kubernetes *k, size_t i)
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

	for (size_t i = 0; (l = pods_of(k, i)); i++)
		n += l->n;
	pods = calloc(n + 1, sizeof(struct kube_pod *));
	if (!pods)
		return -ENOMEM;
	*ret = pods;
	*ret_n = n;
	for (size_t i = 0; (l = pods_of(k, i)); i++)
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

static bool is_partial(const struct source_kubernetes *k)
{
	const struct kube_pod_list *l;

	if (k->unstarted && kube_unstarted_partial(k->unstarted))
		return true;
	for (size_t i = 0; (l = pods_of(k, i)); i++)
		if (l->left_out.n > 0)
			return true;
	return false;
}

static void hand_over(struct source_kubernetes *k)
{
	_cleanup_free_ const struct kube_pod **pods = NULL;
	struct target_list list = {
		.partial = is_partial(k), .asked = k->source.asked, .n_asked = k->source.n_asked};
	struct target *items = NULL;
	size_t n = 0;
	int r = sort_pods(k, &pods, &n);

	if (r >= 0)
		items = calloc(n + match_unstarted(k, pods, n) + 1, sizeof(*items));
	if (items)
		r = fill_targets(k, pods, n, items, &list.n);
	if (items && r >= 0)
		r = fill_unstarted(k, items, &list.n);
	list.items = items;
	if (r < 0 || !items)
		source_no_list(&k->source, k->fn, k->userdata);
	else
		k->fn(k->userdata, &list);
	for (size_t i = 0; items && i <= list.n; i++)
		target_clear(&items[i]);
	free(items);
}

static void on_events(void *userdata)
{
	hand_over(userdata);
}

static void search_events(struct source_kubernetes *k)
{
	const struct kube_pod_list *l;
	int r = 0;

	for (size_t i = 0; (l = pods_of(k, i)); i++)
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

/* Whether the pod is the one whose driver is known by that id, and at that URL. */
static bool is_driver_of(
	const struct source_kubernetes *k, const struct kube_pod *p, const struct app_ref *ref)
{
	_cleanup_free_ char *url = NULL;

	if (p->app_id)
		return str_equal(p->app_id, ref->app_id);
	return driver_url(k, p, &url) >= 0 && url && str_equal(url, ref->url);
}

/* By the last list. */
static const struct kube_pod *find_driver(
	const struct source_kubernetes *k, const struct app_ref *ref)
{
	const struct kube_pod_list *l;

	for (size_t i = 0; (l = pods_of(k, i)); i++)
		for (size_t j = 0; j < l->n; j++)
			if (is_driver_of(k, &l->items[j], ref))
				return &l->items[j];
	return NULL;
}

/* Spark makes executors in the namespace of their driver. */
static bool kubernetes_cpu_point(
	const struct source *s, const struct app_ref *ref, struct cpu_point *ret)
{
	const struct source_kubernetes *k = (const struct source_kubernetes *)s;
	const struct kube_pod *p = k->cpu_via == CPU_VIA_NONE ? NULL : find_driver(k, ref);

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
	const struct kube_pod *p = find_driver(k, ref);

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
