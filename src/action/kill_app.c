/* SPDX-License-Identifier: Apache-2.0
 * The table of the kinds of kill, and how one begins. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "action/kill_kinds.h"
#include "base/strbuf.h"

static int (*const kinds[])(struct kill_app *k) = {
	[KILL_NONE] = NULL,
	[KILL_STANDALONE] = kill_standalone_begin,
	[KILL_YARN] = kill_yarn_begin,
	[KILL_JOB] = kill_spark_begin,
	[KILL_STAGE] = kill_spark_begin,
	[KILL_PROCESS] = kill_process_begin,
	[KILL_SUSPEND] = kill_kube_begin,
	[KILL_SUSPEND_OR_DELETE] = kill_kube_begin,
	[KILL_APPLICATION] = kill_kube_begin,
	[KILL_POD] = kill_kube_begin,
};
_Static_assert(ELEMENTSOF(kinds) == KILL_KIND_MAX, "a function per kind");

static int copy_point(struct kill_app *k, const struct kill_point *point)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < point->n_urls; i++)
		r = strlist_add(&k->urls, point->urls[i]);
	k->at = point->first;
	k->kind = point->kind;
	k->pid = point->pid;
	k->pid_started = point->pid_started;
	if (r >= 0 && point->endpoint)
		r = endpoint_copy(&k->endpoint, point->endpoint);
	if (r >= 0 && point->mark)
		r = kube_driver_parse(point->mark, &k->driver);
	/* What acts waits for nobody's turn. */
	free(TAKE_PTR(k->endpoint.cluster));
	return r;
}

static int start(const struct kill_app_ask *rq, bool rehearses, kill_app_done_fn done,
	void *userdata, struct kill_app **ret)
{
	struct kill_app *k;
	int r;

	if (!kinds[rq->point->kind])
		return -EOPNOTSUPP;
	if (rq->point->kind != KILL_PROCESS && rq->point->n_urls == 0)
		return -EINVAL;
	if (kinds[rq->point->kind] == kill_kube_begin && !rq->point->mark)
		return -EINVAL;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->transport = rq->transport;
	k->guard = rq->guard;
	k->event = rq->event;
	k->stage_id = rq->stage_id;
	k->begin = kinds[rq->point->kind];
	k->rehearses = rehearses;
	k->done = done;
	k->userdata = userdata;
	r = copy_point(k, rq->point);
	if (r >= 0)
		r = str_replace(&k->app_id, rq->app_id);
	if (r >= 0)
		r = k->begin(k);
	if (r < 0) {
		kill_app_cancel(k);
		return r;
	}
	*ret = k;
	return 0;
}

int kill_app_start(
	const struct kill_app_ask *rq, kill_app_done_fn done, void *userdata, struct kill_app **ret)
{
	return start(rq, false, done, userdata, ret);
}

int kill_app_rehearse(
	const struct kill_app_ask *rq, kill_app_done_fn done, void *userdata, struct kill_app **ret)
{
	return kinds[rq->point->kind] == kill_kube_begin ? start(rq, true, done, userdata, ret)
							 : -EOPNOTSUPP;
}
