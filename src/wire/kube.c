/* SPDX-License-Identifier: Apache-2.0
 * Decoders of the Kubernetes API's answers. */
#include "wire/kube.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/kube_task.h"

#define MAX_TEXT 120
/* Who denied it, by a long name, comes before the reason. */
#define MAX_ERROR 400
#define UI_PORT_NAME "spark-ui"
#define DRIVER_CONTAINER "spark-kubernetes-driver"

static const char *const phases[] = {
	[KUBE_PENDING] = "Pending",
	[KUBE_RUNNING] = "Running",
	[KUBE_SUCCEEDED] = "Succeeded",
	[KUBE_FAILED] = "Failed",
	[KUBE_UNKNOWN] = "Unknown",
};
_Static_assert(ELEMENTSOF(phases) == KUBE_PHASE_MAX, "a word per phase");

void kube_pod_clear(struct kube_pod *p)
{
	free(p->uid);
	free(p->namespace);
	free(p->name);
	free(p->node);
	free(p->app_id);
	free(p->app_name);
	free(p->operator_app);
	free(p->ip);
	owner_clear(&p->task);
	owner_hint_clear(&p->hint);
	free(p->why);
	kube_owner_clear(&p->owner);
	*p = (struct kube_pod){0};
}

void kube_pod_list_clear(struct kube_pod_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		kube_pod_clear(&l->items[i]);
	free(l->items);
	free(l->next);
	free(l->version);
	*l = (struct kube_pod_list){0};
}

static int take_role(const cJSON *labels, struct kube_pod *p, char **reterr)
{
	const char *role = NULL;
	int r = json_get_string(labels, "spark-role", JSON_OPTIONAL, &role, reterr);

	p->is_driver = str_equal(role, "driver") || str_equal(role, "connect-server");
	return r;
}

static int decode_meta(const cJSON *json, struct kube_pod *p, char **reterr)
{
	const cJSON *meta = NULL;
	const cJSON *labels = NULL;
	const char *deleted = NULL;
	int r;

	r = json_get_object(json, "metadata", JSON_REQUIRED, &meta, reterr);
	if (r >= 0)
		r = json_copy_id(meta, "uid", JSON_REQUIRED, &p->uid, reterr);
	if (r >= 0)
		r = kube_copy_name(meta, "namespace", kube_is_namespace, &p->namespace, reterr);
	if (r >= 0)
		r = kube_copy_name(meta, "name", kube_is_name, &p->name, reterr);
	if (r >= 0)
		r = json_get_string(meta, "deletionTimestamp", JSON_OPTIONAL, &deleted, reterr);
	if (r >= 0)
		r = json_get_object(meta, "labels", JSON_OPTIONAL, &labels, reterr);
	if (r > 0)
		r = kube_copy_label(labels, "spark-app-selector", &p->app_id, reterr);
	if (r >= 0 && labels)
		r = kube_copy_label(labels, "spark-app-name", &p->app_name, reterr);
	if (r >= 0 && labels)
		r = kube_copy_label(
			labels, KUBE_KUBEFLOW_GROUP "/app-name", &p->operator_app, reterr);
	if (r >= 0 && labels)
		r = take_role(labels, p, reterr);
	if (r >= 0)
		r = kube_take_owner(meta, p->operator_app, &p->owner, reterr);
	if (r >= 0)
		r = kube_take_task(meta, &p->task, &p->hint);
	p->terminating = deleted != NULL;
	return r;
}

static int take_port(const cJSON *port, struct kube_pod *p, char **reterr)
{
	const char *name = NULL;
	uint64_t number = 0;
	int r;

	r = json_get_string(port, "name", JSON_OPTIONAL, &name, reterr);
	if (r <= 0 || !str_equal(name, UI_PORT_NAME))
		return r;
	r = json_get_u64(port, "containerPort", JSON_REQUIRED, &number, reterr);
	if (r < 0)
		return r;
	if (number == 0 || number > UINT16_MAX)
		return json_refuse(reterr, "\"containerPort\" is out of range");
	p->ui_port = (uint16_t)number;
	return 0;
}

