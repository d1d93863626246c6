/* SPDX-License-Identifier: Apache-2.0
 * Drivers and SparkApplications of the Kubernetes API, and how they are ended. Read in the sources
 * of the kubeflow operator 2.5 (api/v1beta2, pkg/util) and of the Apache operator. */
#include "wire/kube_app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

/* Neither a name nor a uid. */
#define NO_WORD "-"

void kube_driver_clear(struct kube_driver *d)
{
	free(d->namespace);
	free(d->name);
	free(d->uid);
	kube_owner_clear(&d->owner);
	*d = (struct kube_driver){0};
}

static const char *word_of(const char *s)
{
	return s && *s && !strchr(s, ' ') ? s : NO_WORD;
}

int kube_driver_print(const struct kube_driver *d, char **ret)
{
	const struct kube_owner *o = &d->owner;

	return str_printf(ret, "%s %s %s %d %s %s %s %s", word_of(d->namespace), word_of(d->name),
		word_of(d->uid), (int)o->type, word_of(o->version), word_of(o->kind),
		word_of(o->name), word_of(o->uid));
}

static int take_word(const char **at, char **ret)
{
	size_t n = strcspn(*at, " ");
	char *word = n > 0 ? strndup(*at, n) : NULL;

	if (!word)
		return n > 0 ? -ENOMEM : -EINVAL;
	*at += n + ((*at)[n] == ' ');
	free(*ret);
	*ret = word;
	if (!str_equal(word, NO_WORD))
		return 1;
	free(word);
	*ret = NULL;
	return 0;
}

int kube_driver_parse(const char *text, struct kube_driver *ret)
{
	_cleanup_free_ char *type = NULL;
	struct kube_owner *o = &ret->owner;
	char **const words[] = {&ret->namespace, &ret->name, &ret->uid, &type, &o->version,
		&o->kind, &o->name, &o->uid};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(words); i++)
		r = take_word(&text, words[i]);
	if (r < 0)
		return r;
	if (*text || !ret->uid || !ret->namespace || !kube_is_namespace(ret->namespace) ||
		!ret->name || !kube_is_name(ret->name) || !type || type[1] || *type < '0' ||
		*type > '0' + KUBE_OWNER_OTHER)
		return -EINVAL;
	o->type = (enum kube_owner_type)(*type - '0');
	return kube_driver_has_app(ret) && (!o->version || !o->name) ? -EINVAL : 0;
}

bool kube_driver_has_app(const struct kube_driver *d)
{
	return d->owner.type == KUBE_OWNER_KUBEFLOW || d->owner.type == KUBE_OWNER_APACHE;
}

int kube_pod_path(const struct kube_driver *d, char **ret)
{
	return str_printf(ret, "/api/v1/namespaces/%s/pods/%s", d->namespace, d->name);
}

int kube_app_path(const struct kube_driver *d, char **ret)
{
	return str_printf(ret, "/apis/%s/namespaces/%s/sparkapplications/%s", d->owner.version,
		d->namespace, d->owner.name);
}

/* By what controls the pod. The Apache operator's suspend does not stop the attempt that runs. */
enum kill_kind kube_kill_kind(const struct kube_driver *d, enum kill_via via)
{
	static const enum kill_kind kinds[][KILL_VIA_MAX] = {
		[KUBE_OWNER_NONE] = {[KILL_VIA_CLUSTER] = KILL_POD, [KILL_VIA_POD] = KILL_POD},
		[KUBE_OWNER_KUBEFLOW] = {[KILL_VIA_CLUSTER] = KILL_SUSPEND_OR_DELETE,
			[KILL_VIA_SUSPEND] = KILL_SUSPEND,
			[KILL_VIA_APPLICATION] = KILL_APPLICATION,
			[KILL_VIA_POD] = KILL_POD},
		[KUBE_OWNER_APACHE] = {[KILL_VIA_CLUSTER] = KILL_APPLICATION,
			[KILL_VIA_APPLICATION] = KILL_APPLICATION,
			[KILL_VIA_POD] = KILL_POD},
		[KUBE_OWNER_OTHER] = {KILL_NONE},
	};

