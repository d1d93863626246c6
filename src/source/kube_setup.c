/* SPDX-License-Identifier: Apache-2.0
 * What a section of type=kubernetes says, and what follows from it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "source/kube_inside.h"
#include "source/kube_source.h"
#include "wire/kube_object.h"

/* The default of label_selector (types.c), by which auto goes in the other selectors. */
#define DEFAULT_SELECTOR "spark-role in (driver,connect-server)"

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

int kube_setup(struct source_kubernetes *k, const struct source_params *params, char **reterr)
{
	const struct source *s = &k->source;
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
		r = kube_events_new(&k->source, k->api, &k->events);
	return r < 0 ? r : take_applications(k, params);
}