static int decode_spec(const cJSON *json, struct kube_pod *p, char **reterr)
{
	const cJSON *spec = NULL;
	const cJSON *containers = NULL;
	const char *policy = NULL;
	const cJSON *container;
	const cJSON *port;
	int r;

	r = json_get_object(json, "spec", JSON_REQUIRED, &spec, reterr);
	if (r >= 0)
		r = json_get_string(spec, "restartPolicy", JSON_OPTIONAL, &policy, reterr);
	p->restarts = policy && !str_equal(policy, "Never");
	if (r >= 0)
		r = json_copy_text(spec, "nodeName", KUBE_MAX_NAME, &p->node, reterr);
	if (r >= 0)
		r = json_get_bool(spec, "hostNetwork", JSON_OPTIONAL, &p->host_network, reterr);
	if (r >= 0)
		r = json_get_array(spec, "containers", JSON_OPTIONAL, &containers, reterr);
	cJSON_ArrayForEach(container, containers)
	{
		const cJSON *ports = NULL;

		if (r >= 0)
			r = json_get_array(container, "ports", JSON_OPTIONAL, &ports, reterr);
		cJSON_ArrayForEach(port, ports)
		{
			if (r >= 0 && p->ui_port == 0)
				r = take_port(port, p, reterr);
		}
	}
	return r;
}

int kube_take_why(const cJSON *o, char **ret, char **reterr)
{
	_cleanup_free_ char *reason = NULL;
	_cleanup_free_ char *message = NULL;
	char *text = NULL;
	int r;

	r = json_copy_text(o, "reason", MAX_TEXT, &reason, reterr);
	if (r >= 0)
		r = kube_copy_why(o, "message", &message, reterr);
	if (r < 0 || ((!reason || !*reason) && (!message || !*message)))
		return r;
	r = str_printf(&text, "%s%s%s", reason ? reason : "", reason && message ? ": " : "",
		message ? message : "");
	if (r < 0)
		return r;
	free(*ret);
	*ret = text;
	return 0;
}

/* Why the pod is on no node, or is to go. */
static int take_conditions(const cJSON *status, struct kube_pod *p, char **reterr)
{
	const cJSON *list = NULL;
	const cJSON *item;
	int r = json_get_array(status, "conditions", JSON_OPTIONAL, &list, reterr);

	cJSON_ArrayForEach(item, list)
	{
		const char *type = NULL;
		const char *value = NULL;

		if (r >= 0)
			r = json_get_string(item, "type", JSON_OPTIONAL, &type, reterr);
		if (r >= 0)
			r = json_get_string(item, "status", JSON_OPTIONAL, &value, reterr);
		/* On no node; or about to leave it: preempted, evicted, its node lost. */
		if (r >= 0 &&
			((str_equal(type, "PodScheduled") && str_equal(value, "False")) ||
				(str_equal(type, "DisruptionTarget") && str_equal(value, "True"))))
			r = kube_take_why(item, &p->why, reterr);
	}
	return r;
}

/* Whether the condition of that type has that status. *ret_item is NULL where there is none. */
static bool condition_is(
	const cJSON *status, const char *type, const char *value, const cJSON **ret_item)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(status, "conditions"))
	{
		const char *t =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "type"));
		const char *v =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "status"));

		if (!str_equal(t, type))
			continue;
		*ret_item = item;
		return str_equal(v, value);
	}
	return false;
}

/* Of the pods of a node that no longer reports, the node controller makes Ready False and gives no
 * reason. The kubelet always gives one, and its own ContainersReady stays (MarkPodsNotReady of
 * Kubernetes; seen with 1.33.4). The reason NodeLost is that of older versions. */