	return kinds[d->owner.type][via];
}

void kube_app_clear(struct kube_app *a)
{
	free(a->uid);
	free(a->state);
	free(a->why);
	free(a->policy);
	free(a->pod_name);
	*a = (struct kube_app){0};
}

static bool is_one_of(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (str_equal(s, *words))
			return true;
	return false;
}

/* An object within others, none of which need be there. *ret NULL: one of them is not. */
static int get_nested(const cJSON *o, const char *const *fields, const cJSON **ret, char **reterr)
{
	int r = 1;

	*ret = o;
	for (; r > 0 && *fields; fields++) {
		const cJSON *inner = NULL;

		r = json_get_object(*ret, *fields, JSON_OPTIONAL, &inner, reterr);
		*ret = inner;
	}
	return r;
}

static int copy_nested(
	const cJSON *json, const char *const *fields, const char *field, char **ret, char **reterr)
{
	const cJSON *o = NULL;
	int r = get_nested(json, fields, &o, reterr);

	return r < 0 || !o ? r : json_copy_text(o, field, JSON_MAX_ID, ret, reterr);
}

/* The operator's word, and what it has to say of it. */
static int take_state(const cJSON *json, const char *const *fields, const char *word,
	const char *message, struct kube_app *a, char **reterr)
{
	const cJSON *o = NULL;
	int r = get_nested(json, fields, &o, reterr);

	if (r >= 0 && o)
		r = json_copy_text(o, word, JSON_MAX_ID, &a->state, reterr);
	if (r >= 0 && o)
		r = kube_copy_why(o, message, &a->why, reterr);
	return r < 0 || a->state ? r : str_replace(&a->state, "");
}

/* ShouldRetry of the kubeflow operator, for a driver that is not found: with OnFailure it counts
 * attempts. A word that is none of these is taken for the worst. One that somebody resumes while
 * its pod terminates stays SUSPENDED until the pod is gone, and then starts the next: so it waits
 * for that one. */
static int judge_kubeflow(const cJSON *json, struct kube_app *a, char **reterr)
{
	static const char *const state[] = {"status", "applicationState", NULL};
	static const char *const driver[] = {"status", "driverInfo", NULL};
	static const char *const restart[] = {"spec", "restartPolicy", NULL};
	static const char *const over[] = {"COMPLETED", "FAILED", NULL};
	static const char *const waits[] = {"", "SUBMITTED", "SUBMISSION_FAILED", "INVALIDATING",
		"FAILING", "PENDING_RERUN", "SUSPENDING", "SUSPENDED", "RESUMING", NULL};
	const cJSON *policy = NULL;
	const cJSON *status = NULL;
	int64_t retries = -1;
	int64_t attempts = 0;
	int r = take_state(json, state, "state", "errorMessage", a, reterr);

	if (r >= 0)
		r = copy_nested(json, driver, "podName", &a->pod_name, reterr);
	if (r >= 0)
		r = copy_nested(json, restart, "type", &a->policy, reterr);
	if (r >= 0)
		r = get_nested(json, restart, &policy, reterr);
	if (r >= 0 && policy)
		r = json_get_i64(policy, "onFailureRetries", JSON_OPTIONAL, &retries, reterr);
	if (r >= 0)
		r = json_get_object(json, "status", JSON_OPTIONAL, &status, reterr);
	if (r >= 0 && status)
		r = json_get_i64(status, "executionAttempts", JSON_OPTIONAL, &attempts, reterr);
	a->over = is_one_of(a->state, over) || (a->suspend && str_equal(a->state, "SUSPENDED"));
	a->waits = is_one_of(a->state, waits) && !a->suspend;
	a->restarts = a->policy && !str_equal(a->policy, "Never");
	if (str_equal(a->policy, "OnFailure"))
		a->restarts = retries >= 0 && attempts <= retries;
	return r;
}

