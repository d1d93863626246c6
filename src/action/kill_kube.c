/* SPDX-License-Identifier: Apache-2.0
 * At the API server of Kubernetes: suspends or deletes the SparkApplication of a driver, or deletes
 * its pod, in each case the one of that uid only. What its operator would undo is not sent. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "action/kill_kinds.h"
#include "base/strbuf.h"
#include "wire/kube.h"

/* 429: the request did not take. It is repeated, in the time that the API server asks for, within
 * bounds of ours. */
#define MAX_WAITS 3
#define MIN_WAIT USEC_PER_SEC
#define MAX_WAIT (30 * USEC_PER_SEC)

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct kill_app *k = userdata;

	(void)source;
	(void)usec;
	if (kill_kube_begin(k) < 0)
		kill_finish(k, REPLY_UNCERTAIN, "the kill could not be sent");
	return 0;
}

static bool waits(struct kill_app *k, const struct transport_answer *a)
{
	usec_t wait = a->retry_after;
	int r = 0;

	if (a->error < 0 || a->status != 429 || k->n_waits == MAX_WAITS)
		return false;
	if (wait < MIN_WAIT)
		wait = MIN_WAIT;
	if (wait > MAX_WAIT)
		wait = MAX_WAIT;
	if (!k->timer)
		r = timer_new(k->event, on_timer, k, &k->timer);
	if (r < 0 || timer_at(k->timer, clock_boottime() + wait) < 0)
		return false;
	k->n_waits++;
	return true;
}

/* 401: its token has a successor by now, maybe. */
static enum remedy_reply reply_of(const struct transport_answer *a)
{
	if (a->error < 0)
		return REPLY_UNCERTAIN;
	switch (a->status) {
	case 200:
	case 202:
		return REPLY_DONE;
	case 404:
	case 409: /* another pod, or SparkApplication, has the name */
		return REPLY_GONE;
	case 400:
	case 403:
	case 422:
		return REPLY_REFUSED;
	default:
		return REPLY_UNCERTAIN;
	}
}

/* How a request ended that was the last, or is. */
static void conclude(struct kill_app *k, const struct transport_answer *a)
{
	_cleanup_free_ char *reason = NULL;
	_cleanup_free_ char *said = NULL;
	_cleanup_free_ char *text = NULL;
	enum remedy_reply reply = reply_of(a);

	if (waits(k, a))
		return;
	if (a->error == 0 && reply != REPLY_DONE &&
		kube_error_text(a->body, a->len, &reason, &said) >= 0)
		(void)str_printf(&text, "the API server answered %d%s%s", a->status,
			*said ? ": " : "", said);
	kill_finish(k, reply, text ? text : a->error_text);
}

static void on_deleted(void *userdata, const struct transport_answer *a)
{
	struct kill_app *k = userdata;

	k->request = NULL;
	conclude(k, a);
}

static int send_delete(struct kill_app *k, bool pod)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *body = NULL;
	struct kill_request rq = {.method = "DELETE", .content_type = "application/json"};
	int r = pod ? kube_pod_path(&k->driver, &path) : kube_app_path(&k->driver, &path);

	if (r >= 0)
		r = kube_delete_body(pod ? k->driver.uid : k->driver.owner.uid, &body);
	if (r < 0)
		return r;
	rq.path = path;
	rq.body = body;
	return kill_send(k, &rq, on_deleted);
}

/* A field that its definition lacks is not kept, which the object in the answer shows. (Told to
 * refuse it, the API server would answer with the whole object in its error.) */
static bool lacks_suspend(const struct kill_app *k, const struct transport_answer *a)
{
	_cleanup_(kube_app_clear) struct kube_app app = {0};
	_cleanup_free_ char *err = NULL;

	return a->error == 0 && a->status == 200 &&
	       kube_decode_app(a->body, a->len, k->driver.owner.type, &app, &err) >= 0 &&
	       !app.suspend;
}

/* The operator's webhook stands before each change of a SparkApplication, but not before its end.
 * It may deny the change (of one whose quota has no room for it a second time), or not answer:
 * nothing was changed then. */
static bool webhook_bars(const struct transport_answer *a)
{
	_cleanup_free_ char *reason = NULL;
	_cleanup_free_ char *said = NULL;

	return a->error == 0 && (a->status == 403 || a->status == 500) &&
	       kube_error_text(a->body, a->len, &reason, &said) >= 0 &&
	       strstr(said, " webhook \"") && strstr(said, ".sparkoperator.k8s.io\"");
}

