/* SPDX-License-Identifier: Apache-2.0
 * Paths to answers. */
#include "web/routes.h"

#include <errno.h>
#include <string.h>

#include "web/assets.h"
#include "web/host_guard.h"
#include "web/metrics_page.h"
#include "web/pages.h"
#include "web/runbook.h"
#include "web/status_view.h"
#include "web/users.h"
#include "wire/processes.h"
#include "wire/report.h"
#include "wire/status.h"

static int reply_text(
	struct http_server_reply *reply, int status, const char *type, const char *text)
{
	reply->status = status;
	reply->content_type = type;
	reply->body = strdup(text);
	if (!reply->body)
		return -ENOMEM;
	reply->len = strlen(text);
	return 0;
}

static int answer_metrics(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	enum metrics_format format = metrics_negotiate(request->accept);
	int r;

	r = metrics_page(v, format, &reply->body);
	if (r < 0)
		return r;
	reply->len = strlen(reply->body);
	reply->status = 200;
	reply->content_type = metrics_content_type(format);
	return 0;
}

static int answer_json(int r, struct http_server_reply *reply)
{
	if (r < 0)
		return r;
	reply->len = strlen(reply->body);
	reply->status = 200;
	reply->content_type = "application/json";
	return 0;
}

static int answer_stages(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)request;
	return answer_json(status_stages_json(v->detector, v->now, v->wall, &reply->body), reply);
}

/* Of all apps, or of the one that ?app= names. */
static int answer_audit(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	return answer_json(status_audit_json(v->detector, request->app, &reply->body), reply);
}

/* Of all apps, or of those of one name. */
static int answer_report(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	_cleanup_(app_run_list_clear) struct app_run_list l = {0};
	int r = run_store_list(v->runs, request->app, &l);

	if (r == -ENOMEM)
		return r;
	return answer_json(report_json(&l, l.n == RUNS_SHOWN,
				   r < 0 ? "the ledger is not usable" : NULL, &reply->body),
		reply);
}

static int answer_observed(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)request;
	return answer_json(state_observed_json(v, &reply->body), reply);
}

static int answer_incidents(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)request;
	return answer_json(status_incidents_json(v->incidents, &reply->body), reply);
}

/* An incident by its id: the rest of the path. */
static int answer_incident(
	const struct web_view *v, const char *id, struct http_server_reply *reply)
{
	const struct incident *i = incident_by_id(v->incidents, id);
	int r = i ? 0 : state_storm_json(v, id, &reply->body);

	if (!i && r != -ENOENT)
		return answer_json(r, reply);
	if (!i)
		return reply_text(
			reply, 404, "text/plain; charset=utf-8", "no such incident (any more)\n");
	return answer_json(state_incident_json(v, i, &reply->body), reply);
}

/* A page of the runbook by its name: the rest of the path. */
static int answer_runbook(
	const struct web_view *v, const char *name, struct http_server_reply *reply)
{
	const struct runbook_page *page = runbook_find(name);

	if (!page)
		return reply_text(
			reply, 404, "text/plain; charset=utf-8", "no such page of the runbook\n");
	return runbook_answer(v, page, reply);
}

static int answer_probe(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	struct process_list list = {0};
	int r;

	if (!v->runtime->settings->probe.enabled)
		return reply_text(reply, 404, "text/plain; charset=utf-8",
			"[probe] enabled=no: CPU seconds are not told\n");
	if (!request->app || *request->app == '\0')
		return reply_text(reply, 400, "text/plain; charset=utf-8",
			"which app? /api/v1/probe?app=ID\n");
	r = evidence_collector_probe(v->evidence_collector, request->app, &list);
	if (r == -EACCES)
		return reply_text(reply, 503, "text/plain; charset=utf-8",
			"/proc hides the executors here: see probe.conf in stagewatchd(8)\n");
	if (r >= 0)
		r = answer_json(processes_json(&list, &reply->body), reply);
	process_list_clear(&list);
	return r;
}

static int answer_status(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)request;
	return answer_json(state_summary_json(v, &reply->body), reply);
}

static int answer_healthy(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)request;
	return v->healthy ? reply_text(reply, 200, "text/plain; charset=utf-8",
				    "stagewatchd is healthy\n")
			  : reply_text(reply, 503, "text/plain; charset=utf-8",
				    "polling does not advance\n");
}

static int answer_ready(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)request;
	return v->ready ? reply_text(
				  reply, 200, "text/plain; charset=utf-8", "stagewatchd is ready\n")
			: reply_text(reply, 503, "text/plain; charset=utf-8",
				  "not every cluster was polled yet\n");
}

static int answer_style(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)v;
	(void)request;
	return reply_text(reply, 200, "text/css; charset=utf-8", asset_style);
}

static int answer_script(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)v;
	(void)request;
	return reply_text(reply, 200, "text/javascript; charset=utf-8", asset_script);
}

static int answer_icon(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	(void)v;
	(void)request;
	return reply_text(reply, 200, "image/svg+xml", asset_icon);
}

static const struct {
	const char *path;
	int (*answer)(const struct web_view *v, const struct http_server_request *request,
		struct http_server_reply *reply);
} paths[] = {
	{"/", page_front},
	{"/incidents", page_incidents},
	{"/apps", page_apps},
	{"/audit", page_audit},
	{"/report", page_report},
	{"/style.css", answer_style},
	{"/script.js", answer_script},
	{"/icon.svg", answer_icon},
	{"/metrics", answer_metrics},
	{"/-/healthy", answer_healthy},
	{"/-/ready", answer_ready},
	{"/api/v1/status", answer_status},
	{"/api/v1/stages", answer_stages},
	{"/api/v1/incidents", answer_incidents},
	{"/api/v1/observed", answer_observed},
	{"/api/v1/audit", answer_audit},
	{"/api/v1/report", answer_report},
	{"/api/v1/probe", answer_probe},
};

static const char incident_path[] = "/api/v1/incidents/";
static const char runbook_path[] = "/runbook/";
static const char incident_page_path[] = "/incidents/";

static const char misdirected[] =
	"Nothing is served under this name: a page of another site could have led it here, to read "
	"what this server tells. Ask by address or by localhost, or set external_url of [web] to "
	"the address that people use.\n";

int routes_answer(const struct web_view *view, const struct http_server_request *request,
	struct http_server_reply *reply)
{
	if (!web_users_open_path(request->path) &&
		host_guard_is_foreign(request, view->runtime->settings->web.external_url))
		return reply_text(reply, 421, "text/plain; charset=utf-8", misdirected);
	for (size_t i = 0; i < ELEMENTSOF(paths); i++)
		if (str_equal(paths[i].path, request->path))
			return paths[i].answer(view, request, reply);
	if (strncmp(request->path, incident_path, strlen(incident_path)) == 0)
		return answer_incident(view, request->path + strlen(incident_path), reply);
	if (strncmp(request->path, runbook_path, strlen(runbook_path)) == 0)
		return answer_runbook(view, request->path + strlen(runbook_path), reply);
	if (strncmp(request->path, incident_page_path, strlen(incident_page_path)) == 0)
		return page_incident(view, request->path + strlen(incident_page_path), reply);
	return reply_text(reply, 404, "text/plain; charset=utf-8", "no such page\n");
}