static int judge_apache(const cJSON *json, struct kube_app *a, char **reterr)
{
	static const char *const state[] = {"status", "currentState", NULL};
	static const char *const restart[] = {
		"spec", "applicationTolerations", "restartConfig", NULL};
	static const char *const over[] = {
		"ResourceReleased", "TerminatedWithoutReleaseResources", NULL};
	static const char *const waits[] = {
		"", "Submitted", "ScheduledToRestart", "DriverRequested", NULL};
	int r = take_state(json, state, "currentStateSummary", "message", a, reterr);

	if (r >= 0)
		r = copy_nested(json, restart, "restartPolicy", &a->policy, reterr);
	a->over = is_one_of(a->state, over);
	a->waits = is_one_of(a->state, waits) && !a->suspend;
	a->restarts = a->policy && !str_equal(a->policy, "Never");
	return r;
}

int kube_take_app(const cJSON *json, enum kube_owner_type type, struct kube_app *a, char **reterr)
{
	const cJSON *meta = NULL;
	const cJSON *spec = NULL;
	int r = json_get_object(json, "metadata", JSON_REQUIRED, &meta, reterr);

	if (r >= 0)
		r = json_copy_id(meta, "uid", JSON_REQUIRED, &a->uid, reterr);
	if (r >= 0)
		r = json_get_object(json, "spec", JSON_REQUIRED, &spec, reterr);
	if (r >= 0)
		r = json_get_bool(spec, "suspend", JSON_OPTIONAL, &a->suspend, reterr);
	if (r < 0)
		return r;
	return type == KUBE_OWNER_APACHE ? judge_apache(json, a, reterr)
					 : judge_kubeflow(json, a, reterr);
}

int kube_decode_app(const char *body, size_t len, enum kube_owner_type type, struct kube_app *ret,
	char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(kube_app_clear) struct kube_app a = {0};
	int r = kube_parse_kind(body, len, "SparkApplication", &json, reterr);

	if (r >= 0)
		r = kube_take_app(json, type, &a, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(a);
	return 0;
}

int kube_delete_body(const char *uid, char **ret)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	cJSON *preconditions = json_add_object(o, "preconditions");

	json_add_text(o, "apiVersion", "v1");
	json_add_text(o, "kind", "DeleteOptions");
	json_add_text(preconditions, "uid", uid);
	/* Of a SparkApplication its driver goes, too. */
	json_add_text(o, "propagationPolicy", "Background");
	return json_print(o, ret);
}

int kube_suspend_body(const char *uid, char **ret)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	cJSON *meta = json_add_object(o, "metadata");
	cJSON *spec = json_add_object(o, "spec");

	/* A uid never changes: of another object this is refused. */
	json_add_text(meta, "uid", uid);
	json_add_bool(spec, "suspend", true);
	return json_print(o, ret);
}

int kube_review_body(const struct kube_right *right, char **ret)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	cJSON *spec = json_add_object(o, "spec");
	cJSON *attributes = json_add_object(spec, "resourceAttributes");

	json_add_text(o, "apiVersion", "authorization.k8s.io/v1");
	json_add_text(o, "kind", "SelfSubjectAccessReview");
	json_add_text(attributes, "verb", right->verb);
	json_add_text(attributes, "group", right->group);
	json_add_text(attributes, "resource", right->resource);
	json_add_text(attributes, "namespace", right->namespace);
	return json_print(o, ret);
}

int kube_decode_review(const char *body, size_t len, bool *ret_allowed, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *status = NULL;
	bool allowed = false;
	int r = kube_parse_kind(body, len, "SelfSubjectAccessReview", &json, reterr);

	if (r >= 0)
		r = json_get_object(json, "status", JSON_REQUIRED, &status, reterr);
	if (r >= 0)
		r = json_get_bool(status, "allowed", JSON_REQUIRED, &allowed, reterr);
	if (r < 0)
		return r;
	*ret_allowed = allowed;
	return 0;
}
