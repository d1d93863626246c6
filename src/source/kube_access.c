/* SPDX-License-Identifier: Apache-2.0
 * The rights that each kill_via takes, as SelfSubjectAccessReviews: nothing is changed by them. */
#include "source/kube_access.h"

#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "wire/kube_app.h"

#define BY(via) (1U << KILL_VIA_##via)

/* Without a verb: whether the API server has that group at all. The rights of a SparkApplication
 * are needed where there is its operator. */
static const struct {
	unsigned vias;
	const char *group;
	const char *resource;
	const char *verb;
} rights[] = {
	{BY(CLUSTER) | BY(SUSPEND) | BY(APPLICATION) | BY(POD), "", "pods", "get"},
	{BY(CLUSTER) | BY(POD), "", "pods", "delete"},
	{BY(CLUSTER) | BY(SUSPEND) | BY(APPLICATION) | BY(POD), KUBE_KUBEFLOW_GROUP, NULL, NULL},
	{BY(CLUSTER) | BY(SUSPEND) | BY(APPLICATION) | BY(POD), KUBE_KUBEFLOW_GROUP,
		KUBE_APPLICATIONS, "get"},
	{BY(CLUSTER) | BY(SUSPEND), KUBE_KUBEFLOW_GROUP, KUBE_APPLICATIONS, "patch"},
	/* By CLUSTER where it cannot be suspended. */
	{BY(CLUSTER) | BY(APPLICATION), KUBE_KUBEFLOW_GROUP, KUBE_APPLICATIONS, "delete"},
	{BY(CLUSTER) | BY(APPLICATION) | BY(POD), KUBE_APACHE_GROUP, NULL, NULL},
	{BY(CLUSTER) | BY(APPLICATION) | BY(POD), KUBE_APACHE_GROUP, KUBE_APPLICATIONS, "get"},
	{BY(CLUSTER) | BY(APPLICATION), KUBE_APACHE_GROUP, KUBE_APPLICATIONS, "delete"},
};

static int ask_right(size_t row, const char *namespace, struct access_step *ret)
{
	const struct kube_right right = {.verb = rights[row].verb,
		.group = rights[row].group,
		.resource = rights[row].resource,
		.namespace = namespace};
	int r = str_replace(&ret->path, KUBE_REVIEWS_PATH);

	ret->verb = right.verb;
	ret->resource = right.resource;
	if (r >= 0)
		r = kube_review_body(&right, &ret->body);
	return r < 0 ? r : 1;
}

int kube_access_step(const char *api, const struct strlist *namespaces, unsigned vias, size_t i,
	struct access_step *ret)
{
	size_t n = namespaces->n > 0 ? namespaces->n : 1;
	size_t row = i / n;
	int r;

	if (row >= ELEMENTSOF(rights))
		return 0;
	ret->base = api;
	ret->of = rights[row].group;
	if (!(rights[row].vias & vias))
		return 1;
	if (rights[row].verb)
		return ask_right(row, namespaces->n > 0 ? namespaces->items[i % n] : "", ret);
	ret->finds = true;
	if (i % n > 0)
		return 1;
	r = str_printf(&ret->path, "/apis/%s", rights[row].group);
	return r < 0 ? r : 1;
}

int kube_judge_access(const struct access_step *step, const struct transport_answer *a,
	enum permission *ret_kill, char **ret_text)
{
	bool allowed = false;
	int r = kube_decode_review(a->body, a->len, &allowed, ret_text);

	if (r < 0)
		return r;
	*ret_kill = allowed ? PERMISSION_GRANTED : PERMISSION_DENIED;
	if (allowed)
		return 0;
	return str_printf(ret_text, "it takes the right to %s %s%s%s", step->verb, step->resource,
		*step->of ? "." : "", step->of);
}
