/* SPDX-License-Identifier: Apache-2.0
 * At the driver: the stage, or each running job that uses it. Spark sets a flag, tells every task,
 * and answers with a redirect whether or not anything was killed. The job's action fails; whether
 * the app ends with that is up to its code. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "action/kill_kinds.h"
#include "base/strbuf.h"
#include "wire/spark_rest.h"

static const char *kill_path(const struct kill_app *k)
{
	return k->kind == KILL_JOB ? "/jobs/job/kill/" : "/stages/stage/kill/";
}

static void on_killed(void *userdata, const struct transport_answer *a);

static int send_next(struct kill_app *k)
{
	_cleanup_free_ char *id = NULL;
	int r;

	r = str_printf(
		&id, "%" PRId64, k->kind == KILL_JOB ? k->jobs.ids[k->n_killed] : k->stage_id);
	return r < 0 ? r : kill_send_form(k, &k->form, kill_path(k), id, on_killed);
}

/* A driver whose only job dies can be gone before it has answered. */
static void on_killed(void *userdata, const struct transport_answer *a)
{
	struct kill_app *k = userdata;
	_cleanup_free_ char *text = NULL;
	size_t n = k->kind == KILL_JOB ? k->jobs.n : 1;

	k->request = NULL;
	if (a->error < 0) {
		kill_finish(k, REPLY_UNCERTAIN, a->error_text);
		return;
	}
	if (a->status != 302 && a->status != 303 && a->status != 200) {
		(void)str_printf(&text, "the driver refused the kill: status %d", a->status);
		kill_finish(k, a->status >= 500 ? REPLY_UNCERTAIN : REPLY_REFUSED, text);
		return;
	}
	if (++k->n_killed < n && send_next(k) >= 0)
		return;
	kill_finish(k, k->n_killed < n ? REPLY_UNCERTAIN : REPLY_DONE, NULL);
}

static void on_page(void *userdata, const struct transport_answer *a)
{
	struct kill_app *k = userdata;
	_cleanup_free_ char *err = NULL;
	int r = -EIO;

	k->request = NULL;
	if (a->error == 0 && a->status == 200)
		r = spark_decode_kill_page(a->body, a->len, kill_path(k), &k->form, &err);
	if (r < 0)
		kill_finish(k, REPLY_UNCERTAIN, err ? err : "the driver's page is not to be had");
	else if (!k->form.offered)
		kill_finish(k, REPLY_REFUSED,
			"the driver's page offers no kill (spark.ui.killEnabled, or no right)");
	else if (send_next(k) < 0)
		kill_finish(k, REPLY_UNCERTAIN, "the kill could not be sent");
}

/* A port changes hands: what dies must be asked of the app by its id first. The page's token is the
 * process's own, so that another app would refuse it later. */
static void on_jobs(void *userdata, const struct transport_answer *a)
{
	struct kill_app *k = userdata;
	const struct kill_request rq = {
		.method = "GET", .path = k->kind == KILL_JOB ? "/jobs/" : "/stages/"};
	_cleanup_free_ char *err = NULL;
	int r = -EIO;

	k->request = NULL;
	if (a->error == 0 && a->status == 404) {
		kill_finish(k, REPLY_GONE, "another app answers there");
		return;
	}
	if (a->error == 0 && a->status == 200 &&
		spark_body_kind(a->content_type, a->body, a->len) == SPARK_BODY_JSON)
		r = spark_decode_jobs_of_stage(a->body, a->len, k->stage_id, &k->jobs, &err);
	if (r < 0)
		kill_finish(k, REPLY_UNCERTAIN, err ? err : "the driver does not name its jobs");
	else if (k->jobs.n == 0)
		kill_finish(k, REPLY_NOTHING, "no running job uses the stage");
	else if (kill_send(k, &rq, on_page) < 0)
		kill_finish(k, REPLY_UNCERTAIN, "its page could not be asked for");
}

int kill_spark_begin(struct kill_app *k)
{
	_cleanup_free_ char *path = NULL;
	struct strbuf b = {0};
	struct kill_request rq = {.method = "GET"};
	int r;

	strbuf_add(&b, "/api/v1/applications/");
	strbuf_add_segment(&b, k->app_id);
	strbuf_add(&b, "/jobs?status=running");
	r = strbuf_finish(&b, &path);
	if (r < 0)
		return r;
	rq.path = path;
	return kill_send(k, &rq, on_jobs);
}