static int take_lost(const cJSON *status, struct kube_pod *p, char **reterr)
{
	const cJSON *ready = NULL;
	const cJSON *containers = NULL;
	const char *reason = NULL;
	int r = json_get_string(status, "reason", JSON_OPTIONAL, &reason, reterr);

	if (r < 0)
		return r;
	p->lost = p->phase == KUBE_UNKNOWN || str_equal(reason, "NodeLost");
	if (p->lost || p->phase != KUBE_RUNNING ||
		!condition_is(status, "Ready", "False", &ready) ||
		cJSON_GetObjectItemCaseSensitive(ready, "reason") ||
		!condition_is(status, "ContainersReady", "True", &containers))
		return 0;
	p->lost = true;
	return p->why ? 0 : str_replace(&p->why, "its node does not report");
}

/* Why a container does not start, and whether the driver's has ended. */
static int take_containers(
	const cJSON *status, const char *field, struct kube_pod *p, char **reterr)
{
	const cJSON *list = NULL;
	const cJSON *item;
	int r = json_get_array(status, field, JSON_OPTIONAL, &list, reterr);

	cJSON_ArrayForEach(item, list)
	{
		const cJSON *state = NULL;
		const cJSON *waiting = NULL;
		const cJSON *ended = NULL;
		const char *name = NULL;

		if (r >= 0)
			r = json_get_string(item, "name", JSON_OPTIONAL, &name, reterr);
		if (r >= 0)
			r = json_get_object(item, "state", JSON_OPTIONAL, &state, reterr);
		if (r >= 0 && state)
			r = json_get_object(state, "waiting", JSON_OPTIONAL, &waiting, reterr);
		if (r >= 0 && state)
			r = json_get_object(state, "terminated", JSON_OPTIONAL, &ended, reterr);
		if (r >= 0 && waiting && !p->why)
			r = kube_take_why(waiting, &p->why, reterr);
		if (!str_equal(name, DRIVER_CONTAINER) || !ended)
			continue;
		p->driver_ended = true;
		if (r >= 0 && !p->why)
			r = kube_take_why(ended, &p->why, reterr);
	}
	return r;
}

static void take_phase(const char *word, struct kube_pod *p)
{
	p->phase = KUBE_UNKNOWN;
	for (int i = 0; i < KUBE_PHASE_MAX; i++)
		if (str_equal(phases[i], word))
			p->phase = (enum kube_phase)i;
}

static int decode_status(const cJSON *json, struct kube_pod *p, char **reterr)
{
	const cJSON *status = NULL;
	const char *phase = NULL;
	const char *ip = NULL;
	int r;

	r = json_get_object(json, "status", JSON_REQUIRED, &status, reterr);
	if (r >= 0)
		r = json_get_string(status, "phase", JSON_REQUIRED, &phase, reterr);
	if (r >= 0)
		r = json_get_string(status, "podIP", JSON_OPTIONAL, &ip, reterr);
	if (r >= 0 && ip)
		r = kube_copy_ip(ip, &p->ip);
	/* The pod's own words come first. */
	if (r >= 0)
		r = kube_take_why(status, &p->why, reterr);
	if (r >= 0 && !p->why)
		r = take_conditions(status, p, reterr);
	if (r >= 0)
		r = take_containers(status, "initContainerStatuses", p, reterr);
	if (r >= 0)
		r = take_containers(status, "containerStatuses", p, reterr);
	if (r < 0)
		return r;
	take_phase(phase, p);
	return take_lost(status, p, reterr);
}

int kube_take_pod(const cJSON *json, struct kube_pod *ret, char **reterr)
{
	struct kube_pod p = {0};
	int r = decode_meta(json, &p, reterr);

	if (r >= 0)
		r = decode_spec(json, &p, reterr);
	if (r >= 0)
		r = decode_status(json, &p, reterr);
	if (r < 0) {
		kube_pod_clear(&p);
		return r;
	}
	*ret = p;
	return 0;
}