static void on_suspended(void *userdata, const struct transport_answer *a)
{
	struct kill_app *k = userdata;
	bool barred = webhook_bars(a);

	k->request = NULL;
	if (!lacks_suspend(k, a) && !(barred && k->kind == KILL_SUSPEND_OR_DELETE))
		conclude(k, a);
	else if (k->kind == KILL_SUSPEND)
		kill_finish(k, REPLY_REFUSED,
			"its SparkApplication has no spec.suspend: an operator before 2.4 "
			"(kill_via = delete-application)");
	else if (send_delete(k, false) < 0)
		kill_finish(k, REPLY_UNCERTAIN, "the kill could not be sent");
}

static int send_suspend(struct kill_app *k)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *body = NULL;
	struct kill_request rq = {
		.method = "PATCH", .content_type = "application/merge-patch+json"};
	int r = kube_app_path(&k->driver, &path);

	if (r >= 0)
		r = kube_suspend_body(k->driver.owner.uid, &body);
	if (r < 0)
		return r;
	rq.path = path;
	rq.body = body;
	return kill_send(k, &rq, on_suspended);
}

static void refuse(struct kill_app *k, const char *policy)
{
	_cleanup_free_ char *text = NULL;

	if (policy)
		(void)str_printf(&text,
			"nothing was sent: SparkApplication %s/%s has restartPolicy %s, and its "
			"operator would start a new driver (kill_via = cluster ends it for good)",
			k->driver.namespace, k->driver.owner.name, policy);
	else
		(void)str_printf(&text,
			"nothing was sent: SparkApplication %s/%s does not say that pod %s is its "
			"driver",
			k->driver.namespace, k->driver.owner.name, k->driver.name);
	kill_finish(k, REPLY_REFUSED, text);
}

/* The one that controls the pod, as it is now. */
static void act_on(struct kill_app *k, const struct kube_app *app)
{
	struct kube_owner *owner = &k->driver.owner;
	int r = 0;

	if (!owner->uid && !str_equal(app->pod_name, k->driver.name)) {
		refuse(k, NULL);
		return;
	}
	if (!owner->uid)
		r = str_replace(&owner->uid, app->uid);
	if (k->kind == KILL_POD && app->restarts && str_equal(owner->uid, app->uid)) {
		refuse(k, app->policy);
		return;
	}
	if (k->kind != KILL_POD && !str_equal(owner->uid, app->uid)) {
		kill_finish(k, REPLY_GONE, "another SparkApplication has its name by now");
		return;
	}
	if (k->rehearses) {
		kill_finish(k, r < 0 ? REPLY_UNCERTAIN : REPLY_DONE, r < 0 ? "no memory" : NULL);
		return;
	}
	if (app->suspend && (k->kind == KILL_SUSPEND || k->kind == KILL_SUSPEND_OR_DELETE)) {
		kill_finish(k, REPLY_DONE, NULL);
		return;
	}
	if (r >= 0 && (k->kind == KILL_SUSPEND || k->kind == KILL_SUSPEND_OR_DELETE))
		r = send_suspend(k);
	else if (r >= 0)
		r = send_delete(k, k->kind == KILL_POD);
	if (r < 0)
		kill_finish(k, REPLY_UNCERTAIN, "the kill could not be sent");
}

static bool is_gone(const struct transport_answer *a)
{
	_cleanup_free_ char *reason = NULL;
	_cleanup_free_ char *text = NULL;

	return a->error == 0 && a->status == 404 &&
	       kube_error_text(a->body, a->len, &reason, &text) >= 0 &&
	       str_equal(reason, "NotFound");
}

static void on_app(void *userdata, const struct transport_answer *a)
{
	struct kill_app *k = userdata;
	_cleanup_(kube_app_clear) struct kube_app app = {0};
	_cleanup_free_ char *err = NULL;

	k->request = NULL;
	if (k->kind == KILL_POD && is_gone(a) && !k->rehearses) {
		if (send_delete(k, true) < 0)
			kill_finish(k, REPLY_UNCERTAIN, "the kill could not be sent");
	} else if (a->error < 0 || a->status != 200) {
		conclude(k, a);
	} else if (kube_decode_app(a->body, a->len, k->driver.owner.type, &app, &err) < 0) {
		kill_finish(k, REPLY_UNCERTAIN, err ? err : "no SparkApplication");
	} else {
		act_on(k, &app);
	}
}

int kill_kube_begin(struct kill_app *k)
{
	_cleanup_free_ char *path = NULL;
	struct kill_request rq = {.method = "GET"};
	int r;

	if (!kube_driver_has_app(&k->driver) && k->rehearses)
		return -EOPNOTSUPP;
	if (!kube_driver_has_app(&k->driver))
		return k->kind == KILL_POD ? send_delete(k, true) : -EOPNOTSUPP;
	r = kube_app_path(&k->driver, &path);
	if (r < 0)
		return r;
	rq.path = path;
	return kill_send(k, &rq, on_app);
}