int kube_take_version(const cJSON *json, char **ret)
{
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *version = NULL;
	const cJSON *meta = NULL;
	int r = json_get_object(json, "metadata", JSON_OPTIONAL, &meta, &err);

	if (r > 0)
		r = json_copy_id(meta, "resourceVersion", JSON_OPTIONAL, &version, &err);
	if (r == -ENOMEM)
		return r;
	free(*ret);
	*ret = r > 0 ? TAKE_PTR(version) : NULL;
	return 0;
}

int kube_decode_pods(const char *body, size_t len, struct kube_pod_list *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(kube_pod_list_clear) struct kube_pod_list l = {0};
	const cJSON *list = NULL;
	const cJSON *item;
	size_t row = 0;
	int r;

	r = kube_parse_kind(body, len, "PodList", &json, reterr);
	if (r >= 0)
		r = kube_take_page(json, &l.next, &list, reterr);
	if (r >= 0)
		r = kube_take_version(json, &l.version);
	if (r < 0)
		return r;
	l.items = json_new_items((size_t)cJSON_GetArraySize(list), sizeof(*l.items));
	if (!l.items)
		return -ENOMEM;
	cJSON_ArrayForEach(item, list)
	{
		r = kube_take_pod(item, &l.items[l.n], reterr);
		row++;
		if (r >= 0)
			l.n++;
		else
			r = json_leave_out(&l.left_out, row, r, reterr);
		if (r < 0)
			return r;
	}
	*ret = TAKE_STRUCT(l);
	return 0;
}

int kube_pods_add_page(struct kube_pod_list *to, struct kube_pod_list *page)
{
	void *items;
	int r = kube_join_rows(to->items, to->n, page->items, page->n, sizeof(*to->items), &items);

	if (r < 0)
		return r;
	to->items = items;
	to->n += page->n;
	page->n = 0;
	kube_join_left_out(&to->left_out, &page->left_out);
	free(to->next);
	to->next = TAKE_PTR(page->next);
	if (page->version) {
		free(to->version);
		to->version = TAKE_PTR(page->version);
	}
	return 0;
}

int kube_decode_pod(const char *body, size_t len, struct kube_pod *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	int r = kube_parse_kind(body, len, "Pod", &json, reterr);

	return r < 0 ? r : kube_take_pod(json, ret, reterr);
}

enum app_end kube_pod_end(const struct kube_pod *p)
{
	if (p->phase == KUBE_SUCCEEDED || p->phase == KUBE_FAILED ||
		(p->driver_ended && !p->restarts))
		return APP_END_ENDED;
	return p->lost ? APP_END_UNKNOWN : APP_END_RUNNING;
}

/* What a kubelet says of a container that it has yet to start, whatever keeps it
 * (generateAPIPodStatus() of Kubernetes). */
bool kube_pod_waits_unexplained(const struct kube_pod *p)
{
	return p->phase == KUBE_PENDING && (!p->why || str_equal(p->why, "ContainerCreating") ||
						   str_equal(p->why, "PodInitializing"));
}

int kube_pod_text(const struct kube_pod *p, char **ret)
{
	return str_printf(ret, "pod %s/%s%s%s: %s%s%s%s", p->namespace, p->name,
		p->node ? " on node " : "", p->node ? p->node : "", phases[p->phase],
		p->terminating ? ", terminating" : "", p->why ? ", " : "", p->why ? p->why : "");
}

int kube_error_text(const char *body, size_t len, char **ret_reason, char **ret)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *reason = NULL;
	_cleanup_free_ char *message = NULL;
	int r = kube_parse_kind(body, len, "Status", &json, &err);

	if (r >= 0)
		r = json_copy_text(json, "reason", MAX_TEXT, &reason, &err);
	if (r >= 0)
		r = json_copy_text(json, "message", MAX_ERROR, &message, &err);
	if (r == -ENOMEM)
		return r;
	r = str_replace(ret_reason, reason ? reason : "");
	return r < 0 ? r : str_replace(ret, message ? message : "");
}
